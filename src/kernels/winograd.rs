//! Winograd's minimal filtering F(4 x 4, 3 x 3): 36 products a tile of 16 outputs instead of 144.
//!
//! Lavin and Gray, Fast Algorithms for Convolutional Neural Networks (2016), with the interpolation
//! points 0, 1, -1, 2, -2 and infinity. Tiles are transformed, multiplied as 36 matrix products by
//! the same micro-kernel as everything else, and transformed back with bias, SiLU and residual.

use super::convolution::{Convolution, ConvolutionSpec};
use super::instruction_set::InstructionSet;
use super::lanes::Lanes;
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2, Avx512};
use super::maps::{Place, LANES};
use super::memory::{Memory, Scratch};
use super::parallel::{even_parts, pieces, Shared};
use super::tile::{kernel, Finish, Tile};

/// Side of a tile's outputs.
const OUT: usize = 4;
/// Side of a tile's inputs.
const IN: usize = 6;
/// Products a tile and pair of channels.
const POINTS: usize = IN * IN;
/// Tiles at once, so that their transforms stay in a cache.
const TILES: usize = 112;

/// The transform of kernels.
const KERNEL_TRANSFORM: [[f64; 3]; IN] = [
    [1.0 / 4.0, 0.0, 0.0],
    [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
    [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
    [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
    [0.0, 0.0, 1.0],
];

/// Transformed kernels, `[point][group of output blocks][input lane][output lane of the group]`.
pub(super) struct Winograd(Memory);

/// A batch of tiles under way.
struct Batch {
    first: usize,
    tiles: usize,
    /// Tiles in a row of tiles.
    across: usize,
    /// Transformed inputs, `[point][input block][tile][LANES]`.
    inputs: Shared,
    /// Values from a point of the inputs to the next.
    input_point: usize,
    /// Products, `[point][output block][tile][LANES]`.
    products: Shared,
    /// Values from a point of the products to the next.
    product_point: usize,
}

impl Winograd {
    /// Transforms a 3 x 3 convolution's kernels.
    pub fn pack(spec: &ConvolutionSpec<'_>, set: InstructionSet) -> Self {
        let (inputs, outputs) = (spec.input.len(), spec.output.len());
        let mut memory = Memory::zeros(POINTS * inputs * outputs);
        let packed = memory.values_mut();
        let group = set.tile_blocks() * LANES;
        for output in (0..outputs).filter(|&lane| spec.output[lane].is_some()) {
            let (first, lane) = (output / group * group, output % group);
            let width = group.min(outputs - first);
            for input in 0..inputs {
                let transformed = transform_kernel(std::array::from_fn(|tap| f64::from(spec.tap(output, input, tap))));
                for (point, value) in transformed.into_iter().enumerate() {
                    packed[point * inputs * outputs + first * inputs + input * width + lane] = value as f32;
                }
            }
        }
        Self(memory)
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
        // One line more a point, so that the points of a tile fall into different sets of a cache.
        let point = |blocks: usize, tiles: usize| (blocks * tiles + 1) * LANES;
        let (ins, outs) = (convolution.in_blocks, convolution.out_blocks);
        let [inputs, products] = scratch.areas([POINTS * point(ins, most), POINTS * point(outs, most)]).map(Shared);
        for (first, tiles) in batches {
            let (input_point, product_point) = (point(ins, tiles), point(outs, tiles));
            let batch = Batch { first, tiles, across, inputs, input_point, products, product_point };
            pieces(ins, spread, |block| batch.transform_inputs(convolution.set, from, block));
            pieces(POINTS, spread, |point| batch.multiply(convolution, &self.0, point));
            pieces(outs, spread, |block| batch.transform_products(convolution, to, residual, block));
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

    fn transform_inputs(&self, set: InstructionSet, from: Place, block: usize) {
        let transform = input_transform(set);
        for tile in 0..self.tiles {
            let (row, column) = self.corner(tile);
            let window = Window {
                start: from
                    .start
                    .at(block * from.shape.block() + from.shape.pixel(row, column) - from.shape.row() - LANES),
                row: from.shape.row(),
                // A tile at the edge reads no further than the border.
                rows: IN.min(from.shape.height + 2 - row),
                columns: IN.min(from.shape.width + 2 - column),
            };
            let to = self.inputs.at((block * self.tiles + tile) * LANES);
            // SAFETY: the window is within the block and its border, the scratch area holds every
            // point of every tile, no other piece writes this block's, and `Convolution::new`
            // checked the instructions.
            unsafe { transform(window, to, self.input_point) }
        }
    }

    fn multiply(&self, convolution: &Convolution, kernels: &Memory, point: usize) {
        let (ins, outs) = (convolution.in_blocks, convolution.out_blocks);
        let plane = self.tiles * LANES;
        let tile = Tile {
            planes: ins,
            plane,
            kernel: 1,
            row: 0,
            channels: LANES,
            out_block: plane,
            out_pixel: LANES,
            bias: std::ptr::null(),
            residual: std::ptr::null(),
            residual_block: 0,
            finish: Finish::Plain,
        };
        let parts = even_parts(self.tiles, convolution.set.tile_pixels());
        for block in (0..outs).step_by(convolution.set.tile_blocks()) {
            let blocks = convolution.set.tile_blocks().min(outs - block);
            let weights = (point * outs + block) * ins * LANES * LANES;
            for &(first, tiles) in &parts {
                let input = self.inputs.at(point * self.input_point + first * LANES);
                let out = self.products.at(point * self.product_point + block * plane + first * LANES);
                let compute = kernel(convolution.set, blocks, tiles, 1);
                // SAFETY: `run` sized both areas for every point, block and tile, and no other piece
                // writes this point; `Convolution::new` checked the instructions.
                unsafe { compute(&tile, input, kernels.values()[weights..].as_ptr(), out) }
            }
        }
    }

    fn transform_products(&self, convolution: &Convolution, to: Place, residual: Option<Place>, block: usize) {
        let transform = product_transform(convolution.set);
        let bias = convolution.bias.values()[block * LANES..].as_ptr();
        for tile in 0..self.tiles {
            let (row, column) = self.corner(tile);
            let at = |place: Place| Window {
                start: place.start.at(block * place.shape.block() + place.shape.pixel(row, column)),
                row: place.shape.row(),
                rows: OUT.min(to.shape.height - row),
                columns: OUT.min(to.shape.width - column),
            };
            let from = self.products.at((block * self.tiles + tile) * LANES);
            // SAFETY: as above; the window is cut at the edge of the output, of which no other piece
            // writes this block, and a residual has the output's size.
            unsafe {
                transform(from, self.product_point, at(to), residual.map(at), bias, convolution.silu);
            }
        }
    }
}

/// Part of a block of maps.
#[derive(Clone, Copy)]
struct Window {
    start: *mut f32,
    /// Values from a row to the next.
    row: usize,
    rows: usize,
    columns: usize,
}

type InputTransform = unsafe fn(Window, *mut f32, usize);
type ProductTransform = unsafe fn(*const f32, usize, Window, Option<Window>, *const f32, bool);

/// One row of `B^T d`.
#[inline(always)]
unsafe fn input_row<L: Lanes>(d: [L; IN]) -> [L; IN] {
    let times = |factor: f32, x: L, y: L| L::splat(factor).mul_add(x, y);
    let even = times(-4.0, d[2], d[4]);
    let odd = times(-4.0, d[1], d[3]);
    let (far_even, far_odd) = (d[4].sub(d[2]), d[3].sub(d[1]));
    [
        times(4.0, d[0], times(-5.0, d[2], d[4])),
        even.add(odd),
        even.sub(odd),
        times(2.0, far_odd, far_even),
        times(-2.0, far_odd, far_even),
        times(4.0, d[1], times(-5.0, d[3], d[5])),
    ]
}

/// One row of `A^T m`.
#[inline(always)]
unsafe fn product_row<L: Lanes>(m: [L; IN]) -> [L; OUT] {
    let times = |factor: f32, x: L, y: L| L::splat(factor).mul_add(x, y);
    let (near_sum, near_difference) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (far_sum, far_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(near_sum).add(far_sum),
        times(2.0, far_difference, near_difference),
        times(4.0, far_sum, near_sum),
        times(8.0, far_difference, near_difference).add(m[5]),
    ]
}

#[inline(always)]
unsafe fn transform_input<L: Lanes>(window: Window, to: *mut f32, point: usize) {
    let mut columns = [[L::splat(0.0); IN]; IN];
    for (column, transformed) in columns.iter_mut().enumerate().take(window.columns) {
        let mut values = [L::splat(0.0); IN];
        for (row, value) in values.iter_mut().enumerate().take(window.rows) {
            *value = L::load(window.start.add(row * window.row + column * LANES));
        }
        *transformed = input_row(values);
    }
    for row in 0..IN {
        let values = columns.map(|column| column[row]);
        for (column, value) in input_row(values).into_iter().enumerate() {
            value.store(to.add((row * IN + column) * point));
        }
    }
}

#[inline(always)]
unsafe fn transform_product<L: Lanes>(
    from: *const f32,
    point: usize,
    to: Window,
    residual: Option<Window>,
    bias: *const f32,
    silu: bool,
) {
    let mut columns = [[L::splat(0.0); OUT]; IN];
    for (column, transformed) in columns.iter_mut().enumerate() {
        let mut values = [L::splat(0.0); IN];
        for (row, value) in values.iter_mut().enumerate() {
            *value = L::load(from.add((row * IN + column) * point));
        }
        *transformed = product_row(values);
    }
    let bias = L::load(bias);
    for row in 0..to.rows {
        let values = columns.map(|column| column[row]);
        for (column, value) in product_row(values).into_iter().enumerate().take(to.columns) {
            let mut value = value.add(bias);
            if silu {
                value = value.silu();
            }
            if let Some(residual) = residual {
                value = value.add(L::load(residual.start.add(row * residual.row + column * LANES)));
            }
            value.store(to.start.add(row * to.row + column * LANES));
        }
    }
}

/// Both transforms compiled for an instruction set.
macro_rules! transforms {
    ($module:ident: $lanes:ty, [$($feature:literal)?]) => {
        mod $module {
            use super::*;
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn input(window: Window, to: *mut f32, point: usize) {
                transform_input::<$lanes>(window, to, point);
            }
            $(#[target_feature(enable = $feature)])?
            pub unsafe fn product(
                from: *const f32,
                point: usize,
                to: Window,
                residual: Option<Window>,
                bias: *const f32,
                silu: bool,
            ) {
                transform_product::<$lanes>(from, point, to, residual, bias, silu);
            }
        }
    };
}

transforms!(portable: [f32; 16], []);
#[cfg(target_arch = "x86_64")]
transforms!(avx2: Avx2, ["avx2,fma"]);
#[cfg(target_arch = "x86_64")]
transforms!(avx512: Avx512, ["avx512f,avx512dq"]);

fn input_transform(set: InstructionSet) -> InputTransform {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => avx512::input,
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => avx2::input,
        _ => portable::input,
    }
}

fn product_transform(set: InstructionSet) -> ProductTransform {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => avx512::product,
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => avx2::product,
        _ => portable::product,
    }
}
