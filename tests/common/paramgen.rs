//! Deterministic images: integer arithmetic only, regenerable in any language.
#![allow(dead_code)]

/// FNV-1a, 64 bits, of a name's bytes.
pub fn fnv1a64(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Output `index` of the splitmix64 generator that starts at `seed`.
pub fn splitmix64(seed: u64, index: u64) -> u64 {
    let state = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A synthetic image, `[height][width][3]` with blue first: smooth ramps, checkered blocks, 5 bits
/// of noise and twelve rectangles.
pub fn synth_bgr(height: usize, width: usize, seed: u64) -> Vec<u8> {
    let noise_seed = fnv1a64(&format!("synth:{height}x{width}:{seed}"));
    let mut bgr = Vec::with_capacity(height * width * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let noise = splitmix64(noise_seed, bgr.len() as u64) >> 59;
                bgr.push(texture(y as u64, x as u64, channel, seed, noise));
            }
        }
    }
    for rectangle in 0..12 {
        paint_rectangle(&mut bgr, height, width, fnv1a64(&format!("rect:{seed}:{rectangle}")));
    }
    bgr
}

fn texture(y: u64, x: u64, channel: u64, seed: u64, noise: u64) -> u8 {
    let ramp = (x * (3 + channel) + y * (5 - channel)) / 7 + 40 * channel + 17 * seed;
    let wave = ramp % 510;
    let wave = if wave > 255 { 510 - wave } else { wave };
    let block = ((x / 48 * 7 + y / 40 * 13 + channel * 5 + seed) * 37) % 97;
    ((wave * 5 + block * 6 + noise * 4) / 10).min(255) as u8
}

fn paint_rectangle(bgr: &mut [u8], height: usize, width: usize, seed: u64) {
    let below = |index: u64, limit: usize| (splitmix64(seed, index) % limit as u64) as usize;
    let (left, top) = (below(0, width), below(1, height));
    let right = (left + below(2, (width / 3).max(1)) + 1).min(width);
    let bottom = (top + below(3, (height / 3).max(1)) + 1).min(height);
    let colour = [4, 5, 6].map(|index| below(index, 256) as u8);
    for y in top..bottom {
        for x in left..right {
            bgr[(y * width + x) * 3..][..3].copy_from_slice(&colour);
        }
    }
}

/// Exchanges red and blue.
pub fn swap_red_and_blue(pixels: &[u8]) -> Vec<u8> {
    pixels.chunks_exact(3).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
}
