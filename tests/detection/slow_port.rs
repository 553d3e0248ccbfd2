//! Suppression and mask cutting once more, straight from their description and with their quirks as
//! parameters, to see that the quirks matter.

/// Indices of the survivors. With `shift`, classes are kept apart by their place as in the
/// reference; without, each class is suppressed by itself.
pub fn suppress(boxes: &[[f32; 4]], labels: &[u32], iou_threshold: f32, shift: bool) -> Vec<usize> {
    let step = boxes.iter().flatten().copied().fold(f32::NEG_INFINITY, f32::max) + 1.0;
    let step = if shift { step } else { 0.0 };
    let shifted: Vec<_> =
        boxes.iter().zip(labels).map(|(bbox, &label)| bbox.map(|side| side + label as f32 * step)).collect();
    let by_class = !shift || boxes.len() >= 10_000;
    let mut alive = vec![true; boxes.len()];
    for first in 0..boxes.len() {
        for second in first + 1..boxes.len() {
            let compared = !by_class || labels[first] == labels[second];
            if alive[first] && compared && iou(shifted[first], shifted[second]) > iou_threshold {
                alive[second] = false;
            }
        }
    }
    (0..boxes.len()).filter(|&index| alive[index]).collect()
}

fn iou(a: [f32; 4], b: [f32; 4]) -> f32 {
    let area = |side: [f32; 4]| (side[2] - side[0]) * (side[3] - side[1]);
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    width * height / (area(a) + area(b) - width * height)
}

/// The rows and columns of the square input that are cut out for the original image.
#[derive(Clone, Copy)]
pub struct Cut {
    pub top: usize,
    pub bottom: usize,
    pub left: usize,
    pub right: usize,
}

/// A mask of `height` x `width`, row-major, from logits of `side` x `side`.
pub fn mask(logits: &[f64], side: usize, bbox: [f32; 4], cut: Cut, height: usize, width: usize) -> Vec<u8> {
    let probabilities: Vec<f64> = logits.iter().map(|&logit| 1.0 / (1.0 + (-logit).exp())).collect();
    let mut square = resize(&probabilities, side, side, 640, 640);
    for (index, value) in square.iter_mut().enumerate() {
        let (x, y) = ((index % 640) as f32, (index / 640) as f32);
        if !(x >= bbox[0] && x < bbox[2] && y >= bbox[1] && y < bbox[3]) {
            *value = 0.0;
        }
    }
    let columns = cut.left..640 - cut.right;
    let kept: Vec<f64> = (cut.top..640 - cut.bottom)
        .flat_map(|y| columns.clone().map(move |x| y * 640 + x))
        .map(|at| square[at])
        .collect();
    let original = resize(&kept, 640 - cut.top - cut.bottom, columns.len(), height, width);
    original.iter().map(|&value| u8::from(value > 0.5)).collect()
}

fn resize(values: &[f64], height: usize, width: usize, new_height: usize, new_width: usize) -> Vec<f64> {
    let source = |index: usize, size: usize, new_size: usize| {
        let at = ((index as f64 + 0.5) * size as f64 / new_size as f64 - 0.5).max(0.0);
        (at as usize, (at as usize + 1).min(size - 1), at.fract())
    };
    let sample = |y: usize, x: usize| {
        let ((y0, y1, dy), (x0, x1, dx)) = (source(y, height, new_height), source(x, width, new_width));
        let row = |y: usize| values[y * width + x0] * (1.0 - dx) + values[y * width + x1] * dx;
        row(y0) * (1.0 - dy) + row(y1) * dy
    };
    (0..new_height).flat_map(|y| (0..new_width).map(move |x| (y, x))).map(|(y, x)| sample(y, x)).collect()
}
