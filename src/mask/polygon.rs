//! Polygons to masks, bit-equal to the COCO reference (`rleFrPoly`).
//!
//! The reference rounds the vertices to a five times finer grid, walks every edge there point by
//! point, and keeps the points where the walk crosses the centre line of a pixel column; sorted along
//! the columns they are the ends of the runs. Only those crossings are computed here: an edge costs
//! its columns, not its length, and every kept number comes out of the reference's own expression.

use super::rle::pixel_count;
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
    outline: Vec<Vertex>,
    crossings: Crossings,
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
            push_edges(&self.runs, &mut edges);
        }
        Ok(Rle::from_exact(height, width, covered_runs(edges, pixels)))
    }

    /// Leaves the runs of one part in `self.runs`.
    fn draw(&mut self, height: u32, width: u32, part: &[f64]) -> Result<(), MaskError> {
        self.outline.clear();
        for vertex in 0..part.len() / 2 {
            self.outline.push(Vertex::new(part, vertex, width)?);
        }
        self.count_crossings()?;
        self.crossings.clear(&self.outline, height);
        for [from, to] in edges(&self.outline) {
            if from.column != to.column {
                self.crossings.cross(from, to);
            }
        }
        self.crossings.runs(height * width, &mut self.runs);
        Ok(())
    }

    fn count_crossings(&mut self) -> Result<(), MaskError> {
        for [from, to] in edges(&self.outline) {
            self.crossed += from.column.abs_diff(to.column) as usize;
            if self.crossed > MAX_CROSSINGS {
                return Err(MaskError::TooManyCrossings { crossings: self.crossed, limit: MAX_CROSSINGS });
            }
        }
        Ok(())
    }
}

/// The edges of a part, the last of which leads back to its first vertex.
fn edges(outline: &[Vertex]) -> impl Iterator<Item = [&Vertex; 2]> {
    outline.iter().zip(outline.iter().skip(1).chain(outline.first())).map(|(from, to)| [from, to])
}

/// Where an outline crosses the columns' centre lines, as bits: one a row for every column that the
/// outline reaches. What is crossed twice at one place is not crossed there, and bits come out sorted.
#[derive(Debug, Default)]
struct Crossings {
    /// Column by column.
    bits: Vec<u64>,
    words_a_column: usize,
    first_column: u32,
    first_row: u32,
    /// Rows of the image.
    rows: u32,
}

impl Crossings {
    /// Makes room for all crossings of an outline.
    fn clear(&mut self, outline: &[Vertex], rows: u32) {
        let columns = outline.iter().map(|vertex| vertex.column);
        let reach = outline.iter().map(|vertex| pixel_row(vertex.place[1], rows));
        let [first_column, first_row] = [columns.clone().min(), reach.clone().min()].map(Option::unwrap_or_default);
        let [last_column, last_row] = [columns.max(), reach.max()].map(Option::unwrap_or_default);
        self.words_a_column = ((last_row - first_row) / u64::BITS + 1) as usize;
        (self.first_column, self.first_row, self.rows) = (first_column, first_row, rows);
        self.bits.clear();
        self.bits.resize((last_column - first_column) as usize * self.words_a_column, 0);
    }

    /// Adds the crossings of an edge.
    fn cross(&mut self, from: &Vertex, to: &Vertex) {
        let edge = Edge::between(from.place, to.place);
        for column in from.column.min(to.column)..from.column.max(to.column) {
            if let Some(row) = edge.crossing(i64::from(column)) {
                self.toggle(column, pixel_row(row, self.rows));
            }
        }
    }

    #[inline]
    fn toggle(&mut self, column: u32, row: u32) {
        let (column, row) = ((column - self.first_column) as usize, row - self.first_row);
        self.bits[column * self.words_a_column + (row / u64::BITS) as usize] ^= 1 << (row % u64::BITS);
    }

    /// Replaces `runs` by those that change value at every crossing, in column-major order.
    fn runs(&self, pixels: u32, runs: &mut Vec<u32>) {
        runs.clear();
        let mut last = 0;
        for (column, words) in (self.first_column..).zip(self.bits.chunks_exact(self.words_a_column)) {
            for (first_row, mut bits) in (self.first_row..).step_by(u64::BITS as usize).zip(words.iter().copied()) {
                while bits != 0 {
                    // At most `height * width`, which fits: `pixel_count` has been asked.
                    let position = column * self.rows + first_row + bits.trailing_zeros();
                    bits &= bits - 1;
                    match runs.pop_if(|_| position == last) {
                        // The end of one column is the start of the next: crossed twice as well.
                        Some(run) => last -= run,
                        None if position < pixels => {
                            runs.push(position - last);
                            last = position;
                        }
                        None => {}
                    }
                }
            }
        }
        runs.push(pixels - last);
    }
}

/// A vertex of a part.
#[derive(Debug, Clone, Copy)]
struct Vertex {
    /// On the fine grid.
    place: [i64; 2],
    /// First pixel column whose centre line is not left of it; the image's width if there is none. An edge
    /// crosses the centre lines from the column of one end up to that of the other.
    column: u32,
}

impl Vertex {
    #[inline]
    fn new(part: &[f64], vertex: usize, width: u32) -> Result<Self, MaskError> {
        let place = [fine(part, 2 * vertex)?, fine(part, 2 * vertex + 1)?];
        Ok(Self { place, column: first_centre(place[0], width) })
    }
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
fn pixel_row(row: i64, rows: u32) -> u32 {
    first_centre(row, rows)
}

/// First of `pixels` pixels in a line whose centre is not before a place on the fine grid; `pixels` if all are.
#[inline]
fn first_centre(place: i64, pixels: u32) -> u32 {
    let first = (place + SCALE - 1 - CENTRE).max(0) as u64 / SCALE as u64;
    first.min(u64::from(pixels)) as u32
}

/// An edge on the fine grid, walked one step at a time along its longer direction.
struct Edge {
    /// Start of the walk: the end with the smaller coordinate in the walking direction.
    start: [i64; 2],
    /// Steps of the walk.
    steps: i64,
    /// Change in the other direction a step.
    slope: f64,
    /// Steps of a walk along y to the next fine column, roughly.
    steps_a_column: f64,
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
        let slope = change as f64 / steps as f64;
        Self { start, steps, slope, steps_a_column: slope.recip(), along_x, flipped }
    }

    /// The fine coordinate across the walking direction after `step` steps.
    fn across(&self, step: i64) -> i64 {
        let base = self.start[usize::from(self.along_x)];
        round(base as f64 + self.slope * step as f64)
    }

    /// The upper of the two fine rows between which the edge crosses the centre line of `column`.
    fn crossing(&self, column: i64) -> Option<i64> {
        let left = SCALE * column + CENTRE;
        if self.along_x {
            // Rows only rise or only fall along the walk.
            let step = left - self.start[0] + i64::from(self.slope < 0.0);
            return Some(self.across(step));
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
        let guess = (left as f64 + 0.5 - self.start[0] as f64) * self.steps_a_column;
        let mut step = (guess as i64 + 1).clamp(1, self.steps);
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
