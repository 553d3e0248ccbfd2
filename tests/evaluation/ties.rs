//! Equal scores. lvis-api ranks them in the order of the image ids and, within an image, in that of the file; so
//! must states that are merged, and images that are weighted.

use std::io::Write;

use serde_json::{json, Value};
use zoobench::dataset::Annotations;
use zoobench::evaluation::{Evaluator, IouType, Metrics, Options, State};

/// Each image has one instance. Its detections, all of one score, in the order of the file: whether they hit it.
const IMAGES: [(i64, &[bool]); 4] = [(10, &[true]), (20, &[false, false]), (30, &[false, true]), (40, &[true, false])];

const OPTIONS: Options = Options {
    iou: IouType::Bbox,
    area: zoobench::evaluation::AreaRule::Box,
    protocol: zoobench::evaluation::Protocol::Lvis,
    max_detections: 300,
    max_category_detections: 10_000,
};

fn annotations() -> Annotations {
    let image = |&(id, _): &(i64, _)| json!({"id": id, "height": 99, "width": 99, "neg_category_ids": [], "not_exhaustive_category_ids": []});
    let instance =
        |&(id, _): &(i64, _)| json!({"id": id, "image_id": id, "category_id": 1, "area": 100, "bbox": [0, 0, 10, 10]});
    let file = json!({
        "images": IMAGES.iter().rev().map(image).collect::<Vec<_>>(),
        "categories": [{"id": 1, "name": "a", "frequency": "f"}],
        "annotations": IMAGES.iter().map(instance).collect::<Vec<_>>(),
    });
    Annotations::from_bytes("gt.json", file.to_string().as_bytes()).expect("sound annotations")
}

/// The state of some images; in the results file the last image comes first.
fn state(images: &[i64]) -> State {
    let record = |id: i64, hit: bool| {
        let bbox = if hit { [0, 0, 10, 10] } else { [50, 50, 10, 10] };
        json!({"image_id": id, "category_id": 1, "score": 0.5, "bbox": bbox})
    };
    let of = |&(id, hits): &(i64, &'static [bool])| hits.iter().map(move |&hit| record(id, hit));
    let records: Vec<Value> = IMAGES.iter().rev().flat_map(of).collect();
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(Value::from(records).to_string().as_bytes()).expect("written");
    let annotations = annotations();
    let evaluator = Evaluator::new(&annotations, OPTIONS).expect("sound").select(images).expect("listed");
    evaluator.state(evaluator.file(file.path()).expect("sound"), "dt.json").expect("each image once")
}

/// AP50 of detections in this order, as its definition says.
fn ap50(ranked: &[bool], instances: usize) -> f64 {
    let found = |rank: usize| ranked[..rank].iter().filter(|&&hit| hit).count();
    let at = |recall: f64| {
        let reached = (1..=ranked.len()).filter(|&rank| found(rank) as f64 / instances as f64 >= recall);
        reached.map(|rank| found(rank) as f64 / (rank as f64 + f64::EPSILON)).fold(0.0, f64::max)
    };
    (0..=100).map(|index| at(f64::from(index) * 0.01)).sum::<f64>() / 101.0
}

/// The detections in lvis-api's order where each image stands there as often as its weight says.
fn ranked(weights: [u32; 4]) -> Vec<bool> {
    let copies = IMAGES.iter().zip(weights).flat_map(|((_, hits), weight)| (0..weight).map(move |_| *hits));
    copies.flatten().copied().collect()
}

fn assert_order(found: &Metrics, weights: [u32; 4], what: &str) {
    let instances = weights.iter().sum::<u32>() as usize;
    let expected = ap50(&ranked(weights), instances);
    let found = found.ap50.expect("there are instances");
    assert!((found - expected).abs() < 1e-12, "{what}, weights {weights:?}: {found}, not {expected}");
}

#[test]
fn the_order_shows_in_the_number() {
    let right = ap50(&ranked([1; 4]), 4);
    let by_image: Vec<bool> = IMAGES.iter().rev().flat_map(|(_, hits)| hits.iter().copied()).collect();
    let within: Vec<bool> = IMAGES.iter().flat_map(|(_, hits)| hits.iter().rev().copied()).collect();
    for wrong in [by_image, within] {
        assert!((right - ap50(&wrong, 4)).abs() > 0.01);
    }
    // A copy of an image that stood behind all others, or whose detections stood beside their originals.
    let behind = [&ranked([1; 4])[..], &[true]].concat();
    assert!((ap50(&ranked([2, 1, 1, 1]), 5) - ap50(&behind, 5)).abs() > 0.01);
    let beside = [&ranked([1, 1, 1, 0])[..], &[true, true, false, false]].concat();
    assert!((ap50(&ranked([1, 1, 1, 2]), 5) - ap50(&beside, 5)).abs() > 0.01);
}

#[test]
fn an_evaluation_ranks_by_image_and_then_by_place_in_the_file() {
    assert_order(&state(&[10, 20, 30, 40]).evaluation().results, [1; 4], "the whole");
}

#[test]
fn merged_states_keep_the_order() {
    for parts in [[vec![10, 30], vec![20, 40]], [vec![20, 30], vec![10, 40]], [vec![30, 40], vec![10, 20]]] {
        for order in [[0, 1], [1, 0]] {
            let merged = State::merge(order.map(|part: usize| state(&parts[part])).into()).expect("all images");
            assert_order(&merged.evaluation().results, [1; 4], "merged");
            assert_order(&merged.weighted(&[2, 1, 0, 3]), [2, 1, 0, 3], "merged");
        }
    }
}

#[test]
fn weighted_images_keep_the_order() {
    let whole = state(&[10, 20, 30, 40]);
    for code in 1..3u32.pow(4) {
        let weights = [0, 1, 2, 3].map(|image| code / 3u32.pow(image) % 3);
        assert_order(&whole.weighted(&weights), weights, "weighted");
    }
}
