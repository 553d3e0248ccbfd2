//! Winograd's minimal filtering of rows: F(4, 3), and F(4, 2) for rows whose values are doubled first.
//!
//! What a kernel of 3 makes of a row in which every value stands twice is, at even and at odd places, what a kernel of 2
//! makes of the row itself: of `a a b b`, the kernel `(x, y, z)` makes `x a + (y + z) b` at the first `b` and, of
//! `b b c c`, `(x + y) b + z c` at the second.

use super::lanes::Lanes;

/// The points of interpolation are 0, infinity, and these two with either sign (F(4, 2) has no minus the second). Every
/// constant made of them is exact in f32, and the error is less than half of that with the usual points 1 and 2: small
/// powers, and a product near 1 (Barabasz et al., Error Analysis and Improving the Accuracy of Winograd
/// Convolution for Deep Neural Networks, 2020, say why; `reports/kernels-2026-11-24/winograd_points.py`
/// compares a few). With two taps it is as large as with three (`reports/doubled-2026-11-27/points.py`).
const NEAR: f32 = 0.625;
const FAR: f32 = 1.5;
/// Their squares, the squares' product and sum.
const NEAR2: f32 = NEAR * NEAR;
const FAR2: f32 = FAR * FAR;
const PRODUCT: f32 = NEAR2 * FAR2;
const SUM: f32 = NEAR2 + FAR2;

/// Outputs of a tile's row.
pub(super) const OUT: usize = 4;
/// Inputs of a tile's row with three taps.
pub(super) const IN_OF_THREE: usize = 6;
/// Inputs of a tile's row with two taps.
pub(super) const IN_OF_TWO: usize = 5;

/// The transform of three taps: a row of powers a point, divided by its distances to the others.
pub(super) const THREE_TAPS: [[f64; 3]; IN_OF_THREE] = [
    powers(0.0, PRODUCT),
    powers(NEAR, 2.0 * NEAR2 * (NEAR2 - FAR2)),
    powers(-NEAR, 2.0 * NEAR2 * (NEAR2 - FAR2)),
    powers(FAR, 2.0 * FAR2 * (FAR2 - NEAR2)),
    powers(-FAR, 2.0 * FAR2 * (FAR2 - NEAR2)),
    [0.0, 0.0, 1.0],
];

/// The transforms of three taps over doubled values, at even and at odd places: two taps, one of which is a sum.
pub(super) const DOUBLED_TAPS: [[[f64; 3]; IN_OF_TWO]; 2] = {
    let two = [
        powers(0.0, NEAR2 * FAR),
        powers(NEAR, 2.0 * NEAR2 * (NEAR - FAR)),
        powers(-NEAR, -2.0 * NEAR2 * (NEAR + FAR)),
        powers(FAR, FAR * (FAR2 - NEAR2)),
        [0.0, 1.0, 0.0],
    ];
    let mut taps = [[[0.0; 3]; IN_OF_TWO]; 2];
    let mut point = 0;
    while point < IN_OF_TWO {
        let [first, second, _] = two[point];
        taps[0][point] = [first, second, second];
        taps[1][point] = [first, first, second];
        point += 1;
    }
    taps
};

const fn powers(point: f32, distances: f32) -> [f64; 3] {
    let (point, distances) = (point as f64, distances as f64);
    [1.0 / distances, point / distances, point * point / distances]
}

/// `factor * x + y`. The transforms have no closures: those are compiled without the instructions.
#[inline(always)]
unsafe fn times<L: Lanes>(factor: f32, x: L, y: L) -> L {
    L::splat(factor).mul_add(x, y)
}

/// One row of `B^T d`, with three taps.
#[inline(always)]
pub(super) unsafe fn inputs_of_three<L: Lanes>(d: [L; IN_OF_THREE]) -> [L; IN_OF_THREE] {
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

/// One row of `A^T m`, with three taps.
#[inline(always)]
pub(super) unsafe fn outputs_of_three<L: Lanes>(m: [L; IN_OF_THREE]) -> [L; OUT] {
    let (near_sum, near_difference) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (far_sum, far_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(near_sum).add(far_sum),
        times(FAR, far_difference, L::splat(NEAR).mul(near_difference)),
        times(FAR2, far_sum, L::splat(NEAR2).mul(near_sum)),
        times(FAR * FAR2, far_difference, times(NEAR * NEAR2, near_difference, m[5])),
    ]
}

/// One row of `B^T d`, with two taps.
#[inline(always)]
pub(super) unsafe fn inputs_of_two<L: Lanes>(d: [L; IN_OF_TWO]) -> [L; IN_OF_TWO] {
    // All points but the far one have the factor `x - FAR` in common.
    let common = [times(-FAR, d[0], d[1]), times(-FAR, d[1], d[2]), times(-FAR, d[2], d[3]), times(-FAR, d[3], d[4])];
    [
        times(-NEAR2, common[0], common[2]),
        times(NEAR, common[1], common[2]),
        times(-NEAR, common[1], common[2]),
        times(-NEAR2, d[1], d[3]),
        times(-NEAR2, common[1], common[3]),
    ]
}

/// One row of `A^T m`, with two taps.
#[inline(always)]
pub(super) unsafe fn outputs_of_two<L: Lanes>(m: [L; IN_OF_TWO]) -> [L; OUT] {
    let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
    [
        m[0].add(sum).add(m[3]),
        times(FAR, m[3], L::splat(NEAR).mul(difference)),
        times(FAR2, m[3], L::splat(NEAR2).mul(sum)),
        times(FAR * FAR2, m[3], times(NEAR * NEAR2, difference, m[4])),
    ]
}
