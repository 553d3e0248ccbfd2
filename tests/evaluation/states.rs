//! States: any split merges to the whole, and what does not belong together is refused.

use proptest::prelude::*;
use zoobench::dataset::Annotations;
use zoobench::evaluation::{AreaRule, EvaluationError, Evaluator, IouType, Options, State, StateError};

use super::common;
use super::golden::{inflate, results_file};

/// The golden case `clean`, whose detections are in `dt.json`.
fn annotations() -> Annotations {
    let gt = inflate(&common::fixture("evaluation/edge/clean/gt.json.gz"));
    Annotations::from_bytes("gt.json", &gt).expect("sound annotations")
}

fn detections(case: &str) -> tempfile::NamedTempFile {
    results_file(&inflate(&common::fixture(&format!("evaluation/edge/{case}/dt.json.gz"))))
}

fn ids(annotations: &Annotations) -> Vec<i64> {
    annotations.images_by_id().into_keys().collect()
}

/// The state of some images, through its file.
fn state(annotations: &Annotations, options: Options, images: &[i64], case: &str, name: &str) -> State {
    let evaluator = Evaluator::new(annotations, options).expect("sound").select(images).expect("listed");
    let matches = evaluator.file(detections(case).path()).expect("sound detections");
    let state = evaluator.state(matches, "dt.json").expect("each image once");
    State::from_bytes(name, &state.to_bytes()).expect("what was written")
}

fn whole(annotations: &Annotations, options: Options, case: &str) -> String {
    state(annotations, options, &ids(annotations), case, "whole").report().to_json()
}

#[test]
fn a_state_is_the_evaluation_in_few_bytes() {
    for case in ["clean", "over_300", "nan_scores", "nel_all", "interleaved_images"] {
        for iou in super::IOU_TYPES {
            let gt = inflate(&common::fixture(&format!("evaluation/edge/{case}/gt.json.gz")));
            let annotations = Annotations::from_bytes("gt.json", &gt).expect("sound annotations");
            let options = Options { iou, ..Options::default() };
            let evaluator = Evaluator::new(&annotations, options).expect("sound");
            let matches = evaluator.file(detections(case).path()).expect("sound detections");
            let bytes = evaluator.state(matches.clone(), "dt.json").expect("each image once").to_bytes();
            let read = State::from_bytes("a", &bytes).expect("what was written");
            assert_eq!(read.evaluation(), evaluator.finish(matches), "{case} {iou:?}");
            assert_eq!(read.to_bytes(), bytes, "{case} {iou:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(24), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_in_any_order_merges_to_the_whole(parts in 1..5usize, seed: u64, segm: bool) {
        let annotations = annotations();
        let iou = if segm { IouType::Segm } else { IouType::Bbox };
        let options = Options { iou, ..Options::default() };
        // Dealt out by a hash, so that parts are interleaved; some may stay empty.
        let part_of = |id: i64| (seed ^ id as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) as usize % parts;
        let mut states: Vec<State> = (0..parts)
            .map(|part| {
                let images: Vec<i64> = ids(&annotations).into_iter().filter(|&id| part_of(id) == part).collect();
                state(&annotations, options, &images, "clean", &format!("part {part}"))
            })
            .collect();
        states.rotate_left(seed as usize % parts);
        let merged = State::merge(states).expect("all images are there");
        prop_assert_eq!(merged.report().to_json(), whole(&annotations, options, "clean"));
    }
}

#[test]
fn a_subset_is_what_its_images_alone_give() {
    let annotations = annotations();
    let images: Vec<i64> = ids(&annotations).into_iter().step_by(3).collect();
    let found = state(&annotations, Options::default(), &images, "clean", "subset").evaluation();
    let mut restricted = annotations.clone();
    restricted.images.retain(|image| images.contains(&image.id));
    restricted.annotations.retain(|annotation| images.contains(&annotation.image_id));
    let evaluator = Evaluator::new(&restricted, Options::default()).expect("sound");
    let text = inflate(&common::fixture("evaluation/edge/clean/dt.json.gz"));
    let mut records: Vec<serde_json::Value> = serde_json::from_slice(&text).expect("records");
    records.retain(|record| images.contains(&record["image_id"].as_i64().expect("an id")));
    let file = results_file(&serde_json::to_vec(&records).expect("records"));
    let expected = evaluator.finish(evaluator.file(file.path()).expect("sound detections"));
    assert_eq!((found.images, found.images_total), (images.len() as u64, annotations.images.len() as u64));
    assert_eq!((found.results, found.per_category), (expected.results, expected.per_category));
    assert_ne!(
        found.results,
        state(&annotations, Options::default(), &ids(&annotations), "clean", "all").evaluation().results
    );
}

#[test]
fn records_of_other_images_are_passed_over_unread() {
    let annotations = annotations();
    let images = ids(&annotations);
    let text = String::from_utf8(inflate(&common::fixture("evaluation/edge/clean/dt.json.gz"))).expect("text");
    let malformed = format!(r#"{{"image_id": {}, "category_id": "?", "bbox": 3, "segmentation": []}}]"#, images[0]);
    let evaluate = |text: String, selected: &[i64]| {
        let evaluator =
            Evaluator::new(&annotations, Options::default()).expect("sound").select(selected).expect("listed");
        evaluator.file(results_file(text.as_bytes()).path()).map(|matches| evaluator.finish(matches))
    };
    let with = |more: &str| text.trim_end().strip_suffix(']').expect("a list").to_owned() + ", " + more;
    let expected = evaluate(text.clone(), &images[1..]).expect("sound");
    assert_eq!(evaluate(with(&malformed), &images[1..]).expect("passed over"), expected);
    assert!(evaluate(with(&malformed), &images[..1]).is_err());
    assert!(evaluate(with("nonsense]"), &images[1..]).is_err());
    let unlisted = r#"{"image_id": -5, "category_id": 1, "score": 0.5}]"#;
    assert!(matches!(evaluate(with(unlisted), &images[1..]), Err(EvaluationError::UnknownImage { .. })));
}

#[test]
fn an_image_that_is_not_listed_cannot_be_selected() {
    let annotations = annotations();
    let refused = Evaluator::new(&annotations, Options::default()).expect("sound").select(&[-5]);
    assert!(matches!(refused, Err(EvaluationError::UnlistedImage { image: -5, .. })));
}

#[test]
fn overlap_strangers_and_gaps_are_refused() {
    let annotations = annotations();
    let images = ids(&annotations);
    let options = Options::default();
    let (first, second) = images.split_at(images.len() / 2);
    let half = |images: &[i64], options, name: &str| state(&annotations, options, images, "clean", name);
    let refused = |states: Vec<State>| State::merge(states).expect_err("refused");
    let a = half(first, options, "a");

    let overlap = refused(vec![a.clone(), half(&images, options, "b")]);
    assert!(matches!(&overlap, StateError::Overlapping { image, .. } if *image == first[0]), "{overlap}");
    assert!(overlap.to_string().contains("b: image") && overlap.to_string().contains(" a too"), "{overlap}");

    let StateError::Missing { images: missing, total } = refused(vec![a.clone()]) else { panic!("a gap") };
    assert_eq!((missing.as_slice(), total), (second, images.len()));
    let text = StateError::Missing { images: (1..=12).collect(), total: 20 }.to_string();
    assert!(text.contains("12 of 20 images") && text.contains(": 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...;"), "{text}");

    let strangers = [
        (Options { iou: IouType::Bbox, ..options }, "IoU types"),
        (Options { area: AreaRule::Box, ..options }, "area rules"),
        (Options { max_detections: 100, ..options }, "limits"),
    ];
    for (other, word) in strangers {
        let refusal = refused(vec![a.clone(), half(second, other, "b")]);
        assert!(matches!(refusal, StateError::Foreign { .. }) && refusal.to_string().contains(word), "{refusal}");
    }
    let mut others = annotations.clone();
    others.sha256 = "0".repeat(64);
    let refusal = refused(vec![a, state(&others, options, second, "clean", "b")]);
    assert!(refusal.to_string().contains("annotation files"), "{refusal}");
    assert!(matches!(refused(Vec::new()), StateError::Nothing));
}

#[test]
fn parts_that_decide_about_areas_differently_are_refused_with_a_remedy() {
    let annotations = annotations();
    let images = ids(&annotations);
    let (first, second) = images.split_at(images.len() / 2);
    let without_boxes = results_file(&super::results_without(&common::fixture("evaluation/edge/clean"), "bbox"));
    let evaluator = Evaluator::new(&annotations, Options::default()).expect("sound").select(second).expect("listed");
    let by_mask = evaluator.file(without_boxes.path()).expect("sound detections");
    let by_mask = evaluator.state(by_mask, "dt.json").expect("each image once");
    let by_box = state(&annotations, Options::default(), first, "clean", "a");
    let refusal = State::merge(vec![by_box, by_mask]).expect_err("refused");
    assert!(matches!(refusal, StateError::OtherArea { .. }), "{refusal}");
    assert!(refusal.to_string().contains("--area box"), "{refusal}");
}

#[test]
fn every_flipped_byte_and_every_cut_is_refused() {
    let annotations = annotations();
    let images = &ids(&annotations)[..3];
    let bytes = state(&annotations, Options::default(), images, "clean", "a").to_bytes();
    let is_refused = |bytes: &[u8]| matches!(State::from_bytes("a", bytes), Err(StateError::Corrupt { .. }));
    for place in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[place] ^= 0x5a;
        assert!(is_refused(&flipped), "byte {place}");
        assert!(is_refused(&bytes[..place]), "cut at {place}");
    }
    assert!(!is_refused(&bytes));
}

#[test]
fn a_state_with_the_right_checksum_that_makes_no_sense_is_refused_or_harmless() {
    use sha2::{Digest, Sha256};
    let annotations = annotations();
    let images = &ids(&annotations)[..3];
    let bytes = state(&annotations, Options::default(), images, "clean", "a").to_bytes();
    let body = &bytes[..bytes.len() - 32];
    let mut refused = 0;
    for place in 8..body.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut forged = body.to_vec();
            forged[place] ^= change;
            let checksum = Sha256::digest(&forged);
            forged.extend_from_slice(&checksum);
            match State::from_bytes("a", &forged) {
                Ok(state) => drop(state.evaluation()),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > body.len(), "only {refused} forgeries of {} bytes were noticed", body.len());
}

#[test]
fn an_image_given_twice_makes_no_state() {
    let annotations = annotations();
    let evaluator = Evaluator::new(&annotations, Options::default()).expect("sound");
    let image = evaluator.image(ids(&annotations)[0], &[]).expect("sound");
    assert!(matches!(evaluator.state(vec![image.clone(), image], "twice"), Err(StateError::Overlapping { .. })));
}

#[test]
fn names_of_parts_are_joined_in_the_order_of_their_images() {
    let annotations = annotations();
    let images = ids(&annotations);
    let (first, second) = images.split_at(images.len() / 2);
    let part = |images: &[i64], name: &str| {
        let evaluator =
            Evaluator::new(&annotations, Options::default()).expect("sound").select(images).expect("listed");
        evaluator.state(evaluator.file(detections("clean").path()).expect("sound"), name).expect("each image once")
    };
    let [a, b] = [part(first, "z.json"), part(second, "a.json")];
    for states in [vec![a.clone(), b.clone()], vec![b, a]] {
        assert_eq!(State::merge(states).expect("whole").report().detections, "z.json + a.json");
    }
}
