//! The transforms of inputs and of products in Winograd's algorithm, see [`super::winograd`]: those of rows
//! (`winograd_rows`), first down the columns of a tile, then across its rows.

use super::instruction_set::InstructionSet;
use super::lanes::Lanes;
use super::maps::LANES;
use super::winograd_rows::OUT;

/// Part of a block of maps.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub start: *mut f32,
    /// Values from a row to the next.
    pub row: usize,
    /// Values from a column to the next.
    pub column: usize,
    pub rows: usize,
    pub columns: usize,
}

/// From a window to the points of a tile, which are so many values apart.
pub(super) type InputTransform = unsafe fn(Window, *mut f32, usize);
/// From the points of a tile, which are so many values apart, to a window, with residual, bias and SiLU.
pub(super) type ProductTransform = unsafe fn(*const f32, usize, Window, Option<Window>, *const f32, bool);

impl Window {
    /// The part of the window from a lane on.
    #[inline(always)]
    fn at_lane(self, lane: usize) -> Self {
        Self { start: self.start.wrapping_add(lane), ..self }
    }

    #[inline(always)]
    unsafe fn pixel(&self, row: usize, column: usize) -> *mut f32 {
        self.start.add(row * self.row + column * self.column)
    }

    /// A pixel, zero outside of the window, which is no smaller than a tile if it is `FULL`.
    #[inline(always)]
    unsafe fn load<L: Lanes, const FULL: bool>(&self, row: usize, column: usize) -> L {
        if FULL || (row < self.rows && column < self.columns) {
            return L::load(self.pixel(row, column));
        }
        L::splat(0.0)
    }
}

/// What is added to a tile's outputs, and applied to them.
struct Finish<'a, L> {
    bias: L,
    silu: bool,
    residual: &'a Option<Window>,
}

impl<L: Lanes> Finish<'_, L> {
    #[inline(always)]
    unsafe fn of(&self, value: L, row: usize, column: usize) -> L {
        let mut value = value.add(self.bias);
        if self.silu {
            value = value.silu();
        }
        if let Some(residual) = self.residual {
            value = value.add(L::load(residual.pixel(row, column)));
        }
        value
    }
}

/// Both transforms of a filter: how many inputs a row has, their numbers, and what is made of a row. Each number is
/// spelled out, so that all values stay in registers.
macro_rules! filter {
    ($filter:ident: $in:ident [$($at:literal)+], $inputs:ident, $outputs:ident) => {
        pub(super) mod $filter {
            use super::*;
            use crate::kernels::winograd_rows::{$in as IN, $inputs as inputs, $outputs as outputs};

            #[inline(always)]
            unsafe fn input_column<L: Lanes, const FULL: bool>(window: &Window, column: usize) -> [L; IN] {
                inputs([$(window.load::<L, FULL>($at, column)),+])
            }

            #[inline(always)]
            unsafe fn transform_window<L: Lanes, const FULL: bool>(window: Window, to: *mut f32, point: usize) {
                let columns = [$(input_column::<L, FULL>(&window, $at)),+];
                for row in 0..IN {
                    let values = inputs([$(columns[$at][row]),+]);
                    for (column, value) in values.iter().enumerate() {
                        value.store(to.add((row * IN + column) * point));
                    }
                }
            }

            #[inline(always)]
            unsafe fn transform_input<L: Lanes>(window: Window, to: *mut f32, point: usize) {
                // Known to the compiler where the transform is compiled, not where its window is made.
                let window = Window { column: LANES, ..window };
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

            #[inline(always)]
            unsafe fn product_column<L: Lanes>(from: *const f32, point: usize, column: usize) -> [L; OUT] {
                outputs([$(L::load(from.add(($at * IN + column) * point))),+])
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
                let columns = [$(product_column::<L>(from, point, $at)),+];
                let finish = Finish { bias: L::load(bias), silu, residual: &residual };
                for row in 0..to.rows {
                    let values = outputs([$(columns[$at][row]),+]);
                    for (column, value) in values.iter().enumerate().take(to.columns) {
                        finish.of(*value, row, column).store(to.pixel(row, column));
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

            transforms!(portable: [f32; 16], []);
            #[cfg(target_arch = "x86_64")]
            transforms!(avx2: crate::kernels::lanes::Avx2Half, ["avx2,fma"]);
            #[cfg(target_arch = "x86_64")]
            transforms!(avx512: crate::kernels::lanes::Avx512, ["avx512f,avx512dq"]);

            /// The transform of inputs.
            pub fn input_transform(set: InstructionSet) -> InputTransform {
                match set {
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx512 => avx512::input,
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx2 => avx2::input,
                    _ => portable::input,
                }
            }

            /// The transform of products.
            pub fn product_transform(set: InstructionSet) -> ProductTransform {
                match set {
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx512 => avx512::product,
                    #[cfg(target_arch = "x86_64")]
                    InstructionSet::Avx2 => avx2::product,
                    _ => portable::product,
                }
            }
        }
    };
}

/// A filter's transforms compiled for an instruction set.
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

filter!(three_taps: IN_OF_THREE [0 1 2 3 4 5], inputs_of_three, outputs_of_three);
filter!(two_taps: IN_OF_TWO [0 1 2 3 4], inputs_of_two, outputs_of_two);
