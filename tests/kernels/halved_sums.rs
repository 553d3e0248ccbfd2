//! Pointwise convolutions of a map beside a doubled one, whose sums over the latter are computed before it is doubled.

use proptest::prelude::*;
use zoobench::kernels::{lane_map, Convolution, ConvolutionSpec, InstructionSet, Operands, Scratch, LANES};

use super::{below, bfloat16, cases, close, empty, of_zeros, plain, tries, values, view, Case, New, Plain};

/// A convolution of two maps: the first segment of the input is half as high and as wide as the rest, and doubled.
#[derive(Debug, Clone)]
struct Beside(Case);

fn besides() -> impl Strategy<Value = Beside> {
    (cases(), 1..below(40), 1..below(10), 1..below(18)).prop_map(|(case, first, height, width)| {
        let input = [vec![first], case.input].concat();
        Beside(Case { input, height: 2 * height, width: 2 * width, kernel: 1, stride: 1, doubled: false, ..case })
    })
}

impl Beside {
    fn maps(&self) -> [Plain; 2] {
        let Case { seed, ref input, height, width, .. } = self.0;
        let halved = Plain::random(seed ^ 1, input[0], height / 2, width / 2);
        [halved, Plain::random(seed ^ 5, input[1..].iter().sum(), height, width)]
    }

    /// What is convolved, in one map.
    fn whole(&self) -> Plain {
        let [halved, other] = self.maps();
        let values = [halved.doubled().values, other.values].concat();
        Plain { channels: halved.channels + other.channels, values, ..other }
    }

    /// The weights of some input channels.
    fn weights(&self, channels: std::ops::Range<usize>) -> Vec<f32> {
        let all = self.0.weights();
        all.chunks_exact(self.0.channels().0).flat_map(|row| row[channels.clone()].to_vec()).collect()
    }

    fn run(&self, set: InstructionSet, spread: bool, new: New) -> Vec<f32> {
        let Case { seed, ref input, height, width, silu, residual, .. } = self.0;
        let ([halved, other], output) = (self.maps(), lane_map(&self.0.output));
        let bias = values(seed ^ 3, self.0.channels().1);
        let packed = |channels: std::ops::Range<usize>, lanes: &[Option<usize>], bias: &[f32], silu: bool| {
            let weights = &self.weights(channels);
            let (kernel, stride, output) = (1, 1, &output);
            let spec = ConvolutionSpec { weights, bias, kernel, stride, doubled: false, silu, input: lanes, output };
            new(&spec, set, true)
        };
        let [first, rest] = [lane_map(&input[..1]), lane_map(&input[1..])];
        let sums = packed(0..input[0], &first, &bias, false);
        // Its own bias must not count.
        let convolution = packed(input[0]..self.0.channels().0, &rest, &vec![f32::NAN; bias.len()], silu);
        let blocks = output.len() / LANES;
        let mut maps = vec![
            halved.blocked(&first),
            other.blocked(&rest),
            empty(blocks, height / 2, width / 2),
            empty(blocks, height, width),
            self.0.added().blocked(&output),
        ];
        let operands = Operands::new(view(0, first.len() / LANES), view(2, blocks));
        sums.run(&mut maps, &mut Scratch::default(), operands, spread);
        let operands = Operands {
            residual: residual.then(|| view(4, blocks)),
            halved_sums: Some(view(2, blocks)),
            ..Operands::new(view(1, rest.len() / LANES), view(3, blocks))
        };
        convolution.run(&mut maps, &mut Scratch::default(), operands, spread);
        plain(&maps[3], &output)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: tries(96), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_that_are_doubled_equal_those_of_a_doubled_map(beside in besides()) {
        let (case, mut whole) = (&beside.0, beside.whole());
        let expected = case.naive_of(&whole, &case.weights());
        whole.values = bfloat16(whole.values);
        let rounded = case.naive_of(&whole, &bfloat16(case.weights()));
        for set in InstructionSet::available() {
            let found = beside.run(set, false, Convolution::new);
            close(&found, &expected, 3e-6 * case.size());
            prop_assert_eq!(beside.run(set, true, Convolution::new), found, "threads change nothing");
            close(&beside.run(set, false, Convolution::bf16), &rounded, 3e-6 * case.size());
        }
    }
}

/// Runs a convolution of zeros onto sums of so many rows and columns.
fn onto_sums(kernel: usize, sides: usize) {
    let operands = Operands { halved_sums: Some(view(2, 1)), ..Operands::new(view(0, 1), view(1, 1)) };
    let mut maps = [empty(1, 4, 4), empty(1, 4, 4), empty(1, sides, sides)];
    of_zeros(16, kernel, false).run(&mut maps, &mut Scratch::default(), operands, false);
}

#[test]
#[should_panic(expected = "only pointwise")]
fn sums_for_a_kernel_of_three_are_refused() {
    onto_sums(3, 2);
}

#[test]
#[should_panic(expected = "twice")]
fn sums_of_another_size_are_refused() {
    onto_sums(1, 3);
}
