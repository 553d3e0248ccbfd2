//! Whether the first record has a box decides about areas, unless its image has more detections than
//! count: then it is the highest of that image that decides.

use zoobench::dataset::Annotations;
use zoobench::evaluation::{AreaRule, EvaluationError, Evaluator, IouType, Options};

use super::golden::results_file;

fn annotations() -> Annotations {
    let image = |id: u32| {
        format!(
            r#"{{"id": {id}, "height": 10, "width": 10, "neg_category_ids": [], "not_exhaustive_category_ids": []}}"#
        )
    };
    let instance = |id: u32| {
        format!(
            r#"{{"id": {id}, "image_id": {id}, "category_id": 3, "area": 16, "bbox": [0, 0, 4, 4],
            "segmentation": [[0, 0, 4, 0, 4, 4, 0, 4]]}}"#
        )
    };
    let text = format!(
        r#"{{"images": [{}, {}], "annotations": [{}, {}], "categories": [{{"id": 3, "name": "a", "frequency": "f"}}]}}"#,
        image(1),
        image(2),
        instance(1),
        instance(2)
    );
    Annotations::from_bytes("gt.json", text.as_bytes()).expect("the annotations are sound")
}

fn boxless(image: u32, score: f64) -> String {
    format!(
        r#"{{"image_id": {image}, "category_id": 3, "score": {score}, "segmentation": {{"size": [10, 10], "counts": "046000V2"}}}}"#
    )
}

fn boxed(image: u32, score: f64) -> String {
    boxless(image, score).replace("\"segmentation\"", "\"bbox\": [0, 0, 4, 4], \"segmentation\"")
}

/// The area that decides where the `limit` highest detections of the `selected` images count.
fn used(selected: &[i64], limit: usize, records: &[String]) -> Result<AreaRule, EvaluationError> {
    let annotations = annotations();
    let options = Options { iou: IouType::Segm, max_detections: limit, ..Options::default() };
    let evaluator = Evaluator::new(&annotations, options)?.select(selected)?;
    let file = results_file(format!("[{}]", records.join(", ")).as_bytes());
    Ok(evaluator.finish(evaluator.file(file.path())?).area_used)
}

/// The area where the lack of a box is no error.
fn area(selected: &[i64], limit: usize, records: &[String]) -> AreaRule {
    used(selected, limit, records).expect("sound records")
}

#[test]
fn the_first_record_decides_where_all_of_its_image_count() {
    let records = [boxless(1, 0.1), boxed(1, 0.9), boxed(1, 0.8)];
    assert_eq!(area(&[1, 2], 3, &records), AreaRule::Mask);
    // That another image has too many changes nothing.
    let records = [boxless(1, 0.1), boxed(2, 0.9), boxed(2, 0.8), boxed(2, 0.7)];
    assert_eq!(area(&[1, 2], 2, &records), AreaRule::Mask);
    let missing = used(&[1, 2], 2, &[boxed(1, 0.1), boxless(1, 0.9)]);
    assert!(matches!(missing, Err(EvaluationError::MissingBox { record: 1, image: 1, .. })));
}

#[test]
fn the_highest_of_too_many_decides() {
    let records = [boxless(1, 0.1), boxed(1, 0.9), boxed(1, 0.8)];
    assert_eq!(area(&[1, 2], 2, &records), AreaRule::Box);
    let records = [boxed(1, 0.1), boxless(1, 0.9), boxless(1, 0.8), boxed(2, 0.7)];
    assert_eq!(area(&[1, 2], 2, &records), AreaRule::Mask);
}

#[test]
fn the_first_of_equally_high_ones_decides() {
    let records = [boxless(1, 0.1), boxless(1, 0.9), boxed(1, 0.9)];
    assert_eq!(area(&[1, 2], 2, &records), AreaRule::Mask);
    let records = [boxless(1, 0.1), boxed(1, 0.9), boxed(1, 0.9), boxless(1, 0.2)];
    assert_eq!(area(&[1, 2], 2, &records), AreaRule::Box);
}

#[test]
fn an_image_that_is_not_selected_decides_too() {
    let records = [boxless(1, 0.1), boxed(1, 0.9), boxed(1, 0.8), boxed(2, 0.7)];
    assert_eq!(area(&[2], 2, &records), AreaRule::Box);
    assert_eq!(area(&[2], 3, &records), AreaRule::Mask);
}
