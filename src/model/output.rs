//! What the network says about one image, before post-processing.

use rayon::prelude::*;

/// Mask coefficients a detection carries, and prototype maps.
pub const MASK_CHANNELS: usize = 32;

/// Outputs of the head on one image.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadOutput {
    /// Number of classes K: the number of prompts.
    pub classes: usize,
    /// The levels P3, P4, P5 in this order.
    pub levels: Vec<LevelOutput>,
    /// Rows of a prototype map (160).
    pub prototype_height: usize,
    /// Columns of a prototype map (160).
    pub prototype_width: usize,
    /// Prototype maps, `[MASK_CHANNELS][height][width]`.
    pub prototypes: Vec<f32>,
}

/// Outputs of one pyramid level. Positions are row-major, `height * width` of them.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelOutput {
    /// Pixels of the input between neighbouring positions: 8, 16 or 32.
    pub stride: u32,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Class logits, `[K][positions]`.
    pub logits: Vec<f32>,
    /// Distances from the position's centre to left, top, right, bottom in units of the stride,
    /// `[4][positions]`.
    pub distances: Vec<f32>,
    /// Mask coefficients, `[MASK_CHANNELS][positions]`.
    pub coefficients: Vec<f32>,
}

/// Outputs of the head of whose logits only those above a floor were ever stored: of ten million
/// on an image of LVIS, a few thousand.
#[derive(Debug, Clone, PartialEq)]
pub struct SparseOutput {
    /// Everything else; its levels' `logits` are empty.
    pub head: HeadOutput,
    /// The least logit that was kept.
    pub floor: f32,
    /// How many of the pairs of at least that logit are surely among those that were kept, the greatest first:
    /// `usize::MAX` if all are.
    pub most: usize,
    /// The pairs, in no order that matters.
    pub pairs: Vec<PairLogit>,
}

/// The logit of one class at one position.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairLogit {
    /// The logit.
    pub logit: f32,
    /// Index among the positions of all levels.
    pub position: u32,
    /// Index of the class.
    pub class: u32,
}

/// Outputs of the head on one image in a GPU's memory. All buffers hold float32, shaped as in [`HeadOutput`].
#[derive(Debug, Clone)]
pub struct DeviceOutput<B> {
    /// Number of classes.
    pub classes: usize,
    /// The levels P3, P4, P5 in this order.
    pub levels: Vec<DeviceLevel<B>>,
    /// Rows of a prototype map.
    pub prototype_height: usize,
    /// Columns of a prototype map.
    pub prototype_width: usize,
    /// Prototype maps.
    pub prototypes: B,
}

/// Outputs of one pyramid level in a GPU's memory, shaped as in [`LevelOutput`].
#[derive(Debug, Clone)]
pub struct DeviceLevel<B> {
    /// Pixels of the input between neighbouring positions.
    pub stride: u32,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Class logits.
    pub logits: B,
    /// Distances from the position's centre to the box's sides, in units of the stride.
    pub distances: B,
    /// Mask coefficients.
    pub coefficients: B,
}

impl HeadOutput {
    /// Every pair with a logit of at least `floor`, in no order that matters. NaN is above no floor.
    ///
    /// # Panics
    ///
    /// If a level's logits are fewer than its shape says.
    pub fn pairs_at_least(&self, floor: f32) -> Vec<PairLogit> {
        let rows: Vec<_> = rows(self).collect();
        rows.par_iter().flat_map_iter(|row| row.at_least(floor)).collect()
    }

    /// As if only the logits of at least `floor` had been kept.
    ///
    /// # Panics
    ///
    /// As [`HeadOutput::pairs_at_least`].
    pub fn into_sparse(mut self, floor: f32) -> SparseOutput {
        let pairs = self.pairs_at_least(floor);
        self.levels.iter_mut().for_each(|level| level.logits = vec![]);
        SparseOutput { head: self, floor, most: usize::MAX, pairs }
    }
}

impl LevelOutput {
    /// Number of positions.
    pub fn positions(&self) -> usize {
        self.height * self.width
    }
}

/// The logits of one class on one level.
struct Row<'a> {
    first_position: usize,
    class: usize,
    logits: &'a [f32],
}

fn rows(output: &HeadOutput) -> impl Iterator<Item = Row<'_>> {
    let starts = output.levels.iter().scan(0, |next, level| {
        let start = *next;
        *next += level.positions();
        Some(start)
    });
    output.levels.iter().zip(starts).flat_map(|(level, first_position)| {
        let count = level.positions();
        (0..output.classes).map(move |class| Row {
            first_position,
            class,
            logits: &level.logits[class * count..][..count],
        })
    })
}

/// Logits looked at together.
const BLOCK: usize = 64;

impl Row<'_> {
    fn at_least(&self, floor: f32) -> impl Iterator<Item = PairLogit> + '_ {
        // Most blocks hold none, which is seen for a whole block faster than one by one.
        let blocks = self.logits.chunks(BLOCK).enumerate();
        let blocks = blocks.filter(move |(_, block)| block.iter().fold(false, |any, &logit| any | (logit >= floor)));
        blocks.flat_map(move |(number, block)| {
            let first = self.first_position + number * BLOCK;
            let logits = block.iter().enumerate().filter(move |(_, &logit)| logit >= floor);
            logits.map(move |(offset, &logit)| PairLogit {
                logit,
                position: (first + offset) as u32,
                class: self.class as u32,
            })
        })
    }
}
