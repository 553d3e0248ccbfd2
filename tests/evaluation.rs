//! The evaluator against lvis-api's answers, against a slow implementation of its own, and against
//! itself at other thread counts.
mod common;
#[path = "evaluation/golden.rs"]
mod golden;

use golden::Case;
use zoobench::evaluation::{AreaRule, IouType};

/// Both kinds of comparison.
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

#[test]
fn mask_rule_is_lvis_api_without_boxes() {
    let (Some(with), Some(without)) =
        (common::shared("golden/eval/real100_segm"), common::shared("golden/eval/real100_segm_nobbox"))
    else {
        return;
    };
    let expected = Case::new(&without, IouType::Segm).evaluate(AreaRule::Auto).unwrap();
    let found = Case::new(&with, IouType::Segm).evaluate(AreaRule::Mask).unwrap();
    assert_eq!(found.results, expected.results);
    assert_eq!(found.per_category, expected.per_category);
    let by_box = Case::new(&with, IouType::Segm).evaluate(AreaRule::Auto).unwrap();
    assert_ne!(found.results, by_box.results);
}
