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

    /// Values from a block to the next: an odd number of pixels, hence of cache lines, so that a pixel's
    /// blocks fall into different sets of a cache. (80 x 80 pixels would put all of them into one.)
    pub(super) fn block(&self) -> usize {
        (((self.height + 2 * self.border) * (self.width + 2 * self.border)) | 1) * LANES
    }

    /// Values that such maps take.
    ///
    /// # Panics
    ///
    /// If no memory holds so many.
    pub fn values(&self) -> usize {
        let [height, width] = [self.height, self.width].map(|side| side + 2 * self.border);
        product(&[self.blocks, product(&[height, width]) | 1, LANES])
    }

    /// Offset of a pixel in its block.
    pub(super) fn pixel(&self, row: usize, column: usize) -> usize {
        (row + self.border) * self.row() + (column + self.border) * LANES
    }

    /// Offset of a pixel in its block, by its index in the row-major order.
    pub(super) fn pixel_at(&self, index: usize) -> usize {
        self.pixel(index / self.width, index % self.width)
    }
}

/// Feature maps, `[blocks][border + height + border][border + width + border][LANES]`, each block padded to
/// an odd number of pixels. The border is always zero, and so are lanes that hold no channel.
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

impl Place {
    /// The values of one of the view's blocks, border included.
    ///
    /// # Safety
    ///
    /// The view must have the block, and nobody may write it meanwhile.
    pub unsafe fn block<'a>(self, block: usize) -> &'a [f32] {
        std::slice::from_raw_parts(self.start.at(block * self.shape.block()), self.shape.block())
    }

    /// As [`Place::block`], to write.
    ///
    /// # Safety
    ///
    /// The view must have the block, and nobody else may read or write it meanwhile.
    pub unsafe fn block_mut<'a>(self, block: usize) -> &'a mut [f32] {
        std::slice::from_raw_parts_mut(self.start.at(block * self.shape.block()), self.shape.block())
    }
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
        Self { shape, memory: Memory::zeros(shape.values()) }
    }

    /// Gives the memory to maps of other sizes; it grows where it is too small. The border becomes
    /// zero, the pixels are arbitrary until they are written.
    ///
    /// # Panics
    ///
    /// As [`Maps::new`].
    pub fn reshape(&mut self, shape: MapsShape) {
        if shape == self.shape {
            return;
        }
        if shape.values() > self.memory.len() {
            // What is given back first need not exist beside what follows.
            self.memory = Memory::zeros(0);
            *self = Self::new(shape);
            return;
        }
        assert!(shape.border <= 1, "kernels reach one pixel over the border");
        self.shape = shape;
        self.clear_border();
    }

    fn clear_border(&mut self) {
        let (shape, edge) = (self.shape, self.shape.border * LANES);
        let blocks = self.memory.values_mut().chunks_exact_mut(shape.block()).take(shape.blocks);
        for block in blocks.filter(|_| edge > 0) {
            let mut rows = block.chunks_exact_mut(shape.row()).take(shape.height + 2 * shape.border);
            rows.by_ref().take(shape.border).for_each(|row| row.fill(0.0));
            for row in rows.by_ref().take(shape.height) {
                row[..edge].fill(0.0);
                row[edge + shape.width * LANES..].fill(0.0);
            }
            rows.for_each(|row| row.fill(0.0));
        }
    }

    /// Their sizes.
    pub fn shape(&self) -> MapsShape {
        self.shape
    }

    /// Copies one lane's map out, `[height][width]`.
    pub fn read_channel(&self, lane: usize) -> Vec<f32> {
        self.read_channels(&[lane])
    }

    /// Copies lanes' maps out, `[lanes][height][width]`: row by row, so that each is read from memory once.
    pub fn read_channels(&self, lanes: &[usize]) -> Vec<f32> {
        let (shape, all) = (self.shape, self.memory.values());
        let pixels = shape.height * shape.width;
        let mut values = vec![0.0; lanes.len() * pixels];
        for (row, &lane, index) in
            (0..shape.height).flat_map(|row| lanes.iter().enumerate().map(move |(index, lane)| (row, lane, index)))
        {
            let to = &mut values[index * pixels + row * shape.width..][..shape.width];
            let from = all[self.first_of_row(lane, row)..].iter().step_by(LANES);
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
        }
        values
    }

    /// Copies one lane's map in, `[height][width]`.
    ///
    /// # Panics
    ///
    /// If it has another size.
    pub fn write_channel(&mut self, lane: usize, values: &[f32]) {
        self.write_channels(lane, values);
    }

    /// Copies the maps of some lanes in, from `first` on, `[lanes][height][width]`: row by row, so that each is
    /// written to memory once.
    ///
    /// # Panics
    ///
    /// If they have other sizes.
    pub fn write_channels(&mut self, first: usize, values: &[f32]) {
        let shape = self.shape;
        let pixels = shape.height * shape.width;
        assert!(values.len().is_multiple_of(pixels));
        for (row, channel) in (0..shape.height).flat_map(|row| (0..values.len() / pixels).map(move |lane| (row, lane)))
        {
            let from = &values[channel * pixels + row * shape.width..][..shape.width];
            let start = self.first_of_row(first + channel, row);
            let to = self.memory.values_mut()[start..].iter_mut().step_by(LANES);
            to.zip(from).for_each(|(to, from)| *to = *from);
        }
    }

    /// The lanes of a row's pixels in one block, `[width][LANES]`.
    pub fn row(&self, block: usize, row: usize) -> &[f32] {
        &self.memory.values()[self.range_of_row(block, row)]
    }

    /// The lanes of a row's pixels in one block, to write.
    pub fn row_mut(&mut self, block: usize, row: usize) -> &mut [f32] {
        let range = self.range_of_row(block, row);
        &mut self.memory.values_mut()[range]
    }

    fn range_of_row(&self, block: usize, row: usize) -> std::ops::Range<usize> {
        assert!(block < self.shape.blocks && row < self.shape.height, "row {row} of block {block} of {:?}", self.shape);
        let first = block * self.shape.block() + self.shape.pixel(row, 0);
        first..first + self.shape.width * LANES
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
