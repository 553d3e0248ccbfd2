//! The images of a resample.

/// The step of SplitMix64: 2^64 divided by the golden ratio, made odd.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// SplitMix64's finaliser (Steele, Lea and Flood 2014): a bijection in which every bit of the input
/// changes half of those of the output.
fn mix(mut value: u64) -> u64 {
    value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// Number `index` of stream `stream` under `seed`. Any of them can be had without those before.
fn random(seed: u64, stream: u64, index: u64) -> u64 {
    let start = mix(mix(seed).wrapping_add(stream.wrapping_mul(STEP)));
    mix(start.wrapping_add(index.wrapping_mul(STEP)))
}

/// Writes how often each image is drawn in a resample.
///
/// An image comes with a chance that is off by at most 2^-64: the high half of a product stands for
/// the rest of a division.
pub(super) fn draw(seed: u64, resample: u32, weights: &mut [u32]) {
    weights.fill(0);
    let images = weights.len();
    for index in 0..images as u64 {
        let image = (u128::from(random(seed, u64::from(resample), index)) * images as u128) >> 64;
        weights[image as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights(seed: u64, resample: u32, images: usize) -> Vec<u32> {
        let mut weights = vec![7; images];
        draw(seed, resample, &mut weights);
        weights
    }

    #[test]
    fn as_many_images_are_drawn_as_there_are() {
        for images in [0, 1, 2, 1000] {
            assert_eq!(weights(3, 5, images).iter().sum::<u32>() as usize, images);
        }
    }

    #[test]
    fn seed_and_resample_decide() {
        assert_eq!(weights(1, 2, 50), weights(1, 2, 50));
        assert_ne!(weights(1, 2, 50), weights(1, 3, 50));
        assert_ne!(weights(1, 2, 50), weights(2, 2, 50));
    }

    #[test]
    fn numbers_are_those_of_the_published_generator() {
        // The first outputs of SplitMix64 from state 0 are mix(STEP), mix(2 STEP) ...
        let outputs: Vec<u64> = (1..4).map(|index: u64| mix(index.wrapping_mul(STEP))).collect();
        assert_eq!(outputs, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }

    #[test]
    fn multiplicities_are_those_of_draws_with_replacement() {
        // Of 1000 images, e^-1 are left out of a resample, and as many come once.
        let mut counts = [0u32; 3];
        for resample in 0..200 {
            for weight in weights(9, resample, 1000) {
                counts[weight.min(2) as usize] += 1;
            }
        }
        let share = |count: u32| f64::from(count) / 200_000.0;
        let expected = (-1.0f64).exp();
        assert!((share(counts[0]) - expected).abs() < 0.005 && (share(counts[1]) - expected).abs() < 0.005);
    }
}
