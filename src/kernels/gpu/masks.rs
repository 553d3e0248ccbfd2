//! Launches of `masks.cu`.

use std::ops::Range;

use super::accelerator::{narrow, Accelerator, Argument, Kernel, Source};
use super::candidates::{Grid, Ranked};
use super::suppression::Survivors;
use Argument::{Words, F32, U32, U64};

/// Words before the records: their number, and the number of the masks' words in two halves.
pub const HEAD: usize = 3;
/// Words of a record; `masks.cu` says what they mean.
pub const RECORD: usize = 13;
/// Mask coefficients of a detection, and prototype maps.
pub const MASK_CHANNELS: usize = 32;

/// Where masks are painted.
#[derive(Debug, Clone, PartialEq)]
pub struct Canvas {
    /// Rows of a prototype map.
    pub prototype_height: usize,
    /// Columns of a prototype map.
    pub prototype_width: usize,
    /// Rows and columns of the square input.
    pub side: usize,
    /// Rows of the square input that are the image's; none where there are no prototypes.
    pub rows: Range<usize>,
    /// Columns likewise.
    pub columns: Range<usize>,
    /// Rows of the original image.
    pub height: usize,
    /// Columns of the original image.
    pub width: usize,
    /// Probability above which a pixel is set.
    pub threshold: f32,
}

impl Canvas {
    fn prototype_pixels(&self) -> usize {
        self.prototype_height * self.prototype_width
    }

    fn placement<'a, B>(&self) -> [Argument<'a, B>; 7] {
        let number = |size: usize| U32(narrow(size));
        [
            number(self.rows.start),
            number(self.rows.end),
            number(self.columns.start),
            number(self.columns.end),
            number(self.height),
            number(self.width),
            F32(self.threshold),
        ]
    }

    /// The kernels divide by what has pixels only.
    fn check(&self) {
        assert!(self.rows.end <= self.side && self.columns.end <= self.side);
        let painted = !self.rows.is_empty() && !self.columns.is_empty();
        assert!(!painted || self.prototype_pixels() > 0);
    }
}

const fn kernel(name: &'static str) -> Kernel {
    Kernel { source: Source::Masks, name }
}

/// Writes the survivors' records behind the head of `result`, without their masks' places.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If `result` has no room for all, or the canvas does not fit together.
pub fn describe<A: Accelerator>(
    machine: &A,
    (ranked, survivors): (&Ranked<A::Buffer>, &Survivors<A::Buffer>),
    classes: usize,
    boxes: &A::Buffer,
    canvas: &Canvas,
    result: &A::Buffer,
) -> Result<(), A::Error> {
    canvas.check();
    assert!(machine.words(result) >= HEAD + RECORD * survivors.capacity);
    let candidates = [
        Words(&ranked.candidates, 0),
        Words(&survivors.indices, 0),
        Words(&survivors.count, 0),
        U32(narrow(classes)),
        Words(boxes, 0),
    ];
    let arguments = [&candidates[..], &canvas.placement(), &[Words(result, HEAD)]].concat();
    // SAFETY: survivors are indices of candidates, whose positions have boxes; a record is written for each.
    unsafe { machine.launch(kernel("describe_survivors"), survivors.capacity, &arguments) }
}

/// Lays the masks one behind the other and writes the head.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If `result` has no room for all.
pub fn place_masks<A: Accelerator>(
    machine: &A,
    survivors: &Survivors<A::Buffer>,
    result: &A::Buffer,
) -> Result<(), A::Error> {
    assert!(machine.words(result) >= HEAD + RECORD * survivors.capacity);
    let arguments = [Words(&survivors.count, 0), Words(result, 0), Words(result, HEAD)];
    // SAFETY: the records up to the survivors' number are there.
    unsafe { machine.launch(kernel("place_masks"), 1, &arguments) }
}

/// Some of the masks, and where their words go.
pub struct MaskPass<'a, B> {
    /// Records with their head.
    pub result: &'a B,
    /// First survivor.
    pub first: usize,
    /// Survivors.
    pub detections: usize,
}

/// Adds the mask coefficients of survivors whose positions lie on one level, whose `coefficients` are
/// `[MASK_CHANNELS][positions]`; `gathered` is `[detections][MASK_CHANNELS]`.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If a buffer is not so long.
pub fn gather_coefficients<A: Accelerator>(
    machine: &A,
    pass: &MaskPass<'_, A::Buffer>,
    survivors: &Survivors<A::Buffer>,
    grid: &Grid,
    coefficients: &A::Buffer,
    gathered: &A::Buffer,
) -> Result<(), A::Error> {
    assert!(machine.words(coefficients) >= MASK_CHANNELS * grid.positions());
    assert!(machine.words(gathered) >= MASK_CHANNELS * pass.detections);
    assert!(machine.words(pass.result) >= HEAD + RECORD * survivors.capacity);
    let arguments = [
        Words(coefficients, 0),
        U32(narrow(grid.positions())),
        U32(narrow(grid.first)),
        Words(pass.result, HEAD),
        Words(&survivors.count, 0),
        U32(narrow(pass.first)),
        U32(narrow(pass.detections)),
        Words(gathered, 0),
    ];
    // SAFETY: records are read up to the survivors' number, and coefficients of the level's positions.
    unsafe { machine.launch(kernel("gather_coefficients"), MASK_CHANNELS * pass.detections, &arguments) }
}

/// Probabilities at the prototypes' size, `[detections][pixels]`, from prototypes, `[MASK_CHANNELS][pixels]`.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If a buffer is not so long.
pub fn mask_probabilities<A: Accelerator>(
    machine: &A,
    pass: &MaskPass<'_, A::Buffer>,
    survivors: &Survivors<A::Buffer>,
    pixels: usize,
    [prototypes, gathered, probabilities]: [&A::Buffer; 3],
) -> Result<(), A::Error> {
    assert!(machine.words(prototypes) >= MASK_CHANNELS * pixels);
    assert!(machine.words(gathered) >= MASK_CHANNELS * pass.detections);
    assert!(machine.words(probabilities) >= pixels * pass.detections);
    let arguments = [
        Words(prototypes, 0),
        U32(narrow(pixels)),
        Words(gathered, 0),
        Words(&survivors.count, 0),
        U32(narrow(pass.first)),
        U32(narrow(pass.detections)),
        Words(probabilities, 0),
    ];
    // SAFETY: a thread reads a detection's coefficients and a pixel's channels, and writes their probability.
    unsafe { machine.launch(kernel("mask_probabilities"), pixels * pass.detections, &arguments) }
}

/// Writes `words` words of the masks from `first_word` on to word `to` of a buffer.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If a buffer is too short, or the canvas does not fit together.
pub fn assemble_masks<A: Accelerator>(
    machine: &A,
    pass: &MaskPass<'_, A::Buffer>,
    canvas: &Canvas,
    probabilities: &A::Buffer,
    (first_word, words): (u64, usize),
    (masks, to): (&A::Buffer, usize),
) -> Result<(), A::Error> {
    canvas.check();
    assert!(machine.words(probabilities) >= canvas.prototype_pixels() * pass.detections);
    assert!(machine.words(masks) >= to + words && machine.words(pass.result) >= HEAD);
    let sources = [
        Words(pass.result, 0),
        Words(pass.result, HEAD),
        Words(probabilities, 0),
        U32(narrow(canvas.prototype_height)),
        U32(narrow(canvas.prototype_width)),
        U32(narrow(canvas.side)),
    ];
    let part =
        [U32(narrow(pass.first)), U32(narrow(pass.detections)), U64(first_word), U32(narrow(words)), Words(masks, to)];
    let arguments = [&sources[..], &canvas.placement(), &part].concat();
    // SAFETY: records are read up to the head's number; a thread reads what its detection's probabilities are, the
    // taps of the kept rows and columns being within the square and its taps within the prototypes.
    unsafe { machine.launch(kernel("assemble_masks"), words, &arguments) }
}
