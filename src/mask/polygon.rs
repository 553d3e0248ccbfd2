//! Polygons to masks, bit-equal to the COCO reference (`rleFrPoly`).
//!
//! The reference rounds the vertices to a five times finer grid, walks every edge there point by
//! point, and keeps the points where the walk crosses the centre line of a pixel column; sorted along
//! the columns they are the ends of the runs. Only those crossings are computed here: an edge costs
//! its columns, not its length, and every kept number comes out of the reference's own expression.

use super::rle::{pixel_count, toggled_runs};
use super::union::{covered_runs, push_edges};
use super::{MaskError, Rle};

/// Fine grid points per pixel.
const SCALE: i64 = 5;
/// The fine column left of a pixel column's centre line, within the pixel.
const CENTRE: i64 = 2;
/// Largest coordinate whose place on the fine grid is a 32-bit integer, as the reference needs it.
const MAX_COORDINATE: f64 = (i32::MAX as i64 / SCALE) as f64;
/// Most crossings of a mask: bounds the memory that a few hostile polygons can ask for.
const MAX_CROSSINGS: usize = 1 << 22;

impl Rle {
    /// The union of polygon `parts`, each `x0, y0, x1, y1, ...` in pixels, on an image of `height` x
    /// `width`. The last coordinate of a part of odd length is ignored; a part of fewer than three
    /// vertices covers nothing.
    ///
    /// # Errors
    /// [`MaskError::TooLarge`], [`MaskError::Coordinate`] for a coordinate that is not finite or out of
    /// range, [`MaskError::TooManyCrossings`].
    pub fn from_polygons(height: u32, width: u32, parts: &[Vec<f64>]) -> Result<Self, MaskError> {
        Rasterizer::default().union(height, width, parts)
    }
}

/// Draws polygons, keeping its working memory from one to the next.
#[derive(Debug, Default)]
pub struct Rasterizer {
    /// Where the outline crosses the columns' centre lines, as column-major pixel positions.
    crossings: Vec<u32>,
    /// Crossings of the mask's parts that were drawn before.
    crossed: usize,
    runs: Vec<u32>,
}

impl Rasterizer {
    /// [`Rle::from_polygons`].
    ///
    /// # Errors
    /// As [`Rle::from_polygons`].
    pub fn union(&mut self, height: u32, width: u32, parts: &[Vec<f64>]) -> Result<Rle, MaskError> {
        let pixels = pixel_count(height, width)?;
        self.crossed = 0;
        if let [part] = parts {
            self.draw(height, width, part)?;
            return Ok(Rle::from_exact(height, width, self.runs.clone()));
        }
        let mut edges = Vec::new();
        for part in parts {
            self.draw(height, width, part)?;
            self.crossed += self.crossings.len();
            push_edges(&self.runs, &mut edges);
        }
        Ok(Rle::from_exact(height, width, covered_runs(edges, pixels)))
    }

    /// Leaves the runs of one part in `self.runs`.
    fn draw(&mut self, height: u32, width: u32, part: &[f64]) -> Result<(), MaskError> {
        self.crossings.clear();
        let vertices = part.len() / 2;
        let mut from = if vertices > 0 { grid_point(part, 0)? } else { [0, 0] };
        for next in (1..vertices).chain([0].into_iter().take(vertices)) {
            let to = grid_point(part, next)?;
            if crosses_a_centre_line(from[0], to[0]) {
                self.cross(&Edge::between(from, to), height, width)?;
            }
            from = to;
        }
        self.crossings.sort_unstable();
        toggled_runs(&self.crossings, height * width, &mut self.runs);
        Ok(())
    }

    fn cross(&mut self, edge: &Edge, height: u32, width: u32) -> Result<(), MaskError> {
        let columns = edge.columns(width);
        let crossings = self.crossed + self.crossings.len() + (columns.end - columns.start) as usize;
        if crossings > MAX_CROSSINGS {
            return Err(MaskError::TooManyCrossings { crossings, limit: MAX_CROSSINGS });
        }
        let rows = i64::from(height);
        // Positions are at most `height * width`, which fits: `pixel_count` has been asked.
        let position = |(column, row): (i64, i64)| (column * rows + pixel_row(row, rows)) as u32;
        let crossed = columns.filter_map(|column| Some(position((column, edge.crossing(column)?))));
        self.crossings.extend(crossed);
        Ok(())
    }
}

/// Whether there is the centre line of a pixel column between two fine columns. Most edges of LVIS's
/// polygons are too short to cross one, and cost no more than this question.
fn crosses_a_centre_line(one: i64, other: i64) -> bool {
    first_column(one.min(other)) * SCALE + CENTRE < one.max(other)
}

/// First pixel column whose centre line is not left of a fine column.
fn first_column(left: i64) -> i64 {
    (left - CENTRE + SCALE - 1).div_euclid(SCALE).max(0)
}

/// A vertex of the part, on the fine grid.
fn grid_point(part: &[f64], vertex: usize) -> Result<[i64; 2], MaskError> {
    Ok([fine(part, 2 * vertex)?, fine(part, 2 * vertex + 1)?])
}

fn fine(part: &[f64], index: usize) -> Result<i64, MaskError> {
    let value = part[index];
    // Written so that NaN is refused too.
    if value.abs() <= MAX_COORDINATE {
        return Ok(round(SCALE as f64 * value));
    }
    Err(MaskError::Coordinate { index, value, limit: MAX_COORDINATE })
}

/// The reference's rounding: half up, but towards zero below zero.
fn round(value: f64) -> i64 {
    (value + 0.5) as i64
}

/// First pixel row whose centre is not above fine row `row`, within the image.
fn pixel_row(row: i64, rows: i64) -> i64 {
    (row - CENTRE + SCALE - 1).div_euclid(SCALE).clamp(0, rows)
}

/// An edge on the fine grid, walked one step at a time along its longer direction.
struct Edge {
    /// Start of the walk: the end with the smaller coordinate in the walking direction.
    start: [i64; 2],
    /// Steps of the walk.
    steps: i64,
    /// Change in the other direction a step.
    slope: f64,
    /// Whether the walk goes along x.
    along_x: bool,
    /// Whether the polygon goes the other way.
    flipped: bool,
}

impl Edge {
    fn between(from: [i64; 2], to: [i64; 2]) -> Self {
        let (dx, dy) = ((to[0] - from[0]).abs(), (to[1] - from[1]).abs());
        let along_x = dx >= dy;
        let [along, across] = if along_x { [0, 1] } else { [1, 0] };
        let flipped = from[along] > to[along];
        let (start, end) = if flipped { (to, from) } else { (from, to) };
        let (steps, change) = (end[along] - start[along], end[across] - start[across]);
        Self { start, steps, slope: change as f64 / steps as f64, along_x, flipped }
    }

    /// The fine coordinate across the walking direction after `step` steps.
    fn across(&self, step: i64) -> i64 {
        let base = self.start[usize::from(self.along_x)];
        round(base as f64 + self.slope * step as f64)
    }

    /// Fine columns of the two ends, the smaller first.
    fn reach(&self) -> [i64; 2] {
        if self.along_x {
            return [self.start[0], self.start[0] + self.steps];
        }
        let ends = [self.across(0), self.across(self.steps)];
        [ends[0].min(ends[1]), ends[0].max(ends[1])]
    }

    /// Pixel columns whose centre line the edge crosses.
    fn columns(&self, width: u32) -> std::ops::Range<i64> {
        if self.steps == 0 {
            return 0..0;
        }
        let [left, right] = self.reach();
        let first = first_column(left);
        let end = ((right - CENTRE - 1).div_euclid(SCALE) + 1).min(i64::from(width));
        first..end.max(first)
    }

    /// The upper of the two fine rows between which the edge crosses the centre line of `column`.
    fn crossing(&self, column: i64) -> Option<i64> {
        let left = SCALE * column + CENTRE;
        if self.along_x {
            let step = left - self.start[0];
            return Some(self.across(step).min(self.across(step + 1)));
        }
        let (step, mut before, mut after) = self.step_beyond(left);
        if self.flipped {
            std::mem::swap(&mut before, &mut after);
        }
        // On edges millions of pixels long rounding can skip a fine column; the reference's formula.
        let crossed = if after < before { after } else { after - 1 };
        (crossed == left).then_some(self.start[1] + step - 1)
    }

    /// First step at which a walk along y is on the other side of the line right of fine column `left`,
    /// and the fine columns before and after it.
    fn step_beyond(&self, left: i64) -> (i64, i64, i64) {
        let rising = self.slope > 0.0;
        let is_beyond = |column: i64| (column > left) == rising;
        let guess = (left as f64 + 0.5 - self.start[0] as f64) / self.slope;
        let mut step = (guess as i64).clamp(1, self.steps);
        let (mut before, mut after) = (self.across(step - 1), self.across(step));
        while step > 1 && is_beyond(before) {
            step -= 1;
            (before, after) = (self.across(step - 1), before);
        }
        while step < self.steps && !is_beyond(after) {
            step += 1;
            (before, after) = (after, self.across(step));
        }
        (step, before, after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_is_covered_from_centre_to_centre() {
        let square = vec![1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 1.0, 3.0];
        assert_eq!(Rle::from_polygons(4, 4, &[square]).unwrap().counts(), [5, 2, 2, 2, 5]);
    }

    #[test]
    fn only_edges_that_cross_a_centre_line_are_walked() {
        let places = -12..33;
        for (one, other) in places.clone().flat_map(|one| places.clone().map(move |other| (one, other))) {
            let is_crossed = (0..7).map(|column| SCALE * column + CENTRE).any(|left| (one > left) != (other > left));
            assert_eq!(crosses_a_centre_line(one, other), is_crossed, "from {one} to {other}");
            for rise in [0, 3, 100] {
                let columns = Edge::between([one, 0], [other, rise]).columns(1000);
                assert_eq!(!columns.is_empty(), is_crossed, "from {one} to {other}, {rise} up");
            }
        }
    }

    #[test]
    fn fewer_than_three_vertices_cover_nothing() {
        for part in [vec![], vec![1.0], vec![1.0, 1.0], vec![0.0, 0.0, 3.0, 3.0]] {
            assert_eq!(Rle::from_polygons(4, 4, &[part]).unwrap().counts(), [16]);
        }
    }

    #[test]
    fn coordinates_off_the_grid_are_refused() {
        for value in [f64::NAN, f64::INFINITY, -1e9, 4.3e8] {
            let error = Rle::from_polygons(4, 4, &[vec![0.0, value, 1.0, 1.0, 2.0, 2.0]]).unwrap_err();
            assert!(matches!(error, MaskError::Coordinate { index: 1, .. }));
        }
    }

    #[test]
    fn small_polygon_on_a_hostile_image_is_refused() {
        let zigzag = (0..200).flat_map(|i| [f64::from(i % 2) * 4e8, f64::from(i)]).collect();
        let error = Rle::from_polygons(1, 1 << 28, &[zigzag]).unwrap_err();
        assert!(matches!(error, MaskError::TooManyCrossings { .. }));
    }

    #[test]
    fn crossings_of_all_parts_count() {
        let stripe = vec![0.0, 0.0, 4e8, 0.0, 4e8, 5.0, 0.0, 5.0];
        assert!(Rle::from_polygons(1, 1 << 20, std::slice::from_ref(&stripe)).is_ok());
        let error = Rle::from_polygons(1, 1 << 20, &vec![stripe; 3]).unwrap_err();
        assert!(matches!(error, MaskError::TooManyCrossings { .. }));
    }

    /// A band that goes to and fro over `edges` rows of an image, across all its columns.
    fn band(edges: u32) -> Vec<f64> {
        (0..edges).flat_map(|row| [f64::from(row % 2) * 4e8, f64::from(row)]).collect()
    }

    #[test]
    fn as_many_crossings_as_the_limit_are_drawn() {
        const COLUMNS: u32 = 1 << 20;
        let refusal = |parts: &[Vec<f64>]| Rle::from_polygons(2, COLUMNS, parts).err();
        assert_eq!(refusal(&[band(4)]), None);
        assert_eq!(refusal(&[band(2), band(2)]), None);
        let five = MaskError::TooManyCrossings { crossings: 5 << 20, limit: 4 << 20 };
        for parts in [vec![band(6)], vec![band(2), band(4)], vec![band(4), band(2)], vec![band(2); 3]] {
            assert_eq!(refusal(&parts), Some(five.clone()));
        }
    }

    #[test]
    fn image_without_pixels_has_an_empty_mask() {
        let square = vec![1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 1.0, 3.0];
        assert_eq!(Rle::from_polygons(0, 4, std::slice::from_ref(&square)).unwrap().area(), 0);
        assert_eq!(Rle::from_polygons(4, 0, &[square]).unwrap().area(), 0);
    }
}
