//! Pictures of an explanation: what the errors cost, how far scores can be trusted, where F1 peaks, and what is
//! taken for what. Each is always drawn; one without data says so, lest an older one be taken for it.
mod calibration;
mod confusion;
mod errors;
mod head;
mod thresholds;

use super::picture::{painted, Plot};
use super::scene::Scene;
use crate::evaluation::Explanation;
use crate::report::ReportError;

/// The plots of an explanation, each as SVG and as PNG: `errors`, `calibration`, `thresholds`, `confusion`.
///
/// # Errors
/// [`ReportError::Drawing`] if the drawing library fails.
pub fn explanation_plots(explanation: &Explanation) -> Result<Vec<Plot>, ReportError> {
    let mut plots = Vec::new();
    for (stem, scene) in scenes(explanation) {
        plots.extend(painted(stem, &scene)?);
    }
    Ok(plots)
}

fn scenes(explanation: &Explanation) -> [(&'static str, Scene); 4] {
    [
        ("errors", errors::scene(explanation)),
        ("calibration", calibration::scene(explanation)),
        ("thresholds", thresholds::scene(explanation)),
        ("confusion", confusion::scene(explanation)),
    ]
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::super::paint::text_width;
    use super::super::scene::{Anchor, Shape, Text};
    use super::*;
    use crate::dataset::Annotations;
    use crate::evaluation::{explain_file, Options};

    /// Many categories with long names, each detected as the next, and many detections.
    fn crowded() -> Explanation {
        let name = |id: u64| format!("WWWWWWWWWW_a_name_that_is_far_longer_than_any_column_{id}");
        let category = |id: u64| {
            let frequency = ["r", "c", "f"][id as usize % 3];
            serde_json::json!({"id": id, "name": name(id), "frequency": frequency})
        };
        let categories: Vec<serde_json::Value> = (1..=30).map(category).collect();
        let image = |id: u64| {
            serde_json::json!({"id": id, "height": 99, "width": 99, "neg_category_ids": [id % 30 + 1],
                "not_exhaustive_category_ids": []})
        };
        let instance = |id: u64| serde_json::json!({"id": id, "image_id": id, "category_id": id, "area": 100, "bbox": [0, 0, 10, 10]});
        let gt = serde_json::json!({"images": (1..=30).map(image).collect::<Vec<_>>(), "categories": categories,
            "annotations": (1..=30).map(instance).collect::<Vec<_>>()});
        let detection = |id: u64, category: u64, score: f64| serde_json::json!({"image_id": id, "category_id": category, "score": score, "bbox": [0, 0, 10, 10]});
        let own = (1..=30).map(|id| detection(id, id, id as f64 / 31.0));
        let other = (1..=30).flat_map(|id| (0..9 * id).map(move |at| detection(id, id % 30 + 1, at as f64 / 300.0)));
        let results = serde_json::Value::from(own.chain(other).collect::<Vec<_>>());
        let mut file = tempfile::Builder::new().prefix(&"long".repeat(50)).tempfile().expect("a temporary file");
        file.write_all(results.to_string().as_bytes()).expect("written");
        let annotations = Annotations::from_bytes("gt.json", gt.to_string().as_bytes()).expect("sound");
        let options = Options { iou: crate::evaluation::IouType::Bbox, ..Options::default() };
        explain_file(&annotations, file.path(), options).expect("sound").1
    }

    fn reach(text: &Text) -> [f64; 2] {
        let width = text_width(&text.text, text.size);
        let start = text.at.0
            - match text.anchor {
                Anchor::Start => 0.0,
                Anchor::Middle => 0.5 * width,
                Anchor::End => width,
            };
        [start, start + width]
    }

    /// Texts that read from left to right.
    fn texts(scene: &Scene) -> Vec<&Text> {
        let texts = scene.shapes.iter().filter_map(|shape| match shape {
            Shape::Text(text) => Some(text),
            _ => None,
        });
        texts.filter(|text| !text.upwards && !text.text.is_empty()).collect()
    }

    #[test]
    fn no_text_is_cut_or_lies_on_another() {
        let mut explanation = crowded();
        // What no small set has: LVIS's numbers of detections.
        explanation.errors.background = 9_876_543;
        explanation.calibration.bins[0].detections = 5_000_000;
        for (stem, scene) in scenes(&explanation) {
            let texts = texts(&scene);
            assert!(texts.len() > 10, "{stem}");
            for (index, text) in texts.iter().enumerate() {
                let [left, right] = reach(text);
                assert!(left >= 0.0 && right <= scene.width, "{stem}: {:?} reaches from {left} to {right}", text.text);
                assert!(text.at.1 > 8.0 && text.at.1 < scene.height - 8.0, "{stem}: {:?}", text.text);
                for other in &texts[index + 1..] {
                    let [from, to] = reach(other);
                    let is_apart = (text.at.1 - other.at.1).abs() > 0.4 * (text.size + other.size);
                    assert!(is_apart || right <= from || to <= left, "{stem}: {:?} on {:?}", text.text, other.text);
                }
            }
        }
    }
}
