//! Feature maps in blocks of channels.

use super::memory::{product, Memory};

/// Channels of a block.
pub const LANES: usize = 16;

/// Sizes of [`Maps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct MapsShape {
    /// Blocks of [`LANES`] channels.
    pub blocks: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Width of the border of zeros: 0 or 1.
    pub border: usize,
}

impl MapsShape {
    /// Values from a row to the next.
    pub(super) fn row(&self) -> usize {
        (self.width + 2 * self.border) * LANES
    }

    /// Values from a block to the next.
    pub(super) fn block(&self) -> usize {
        (self.height + 2 * self.border) * self.row()
    }

    /// Offset of a pixel in its block.
    pub(super) fn pixel(&self, row: usize, column: usize) -> usize {
        (row + self.border) * self.row() + (column + self.border) * LANES
    }
}

/// Feature maps, `[blocks][border + height + border][border + width + border][LANES]`. The border is
/// always zero, and so are lanes that hold no channel.
pub struct Maps {
    shape: MapsShape,
    memory: Memory,
}

/// Neighbouring blocks of one of several [`Maps`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Which maps.
    pub maps: usize,
    /// First block.
    pub block: usize,
    /// Number of blocks.
    pub blocks: usize,
}

impl View {
    /// Whether two views share a block.
    pub(super) fn overlaps(self, other: Self) -> bool {
        self.maps == other.maps && self.block < other.block + other.blocks && other.block < self.block + self.blocks
    }
}

/// Where a view's values are.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub start: super::parallel::Shared,
    pub shape: MapsShape,
}

/// Finds a view's values.
///
/// # Panics
///
/// If there are no such blocks.
pub(super) fn place(maps: &mut [Maps], view: View) -> Place {
    let found = &maps[view.maps];
    assert!(view.block + view.blocks <= found.shape.blocks, "{view:?} of {:?}", found.shape);
    let start = found.memory.pointer().wrapping_add(view.block * found.shape.block());
    Place { start: super::parallel::Shared(start), shape: found.shape }
}

/// The channel that each lane holds when channels come in segments (parts of a concatenation or of
/// a split), each of which starts a block.
pub fn lane_map(segments: &[usize]) -> Vec<Option<usize>> {
    let mut lanes = Vec::new();
    let mut channel = 0;
    for &channels in segments {
        let end = lanes.len() + channels.div_ceil(LANES) * LANES;
        lanes.extend((channel..channel + channels).map(Some));
        lanes.resize(end, None);
        channel += channels;
    }
    lanes
}

impl Maps {
    /// Zeros.
    ///
    /// # Panics
    ///
    /// If the border is wider than 1 or the maps are larger than any memory.
    pub fn new(shape: MapsShape) -> Self {
        assert!(shape.border <= 1, "kernels reach one pixel over the border");
        let sides = [shape.height, shape.width].map(|side| side + 2 * shape.border);
        Self { shape, memory: Memory::zeros(product(&[shape.blocks, sides[0], sides[1], LANES])) }
    }

    /// Their sizes.
    pub fn shape(&self) -> MapsShape {
        self.shape
    }

    /// Copies one lane's map out, `[height][width]`.
    pub fn read_channel(&self, lane: usize) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.shape.height * self.shape.width);
        self.read_channel_into(lane, &mut values);
        values
    }

    /// Appends one lane's map, `[height][width]`.
    pub fn read_channel_into(&self, lane: usize, values: &mut Vec<f32>) {
        let (shape, all) = (self.shape, self.memory.values());
        for row in 0..shape.height {
            let first = self.first_of_row(lane, row);
            values.extend(all[first..].iter().step_by(LANES).take(shape.width));
        }
    }

    /// Copies one lane's map in, `[height][width]`.
    ///
    /// # Panics
    ///
    /// If it has another size.
    pub fn write_channel(&mut self, lane: usize, values: &[f32]) {
        let shape = self.shape;
        assert_eq!(values.len(), shape.height * shape.width);
        for (row, values) in values.chunks_exact(shape.width).enumerate() {
            let first = self.first_of_row(lane, row);
            let pixels = self.memory.values_mut()[first..].iter_mut().step_by(LANES);
            pixels.zip(values).for_each(|(pixel, value)| *pixel = *value);
        }
    }

    /// The lanes of one pixel in one block.
    pub fn pixel(&self, block: usize, row: usize, column: usize) -> &[f32] {
        let first = block * self.shape.block() + self.shape.pixel(row, column);
        &self.memory.values()[first..first + LANES]
    }

    /// The lanes of one pixel in one block, to write.
    pub fn pixel_mut(&mut self, block: usize, row: usize, column: usize) -> &mut [f32] {
        let first = block * self.shape.block() + self.shape.pixel(row, column);
        &mut self.memory.values_mut()[first..first + LANES]
    }

    fn first_of_row(&self, lane: usize, row: usize) -> usize {
        assert!(lane < self.shape.blocks * LANES && row < self.shape.height, "lane {lane} of {:?}", self.shape);
        lane / LANES * self.shape.block() + self.shape.pixel(row, 0) + lane % LANES
    }
}
