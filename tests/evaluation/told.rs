//! What is told of two sets of detections, and what a state keeps: on three images made by hand.

use std::io::Read;

use serde_json::{json, Value};
use sha2::{Digest, Sha256};
use zoobench::dataset::{Annotations, Record, Segmentation};
use zoobench::evaluation::{
    compare_states, AreaRule, Comparison, EvaluationError, Evaluator, IouType, Options, Protocol, Resampling, State,
    StateError, Swallowed,
};
use zoobench::mask::Rle;

const QUICK: Resampling = Resampling { resamples: 20, seed: 1 };

/// Images -4, 7 and 9, each with the square `SPOT` of category 1; image 9 has one of category 2 too.
fn annotations(change: impl FnOnce(&mut Value)) -> Annotations {
    let image = |id: i64| json!({"id": id, "height": 99, "width": 99, "neg_category_ids": [], "not_exhaustive_category_ids": []});
    let instance = |id: i64, image: i64, category: i64| json!({"id": id, "image_id": image, "category_id": category, "area": 100, "bbox": SPOT});
    let category = |id: i64, letter: &str| json!({"id": id, "name": format!("name {id}"), "frequency": letter});
    let mut file = json!({
        "images": [image(-4), image(7), image(9)],
        "categories": [category(1, "r"), category(2, "f"), category(3, "f")],
        "annotations": [instance(1, -4, 1), instance(2, 7, 1), instance(3, 9, 1), instance(4, 9, 2)],
    });
    change(&mut file);
    let mut read = Annotations::from_bytes("gt.json", file.to_string().as_bytes()).expect("sound annotations");
    read.sha256 = "5a".repeat(32);
    read
}

const SPOT: [f64; 4] = [0.0, 0.0, 10.0, 10.0];
const ELSEWHERE: [f64; 4] = [50.0, 50.0, 10.0, 10.0];

fn record(image_id: i64, category_id: i64, bbox: [f64; 4], score: f64) -> Record {
    Record { image_id, category_id, score, bbox: Some(bbox), segmentation: None }
}

const BOXES: Options = Options {
    iou: IouType::Bbox,
    area: AreaRule::Auto,
    protocol: Protocol::Lvis,
    max_detections: 300,
    max_category_detections: 10_000,
};

fn state_of(annotations: &Annotations, options: Options, images: &[i64], records: &[Record], name: &str) -> State {
    let evaluator = Evaluator::new(annotations, options).expect("sound").select(images).expect("listed");
    let of = |id: i64| -> Vec<Record> { records.iter().filter(|record| record.image_id == id).cloned().collect() };
    let matches =
        images.iter().filter(|&&id| !of(id).is_empty()).map(|&id| evaluator.image(id, &of(id)).expect("sound"));
    evaluator.state(matches.collect(), name).expect("each image once")
}

fn state(images: &[i64], records: &[Record], name: &str) -> State {
    state_of(&annotations(|_| ()), BOXES, images, records, name)
}

const ALL: [i64; 3] = [-4, 7, 9];

/// Two sets: `b` finds what `a` does not in image 9, and loses what it found in image -4.
fn two() -> [State; 2] {
    let a =
        [record(-4, 1, SPOT, 0.9), record(7, 1, SPOT, 0.8), record(7, 1, ELSEWHERE, 0.7), record(9, 2, ELSEWHERE, 0.6)];
    let b = [
        record(-4, 1, ELSEWHERE, 0.9),
        record(-4, 1, ELSEWHERE, 0.85),
        record(7, 1, SPOT, 0.8),
        record(9, 1, SPOT, 0.7),
        record(9, 2, SPOT, 0.6),
    ];
    [state(&ALL, &a, "a.json"), state(&ALL, &b, "b.json")]
}

#[test]
fn images_are_told_by_what_was_gained_in_them() {
    let [a, b] = two();
    let told = |a: &State, b: &State| -> Vec<(i64, i64, [u64; 5])> {
        let found = compare_states(a, b, QUICK).expect("alike").per_image;
        let counts = |image: &zoobench::evaluation::ImageDifference| {
            let [of_a, of_b] =
                [(image.true_positives_a, image.false_positives_a), (image.true_positives_b, image.false_positives_b)];
            (image.image, image.gained(), [image.num_gt, of_a.0, of_a.1, of_b.0, of_b.1])
        };
        found.iter().map(counts).collect()
    };
    assert_eq!(told(&a, &b), [(9, 2, [2, 0, 1, 2, 0]), (-4, -1, [1, 1, 0, 0, 2])]);
    assert_eq!(told(&b, &a), [(-4, 1, [1, 0, 2, 1, 0]), (9, -2, [2, 2, 0, 0, 1])]);
}

#[test]
fn categories_are_told_by_their_gain() {
    let [a, b] = two();
    let rows = compare_states(&a, &b, QUICK).expect("alike").per_category;
    assert_eq!(rows.iter().map(|row| (row.id, row.num_gt)).collect::<Vec<_>>(), [(2, 1), (1, 3)]);
    assert!(rows[0].a == 0.0 && rows[0].b > 0.999 && rows[0].difference == rows[0].b, "{:?}", rows[0]);
    assert_eq!((rows[1].name.as_str(), rows[1].frequency.as_str()), ("name 1", "r"));
    assert!((rows[1].difference - (rows[1].b - rows[1].a)).abs() < 1e-12 && rows[1].difference < 0.0);
}

#[test]
fn a_metric_is_told_with_what_it_rests_on() {
    let [a, b] = two();
    let told = compare_states(&a, &b, QUICK).expect("alike");
    let row = |name: &str| told.metrics.iter().find(|row| row.metric == name).expect("a row a metric");
    let rests_on = |name| (row(name).categories, row(name).instances, row(name).categories_with_one_instance);
    assert_eq!((rests_on("AP"), rests_on("APr"), rests_on("APf")), ((2, 4, 1), (1, 3, 0), (1, 1, 1)));
    assert!(row("AP").low.is_some() && row("AP").p_value.is_some() && row("AP").resamples > 0);
    let read: Comparison = serde_json::from_str(&told.to_json()).expect("JSON");
    assert_eq!(read, told);
    assert!(told.to_json().ends_with("}\n"));
}

#[test]
fn the_area_is_that_of_the_set_that_has_detections() {
    let (none, some) = (state(&ALL, &[], "none"), two()[0].clone());
    for pair in [[&none, &some], [&some, &none], [&some, &some]] {
        assert_eq!(compare_states(pair[0], pair[1], QUICK).expect("alike").area_used, AreaRule::Box);
    }
    let undecided = compare_states(&none, &none, QUICK).expect("alike");
    assert_eq!((undecided.area_used, undecided.per_image.len()), (AreaRule::Auto, 0));
}

#[test]
fn only_states_of_the_same_images_are_compared() {
    let other = |a: &[i64], b: &[i64]| match compare_states(&state(a, &[], "a"), &state(b, &[], "b"), QUICK) {
        Err(StateError::OtherImages { image, .. }) => Some(image),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    };
    assert_eq!(other(&[7, 9], &[7, 9]), None);
    assert_eq!((other(&[-4, 7, 9], &[-4, 7]), other(&[-4, 7], &[-4, 7, 9])), (Some(9), Some(9)));
    assert_eq!((other(&[-4, 9], &[7, 9]), other(&[7, 9], &[-4, 9])), (Some(-4), Some(-4)));
    assert_eq!((other(&[-4], &[7]), other(&[], &[7])), (Some(-4), Some(7)));
}

#[test]
fn a_state_knows_its_protocol_and_limit() {
    let names = |options: Options| -> Vec<String> {
        let state = state_of(&annotations(|_| ()), options, &ALL, &[], "none");
        let read = State::from_bytes("read", &state.to_bytes()).expect("what was written");
        read.intervals(QUICK).metrics.into_iter().map(|metric| metric.metric).collect()
    };
    assert_eq!(names(Options { max_detections: 17, ..BOXES })[9], "AR@17");
    assert_eq!(names(Options { protocol: Protocol::Fixed, max_category_detections: 23, ..BOXES })[9], "AR@23/cat");
    let pools = ["AP-pooled-all", "AP-pooled-r", "AP-pooled-c", "AP-pooled-f"];
    assert_eq!(names(Options { protocol: Protocol::Pool, ..BOXES }), pools);
}

#[test]
fn what_is_passed_over_is_summed_over_images() {
    let damaged = annotations(|file| {
        let annotations = file["annotations"].as_array_mut().expect("a list");
        let with = |id: i64, key: &str, value: Value| {
            let mut more = json!({"id": id, "image_id": 7, "category_id": 1, "area": 100, "bbox": SPOT});
            more[key] = value;
            more
        };
        annotations.extend((10..12).map(|id| with(id, "image_id", 1234.into())));
        annotations.extend((20..23).map(|id| with(id, "category_id", 1234.into())));
        annotations.extend((30..34).map(|id| with(id, "area", 0.into())));
    });
    let limited = Options { max_detections: 4, ..BOXES };
    let bad = |image| {
        [
            record(image, 77, SPOT, 0.9),
            record(image, 1, [0.0, 0.0, 0.0, 10.0], 0.8),
            record(image, 1, SPOT, f64::INFINITY),
            record(image, 1, SPOT, 0.7),
            record(image, 1, SPOT, 0.1),
            record(image, 1, SPOT, 0.1),
        ]
    };
    let records = [bad(-4), bad(9)].concat();
    let state = state_of(&damaged, limited, &ALL, &records, "dt.json");
    let expected = Swallowed {
        unknown_category_detections: 2,
        nonpositive_area_detections: 2,
        over_limit_detections: 4,
        mask_size_mismatches: 0,
        nonfinite_score_detections: 2,
        nonpositive_area_annotations: 4,
        unknown_category_annotations: 3,
        unknown_image_annotations: 2,
    };
    assert_eq!(state.evaluation().swallowed, expected);
    let read = State::from_bytes("read", &state.to_bytes()).expect("what was written");
    assert_eq!(read.evaluation().swallowed, expected);
}

#[test]
fn masks_of_other_sizes_are_counted_in_every_image() {
    let annotations = annotations(|file| {
        for annotation in file["annotations"].as_array_mut().expect("a list") {
            annotation["segmentation"] = json!([[0, 0, 10, 0, 10, 10, 0, 10]]);
        }
    });
    let small = |image| {
        let segmentation = Segmentation::Compressed { size: [2, 2], counts: b"04".to_vec() };
        Record { segmentation: Some(segmentation), ..record(image, 1, SPOT, 0.5) }
    };
    let masks = Options { iou: IouType::Segm, ..BOXES };
    let records = [small(-4), small(-4), small(9)];
    assert_eq!(state_of(&annotations, masks, &ALL, &records, "dt").evaluation().swallowed.mask_size_mismatches, 3);
}

/// Bytes of a state without those that name and check it.
fn size(records: &[Record]) -> usize {
    state(&[-4], records, "dt").to_bytes().len()
}

#[test]
fn scores_of_32_bits_take_half_the_bytes_and_no_score_is_changed() {
    let [narrow, wide] = [0.5, 0.1].map(|score| [record(-4, 1, SPOT, score), record(-4, 1, ELSEWHERE, score)]);
    assert_eq!(size(&wide), size(&narrow) + 2 * 4);
    for score in [0.1, 0.5, f64::from(0.3f32), 1e-300] {
        let state = state(&[-4], &[record(-4, 1, SPOT, score), record(-4, 1, ELSEWHERE, 0.5)], "dt");
        let bytes = state.to_bytes();
        assert_eq!(State::from_bytes("read", &bytes).expect("what was written").to_bytes(), bytes, "{score}");
        let read = State::from_bytes("read", &bytes).expect("what was written");
        let original = compare_states(&state, &read, QUICK);
        assert!(original.expect("alike").metrics[0].difference == Some(0.0), "{score}");
    }
    // Two detections whose scores differ by less than 32 bits can tell: the higher one is true.
    let close = [record(-4, 1, ELSEWHERE, 0.1), record(7, 1, SPOT, 0.1 + 1e-12)];
    let kept = state(&ALL, &close, "dt");
    let read = State::from_bytes("read", &kept.to_bytes()).expect("what was written");
    assert_eq!(read.evaluation().results, kept.evaluation().results);
    assert!(read.evaluation().results.ap_rare > Some(0.3), "{:?}", read.evaluation().results);
}

#[test]
fn a_detection_that_counts_nowhere_takes_no_bytes() {
    // Not all of category 1 are annotated in image 7: a detection that matches nothing there does not count. Nor is
    // there anything to keep of a category that is known to be absent and not detected.
    let partial = |file: &mut Value| file["images"][1]["not_exhaustive_category_ids"] = json!([1]);
    let unmatched = [record(7, 1, SPOT, 0.9), record(7, 1, ELSEWHERE, 0.1)];
    let with = |change: fn(&mut Value), records: &[Record]| {
        state_of(&annotations(change), BOXES, &[7], records, "dt").to_bytes().len()
    };
    assert_eq!(with(partial, &unmatched), with(partial, &unmatched[..1]));
    let absent = |file: &mut Value| file["images"][1]["neg_category_ids"] = json!([2]);
    assert_eq!(with(absent, &unmatched[..1]), with(|_| (), &unmatched[..1]));
    assert!(with(absent, &[record(7, 2, SPOT, 0.5)]) > with(absent, &[]));
}

/// The state with its header and what follows changed, under the right checksum.
fn forged(change: impl FnOnce(&mut Value, &mut Vec<u8>)) -> Result<State, StateError> {
    let bytes = state(&ALL, &[record(-4, 1, SPOT, 0.5)], "dt").to_bytes();
    let length = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes")) as usize;
    let mut header: Value = serde_json::from_slice(&bytes[12..12 + length]).expect("the header is JSON");
    let mut rest = bytes[12 + length..bytes.len() - 32].to_vec();
    change(&mut header, &mut rest);
    let header = header.to_string();
    let mut forged = bytes[..8].to_vec();
    forged.extend_from_slice(&(header.len() as u32).to_le_bytes());
    forged.extend_from_slice(header.as_bytes());
    forged.extend_from_slice(&rest);
    let checksum = Sha256::digest(&forged);
    forged.extend_from_slice(&checksum);
    State::from_bytes("forged", &forged)
}

#[test]
fn a_state_that_contradicts_itself_is_refused() {
    assert!(forged(|_, _| ()).is_ok());
    let is_refused = |change: fn(&mut Value, &mut Vec<u8>)| matches!(forged(change), Err(StateError::Corrupt { .. }));
    assert!(is_refused(|header, _| header["categories"].as_array_mut().expect("a list").swap(0, 1)), "order");
    assert!(is_refused(|header, _| header["categories"][1]["id"] = 1.into()), "twice the same category");
    assert!(is_refused(|header, _| header["categories"][1]["frequency"] = "x".into()), "letter");
    assert!(is_refused(|header, _| header["about"]["swallowed"]["unknown_image_annotations"] = (1u64 << 32).into()));
    assert!(is_refused(|_, rest| rest.push(0)), "more bytes");
    // Three ids: -4 as 7, then how much larger each next one is.
    assert!(is_refused(|_, rest| {
        assert_eq!(rest[..4], [3, 7, 11, 2]);
        rest[3] = 0;
    }));
}

/// Appends a number as states write it, seven bits a byte from the lowest.
fn push(bytes: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// The numbers that a state's body begins with, as many as asked for, and the bytes they take.
fn numbers(bytes: &[u8], count: usize) -> (Vec<u64>, usize) {
    let mut at = 0;
    let mut number = || {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = bytes[at];
            at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    };
    ((0..count).map(|_| number()).collect(), at)
}

#[test]
fn a_state_whose_outcomes_contradict_themselves_is_refused() {
    // Four bytes of ids, how many outcomes there are, and of the only one where it matched and where it counts.
    let with = |change: fn(u64, u64) -> (u64, u64)| {
        forged(|_, rest| {
            let (found, bytes) = numbers(&rest[4..], 3);
            assert_eq!((found[0], found[1]), (1, found[2]), "a match wherever it counts");
            let (matched, counts) = change(found[1], found[2]);
            let mut outcome = vec![1];
            push(&mut outcome, matched);
            push(&mut outcome, counts);
            rest.splice(4..4 + bytes, outcome);
        })
    };
    assert!(with(|matched, counts| (matched, counts)).is_ok());
    assert!(with(|_, counts| (0, counts)).is_ok());
    for (why, change) in [
        ("counts nowhere", (|_, _| (0, 0)) as fn(u64, u64) -> (u64, u64)),
        ("matched where it does not count", |matched, counts| (matched, counts & (counts - 1))),
        ("matched at a threshold that there is not", |matched, counts| (matched | 1 << 15, counts)),
        ("counts at a threshold that there is not", |matched, counts| (matched, counts | 1 << 15)),
        ("matched and counts there", |matched, counts| (matched | 1 << 15, counts | 1 << 15)),
    ] {
        assert!(matches!(with(change), Err(StateError::Corrupt { .. })), "{why}");
    }
}

#[test]
fn a_state_of_more_instances_than_can_be_counted_is_refused() {
    // At the end are the instances of image 9 in the four ranges of area. The three others count twice each, in the
    // ranges of all areas and of small ones.
    let with = |instances: [u64; 4]| {
        forged(|_, rest| {
            let end = rest.len();
            assert_eq!(rest[end - 4..], [1, 1, 0, 0], "a small one");
            let mut counted = Vec::new();
            instances.into_iter().for_each(|number| push(&mut counted, number));
            rest.splice(end - 4..end, counted);
        })
    };
    let most = u64::from(u32::MAX) - 6;
    assert!(with([most, 0, 0, 0]).is_ok());
    for instances in [[most, 1, 0, 0], [0, 0, 1 << 31, 1 << 31], [most + 7, 0, 0, 0]] {
        assert!(matches!(with(instances), Err(StateError::Corrupt { .. })), "{instances:?}");
    }
}

#[test]
fn the_most_frequent_outcome_is_written_first() {
    let first_matches = |found: &[Record]| {
        let bytes = state(&ALL, found, "dt").to_bytes();
        let length = u32::from_le_bytes(bytes[8..12].try_into().expect("four bytes")) as usize;
        let (found, _) = numbers(&bytes[12 + length + 4..], 3);
        assert_eq!(found[0], 2, "outcomes");
        found[1] > 0
    };
    let records = |matching: i64| ALL.map(|id| record(id, 1, if id < matching { SPOT } else { ELSEWHERE }, 0.5));
    assert!(!first_matches(&records(0)), "one of three matches");
    assert!(first_matches(&records(8)), "two of three match");
}

#[test]
fn a_category_of_which_nothing_counts_takes_no_bytes() {
    // Absent from image 7 and not all annotated there, both at once: a detection of it does not count.
    let both = |file: &mut Value| {
        file["images"][1]["neg_category_ids"] = json!([2]);
        file["images"][1]["not_exhaustive_category_ids"] = json!([2]);
    };
    let size = |records: &[Record]| state_of(&annotations(both), BOXES, &[7], records, "dt").to_bytes().len();
    let found = record(7, 1, SPOT, 0.5);
    assert_eq!(size(&[found.clone(), record(7, 2, SPOT, 0.5)]), size(&[found]));
}

#[test]
fn ten_missing_images_are_told_and_of_more_the_first_ten() {
    let told = |count: i64| StateError::Missing { images: (1..=count).collect(), total: 99 }.to_string();
    assert!(told(10).contains(": 1, 2, 3, 4, 5, 6, 7, 8, 9, 10; "), "{}", told(10));
    assert!(told(11).contains(": 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, ...; "), "{}", told(11));
}

#[test]
fn refusals_name_the_file() {
    let refusal = |options: Options, change: fn(&mut Value)| {
        Evaluator::new(&annotations(change), options).err().expect("a refusal").to_string()
    };
    let masks = Options { iou: IouType::Segm, ..BOXES };
    for text in [refusal(masks, |_| ()), refusal(BOXES, |file| file["annotations"][0]["area"] = Value::Null)] {
        assert!(text.contains("gt.json") && text.contains("annotation 1"), "{text}");
    }
    let annotations = annotations(|_| ());
    let evaluator = Evaluator::new(&annotations, BOXES).expect("sound");
    let no_box = Record { bbox: None, ..record(7, 1, SPOT, 0.5) };
    let Err(error) = evaluator.image(7, &[no_box]) else { panic!("a box is needed") };
    assert!(matches!(error, EvaluationError::MissingBox { image: 7, .. }), "{error}");
}

/// Interrupted before every piece.
struct Interrupted<'a>(&'a [u8], bool);

impl Read for Interrupted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 = !self.1;
        match self.1 {
            true => Err(std::io::ErrorKind::Interrupted.into()),
            false => self.0.read(buffer),
        }
    }
}

#[test]
fn a_pipe_that_is_interrupted_is_read_on() {
    let annotations = annotations(|_| ());
    let evaluator = Evaluator::new(&annotations, BOXES).expect("sound");
    let text = json!([{"image_id": 7, "category_id": 1, "score": 0.5, "bbox": SPOT}]).to_string();
    let matches = evaluator.pipe("a pipe", Interrupted(text.as_bytes(), false)).expect("all of it");
    let found = evaluator.finish(matches).results;
    assert!(found.ap_rare > Some(0.3), "{found:?}");
}

/// Mean precision at one recall, of `found` true positives in a row out of `instances`.
fn steps(found: usize, instances: usize) -> Vec<f64> {
    (0..=100).map(|recall| f64::from(u8::from(recall * instances <= found * 100))).collect()
}

#[test]
fn curves_are_means_over_categories_and_thresholds() {
    // IoU 0.6 with the square: true at the thresholds 0.50, 0.55 and 0.60.
    let near = [0.0, 0.0, 10.0, 6.0];
    let records = [record(-4, 1, SPOT, 0.9), record(9, 2, near, 0.6)];
    let told = state(&ALL, &records, "dt").evaluation().curves;
    let is_near = |found: &[f64], expected: &[f64]| {
        found.len() == 101 && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12)
    };
    let mean = |share: f64| -> Vec<f64> {
        steps(1, 3).into_iter().zip(steps(1, 1)).map(|(rare, frequent)| (rare + share * frequent) / 2.0).collect()
    };
    assert!(is_near(&told.iou50, &mean(1.0)), "{:?}", told.iou50);
    assert!(is_near(&told.iou75, &mean(0.0)), "{:?}", told.iou75);
    assert!(is_near(&told.mean, &mean(0.3)), "{:?}", told.mean);
    assert!(is_near(&told.rare, &steps(1, 3)), "{:?}", told.rare);
    assert!(is_near(&told.frequent, &vec![0.3; 101]), "{:?}", told.frequent);
    assert!(told.common.is_empty());
}

#[test]
fn refusals_of_detections_name_the_results_file() {
    let annotations = annotations(|_| ());
    let evaluator = Evaluator::new(&annotations, BOXES).expect("sound");
    let text = json!([
        {"image_id": 7, "category_id": 1, "score": 0.5, "bbox": SPOT},
        {"image_id": 9, "category_id": 1, "score": 0.5},
    ]);
    let Err(error) = evaluator.pipe("dt.json", text.to_string().as_bytes()) else { panic!("a box is needed") };
    assert!(error.to_string().contains("dt.json") && error.to_string().contains("image 9"), "{error}");
}

#[test]
fn a_mask_without_a_box_has_the_area_of_the_box_around_it() {
    // 40 x 40 pixels: of medium size as a product, and small as a sum.
    let square = |x: f64| vec![x, 0.0, x + 40.0, 0.0, x + 40.0, 40.0, x, 40.0];
    let annotations = annotations(|file| {
        file["annotations"] = json!([{"id": 1, "image_id": 7, "category_id": 1, "area": 1600, "bbox": [0, 0, 40, 40], "segmentation": [square(0.0)]}]);
    });
    let detected = |x: f64, score: f64| {
        let mask = Rle::from_polygons(99, 99, &[square(x)]).expect("a mask");
        let segmentation = Segmentation::Compressed { size: [99, 99], counts: mask.to_string().into_bytes() };
        Record { bbox: None, segmentation: Some(segmentation), ..record(7, 1, SPOT, score) }
    };
    let options = Options { iou: IouType::Segm, area: AreaRule::Box, ..BOXES };
    let found = state_of(&annotations, options, &ALL, &[detected(50.0, 0.9), detected(0.0, 0.5)], "dt").evaluation();
    assert!(found.results.ap_medium.is_some_and(|ap| (ap - 0.5).abs() < 1e-12), "{:?}", found.results);
    assert_eq!(found.swallowed, Swallowed::default());
}
