//! The images the goldens were made with.

use std::path::PathBuf;

use zoobench::dataset::{decode_image, Image, RgbView};
use zoobench::model::{letterbox_chw, InputBatch, Letterbox};

use super::params::{fnv1a64, splitmix64};

/// One of the recorded inputs, or `None` with a word on stderr where it is not to be had.
pub fn input(name: &str) -> Option<InputBatch> {
    match name {
        "synth" => Some(batch(synthetic(640, 640, 1).view())),
        "odd" => Some(batch(synthetic(427, 640, 2).view())),
        "photo" => photo().map(|bytes| jpeg(&bytes)),
        _ => panic!("an unknown input: {name}"),
    }
}

/// A JPEG file as a batch of one.
pub fn jpeg(bytes: &[u8]) -> InputBatch {
    batch(decode_image("photo.jpg", bytes).expect("the photo is a JPEG").view())
}

fn batch(image: RgbView<'_>) -> InputBatch {
    let mut data = vec![0.0; Letterbox::VALUES];
    letterbox_chw(image, &mut data).expect("the recorded inputs fit");
    InputBatch::new(1, data).expect("one image")
}

/// candle's `bike.jpg`, from where `ZOOBENCH_PHOTO` says.
fn photo() -> Option<Vec<u8>> {
    let Some(path) = std::env::var_os("ZOOBENCH_PHOTO").map(PathBuf::from) else {
        eprintln!("skipped: ZOOBENCH_PHOTO does not name candle's yolo-v8 bike.jpg");
        return None;
    };
    Some(std::fs::read(path).expect("ZOOBENCH_PHOTO names a file"))
}

/// Ramps, checker blocks, hash noise and a dozen rectangles, from integer arithmetic. The recipe's
/// channels are B, G, R; the image's R, G, B.
pub fn synthetic(height: u32, width: u32, seed: i64) -> Image {
    let mut pixels = Vec::new();
    let noise = fnv1a64(&format!("synth:{height}x{width}:{seed}"));
    for y in 0..i64::from(height) {
        for x in 0..i64::from(width) {
            let pixel = y as u64 * u64::from(width) + x as u64;
            for channel in [2, 1, 0] {
                let noise = splitmix64(noise, 3 * pixel + channel as u64) >> 59;
                pixels.push(texture(x, y, channel, seed, noise as i64).clamp(0, 255) as u8);
            }
        }
    }
    (0..12).for_each(|index| draw_rectangle(&mut pixels, height.into(), width.into(), seed, index));
    Image { height, width, rgb: pixels }
}

fn texture(x: i64, y: i64, channel: i64, seed: i64, noise: i64) -> i64 {
    let ramp = (x * (3 + channel) + y * (5 - channel)) / 7 + 40 * channel + 17 * seed;
    let wave = ramp % 510;
    let wave = if wave > 255 { 510 - wave } else { wave };
    let block = (((x / 48) * 7 + (y / 40) * 13 + channel * 5 + seed) * 37) % 97;
    (wave * 5 + block * 6 + noise * 4) / 10
}

fn draw_rectangle(pixels: &mut [u8], height: u64, width: u64, seed: i64, index: u64) {
    let hash = fnv1a64(&format!("rect:{seed}:{index}"));
    let random = |output, below: u64| splitmix64(hash, output) % below;
    let (x, y) = (random(0, width), random(1, height));
    let columns = x..(x + random(2, (width / 3).max(1)) + 1).min(width);
    let rows = y..(y + random(3, (height / 3).max(1)) + 1).min(height);
    for row in rows {
        for column in columns.clone() {
            for channel in 0..3 {
                let at = ((row * width + column) * 3 + 2 - channel) as usize;
                pixels[at] = random(4 + channel, 256) as u8;
            }
        }
    }
}
