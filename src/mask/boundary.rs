//! The boundary of a mask: its pixels near to one that is not of the mask.

use super::rle::toggled_runs;
use super::Rle;

/// The width of a boundary in parts of the image's diagonal.
const DILATION_RATIO: f64 = 0.02;

/// How wide the boundary of a mask of `height` x `width` is in pixels for Boundary IoU: 2 % of the
/// diagonal, halves rounded to even as Python rounds them, and at least 1.
pub fn boundary_width(height: u32, width: u32) -> u32 {
    let [height, width] = [height, width].map(f64::from);
    let diagonal = (height * height + width * width).sqrt();
    (DILATION_RATIO * diagonal).round_ties_even().max(1.0) as u32
}

/// Takes the boundaries of masks, keeping its working memory from mask to mask.
///
/// ```
/// use zoobench::mask::{Boundaries, Rle};
///
/// let full = Rle::from_counts(3, 3, vec![0, 9])?;
/// assert_eq!(Boundaries::default().boundary(&full, 1).counts(), [0, 4, 1, 4]);
/// # Ok::<(), zoobench::mask::MaskError>(())
/// ```
#[derive(Debug, Default)]
pub struct Boundaries {
    eroded: Vec<Run>,
    narrower: Vec<Run>,
    toggles: Vec<u32>,
}

/// Pixels `[start, end)` of a mask, in column-major order.
type Run = [u32; 2];

impl Boundaries {
    /// The pixels of `mask` at most `width` rows and columns away from a pixel that is not of it, or
    /// from the outside of the image.
    ///
    /// This is the mask without its erosion by a square of `2 * width + 1` pixels, which is the one by
    /// 3 x 3 repeated `width` times. It works on the runs, so that it costs what the mask's outline
    /// costs and not what the image does.
    pub fn boundary(&mut self, mask: &Rle, width: u32) -> Rle {
        self.erode(mask, width);
        self.toggles.clear();
        merge_toggles(mask.counts(), &self.eroded, &mut self.toggles);
        let mut counts = Vec::new();
        toggled_runs(&self.toggles, mask.height() * mask.width(), &mut counts);
        Rle::from_exact(mask.height(), mask.width(), counts)
    }

    /// Leaves the runs of the erosion in `self.eroded`.
    fn erode(&mut self, mask: &Rle, width: u32) {
        self.eroded.clear();
        let side = 2 * u64::from(width) + 1;
        // A square that does not fit into the image fits into no mask. One that does keeps every
        // shift below within the number of pixels.
        if side > u64::from(mask.height().min(mask.width())) {
            return;
        }
        erode_columns(mask, width, &mut self.eroded);
        self.erode_rows(mask.height(), side as u32);
        let back = width * mask.height();
        self.eroded.iter_mut().flatten().for_each(|end| *end += back);
    }

    /// Keeps of every column the rows that are also in the `side - 1` columns after it, doubling the
    /// number of columns that have been looked at.
    fn erode_rows(&mut self, height: u32, side: u32) {
        let mut seen = 1;
        while seen < side {
            let step = seen.min(side - seen);
            intersect_shifted(&self.eroded, step * height, &mut self.narrower);
            std::mem::swap(&mut self.eroded, &mut self.narrower);
            seen += step;
        }
    }
}

/// Cuts the runs of ones where columns end, and `width` pixels off both ends of each.
fn erode_columns(mask: &Rle, width: u32, eroded: &mut Vec<Run>) {
    let height = mask.height();
    let (mut open, mut end) = ([0, 0], 0);
    // Runs without zeros between them are one run.
    let mut close = |[start, end]: Run| {
        for column in start / height..end.div_ceil(height) {
            let (top, bottom) = (start.max(column * height), end.min((column + 1) * height));
            if bottom - top > 2 * width {
                eroded.push([top + width, bottom - width]);
            }
        }
    };
    for pair in mask.counts().chunks_exact(2) {
        let start = end + pair[0];
        end = start + pair[1];
        match start == open[1] {
            true => open[1] = end,
            false => close(std::mem::replace(&mut open, [start, end])),
        }
    }
    close(open);
}

/// The pixels of `runs` of which the one `shift` pixels later is in `runs` as well.
fn intersect_shifted(runs: &[Run], shift: u32, both: &mut Vec<Run>) {
    both.clear();
    let mut later = runs.iter();
    let mut next = later.next();
    for &[start, end] in runs {
        while let Some(&[other_start, other_end]) = next {
            if other_start >= end + shift {
                break;
            }
            let common = [start.max(other_start.saturating_sub(shift)), end.min(other_end.saturating_sub(shift))];
            if common[0] < common[1] {
                both.push(common);
            }
            if other_end > end + shift {
                break;
            }
            next = later.next();
        }
    }
}

/// The places, in ascending order, where the mask of `counts` or one of `runs`, which are within it,
/// changes.
fn merge_toggles(counts: &[u32], runs: &[Run], toggles: &mut Vec<u32>) {
    let mut inner = runs.iter().flatten().copied().peekable();
    let mut at = 0;
    for &count in &counts[..counts.len().saturating_sub(1)] {
        at += count;
        toggles.extend(std::iter::from_fn(|| inner.next_if(|&place| place < at)));
        toggles.push(at);
    }
    toggles.extend(inner);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: one erosion by 3 x 3 after the other, on a bitmap.
    fn reference(mask: &Rle, width: u32) -> Rle {
        let (rows, columns) = (mask.height() as usize, mask.width() as usize);
        let pixels = mask.to_column_major();
        let mut eroded = pixels.clone();
        for _ in 0..width {
            let before = eroded.clone();
            let is_set = |row: usize, column: usize| {
                let is_inside = (1..=rows).contains(&row) && (1..=columns).contains(&column);
                is_inside && before[(column - 1) * rows + row - 1] == 1
            };
            for (place, pixel) in eroded.iter_mut().enumerate() {
                let (row, column) = (place % rows + 1, place / rows + 1);
                let around = |step| (column - 1..=column + 1).all(|column| is_set(row + step - 1, column));
                *pixel = u8::from((0..3).all(around));
            }
        }
        let boundary: Vec<u8> = pixels.iter().zip(&eroded).map(|(pixel, eroded)| pixel - eroded).collect();
        Rle::from_column_major(mask.height(), mask.width(), &boundary).unwrap()
    }

    /// Bitmaps of blocks and specks that look random.
    fn masks() -> impl Iterator<Item = Rle> {
        let mut state = 1u64;
        let mut random = move |below: u32| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            ((state >> 33) % u64::from(below)) as u32
        };
        (0..400).map(move |_| {
            let (height, width) = (1 + random(14), 1 + random(14));
            let mut pixels = vec![0u8; (height * width) as usize];
            for _ in 0..random(5) {
                let (top, left) = (random(height), random(width));
                let (bottom, right) = (top + 1 + random(height - top), left + 1 + random(width - left));
                for column in left..right {
                    pixels[(column * height + top) as usize..(column * height + bottom) as usize].fill(1);
                }
            }
            for _ in 0..random(4) {
                let place = random(height * width) as usize;
                pixels[place] ^= 1;
            }
            Rle::from_column_major(height, width, &pixels).unwrap()
        })
    }

    #[test]
    fn equals_repeated_erosion() {
        let mut boundaries = Boundaries::default();
        let mut hollow = 0;
        for mask in masks() {
            for width in 1..5 {
                let boundary = boundaries.boundary(&mask, width);
                assert_eq!(boundary, reference(&mask, width), "{mask:?} {width}");
                hollow += u32::from(boundary.area() < mask.area());
            }
        }
        assert!(hollow > 100, "only {hollow} masks have an inside");
    }

    #[test]
    fn empty_runs_do_not_show() {
        let plain = Rle::from_counts(5, 5, vec![0, 25]).unwrap();
        let split = Rle::from_counts(5, 5, vec![0, 3, 0, 9, 0, 0, 0, 13]).unwrap();
        let mut boundaries = Boundaries::default();
        assert_eq!(boundaries.boundary(&split, 1), boundaries.boundary(&plain, 1));
        assert_eq!(boundaries.boundary(&plain, 1).area(), 16);
    }

    #[test]
    fn masks_without_pixels_have_no_boundary() {
        let mut boundaries = Boundaries::default();
        assert_eq!(boundaries.boundary(&Rle::from_counts(4, 5, vec![20]).unwrap(), 1).counts(), [20]);
        assert_eq!(boundaries.boundary(&Rle::from_counts(0, 0, vec![]).unwrap(), 1).area(), 0);
    }

    #[test]
    fn narrow_images_are_all_boundary() {
        let mask = Rle::from_counts(1, 1 << 28, vec![0, 1 << 28]).unwrap();
        let width = boundary_width(mask.height(), mask.width());
        assert_eq!(Boundaries::default().boundary(&mask, width), mask);
    }

    #[test]
    fn widths_are_pythons() {
        // max(1, int(round(0.02 * numpy.sqrt(h ** 2 + w ** 2)))); the last but two ends in a half.
        let known = [([1, 1], 1), ([3, 4], 1), ([45, 60], 2), ([75, 100], 2), ([480, 640], 16), ([427, 640], 15)];
        for ([height, width], expected) in known {
            assert_eq!(boundary_width(height, width), expected, "{height} x {width}");
        }
    }
}
