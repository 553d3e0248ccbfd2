//! Each kind of error occurs once in a set made by hand, and is found.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{json, Value};
use zoobench::dataset::Annotations;
use zoobench::evaluation::{explain_file, ErrorCounts, Evaluation, Explanation, IouType, Options};

mod common;
#[cfg(feature = "report")]
#[path = "explain/plots.rs"]
mod plots;
#[path = "explain/tables.rs"]
mod tables;

const CAT: i64 = 1;
const DOG: i64 = 2;
const COW: i64 = 3;

/// A square of 20 pixels; neighbours in x do not touch.
fn at(x: i64) -> [i64; 4] {
    [40 * x, 0, 20, 20]
}

fn polygon([x, y, w, h]: [i64; 4]) -> Value {
    json!([[x, y, x + w, y, x + w, y + h, x, y + h]])
}

/// Ground truth of one image, and detections: category, box, score.
#[derive(Clone, Default)]
struct Set {
    instances: Vec<(i64, [i64; 4])>,
    absent: Vec<i64>,
    not_exhaustive: Vec<i64>,
    ignored: Vec<usize>,
    detections: Vec<(i64, [i64; 4], f64)>,
}

impl Set {
    fn annotations(&self) -> Annotations {
        let instances = self.instances.iter().enumerate().map(|(index, (category, bbox))| {
            json!({"id": index + 1, "image_id": 1, "category_id": category, "bbox": bbox, "area": 400,
                "segmentation": polygon(*bbox), "ignore": i32::from(self.ignored.contains(&index))})
        });
        let category = |(id, name, frequency)| json!({"id": id, "name": name, "frequency": frequency});
        let categories = [(CAT, "cat", "r"), (DOG, "dog", "c"), (COW, "cow", "f")].map(category);
        let file = json!({
            "images": [{"id": 1, "height": 40, "width": 400, "neg_category_ids": self.absent,
                "not_exhaustive_category_ids": self.not_exhaustive}],
            "categories": categories,
            "annotations": instances.collect::<Vec<_>>(),
        });
        Annotations::from_bytes("gt.json", file.to_string().as_bytes()).unwrap()
    }

    fn explain(&self, iou: IouType) -> (Evaluation, Explanation) {
        let detections = self.detections.iter().map(|(category, bbox, score)| {
            json!({"image_id": 1, "category_id": category, "bbox": bbox, "score": score, "segmentation": polygon(*bbox)})
        });
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(Value::from(detections.collect::<Vec<_>>()).to_string().as_bytes()).unwrap();
        explain_file(&self.annotations(), file.path(), Options { iou, ..Options::default() }).unwrap()
    }

    /// The errors, the same for masks and boxes.
    fn errors(&self) -> ErrorCounts {
        let [masks, boxes] = [IouType::Segm, IouType::Bbox].map(|iou| self.explain(iou).1);
        assert_eq!(masks.errors, boxes.errors);
        assert_eq!(masks.gains, boxes.gains);
        masks.errors
    }
}

fn found_cat() -> Set {
    Set { instances: vec![(CAT, at(0))], detections: vec![(CAT, at(0), 0.5)], ..Set::default() }
}

#[test]
fn a_found_instance_is_no_error() {
    let (evaluation, explanation) = found_cat().explain(IouType::Segm);
    assert_eq!(explanation.errors, ErrorCounts::default());
    assert_eq!(explanation.detections.true_positives, 1);
    assert_eq!(explanation.gains.ap50, evaluation.results.ap50);
}

#[test]
fn duplicate_is_the_second_on_an_instance() {
    let mut set = found_cat();
    set.detections.push((CAT, at(0), 0.9));
    assert_eq!(set.errors(), ErrorCounts { duplicate: 1, ..ErrorCounts::default() });
    set.instances.push((CAT, at(0)));
    assert_eq!(set.errors(), ErrorCounts::default());
}

#[test]
fn localisation_is_near_an_instance_of_the_category() {
    let mut set = found_cat();
    set.detections[0].1[0] += 12; // IoU 8 / 32
    assert_eq!(set.errors(), ErrorCounts { localisation: 1, ..ErrorCounts::default() });
    assert!((set.explain(IouType::Segm).1.gains.localisation.unwrap() - 1.0).abs() < 1e-12);
    set.detections[0].1[0] = 18; // IoU 2 / 38
    assert_eq!(set.errors(), ErrorCounts { background: 1, missed: 1, ..ErrorCounts::default() });
}

#[test]
fn classification_needs_a_verified_category() {
    let mut set = Set { instances: vec![(DOG, at(0))], detections: vec![(CAT, at(0), 0.5)], ..Set::default() };
    let (_, explanation) = set.explain(IouType::Segm);
    assert_eq!(explanation.errors, ErrorCounts { missed: 1, ..ErrorCounts::default() });
    assert_eq!((explanation.detections.not_judged, explanation.categories[0].not_judged), (1, 1));
    assert!(explanation.confusion.is_empty());
    set.absent = vec![CAT];
    assert_eq!(set.errors(), ErrorCounts { classification: 1, ..ErrorCounts::default() });
    let (_, explanation) = set.explain(IouType::Segm);
    let pair = &explanation.confusion[0];
    assert_eq!((pair.detected, pair.annotated, pair.count, pair.count_absent), (CAT, DOG, 1, 1));
    assert!((explanation.gains.classification.unwrap() - 1.0).abs() < 1e-12);
    assert_eq!(explanation.gains.missed, Some(0.0));
}

#[test]
fn both_is_near_an_instance_of_another_category() {
    let mut set = found_cat();
    set.absent = vec![DOG];
    set.detections.push((DOG, [12, 0, 20, 20], 0.4));
    assert_eq!(set.errors(), ErrorCounts { both: 1, ..ErrorCounts::default() });
    set.detections[1].1 = at(1);
    assert_eq!(set.errors(), ErrorCounts { background: 1, ..ErrorCounts::default() });
}

#[test]
fn background_needs_an_exhaustive_image() {
    let mut set = found_cat();
    set.detections.push((CAT, at(1), 0.9));
    assert_eq!(set.errors(), ErrorCounts { background: 1, ..ErrorCounts::default() });
    assert!((set.explain(IouType::Segm).1.gains.background.unwrap() - 0.5).abs() < 1e-12);
    set.not_exhaustive = vec![CAT];
    assert_eq!(set.errors(), ErrorCounts::default());
    assert_eq!(set.explain(IouType::Segm).1.detections.ignored, 1);
}

#[test]
fn missed_is_an_instance_that_counts() {
    let mut set = found_cat();
    set.instances.push((CAT, at(2)));
    assert_eq!(set.errors(), ErrorCounts { missed: 1, ..ErrorCounts::default() });
    assert!(set.explain(IouType::Segm).1.gains.missed.unwrap() > 0.4);
    set.ignored = vec![1];
    assert_eq!(set.errors(), ErrorCounts::default());
}

/// Every kind at once.
fn everything() -> Set {
    Set {
        instances: vec![(CAT, at(0)), (CAT, at(1)), (DOG, at(2)), (DOG, at(3)), (DOG, at(4)), (CAT, at(5))],
        absent: vec![COW],
        detections: vec![
            (CAT, at(0), 0.9),
            (CAT, at(0), 0.8),            // duplicate
            (CAT, [52, 0, 20, 20], 0.7),  // localisation
            (CAT, at(2), 0.95),           // classification
            (COW, [132, 0, 20, 20], 0.6), // both
            (DOG, at(7), 0.5),            // background
            (DOG, at(4), 0.4),
        ],
        ..Set::default()
    }
}

#[test]
fn every_kind_is_counted_once_and_all_fixes_give_one() {
    let set = everything();
    let (evaluation, found) = set.explain(IouType::Segm);
    let once = ErrorCounts { classification: 1, localisation: 1, both: 1, duplicate: 1, background: 1, missed: 2 };
    assert_eq!(set.errors(), once);
    assert_eq!(found.results, evaluation.results);
    assert_eq!(found.gains.ap50.map(f64::to_bits), evaluation.results.ap50.map(f64::to_bits));
    for (name, gain) in found.gains.named() {
        assert!(gain.unwrap() >= 0.0, "{name}");
    }
    assert!((found.gains.ap50.unwrap() + found.gains.all.unwrap() - 1.0).abs() < 1e-12);
    assert_eq!((found.instances.counted, found.instances.found, found.instances.covered), (6, 2, 2));
    assert_eq!(found.worst_images[0].not_found, 4);
    assert_eq!(found.worst_images[0].highest_false_score, Some(0.95));
}

fn golden(name: &str) -> (Annotations, tempfile::NamedTempFile) {
    let inflate = |file: &str| {
        let path = common::fixture(&format!("evaluation/edge/{name}/{file}"));
        let mut bytes = Vec::new();
        let packed = std::fs::File::open(path).unwrap();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(packed), &mut bytes).unwrap();
        bytes
    };
    let annotations = Annotations::from_bytes("gt.json", &inflate("gt.json.gz")).unwrap();
    let mut results = tempfile::NamedTempFile::new().unwrap();
    results.write_all(&inflate("dt.json.gz")).unwrap();
    (annotations, results)
}

#[test]
fn ap50_by_our_own_matching_is_the_evaluators() {
    let names = [
        "clean",
        "over_300",
        "interleaved_images",
        "gt_id_zero",
        "nel_all",
        "iou_ties",
        "gt_ignore_flag",
        "score_ties",
        "segm_only",
        "nan_scores",
        "huge_box_dt",
        "mixed_first_lacks_bbox",
    ];
    for name in names {
        let (annotations, results) = golden(name);
        for iou in [IouType::Segm, IouType::Bbox] {
            let options = Options { iou, ..Options::default() };
            let (evaluation, found) = explain_file(&annotations, results.path(), options).unwrap();
            assert_eq!(found.gains.ap50, evaluation.results.ap50, "{name} {iou:?}");
            assert_eq!(found.instances.counted, evaluation.per_category.iter().map(|row| row.num_gt).sum::<u64>());
            assert!(found.gains.named().iter().all(|(_, gain)| gain.is_none_or(|gain| gain >= 0.0)), "{name}");
            assert_eq!(found.errors.false_positives(), found.detections.false_positives, "{name}");
        }
    }
}

#[test]
fn threads_do_not_show_in_the_explanation() {
    for name in ["clean", "over_300", "interleaved_images"] {
        let (annotations, results) = golden(name);
        let explain = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let explain = || explain_file(&annotations, results.path(), Options::default()).unwrap().1.to_json();
            pool.install(explain)
        };
        let found: BTreeMap<usize, String> =
            [1, 2, 3, 7].into_iter().map(|threads| (threads, explain(threads))).collect();
        assert!(found.values().all(|text| *text == found[&1]), "{name}");
    }
}

/// The records of a results file, and a file of them in another order.
fn reordered(text: &str, order: impl FnOnce(&mut Vec<Value>)) -> tempfile::NamedTempFile {
    let mut records: Vec<Value> = serde_json::from_str(text).unwrap();
    order(&mut records);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(Value::from(records).to_string().as_bytes()).unwrap();
    file
}

#[test]
fn records_may_stand_in_any_order_of_images() {
    let (annotations, results) = golden("clean");
    let text = std::fs::read_to_string(results.path()).unwrap();
    let explain = |file: &tempfile::NamedTempFile| {
        let (_, explanation) = explain_file(&annotations, file.path(), Options::default()).unwrap();
        Explanation { source: String::new(), ..explanation }
    };
    let image = |record: &Value| record["image_id"].as_i64();
    let together = explain(&reordered(&text, |records| records.sort_by_key(image)));
    assert!(together.errors.false_positives() > 0 && together.instances.found > 0);
    let backwards = explain(&reordered(&text, |records| records.sort_by_key(|record| image(record).map(|id| -id))));
    assert_eq!(backwards, together);
    // Every image in as many pieces as it has records, and all but one image in one piece.
    let dealt = explain(&reordered(&text, |records| {
        records.sort_by_key(image);
        let mut seen = BTreeMap::new();
        records.sort_by_cached_key(|record| {
            let count = seen.entry(image(record)).or_insert(0);
            *count += 1;
            *count
        });
    }));
    assert_eq!(dealt, together);
    let one_apart = explain(&reordered(&text, |records| {
        records.sort_by_key(image);
        let first = records.iter().position(|record| image(record) == image(&records[0])).unwrap();
        let last = records.iter().rposition(|record| image(record) == image(&records[0])).unwrap();
        assert!(last > first);
        let moved = records.remove(last);
        records.push(moved);
    }));
    assert_eq!(one_apart, together);
}

#[test]
fn a_part_of_an_image_is_not_judged_as_if_it_were_all() {
    // The record that stands apart is below the limit of 300: lvis-api does not look at its mask.
    let set = Set { instances: vec![(CAT, at(0))], ..Set::default() };
    let mut annotations = set.annotations();
    let other = zoobench::dataset::ImageRecord { id: 2, ..annotations.images[0].clone() };
    annotations.images.push(other);
    let record = |image: i64, score: f64, segmentation: Value| json!({"image_id": image, "category_id": CAT, "bbox": at(0), "score": score, "segmentation": segmentation});
    let malformed = json!({"size": [40, 400], "counts": "0"});
    let mut records = vec![record(1, 0.1, malformed), record(2, 0.5, polygon(at(0)))];
    records.extend((0..300).map(|_| record(1, 0.9, polygon(at(0)))));
    let file = reordered("[]", |empty| *empty = records.clone());
    let (_, explanation) = explain_file(&annotations, file.path(), Options::default()).unwrap();
    assert_eq!((explanation.detections.true_positives, explanation.errors.duplicate), (1, 299));
    records.truncate(2);
    let file = reordered("[]", |empty| *empty = records);
    assert!(explain_file(&annotations, file.path(), Options::default()).is_err());
}
