//! Every refusal, provoked.

use zoobench::dataset::SegmentationError;
use zoobench::dataset::{Annotation, Annotations, Category, DatasetError, ImageRecord, Record, Segmentation};
use zoobench::evaluation::{evaluate_file, AreaRule, EvaluationError, Evaluator, ImageMatches, IouType, Options};
use zoobench::mask::MaskError;

use super::golden::results_file;

const SQUARE: [f64; 8] = [1.0, 1.0, 1.0, 5.0, 5.0, 5.0, 5.0, 1.0];

fn polygons(part: &[f64]) -> Option<Segmentation> {
    Some(Segmentation::Polygons(vec![part.to_vec()]))
}

/// What makes something sound unsound.
type Change<T> = fn(&mut T);

/// One image with one instance.
fn annotations() -> Annotations {
    Annotations {
        source: "gt.json".to_owned(),
        sha256: String::new(),
        images: vec![ImageRecord {
            id: 1,
            file_name: None,
            coco_url: None,
            height: Some(10),
            width: Some(10),
            neg_category_ids: Some(vec![]),
            not_exhaustive_category_ids: Some(vec![]),
        }],
        categories: vec![Category {
            id: 3,
            name: None,
            frequency: Some("r".to_owned()),
            synonyms: vec![],
            image_count: None,
        }],
        annotations: vec![annotation(17, 1)],
    }
}

fn annotation(id: i64, image_id: i64) -> Annotation {
    Annotation {
        id,
        image_id,
        category_id: 3,
        area: Some(16.0),
        bbox: Some([1.0, 1.0, 4.0, 4.0]),
        segmentation: polygons(&SQUARE),
        ignore: false,
    }
}

/// A detection of the instance.
fn record() -> Record {
    Record {
        image_id: 1,
        category_id: 3,
        score: 0.5,
        bbox: Some([1.0, 1.0, 4.0, 4.0]),
        segmentation: Some(Segmentation::Compressed { size: [10, 10], counts: mask().into_bytes() }),
    }
}

fn mask() -> String {
    polygons(&SQUARE).unwrap().to_rle(10, 10).unwrap().to_string()
}

/// The refusal of annotations after a change.
fn refusal_of_annotations(iou: IouType, change: impl Fn(&mut Annotations)) -> EvaluationError {
    let mut annotations = annotations();
    let options = Options { iou, ..Options::default() };
    assert!(Evaluator::new(&annotations, options).is_ok());
    change(&mut annotations);
    Evaluator::new(&annotations, options).err().expect("the change is refused")
}

fn evaluate(options: Options, annotations: &Annotations, records: &[Record]) -> Result<ImageMatches, EvaluationError> {
    Evaluator::new(annotations, options)?.image(1, records)
}

/// The refusal of a detection after a change.
fn refusal_of_record(options: Options, change: impl Fn(&mut Record)) -> EvaluationError {
    let mut records = [record()];
    assert!(evaluate(options, &annotations(), &records).is_ok());
    change(&mut records[0]);
    evaluate(options, &annotations(), &records).expect_err("the change is refused")
}

fn with(iou: IouType, area: AreaRule) -> Options {
    Options { iou, area, ..Options::default() }
}

#[test]
fn categories_need_a_frequency_letter() {
    let missing = refusal_of_annotations(IouType::Segm, |set| set.categories[0].frequency = None);
    assert!(matches!(missing, EvaluationError::MissingFrequency { category: 3, .. }));
    let unknown = refusal_of_annotations(IouType::Segm, |set| set.categories[0].frequency = Some("x".to_owned()));
    assert!(matches!(unknown, EvaluationError::UnknownFrequency { category: 3, .. }));
    assert!(unknown.to_string().contains("gt.json: category 3 has the frequency \"x\""), "{unknown}");
}

#[test]
fn images_need_their_category_lists() {
    let changes: [(&str, Change<ImageRecord>); 2] = [
        ("neg_category_ids", |image| image.neg_category_ids = None),
        ("not_exhaustive_category_ids", |image| image.not_exhaustive_category_ids = None),
    ];
    for (missing, change) in changes {
        let error = refusal_of_annotations(IouType::Bbox, |set| change(&mut set.images[0]));
        assert!(matches!(error, EvaluationError::MissingCategoryList { image: 1, key, .. } if key == missing));
    }
}

#[test]
fn masks_need_the_size_of_their_image() {
    let error = refusal_of_annotations(IouType::Segm, |set| set.images[0].width = None);
    assert!(matches!(error, EvaluationError::MissingImageSize { image: 1, .. }));
    let mut without = annotations();
    without.images[0].height = None;
    assert!(evaluate(with(IouType::Bbox, AreaRule::Auto), &without, &[record()]).is_ok());
}

#[test]
fn annotations_need_what_is_compared() {
    let changes: [(IouType, &str, Change<Annotation>); 4] = [
        (IouType::Segm, "area", |annotation| annotation.area = None),
        (IouType::Bbox, "area", |annotation| annotation.area = None),
        (IouType::Segm, "segmentation", |annotation| annotation.segmentation = None),
        (IouType::Bbox, "bbox", |annotation| annotation.bbox = None),
    ];
    for (iou, missing, change) in changes {
        let error = refusal_of_annotations(iou, |set| change(&mut set.annotations[0]));
        let named = matches!(error, EvaluationError::MissingAnnotationKey { annotation: 17, image: 1, key, .. } if key == missing);
        assert!(named, "{error}");
    }
}

#[test]
fn annotations_may_lack_what_is_not_compared() {
    let mut set = annotations();
    set.annotations[0].bbox = None;
    assert!(evaluate(with(IouType::Segm, AreaRule::Auto), &set, &[record()]).is_ok());
    set.annotations[0] = Annotation { segmentation: None, ..annotation(17, 1) };
    assert!(evaluate(with(IouType::Bbox, AreaRule::Auto), &set, &[record()]).is_ok());
}

#[test]
fn repeated_id_may_not_lead_out_of_the_images() {
    let error = refusal_of_annotations(IouType::Segm, |set| set.annotations.push(annotation(17, 99)));
    assert!(matches!(error, EvaluationError::RepeatedIdElsewhere { annotation: 17, image: 99, .. }));
}

#[test]
fn masks_of_annotations_must_be_masks() {
    let degenerate: [Option<Segmentation>; 4] = [
        Some(Segmentation::Malformed),
        Some(Segmentation::Polygons(vec![])),
        polygons(&[1.0, 1.0, 2.0, 2.0]),
        Some(Segmentation::Runs { size: [10, 10], counts: vec![-1.0, 101.0] }),
    ];
    for segmentation in degenerate {
        let error = refusal_of_annotations(IouType::Segm, |set| set.annotations[0].segmentation = segmentation.clone());
        assert!(matches!(error, EvaluationError::AnnotationMask { annotation: 17, .. }), "{error}");
    }
}

#[test]
fn runs_of_annotations_are_checked_where_they_are_compared() {
    let mut set = annotations();
    set.annotations[0].segmentation = Some(Segmentation::Runs { size: [10, 10], counts: vec![7.0] });
    let options = Options::default();
    assert!(evaluate(options, &set, &[]).is_ok());
    let error = evaluate(options, &set, &[record()]).unwrap_err();
    let EvaluationError::AnnotationMask { problem: SegmentationError::Mask(MaskError::Coverage { .. }), .. } = error
    else {
        panic!("{error}");
    };
}

#[test]
fn images_and_records_must_belong_together() {
    let set = annotations();
    let evaluator = Evaluator::new(&set, Options::default()).unwrap();
    assert!(matches!(evaluator.image(2, &[]), Err(EvaluationError::UnknownImage { image: 2, .. })));
    let foreign = Record { image_id: 7, ..record() };
    let error = evaluator.image(1, &[record(), foreign]).unwrap_err();
    assert!(matches!(error, EvaluationError::ForeignRecord { record: 1, image: 1, found: 7 }));
}

#[test]
fn automatic_rule_needs_boxes() {
    let error = refusal_of_record(Options::default(), |record| record.bbox = None);
    assert!(matches!(error, EvaluationError::MissingBox { record: 0, image: 1, .. }));
}

#[test]
fn mask_areas_need_compressed_masks() {
    for iou in [IouType::Segm, IouType::Bbox] {
        let options = with(iou, AreaRule::Mask);
        let error = refusal_of_record(options, |record| record.segmentation = None);
        assert!(matches!(error, EvaluationError::MissingMask { record: 0, .. }));
        let error = refusal_of_record(options, |record| record.segmentation = polygons(&SQUARE));
        assert!(matches!(error, EvaluationError::NotCompressed { record: 0, .. }));
    }
}

#[test]
fn masks_of_detections_are_checked_where_they_are_compared() {
    let short = |record: &mut Record| {
        record.segmentation = Some(Segmentation::Compressed { size: [10, 10], counts: b"1".to_vec() });
    };
    let error = refusal_of_record(Options::default(), short);
    assert!(matches!(error, EvaluationError::DetectionMask { record: 0, image: 1, .. }));
    assert!(error.to_string().contains("runs cover 1 pixels but the mask is 10 x 10"), "{error}");
    // Nothing is annotated of a category that is known to be absent: nothing is compared.
    let mut absent = annotations();
    absent.annotations.clear();
    absent.images[0].neg_category_ids = Some(vec![3]);
    let mut records = [record()];
    short(&mut records[0]);
    assert!(evaluate(Options::default(), &absent, &records).is_ok());
    records[0].segmentation = Some(Segmentation::Malformed);
    assert!(evaluate(Options::default(), &absent, &records).is_err());
}

#[test]
fn nan_cannot_be_ranked() {
    let options = Options { max_detections: 1, ..Options::default() };
    let records = [record(), Record { score: f64::NAN, ..record() }];
    let error = evaluate(options, &annotations(), &records).unwrap_err();
    assert!(matches!(error, EvaluationError::UnrankableScore { record: 1, image: 1, limit: 1, .. }));
    assert!(evaluate(Options::default(), &annotations(), &records).is_ok());
}

/// The refusal of a results file.
fn refusal_of_file(text: &str) -> EvaluationError {
    evaluate_file(&annotations(), results_file(text.as_bytes()).path(), Options::default()).unwrap_err()
}

#[test]
fn files_must_be_lists_of_detections() {
    assert!(matches!(refusal_of_file("[]"), EvaluationError::Dataset(DatasetError::EmptyResults { .. })));
    assert!(matches!(refusal_of_file("{}"), EvaluationError::Dataset(DatasetError::ResultsNotAList { .. })));
    let unknown = refusal_of_file(r#"[{"image_id": 5, "category_id": 3, "score": 1, "bbox": [1, 1, 4, 4]}]"#);
    assert!(matches!(unknown, EvaluationError::UnknownImage { record: 0, image: 5, .. }));
    let missing = std::path::Path::new("no such file");
    let error = evaluate_file(&annotations(), missing, Options::default()).unwrap_err();
    assert!(matches!(error, EvaluationError::Dataset(DatasetError::Read { .. })));
}

#[test]
fn first_refusal_in_the_file_is_told_at_any_thread_count() {
    let mut set = annotations();
    let image = set.images[0].clone();
    set.images.extend((2..200).map(|id| ImageRecord { id, ..image.clone() }));
    set.annotations.extend((2..200).map(|id| annotation(100 + id, id)));
    let counts = mask().replace('\\', "\\\\");
    let record = |id: i64| {
        // From the hundredth image on every mask is cut short.
        let counts = if id < 100 { &counts } else { "1" };
        format!(
            r#"{{"image_id": {id}, "category_id": 3, "score": 1, "bbox": [1, 1, 4, 4], "segmentation": {{"size": [10, 10], "counts": "{counts}"}}}}"#
        )
    };
    let text = format!("[{}]", (1..200).map(record).collect::<Vec<_>>().join(","));
    let file = results_file(text.as_bytes());
    for threads in [1, 2, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let error = pool.install(|| evaluate_file(&set, file.path(), Options::default())).unwrap_err();
        assert!(matches!(error, EvaluationError::DetectionMask { record: 99, image: 100, .. }), "{error}");
    }
}

#[test]
fn first_record_of_a_full_image_is_its_highest() {
    let with_box = r#"{"image_id": 1, "category_id": 3, "score": 0.1, "bbox": [1, 1, 4, 4]}"#;
    let counts = mask().replace('\\', "\\\\");
    let without_box = |score: f64| {
        format!(
            r#"{{"image_id": 1, "category_id": 3, "score": {score}, "segmentation": {{"size": [10, 10], "counts": "{counts}"}}}}"#
        )
    };
    let elsewhere = without_box(0.3).replace("\"image_id\": 1", "\"image_id\": 2");
    let mut set = annotations();
    set.images.push(ImageRecord { id: 2, ..set.images[0].clone() });
    let highest = without_box(0.9);
    for records in [[with_box, &highest, &elsewhere], [with_box, &elsewhere, &highest]] {
        let file = results_file(format!("[{}]", records.join(",")).as_bytes());
        let limited = Options { max_detections: 1, ..Options::default() };
        let evaluation = evaluate_file(&set, file.path(), limited).unwrap();
        assert_eq!(evaluation.area_used, AreaRule::Mask);
        assert!(evaluation.results.ap50 > Some(0.99));
        // With room for all, the file's first record decides, and the others lack a box.
        let error = evaluate_file(&set, file.path(), Options::default()).unwrap_err();
        assert!(matches!(error, EvaluationError::MissingBox { .. }), "{error}");
    }
}
