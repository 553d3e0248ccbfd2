//! AP_fixed, AP_pool and Boundary IoU: against lvis-api's branch `lvis_challenge_2021`, against a slow
//! second route, and what they refuse.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use zoobench::dataset::{Record, Segmentation};
use zoobench::evaluation::{
    AreaRule, Arrays, Evaluation, EvaluationError, Evaluator, ImageMatches, IouType, Options, Protocol,
};

use super::golden::{inflate, results_file, Case};
use super::sets::{sets, Set};
use super::{common, reference, same_bits};

const IOU_TYPES: [IouType; 3] = [IouType::Segm, IouType::Bbox, IouType::Boundary];

fn options(protocol: Protocol, iou: IouType, limit: usize) -> Options {
    Options { protocol, iou, max_category_detections: limit, ..Options::default() }
}

fn answer(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("the answer is there")).expect("the answer is JSON")
}

#[test]
fn data_sets_equal_the_branch() {
    let answers = [
        ("real100_segm/expected_fixed30_segm.json", options(Protocol::Fixed, IouType::Segm, 30)),
        ("real100_segm/expected_fixed10000_segm.json", options(Protocol::Fixed, IouType::Segm, 10_000)),
        ("real100_segm/expected_boundary.json", options(Protocol::Lvis, IouType::Boundary, 10_000)),
        ("real100_segm/expected_boundary_challenge2021.json", options(Protocol::Fixed, IouType::Boundary, 10_000)),
        ("synth40_over300/expected_fixed30_segm.json", options(Protocol::Fixed, IouType::Segm, 30)),
        ("synth40_over300/expected_fixed10000_segm.json", options(Protocol::Fixed, IouType::Segm, 10_000)),
    ];
    for (file, options) in answers {
        let Some(path) = common::shared(&format!("golden/eval/{file}")) else { continue };
        let case = Case::with_answer(path.parent().expect("a file stands in a folder"), options, answer(&path));
        assert_eq!(case.difference(), None);
    }
}

/// The answers of `tests/oracle/edge_answers.py` on the edge cases: by case, then protocol, IoU type and
/// limit.
#[test]
fn edge_cases_equal_the_branch_and_the_slow_pool() {
    let answers = inflate(&common::fixture("evaluation/edge_protocols.json.gz"));
    let answers: Value = serde_json::from_slice(&answers).expect("the answers are JSON");
    let mut differing = Vec::new();
    let mut count = 0;
    for (name, answers) in answers.as_object().expect("answers by case") {
        for answer in answers.as_array().expect("a list of answers") {
            let protocol = serde_json::from_value(answer["protocol"].clone()).expect("a protocol");
            let iou = serde_json::from_value(answer["iou"].clone()).expect("an IoU type");
            let limit = answer["limit"].as_u64().expect("a limit") as usize;
            let path = common::fixture(&format!("evaluation/edge/{name}"));
            differing.extend(Case::with_answer(&path, options(protocol, iou, limit), answer.clone()).difference());
            count += 1;
        }
    }
    assert!(count > 500, "only {count} answers");
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// The set with the records of each image side by side, as they are handed over in memory.
fn by_image(set: &Set) -> Set {
    let mut order: Vec<usize> = (0..set.records.len()).collect();
    let place = |id| set.annotations.images.iter().position(|image| image.id == id);
    order.sort_by_key(|&index| place(set.records[index].image_id));
    Set {
        records: order.iter().map(|&index| set.records[index].clone()).collect(),
        record_pixels: order.iter().map(|&index| set.record_pixels[index].clone()).collect(),
        ..set.clone()
    }
}

fn is_unrankable(set: &Set) -> bool {
    set.records.iter().any(|record| {
        let of_category = set.records.iter().filter(|other| other.category_id == record.category_id);
        record.score.is_nan() && of_category.count() > 1
    })
}

/// The second route.
fn expected(set: &Set, options: Options) -> reference::Output {
    reference::evaluate(&reference::Input {
        annotations: &set.annotations,
        annotation_pixels: &set.annotation_pixels,
        records: &set.records,
        record_pixels: &set.record_pixels,
        iou: options.iou,
        area: if options.area == AreaRule::Mask { reference::Area::Mask } else { reference::Area::Box },
        protocol: options.protocol,
        limit: options.max_category_detections,
    })
}

fn in_memory(evaluator: &Evaluator<'_>, set: &Set) -> Result<Vec<ImageMatches>, EvaluationError> {
    let of = |id: i64| -> Vec<Record> { set.records.iter().filter(|record| record.image_id == id).cloned().collect() };
    let mut ranking = evaluator.ranking();
    set.annotations.images.iter().for_each(|image| ranking.add(image.id, &of(image.id)));
    let ranks = ranking.finish()?;
    // Ranked in one order, compared in another.
    set.annotations.images.iter().rev().map(|image| evaluator.ranked_image(&ranks, image.id, &of(image.id))).collect()
}

fn check(evaluation: Evaluation, arrays: &Arrays, expected: &reference::Output) -> Result<(), TestCaseError> {
    prop_assert!(same_bits(&arrays.precision, &expected.precision));
    prop_assert!(same_bits(&arrays.recall, &expected.recall));
    prop_assert_eq!(evaluation.results, expected.metrics);
    Ok(())
}

/// The records as a results file.
fn json(records: &[Record]) -> Vec<u8> {
    let number = |value: f64| match value {
        _ if value.is_nan() => "NaN".to_owned(),
        _ if value.is_infinite() => format!("{}Infinity", if value < 0.0 { "-" } else { "" }),
        _ => format!("{value:?}"),
    };
    let record = |record: &Record| {
        let Some(Segmentation::Compressed { size, counts }) = &record.segmentation else { unreachable!() };
        let counts = std::str::from_utf8(counts).expect("the alphabet is ASCII").replace('\\', "\\\\");
        let bbox = record.bbox.expect("every record has a box").map(number).join(", ");
        format!(
            r#"{{"image_id": {}, "category_id": {}, "score": {}, "bbox": [{bbox}], "segmentation": {{"size": {size:?}, "counts": "{counts}"}}}}"#,
            record.image_id,
            record.category_id,
            number(record.score)
        )
    };
    format!("[{}]", records.iter().map(record).collect::<Vec<_>>().join(",\n")).into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(400), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn small_sets_equal_the_second_route(
        set in sets(),
        iou in select(&IOU_TYPES[..]),
        protocol in select(&[Protocol::Fixed, Protocol::Pool][..]),
        by_mask: bool,
        limit in 1..8usize,
    ) {
        let area = if by_mask && iou != IouType::Bbox { AreaRule::Mask } else { AreaRule::Box };
        let options = Options { area, ..options(protocol, iou, limit) };
        let set = if iou == IouType::Boundary { set.of_listed_images() } else { set };
        let evaluator = Evaluator::new(&set.annotations, options).unwrap();
        let file = results_file(&json(&set.records));
        let side_by_side = by_image(&set);
        for (set, matches) in [(&set, evaluator.file(file.path())), (&side_by_side, in_memory(&evaluator, &side_by_side))] {
            match matches {
                Err(EvaluationError::UnrankableInCategory { .. }) => prop_assert!(is_unrankable(set)),
                matches => {
                    let matches = matches.unwrap();
                    prop_assert!(!is_unrankable(set));
                    let arrays = evaluator.arrays(&matches);
                    check(evaluator.finish(matches), &arrays, &expected(set, options))?;
                }
            }
        }
    }
}
