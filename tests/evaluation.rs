//! The evaluator against lvis-api's answers, against a slow implementation of its own, and against
//! itself at other thread counts.
#[path = "evaluation/bootstrap.rs"]
mod bootstrap;
mod common;
#[path = "evaluation/first_record.rs"]
mod first_record;
#[path = "evaluation/golden.rs"]
mod golden;
#[path = "evaluation/large.rs"]
mod large;
#[path = "evaluation/passed_over.rs"]
mod passed_over;
#[path = "evaluation/protocols.rs"]
mod protocols;
#[path = "evaluation/reference.rs"]
mod reference;
#[path = "evaluation/refusals.rs"]
mod refusals;
#[path = "evaluation/sets.rs"]
mod sets;
#[path = "evaluation/states.rs"]
mod states;
#[path = "evaluation/stretches.rs"]
mod stretches;
#[path = "evaluation/ties.rs"]
mod ties;
#[path = "evaluation/told.rs"]
mod told;

use golden::Case;
use proptest::prelude::*;
use proptest::sample::select;
use sets::{sets, Set};
use zoobench::evaluation::{AreaRule, EvaluationError, Evaluator, IouType, Options, Protocol};

/// What the goldens of lvis-api itself compare.
const IOU_TYPES: [IouType; 2] = [IouType::Segm, IouType::Bbox];

#[test]
fn edge_cases_equal_lvis_api() {
    let mut names: Vec<_> = std::fs::read_dir(common::fixture("evaluation/edge")).unwrap().collect();
    names.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
    assert_eq!(names.len(), 95);
    let mut differing = Vec::new();
    for entry in names {
        for iou in IOU_TYPES {
            let path = entry.as_ref().unwrap().path();
            differing.extend(Case::new(&path, iou).difference());
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

#[test]
fn data_sets_equal_lvis_api() {
    for name in ["synth300", "synth40_over300", "real100_segm", "real100_segm_nobbox", "real100_bbox"] {
        for iou in IOU_TYPES {
            let Some(path) = common::shared(&format!("golden/eval/{name}")) else { continue };
            if let Some(case) = Case::existing(&path, iou) {
                assert_eq!(case.difference(), None);
            }
        }
    }
}

/// The results of a golden case with a key taken out of every record.
fn results_without(case: &std::path::Path, key: &str) -> Vec<u8> {
    let mut records: serde_json::Value = serde_json::from_slice(&golden::inflate(&case.join("dt.json.gz"))).unwrap();
    for record in records.as_array_mut().unwrap() {
        record.as_object_mut().unwrap().remove(key);
    }
    serde_json::to_vec(&records).unwrap()
}

#[test]
fn mask_rule_is_lvis_api_without_boxes() {
    for name in ["clean", "gt_id_zero", "empty_mask_dt", "score_ties", "nel_all"] {
        let path = common::fixture(&format!("evaluation/edge/{name}"));
        for iou in IOU_TYPES {
            let case = Case::new(&path, iou);
            let found = case.evaluate(AreaRule::Mask).unwrap();
            let expected = case.with_results(results_without(&path, "bbox")).evaluate(AreaRule::Auto).unwrap();
            assert_eq!(found.area_used, AreaRule::Mask);
            assert_eq!(
                (found.results, found.per_category),
                (expected.results, expected.per_category),
                "{name} {iou:?}"
            );
        }
    }
}

#[test]
fn box_rule_takes_the_boxes_of_masks_where_there_are_none() {
    let path = common::fixture("evaluation/edge/clean");
    let without = || Case::new(&path, IouType::Segm).with_results(results_without(&path, "bbox"));
    let by_box = without().evaluate(AreaRule::Box).unwrap();
    assert_eq!(by_box.area_used, AreaRule::Box);
    assert_ne!(by_box.results, without().evaluate(AreaRule::Mask).unwrap().results);
}

#[test]
fn box_and_automatic_rule_agree_where_every_record_has_a_box() {
    let path = common::fixture("evaluation/edge/clean");
    let case = Case::new(&path, IouType::Segm);
    let (automatic, by_box) = (case.evaluate(AreaRule::Auto).unwrap(), case.evaluate(AreaRule::Box).unwrap());
    assert_eq!(automatic.area_used, AreaRule::Box);
    assert_eq!(automatic.results, by_box.results);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(600), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_sets_equal_the_reference(
        set in sets(),
        iou in select(&[IouType::Segm, IouType::Bbox, IouType::Boundary][..]),
        by_mask: bool,
        limit in 2..20usize,
    ) {
        let set = if iou == IouType::Boundary { set.of_listed_images() } else { set };
        compare_with_reference(&set, iou, by_mask, limit)?;
    }
}

fn compare_with_reference(set: &Set, iou: IouType, by_mask: bool, limit: usize) -> Result<(), TestCaseError> {
    // The mask rule takes boxes of masks, too, which the reference does not.
    let by_mask = by_mask && iou != IouType::Bbox;
    let area = if by_mask { AreaRule::Mask } else { AreaRule::Box };
    let options = Options { iou, area, max_detections: limit, ..Options::default() };
    let evaluator = Evaluator::new(&set.annotations, options).unwrap();
    let mut matches = Vec::new();
    for image in &set.annotations.images {
        let of_image = set.records.iter().filter(|record| record.image_id == image.id);
        let records: Vec<_> = of_image.cloned().collect();
        let unrankable = records.len() > limit && records.iter().any(|record| record.score.is_nan());
        match evaluator.image(image.id, &records) {
            Err(EvaluationError::UnrankableScore { .. }) if unrankable => return Ok(()),
            outcome => matches.push(outcome.unwrap()),
        }
    }
    let expected = reference::evaluate(&reference::Input {
        annotations: &set.annotations,
        annotation_pixels: &set.annotation_pixels,
        records: &set.records,
        record_pixels: &set.record_pixels,
        iou,
        area: if by_mask { reference::Area::Mask } else { reference::Area::Box },
        protocol: Protocol::Lvis,
        limit,
    });
    let arrays = evaluator.arrays(&matches);
    prop_assert!(same_bits(&arrays.precision, &expected.precision));
    prop_assert!(same_bits(&arrays.recall, &expected.recall));
    prop_assert_eq!(evaluator.finish(matches).results, expected.metrics);
    Ok(())
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn threads_do_not_show_in_the_report() {
    for name in ["clean", "over_300", "interleaved_images"] {
        let case = Case::new(&common::fixture(&format!("evaluation/edge/{name}")), IouType::Segm);
        let report = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| case.report())
        };
        let one = report(1);
        for threads in [2, 3, 7, 16] {
            assert_eq!(report(threads), one, "{name} with {threads} threads");
        }
    }
}

#[test]
fn pipe_gives_what_the_file_gives() {
    for name in ["clean", "over_300", "interleaved_images"] {
        let case = Case::new(&common::fixture(&format!("evaluation/edge/{name}")), IouType::Segm);
        let [file, pipe] = case.by_file_and_pipe();
        assert!(file.is_ok() && file == pipe, "{name}");
        let [file, pipe] = case.with_results(b"[{\"image_id\": 1".to_vec()).by_file_and_pipe();
        assert!(file.is_err() && file == pipe, "{name}, cut short");
    }
}
