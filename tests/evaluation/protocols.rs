//! AP_fixed, AP_pool and Boundary IoU: against lvis-api's branch `lvis_challenge_2021`, against a slow
//! second route, and what they refuse.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::Value;
use zoobench::dataset::{Annotations, Record, Segmentation};
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
    assert_eq!(count, 25 * 6);
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

/// Two images, one instance, and what is appended to the annotations.
fn annotations(extra: &str) -> Annotations {
    let text = format!(
        r#"{{"images": [
            {{"id": 1, "height": 10, "width": 10, "neg_category_ids": [], "not_exhaustive_category_ids": []}},
            {{"id": 2, "height": 10, "width": 10, "neg_category_ids": [3], "not_exhaustive_category_ids": []}}],
        "categories": [{{"id": 3, "name": "a", "frequency": "f"}}],
        "annotations": [{{"id": 7, "image_id": 1, "category_id": 3, "area": 16, "bbox": [0, 0, 4, 4],
            "segmentation": [[0, 0, 4, 0, 4, 4, 0, 4]]}}{extra}]}}"#
    );
    Annotations::from_bytes("gt.json", text.as_bytes()).expect("the annotations are sound")
}

/// A detection with the instance's box.
fn record(image_id: i64, category_id: i64, score: &str) -> String {
    format!(r#"{{"image_id": {image_id}, "category_id": {category_id}, "score": {score}, "bbox": [0, 0, 4, 4]}}"#)
}

fn evaluate(options: Options, records: &[String]) -> Result<Evaluation, EvaluationError> {
    let annotations = annotations("");
    let evaluator = Evaluator::new(&annotations, options)?;
    let file = results_file(format!("[{}]", records.join(", ")).as_bytes());
    Ok(evaluator.finish(evaluator.file(file.path())?))
}

#[test]
fn limit_cuts_a_category_over_all_images() {
    // The false positive of the other image comes first; with one place it is all that counts.
    let records = [record(2, 3, "0.9"), record(1, 3, "0.8"), record(1, 4, "0.7")];
    for protocol in [Protocol::Fixed, Protocol::Pool] {
        let with = |limit| evaluate(options(protocol, IouType::Bbox, limit), &records).unwrap();
        assert_eq!(with(1).results.ap, Some(0.0), "{protocol:?}");
        assert_eq!(with(1).swallowed.over_limit_detections, 1);
        assert!(with(2).results.ap.unwrap() > 0.4);
        assert_eq!(with(2).swallowed.over_limit_detections, 0);
    }
}

#[test]
fn only_what_counts_is_looked_at() {
    // A record beyond the limit may be of any image, and without a box.
    let strangers = ["{\"image_id\": 99, \"category_id\": 3, \"score\": 0.1}".to_owned(), record(99, 3, "0.1")];
    for stranger in strangers {
        let records = [record(1, 3, "0.8"), stranger];
        let refused = |limit| evaluate(options(Protocol::Fixed, IouType::Bbox, limit), &records).is_err();
        assert_eq!((refused(1), refused(2)), (false, true));
    }
    // But a category and a score, by which it is ranked.
    for record in [r#"{"image_id": 1, "category_id": 3}"#, r#"{"image_id": 1, "score": 0.1}"#] {
        let records = [self::record(1, 3, "0.8"), record.to_owned()];
        let error = evaluate(options(Protocol::Fixed, IouType::Bbox, 1), &records).unwrap_err().to_string();
        assert!(error.contains("results[1]: has no '"), "{error}");
    }
}

#[test]
fn highest_record_of_the_first_category_decides_about_boxes() {
    let boxless = |score: &str| {
        format!(
            r#"{{"image_id": 1, "category_id": 3, "score": {score}, "segmentation": {{"size": [10, 10], "counts": "046000V2"}}}}"#
        )
    };
    let used = |records: &[String]| evaluate(options(Protocol::Fixed, IouType::Segm, 9), records).map(|e| e.area_used);
    let boxed = |score: &str| boxless(score).replace("\"segmentation\"", "\"bbox\": [0, 0, 4, 4], \"segmentation\"");
    assert_eq!(used(&[boxless("0.1"), boxed("0.9")]).ok(), None, "the lower one has no box");
    assert_eq!(used(&[boxed("0.1"), boxless("0.9")]).unwrap(), AreaRule::Mask);
    assert_eq!(used(&[boxed("0.5"), boxless("0.5")]).ok(), None);
}

#[test]
fn nan_has_no_place_among_the_others() {
    let records = [record(1, 3, "0.8"), record(2, 3, "NaN")];
    for protocol in [Protocol::Fixed, Protocol::Pool] {
        let error = evaluate(options(protocol, IouType::Bbox, 9), &records).unwrap_err();
        assert!(matches!(error, EvaluationError::UnrankableInCategory { record: 1, category: 3, .. }), "{error}");
        assert!(evaluate(options(protocol, IouType::Bbox, 9), &records[1..]).is_ok(), "alone it has");
    }
    assert!(evaluate(options(Protocol::Lvis, IouType::Bbox, 9), &records).is_ok());
}

#[test]
fn single_images_must_have_been_ranked() {
    let annotations = annotations("");
    let evaluator = Evaluator::new(&annotations, options(Protocol::Fixed, IouType::Bbox, 9)).unwrap();
    assert!(matches!(evaluator.image(1, &[]), Err(EvaluationError::NotRanked { image: 1 })));
    let mut ranking = evaluator.ranking();
    ranking.add(1, &[]);
    let ranks = ranking.finish().unwrap();
    assert!(evaluator.ranked_image(&ranks, 1, &[]).is_ok());
    assert!(matches!(evaluator.ranked_image(&ranks, 2, &[]), Err(EvaluationError::NotRanked { image: 2 })));
}

#[test]
fn every_annotation_must_have_a_boundary() {
    let stranger = |image: i64, segmentation: &str| {
        annotations(&format!(
            r#", {{"id": 8, "image_id": {image}, "category_id": 77, "area": 0, "bbox": [0, 0, 1, 1]{segmentation}}}"#
        ))
    };
    let outcome = |annotations: &Annotations, iou| {
        Evaluator::new(annotations, options(Protocol::Lvis, iou, 9)).err().map(|error| error.to_string())
    };
    let sound = r#", "segmentation": [[0, 0, 4, 0, 4, 4, 0, 4]]"#;
    for (annotations, expected) in [
        (stranger(99, sound), "annotation 8 is of image 99, which is not listed"),
        (stranger(1, ""), "annotation 8 of image 1 has no segmentation"),
        (stranger(1, r#", "segmentation": []"#), "annotation 8 of image 1"),
    ] {
        let error = outcome(&annotations, IouType::Boundary).expect("refused");
        assert!(error.contains(expected), "{error}");
        assert_eq!(outcome(&annotations, IouType::Segm), None);
    }
    assert_eq!(outcome(&stranger(1, sound), IouType::Boundary), None);
}

#[test]
fn pooled_categories_share_one_ranking() {
    // Alone each category is perfect or hopeless; together the hopeless one's false positive comes first.
    let text = r#"{"images": [
        {"id": 1, "height": 10, "width": 10, "neg_category_ids": [4], "not_exhaustive_category_ids": []}],
        "categories": [{"id": 3, "name": "a", "frequency": "f"}, {"id": 4, "name": "b", "frequency": "r"}],
        "annotations": [{"id": 7, "image_id": 1, "category_id": 3, "area": 16, "bbox": [0, 0, 4, 4]}]}"#;
    let annotations = Annotations::from_bytes("gt.json", text.as_bytes()).unwrap();
    let file = results_file(format!("[{}, {}]", record(1, 3, "0.5"), record(1, 4, "0.6")).as_bytes());
    let ap = |protocol| {
        let evaluator = Evaluator::new(&annotations, options(protocol, IouType::Bbox, 9)).unwrap();
        let results = evaluator.finish(evaluator.file(file.path()).unwrap()).results;
        [results.ap, results.ap_rare, results.ap_frequent, results.ar]
    };
    let [all, rare, frequent, recall] = ap(Protocol::Pool);
    assert!((all.unwrap() - 0.5).abs() < 1e-9 && frequent.unwrap() > 0.99);
    assert_eq!((rare, recall), (None, None));
    assert!(ap(Protocol::Fixed)[0].unwrap() > 0.99);
}

#[test]
fn threads_do_not_show_in_any_protocol() {
    let path = common::fixture("evaluation/edge/interleaved_images");
    for protocol in [Protocol::Fixed, Protocol::Pool] {
        let case = Case::with_answer(&path, options(protocol, IouType::Boundary, 4), Value::Null);
        let report = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| case.report())
        };
        let one = report(1);
        assert!(one.contains(&format!("\"protocol\": \"{}\"", format!("{protocol:?}").to_lowercase())));
        for threads in [2, 3, 7, 16] {
            assert_eq!(report(threads), one, "{protocol:?} with {threads} threads");
        }
    }
}
