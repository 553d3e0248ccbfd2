//! Convolutions with bias, SiLU and residual in one pass.

use super::direct::Direct;
use super::factors::Factors;
use super::instruction_set::InstructionSet;
use super::maps::{place, Maps, Place, View, LANES};
use super::memory::{Memory, Scratch};
use super::winograd::Winograd;

/// A convolution as a checkpoint has it, and how its channels lie in blocks.
pub struct ConvolutionSpec<'a> {
    /// `[out][in][kernel][kernel]`.
    pub weights: &'a [f32],
    /// `[out]`.
    pub bias: &'a [f32],
    /// Side of the square kernel: 1 or 3, padded with `kernel / 2` zeros on each side.
    pub kernel: usize,
    /// Step in both directions: 1 or 2.
    pub stride: usize,
    /// Whether the input is doubled in both directions first, each pixel to four: by those that
    /// [`Convolution::doubles`] names only.
    pub doubled: bool,
    /// Whether SiLU follows.
    pub silu: bool,
    /// The input channel of each lane, as [`lane_map`](super::lane_map) gives it.
    pub input: &'a [Option<usize>],
    /// The output channel of each lane.
    pub output: &'a [Option<usize>],
}

impl ConvolutionSpec<'_> {
    /// The tap of two lanes, zero where one of them holds no channel or there is no such input lane.
    pub(super) fn tap(&self, output: usize, input: usize, tap: usize) -> f32 {
        // As `check` has it; not counted, since this is asked for every tap.
        let channels = self.weights.len() / (self.bias.len() * self.kernel.pow(2)).max(1);
        match (self.output[output], self.input.get(input).copied().flatten()) {
            (Some(out), Some(channel)) => self.weights[(out * channels + channel) * self.kernel.pow(2) + tap],
            _ => 0.0,
        }
    }

    fn check(&self) {
        let [inputs, outputs] = [self.input, self.output].map(|lanes| lanes.iter().flatten().count());
        assert!(matches!((self.kernel, self.stride), (1 | 3, 1 | 2)), "{} x, stride {}", self.kernel, self.stride);
        assert_eq!(self.weights.len(), inputs * outputs * self.kernel.pow(2), "taps of {inputs} to {outputs} channels");
        assert_eq!(self.bias.len(), outputs);
        assert!([self.input, self.output].iter().all(|lanes| !lanes.is_empty() && lanes.len().is_multiple_of(LANES)));
    }
}

/// What a convolution reads and writes.
#[derive(Debug, Clone, Copy)]
pub struct Operands {
    /// Read.
    pub input: View,
    /// Written.
    pub output: View,
    /// Added after the activation; it may be what is overwritten.
    pub residual: Option<View>,
    /// What sums start from instead of the bias, of half the rows and columns: each of its pixels stands for four. Read by
    /// pointwise convolutions of stride 1 only.
    pub halved_sums: Option<View>,
}

impl Operands {
    /// A convolution that nothing is added to.
    pub fn new(input: View, output: View) -> Self {
        Self { input, output, residual: None, halved_sums: None }
    }
}

/// Where its operands are.
#[derive(Clone, Copy)]
pub(super) struct Places {
    pub from: Place,
    pub to: Place,
    pub residual: Option<Place>,
    pub halved_sums: Option<Place>,
}

/// A convolution packed for an instruction set.
pub struct Convolution {
    pub(super) set: InstructionSet,
    pub(super) in_blocks: usize,
    pub(super) out_blocks: usize,
    pub(super) silu: bool,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    doubled: bool,
    /// `[out]` in lanes.
    pub(super) bias: Memory,
    taps: Taps,
}

enum Taps {
    Direct(Direct),
    Winograd(Winograd),
}

/// Fewest input channels for which the transforms of Winograd's algorithm pay.
const WINOGRAD_CHANNELS: usize = 32;

impl Convolution {
    /// Packs a convolution. With `winograd`, 3 x 3 kernels of stride 1 are computed by Winograd's
    /// minimal filtering F(4 x 4, 3 x 3) where that is faster.
    ///
    /// # Panics
    ///
    /// If the spec's parts do not fit together, or the machine has no such instructions.
    pub fn new(spec: &ConvolutionSpec<'_>, set: InstructionSet, winograd: bool) -> Self {
        Self::pack(spec, set, winograd, Factors::Whole)
    }

    /// As [`Convolution::new`], of values and taps that are rounded to bfloat16 before they are multiplied; sums, bias,
    /// SiLU and residual are float32. Twice the products an instruction on machines with AVX-512 BF16, slower than
    /// float32 on others, with the same results but for the rounding of sums. Minimal filtering rounds what it
    /// multiplies, transformed values and transformed taps, of which a sum that is rounded otherwise may be one: there
    /// machines may differ by as much as bfloat16 does from float32.
    ///
    /// # Panics
    ///
    /// As [`Convolution::new`].
    pub fn bf16(spec: &ConvolutionSpec<'_>, set: InstructionSet, winograd: bool) -> Self {
        Self::pack(spec, set, winograd, Factors::rounded(set))
    }

    fn pack(spec: &ConvolutionSpec<'_>, set: InstructionSet, winograd: bool, factors: Factors) -> Self {
        spec.check();
        assert!(set.is_available(), "this machine has no {}", set.name());
        let pays = Self::doubles(spec.input.iter().flatten().count(), spec.kernel, spec.stride);
        assert!(!spec.doubled || (winograd && pays), "this convolution does not double its input");
        let taps = match winograd && pays {
            true => Taps::Winograd(Winograd::pack(spec, set, factors)),
            false => Taps::Direct(Direct::pack(spec, set, factors)),
        };
        let mut bias = Memory::zeros(spec.output.len());
        for (value, channel) in bias.values_mut().iter_mut().zip(spec.output) {
            *value = channel.map_or(0.0, |channel| spec.bias[channel]);
        }
        Self {
            set,
            in_blocks: spec.input.len() / LANES,
            out_blocks: spec.output.len() / LANES,
            silu: spec.silu,
            kernel: spec.kernel,
            stride: spec.stride,
            doubled: spec.doubled,
            bias,
            taps,
        }
    }

    /// Whether minimal filtering, where it is allowed, is faster for a convolution, and can double the input of one on
    /// the way.
    pub fn doubles(in_channels: usize, kernel: usize, stride: usize) -> bool {
        in_channels >= WINOGRAD_CHANNELS && kernel == 3 && stride == 1
    }

    /// Blocks of output channels.
    pub fn output_blocks(&self) -> usize {
        self.out_blocks
    }

    /// Convolves. `spread` lets the current pool's other threads help.
    ///
    /// # Panics
    ///
    /// If a view is not of the convolution's size, overlaps the output (the residual may be it), or
    /// has no border where the kernel reaches over it; if sums are given to a convolution that does not read them.
    pub fn run(&self, maps: &mut [Maps], scratch: &mut Scratch, operands: Operands, spread: bool) {
        let Operands { input, output, residual, halved_sums } = operands;
        assert!(input.blocks == self.in_blocks && output.blocks == self.out_blocks);
        assert!(residual.iter().chain(&halved_sums).all(|view| view.blocks == self.out_blocks));
        let others = [Some(input), residual.filter(|&view| view != output), halved_sums].into_iter().flatten();
        others.for_each(|view| assert!(!view.overlaps(output), "{view:?} overlaps {output:?}"));
        let [from, to] = [input, output].map(|view| place(maps, view));
        let [residual, halved_sums] = [residual, halved_sums].map(|view| view.map(|view| place(maps, view)));
        let places = Places { from, to, residual, halved_sums };
        self.check_sizes(&places);
        match &self.taps {
            Taps::Winograd(winograd) => winograd.run(self, scratch, places, spread),
            Taps::Direct(direct) => direct.run(self, scratch, places, spread),
        }
    }

    fn check_sizes(&self, places: &Places) {
        let size = |place: &Place| (place.shape.height, place.shape.width);
        let from = &places.from;
        let out = |size: usize| if self.doubled { 2 * size } else { size.div_ceil(self.stride) };
        let wanted = (out(from.shape.height), out(from.shape.width));
        assert_eq!(size(&places.to), wanted, "of {:?}", from.shape);
        assert!(places.residual.is_none_or(|residual| size(&residual) == wanted));
        if let Some(sums) = &places.halved_sums {
            assert_eq!((self.kernel, self.stride), (1, 1), "only pointwise convolutions start from sums");
            assert_eq!((2 * sums.shape.height, 2 * sums.shape.width), wanted, "twice {:?}", sums.shape);
        }
        assert!(from.shape.border >= self.kernel / 2, "a kernel of {} reaches over the border", self.kernel);
    }
}
