//! Lists of images, latencies and paired judgement: each rule with a run that passes, one that fails and
//! one that it cannot judge.

use std::fs;
use std::path::Path;

use serde_json::{json, Value};
use tempfile::TempDir;
use zoobench::dataset::{Annotations, Record};
use zoobench::evaluation::{Evaluator, IouType, Options, State};
use zoobench::gate::{
    judge_latency, judge_paired, Baseline, GateError, Invalid, JudgedBy, Judgement, LatencyBaseline, LatencyFile,
    Outcome, Verdict,
};
use zoobench::report::ImageList;

use crate::synthetic::{zoo_run, Synthetic};
use crate::{baseline, judged, stored, CATEGORIES};

/// Images of the paired data set, each with one object.
const IMAGES: i64 = 60;

fn listed(run: &mut Synthetic, sha256: &str) {
    let dataset = &mut run.record.dataset;
    dataset.images = 40;
    dataset.subset = Some("images.txt".to_owned());
    dataset.image_list = Some(ImageList { sha256: sha256.repeat(32), count: 40 });
    run.record.comparable = false;
    run.metrics.iter_mut().for_each(|metrics| {
        metrics.images = 40;
        metrics.comparable = false;
    });
}

fn listed_run(sha256: &str) -> Synthetic {
    let mut run = zoo_run(CATEGORIES);
    listed(&mut run, sha256);
    run
}

#[test]
fn a_list_of_images_is_gated_by_its_own_baseline_alone() {
    let of_list = Baseline::of_run(&stored(&listed_run("0a"))).expect("three rows are done");
    let judge = |run: &Synthetic| zoobench::gate::judge(&of_list, &stored(run));
    assert_eq!(judge(&listed_run("0a")).verdict(), Verdict::Pass);
    let mut lowered = listed_run("0a");
    lowered.metrics[0].results.segm.ap = Some(0.2);
    assert_eq!(judge(&lowered).verdict(), Verdict::Fail);
    let other = judge(&listed_run("0b"));
    assert_eq!(other.verdict(), Verdict::Invalid);
    assert!(other.invalid.iter().any(|reason| matches!(reason, Invalid::OtherImageList { .. })));
    assert_eq!(judge(&zoo_run(CATEGORIES)).verdict(), Verdict::Invalid);
    assert_eq!(judged(|run| listed(run, "0a")).verdict(), Verdict::Invalid);
    let read = Baseline::parse(&of_list.to_toml(), "b.toml").expect("its own form");
    assert_eq!(read.image_list, of_list.image_list);
}

/// A measurement of one row of one variant.
fn measurement(p50_ms: f64) -> Value {
    let weights = zoo_run(CATEGORIES).metrics[0].weights_sha256.clone();
    json!({
        "schema_version": 1, "verdict": "VALID", "reasons": [], "machine": {"fingerprint": "5e".repeat(32)},
        "measurements": [{
            "variant": "seg-m-all", "device": "cpu", "engine": "fast", "dtype": "f32", "scenario": "single",
            "batch": 1, "latency": "segment", "score_threshold": 0.001, "p50_ms": p50_ms, "weights_sha256": weights,
        }],
    })
}

fn latency_file(measurement: &Value) -> Result<LatencyFile, GateError> {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("latency.json");
    fs::write(&path, measurement.to_string()).expect("the folder is ours");
    LatencyFile::read(&path)
}

/// The judgement of a measurement by a baseline of 100 ms that may rise by a tenth.
fn judged_latency(measurement: Option<&Value>) -> Judgement {
    let mut baseline = baseline();
    let file = latency_file(&self::measurement(100.0)).expect("a measurement");
    baseline.latency = Some(LatencyBaseline::of_file(&file, 0.1));
    let mut judgement = zoobench::gate::judge(&baseline, &stored(&zoo_run(CATEGORIES)));
    let file = measurement.map(|measurement| latency_file(measurement).expect("a measurement"));
    judge_latency(&mut judgement, &baseline, file.as_ref());
    judgement
}

#[test]
fn a_latency_passes_up_to_its_rise_and_fails_above() {
    for (p50_ms, verdict) in [(50.0, Verdict::Pass), (100.0 * 1.1, Verdict::Pass), (110.1, Verdict::Fail)] {
        assert_eq!(judged_latency(Some(&measurement(p50_ms))).verdict(), verdict, "{p50_ms}");
    }
    let slower = judged_latency(Some(&measurement(200.0)));
    assert_eq!(slower.slower().map(|check| check.outcome).collect::<Vec<_>>(), [Outcome::Rose]);
    let lines = zoobench::gate::annotations(&slower);
    assert!(lines[0].contains("and 1 of 1 latencies do not hold"), "{}", lines[0]);
    assert!(lines[1].contains("200.000 ms, baseline 100.000 ms (allowed +10 %25)"), "{}", lines[1]);
}

#[test]
fn a_latency_of_another_machine_is_never_judged() {
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 5] = [
        (|file| file["machine"]["fingerprint"] = "6f".repeat(32).into(), "one machine only"),
        (|file| (file["verdict"], file["reasons"]) = ("INVALID".into(), json!(["noise"])), "noise"),
        (|file| file["measurements"][0]["weights_sha256"] = "00".repeat(32).into(), "weights"),
        (|file| file["measurements"][0]["engine"] = "candle".into(), "latency"),
        (|file| file["measurements"][0]["p50_ms"] = 0.into(), "latency"),
    ];
    for (change, word) in changes {
        let mut file = measurement(100.0);
        change(&mut file);
        let judgement = judged_latency(Some(&file));
        assert_eq!(judgement.verdict(), Verdict::Invalid, "{word}");
        let reasons: Vec<String> = judgement.invalid.iter().map(ToString::to_string).collect();
        assert!(reasons.iter().any(|reason| reason.contains(word)), "{word}: {reasons:?}");
    }
    let missing = judged_latency(None);
    assert!(matches!(missing.invalid[..], [Invalid::NoLatency]), "{:?}", missing.invalid);
}

#[test]
fn a_file_that_is_no_measurement_is_bad_input() {
    let mut newer = measurement(100.0);
    newer["schema_version"] = 2.into();
    assert!(latency_file(&newer).expect_err("refused").to_string().contains("schema_version is 2"));
    assert!(latency_file(&json!([])).is_err());
    assert!(LatencyFile::read(Path::new("absent.json")).is_err());
}

fn annotations() -> Annotations {
    let image = |id: i64| json!({"id": id, "height": 40, "width": 40, "neg_category_ids": [], "not_exhaustive_category_ids": []});
    let square = json!([[0, 0, 20, 0, 20, 20, 0, 20]]);
    let object = |id: i64| json!({"id": id, "image_id": id, "category_id": 1, "area": 400, "bbox": [0, 0, 20, 20], "segmentation": square});
    let file = json!({
        "images": (1..=IMAGES).map(image).collect::<Vec<_>>(),
        "annotations": (1..=IMAGES).map(object).collect::<Vec<_>>(),
        "categories": [{"id": 1, "name": "square", "frequency": "f"}],
    });
    Annotations::from_bytes("gt.json", file.to_string().as_bytes()).expect("sound")
}

/// What is wrong with the detections of a variant.
#[derive(Clone, Copy)]
struct Faults {
    /// The first so many images have none.
    missed: i64,
    /// Those of the next so many have an IoU of 0.6 with their object.
    poor: i64,
}

const NO_FAULTS: Faults = Faults { missed: 0, poor: 0 };

/// The state of detections that find every object but for their faults.
fn state(annotations: &Annotations, iou: IouType, Faults { missed, poor }: Faults) -> State {
    let evaluator = Evaluator::new(annotations, Options { iou, ..Options::default() }).expect("sound");
    let found = |image_id: i64| Record {
        image_id,
        category_id: 1,
        score: 0.9,
        bbox: Some([0.0, 0.0, 20.0, if image_id <= missed + poor { 12.0 } else { 20.0 }]),
        segmentation: None,
    };
    let matches = (missed + 1..=IMAGES).map(|id| evaluator.image(id, &[found(id)]).expect("sound"));
    evaluator.state(matches.collect(), "made up").expect("sound")
}

/// A run whose three variants have these faults, and its states in `folder`.
fn run_with(faults: [Faults; 3], folder: &Path) -> Synthetic {
    let (annotations, mut run) = (annotations(), zoo_run(CATEGORIES));
    for (metrics, faults) in run.metrics.iter_mut().zip(faults) {
        let place = folder.join(&metrics.variant);
        fs::create_dir_all(&place).expect("the folder is ours");
        for (iou, name) in [(IouType::Segm, "segm"), (IouType::Bbox, "bbox")] {
            let state = state(&annotations, iou, faults);
            let results = state.evaluation().results;
            match iou {
                IouType::Segm => metrics.results.segm = results,
                _ => metrics.results.bbox = results,
            }
            fs::write(place.join(format!("{name}.zbstate")), state.to_bytes()).expect("the folder is ours");
        }
    }
    run
}

/// The judgement of a run with these faults by one that has none, with and without pairing.
fn paired(faults: [Faults; 3], spoil: impl FnOnce(&Path, &Path)) -> [Judgement; 2] {
    let (before, after) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let mut baseline =
        Baseline::of_run(&stored(&run_with([NO_FAULTS; 3], before.path()))).expect("three rows are done");
    // The categories of the made-up run are not those of the states.
    baseline.variants.values_mut().for_each(|variant| variant.categories.clear());
    let run = stored(&run_with(faults, after.path()));
    let alone = zoobench::gate::judge(&baseline, &run);
    let mut judgement = zoobench::gate::judge(&baseline, &run);
    spoil(before.path(), after.path());
    judge_paired(&mut judgement, &baseline, before.path(), after.path());
    [alone, judgement]
}

/// The faults of a run of which every variant misses so many objects.
fn missing(missed: i64) -> [Faults; 3] {
    [Faults { missed, poor: 0 }; 3]
}

#[test]
fn a_drop_fails_where_it_is_large_and_significant() {
    let [alone, pair] = paired(missing(1), |_, _| ());
    assert_eq!((alone.verdict(), pair.verdict()), (Verdict::Fail, Verdict::Pass), "{:?}", pair.invalid);
    assert_eq!(pair.judged_by, JudgedBy::PairedBootstrap);
    assert!(pair.checks.iter().any(|check| check.outcome == Outcome::NotSignificant));
    let [alone, pair] = paired(missing(12), |_, _| ());
    assert_eq!((alone.verdict(), pair.verdict()), (Verdict::Fail, Verdict::Fail));
    let [alone, pair] = paired(missing(0), |_, _| ());
    assert_eq!((alone.verdict(), pair.verdict()), (Verdict::Pass, Verdict::Pass));
}

#[test]
fn each_variant_and_metric_is_judged_by_its_own_pair() {
    // One missed object is no significant drop; twelve found poorly are one, but not at an IoU of 0.5.
    let faults = [Faults { missed: 1, poor: 0 }, Faults { missed: 1, poor: 12 }, NO_FAULTS];
    let [alone, pair] = paired(faults, |_, _| ());
    assert!(pair.invalid.is_empty(), "{:?}", pair.invalid);
    let outcome = |judgement: &Judgement, variant: &str, metric: &str| {
        let mut checks = judgement.checks.iter().filter(|check| check.variant == variant);
        checks.find(|check| check.metric.to_string() == metric).expect("a check").outcome
    };
    for kind in ["segm", "bbox"] {
        for (variant, metric, paired) in [
            ("seg-m-all", "AP", Outcome::NotSignificant),
            ("seg-m-all", "AP50", Outcome::NotSignificant),
            ("seg-m-all", "AP75", Outcome::NotSignificant),
            ("seg-l-all", "AP", Outcome::Dropped),
            ("seg-l-all", "AP50", Outcome::NotSignificant),
            ("seg-l-all", "AP75", Outcome::Dropped),
            ("seg-l-all", "AR@300", Outcome::Dropped),
        ] {
            let metric = format!("{kind}/{metric}");
            assert_eq!(outcome(&alone, variant, &metric), Outcome::Dropped, "{variant} {metric}");
            assert_eq!(outcome(&pair, variant, &metric), paired, "{variant} {metric}");
        }
    }
    let unchanged = |judgement: &Judgement| {
        let of_head = judgement.checks.iter().filter(|check| check.variant == "seg-m-head");
        of_head.map(|check| check.outcome).collect::<Vec<_>>()
    };
    assert!(unchanged(&pair).iter().all(|&outcome| outcome == Outcome::Within));
    assert_eq!(pair.verdict(), Verdict::Fail);
}

#[test]
fn states_that_are_missing_or_of_another_run_are_invalid() {
    type Spoil = fn(&Path, &Path);
    let spoils: [Spoil; 4] = [
        |before, _| fs::remove_file(before.join("seg-m-all/segm.zbstate")).expect("it is there"),
        |_, after| fs::write(after.join("seg-m-all/bbox.zbstate"), "cut").expect("the folder is ours"),
        |before, after| {
            let name = "seg-m-all/segm.zbstate";
            fs::copy(before.join(name), after.join(name)).map(drop).expect("both are ours");
        },
        |before, after| {
            for folder in [before, after] {
                let [boxes, masks] = ["bbox", "segm"].map(|kind| folder.join(format!("seg-m-all/{kind}.zbstate")));
                fs::copy(boxes, masks).map(drop).expect("both are ours");
            }
        },
    ];
    for (index, spoil) in spoils.into_iter().enumerate() {
        let [_, pair] = paired(missing(12), spoil);
        assert_eq!(pair.verdict(), Verdict::Invalid, "{index}");
        assert!(pair.invalid.iter().any(|reason| matches!(reason, Invalid::NoPair { .. })), "{:?}", pair.invalid);
    }
}
