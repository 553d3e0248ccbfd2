//! Launches of `suppression.cu`.

use super::accelerator::{narrow, Accelerator, Argument, Kernel, Source};
use super::candidates::Ranked;
use Argument::{Words, F32, U32};

/// How boxes are suppressed: as `detection::nms` does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Suppression {
    /// IoU above which a later box is suppressed.
    pub iou: f32,
    /// From this many candidates on, only boxes of the same class suppress each other.
    pub split: usize,
    /// Survivors wanted.
    pub limit: usize,
}

/// Which candidates survive, best first.
pub struct Survivors<B> {
    /// One word: how many there are.
    pub count: B,
    /// A word each: its index among the ranked candidates.
    pub indices: B,
    /// How many there may be.
    pub capacity: usize,
}

/// Words of 32 candidates that are looked at together.
const WORDS: usize = 64;

const fn kernel(name: &'static str) -> Kernel {
    Kernel { source: Source::Suppression, name }
}

/// The candidates that survive. `boxes` has four words a position.
///
/// # Errors
/// As [`Accelerator::zeroed`] and [`Accelerator::launch`].
///
/// # Panics
/// If there are no classes.
pub fn suppress<A: Accelerator>(
    machine: &A,
    ranked: &Ranked<A::Buffer>,
    classes: usize,
    boxes: &A::Buffer,
    suppression: &Suppression,
) -> Result<Survivors<A::Buffer>, A::Error> {
    assert!(classes > 0);
    let capacity = suppression.limit.min(ranked.capacity);
    let survivors = Survivors { count: machine.zeroed(1)?, indices: machine.zeroed(capacity)?, capacity };
    let shifted = shift_boxes(machine, ranked, classes, boxes)?;
    let stretch = 32 * WORDS;
    let (suppressed, later) = (machine.zeroed(stretch)?, machine.zeroed(stretch * WORDS)?);
    let candidates = [
        Words(&ranked.candidates, 0),
        Words(&ranked.count, 0),
        U32(narrow(classes)),
        Words(&shifted, 0),
        U32(narrow(suppression.split)),
        F32(suppression.iou),
    ];
    let limit = U32(narrow(capacity));
    for start in (0..ranked.capacity).step_by(stretch) {
        let start = U32(narrow(start));
        let by_survivors = [
            start,
            U32(narrow(stretch)),
            Words(&survivors.indices, 0),
            Words(&survivors.count, 0),
            limit,
            Words(&suppressed, 0),
        ];
        let in_stretch = [start, U32(narrow(WORDS)), Words(&survivors.count, 0), limit, Words(&later, 0)];
        let choose = [
            Words(&ranked.count, 0),
            start,
            U32(narrow(WORDS)),
            Words(&later, 0),
            limit,
            Words(&suppressed, 0),
            Words(&survivors.indices, 0),
            Words(&survivors.count, 0),
        ];
        let [by_survivors, in_stretch] = [&by_survivors[..], &in_stretch].map(|more| [&candidates, more].concat());
        // SAFETY: candidates are read up to their count, survivors up to theirs, which are indices of candidates; a
        // word is written for each candidate of the stretch.
        unsafe { machine.launch(kernel("suppress_by_survivors"), stretch, &by_survivors)? };
        // SAFETY: as before, with `WORDS` words written for each candidate of the stretch.
        unsafe { machine.launch(kernel("suppress_in_stretch"), stretch * WORDS, &in_stretch)? };
        // SAFETY: what the two wrote is read, and survivors are added up to their capacity.
        unsafe { machine.launch(kernel("choose_survivors"), 1, &choose)? };
    }
    Ok(survivors)
}

/// Words of a box at its class's place: four sides and the area.
const SHIFTED: usize = 5;

fn shift_boxes<A: Accelerator>(
    machine: &A,
    ranked: &Ranked<A::Buffer>,
    classes: usize,
    boxes: &A::Buffer,
) -> Result<A::Buffer, A::Error> {
    let (largest, shifted) = (machine.zeroed(1)?, machine.zeroed(SHIFTED * ranked.capacity)?);
    let candidates = [Words(&ranked.candidates, 0), Words(&ranked.count, 0), U32(narrow(classes)), Words(boxes, 0)];
    let find = [&candidates[..], &[Words(&largest, 0)]].concat();
    let shift = [&candidates[..], &[Words(&largest, 0), Words(&shifted, 0)]].concat();
    // SAFETY: a candidate's position is one that `boxes` was long enough for when it was collected.
    unsafe { machine.launch(kernel("largest_coordinate"), ranked.capacity, &find)? };
    // SAFETY: as before, and `SHIFTED` words are written for each candidate.
    unsafe { machine.launch(kernel("shift_boxes"), ranked.capacity, &shift)? };
    Ok(shifted)
}
