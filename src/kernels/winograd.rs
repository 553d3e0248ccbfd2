//! Winograd's minimal filtering F(4 x 4, 3 x 3): 36 products a tile of 16 outputs instead of 144.
//!
//! Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2016). Tiles are transformed, multiplied as 36 matrix products by
//! the same micro-kernel as everything else, and transformed back with bias, SiLU and residual.

use super::ahead::Ahead;
use super::convolution::{Convolution, ConvolutionSpec};
use super::factors::Factors;
use super::instruction_set::InstructionSet;
use super::maps::{Place, LANES};
use super::memory::{Memory, Scratch};
use super::parallel::{even_parts, pieces, Shared};
use super::tile::Tile;
use super::winograd_transform::{input_transform, product_transform, Window, IN, KERNEL_TRANSFORM, OUT};

/// Products a tile and pair of channels.
const POINTS: usize = IN * IN;
/// Tiles at once, so that their transforms stay in a cache.
const TILES: usize = 112;
/// Parts of a batch that may be transformed at the same time.
const SHARES: usize = 4;

/// Transformed kernels.
pub(super) struct Winograd {
    /// `[point][group of output blocks][input lane][output lane of the group]`.
    kernels: Memory,
    factors: Factors,
}

/// A batch of tiles under way.
struct Batch {
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
        let (inputs, outputs) = (factors.planes(spec.input.len() / LANES) * LANES, spec.output.len());
        let mut memory = Memory::zeros(POINTS * inputs * outputs);
        let packed = memory.values_mut();
        let group = set.tile_blocks() * LANES;
        for output in (0..outputs).filter(|&lane| spec.output[lane].is_some()) {
            let (first, lane) = (output / group * group, output % group);
            let width = group.min(outputs - first);
            for input in 0..inputs {
                let of_lane =
                    |lane: usize| transform_kernel(std::array::from_fn(|tap| f64::from(spec.tap(output, lane, tap))));
                let channels = factors.per_value();
                let transformed = [0, channels - 1].map(|index| of_lane(input * channels + index));
                for point in 0..POINTS {
                    let value = factors.value(input, |lane| transformed[lane - input * channels][point] as f32);
                    packed[point * inputs * outputs + first * inputs + input * width + lane] = value;
                }
            }
        }
        Self { kernels: memory, factors }
    }

    /// See [`Convolution::run`], which has checked the places.
    pub fn run(
        &self,
        convolution: &Convolution,
        scratch: &mut Scratch,
        from: Place,
        to: Place,
        residual: Option<Place>,
        spread: bool,
    ) {
        let across = to.shape.width.div_ceil(OUT);
        let batches = even_parts(to.shape.height.div_ceil(OUT) * across, TILES);
        let most = batches.iter().map(|&(_, tiles)| tiles).max().unwrap_or(0);
        // Odd numbers of lines, so that the blocks and points of a tile fall into different sets of a cache.
        let plane = |tiles: usize| tiles | 1;
        let point = |blocks: usize, tiles: usize| ((blocks * plane(tiles)) | 1) * LANES;
        let (ins, outs) = (self.factors.planes(convolution.in_blocks), convolution.out_blocks);
        let [inputs, products] = scratch.areas([POINTS * point(ins, most), POINTS * point(outs, most)]).map(Shared);
        for (first, tiles) in batches {
            let (input_point, product_point) = (point(ins, tiles), point(outs, tiles));
            let plane = plane(tiles) * LANES;
            let batch = Batch { first, tiles, across, inputs, input_point, products, product_point, plane };
            // Blocks may be fewer than threads.
            let shares = even_parts(tiles, tiles.div_ceil(SHARES));
            let piece = |piece: usize| (piece / shares.len(), shares[piece % shares.len()]);
            let count = |blocks: usize| blocks * shares.len();
            pieces(count(ins), spread, |index| self.transform_inputs(&batch, convolution, from, piece(index)));
            pieces(POINTS, spread, |point| self.multiply(&batch, convolution, point));
            pieces(count(outs), spread, |index| batch.transform_products(convolution, to, residual, piece(index)));
        }
    }

    fn transform_inputs(
        &self,
        batch: &Batch,
        convolution: &Convolution,
        from: Place,
        (plane, (first, tiles)): (usize, (usize, usize)),
    ) {
        let transform = input_transform(convolution.set);
        let blocks =
            plane * self.factors.per_value()..convolution.in_blocks.min((plane + 1) * self.factors.per_value());
        for tile in first..first + tiles {
            let (row, column) = batch.corner(tile);
            let window = |block: usize| Window {
                start: from
                    .start
                    .at(block * from.shape.block() + from.shape.pixel(row, column) - from.shape.row() - LANES),
                row: from.shape.row(),
                // A tile at the edge reads no further than the border.
                rows: IN.min(from.shape.height + 2 - row),
                columns: IN.min(from.shape.width + 2 - column),
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
                let mut points = [[0.0f32; POINTS * LANES]; 2];
                for (block, points) in blocks.clone().zip(&mut points) {
                    transform(window(block), points.as_mut_ptr(), LANES);
                }
                self.factors.round()(points[0].as_ptr(), points[1].as_ptr(), to, POINTS, batch.input_point);
            }
        }
    }

    fn multiply(&self, batch: &Batch, convolution: &Convolution, point: usize) {
        let (set, ins, outs) = (convolution.set, self.factors.planes(convolution.in_blocks), convolution.out_blocks);
        let parts = even_parts(batch.tiles, set.tile_pixels());
        let chunks = even_parts(ins, set.panel_planes(LANES));
        let mut kernels = &self.kernels.values()[point * outs * ins * LANES * LANES..];
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

/// `G g G^T`, in f64.
fn transform_kernel(taps: [f64; 9]) -> [f64; POINTS] {
    let dot = |row: &[f64; 3], column: [f64; 3]| row.iter().zip(column).map(|(a, b)| a * b).sum::<f64>();
    let half: [[f64; 3]; IN] = std::array::from_fn(|row| {
        std::array::from_fn(|column| dot(&KERNEL_TRANSFORM[row], [taps[column], taps[3 + column], taps[6 + column]]))
    });
    std::array::from_fn(|point| dot(&KERNEL_TRANSFORM[point % IN], half[point / IN]))
}

impl Batch {
    /// First row and column of a tile's outputs.
    fn corner(&self, tile: usize) -> (usize, usize) {
        let tile = self.first + tile;
        (tile / self.across * OUT, tile % self.across * OUT)
    }

    fn transform_products(
        &self,
        convolution: &Convolution,
        to: Place,
        residual: Option<Place>,
        (block, (first, tiles)): (usize, (usize, usize)),
    ) {
        let transform = product_transform(convolution.set);
        let bias = convolution.bias.values()[block * LANES..].as_ptr();
        for tile in first..first + tiles {
            let (row, column) = self.corner(tile);
            let at = |place: Place| Window {
                start: place.start.at(block * place.shape.block() + place.shape.pixel(row, column)),
                row: place.shape.row(),
                rows: OUT.min(to.shape.height - row),
                columns: OUT.min(to.shape.width - column),
            };
            let from = self.products.at(block * self.plane + tile * LANES);
            // SAFETY: as above; the window is cut at the edge of the output, of which no other piece
            // writes these tiles of this block, and a residual has the output's size.
            unsafe {
                transform(from, self.product_point, at(to), residual.map(at), bias, convolution.silu);
            }
        }
    }
}
