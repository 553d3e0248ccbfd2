//! Intervals and comparisons, against data sets in which images stand as often as they are drawn.

use proptest::prelude::*;
use zoobench::dataset::{Annotations, Record};
use zoobench::evaluation::{compare_states, Evaluator, IouType, Metrics, Options, Resampling, State, StateError};

use super::sets::{sets, Set};

const OPTIONS: Options = Options {
    iou: IouType::Bbox,
    area: zoobench::evaluation::AreaRule::Box,
    protocol: zoobench::evaluation::Protocol::Lvis,
    max_detections: 300,
    max_category_detections: 10_000,
};

fn state(annotations: &Annotations, records: &[Record]) -> State {
    let evaluator = Evaluator::new(annotations, OPTIONS).expect("sound annotations");
    let images = annotations.images_by_id().into_keys();
    let matches = images.map(|id| {
        let records: Vec<Record> = records.iter().filter(|record| record.image_id == id).cloned().collect();
        evaluator.image(id, &records).expect("sound records")
    });
    evaluator.state(matches.collect(), "detections").expect("each image once")
}

/// The set with image `id` as often as `copies` says, under the ids `10 id`, `10 id + 1` ...: a copy
/// stands behind its original and before the next image.
fn duplicated(set: &Set, copies: impl Fn(i64) -> i64) -> (Annotations, Vec<Record>) {
    let of = |id: i64| (0..copies(id)).map(move |copy| 10 * id + copy);
    let mut annotations = set.annotations.clone();
    annotations.images = set
        .annotations
        .images
        .iter()
        .flat_map(|image| {
            of(image.id).map(|id| {
                let mut copy = image.clone();
                copy.id = id;
                copy
            })
        })
        .collect();
    let mut next = 1;
    annotations.annotations = Vec::new();
    for annotation in &set.annotations.annotations {
        for image in of(annotation.image_id) {
            let mut copy = annotation.clone();
            copy.image_id = image;
            // Only an id of 0 means something; the others must stay apart.
            copy.id = if annotation.id == 0 { 0 } else { next };
            next += 1;
            annotations.annotations.push(copy);
        }
    }
    let records =
        set.records.iter().flat_map(|record| of(record.image_id).map(|image_id| Record { image_id, ..record.clone() }));
    (annotations, records.collect())
}

/// Without repeated ids: lvis-api lets the last annotation of an id stand for all, which copies cannot.
fn unique_ids(mut set: Set) -> Set {
    (1i64..).zip(&mut set.annotations.annotations).for_each(|(id, annotation)| annotation.id = id);
    set
}

fn bits(metrics: &Metrics) -> [Option<u64>; 13] {
    metrics.values().map(|value| value.map(f64::to_bits))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(400), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn weights_are_copies_of_images(set in sets(), weights in proptest::array::uniform3(0..4u32)) {
        let set = unique_ids(set);
        let ascending: Vec<i64> = set.annotations.images_by_id().into_keys().collect();
        let copies = |id: i64| ascending.iter().position(|&other| other == id).map_or(1, |place| weights[place]);
        let (annotations, records) = duplicated(&set, |id| i64::from(copies(id)));
        let expected = state(&annotations, &records).evaluation().results;
        let found = state(&set.annotations, &set.records).weighted(&weights);
        prop_assert_eq!(bits(&found), bits(&expected));
    }

    #[test]
    fn weights_of_one_are_the_evaluation(set in sets()) {
        let state = state(&set.annotations, &set.records);
        prop_assert_eq!(bits(&state.weighted(&[1, 1, 1])), bits(&state.evaluation().results));
    }
}

/// Images that each hold one instance of the only category; a detection lies on those where `found` says so.
fn hits(found: &[bool]) -> State {
    let images: Vec<String> = (1..=found.len())
        .map(|id| {
            format!(
                r#"{{"id": {id}, "height": 8, "width": 8, "neg_category_ids": [], "not_exhaustive_category_ids": []}}"#
            )
        })
        .collect();
    let instances: Vec<String> = (1..=found.len())
        .map(|id| format!(r#"{{"id": {id}, "image_id": {id}, "category_id": 1, "area": 16, "bbox": [0, 0, 4, 4]}}"#))
        .collect();
    let text = format!(
        r#"{{"images": [{}], "categories": [{{"id": 1, "name": "a", "frequency": "r"}}], "annotations": [{}]}}"#,
        images.join(", "),
        instances.join(", ")
    );
    let annotations = Annotations::from_bytes("gt.json", text.as_bytes()).expect("sound");
    let detected = (1i64..).zip(found).filter(|(_, &found)| found);
    let bbox = Some([0.0, 0.0, 4.0, 4.0]);
    let records =
        detected.map(|(image_id, _)| Record { image_id, category_id: 1, score: 0.5, bbox, segmentation: None });
    state(&annotations, &records.collect::<Vec<_>>())
}

/// Fair coins.
fn coins(seed: u64, count: u64) -> Vec<bool> {
    let coin = |index: u64| (seed << 32 | index).wrapping_add(1).wrapping_mul(0xd134_2543_de82_ef95);
    (0..count).map(|index| (coin(index) ^ coin(index) >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == 1).collect()
}

#[test]
fn intervals_cover_the_truth_about_as_often_as_they_say() {
    let resampling = |seed| Resampling { resamples: 200, seed };
    let covers = |seed: u64| {
        let intervals = hits(&coins(seed, 60)).intervals(resampling(seed));
        let recall = intervals.metrics.iter().find(|metric| metric.metric == "AR@300").expect("a row a metric");
        let (low, high) = (recall.low.expect("an interval"), recall.high.expect("an interval"));
        assert!(low < high && high - low < 0.35, "{low} to {high}");
        (low..=high).contains(&0.5)
    };
    let covered = (0..200).filter(|&seed| covers(seed)).count();
    assert!((178..=198).contains(&covered), "{covered} of 200 intervals hold the truth");
}

#[test]
fn an_interval_says_what_it_rests_on() {
    let intervals = hits(&coins(1, 40)).intervals(Resampling::default());
    assert_eq!(intervals.metrics.iter().map(|metric| metric.metric.as_str()).collect::<Vec<_>>(), Metrics::NAMES);
    let row = |name: &str| intervals.metrics.iter().find(|metric| metric.metric == name).expect("a row a metric");
    assert_eq!((row("AP").categories, row("AP").instances, row("AP").categories_with_one_instance), (1, 40, 0));
    assert_eq!((row("APf").low, row("APf").high, row("APf").resamples, row("APf").categories), (None, None, 0, 0));
    // One instance in two images: the category drops out where its image is not drawn.
    let text = r#"{"images": [
        {"id": 1, "height": 8, "width": 8, "neg_category_ids": [], "not_exhaustive_category_ids": []},
        {"id": 2, "height": 8, "width": 8, "neg_category_ids": [], "not_exhaustive_category_ids": []}],
        "categories": [{"id": 1, "name": "a", "frequency": "r"}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "area": 16, "bbox": [0, 0, 4, 4]}]}"#;
    let annotations = Annotations::from_bytes("gt.json", text.as_bytes()).expect("sound");
    let lonely = &state(&annotations, &[]).intervals(Resampling::default()).metrics[0];
    assert_eq!((lonely.categories_with_one_instance, lonely.low, lonely.high), (1, Some(0.0), Some(0.0)));
    assert!((700..800).contains(&lonely.resamples), "{lonely:?}");
    assert!((lonely.categories_in_resamples - f64::from(lonely.resamples) / 1000.0).abs() < 1e-12);
}

#[test]
fn one_image_has_no_interval() {
    let lone = hits(&[true]);
    let interval = &lone.intervals(Resampling::default()).metrics[0];
    assert_eq!((interval.low, interval.high), (None, None));
    let difference = &compare_states(&lone, &lone, Resampling::default()).expect("alike").metrics[0];
    assert_eq!((difference.low, difference.p_value), (None, None));
    assert_eq!(difference.difference, Some(0.0));
}

#[test]
fn threads_do_not_show_and_seeds_do() {
    let (a, b) = (hits(&coins(1, 50)), hits(&coins(2, 50)));
    let text = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        let resampling = Resampling { resamples: 100, seed };
        let compared = |a, b| compare_states(a, b, resampling).expect("alike").to_json();
        pool.install(|| compared(&a, &b) + &serde_json::to_string(&a.intervals(resampling)).expect("numbers"))
    };
    let one = text(1, 5);
    for threads in [2, 3, 7, 16] {
        assert_eq!(text(threads, 5), one, "{threads} threads");
    }
    assert_ne!(text(1, 6), one);
}

#[test]
fn equal_states_do_not_differ() {
    let a = hits(&coins(1, 50));
    let comparison = compare_states(&a, &a, Resampling::default()).expect("alike");
    assert!(comparison.metrics.iter().all(|metric| metric.p_value.is_none_or(|p| p == 1.0)));
    assert!(comparison.per_image.is_empty());
    assert_eq!(comparison.per_category[0].difference, 0.0);
}

#[test]
fn a_gain_in_many_images_is_told_from_chance_and_one_in_a_single_image_is_not() {
    let base: Vec<bool> = coins(1, 60);
    let better = |count: usize| {
        let mut found = base.clone();
        found.iter_mut().filter(|found| !**found).take(count).for_each(|found| *found = true);
        found
    };
    let resampling = Resampling { resamples: 999, seed: 3 };
    let compare = |found: &[bool]| compare_states(&hits(&base), &hits(found), resampling).expect("alike");
    let (many, one) = (compare(&better(15)), compare(&better(1)));
    let (recall, chance) = (&many.metrics[9], &one.metrics[9]);
    assert_eq!((recall.metric.as_str(), recall.p_value), ("AR@300", Some(0.002)));
    assert!(recall.low.expect("an interval") > 0.0 && recall.difference.expect("a difference") == 0.25);
    assert!(chance.p_value.expect("a p-value") > 0.05 && chance.low == Some(0.0), "{chance:?}");
    assert_eq!((many.per_image.len(), one.per_image.len()), (15, 1));
    assert!(many.per_image.iter().all(|image| image.gained() == 1 && image.num_gt == 1));
    assert!(many.per_category[0].difference > 0.0);
    // The other way round it is the same as a loss.
    let lost = compare_states(&hits(&better(15)), &hits(&base), resampling).expect("alike");
    assert_eq!(lost.metrics[9].difference, Some(-0.25));
    assert_eq!(lost.metrics[9].p_value, recall.p_value);
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let set = hits(&[true, false, true]);
    let more = hits(&[true, false, true, true]);
    let refused = compare_states(&set, &more, Resampling::default()).expect_err("other annotations");
    assert!(matches!(refused, StateError::Foreign { what: "annotation files", .. }), "{refused}");
}
