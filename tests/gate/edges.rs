//! Values on an edge, hints, and what is read and written beside the verdict.

use std::fs;

use tempfile::TempDir;
use zoobench::evaluation::AreaRule;
use zoobench::gate::{accept, terminal, Baseline, GateError, LatencyBaseline, Tolerance, Verdict};

use crate::synthetic::{zoo_run, Synthetic};
use crate::{baseline, judged, metric, stored, CATEGORIES};

/// The hints on the run with this change.
fn hints(change: impl FnOnce(&mut Synthetic)) -> Vec<&'static str> {
    judged(change).hints()
}

#[test]
fn hints_tell_what_fell_from_what_holds() {
    let masks = hints(|run| run.metrics[0].results.segm.ap = Some(0.2));
    assert!(masks.len() == 1 && masks[0].starts_with("masks fell while boxes hold"), "{masks:?}");
    let boxes = hints(|run| run.metrics[0].results.bbox.ap = Some(0.2));
    assert!(boxes.len() == 1 && boxes[0].starts_with("boxes fell while masks hold"), "{boxes:?}");
    let category = hints(|run| run.metrics[0].per_category[3].ap = Some(0.0));
    assert!(category.len() == 1 && category[0].starts_with("single categories fell"), "{category:?}");
    let count = hints(|run| run.metrics[0].detections += 100_000);
    assert!(count.len() == 1 && count[0].starts_with("accuracy holds while counts moved"), "{count:?}");
    let operations = hints(|run| *run.metrics[0].macs.get_mut("backbone").expect("a part") += 1);
    assert!(operations.iter().any(|hint| hint.starts_with("operations moved")), "{operations:?}");
    assert!(!operations.iter().any(|hint| hint.contains("another network")), "{operations:?}");
    let parameters = hints(|run| *run.metrics[0].parameters.get_mut("text").expect("a part") += 1);
    assert!(!parameters.iter().any(|hint| hint.starts_with("operations moved")), "{parameters:?}");
}

#[test]
fn a_floor_is_the_last_value_that_passes_and_small_ap_has_none() {
    let mut run = zoo_run(CATEGORIES);
    run.metrics[0].per_category[0].ap = Some(0.02);
    let mut baseline = Baseline::of_run(&stored(&run)).expect("three rows are done");
    let categories = &mut baseline.variants.get_mut("seg-m-all").expect("a variant").categories;
    assert_eq!(categories["category_1_(made_up)"].floor, None, "0.02 less 0.02 is no floor");
    let target = categories.get_mut("category_4_(made_up)").expect("a category");
    target.floor = Some(target.ap);
    assert_eq!(zoobench::gate::judge(&baseline, &stored(&run)).verdict(), Verdict::Pass);
}

#[test]
fn an_unnamed_variant_is_told_and_not_judged() {
    let mut baseline = baseline();
    baseline.variants.remove("seg-m-head");
    let judgement = zoobench::gate::judge(&baseline, &stored(&zoo_run(CATEGORIES)));
    assert_eq!((judgement.unchecked.as_slice(), judgement.verdict()), (&["seg-m-head".to_string()][..], Verdict::Pass));
}

#[test]
fn detections_have_a_tolerance_of_their_own_and_no_mean_of_no_images() {
    let detections = metric("detections_per_image");
    let tolerance = detections.default_tolerance(Tolerance::default());
    assert_eq!(tolerance, Tolerance { max_drop: 1.0, max_rise: 1.0 });
    let mut run = zoo_run(CATEGORIES);
    run.metrics[0].images = 0;
    assert_eq!(detections.value(&run.metrics[0]), None);
}

#[test]
fn means_have_three_digits_and_no_negative_zero() {
    let judgement = judged(|run| {
        run.metrics[0].detections -= 1;
        run.metrics[0].results.segm.ap = run.metrics[0].results.segm.ap.map(|ap| ap - 1e-9);
    });
    let text = terminal(&judgement, false, 120);
    let row = |name: &str| {
        let line = text.lines().find(|line| line.contains("seg-m-all") && line.contains(name)).expect("a row");
        line.split_whitespace().skip(2).take(3).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("detections_per_image"), "300 300.000 0.000");
    assert_eq!(row("segm/AP "), "25.920 25.920 0.000");
}

#[test]
fn accepting_takes_annotations_and_protocol_and_says_so() {
    let mut run = zoo_run(CATEGORIES);
    let other = "0".repeat(64);
    run.record.dataset.annotations_sha256.clone_from(&other);
    run.record.protocol.area = AreaRule::Mask;
    for metrics in &mut run.metrics {
        metrics.annotations_sha256.clone_from(&other);
        metrics.protocol.area = AreaRule::Mask;
    }
    let accepted = accept(&baseline(), &stored(&run)).expect("another model may be meant");
    assert_eq!((&accepted.baseline.annotations_sha256, accepted.baseline.protocol.area), (&other, AreaRule::Mask));
    assert_eq!(accepted.changes.len(), 2, "{:?}", accepted.changes);
    assert!(accepted.changes[0].starts_with("annotations_sha256: ") && accepted.changes[0].ends_with(&other));
    assert!(accepted.changes[1].starts_with("protocol.area: "), "{:?}", accepted.changes);
}

#[test]
fn a_baseline_is_read_from_its_file_up_to_a_size() {
    let folder = TempDir::new().expect("a temporary folder");
    let path = folder.path().join("b.toml");
    fs::write(&path, baseline().to_toml()).expect("the folder is ours");
    assert_eq!(Baseline::read(&path).expect("its own form"), baseline());
    let file = fs::OpenOptions::new().write(true).open(&path).expect("it was written");
    for (bytes, too_large) in [(16 << 20, false), ((16 << 20) + 1, true)] {
        file.set_len(bytes).expect("a sparse file");
        let error = Baseline::read(&path).expect_err("no TOML");
        assert_eq!(matches!(error, GateError::TooLarge { .. }), too_large, "{error}");
    }
}

#[test]
fn errors_name_the_line() {
    for (text, expected) in [("= 1", 1), ("a = 1\n\n= 1\n", 3)] {
        match Baseline::parse(text, "b.toml") {
            Err(GateError::Syntax { line, .. }) => assert_eq!(line, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn floors_alone_are_a_baseline_and_latencies_are_kept_and_checked() {
    let mut baseline = baseline();
    baseline.variants.values_mut().for_each(|variant| variant.metrics.clear());
    let p50_ms = [("seg-m-all segment".to_string(), 100.0)].into();
    baseline.latency = Some(LatencyBaseline { fingerprint: "5e".repeat(32), max_rise: 0.1, p50_ms });
    assert_eq!(Baseline::parse(&baseline.to_toml(), "b.toml").expect("its own form"), baseline);
    let document: serde_json::Value = serde_json::from_str(&baseline.to_json()).expect("JSON");
    assert_eq!(document["latency"]["p50_ms"]["seg-m-all segment"], 100.0);
    let refused = |from: &str, to: &str| Baseline::parse(&baseline.to_toml().replace(from, to), "b.toml").is_err();
    assert!(refused("max_rise = 0.1\n", "max_rise = 11.0\n") && refused(&"5e".repeat(32), "5e"));
}
