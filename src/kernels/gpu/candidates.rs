//! Launches of `candidates.cu`.

use super::accelerator::{narrow, Accelerator, Argument, Kernel, Source};
use Argument::{Words, F32, U32};

/// Where the positions of a pyramid level lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Grid {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Pixels of the input between neighbours.
    pub stride: u32,
    /// Positions of the levels before.
    pub first: usize,
}

impl Grid {
    /// Number of positions.
    pub fn positions(&self) -> usize {
        self.height * self.width
    }
}

/// Candidates of an image, in any order.
pub struct Scored<B> {
    /// One word: how many there are.
    pub count: B,
    /// Two words for every pair of a position and a class, as many of them used as are counted.
    pub candidates: B,
}

/// The best candidates, best first.
pub struct Ranked<B> {
    /// One word: how many there are.
    pub count: B,
    /// Two words each: `candidates.cu` says what they mean.
    pub candidates: B,
    /// How many there may be.
    pub capacity: usize,
}

const fn kernel(name: &'static str) -> Kernel {
    Kernel { source: Source::Candidates, name }
}

/// Distances of a level, `[4][positions]`, from its distributions, `[4][bins][positions]`.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If a buffer is not so long, or there are no bins.
pub fn expected_distances<A: Accelerator>(
    machine: &A,
    distributions: &A::Buffer,
    bins: usize,
    positions: usize,
    distances: &A::Buffer,
) -> Result<(), A::Error> {
    assert!(bins > 0 && machine.words(distributions) >= 4 * bins * positions);
    assert!(machine.words(distances) >= 4 * positions);
    let arguments = [Words(distributions, 0), U32(narrow(bins)), U32(narrow(positions)), Words(distances, 0)];
    // SAFETY: a thread reads the bins of one side of one position and writes its distance.
    unsafe { machine.launch(kernel("expected_distances"), 4 * positions, &arguments) }
}

/// Boxes of a level, four words a position, from its distances, `[4][positions]`.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If a buffer is too short for the grid.
pub fn decode_boxes<A: Accelerator>(
    machine: &A,
    grid: &Grid,
    distances: &A::Buffer,
    boxes: &A::Buffer,
) -> Result<(), A::Error> {
    let positions = grid.positions();
    assert!(machine.words(distances) >= 4 * positions && machine.words(boxes) >= 4 * (grid.first + positions));
    let arguments = [
        Words(distances, 0),
        U32(narrow(positions)),
        U32(narrow(grid.width)),
        F32(grid.stride as f32),
        U32(narrow(grid.first)),
        Words(boxes, 0),
    ];
    // SAFETY: a thread reads four distances of a position of the grid and writes its box.
    unsafe { machine.launch(kernel("decode_boxes"), positions, &arguments) }
}

/// Adds the pairs of a level whose score is above `threshold` and whose box is finite; `floor` is a logit below which
/// no score is. `logits` is `[classes][positions]`.
///
/// # Errors
/// As [`Accelerator::launch`].
///
/// # Panics
/// If a buffer is too short for the grid and the classes, or there are 2^32 pairs.
pub fn collect_candidates<A: Accelerator>(
    machine: &A,
    grid: &Grid,
    classes: usize,
    logits: &A::Buffer,
    boxes: &A::Buffer,
    [floor, threshold]: [f32; 2],
    scored: &Scored<A::Buffer>,
) -> Result<(), A::Error> {
    let positions = grid.positions();
    let pairs = classes * (grid.first + positions);
    narrow(pairs);
    assert!(machine.words(logits) >= classes * positions && machine.words(boxes) >= 4 * (grid.first + positions));
    assert!(machine.words(&scored.candidates) >= 2 * pairs && machine.words(&scored.count) >= 1);
    let arguments = [
        Words(logits, 0),
        U32(narrow(classes)),
        U32(narrow(positions)),
        U32(narrow(grid.first)),
        Words(boxes, 0),
        F32(floor),
        F32(threshold),
        Words(&scored.count, 0),
        Words(&scored.candidates, 0),
    ];
    // SAFETY: a thread reads a pair's logit and box, and each pair is added at most once.
    unsafe { machine.launch(kernel("collect_candidates"), classes * positions, &arguments) }
}

/// The best `wanted` candidates, best first: equal scores in the order of position, then class.
///
/// # Errors
/// As [`Accelerator::zeroed`] and [`Accelerator::launch`].
///
/// # Panics
/// If the buffers are not those of [`Scored`].
pub fn best_candidates<A: Accelerator>(
    machine: &A,
    scored: &Scored<A::Buffer>,
    wanted: usize,
) -> Result<Ranked<A::Buffer>, A::Error> {
    assert!(machine.words(&scored.count) >= 1);
    let pairs = machine.words(&scored.candidates) / 2;
    let capacity = wanted.min(pairs);
    let bound = bound(machine, scored, narrow(capacity))?;
    let kept = machine.zeroed(2 * capacity)?;
    let ranked = Ranked { count: machine.zeroed(1)?, candidates: machine.zeroed(2 * capacity)?, capacity };
    let keep = [
        Words(&scored.candidates, 0),
        Words(&scored.count, 0),
        U32(narrow(capacity)),
        Words(&bound, 0),
        Words(&ranked.count, 0),
        Words(&kept, 0),
    ];
    let rank = [Words(&kept, 0), Words(&ranked.count, 0), Words(&ranked.candidates, 0)];
    // SAFETY: all candidates are kept if they are at most `capacity`, else those up to the bound, which are as many.
    unsafe { machine.launch(kernel("keep_best"), pairs, &keep)? };
    // SAFETY: no two candidates are the same, so their ranks are 0.. without a gap.
    unsafe { machine.launch(kernel("rank_candidates"), capacity, &rank)? };
    Ok(ranked)
}

/// Values of a digit of 8 bits.
const DIGITS: usize = 256;

/// Two words: the last of the best `wanted` candidates, found digit by digit from the highest.
fn bound<A: Accelerator>(machine: &A, scored: &Scored<A::Buffer>, wanted: u32) -> Result<A::Buffer, A::Error> {
    let (bound, rank, histogram) = (machine.zeroed(2)?, machine.zeroed(1)?, machine.zeroed(DIGITS)?);
    let pairs = machine.words(&scored.candidates) / 2;
    for shift in (0..u64::BITS).step_by(8).rev() {
        let count = [
            Words(&scored.candidates, 0),
            Words(&scored.count, 0),
            U32(wanted),
            U32(shift),
            Words(&bound, 0),
            Words(&histogram, 0),
        ];
        let choose =
            [Words(&scored.count, 0), U32(wanted), U32(shift), Words(&bound, 0), Words(&rank, 0), Words(&histogram, 0)];
        // SAFETY: as many candidates are read as are counted, and a digit is below `DIGITS`.
        unsafe { machine.launch(kernel("count_digits"), pairs, &count)? };
        // SAFETY: a digit is below `DIGITS`.
        unsafe { machine.launch(kernel("choose_digit"), 1, &choose)? };
    }
    Ok(bound)
}
