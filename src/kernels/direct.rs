//! Convolutions as the sums they are.
//!
//! The input channels are cut into chunks: the weights of a chunk for a tile's output channels, a
//! panel, stay in a first-level cache while they are multiplied with all pixels of a band of rows, and
//! the band's rows of a chunk stay in a second-level cache while all panels pass. Sums rest in the
//! output between chunks.

use super::ahead::Ahead;
use super::convolution::{Convolution, ConvolutionSpec, Places};
use super::factors::Factors;
use super::instruction_set::InstructionSet;
use super::maps::{Place, LANES};
use super::memory::{Memory, Scratch};
use super::parallel::{even_parts, pieces};
use super::tile::{Finish, Tile};

/// Bytes of input rows that are read again for each panel.
const INPUT_BYTES: usize = 192 << 10;
/// Pieces of work a thread, so that none waits long for the last.
const PIECES: usize = 8;

/// Packed weights.
pub(super) struct Direct {
    /// `[group of output blocks][input plane][row][column][input lane][output lane of the group]`.
    taps: Memory,
    factors: Factors,
    /// Planes of inputs: their blocks, or fewer where a value holds several channels.
    planes: usize,
    /// Lanes of each plane that hold channels.
    channels: usize,
}

/// Everything that the pieces of work share.
struct Work<'a> {
    direct: &'a Direct,
    convolution: &'a Convolution,
    places: Places,
    /// Pixels of a tile each: first and number.
    parts: Vec<(usize, usize)>,
    /// Input planes that are multiplied at once: first and number.
    chunks: Vec<(usize, usize)>,
    /// Groups of output blocks, as many as a tile covers.
    groups: usize,
    /// Rows of a band.
    rows: usize,
}

impl Direct {
    /// Packs a convolution's weights.
    pub fn pack(spec: &ConvolutionSpec<'_>, set: InstructionSet, factors: Factors) -> Self {
        let (square, planes) = (spec.kernel.pow(2), factors.planes(spec.input.len() / LANES));
        let channels = channels(spec.input, factors);
        let mut taps = Memory::zeros(spec.output.len() * planes * channels * square);
        let mut packed = taps.values_mut().iter_mut();
        for first in (0..spec.output.len()).step_by(set.tile_blocks() * LANES) {
            let lanes = first..(first + set.tile_blocks() * LANES).min(spec.output.len());
            for (plane, tap) in (0..planes).flat_map(|plane| (0..square).map(move |tap| (plane, tap))) {
                for lane in plane * LANES..plane * LANES + channels {
                    let value = |output: usize| factors.value(lane, |input| spec.tap(output, input, tap));
                    lanes.clone().zip(&mut packed).for_each(|(output, packed)| *packed = value(output));
                }
            }
        }
        Self { taps, factors, planes, channels }
    }

    /// See [`Convolution::run`], which has checked the places.
    pub fn run(&self, convolution: &Convolution, scratch: &mut Scratch, places: Places, spread: bool) {
        let from = self.factors.planes_of(places.from, convolution.in_blocks, scratch, spread);
        let work = Work::new(self, convolution, Places { from, ..places });
        let bands = places.to.shape.height.div_ceil(work.rows);
        let wanted = if spread { PIECES * rayon::current_num_threads() } else { 1 };
        let sets = even_parts(work.groups, work.groups.div_ceil(wanted.div_ceil(bands)));
        pieces(bands * sets.len(), spread, |piece| work.band(piece / sets.len(), sets[piece % sets.len()]));
    }
}

/// Lanes of a plane that are worth multiplying: all but the tail of a single plane.
fn channels(input: &[Option<usize>], factors: Factors) -> usize {
    let end = input.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    end.div_ceil(factors.per_value()).min(LANES)
}

/// Tiles of a row that begin at even pixels, of which two neighbours start from the same sums.
fn pairs_of_pixels(pairs: usize, most_pixels: usize) -> Vec<(usize, usize)> {
    even_parts(pairs, most_pixels / 2).into_iter().map(|(first, pairs)| (2 * first, 2 * pairs)).collect()
}

impl<'a> Work<'a> {
    fn new(direct: &'a Direct, convolution: &'a Convolution, places: Places) -> Self {
        let Places { from, to, residual, halved_sums } = places;
        let Convolution { set, out_blocks, kernel, stride, .. } = *convolution;
        // Sums cannot rest where the residual still is.
        let in_place = residual.is_some_and(|residual| std::ptr::eq(residual.start.0, to.start.0));
        let most = if in_place { direct.planes } else { set.panel_planes(kernel.pow(2) * direct.channels) };
        let chunks = even_parts(direct.planes, most);
        let planes = chunks.iter().map(|&(_, planes)| planes).max().unwrap_or(1);
        let row_bytes = planes * from.shape.row() * stride * size_of::<f32>();
        let bands = to.shape.height.div_ceil((INPUT_BYTES / row_bytes).max(1));
        Self {
            direct,
            convolution,
            places,
            parts: match halved_sums {
                Some(sums) => pairs_of_pixels(sums.shape.width, set.tile_pixels()),
                None => even_parts(to.shape.width, set.tile_pixels()),
            },
            chunks,
            groups: out_blocks.div_ceil(set.tile_blocks()),
            rows: to.shape.height.div_ceil(bands),
        }
    }

    /// Computes a band of rows for some of the groups.
    fn band(&self, band: usize, (first, groups): (usize, usize)) {
        let rows = band * self.rows..((band + 1) * self.rows).min(self.places.to.shape.height);
        for chunk in 0..self.chunks.len() {
            for group in first..first + groups {
                let next = match group + 1 < first + groups {
                    true => self.panel(chunk, group + 1),
                    false => self.panel(chunk + 1, first),
                };
                let mut next = Ahead::new(next, rows.len() * self.parts.len());
                for row in rows.clone() {
                    self.row(row, group, chunk, &mut next);
                }
            }
        }
    }

    /// Output blocks of a group: first and number.
    fn blocks(&self, group: usize) -> (usize, usize) {
        let most = self.convolution.set.tile_blocks();
        (group * most, most.min(self.convolution.out_blocks - group * most))
    }

    /// Weights of a chunk for a group; none after the last chunk.
    fn panel(&self, chunk: usize, group: usize) -> &[f32] {
        let Some(&(first, planes)) = self.chunks.get(chunk) else { return &[] };
        let taps = self.convolution.kernel.pow(2) * self.direct.channels;
        let (block, blocks) = self.blocks(group);
        let start = (block * self.direct.planes + first * blocks) * LANES * taps;
        &self.direct.taps.values()[start..][..planes * blocks * LANES * taps]
    }

    /// Adds a chunk to the sums of a row, while the next weights come closer.
    fn row(&self, row: usize, group: usize, chunk: usize, next: &mut Ahead<'_>) {
        let Convolution { set, kernel: side, stride, silu, .. } = *self.convolution;
        let ((block, blocks), (plane, planes)) = (self.blocks(group), self.chunks[chunk]);
        let Places { residual, halved_sums, .. } = self.places;
        let (from, to) = (self.places.from.shape, self.places.to.shape);
        let is_last = chunk + 1 == self.chunks.len();
        let mut tile = Tile {
            kernel: side,
            row: from.row(),
            channels: self.direct.channels,
            start: self.convolution.bias.values()[block * LANES..].as_ptr(),
            finish: if silu && is_last { Finish::Silu } else { Finish::Plain },
            ..Tile::product(planes, from.block(), to.block())
        };
        let corner = plane * from.block() + from.pixel(row * stride, 0) - side / 2 * (from.row() + LANES);
        let weights = self.panel(chunk, group).as_ptr();
        for &(column, pixels) in &self.parts {
            let at = |place: Place| place.start.at(block * place.shape.block() + place.shape.pixel(row, column));
            if let Some(residual) = residual.filter(|_| is_last) {
                (tile.residual, tile.residual_block) = (at(residual), residual.shape.block());
            }
            if chunk > 0 {
                tile.resume(at(self.places.to));
            } else if let Some(sums) = halved_sums {
                let shape = sums.shape;
                tile.start = sums.start.at(block * shape.block() + shape.pixel(row / 2, column / 2));
                (tile.start_block, tile.start_pixel, tile.start_shift) = (shape.block(), LANES, 1);
            }
            let input = self.places.from.start.at(corner + column * stride * LANES);
            let compute = self.direct.factors.kernel(set, blocks, pixels, stride);
            // SAFETY: `Convolution::new` checked the instructions, `Convolution::run` that the views
            // exist, do not overlap and have the sizes and the border that the window needs; rows,
            // columns and blocks are within them (sums have half the rows and columns, and tiles that start from
            // them begin at even pixels), and no other piece writes this row of these blocks.
            unsafe { compute(&tile, input, weights, at(self.places.to)) }
            next.step();
        }
    }
}
