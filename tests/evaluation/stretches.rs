//! Where a results file is cut into stretches does not show: neither in results nor in refusals.

use zoobench::dataset::Annotations;
use zoobench::evaluation::{AreaRule, Evaluation, Evaluator, IouType, Options, Protocol};
use zoobench::mask::Rle;

/// More than a stretch has: a record of so many bytes ends in another stretch than the next one.
const PADDING: usize = 600_000;

/// Images 1 to 4 with one instance of category 3 each, the square `SPOT`.
fn annotations() -> Annotations {
    let image = |id: u32| {
        format!(
            r#"{{"id": {id}, "height": 20, "width": 20, "neg_category_ids": [4], "not_exhaustive_category_ids": []}}"#
        )
    };
    let instance = |id: u32| {
        format!(
            r#"{{"id": {id}, "image_id": {id}, "category_id": 3, "area": 16, "bbox": [0, 0, 4, 4],
            "segmentation": [[0, 0, 4, 0, 4, 4, 0, 4]]}}"#
        )
    };
    let list = |one: &dyn Fn(u32) -> String| (1..=4).map(one).collect::<Vec<_>>().join(", ");
    let text = format!(
        r#"{{"images": [{}], "annotations": [{}], "categories": [{{"id": 3, "name": "a", "frequency": "f"}},
            {{"id": 4, "name": "b", "frequency": "r"}}]}}"#,
        list(&image),
        list(&instance)
    );
    Annotations::from_bytes("gt.json", text.as_bytes()).expect("the annotations are sound")
}

/// The mask of the square of 4 pixels whose corner is at `[at, at]`.
fn mask(at: u32) -> String {
    let [start, end] = [f64::from(at), f64::from(at + 4)];
    let square = vec![start, start, end, start, end, end, start, end];
    let string = Rle::from_polygons(20, 20, &[square]).expect("a sound square").to_string();
    format!(r#"{{"size": [20, 20], "counts": {}}}"#, serde_json::Value::from(string))
}

/// A detection of category 3 with what is appended to it.
fn record(image: u32, score: &str, rest: &str) -> String {
    format!(r#"{{"image_id": {image}, "category_id": 3, "score": {score}, {rest}}}"#)
}

fn masked(image: u32, score: &str, at: u32) -> String {
    record(image, score, &format!(r#""bbox": [{at}, {at}, 4, 4], "segmentation": {}"#, mask(at)))
}

fn boxed(image: u32, score: &str) -> String {
    record(image, score, r#""bbox": [0, 0, 4, 4]"#)
}

fn bad_box(image: u32, score: &str) -> String {
    record(image, score, r#""bbox": [0]"#)
}

fn limited(iou: IouType, protocol: Protocol, limit: usize) -> Options {
    Options { iou, area: AreaRule::Box, protocol, max_detections: limit, max_category_detections: limit }
}

/// What becomes of the records, which is the same wherever the file is cut: in a file that is not cut at
/// all and in one that is cut after the records at `cuts`, on one, two and three threads.
fn outcome(options: Options, records: &[String], cuts: &[usize]) -> Result<Evaluation, String> {
    let annotations = annotations();
    let evaluator = Evaluator::new(&annotations, options).expect("the annotations can be compared");
    let evaluate = |records: &[String], threads: usize| {
        let text = format!("[{}]", records.join(", "));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let matches = pool.install(|| evaluator.pipe("dt.json", text.as_bytes()));
        matches.map(|matches| evaluator.finish(matches)).map_err(|error| error.to_string())
    };
    let mut cut = records.to_vec();
    for &place in cuts {
        let end = cut[place].len() - 1;
        cut[place].insert_str(end, &format!(r#", "note": "{}""#, "x".repeat(PADDING)));
    }
    let whole = evaluate(records, 2);
    for threads in 1..4 {
        assert_eq!(evaluate(&cut, threads), whole, "cut after {cuts:?}, {threads} threads");
    }
    whole
}

/// The refusal, which names the record.
fn refusal(options: Options, records: &[String], cuts: &[usize], record: usize) -> String {
    let refused = outcome(options, records, cuts).expect_err("a refusal");
    assert!(refused.contains(&format!("[{record}]")) || refused.contains(&format!("record {record} ")), "{refused}");
    refused
}

const SEGM: Options = Options {
    iou: IouType::Segm,
    area: AreaRule::Box,
    protocol: Protocol::Lvis,
    max_detections: 300,
    max_category_detections: 10_000,
};

#[test]
fn masks_on_both_sides_of_a_cut_keep_their_strings() {
    // Only the fourth record is on the instance; each mask is told from the others by its place.
    let records: Vec<String> =
        [(0.9, 9), (0.8, 7), (0.7, 5), (0.6, 0), (0.5, 11)].map(|(score, at)| masked(1, &score.to_string(), at)).into();
    for cuts in [&[0][..], &[2], &[3], &[0, 1, 2, 3], &[1, 3]] {
        let found = outcome(SEGM, &records, cuts).expect("sound records");
        let ap = found.per_category[0].ap.expect("category 3 has instances");
        assert!((ap - 0.25 * 26.0 / 101.0).abs() < 1e-9, "a fourth of the instances at a precision of a fourth: {ap}");
    }
}

#[test]
fn refusals_on_both_sides_of_a_cut_are_told_apart() {
    let options = limited(IouType::Bbox, Protocol::Lvis, 2);
    let cuts = [0, 1, 2];
    // The first one is beyond the limit.
    let refused = refusal(options, &[bad_box(1, "0.1"), boxed(1, "0.9"), bad_box(1, "0.8")], &cuts, 2);
    assert!(refused.contains("bbox"), "{refused}");
    let two = [bad_box(1, "0.1"), bad_box(1, "0.2"), boxed(1, "0.9"), bad_box(1, "0.3"), bad_box(1, "0.8")];
    for cuts in [&[1][..], &[2], &[3], &[0, 1, 2, 3]] {
        refusal(options, &two, cuts, 4);
    }
    let scoreless = r#"{"image_id": 1, "category_id": 3, "bbox": [0, 0, 4, 4]}"#.to_owned();
    for first in [bad_box(1, "0.1"), boxed(1, "0.1")] {
        let refused = refusal(options, &[first, boxed(1, "0.9"), scoreless.clone()], &cuts, 2);
        assert!(refused.contains("score"), "{refused}");
    }
    let unranked = [boxed(1, "0.9"), boxed(1, "0.8"), boxed(1, "0.7"), boxed(1, "NaN")];
    refusal(options, &unranked, &[0, 1, 2], 3);
    assert!(outcome(options, &[bad_box(1, "0.1"), boxed(1, "0.9"), boxed(1, "0.8")], &cuts).is_ok());
}

#[test]
fn a_mask_that_is_refused_when_it_is_compared_is_named() {
    let broken = record(1, "0.5", r#""bbox": [0, 0, 4, 4], "segmentation": {"size": [20, 20], "counts": "!"}"#);
    let records = [masked(1, "0.9", 9), masked(1, "0.8", 0), masked(1, "0.7", 5), broken, masked(1, "0.4", 5)];
    for cuts in [&[0][..], &[1], &[2], &[3], &[0, 1, 2, 3]] {
        refusal(SEGM, &records, cuts, 3);
    }
}

#[test]
fn the_first_image_that_is_refused_is_told() {
    // Image 1 goes on after the cut; image 2 begins and ends there.
    let options = limited(IouType::Bbox, Protocol::Lvis, 300);
    let records = [boxed(1, "0.9"), bad_box(1, "0.8"), bad_box(2, "0.7"), boxed(3, "0.6")];
    refusal(options, &records, &[0], 1);
    // Image 1 comes back, and its refused record is one of too many: what remains is that of image 2.
    let options = limited(IouType::Bbox, Protocol::Lvis, 1);
    let records = [bad_box(1, "0.1"), bad_box(2, "0.7"), boxed(3, "0.6"), boxed(1, "0.9")];
    for cuts in [&[0][..], &[1], &[0, 1, 2]] {
        refusal(options, &records, cuts, 1);
    }
}

#[test]
fn records_beyond_a_category_s_limit_are_counted_in_every_stretch() {
    let scores = ["0.9", "0.5", "0.4", "0.3", "0.2", "0.1"];
    for protocol in [Protocol::Fixed, Protocol::Pool] {
        let options = limited(IouType::Bbox, protocol, 1);
        let mut records: Vec<String> = scores.map(|score| boxed(1, score)).into();
        for cuts in [&[2][..], &[0, 1, 2, 3, 4]] {
            let found = outcome(options, &records, cuts).expect("sound records");
            assert_eq!(found.swallowed.over_limit_detections, 5);
        }
        // The same with another image between them.
        records.insert(3, boxed(2, "0.05"));
        let found = outcome(options, &records, &[2, 3]).expect("sound records");
        assert_eq!(found.swallowed.over_limit_detections, 6);
        assert!(found.results.ap.is_some_and(|ap| ap > 0.2), "the one of image 1 that counts is found");
    }
}

#[test]
fn a_scattered_image_does_not_make_records_beyond_the_limit_count() {
    let options = |limit| limited(IouType::Bbox, Protocol::Fixed, limit);
    // Image 1 is scattered, so that the file is read again; the record of no listed image is the last.
    let records = [boxed(1, "0.9"), boxed(2, "0.8"), boxed(1, "0.7"), boxed(99, "0.1")];
    for cuts in [&[][..], &[0], &[2], &[0, 1, 2]] {
        let found = outcome(options(3), &records, cuts).expect("the stranger is beyond the limit");
        assert!(found.results.ap.is_some_and(|ap| ap > 0.4), "two of four instances are found");
        refusal(options(4), &records, cuts, 3);
    }
}

#[test]
fn a_score_without_a_place_in_its_category_is_named() {
    let records = [boxed(1, "0.9"), boxed(2, "0.8"), boxed(3, "0.7"), boxed(4, "NaN")];
    for cuts in [&[0, 1, 2][..], &[2], &[1, 2]] {
        refusal(limited(IouType::Bbox, Protocol::Fixed, 9), &records, cuts, 3);
    }
}
