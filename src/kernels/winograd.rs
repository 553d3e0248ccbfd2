//! Winograd's minimal filtering F(4 x 4, 3 x 3): 36 products a tile of 16 outputs instead of 144.
//!
//! Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2016). Tiles are transformed, multiplied as 36 matrix products by
//! the same micro-kernel as everything else, and transformed back with bias, SiLU and residual.
//!
//! Of a map that is doubled in both directions first, each of the four pixels that a pixel becomes is a convolution with
//! 2 x 2 taps of the map as it is: four times F(4 x 4, 2 x 2), 25 products a tile of 16 outputs, and nothing is doubled.

use super::ahead::Ahead;
use super::convolution::{Convolution, ConvolutionSpec, Places};
use super::factors::Factors;
use super::instruction_set::InstructionSet;
use super::maps::{Place, LANES};
use super::memory::{Memory, Scratch};
use super::parallel::{even_parts, pieces, Shared};
use super::tile::Tile;
use super::winograd_rows::{DOUBLED_TAPS, IN_OF_THREE, IN_OF_TWO, OUT, THREE_TAPS};
use super::winograd_transform::{three_taps, two_taps, InputTransform, ProductTransform, Window};

/// Tiles at once, so that their transforms stay in a cache.
const TILES: usize = 112;
/// Parts of a batch that may be transformed at the same time.
const SHARES: usize = 4;

/// Most products a tile and pair of channels.
const MOST_POINTS: usize = IN_OF_THREE * IN_OF_THREE;

/// Transformed kernels.
pub(super) struct Winograd {
    filter: Filter,
    /// `[phase][point][group of output blocks][input lane][output lane of the group]`.
    kernels: Memory,
    factors: Factors,
}

/// Which minimal filtering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Filter {
    /// F(4 x 4, 3 x 3).
    Plain,
    /// F(4 x 4, 2 x 2) for each of the four pixels, its phase, that a pixel of the input becomes.
    Doubled,
}

impl Filter {
    /// Side of a tile's inputs.
    fn side(self) -> usize {
        match self {
            Self::Plain => IN_OF_THREE,
            Self::Doubled => IN_OF_TWO,
        }
    }

    /// Products a tile and pair of channels.
    fn points(self) -> usize {
        self.side() * self.side()
    }

    /// Rows of the output for one of the input, and as many columns.
    fn scale(self) -> usize {
        match self {
            Self::Plain => 1,
            Self::Doubled => 2,
        }
    }

    /// Row and column of each phase's first output.
    fn phases(self) -> impl Iterator<Item = [usize; 2]> {
        (0..self.scale()).flat_map(move |row| (0..self.scale()).map(move |column| [row, column]))
    }

    fn input_transform(self, set: InstructionSet) -> InputTransform {
        match self {
            Self::Plain => three_taps::input_transform(set),
            Self::Doubled => two_taps::input_transform(set),
        }
    }

    fn product_transform(self, set: InstructionSet) -> ProductTransform {
        match self {
            Self::Plain => three_taps::product_transform(set),
            Self::Doubled => two_taps::product_transform(set),
        }
    }
}

/// A batch of tiles under way.
struct Batch {
    filter: Filter,
    phase: [usize; 2],
    first: usize,
    tiles: usize,
    /// Tiles in a row of tiles.
    across: usize,
    /// Transformed inputs, `[point][input plane][tile][LANES]`.
    inputs: Shared,
    /// Values from a point of the inputs to the next.
    input_point: usize,
    /// Products, `[point][output block][tile][LANES]`.
    products: Shared,
    /// Values from a point of the products to the next.
    product_point: usize,
    /// Values from a block of either to the next.
    plane: usize,
}

impl Winograd {
    /// Transforms a 3 x 3 convolution's kernels.
    pub fn pack(spec: &ConvolutionSpec<'_>, set: InstructionSet, factors: Factors) -> Self {
        let filter = if spec.doubled { Filter::Doubled } else { Filter::Plain };
        let (inputs, outputs) = (factors.planes(spec.input.len() / LANES) * LANES, spec.output.len());
        let phase = filter.points() * inputs * outputs;
        let mut kernels = Memory::zeros(filter.phases().count() * phase);
        for ([row, column], packed) in filter.phases().zip(kernels.values_mut().chunks_exact_mut(phase)) {
            match filter {
                Filter::Plain => pack_kernels(spec, set, factors, [&THREE_TAPS; 2], packed),
                Filter::Doubled => {
                    pack_kernels(spec, set, factors, [&DOUBLED_TAPS[row], &DOUBLED_TAPS[column]], packed);
                }
            }
        }
        Self { filter, kernels, factors }
    }

    /// See [`Convolution::run`], which has checked the places.
    pub fn run(&self, convolution: &Convolution, scratch: &mut Scratch, places: Places, spread: bool) {
        let from = places.from;
        let (filter, across) = (self.filter, from.shape.width.div_ceil(OUT));
        let batches = even_parts(from.shape.height.div_ceil(OUT) * across, TILES);
        let most = batches.iter().map(|&(_, tiles)| tiles).max().unwrap_or(0);
        // Odd numbers of lines, so that the blocks and points of a tile fall into different sets of a cache.
        let plane = |tiles: usize| tiles | 1;
        let point = |blocks: usize, tiles: usize| ((blocks * plane(tiles)) | 1) * LANES;
        let (ins, outs) = (self.factors.planes(convolution.in_blocks), convolution.out_blocks);
        let areas = [point(ins, most), point(outs, most)].map(|point| filter.points() * point);
        let [inputs, products] = scratch.areas(areas).map(Shared);
        let of_phase = self.kernels.values().chunks_exact(filter.points() * ins * outs * LANES * LANES);
        // Phase by phase, so that the kernels of one stay in a cache.
        for (phase, kernels) in filter.phases().zip(of_phase) {
            for &(first, tiles) in &batches {
                let (input_point, product_point) = (point(ins, tiles), point(outs, tiles));
                let plane = plane(tiles) * LANES;
                let batch =
                    Batch { filter, phase, first, tiles, across, inputs, input_point, products, product_point, plane };
                // Blocks may be fewer than threads.
                let shares = even_parts(tiles, tiles.div_ceil(SHARES));
                let piece = |piece: usize| (piece / shares.len(), shares[piece % shares.len()]);
                let count = |blocks: usize| blocks * shares.len();
                pieces(count(ins), spread, |index| self.transform_inputs(&batch, convolution, from, piece(index)));
                pieces(filter.points(), spread, |point| self.multiply(&batch, convolution, kernels, point));
                pieces(count(outs), spread, |index| batch.transform_products(convolution, &places, piece(index)));
            }
        }
    }

    fn transform_inputs(
        &self,
        batch: &Batch,
        convolution: &Convolution,
        from: Place,
        (plane, (first, tiles)): (usize, (usize, usize)),
    ) {
        let (transform, side) = (self.filter.input_transform(convolution.set), self.filter.side());
        let blocks =
            plane * self.factors.per_value()..convolution.in_blocks.min((plane + 1) * self.factors.per_value());
        for tile in first..first + tiles {
            // One pixel above and to the left of the tile, with the border counted: the odd phases begin a pixel later.
            let ([row, column], [down, right]) = (batch.corner(tile), batch.phase);
            let (row, column) = (row + down, column + right);
            let window = |block: usize| Window {
                start: from
                    .start
                    .at(block * from.shape.block() + from.shape.pixel(row, column) - from.shape.row() - LANES),
                row: from.shape.row(),
                column: LANES,
                // A tile at the edge reads no further than the border.
                rows: side.min(from.shape.height + 2 - row),
                columns: side.min(from.shape.width + 2 - column),
            };
            let to = batch.inputs.at(plane * batch.plane + tile * LANES);
            // SAFETY: the windows are within their blocks and the border, the scratch area holds every
            // point of every tile, no other piece writes these tiles of this plane, and
            // `Convolution::new` checked the instructions.
            unsafe {
                if self.factors == Factors::Whole {
                    transform(window(plane), to, batch.input_point);
                    continue;
                }
                let mut points = [[0.0f32; MOST_POINTS * LANES]; 2];
                for (block, points) in blocks.clone().zip(&mut points) {
                    transform(window(block), points.as_mut_ptr(), LANES);
                }
                self.factors.round()(
                    points[0].as_ptr(),
                    points[1].as_ptr(),
                    to,
                    self.filter.points(),
                    batch.input_point,
                );
            }
        }
    }

    /// Multiplies all tiles at a point with the kernels of the phase.
    fn multiply(&self, batch: &Batch, convolution: &Convolution, kernels: &[f32], point: usize) {
        let (set, ins, outs) = (convolution.set, self.factors.planes(convolution.in_blocks), convolution.out_blocks);
        let parts = even_parts(batch.tiles, set.tile_pixels());
        let chunks = even_parts(ins, set.panel_planes(LANES));
        let mut kernels = &kernels[point * outs * ins * LANES * LANES..];
        for block in (0..outs).step_by(set.tile_blocks()) {
            let blocks = set.tile_blocks().min(outs - block);
            for (chunk, &(plane, planes)) in chunks.iter().enumerate() {
                let (panel, rest) = kernels.split_at(planes * blocks * LANES * LANES);
                let mut next = Ahead::new(&rest[..panel.len().min(rest.len())], parts.len());
                let mut tile = Tile::product(planes, batch.plane, batch.plane);
                for &(first, tiles) in &parts {
                    let input = batch.inputs.at(point * batch.input_point + plane * batch.plane + first * LANES);
                    let out = batch.products.at(point * batch.product_point + block * batch.plane + first * LANES);
                    if chunk > 0 {
                        tile.resume(out);
                    }
                    let compute = self.factors.kernel(set, blocks, tiles, 1);
                    // SAFETY: `run` sized both areas for every point, block and tile, and no other
                    // piece writes this point; `Convolution::new` checked the instructions.
                    unsafe { compute(&tile, input, panel.as_ptr(), out) }
                    next.step();
                }
                kernels = rest;
            }
        }
    }
}

/// Packs the kernels of a phase, see [`Winograd::kernels`], each transformed by rows and columns.
fn pack_kernels<const SIDE: usize>(
    spec: &ConvolutionSpec<'_>,
    set: InstructionSet,
    factors: Factors,
    transforms: [&[[f64; 3]; SIDE]; 2],
    packed: &mut [f32],
) {
    let (inputs, outputs) = (factors.planes(spec.input.len() / LANES) * LANES, spec.output.len());
    let group = set.tile_blocks() * LANES;
    for output in (0..outputs).filter(|&lane| spec.output[lane].is_some()) {
        let (first, lane) = (output / group * group, output % group);
        let width = group.min(outputs - first);
        for input in 0..inputs {
            let of_lane = |lane: usize| {
                transform_kernel(std::array::from_fn(|tap| f64::from(spec.tap(output, lane, tap))), transforms)
            };
            let channels = factors.per_value();
            let transformed = [0, channels - 1].map(|index| of_lane(input * channels + index));
            for point in 0..SIDE * SIDE {
                let value = |lane: usize| transformed[lane - input * channels][point / SIDE][point % SIDE] as f32;
                packed[point * inputs * outputs + first * inputs + input * width + lane] = factors.value(input, value);
            }
        }
    }
}

/// `G g H^T`, in f64.
fn transform_kernel<const SIDE: usize>(taps: [f64; 9], [rows, columns]: [&[[f64; 3]; SIDE]; 2]) -> [[f64; SIDE]; SIDE] {
    let dot = |row: &[f64; 3], column: [f64; 3]| row.iter().zip(column).map(|(a, b)| a * b).sum::<f64>();
    let half: [[f64; 3]; SIDE] = std::array::from_fn(|row| {
        std::array::from_fn(|column| dot(&rows[row], [taps[column], taps[3 + column], taps[6 + column]]))
    });
    std::array::from_fn(|row| std::array::from_fn(|column| dot(&columns[column], half[row])))
}

impl Batch {
    /// First row and column of a tile.
    fn corner(&self, tile: usize) -> [usize; 2] {
        let tile = self.first + tile;
        [tile / self.across * OUT, tile % self.across * OUT]
    }

    fn transform_products(
        &self,
        convolution: &Convolution,
        &Places { from, to, residual, .. }: &Places,
        (block, (first, tiles)): (usize, (usize, usize)),
    ) {
        let (transform, scale) = (self.filter.product_transform(convolution.set), self.filter.scale());
        let bias = convolution.bias.values()[block * LANES..].as_ptr();
        for tile in first..first + tiles {
            let [row, column] = self.corner(tile);
            let [down, right] = self.phase;
            let (first_row, first_column) = (scale * row + down, scale * column + right);
            let at = |place: Place| Window {
                start: place.start.at(block * place.shape.block() + place.shape.pixel(first_row, first_column)),
                row: scale * place.shape.row(),
                column: scale * LANES,
                rows: OUT.min(from.shape.height - row),
                columns: OUT.min(from.shape.width - column),
            };
            let products = self.products.at(block * self.plane + tile * LANES);
            // SAFETY: as above; the window is cut at the edge of the output, of which no other piece
            // writes these tiles of this block, and a residual has the output's size.
            unsafe {
                transform(products, self.product_point, at(to), residual.map(at), bias, convolution.silu);
            }
        }
    }
}
