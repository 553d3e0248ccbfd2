//! Launches of `convolution.cu`.

use super::accelerator::{narrow, Accelerator, Argument, Blocks, Format, Kernel, Source};
use super::pixels::{Pixels, LANES};
use super::tile::{choose, Tile};
use Argument::{Words, U32};

/// Bits of `what` in the kernel.
const SILU: u32 = 1;
const RESIDUAL: u32 = 2;
const PLANES: u32 = 4;
const FACTORS: u32 = 8;

/// Side of a kernel at most: its taps are bits of a word.
const MOST_KERNEL: usize = 5;
/// Numbers of an input or of weights, all of which must be fewer.
const MOST_NUMBERS: usize = 1 << 31;

/// Parts that a tile's sum is cut into at most.
pub const MOST_PARTS: usize = 8;

/// Row tiles of a launch at most.
const ROW_TILES: usize = 65_535;

/// The weights of a convolution.
#[derive(Debug)]
pub struct Filter<'a, B> {
    /// Numbers, each at its [`WeightPlaces::place`], and zeros.
    pub weights: &'a B,
    /// `[out_channels]` float32.
    pub bias: &'a B,
    /// Side of the square kernel, odd.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Channels of the output.
    pub out_channels: usize,
}

impl<B> Clone for Filter<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Filter<'_, B> {}

impl Format {
    /// Numbers of a row of weights that a kernel takes at once.
    pub fn slice(self) -> usize {
        32 * self.numbers_a_word()
    }

    /// Slices of a row of so many numbers.
    pub fn slices(self, numbers: usize) -> usize {
        numbers.div_ceil(self.slice())
    }
}

/// Where weights lie in memory: for 32 output channels at a time and slice after slice, as the GPU copies them.
#[derive(Debug, Clone, Copy)]
pub struct WeightPlaces {
    format: Format,
    in_channels: usize,
    taps: usize,
    slices: usize,
}

/// Output channels whose weights are copied together.
const PIECE: usize = 32;

impl WeightPlaces {
    /// Those of a square kernel.
    pub fn new(format: Format, in_channels: usize, kernel: usize) -> Self {
        let taps = kernel * kernel;
        Self { format, in_channels, taps, slices: format.slices(taps * in_channels) }
    }

    /// Numbers of a buffer for so many output channels.
    pub fn numbers(&self, out_channels: usize) -> usize {
        out_channels.next_multiple_of(PIECE) * self.slices * self.format.slice()
    }

    /// The number that is a weight. A slice's channels have all taps before the next slice's have any; eight vectors are a
    /// row of a slice, in another order in each of eight rows (`place` in `convolution.cu`).
    pub fn place(&self, out: usize, tap: usize, channel: usize) -> usize {
        let slice = self.format.slice();
        let before = channel / slice * slice;
        let at = before * self.taps + tap * slice.min(self.in_channels - before) + channel % slice;
        let (number, vector, lanes) = (at / slice, at % slice / (slice / 8), slice / 8);
        let row = out % PIECE;
        (((out / PIECE * self.slices + number) * PIECE + row) * 8 + (vector ^ (row % 8))) * lanes + at % lanes
    }
}

/// What a convolution's result becomes.
#[derive(Debug)]
pub enum ConvolutionOutput<'a, B> {
    /// Pixels of as many channels as the filter has rows.
    Maps {
        /// Where they go.
        pixels: Pixels<'a, B>,
        /// What is added last.
        residual: Option<Pixels<'a, B>>,
    },
    /// Planes of float32, `[out_channels][out_height][out_width]`, of one image.
    Planes {
        /// Where they go.
        planes: &'a B,
        /// `[out_height][out_width]` float32, by which pixels are multiplied before the bias is added.
        factors: Option<&'a B>,
    },
}

/// A convolution to launch.
#[derive(Debug)]
pub struct Convolution<'a, B> {
    /// The weights.
    pub filter: Filter<'a, B>,
    /// `[images][height][width]`.
    pub input: Pixels<'a, B>,
    /// Images.
    pub images: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Whether x becomes x * logistic(x).
    pub silu: bool,
    /// What becomes of it.
    pub output: ConvolutionOutput<'a, B>,
}

/// What convolutions need in between, one after the other.
#[derive(Debug)]
pub struct ConvolutionScratch<B> {
    /// Sums of parts of tiles.
    pub parts: B,
    /// Zeros between launches: how many of a tile's parts are there.
    pub arrived: B,
}

impl<B> ConvolutionScratch<B> {
    /// Words of both buffers for a result of so many pixels and channels.
    pub fn words(pixels: usize, out_channels: usize, slices: usize) -> [usize; 2] {
        Self::words_in(choose(pixels, out_channels, slices), pixels, out_channels)
    }

    /// The same where the result is computed in given tiles, in so many parts each.
    pub fn words_in((tile, parts): (Tile, usize), pixels: usize, out_channels: usize) -> [usize; 2] {
        let tiles = tile.count(pixels, out_channels);
        if parts == 1 {
            return [0, 0];
        }
        [tiles * parts * tile.rows * tile.columns, tiles]
    }
}

impl<B> Convolution<'_, B> {
    /// Rows and columns of the result.
    pub fn out_sides(&self) -> [usize; 2] {
        [self.height, self.width].map(|side| side.div_ceil(self.filter.stride))
    }

    /// Slices of each row of weights.
    fn slices(&self, format: Format) -> usize {
        format.slices(self.filter.kernel * self.filter.kernel * self.filter.in_channels)
    }
}

/// Launches a convolution.
///
/// # Errors
/// As [`Accelerator::launch_blocks`].
///
/// # Panics
/// If sizes do not fit together or to the buffers.
pub fn convolve<A: Accelerator>(
    machine: &A,
    format: Format,
    convolution: &Convolution<'_, A::Buffer>,
    scratch: &ConvolutionScratch<A::Buffer>,
) -> Result<(), A::Error> {
    let [out_height, out_width] = convolution.out_sides();
    // Where there are more rows of tiles than a grid has, or more numbers than a kernel counts, some images at a time.
    let numbers = (convolution.height * convolution.width * convolution.input.pitch).max(1);
    let at_once = (ROW_TILES * 64 / (out_height * out_width).max(1)).min((MOST_NUMBERS - 1) / numbers).max(1);
    for first in (0..convolution.images).step_by(at_once) {
        let some = Convolution {
            input: convolution.input.behind(first * convolution.height * convolution.width),
            images: at_once.min(convolution.images - first),
            output: match convolution.output {
                ConvolutionOutput::Maps { pixels, residual } => {
                    let before = first * out_height * out_width;
                    let residual = residual.map(|residual| residual.behind(before));
                    ConvolutionOutput::Maps { pixels: pixels.behind(before), residual }
                }
                ConvolutionOutput::Planes { planes, factors } => ConvolutionOutput::Planes { planes, factors },
            },
            ..*convolution
        };
        let [pixels, slices] = [some.images * out_height * out_width, some.slices(format)];
        convolve_in(machine, format, &some, scratch, choose(pixels, some.filter.out_channels, slices))?;
    }
    Ok(())
}

/// Launches a convolution in given tiles, each in so many parts.
///
/// # Errors
/// As [`Accelerator::launch_blocks`].
///
/// # Panics
/// As [`convolve`], and if the result has more tiles than a grid, or its sums more parts than slices or than
/// [`MOST_PARTS`].
pub fn convolve_in<A: Accelerator>(
    machine: &A,
    format: Format,
    convolution: &Convolution<'_, A::Buffer>,
    scratch: &ConvolutionScratch<A::Buffer>,
    (tile, parts): (Tile, usize),
) -> Result<(), A::Error> {
    let &Convolution { filter, input, images, height, width, .. } = convolution;
    let Filter { kernel, stride, in_channels, out_channels, .. } = filter;
    let [out_height, out_width] = convolution.out_sides();
    let pixels = images * out_height * out_width;
    assert!(kernel % 2 == 1 && stride > 0 && out_channels > 0 && input.channels == in_channels);
    let slices = convolution.slices(format);
    assert!((1..=MOST_PARTS.min(slices)).contains(&parts) && pixels.div_ceil(tile.rows) <= ROW_TILES);
    let weights = WeightPlaces::new(format, in_channels, kernel).numbers(out_channels);
    assert!(kernel <= MOST_KERNEL && weights < MOST_NUMBERS && images * height * width * input.pitch < MOST_NUMBERS);
    assert!(machine.words(filter.weights) >= weights / format.numbers_a_word());
    assert!(machine.words(filter.bias) >= out_channels);
    let [part_words, tiles] = ConvolutionScratch::<A::Buffer>::words_in((tile, parts), pixels, out_channels);
    assert!(machine.words(&scratch.parts) >= part_words && machine.words(&scratch.arrived) >= tiles);
    let from = input.address(machine, format, images * height * width);
    // What is not used gets an address that is there.
    let unused = Words(filter.bias, 0);
    let silu = if convolution.silu { SILU } else { 0 };
    let (to, out_pitch, residual, residual_pitch, planes, factors, what) = match &convolution.output {
        ConvolutionOutput::Maps { pixels: to, residual } => {
            assert_eq!(to.channels, out_channels, "the filter's rows are the output's channels");
            let added = residual.map(|added| {
                assert_eq!(added.channels, out_channels, "the residual has the output's channels");
                (added.address(machine, format, pixels), added.pitch())
            });
            let what = silu | if added.is_some() { RESIDUAL } else { 0 };
            let (residual, residual_pitch) = added.unwrap_or((unused, U32(0)));
            (to.address(machine, format, pixels), to.pitch(), residual, residual_pitch, unused, unused, what)
        }
        ConvolutionOutput::Planes { planes, factors } => {
            assert!(images == 1 && machine.words(planes) >= out_channels * pixels, "planes of one image");
            assert!(factors.is_none_or(|factors| machine.words(factors) >= pixels), "a factor a pixel");
            let what = silu | PLANES | if factors.is_some() { FACTORS } else { 0 };
            let factors = factors.map_or(unused, |factors| Words(factors, 0));
            (unused, U32(narrow(LANES)), unused, U32(0), Words(*planes, 0), factors, what)
        }
    };
    let buffers = [
        from,
        Words(filter.weights, 0),
        Words(filter.bias, 0),
        residual,
        to,
        planes,
        factors,
        Words(&scratch.parts, 0),
        Words(&scratch.arrived, 0),
    ];
    let sizes = [
        U32(narrow(images)),
        U32(narrow(height)),
        U32(narrow(width)),
        input.pitch(),
        input.channels(),
        U32(narrow(out_height)),
        U32(narrow(out_width)),
        out_pitch,
        U32(narrow(out_channels)),
        residual_pitch,
        U32(narrow(kernel)),
        U32(narrow(stride)),
        U32(narrow(slices)),
        U32(what),
    ];
    let blocks = Blocks {
        grid: [narrow(out_channels.div_ceil(tile.columns)), narrow(pixels.div_ceil(tile.rows)), narrow(parts)],
        threads: tile.threads,
        shared_bytes: tile.shared_bytes(),
    };
    let kernel = Kernel { source: Source::Convolution(format), name: tile.name };
    // SAFETY: the pixels of both maps, the rows of weights and what lies between parts are in their buffers, and the
    // grid covers the result.
    unsafe { machine.launch_blocks(kernel, blocks, &[&buffers[..], &sizes].concat()) }
}
