//! Mask probabilities at the prototypes' resolution.

use std::ops::Range;

use super::{Coefficients, Masks};
use crate::kernels::{add_scaled, logistic_row};

impl Masks<'_> {
    /// Writes the probabilities of a window of the prototype map, row-major, to `out`.
    ///
    /// Channels are added in order. A value that is not a number counts as probability 0.
    pub(super) fn probabilities(
        &self,
        coefficients: &Coefficients,
        rows: Range<usize>,
        columns: Range<usize>,
        out: &mut Vec<f32>,
    ) {
        out.clear();
        out.resize(rows.len() * columns.len(), 0.0);
        for (sums, row) in out.chunks_exact_mut(columns.len().max(1)).zip(rows) {
            for (channel, &coefficient) in coefficients.iter().enumerate() {
                let start = (channel * self.prototype_height + row) * self.prototype_width;
                let prototype = &self.prototypes[start..][columns.clone()];
                add_scaled(sums, coefficient, prototype);
            }
        }
        logistic_row(out);
    }
}
