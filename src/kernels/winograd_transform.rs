//! The transforms of inputs and of products in Winograd's algorithm, see [`super::winograd`].

use super::instruction_set::InstructionSet;
use super::lanes::Lanes;
#[cfg(target_arch = "x86_64")]
use super::lanes::{Avx2Half, Avx512};
use super::maps::LANES;

/// The points of interpolation are 0, infinity, and these two with either sign. Every constant made of
/// them is exact in f32, and the error is less than half of that with the usual points 1 and 2: small
/// powers, and a product near 1 (Barabasz et al., Error Analysis and Improving the Accuracy of Winograd
/// Convolution for Deep Neural Networks, 2020, say why; `reports/kernels-2026-11-24/winograd_points.py`
/// compares a few).
const NEAR: f32 = 0.625;
const FAR: f32 = 1.5;
/// Their squares, the squares' product and sum.
const NEAR2: f32 = NEAR * NEAR;
const FAR2: f32 = FAR * FAR;
const PRODUCT: f32 = NEAR2 * FAR2;
const SUM: f32 = NEAR2 + FAR2;

/// Side of a tile's outputs.
pub(super) const OUT: usize = 4;
/// Side of a tile's inputs.
pub(super) const IN: usize = 6;

/// The transform of kernels: a row of powers a point, divided by its distances to the others.
pub(super) const KERNEL_TRANSFORM: [[f64; 3]; IN] = [
    kernel_row(0.0, PRODUCT),
    kernel_row(NEAR, 2.0 * NEAR2 * (NEAR2 - FAR2)),
    kernel_row(-NEAR, 2.0 * NEAR2 * (NEAR2 - FAR2)),
    kernel_row(FAR, 2.0 * FAR2 * (FAR2 - NEAR2)),
    kernel_row(-FAR, 2.0 * FAR2 * (FAR2 - NEAR2)),
    [0.0, 0.0, 1.0],
];

const fn kernel_row(point: f32, distances: f32) -> [f64; 3] {
    let (point, distances) = (point as f64, distances as f64);
    [1.0 / distances, point / distances, point * point / distances]
}

/// Part of a block of maps.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub start: *mut f32,
    /// Values from a row to the next.
    pub row: usize,
    pub rows: usize,
    pub columns: usize,
}

/// From a window to the points of a tile, which are so many values apart.
pub(super) type InputTransform = unsafe fn(Window, *mut f32, usize);
/// From the points of a tile, which are so many values apart, to a window, with residual, bias and SiLU.
pub(super) type ProductTransform = unsafe fn(*const f32, usize, Window, Option<Window>, *const f32, bool);

/// `factor * x + y`. The transforms have no closures: those are compiled without the instructions.
#[inline(always)]
unsafe fn times<L: Lanes>(factor: f32, x: L, y: L) -> L {
    L::splat(factor).mul_add(x, y)
}

/// One row of `B^T d`.
#[inline(always)]
unsafe fn input_row<L: Lanes>(d: [L; IN]) -> [L; IN] {
    let (near_even, near_odd) = (times(-FAR2, d[2], d[4]), times(-FAR2, d[1], d[3]));
    let (far_even, far_odd) = (times(-NEAR2, d[2], d[4]), times(-NEAR2, d[1], d[3]));
    [
        times(PRODUCT, d[0], times(-SUM, d[2], d[4])),
        times(NEAR, near_odd, near_even),
        times(-NEAR, near_odd, near_even),
        times(FAR, far_odd, far_even),
        times(-FAR, far_odd, far_even),
        times(PRODUCT, d[1], times(-SUM, d[3], d[5])),
    ]
}

/// One row of `A^T m`.
#[inline(always)]
unsafe fn product_row<L: Lanes>(m: [L; IN]) -> [L; OUT] {
    let (near_sum, near_difference) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (far_sum, far_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(near_sum).add(far_sum),
        times(FAR, far_difference, L::splat(NEAR).mul(near_difference)),
        times(FAR2, far_sum, L::splat(NEAR2).mul(near_sum)),
        times(FAR * FAR2, far_difference, times(NEAR * NEAR2, near_difference, m[5])),
    ]
}

impl Window {
    /// The part of the window from a lane on.
    #[inline(always)]
    fn at_lane(self, lane: usize) -> Self {
        Self { start: self.start.wrapping_add(lane), ..self }
    }

    #[inline(always)]
    unsafe fn pixel(&self, row: usize, column: usize) -> *mut f32 {
        self.start.add(row * self.row + column * LANES)
    }

    /// A pixel, zero outside of the window, which has six rows and columns if it is `FULL`.
    #[inline(always)]
    unsafe fn load<L: Lanes, const FULL: bool>(&self, row: usize, column: usize) -> L {
        if FULL || (row < self.rows && column < self.columns) {
            return L::load(self.pixel(row, column));
        }
        L::splat(0.0)
    }

    /// `B^T d` for a column.
    #[inline(always)]
    unsafe fn input_column<L: Lanes, const FULL: bool>(&self, column: usize) -> [L; IN] {
        input_row([
            self.load::<L, FULL>(0, column),
            self.load::<L, FULL>(1, column),
            self.load::<L, FULL>(2, column),
            self.load::<L, FULL>(3, column),
            self.load::<L, FULL>(4, column),
            self.load::<L, FULL>(5, column),
        ])
    }
}

/// A row across six columns.
#[inline(always)]
unsafe fn across<L: Lanes, const ROWS: usize>(columns: &[[L; ROWS]; IN], row: usize) -> [L; IN] {
    [columns[0][row], columns[1][row], columns[2][row], columns[3][row], columns[4][row], columns[5][row]]
}

#[inline(always)]
unsafe fn transform_window<L: Lanes, const FULL: bool>(window: Window, to: *mut f32, point: usize) {
    let columns = [
        window.input_column::<L, FULL>(0),
        window.input_column::<L, FULL>(1),
        window.input_column::<L, FULL>(2),
        window.input_column::<L, FULL>(3),
        window.input_column::<L, FULL>(4),
        window.input_column::<L, FULL>(5),
    ];
    for row in 0..IN {
        let values = input_row(across(&columns, row));
        for (column, value) in values.iter().enumerate() {
            value.store(to.add((row * IN + column) * point));
        }
    }
}

#[inline(always)]
unsafe fn transform_input<L: Lanes>(window: Window, to: *mut f32, point: usize) {
    let mut lane = 0;
    while lane < LANES {
        let (window, to) = (window.at_lane(lane), to.add(lane));
        match window.rows == IN && window.columns == IN {
            true => transform_window::<L, true>(window, to, point),
            false => transform_window::<L, false>(window, to, point),
        }
        lane += L::WIDTH;
    }
}

/// `A^T m` for a column.
#[inline(always)]
unsafe fn product_column<L: Lanes>(from: *const f32, point: usize, column: usize) -> [L; OUT] {
    product_row([
        L::load(from.add(column * point)),
        L::load(from.add((IN + column) * point)),
        L::load(from.add((2 * IN + column) * point)),
        L::load(from.add((3 * IN + column) * point)),
        L::load(from.add((4 * IN + column) * point)),
        L::load(from.add((5 * IN + column) * point)),
    ])
}

#[inline(always)]
unsafe fn transform_lanes<L: Lanes>(
    from: *const f32,
    point: usize,
    to: Window,
    residual: Option<Window>,
    bias: *const f32,
    silu: bool,
) {
    let columns = [
        product_column::<L>(from, point, 0),
        product_column::<L>(from, point, 1),
        product_column::<L>(from, point, 2),
        product_column::<L>(from, point, 3),
        product_column::<L>(from, point, 4),
        product_column::<L>(from, point, 5),
    ];
    let bias = L::load(bias);
    for row in 0..to.rows {
        let values = product_row(across(&columns, row));
        for (column, value) in values.iter().enumerate().take(to.columns) {
            let mut value = value.add(bias);
            if silu {
                value = value.silu();
            }
            if let Some(residual) = &residual {
                value = value.add(L::load(residual.pixel(row, column)));
            }
            value.store(to.pixel(row, column));
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
    let mut lane = 0;
    while lane < LANES {
        let residual = residual.map(|residual| residual.at_lane(lane));
        transform_lanes::<L>(from.add(lane), point, to.at_lane(lane), residual, bias.add(lane), silu);
        lane += L::WIDTH;
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
transforms!(avx2: Avx2Half, ["avx2,fma"]);
#[cfg(target_arch = "x86_64")]
transforms!(avx512: Avx512, ["avx512f,avx512dq"]);

/// The transform of inputs.
pub(super) fn input_transform(set: InstructionSet) -> InputTransform {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => avx512::input,
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => avx2::input,
        _ => portable::input,
    }
}

/// The transform of products.
pub(super) fn product_transform(set: InstructionSet) -> ProductTransform {
    match set {
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx512 => avx512::product,
        #[cfg(target_arch = "x86_64")]
        InstructionSet::Avx2 => avx2::product,
        _ => portable::product,
    }
}
