//! What an explanation tells of a set of four images made by hand: every number counted by hand too.

use std::io::Write;

use serde_json::{json, Value};
use zoobench::dataset::Annotations;
use zoobench::evaluation::{
    explain_file, ErrorCounts, ErrorKind, Explanation, Gains, IouType, OperatingPoint, Options,
};

use super::{at, polygon, CAT, COW, DOG};

/// Absent from image 4, and nowhere annotated.
const HEN: i64 = 4;
const OWL: i64 = 5;
/// Annotated once, and never detected.
const EWE: i64 = 6;
const UNLISTED: i64 = 77;

/// Image, category, box and score.
type Detection = (i64, i64, [i64; 4], f64);

#[derive(Clone)]
struct Farm {
    /// Image, category, box, and whether it is ignored.
    instances: Vec<(i64, i64, [i64; 4], bool)>,
    /// Image and category.
    absent: Vec<(i64, i64)>,
    detections: Vec<Detection>,
}

fn farm() -> Farm {
    let instances = vec![
        (1, CAT, at(0), false),
        (1, CAT, at(1), false),
        (1, DOG, at(2), false),
        (2, COW, at(0), false),
        (2, COW, at(1), true),
        (2, DOG, at(3), false),
        (3, CAT, at(0), false),
        (3, COW, at(2), false),
        (3, EWE, at(5), false),
        (4, OWL, at(7), false),
    ];
    let detections = vec![
        (1, CAT, at(0), 0.9),
        (1, CAT, at(0), 0.8),           // duplicate
        (1, CAT, [52, 0, 20, 20], 0.7), // localisation
        (1, COW, at(2), 0.6),           // classification
        (1, HEN, at(4), 0.5),           // not judged
        (1, HEN, at(5), 0.5),           // not judged
        (1, UNLISTED, at(4), 0.4),
        (1, CAT, [40, 0, 20, 0], 0.3), // without area
        (2, COW, at(0), 0.9),
        (2, COW, at(1), 0.8), // on an ignored instance
        (2, COW, at(5), 0.7), // not all cows are annotated here
        (2, DOG, at(3), 0.6),
        (2, DOG, at(6), 0.55), // background
        (2, UNLISTED, at(4), 0.4),
        (4, COW, at(0), 0.35), // background
        (4, HEN, at(1), 0.45), // background, of a category without instances
        (4, OWL, at(7), 0.95),
    ];
    Farm { instances, absent: vec![(1, COW), (4, COW), (4, HEN)], detections }
}

impl Farm {
    fn explain(&self, iou: IouType) -> Explanation {
        let image = |id: i64| {
            let absent: Vec<i64> = self.absent.iter().filter(|(image, _)| *image == id).map(|pair| pair.1).collect();
            let partial = if id == 2 { vec![COW] } else { vec![] };
            json!({"id": id, "height": 40, "width": 400, "neg_category_ids": absent,
                "not_exhaustive_category_ids": partial, "file_name": format!("{id}.jpg")})
        };
        let category = |(id, name, frequency)| json!({"id": id, "name": name, "frequency": frequency});
        let categories = [
            (CAT, "cat", "r"),
            (DOG, "dog", "c"),
            (COW, "cow", "f"),
            (HEN, "hen", "f"),
            (OWL, "owl", "f"),
            (EWE, "ewe", "c"),
        ];
        let instances = self.instances.iter().zip(1..).map(|((image, category, bbox, ignored), id)| {
            json!({"id": id, "image_id": image, "category_id": category, "bbox": bbox, "area": 400,
                "segmentation": polygon(*bbox), "ignore": i32::from(*ignored)})
        });
        let file = json!({
            "images": (1..=4).map(image).collect::<Vec<_>>(),
            "categories": categories.map(category),
            "annotations": instances.collect::<Vec<_>>(),
        });
        let annotations = Annotations::from_bytes("gt.json", file.to_string().as_bytes()).expect("sound");
        let detections = self.detections.iter().map(|(image, category, bbox, score)| {
            json!({"image_id": image, "category_id": category, "bbox": bbox, "score": score, "segmentation": polygon(*bbox)})
        });
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        // As Python writes a score that is no number.
        let text = Value::from(detections.collect::<Vec<_>>()).to_string().replace(r#""score":null"#, r#""score":NaN"#);
        file.write_all(text.as_bytes()).expect("written");
        explain_file(&annotations, file.path(), Options { iou, ..Options::default() }).expect("sound").1
    }

    fn told(&self) -> Explanation {
        self.explain(IouType::Bbox)
    }

    /// The set with the detection of this image and score changed.
    fn with(&self, image: i64, score: f64, change: impl Fn(&mut Detection)) -> Self {
        let mut changed = self.clone();
        let found = changed.detections.iter_mut().filter(|detection| (detection.0, detection.3) == (image, score));
        found.for_each(change);
        changed
    }

    /// The set without the detections of these images and scores.
    fn without(&self, gone: &[(i64, f64)]) -> Self {
        let mut changed = self.clone();
        changed.detections.retain(|detection| !gone.contains(&(detection.0, detection.3)));
        changed
    }

    /// The set without the instances at these places, the categories of which stay verified.
    fn without_instances(&self, gone: &[usize]) -> Self {
        let mut changed = self.clone();
        changed.absent.extend(gone.iter().map(|&place| (self.instances[place].0, self.instances[place].1)));
        let kept = self.instances.iter().enumerate().filter(|(place, _)| !gone.contains(place));
        changed.instances = kept.map(|(_, instance)| *instance).collect();
        changed
    }
}

fn is_near(a: Option<f64>, b: f64) -> bool {
    a.is_some_and(|a| (a - b).abs() < 1e-12)
}

const NONE: ErrorCounts =
    ErrorCounts { classification: 0, localisation: 0, both: 0, duplicate: 0, background: 0, missed: 0 };

#[test]
fn detections_and_instances_are_counted_by_what_became_of_them() {
    let told = farm().told();
    let detections = told.detections;
    assert_eq!((detections.true_positives, detections.false_positives, detections.ignored), (4, 6, 2));
    assert_eq!((detections.not_judged, detections.unknown_category, detections.invisible), (2, 2, 1));
    let instances = told.instances;
    assert_eq!((instances.counted, instances.found, instances.covered), (9, 4, 2));
    assert_eq!((instances.missed, instances.ignored), (3, 1));
    let errors = ErrorCounts { classification: 1, localisation: 1, duplicate: 1, background: 3, missed: 3, ..NONE };
    assert_eq!((told.errors, told.images), (errors, 4));
}

#[test]
fn masks_are_told_like_boxes() {
    let visible = farm().without(&[(1, 0.3)]);
    let [masks, boxes] = [IouType::Segm, IouType::Bbox].map(|iou| visible.explain(iou));
    assert_eq!(masks.categories, boxes.categories);
    assert_eq!(masks.worst_images, boxes.worst_images);
    assert_eq!(masks.gains, boxes.gains);
}

#[test]
fn masks_are_judged_by_their_masks_and_boxes_by_their_boxes() {
    let instance =
        json!({"id": 1, "image_id": 1, "category_id": CAT, "bbox": at(0), "area": 400, "segmentation": polygon(at(1))});
    let file = json!({
        "images": [{"id": 1, "height": 40, "width": 400, "neg_category_ids": [], "not_exhaustive_category_ids": []}],
        "categories": [{"id": CAT, "name": "cat", "frequency": "r"}],
        "annotations": [instance],
    });
    let annotations = Annotations::from_bytes("gt.json", file.to_string().as_bytes()).expect("sound");
    let record =
        json!([{"image_id": 1, "category_id": CAT, "bbox": at(0), "score": 0.5, "segmentation": polygon(at(2))}]);
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(record.to_string().as_bytes()).expect("written");
    let errors =
        |iou| explain_file(&annotations, file.path(), Options { iou, ..Options::default() }).expect("sound").1.errors;
    assert_eq!(errors(IouType::Bbox), NONE);
    assert_eq!(errors(IouType::Segm), ErrorCounts { background: 1, missed: 1, ..NONE });
}

#[test]
fn each_category_has_its_images_detections_and_errors() {
    let told = farm().told();
    let row = |id: i64| told.categories.iter().find(|row| row.id == id).expect("a row a category");
    let images = |id| (row(id).instances, row(id).images, row(id).verified_images, row(id).not_exhaustive_images);
    assert_eq!([CAT, DOG, COW].map(images), [(3, 2, 2, 0), (2, 2, 2, 0), (2, 2, 4, 1)]);
    assert_eq!([HEN, OWL, EWE].map(images), [(0, 0, 1, 0), (1, 1, 1, 0), (1, 1, 1, 0)]);
    let detections = |id| (row(id).detections, row(id).true_positives, row(id).ignored, row(id).not_judged);
    assert_eq!([CAT, DOG, COW].map(detections), [(3, 1, 0, 0), (2, 1, 0, 0), (3, 1, 2, 0)]);
    assert_eq!([HEN, OWL, EWE].map(detections), [(1, 0, 0, 2), (1, 1, 0, 0), (0, 0, 0, 0)]);
    assert_eq!(row(CAT).errors, ErrorCounts { duplicate: 1, localisation: 1, missed: 1, ..NONE });
    assert_eq!(row(DOG).errors, ErrorCounts { background: 1, ..NONE });
    assert_eq!(row(COW).errors, ErrorCounts { classification: 1, background: 1, missed: 1, ..NONE });
    assert_eq!(row(HEN).errors, ErrorCounts { background: 1, ..NONE });
    assert_eq!(row(CAT).best, Some(OperatingPoint { threshold: 0.9, f1: 0.5, precision: 1.0, recall: 1.0 / 3.0 }));
    assert_eq!(row(COW).best, Some(OperatingPoint { threshold: 0.9, f1: 2.0 / 3.0, precision: 1.0, recall: 0.5 }));
    assert_eq!((row(HEN).best, row(EWE).best), (None, None));
}

#[test]
fn frequencies_are_sums_and_means_of_their_categories() {
    let told = farm().told();
    let [rare, common, frequent] = &told.frequencies[..] else { panic!("three groups") };
    assert_eq!([&rare.frequency, &common.frequency, &frequent.frequency], ["r", "c", "f"]);
    assert_eq!([rare.categories, common.categories, frequent.categories], [1, 2, 2]);
    assert_eq!([rare.instances, common.instances, frequent.instances], [3, 3, 3]);
    assert_eq!([rare.images, common.images, frequent.images], [2, 3, 3]);
    assert_eq!([rare.detections, common.detections, frequent.detections], [3, 2, 5]);
    assert_eq!([rare.true_positives, common.true_positives, frequent.true_positives], [1, 1, 2]);
    assert_eq!([rare.not_judged, common.not_judged, frequent.not_judged], [0, 0, 2]);
    assert_eq!(frequent.errors, ErrorCounts { classification: 1, background: 2, missed: 1, ..NONE });
    // One dog of two and no ewe; one cow of two and the owl.
    assert!(is_near(rare.ar, 1.0 / 3.0) && is_near(common.ar, 0.25) && is_near(frequent.ar, 0.75));
    let results = [told.results.ap_rare, told.results.ap_common, told.results.ap_frequent];
    assert_eq!([rare.ap, common.ap, frequent.ap], results);
    // AP50 of the dog is that of one instance found first of two: 51 recalls of 101.
    assert!(is_near(common.ap50, 51.0 / 101.0 / 2.0), "{:?}", common.ap50);
    assert!(frequent.ap50.is_some() && frequent.ap50 == frequent.gains.ap50);
}

#[test]
fn worst_images_are_told_with_what_was_lost_in_them() {
    let told = farm().told();
    let losses = told.worst_images.iter().map(|row| (row.id, row.loss));
    let expected = [(1, 2.0 + 0.8 + 0.7 + 0.6), (3, 3.0), (4, 0.35 + 0.45), (2, 0.55)];
    assert_eq!(told.worst_images.len(), 4);
    for ((id, loss), (expected_id, expected)) in losses.zip(expected) {
        assert!(id == expected_id && is_near(Some(loss), expected), "{id} {loss}");
    }
    let [first, second, third, fourth] = &told.worst_images[..] else { panic!("four images") };
    let counts = |id: usize| {
        let row = &told.worst_images[id];
        (row.instances, row.not_found, row.detections)
    };
    assert_eq!([0, 1, 2, 3].map(counts), [(3, 2, 4), (3, 3, 0), (1, 0, 3), (2, 0, 3)]);
    assert_eq!(first.errors, ErrorCounts { duplicate: 1, localisation: 1, classification: 1, ..NONE });
    assert_eq!(second.errors, ErrorCounts { missed: 3, ..NONE });
    assert_eq!(third.errors, ErrorCounts { background: 2, ..NONE });
    assert_eq!(first.file_name.as_deref(), Some("1.jpg"));
    assert_eq!((first.highest_false_score, first.highest_false_kind), (Some(0.8), Some(ErrorKind::Duplicate)));
    assert_eq!((second.highest_false_score, second.highest_false_kind), (None, None));
    assert_eq!(third.highest_false_category.as_deref(), Some("hen"));
    assert_eq!((fourth.highest_false_category.as_deref(), fourth.highest_false_score), (Some("dog"), Some(0.55)));
    // An image in which nothing is lost is not among them.
    let found = farm().without(&[(2, 0.55)]).told();
    assert_eq!(found.worst_images.iter().map(|row| row.id).collect::<Vec<_>>(), [1, 3, 4]);
}

#[test]
fn scores_outside_their_range_cost_an_image_no_more_than_one_and_no_less_than_nothing() {
    let mut farm = farm();
    farm.detections.extend([(2, DOG, at(7), 1.5), (2, DOG, at(8), f64::NAN), (2, DOG, at(9), -3.0)]);
    let told = farm.told();
    let row = told.worst_images.iter().find(|row| row.id == 2).expect("it has false positives");
    assert!(is_near(Some(row.loss), 0.55 + 1.0), "{row:?}");
    assert_eq!((row.errors.background, row.highest_false_score), (4, Some(1.5)));
    assert_eq!((told.calibration.detections, told.calibration.outside), (10, 3));
}

#[test]
fn thresholds_are_of_the_categories_that_have_instances() {
    let told = farm().told().thresholds;
    // Six of twelve at 0.9, and eight of sixteen at 0.6: of equal F1 the highest threshold.
    let best = OperatingPoint { threshold: 0.9, f1: 0.5, precision: 1.0, recall: 3.0 / 9.0 };
    assert_eq!(told.overall, Some(best));
    assert!(is_near(told.mean_of_categories, (0.5 + 2.0 / 3.0 + 2.0 / 3.0 + 1.0 + 0.0) / 5.0));
    assert!(is_near(Some(told.curve[0].f1), 8.0 / 18.0), "the hen has no instance: {:?}", told.curve[0]);
    assert_eq!((told.curve[0].precision, told.curve[96].precision), (Some(4.0 / 9.0), None));
}

#[test]
fn calibration_is_over_all_that_count() {
    let told = farm().told().calibration;
    assert_eq!((told.detections, told.outside), (10, 0));
    let bin = |bin: usize| {
        let bin = &told.bins[bin];
        (bin.from, bin.to, bin.detections, bin.true_positives)
    };
    assert_eq!(bin(8), (8.0 / 15.0, 9.0 / 15.0, 3, 1));
    assert_eq!(bin(11), (11.0 / 15.0, 12.0 / 15.0, 1, 0));
    assert_eq!(bin(13), (13.0 / 15.0, 14.0 / 15.0, 2, 2));
    assert!(is_near(told.bins[8].mean_score, 1.75 / 3.0) && is_near(told.bins[8].precision, 1.0 / 3.0));
    assert_eq!((told.bins[0].mean_score, told.bins[0].precision), (None, None));
    // How far 0.95, 0.9 twice, 0.8, 0.7, 0.6 twice with 0.55, 0.35 and 0.45 are from what they should be.
    assert!(is_near(told.ece, (0.05 + 0.2 + 0.8 + 0.7 + 0.75 + 0.35 + 0.45) / 10.0), "{:?}", told.ece);
    assert!(is_near(told.largest, 0.8));
}

/// Another detection on a target that is found, one on a target that a lower and a higher score claim, and one
/// that is near two categories.
fn crowded_farm() -> Farm {
    let mut farm = farm();
    farm.detections.extend([
        (1, CAT, [54, 0, 20, 20], 0.65),  // localisation of the same cat, with a lower score
        (1, CAT, at(2), 0.52),            // classification: another category claims the dog with a higher score
        (1, COW, [1, 0, 20, 20], 0.64),   // classification: on the cat that is found
        (4, COW, [292, 0, 20, 20], 0.85), // both: near the owl
    ]);
    farm
}

#[test]
fn the_gain_of_a_kind_is_the_ap50_of_the_set_that_has_it_fixed() {
    let farm = crowded_farm();
    let told = farm.told();
    let errors = ErrorCounts { classification: 3, localisation: 2, both: 1, duplicate: 1, background: 3, missed: 3 };
    assert_eq!(told.errors, errors);
    let onto_the_cat = |detection: &mut Detection| detection.2 = at(1);
    let a_dog = |detection: &mut Detection| detection.1 = DOG;
    let duplicates = [(1, 0.8)];
    let background = [(2, 0.55), (4, 0.35), (4, 0.45)];
    // Claimed by a higher score, and on an instance that is found.
    let (second_claim, late) = ([(1, 0.65)], [(1, 0.64), (1, 0.52)]);
    let both = [(4, 0.85)];
    let missed = [6, 7, 8];
    let fixed = |gain: fn(&Gains) -> Option<f64>, set: Farm| {
        let expected = set.told().results.ap50.expect("instances");
        let gain = gain(&told.gains).expect("instances");
        assert!((told.gains.ap50.unwrap() + gain - expected).abs() < 1e-12, "{gain} to {expected}");
        gain
    };
    let classification = fixed(|gains| gains.classification, farm.with(1, 0.6, a_dog).without(&late));
    let localisation = fixed(|gains| gains.localisation, farm.with(1, 0.7, onto_the_cat).without(&second_claim));
    let missing = fixed(|gains| gains.missed, farm.without_instances(&missed));
    assert!(classification > 0.0 && localisation > 0.0 && missing > 0.0);
    fixed(|gains| gains.duplicate, farm.without(&duplicates));
    fixed(|gains| gains.background, farm.without(&background));
    fixed(|gains| gains.both, farm.without(&both));
    let all_false: Vec<(i64, f64)> =
        [&duplicates[..], &background, &second_claim, &late, &both, &[(1, 0.7), (1, 0.6)]].concat();
    fixed(|gains| gains.false_positives, farm.without(&all_false));
    fixed(|gains| gains.false_negatives, farm.without_instances(&[1, 2, 6, 7, 8]));
    let all = farm.with(1, 0.7, onto_the_cat).with(1, 0.6, a_dog);
    let all = all.without(&[&duplicates[..], &background, &second_claim, &late, &both].concat());
    fixed(|gains| gains.all, all.without_instances(&missed));
    assert!(is_near(Some(told.gains.ap50.unwrap() + told.gains.all.unwrap()), 1.0));
}

#[test]
fn kinds_and_gains_go_by_their_names() {
    let told = crowded_farm().told();
    let errors = told.errors.named();
    let gains = told.gains.named();
    let names = ["classification", "localisation", "both", "duplicate", "background", "missed"];
    assert_eq!(errors, [(names[0], 3), (names[1], 2), (names[2], 1), (names[3], 1), (names[4], 3), (names[5], 3)]);
    let values = told.gains;
    let values =
        [values.classification, values.localisation, values.both, values.duplicate, values.background, values.missed];
    assert_eq!(gains.map(|(name, _)| name), names);
    assert_eq!(gains.map(|(_, gain)| gain), values);
    assert_eq!(ErrorKind::ALL.map(ErrorKind::word), names[..5]);
}

#[test]
fn the_json_form_reads_back_as_what_was_told() {
    let told = farm().told();
    let read: Explanation = serde_json::from_str(&told.to_json()).expect("JSON");
    assert_eq!(read, told);
    assert!(told.to_json().ends_with("}\n"));
}
