//! What may be wrong with a record although nothing is compared with it.

use zoobench::dataset::Annotations;
use zoobench::evaluation::{AreaRule, Evaluation, EvaluationError, Evaluator, IouType, Options};

use super::golden::results_file;

const MASK: &str = r#""segmentation": {"size": [10, 10], "counts": "04600000l1"}"#;
const BOX: &str = r#""bbox": [0, 0, 4, 4]"#;
/// No list of polygons: it has none.
const NO_MASK: &str = r#""segmentation": []"#;

/// Image 1 with an instance of category 3, which is all that is judged there; image 2 without a size.
fn annotations() -> Annotations {
    let text = r#"{"images": [
        {"id": 1, "height": 10, "width": 10, "neg_category_ids": [], "not_exhaustive_category_ids": []},
        {"id": 2, "neg_category_ids": [], "not_exhaustive_category_ids": []}],
        "categories": [{"id": 3, "name": "a", "frequency": "f"}, {"id": 5, "name": "b", "frequency": "f"}],
        "annotations": [{"id": 7, "image_id": 1, "category_id": 3, "area": 16, "bbox": [0, 0, 4, 4],
            "segmentation": [[0, 0, 4, 0, 4, 4, 0, 4]]}]}"#;
    Annotations::from_bytes("gt.json", text.as_bytes()).expect("the annotations are sound")
}

/// White space after the last record, so that a record is read as one within a long file is: by its layout.
const WITHIN: usize = 4096;

/// The evaluation of one record with these fields, which is the same at the end of a file and within one, where less of
/// the record is read.
fn evaluate(
    iou: IouType,
    area: AreaRule,
    image: u32,
    category: u32,
    fields: &[&str],
) -> Result<Evaluation, EvaluationError> {
    let annotations = annotations();
    let evaluator = Evaluator::new(&annotations, Options { iou, area, ..Options::default() })?;
    let fields: String = fields.iter().map(|field| format!(", {field}")).collect();
    let record = format!(r#"{{"image_id": {image}, "category_id": {category}, "score": 0.5{fields}}}"#);
    let evaluate = |spaces: usize| {
        let file = results_file(format!("[{record}{}]", " ".repeat(spaces)).as_bytes());
        evaluator.file(file.path()).map(|matches| evaluator.finish(matches))
    };
    let (at_the_end, within) = (evaluate(0), evaluate(WITHIN));
    assert_eq!(within.as_ref().ok(), at_the_end.as_ref().ok(), "{record}: {within:?}");
    within
}

/// The refusal of a record of the first image whose category is not judged there.
fn unjudged(iou: IouType, area: AreaRule, fields: &[&str]) -> Option<String> {
    evaluate(iou, area, 1, 5, fields).err().map(|error| error.to_string())
}

/// The refusal of a record whose category is not listed.
fn unlisted(iou: IouType, image: u32, fields: &[&str]) -> Option<String> {
    evaluate(iou, AreaRule::Auto, image, 77, fields).err().map(|error| error.to_string())
}

#[track_caller]
fn assert_refused(refusal: Option<String>, why: &str) {
    let refusal = refusal.expect("a refusal");
    assert!(refusal.contains(why), "{refusal}");
}

#[test]
fn what_areas_are_taken_of_must_be_there() {
    let by_box = |fields: &[&str]| unjudged(IouType::Segm, AreaRule::Box, fields);
    assert_eq!(by_box(&[BOX]), None);
    assert_eq!(by_box(&[MASK]), None, "the mask's box will do");
    assert_refused(by_box(&[]), "segmentation");
    assert_refused(by_box(&[r#""bbox": [1, 2]"#, MASK]), "bbox");
    let by_mask = |fields: &[&str]| unjudged(IouType::Segm, AreaRule::Mask, fields);
    assert_eq!(by_mask(&[MASK]), None);
    assert_refused(by_mask(&[BOX]), "segmentation");
}

#[test]
fn a_mask_must_be_spelled_as_one_where_masks_are_compared() {
    for area in [AreaRule::Auto, AreaRule::Box] {
        assert_refused(unjudged(IouType::Segm, area, &[BOX, NO_MASK]), "polygon");
        assert_eq!(unjudged(IouType::Bbox, area, &[BOX, NO_MASK]), None);
        assert_eq!(unjudged(IouType::Segm, area, &[BOX, MASK]), None);
    }
}

#[test]
fn boxes_that_are_not_read_may_be_anything() {
    for (iou, area) in
        [(IouType::Segm, AreaRule::Mask), (IouType::Boundary, AreaRule::Mask), (IouType::Bbox, AreaRule::Mask)]
    {
        let found = evaluate(iou, area, 1, 3, &[r#""bbox": null"#, MASK]).expect("the box is not read");
        assert!(found.results.ap.is_some_and(|ap| ap > 0.99), "{iou:?}");
    }
    assert!(evaluate(IouType::Segm, AreaRule::Box, 1, 3, &[r#""bbox": null"#, MASK]).is_err());
}

#[test]
fn a_mask_stands_in_for_a_box_where_boxes_are_compared() {
    let found = evaluate(IouType::Bbox, AreaRule::Box, 1, 3, &[MASK]).expect("the mask has a box");
    assert!(found.results.ap.is_some_and(|ap| ap > 0.99));
    assert_eq!(found.area_used, AreaRule::Box);
}

#[test]
fn an_image_of_masks_must_have_a_size() {
    let unjudged = |iou| evaluate(iou, AreaRule::Auto, 2, 5, &[BOX]).err().map(|error| error.to_string());
    for iou in [IouType::Segm, IouType::Boundary] {
        assert_refused(unjudged(iou), "image 2");
    }
    assert_eq!(unjudged(IouType::Bbox), None);
}

#[test]
fn boundaries_are_taken_of_records_that_are_passed_over() {
    // Of a category that is not listed, in an image without a size or with a mask that is none.
    for (image, field) in [(2, MASK), (1, NO_MASK)] {
        assert!(unlisted(IouType::Boundary, image, &[BOX, field]).is_some());
        assert_eq!(unlisted(IouType::Segm, image, &[BOX, field]), None);
        assert_eq!(unlisted(IouType::Bbox, image, &[BOX, field]), None);
    }
    assert_eq!(unlisted(IouType::Boundary, 1, &[BOX, MASK]), None);
    // Of an area that does not count.
    let flat = |iou| evaluate(iou, AreaRule::Auto, 1, 3, &[r#""bbox": [0, 0, 0, 4]"#, NO_MASK]);
    assert_refused(flat(IouType::Boundary).err().map(|error| error.to_string()), "polygon");
    assert_eq!(flat(IouType::Segm).map(|found| found.swallowed.nonpositive_area_detections).ok(), Some(1));
}
