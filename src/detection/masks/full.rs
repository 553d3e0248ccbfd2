//! The definition: every mask at full size, step by step.

use super::bilinear::Tap;
use super::{Coefficients, Masks};
use crate::detection::geometry::pixels_between;
use crate::mask::Rle;

impl Masks<'_> {
    /// The mask of a detection, computed at full size as the reference does.
    ///
    /// `bbox` is the detection's box in pixels of the square input.
    ///
    /// # Panics
    /// If the image has more than [`MAX_PIXELS`](crate::mask::MAX_PIXELS) pixels.
    pub fn full_size(&self, coefficients: &Coefficients, bbox: [f32; 4]) -> Rle {
        let (height, width) = (self.rows.original, self.columns.original);
        let mut prototype = Vec::new();
        self.probabilities(coefficients, 0..self.prototype_height, 0..self.prototype_width, &mut prototype);
        let mut square =
            Plane { width: self.prototype_width, values: prototype }.resize(&self.rows.enlarge, &self.columns.enlarge);
        self.crop(&mut square, bbox);
        let original = self.unpad(&square).resize(&self.rows.restore, &self.columns.restore);
        let mut bitmap: Vec<u8> = original.values.iter().map(|&value| u8::from(value > self.threshold)).collect();
        bitmap.resize(height as usize * width as usize, 0);
        Rle::from_row_major(height, width, &bitmap).expect("the caller sees to the image's size")
    }

    fn crop(&self, square: &mut Plane, bbox: [f32; 4]) {
        let [x1, y1, x2, y2] = bbox;
        let rows = pixels_between(y1, y2, 0..self.rows.enlarge.len());
        let columns = pixels_between(x1, x2, 0..self.columns.enlarge.len());
        for (index, value) in square.values.iter_mut().enumerate() {
            if !rows.contains(&(index / square.width)) || !columns.contains(&(index % square.width)) {
                *value = 0.0;
            }
        }
    }

    fn unpad(&self, square: &Plane) -> Plane {
        let rows = self.rows.kept.clone();
        let values = rows.flat_map(|row| &square.values[row * square.width..][self.columns.kept.clone()]);
        Plane { width: self.columns.kept.len(), values: values.copied().collect() }
    }
}

/// Probabilities, row-major.
struct Plane {
    width: usize,
    values: Vec<f32>,
}

impl Plane {
    fn resize(&self, rows: &[Tap], columns: &[Tap]) -> Plane {
        let at = |row: usize, column: usize| self.values[row * self.width + column];
        let sample = |row: &Tap, column: &Tap| {
            let above = column.mix(at(row.low, column.low), at(row.low, column.high));
            let below = column.mix(at(row.high, column.low), at(row.high, column.high));
            row.mix(above, below)
        };
        let values = rows.iter().flat_map(|row| columns.iter().map(move |column| sample(row, column)));
        Plane { width: columns.len(), values: values.collect() }
    }
}
