//! Launches of `maps.cu`.

use super::accelerator::{narrow, Accelerator, Argument, Blocks, Format, Kernel, Source};
use super::pixels::{Pixels, LANES};
use Argument::{Words, U32};

/// Images of a batch, and the rows and columns of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planar {
    /// Images.
    pub images: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl Planar {
    /// Pixels of an image.
    pub fn positions(&self) -> usize {
        self.height * self.width
    }

    /// Pixels of all images.
    pub fn pixels(&self) -> usize {
        self.images * self.positions()
    }

    fn sizes<'a, B>(&self) -> [Argument<'a, B>; 3] {
        [self.images, self.height, self.width].map(|size| U32(narrow(size)))
    }
}

const fn kernel(format: Format, name: &'static str) -> Kernel {
    Kernel { source: Source::Maps(format), name }
}

/// Threads for so many pixels: each moves a vector of channels.
fn threads<B>(format: Format, pixels: usize, of: &Pixels<'_, B>) -> usize {
    pixels * (of.channels / (4 * format.numbers_a_word()))
}

/// Images from their bytes, `[pixels][3]`, as fractions of 255.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If sizes do not fit to the buffers.
pub fn write_bytes<A: Accelerator>(
    machine: &A,
    format: Format,
    planar: Planar,
    bytes: &A::Buffer,
    output: Pixels<'_, A::Buffer>,
) -> Result<(), A::Error> {
    let pixels = planar.pixels();
    assert!(4 * machine.words(bytes) >= 3 * pixels && output.channels == LANES);
    let to = output.address(machine, format, pixels);
    let arguments = [Words(bytes, 0), to, U32(narrow(pixels)), output.pitch()];
    // SAFETY: a thread reads three bytes of a pixel and writes its channels.
    unsafe { machine.launch(kernel(format, "write_bytes"), pixels, &arguments) }
}

/// Images from their planes, `[images][3][height][width]` float32.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If sizes do not fit to the buffers.
pub fn write_planes<A: Accelerator>(
    machine: &A,
    format: Format,
    planar: Planar,
    planes: &A::Buffer,
    output: Pixels<'_, A::Buffer>,
) -> Result<(), A::Error> {
    let pixels = planar.pixels();
    assert!(machine.words(planes) >= 3 * pixels && output.channels == LANES);
    let to = output.address(machine, format, pixels);
    let arguments = [Words(planes, 0), to, U32(narrow(planar.images)), U32(narrow(planar.positions())), output.pitch()];
    // SAFETY: a thread reads three values of a pixel and writes its channels.
    unsafe { machine.launch(kernel(format, "write_planes"), pixels, &arguments) }
}

/// Copies pixels.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If sizes do not fit together or to the buffers.
pub fn copy_maps<A: Accelerator>(
    machine: &A,
    format: Format,
    planar: Planar,
    [input, output]: [Pixels<'_, A::Buffer>; 2],
) -> Result<(), A::Error> {
    let pixels = planar.pixels();
    assert_eq!(input.channels, output.channels);
    let arguments = [
        input.address(machine, format, pixels),
        output.address(machine, format, pixels),
        U32(narrow(pixels)),
        input.channels(),
        input.pitch(),
        output.pitch(),
    ];
    // SAFETY: pixels of both maps are in their buffers.
    unsafe { machine.launch(kernel(format, "copy_maps"), threads(format, pixels, &output), &arguments) }
}

/// Sums of pixels.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If sizes do not fit together or to the buffers.
pub fn add_maps<A: Accelerator>(
    machine: &A,
    format: Format,
    planar: Planar,
    [first, second, output]: [Pixels<'_, A::Buffer>; 3],
) -> Result<(), A::Error> {
    let pixels = planar.pixels();
    assert!(first.channels == output.channels && second.channels == output.channels);
    let arguments = [
        first.address(machine, format, pixels),
        second.address(machine, format, pixels),
        output.address(machine, format, pixels),
        U32(narrow(pixels)),
        output.channels(),
        first.pitch(),
        second.pitch(),
        output.pitch(),
    ];
    // SAFETY: pixels of the three maps are in their buffers.
    unsafe { machine.launch(kernel(format, "add_maps"), threads(format, pixels, &output), &arguments) }
}

/// Each pixel of the input twice in both directions; `planar` is the input's.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If sizes do not fit together or to the buffers.
pub fn upsample_maps<A: Accelerator>(
    machine: &A,
    format: Format,
    planar: Planar,
    [input, output]: [Pixels<'_, A::Buffer>; 2],
) -> Result<(), A::Error> {
    assert_eq!(input.channels, output.channels);
    let [images, height, width] = planar.sizes();
    let from = input.address(machine, format, planar.pixels());
    let to = output.address(machine, format, 4 * planar.pixels());
    let arguments = [from, to, images, height, width, input.channels(), input.pitch(), output.pitch()];
    let threads = threads(format, 4 * planar.pixels(), &output);
    // SAFETY: pixels of the input and four times as many of the output are in their buffers.
    unsafe { machine.launch(kernel(format, "upsample_maps"), threads, &arguments) }
}

/// Maxima over a square window of stride 1 of what of it lies in the map.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If sizes do not fit together or to the buffers.
pub fn pool_maps<A: Accelerator>(
    machine: &A,
    format: Format,
    planar: Planar,
    window: usize,
    [input, output]: [Pixels<'_, A::Buffer>; 2],
) -> Result<(), A::Error> {
    assert!(window % 2 == 1 && input.channels == output.channels);
    let [images, height, width] = planar.sizes();
    let from = input.address(machine, format, planar.pixels());
    let to = output.address(machine, format, planar.pixels());
    let arguments =
        [from, to, images, height, width, input.channels(), input.pitch(), output.pitch(), U32(narrow(window))];
    let threads = threads(format, planar.pixels(), &output);
    // SAFETY: pixels of both maps are in their buffers; the window is cut to the map.
    unsafe { machine.launch(kernel(format, "pool_maps"), threads, &arguments) }
}

/// Threads of a block, and the pixels that it takes, a warp each.
const BLOCK: usize = 256;
const WARPS: usize = BLOCK / 32;

/// One over each pixel's Euclidean length, float32.
///
/// # Errors
/// As [`Accelerator::launch_blocks`].
///
/// # Panics
/// If sizes do not fit to the buffers.
pub fn inverse_lengths<A: Accelerator>(
    machine: &A,
    format: Format,
    pixels: usize,
    input: Pixels<'_, A::Buffer>,
    factors: &A::Buffer,
) -> Result<(), A::Error> {
    assert!(machine.words(factors) >= pixels);
    let from = input.address(machine, format, pixels);
    let arguments = [from, Words(factors, 0), U32(narrow(pixels)), input.channels(), input.pitch()];
    let blocks = Blocks { grid: [narrow(pixels.div_ceil(WARPS)), 1, 1], threads: BLOCK as u32, shared_bytes: 0 };
    // SAFETY: a warp reads a pixel's channels and writes its factor.
    unsafe { machine.launch_blocks(kernel(format, "inverse_lengths"), blocks, &arguments) }
}
