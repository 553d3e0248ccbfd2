//! Every kernel against a naive loop in f64, on random shapes, under every instruction set that the
//! machine has.

#[path = "kernels/halved_sums.rs"]
mod halved_sums;
#[path = "kernels/rows.rs"]
mod rows;

use proptest::prelude::*;
use zoobench::kernels::{
    best_scores, class_scores, class_scores_above, lane_map, max_pool, upsample, ClassScore, ClassVectors, Convolution,
    ConvolutionSpec, Guide, InstructionSet, Maps, MapsShape, Operands, RisingFloor, Scratch, View, Wanted, LANES,
};

/// How many random cases of a property are tried at least: a few under Miri, which takes a thousand times as long.
fn tries(count: u32) -> u32 {
    if cfg!(miri) {
        2
    } else {
        ProptestConfig::default().cases.max(count)
    }
}

/// The end of a range of sizes: near under Miri, where most of the time would go to the naive loops.
const fn below(end: usize) -> usize {
    if cfg!(miri) && end > 6 {
        6
    } else {
        end
    }
}

/// Values in -1..1 that follow from a seed.
fn values(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Maps in rows, `[channels][height][width]`.
#[derive(Debug, Clone)]
struct Plain {
    channels: usize,
    height: usize,
    width: usize,
    values: Vec<f32>,
}

impl Plain {
    fn random(seed: u64, channels: usize, height: usize, width: usize) -> Self {
        Self { channels, height, width, values: values(seed, channels * height * width) }
    }

    /// The value of a pixel; `None` outside of the map.
    fn get(&self, channel: usize, row: isize, column: isize) -> Option<f32> {
        let row = usize::try_from(row).ok().filter(|&row| row < self.height)?;
        let column = usize::try_from(column).ok().filter(|&column| column < self.width)?;
        Some(self.values[(channel * self.height + row) * self.width + column])
    }

    /// Each pixel as four.
    fn doubled(&self) -> Self {
        let rows = self.values.chunks_exact(self.width).flat_map(|row| [row; 2]);
        let values = rows.flat_map(|row| row.iter().flat_map(|&value| [value; 2])).collect();
        Self { height: 2 * self.height, width: 2 * self.width, values, ..*self }
    }

    fn blocked(&self, lanes: &[Option<usize>]) -> Maps {
        let mut maps = empty(lanes.len() / LANES, self.height, self.width);
        let pixels = self.height * self.width;
        for (lane, channel) in lanes.iter().enumerate() {
            if let Some(channel) = channel {
                maps.write_channel(lane, &self.values[channel * pixels..][..pixels]);
            }
        }
        maps
    }
}

fn empty(blocks: usize, height: usize, width: usize) -> Maps {
    Maps::new(MapsShape { blocks, height, width, border: 1 })
}

fn view(maps: usize, blocks: usize) -> View {
    View { maps, block: 0, blocks }
}

/// The channels that lanes hold, back in rows; lanes without a channel must be zero.
fn plain(maps: &Maps, lanes: &[Option<usize>]) -> Vec<f32> {
    let pixels = maps.shape().height * maps.shape().width;
    let mut values = vec![0.0; lanes.iter().flatten().count() * pixels];
    for (lane, channel) in lanes.iter().enumerate() {
        let map = maps.read_channel(lane);
        match channel {
            Some(channel) => values[channel * pixels..][..pixels].copy_from_slice(&map),
            None => assert!(map.iter().all(|value| *value == 0.0), "lane {lane} holds no channel"),
        }
    }
    values
}

fn close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let apart = (f64::from(*found) - expected).abs();
        assert!(apart <= tolerance, "{index}: {found} is more than {tolerance:e} from {expected}");
    }
}

/// The size that a sum of products of values in -1..1 has by its number of `terms`. What its rounding may come to is
/// said in units of it, not of the sum, which may cancel: about twice the most that 12,000 random cases showed.
fn size(terms: usize) -> f64 {
    (terms as f64).sqrt()
}

/// Whether what Winograd's algorithm makes of rounded values is as near as can be asked for: in root mean squares, to
/// those of the `products` that the values are sums of, since a sum may cancel what its parts were rounded by.
fn near(found: &[f32], expected: &[f64], products: f64) {
    let apart = found.iter().zip(expected).map(|(found, expected)| (f64::from(*found) - expected).powi(2));
    let apart = apart.sum::<f64>().sqrt();
    assert!(apart <= 0.025 * products.sqrt(), "{apart} of {}", products.sqrt());
}

#[derive(Debug, Clone)]
struct Case {
    seed: u64,
    input: Vec<usize>,
    output: Vec<usize>,
    height: usize,
    width: usize,
    kernel: usize,
    stride: usize,
    doubled: bool,
    silu: bool,
    residual: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let segments = || prop::collection::vec(1..below(40), 1..3);
    let sizes = (1..below(19), 1..below(33), prop_oneof![Just(1usize), Just(3)], 1usize..3);
    (any::<u64>(), segments(), segments(), sizes, any::<bool>(), any::<bool>()).prop_map(
        |(seed, input, output, (height, width, kernel, stride), silu, residual)| Case {
            seed,
            input,
            output,
            height,
            width,
            kernel,
            stride,
            doubled: false,
            silu,
            residual,
        },
    )
}

/// Convolutions that double their input on the way, which is wide.
fn doubling_cases() -> impl Strategy<Value = Case> {
    (cases(), 32..32 + below(16), 1..below(12), 1..below(12)).prop_map(|(case, first, height, width)| {
        let input = [vec![first], case.input].concat();
        Case { input, height, width, kernel: 3, stride: 1, doubled: true, ..case }
    })
}

/// Packs a convolution, of float32 or of bfloat16.
type New = fn(&ConvolutionSpec<'_>, InstructionSet, bool) -> Convolution;

/// The nearest values whose lower half is zero, of two that are equally near the one with an even upper half.
fn bfloat16(values: Vec<f32>) -> Vec<f32> {
    let round = |value: f32| {
        let below = value.to_bits() >> 16 << 16;
        let off = |bits: u32| (f64::from(f32::from_bits(bits)) - f64::from(value)).abs();
        let is_below = off(below) < off(below + (1 << 16))
            || (off(below) == off(below + (1 << 16)) && (below >> 16).is_multiple_of(2));
        f32::from_bits(if is_below { below } else { below + (1 << 16) })
    };
    values.into_iter().map(round).collect()
}

impl Case {
    fn channels(&self) -> (usize, usize) {
        (self.input.iter().sum(), self.output.iter().sum())
    }

    fn out_size(&self) -> (usize, usize) {
        if self.doubled {
            return (2 * self.height, 2 * self.width);
        }
        (self.height.div_ceil(self.stride), self.width.div_ceil(self.stride))
    }

    fn weights(&self) -> Vec<f32> {
        let (inputs, outputs) = self.channels();
        values(self.seed ^ 2, inputs * outputs * self.kernel.pow(2))
    }

    fn image(&self) -> Plain {
        Plain::random(self.seed ^ 1, self.channels().0, self.height, self.width)
    }

    fn added(&self) -> Plain {
        let (height, width) = self.out_size();
        Plain::random(self.seed ^ 4, self.channels().1, height, width)
    }

    fn naive(&self) -> Vec<f64> {
        self.naive_of(&self.image(), &self.weights())
    }

    /// The convolution of an image with weights.
    fn naive_of(&self, image: &Plain, weights: &[f32]) -> Vec<f64> {
        let image = &if self.doubled { image.doubled() } else { image.clone() };
        let (outputs, (height, width)) = (self.channels().1, self.out_size());
        let (bias, added) = (values(self.seed ^ 3, outputs), self.added());
        let mut result = Vec::new();
        for (out, bias) in bias.iter().enumerate() {
            for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
                let sum = f64::from(*bias) + self.window(image, weights, out, row, column);
                let value = if self.silu { sum / (1.0 + (-sum).exp()) } else { sum };
                let residual = added.get(out, row as isize, column as isize).filter(|_| self.residual);
                result.push(value + residual.map_or(0.0, f64::from));
            }
        }
        result
    }

    /// The [`size`] of an output.
    fn size(&self) -> f64 {
        size(self.channels().0 * self.kernel.pow(2))
    }

    /// The squares of all products of a value and a weight, summed.
    fn products(&self) -> f64 {
        let square = |values: Vec<f32>| values.into_iter().map(|value| value * value).collect::<Vec<_>>();
        let (mut image, weights) = (self.image(), square(self.weights()));
        image.values = square(image.values);
        let image = if self.doubled { image.doubled() } else { image };
        let (height, width) = self.out_size();
        let pixels = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
        let of_pixel = |(row, column)| {
            (0..self.channels().1).map(|out| self.window(&image, &weights, out, row, column)).sum::<f64>()
        };
        pixels.map(of_pixel).sum()
    }

    fn window(&self, image: &Plain, weights: &[f32], out: usize, row: usize, column: usize) -> f64 {
        let (side, reach) = (self.kernel, (self.kernel / 2) as isize);
        let mut sum = 0.0;
        for channel in 0..image.channels {
            for tap in 0..side * side {
                let y = (row * self.stride + tap / side) as isize - reach;
                let x = (column * self.stride + tap % side) as isize - reach;
                let weight = weights[(out * image.channels + channel) * side * side + tap];
                sum += f64::from(weight) * f64::from(image.get(channel, y, x).unwrap_or(0.0));
            }
        }
        sum
    }

    fn kernel(&self, set: InstructionSet, winograd: bool, spread: bool) -> Vec<f32> {
        self.packed(set, winograd, spread, Convolution::new)
    }

    /// What a packing of the convolution computes.
    fn packed(&self, set: InstructionSet, winograd: bool, spread: bool, new: New) -> Vec<f32> {
        let (input, output) = (lane_map(&self.input), lane_map(&self.output));
        let (height, width) = self.out_size();
        let bias = values(self.seed ^ 3, self.channels().1);
        let weights = self.weights();
        let spec = ConvolutionSpec {
            weights: &weights,
            bias: &bias,
            kernel: self.kernel,
            stride: self.stride,
            doubled: self.doubled,
            silu: self.silu,
            input: &input,
            output: &output,
        };
        let convolution = new(&spec, set, winograd);
        let blocks = output.len() / LANES;
        let mut maps = vec![self.image().blocked(&input), empty(blocks, height, width), self.added().blocked(&output)];
        let operands = Operands::new(view(0, input.len() / LANES), view(1, blocks));
        let operands = Operands { residual: self.residual.then(|| view(2, blocks)), ..operands };
        convolution.run(&mut maps, &mut Scratch::default(), operands, spread);
        plain(&maps[1], &output)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: tries(96), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_equal_a_naive_loop(case in cases()) {
        let expected = case.naive();
        for set in InstructionSet::available() {
            let direct = case.kernel(set, false, false);
            close(&direct, &expected, 3e-6 * case.size());
            prop_assert_eq!(case.kernel(set, false, true), direct, "threads change nothing");
            close(&case.kernel(set, true, false), &expected, 6e-6 * case.size());
        }
    }

    /// Products of rounded values are exact: what is left is the rounding of sums. By minimal filtering it is sums of
    /// values and of taps that are rounded, so that more is lost.
    #[test]
    fn convolutions_in_bf16_equal_a_naive_loop_on_rounded_values(case in cases()) {
        let mut image = case.image();
        image.values = bfloat16(image.values);
        let (rounded, exact) = (case.naive_of(&image, &bfloat16(case.weights())), case.naive());
        let products = case.products();
        for set in InstructionSet::available() {
            let direct = case.packed(set, false, false, Convolution::bf16);
            close(&direct, &rounded, 2e-6 * case.size());
            prop_assert_eq!(case.packed(set, false, true, Convolution::bf16), direct, "threads change nothing");
            let winograd = case.packed(set, true, false, Convolution::bf16);
            near(&winograd, &exact, products);
            prop_assert_eq!(case.packed(set, true, true, Convolution::bf16), winograd, "threads change nothing");
        }
    }

    #[test]
    fn convolutions_of_doubled_maps_equal_a_naive_loop(case in doubling_cases()) {
        let (expected, products) = (case.naive(), case.products());
        for set in InstructionSet::available() {
            let found = case.kernel(set, true, false);
            close(&found, &expected, 1.5e-5 * case.size());
            prop_assert_eq!(case.kernel(set, true, true), found, "threads change nothing");
            near(&case.packed(set, true, false, Convolution::bf16), &expected, products);
        }
    }

    #[test]
    fn the_best_score_equals_a_naive_loop(
        seed: u64, channels in 1..below(40), classes in 1..below(80), height in 1usize..4, width in 1..below(33),
    ) {
        let image = Plain::random(seed, channels, height, width);
        let texts = values(seed ^ 9, classes * channels);
        let lanes = lane_map(&[channels]);
        let dot = |class: usize, pixel: usize| -> f64 {
            let product = |channel: usize| {
                f64::from(texts[class * channels + channel]) * f64::from(image.values[channel * height * width + pixel])
            };
            (0..channels).map(product).sum()
        };
        let pixels = 0..height * width;
        let best: Vec<f64> = pixels.map(|pixel| (0..classes).map(|class| dot(class, pixel)).fold(f64::MIN, f64::max)).collect();
        let value = |class: usize, lane: usize| lanes[lane].map_or(0.0, |channel| texts[class * channels + channel]);
        for set in InstructionSet::available() {
            let guide = Guide::new(set, classes, lanes.len() / LANES, value);
            close(&best_scores(&mut [image.blocked(&lanes)], view(0, lanes.len() / LANES), &guide, true), &best, 2e-6 * size(channels));
        }
    }

    #[test]
    fn the_best_score_in_bf16_equals_a_naive_loop_on_rounded_values(
        seed: u64, channels in 1..below(70), classes in 1..below(80), height in 1usize..4, width in 1..below(33),
    ) {
        let image = Plain::random(seed, channels, height, width);
        let texts = values(seed ^ 9, classes * channels);
        let (pixels, rounded) = (bfloat16(image.values.clone()), bfloat16(texts.clone()));
        let (lanes, count) = (lane_map(&[channels]), height * width);
        let dot = |class: usize, pixel: usize| -> f64 {
            let product = |channel: usize| {
                f64::from(rounded[class * channels + channel]) * f64::from(pixels[channel * count + pixel])
            };
            (0..channels).map(product).sum()
        };
        let best = (0..count).map(|pixel| (0..classes).map(|class| dot(class, pixel)).fold(f64::MIN, f64::max));
        let best: Vec<f64> = best.collect();
        let value = |class: usize, lane: usize| lanes[lane].map_or(0.0, |channel| texts[class * channels + channel]);
        for set in InstructionSet::available() {
            let guide = Guide::bf16(set, classes, lanes.len() / LANES, value);
            close(&best_scores(&mut [image.blocked(&lanes)], view(0, lanes.len() / LANES), &guide, true), &best, 2e-6 * size(channels));
        }
    }

    #[test]
    fn class_scores_equal_a_naive_loop(
        seed: u64, channels in 1..below(70), classes in 1..below(80), height in 1usize..4, width in 1..below(33),
    ) {
        let image = Plain::random(seed, channels, height, width);
        let (texts, factors) = (values(seed ^ 5, classes * channels), values(seed ^ 7, height * width));
        let (lanes, count) = (lane_map(&[channels]), height * width);
        let score = |class: usize, pixel: usize| -> f64 {
            let product = |channel: usize| {
                f64::from(texts[class * channels + channel]) * f64::from(image.values[channel * count + pixel])
            };
            0.25 + f64::from(factors[pixel]) * (0..channels).map(product).sum::<f64>()
        };
        let all = (0..classes).flat_map(|class| (0..count).map(move |pixel| (class, pixel)));
        let expected: Vec<f64> = all.map(|(class, pixel)| score(class, pixel)).collect();
        let value = |class: usize, lane: usize| lanes[lane].map_or(0.0, |channel| texts[class * channels + channel]);
        for set in InstructionSet::available() {
            let blocks = lanes.len() / LANES;
            let vectors = ClassVectors::new(set, vec![0.25; classes], blocks, value);
            let mut maps = [image.blocked(&lanes)];
            let scores = class_scores(&mut maps, view(0, blocks), &vectors, Some(&factors), true);
            close(&scores, &expected, 2e-6 * size(channels));
            for (least, most) in [(0.5, usize::MAX), (f32::NEG_INFINITY, usize::MAX), (-1.0, 20)] {
                let floor = RisingFloor::new(Wanted { floor: least, most, margin: 1e-3, flat: 8.0 });
                let above = class_scores_above(&mut maps, view(0, blocks), &vectors, Some(&factors), &floor, true);
                let floor = floor.settle();
                let place = |found: &ClassScore| found.class as usize * count + found.pixel as usize;
                let reached = above.iter().flatten().filter(|found| found.score >= floor);
                let mut found: Vec<_> = reached.map(|found| (place(found), found.score)).collect();
                found.sort_by_key(|&(place, _)| place);
                let kept: Vec<_> = scores.iter().copied().enumerate().filter(|&(_, score)| score >= floor).collect();
                prop_assert!(kept.len() >= most.min(scores.iter().filter(|&&score| score >= least).count()));
                prop_assert_eq!(found, kept);
            }
        }
    }

    #[test]
    fn pooling_and_upsampling_equal_naive_loops(seed: u64, channels in 1usize..20, height in 1usize..9, width in 1usize..9) {
        let image = Plain::random(seed, channels, height, width);
        let lanes = lane_map(&[channels]);
        let blocks = lanes.len() / LANES;
        let mut maps = vec![image.blocked(&lanes), empty(blocks, height, width), empty(blocks, 2 * height, 2 * width)];
        max_pool(&mut maps, view(0, blocks), view(1, blocks), 5, true);
        upsample(&mut maps, view(0, blocks), view(2, blocks), true);
        let (pooled, doubled) = (plain(&maps[1], &lanes), plain(&maps[2], &lanes));
        for (index, pooled) in pooled.into_iter().enumerate() {
            let (channel, row, column) = (index / height / width, index / width % height, index % width);
            let near = (-2isize..=2).flat_map(|y| (-2isize..=2).map(move |x| (row as isize + y, column as isize + x)));
            let greatest = near.filter_map(|(y, x)| image.get(channel, y, x)).fold(f32::MIN, f32::max);
            prop_assert_eq!(pooled, greatest);
            let corner = (2 * (channel * height + row) + 1) * 2 * width + 2 * column;
            prop_assert_eq!(doubled[corner..corner + 2].to_vec(), vec![image.values[index]; 2]);
        }
    }
}

/// Rounded values tell which pixels are worth a look: not one that reaches the floor may be missed, however near it is,
/// how large or small, and if it is no number.
#[test]
fn scores_at_the_floor_are_found_whatever_their_size() {
    let (channels, classes, width) = if cfg!(miri) { (16, 20, 32) } else { (64, 40, 64) };
    let lanes = lane_map(&[channels]);
    let texts = values(3, classes * channels);
    for size in [1.0, 1e-3, 1e-12, 1e-30, 1e12, 1e30, f32::NAN] {
        let mut image = Plain::random(4, channels, 1, width);
        image.values.chunks_mut(width).flat_map(|row| row.iter_mut().step_by(3)).for_each(|value| *value *= size);
        let (mut maps, blocks) = ([image.blocked(&lanes)], lanes.len() / LANES);
        for set in InstructionSet::available() {
            let value = |class: usize, lane: usize| texts[class * channels + lane];
            let vectors = ClassVectors::new(set, vec![0.0; classes], blocks, value);
            let scores = class_scores(&mut maps, view(0, blocks), &vectors, None, false);
            let mut sorted: Vec<f32> = scores.iter().copied().filter(|score| score.is_finite()).collect();
            sorted.sort_by(f32::total_cmp);
            // Each of the hundred floors is a score, which reaches it.
            for least in sorted.iter().step_by(sorted.len().div_ceil(tries(100) as usize)).copied() {
                let floor = RisingFloor::new(Wanted { floor: least, most: usize::MAX, margin: 1e-3, flat: 8.0 });
                let above = class_scores_above(&mut maps, view(0, blocks), &vectors, None, &floor, false);
                let mut found: Vec<(usize, f32)> = above
                    .iter()
                    .flatten()
                    .map(|found| (found.class as usize * width + found.pixel as usize, found.score))
                    .collect();
                found.sort_by_key(|&(place, _)| place);
                let expected: Vec<_> =
                    scores.iter().copied().enumerate().filter(|&(_, score)| score >= least).collect();
                assert_eq!(found, expected, "{size}, floor {least}");
            }
        }
    }
}

/// Every value loses to bfloat16 nearly half of its last digit, all in the same direction: no scores are further from
/// those of rounded values.
#[test]
fn scores_that_rounding_lowers_most_are_found() {
    let (channels, width, lanes) = (64, 64, lane_map(&[64]));
    let value = |halvings: usize| (1.0 + 0.99 / 256.0) / (1u32 << halvings) as f32;
    let image = Plain {
        channels,
        height: 1,
        width,
        values: (0..channels * width).map(|index| value(index % width % 8)).collect(),
    };
    let mut maps = [image.blocked(&lanes)];
    for set in InstructionSet::available() {
        let vectors = ClassVectors::new(set, vec![0.0; 32], lanes.len() / LANES, |class, _| value(class % 5));
        let scores = class_scores(&mut maps, view(0, lanes.len() / LANES), &vectors, None, false);
        let most = scores.iter().copied().fold(0.0, f32::max);
        let floor = RisingFloor::new(Wanted { floor: most, most: usize::MAX, margin: 1e-3, flat: 8.0 });
        let above = class_scores_above(&mut maps, view(0, lanes.len() / LANES), &vectors, None, &floor, false);
        let found: Vec<f32> = above.iter().flatten().map(|found| found.score).collect();
        assert_eq!(found, vec![most; 7 * width / 8]);
    }
}

/// As documented at `Lanes::silu`, over all exponents.
#[test]
fn silu_is_right_to_a_few_units_in_the_last_place() {
    let magnitude = |exponent: u32, part: u32| f32::from_bits((exponent << 23) | (part << 19) | (part * 0x1357));
    let magnitudes = (1..255).flat_map(|exponent| (0..16).map(move |part| magnitude(exponent, part)));
    let inputs: Vec<f32> = magnitudes.flat_map(|x| [x, -x]).collect();
    let lanes = lane_map(&[1]);
    let spec = ConvolutionSpec {
        weights: &[1.0],
        bias: &[0.0],
        kernel: 1,
        stride: 1,
        doubled: false,
        silu: true,
        input: &lanes,
        output: &lanes,
    };
    for set in InstructionSet::available() {
        let mut maps = vec![empty(1, 1, inputs.len()), empty(1, 1, inputs.len())];
        maps[0].write_channel(0, &inputs);
        let convolution = Convolution::new(&spec, set, false);
        convolution.run(&mut maps, &mut Scratch::default(), Operands::new(view(0, 1), view(1, 1)), false);
        for (x, found) in inputs.iter().map(|x| f64::from(*x)).zip(maps[1].read_channel(0)) {
            let expected = x / (1.0 + (-x).exp());
            let bound = match x < -87.0 {
                true => -x * 2f64.powi(-125),
                false => (4.0 - x.min(0.0)) * f64::from(f32::EPSILON) * expected.abs() + 2f64.powi(-149),
            };
            let apart = (f64::from(found) - expected).abs();
            assert!(apart <= bound, "{x}: {found} is not {expected}, {apart} apart on {}", set.name());
        }
    }
}

/// A convolution of zeros from so many channels to as many.
fn of_zeros(channels: usize, kernel: usize, winograd: bool) -> Convolution {
    let lanes = lane_map(&[channels]);
    let (weights, bias) = (vec![0.0; channels * channels * kernel * kernel], vec![0.0; channels]);
    let spec = ConvolutionSpec {
        weights: &weights,
        bias: &bias,
        kernel,
        stride: 1,
        doubled: false,
        silu: false,
        input: &lanes,
        output: &lanes,
    };
    Convolution::new(&spec, InstructionSet::Portable, winograd)
}

#[test]
#[should_panic(expected = "overlaps")]
fn a_convolution_into_its_own_input_is_refused() {
    let convolution = of_zeros(16, 1, false);
    convolution.run(&mut [empty(1, 4, 4)], &mut Scratch::default(), Operands::new(view(0, 1), view(0, 1)), false);
}

#[test]
#[should_panic(expected = "border")]
fn a_window_over_a_border_that_is_not_there_is_refused() {
    let convolution = of_zeros(16, 3, true);
    let bare = || Maps::new(MapsShape { blocks: 1, height: 4, width: 4, border: 0 });
    convolution.run(&mut [bare(), bare()], &mut Scratch::default(), Operands::new(view(0, 1), view(1, 1)), false);
}

#[test]
#[should_panic(expected = "View")]
fn a_view_beyond_the_maps_is_refused() {
    let convolution = of_zeros(32, 1, false);
    let mut maps = [empty(1, 4, 4), empty(2, 4, 4)];
    convolution.run(&mut maps, &mut Scratch::default(), Operands::new(view(0, 2), view(1, 2)), false);
}
