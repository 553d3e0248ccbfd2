//! Boxes from distances to a position's centre.

use super::geometry::Box2;
use crate::model::LevelOutput;

/// The boxes of all positions, levels in order, each row-major, in pixels of the square input.
///
/// `centre -+ distance * stride` in f32, the product rounded before the sum. Not clamped: a box may
/// reach outside the input.
pub(super) fn decode(levels: &[LevelOutput]) -> Vec<Box2> {
    levels.iter().flat_map(decode_level).collect()
}

fn decode_level(level: &LevelOutput) -> impl Iterator<Item = Box2> + '_ {
    let stride = level.stride as f32;
    let positions = level.height * level.width;
    let distance = move |side: usize, position: usize| level.distances[side * positions + position] * stride;
    (0..positions).map(move |position| {
        let x = centre(position % level.width, stride);
        let y = centre(position / level.width, stride);
        [x - distance(0, position), y - distance(1, position), x + distance(2, position), y + distance(3, position)]
    })
}

fn centre(index: usize, stride: f32) -> f32 {
    (index as f32 + 0.5) * stride
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MASK_CHANNELS;

    #[test]
    fn positions_are_row_major_and_boxes_are_not_clamped() {
        let level = LevelOutput {
            stride: 8,
            height: 2,
            width: 2,
            logits: vec![0.0; 4],
            distances: (0..16).map(|value| value as f32 / 4.0).collect(),
            coefficients: vec![0.0; MASK_CHANNELS * 4],
        };
        let boxes = decode(&[level]);
        assert_eq!(boxes.len(), 4);
        assert_eq!(boxes[0], [4.0, 4.0 - 8.0, 4.0 + 16.0, 4.0 + 24.0]);
        assert_eq!(boxes[2], [4.0 - 4.0, 12.0 - 12.0, 4.0 + 20.0, 12.0 + 28.0]);
    }
}
