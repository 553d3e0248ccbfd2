//! The gate: each rule with a run that fails it and one that it cannot judge.

mod common;
#[path = "gate/edges.rs"]
mod edges;
#[path = "gate/program.rs"]
mod program;
#[path = "gate/rules.rs"]
mod rules;
#[path = "common/schema.rs"]
mod schema;
#[path = "common/snapshot.rs"]
mod snapshot;
#[path = "common/synthetic.rs"]
mod synthetic;

use snapshot::assert_snapshot;
use synthetic::{limited_run, zoo_run, Synthetic};
use tempfile::TempDir;
use zoobench::evaluation::AreaRule;
use zoobench::gate::{
    accept, annotations, json, judge, junit, summary, terminal, Baseline, GateError, Invalid, Judgement, Metric,
    Outcome, Verdict, GATE_JSON_SCHEMA, MAX_ANNOTATIONS, MAX_SUMMARY_BYTES,
};
use zoobench::report::{Protocol, RowStatus, StoredRun};

const CATEGORIES: u64 = 6;

fn stored(run: &Synthetic) -> StoredRun {
    let folder = TempDir::new().expect("a temporary folder");
    run.store(folder.path());
    StoredRun::read(folder.path()).expect("a valid run")
}

fn baseline() -> Baseline {
    Baseline::of_run(&stored(&zoo_run(CATEGORIES))).expect("three rows are done")
}

/// The judgement of the run with this change, by the baseline of the unchanged one.
fn judged(change: impl FnOnce(&mut Synthetic)) -> Judgement {
    let mut run = zoo_run(CATEGORIES);
    change(&mut run);
    judge(&baseline(), &stored(&run))
}

/// The one reason for which the changed run is invalid.
fn reason(change: impl FnOnce(&mut Synthetic)) -> Invalid {
    let mut judgement = judged(change);
    assert_eq!(judgement.verdict(), Verdict::Invalid);
    assert_eq!(judgement.invalid.len(), 1, "{:?}", judgement.invalid);
    judgement.invalid.remove(0)
}

fn metric(name: &str) -> Metric {
    Metric::by_name(name).expect("a metric of that name")
}

#[test]
fn an_unchanged_run_passes() {
    let judgement = judged(|_| ());
    assert_eq!(judgement.verdict(), Verdict::Pass);
    assert_eq!(judgement.checks.len(), 3 * (34 - 4) + 1, "APl and ARl are not there, one row has a reference");
    assert_eq!(judgement.categories.len(), 3 * CATEGORIES as usize);
    assert!(judgement.hints().is_empty() && judgement.lost_most(10).is_empty());
}

#[test]
fn every_metric_fails_when_it_drops() {
    let before = baseline();
    for (&metric, target) in &before.variants["seg-m-all"].metrics {
        let mut raised = before.clone();
        let expected = raised.variants.get_mut("seg-m-all").expect("a variant");
        let step = if metric.is_accuracy() { 0.00051 } else { 1.5 };
        expected.metrics.get_mut(&metric).expect("a metric").target = target.target + step;
        let judgement = judge(&raised, &stored(&zoo_run(CATEGORIES)));
        assert_eq!(judgement.verdict(), Verdict::Fail, "{metric}");
        let failed: Vec<_> = judgement.failed().map(|check| (check.metric, check.outcome)).collect();
        assert_eq!(failed, [(metric, Outcome::Dropped)]);
    }
}

#[test]
fn the_tolerance_is_the_last_value_that_passes() {
    let verdict_at = |ap: f64| {
        let mut baseline = baseline();
        let expected = baseline.variants.get_mut("seg-m-all").expect("a variant");
        expected.metrics.get_mut(&metric("segm/AP")).expect("AP").target = 0.2592;
        let mut run = zoo_run(CATEGORIES);
        run.metrics[0].results.segm.ap = Some(ap);
        judge(&baseline, &stored(&run)).verdict()
    };
    assert_eq!(verdict_at(0.2592 - 0.0005), Verdict::Pass);
    assert_eq!(verdict_at(0.2592 - 0.000501), Verdict::Fail);
    assert_eq!(verdict_at(0.2592 + 0.005), Verdict::Pass);
    assert_eq!(verdict_at(0.2592 + 0.005001), Verdict::Fail);
}

#[test]
fn what_sums_of_floats_lose_is_no_drop() {
    // The slack is 1e-12: a value at tolerance and slack to the bit still passes, the next float does not.
    const SLACK: f64 = 1e-12;
    let verdict_of = |target: f64, ap: f64| {
        let mut baseline = baseline();
        let expected = baseline.variants.get_mut("seg-m-all").expect("a variant");
        expected.metrics.get_mut(&metric("segm/AP")).expect("AP").target = target;
        let mut run = zoo_run(CATEGORIES);
        run.metrics[0].results.segm.ap = Some(ap);
        judge(&baseline, &stored(&run)).verdict()
    };
    let (lowest, highest) = (0.0005 + SLACK, 0.005 + SLACK);
    assert_eq!(verdict_of(lowest, 0.0), Verdict::Pass);
    assert_eq!(verdict_of(lowest.next_up(), 0.0), Verdict::Fail);
    assert_eq!(verdict_of(0.0, highest), Verdict::Pass);
    assert_eq!(verdict_of(0.0, highest.next_up()), Verdict::Fail);
    let fallen_below = |floor: f64| {
        let mut baseline = baseline();
        let expected = baseline.variants.get_mut("seg-m-all").expect("a variant");
        expected.categories.get_mut("category_4_(made_up)").expect("a category").floor = Some(floor);
        let mut run = zoo_run(CATEGORIES);
        run.metrics[0].per_category[3].ap = Some(0.0);
        judge(&baseline, &stored(&run)).fallen().count()
    };
    assert_eq!((fallen_below(SLACK), fallen_below(SLACK.next_up())), (0, 1));
}

#[test]
fn an_unexpected_rise_fails_and_says_how_to_accept_it() {
    let judgement = judged(|run| run.metrics[1].results.bbox.ap_rare = Some(0.5));
    let failed: Vec<_> = judgement.failed().collect();
    assert_eq!((failed.len(), failed[0].outcome), (1, Outcome::Rose));
    assert!(terminal(&judgement, false, 120).contains("--accept"));
}

#[test]
fn a_metric_s_own_tolerance_goes_before_the_file_s() {
    let lowered = |run: &mut Synthetic| run.metrics[0].results.segm.ap = Some(0.25);
    let mut run = zoo_run(CATEGORIES);
    lowered(&mut run);
    let mut baseline = baseline();
    let expected = baseline.variants.get_mut("seg-m-all").expect("a variant");
    expected.metrics.get_mut(&metric("segm/AP")).expect("AP").max_drop = Some(0.01);
    assert_eq!(judge(&baseline, &stored(&run)).verdict(), Verdict::Pass);
    assert_eq!(judged(lowered).verdict(), Verdict::Fail);
}

#[test]
fn a_category_below_its_floor_fails() {
    let judgement = judged(|run| run.metrics[0].per_category[3].ap = Some(0.0));
    assert_eq!(judgement.verdict(), Verdict::Fail);
    let fallen: Vec<_> = judgement.fallen().map(|check| check.category.as_str()).collect();
    assert_eq!(fallen, ["category_4_(made_up)"]);
    assert!(terminal(&judgement, false, 120).contains("single categories fell while the means hold"));
}

#[test]
fn a_category_without_a_floor_only_ranks() {
    let mut baseline = baseline();
    for category in baseline.variants.get_mut("seg-m-all").expect("a variant").categories.values_mut() {
        category.floor = None;
    }
    let mut run = zoo_run(CATEGORIES);
    run.metrics[0].per_category[3].ap = Some(0.0);
    let judgement = judge(&baseline, &stored(&run));
    assert_eq!(judgement.verdict(), Verdict::Pass);
    assert_eq!(judgement.lost_most(10)[0].category, "category_4_(made_up)");
}

#[test]
fn counts_fail_in_both_directions() {
    for detections in [5_942_700 - 20_000, 5_942_700 + 20_000] {
        let judgement = judged(|run| run.metrics[0].detections = detections);
        let failed: Vec<String> = judgement.failed().map(|check| check.metric.to_string()).collect();
        assert_eq!(failed, ["detections_per_image"]);
    }
    let judgement = judged(|run| *run.metrics[0].parameters.get_mut("text").expect("a part") += 1);
    assert_eq!(judgement.failed().next().map(|check| check.outcome), Some(Outcome::Rose));
    assert!(judgement.hints()[0].contains("another network"));
}

#[test]
fn detections_that_leave_the_reference_s_fail_and_absent_ones_are_invalid() {
    let matched = |count: u64| judged(|run| run.metrics[2].agreement.as_mut().expect("a reference").matched = count);
    assert_eq!(matched(35_991 - 3).verdict(), Verdict::Pass, "a ten-thousandth of 36,000 is 3.6");
    let left = matched(35_991 - 4);
    let failed: Vec<_> = left.failed().map(|check| (check.metric.to_string(), check.outcome)).collect();
    assert_eq!(failed, [("agreement/matched".to_string(), Outcome::Dropped)]);
    assert!(left.hints()[0].contains("left the reference's"), "{:?}", left.hints());
    assert_eq!(left.hints().len(), 1);
    let found = reason(|run| run.metrics[2].agreement = None);
    let (variant, metric) = ("seg-m-head".to_string(), "agreement/matched".to_string());
    assert_eq!(found, Invalid::NoValue { variant, metric });
}

#[test]
fn what_a_row_was_made_with_must_be_the_baseline_s() {
    let found = reason(|run| run.metrics[0].weights_sha256 = "0".repeat(64));
    assert!(matches!(found, Invalid::OtherWeights { variant, .. } if variant == "seg-m-all"));
    let found = reason(|run| {
        run.record.dataset.annotations_sha256 = "0".repeat(64);
        run.metrics.iter_mut().for_each(|metrics| metrics.annotations_sha256 = "0".repeat(64));
    });
    assert!(matches!(found, Invalid::OtherAnnotations { .. }));
}

#[test]
fn another_protocol_is_invalid_whatever_differs() {
    type Change = fn(&mut Protocol);
    let changes: [(&str, Change); 7] = [
        ("id", |protocol| protocol.id = "lvis-fixed".to_string()),
        ("split", |protocol| protocol.split = "minival".to_string()),
        ("detections_per_image", |protocol| protocol.detections_per_image = 1000),
        ("area", |protocol| protocol.area = AreaRule::Mask),
        ("input_size", |protocol| protocol.input_size = 1280),
        ("score_threshold", |protocol| protocol.score_threshold = 0.01),
        ("nms_iou", |protocol| protocol.nms_iou = 0.5),
    ];
    for (name, change) in changes {
        let found = reason(|run| {
            change(&mut run.record.protocol);
            run.metrics.iter_mut().for_each(|metrics| change(&mut metrics.protocol));
        });
        assert!(matches!(found, Invalid::OtherProtocol { key, .. } if key == name), "{name}");
    }
}

#[test]
fn a_run_that_is_not_whole_is_invalid() {
    let found = reason(|run| run.record.status = "partial".to_string());
    assert!(matches!(found, Invalid::Partial { .. }));
    assert_eq!(reason(|run| run.record.comparable = false), Invalid::NotComparable);
    let found = reason(|run| run.metrics[2].status = "partial".to_string());
    assert!(matches!(found, Invalid::PartialRow { variant } if variant == "seg-m-head"));
    let found = reason(|run| run.record.dataset.images = 19_808);
    assert_eq!(found, Invalid::OtherImages { expected: 19_809, found: 19_808 });
}

#[test]
fn a_row_that_was_not_measured_is_invalid() {
    let found = reason(|run| run.row("seg-m-all").status = RowStatus::Failed);
    assert_eq!(found, Invalid::NotDone { variant: "seg-m-all".to_string(), status: RowStatus::Failed });
    let found = reason(|run| run.record.rows.retain(|row| row.variant != "seg-m-all"));
    assert!(matches!(found, Invalid::NoSuchRow { .. }));
}

#[test]
fn a_missing_value_is_invalid() {
    let found = reason(|run| run.metrics[0].results.segm.ap = None);
    assert_eq!(found, Invalid::NoValue { variant: "seg-m-all".to_string(), metric: "segm/AP".to_string() });
    let found = reason(|run| run.metrics[0].results.bbox.ar_small = None);
    assert!(matches!(found, Invalid::NoValue { metric, .. } if metric == "bbox/ARs@300"));
    // What is not a number is stored as null.
    let found = reason(|run| run.metrics[0].per_category[0].ap = Some(f64::NAN));
    assert!(matches!(found, Invalid::NoValue { .. }));
    let found = reason(|run| run.metrics[0].parameters.retain(|part, _| part != "text"));
    assert!(matches!(found, Invalid::NoValue { metric, .. } if metric == "parameters/text"));
    let found = reason(|run| drop(run.metrics[0].per_category.remove(0)));
    assert!(matches!(found, Invalid::NoValue { .. }));
}

#[test]
fn invalid_goes_before_fail() {
    let judgement = judged(|run| {
        run.metrics[0].results.segm.ap = Some(0.0);
        run.metrics[1].results.segm.ap = None;
    });
    assert_eq!(judgement.verdict(), Verdict::Invalid);
}

#[test]
fn a_subset_is_judged_only_by_its_own_baseline() {
    let limited = stored(&limited_run(CATEGORIES));
    let own = Baseline::of_run(&limited).expect("a row is done");
    assert_eq!(judge(&own, &limited).verdict(), Verdict::Pass);
    let whole = judge(&baseline(), &limited);
    assert!(whole.invalid.iter().any(|reason| matches!(reason, Invalid::OtherSubset { expected: None, .. })));
    let mut other = limited_run(CATEGORIES);
    other.record.dataset.subset = Some("images of other.txt".to_string());
    assert!(matches!(judge(&own, &stored(&other)).invalid[..], [Invalid::OtherSubset { .. }]));
    assert_eq!(judge(&own, &stored(&zoo_run(CATEGORIES))).verdict(), Verdict::Invalid);
}

#[test]
fn no_baseline_is_made_of_part_of_a_run() {
    let refused = |change: fn(&mut Synthetic)| {
        let mut run = zoo_run(1);
        change(&mut run);
        match Baseline::of_run(&stored(&run)) {
            Err(GateError::NothingToRecord { reason }) => reason,
            other => panic!("{other:?}"),
        }
    };
    assert!(matches!(refused(|run| run.record.status = "partial".to_string()), Invalid::Partial { .. }));
    assert!(matches!(refused(|run| run.row("seg-m-all").status = RowStatus::Pending), Invalid::Partial { .. }));
    assert_eq!(refused(|run| run.record.rows.clear()), Invalid::NothingMeasured);
}

#[test]
fn a_baseline_reads_back_as_it_was_written() {
    let mut baseline = baseline();
    assert_eq!(Baseline::parse(&baseline.to_toml(), "file").expect("its own form"), baseline);
    let expected = baseline.variants.get_mut("seg-m-all").expect("a variant");
    expected.metrics.get_mut(&metric("segm/AP")).expect("AP").max_rise = Some(0.1);
    baseline.subset = Some("images of \"a\\b\".txt".to_string());
    assert_eq!(Baseline::parse(&baseline.to_toml(), "file").expect("its own form"), baseline);
}

#[test]
fn a_baseline_that_cannot_be_right_is_refused() {
    let refused = |from: &str, to: &str| {
        let text = baseline().to_toml();
        assert!(text.contains(from), "{from}");
        Baseline::parse(&text.replacen(from, to, 1), "b.toml").expect_err("a defect")
    };
    let sha = "00c0ffee".repeat(8);
    assert!(matches!(refused("images = 19809", "images ="), GateError::Syntax { line, .. } if line > 10));
    assert!(matches!(refused("images = 19809", "images = 19809\nimages = 1"), GateError::Syntax { .. }));
    assert!(matches!(refused("schema_version = 1", ""), GateError::ForeignSchema { found, .. } if found == "absent"));
    assert!(matches!(refused("schema_version = 1", "schema_version = 2"), GateError::ForeignSchema { .. }));
    assert!(matches!(refused("images = 19809", "pictures = 19809"), GateError::Shape { .. }));
    assert!(matches!(refused("max_drop = 0.0005", "max_dorp = 0.0005"), GateError::Shape { .. }));
    assert!(matches!(refused("\"segm/AP\"", "\"segm/mAP\""), GateError::Shape { line, .. } if line > 30));
    assert!(matches!(refused("target = 0.2592", "target = nan"), GateError::OutOfRange { .. }));
    assert!(matches!(refused("target = 0.2592", "target = 25.92"), GateError::OutOfRange { .. }));
    assert!(matches!(refused("target = 0.99975", "target = 1.5"), GateError::OutOfRange { max, .. } if max == 1.0));
    assert!(matches!(refused("max_drop = 0.0005", "max_drop = -1.0"), GateError::OutOfRange { .. }));
    assert!(matches!(refused("floor = 0.", "floor = 7."), GateError::OutOfRange { .. }));
    assert!(matches!(refused(&sha, "00C0"), GateError::BadChecksum { .. }));
    assert!(matches!(refused("ca465825", "ca46582"), GateError::BadChecksum { .. }));
    assert!(matches!(refused("variants.\"seg-l-all\"]", "variants.\"../x\"]"), GateError::Shape { .. }));
}

#[test]
fn a_variant_name_that_leaves_the_run_is_refused() {
    let text = baseline().to_toml().replace("seg-l-all", "../seg-l-all");
    assert!(matches!(Baseline::parse(&text, "b.toml"), Err(GateError::BadVariant { .. })));
}

#[test]
fn a_baseline_that_checks_nothing_is_refused() {
    let empty = |change: fn(&mut Baseline)| {
        let mut baseline = baseline();
        change(&mut baseline);
        match Baseline::parse(&(baseline.to_toml() + "\n[variants]\n"), "b.toml") {
            Err(GateError::ChecksNothing { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(empty(|baseline| baseline.variants.clear()), "the file");
    let what = empty(|baseline| {
        let expected = baseline.variants.get_mut("seg-m-all").expect("a variant");
        expected.metrics.clear();
        expected.categories.values_mut().for_each(|category| category.floor = None);
    });
    assert_eq!(what, "variant seg-m-all");
}

#[test]
fn accepting_moves_targets_and_floors_and_keeps_tolerances() {
    let mut old = baseline();
    let expected = old.variants.get_mut("seg-m-all").expect("a variant");
    expected.metrics.retain(|&name, _| name == metric("segm/AP"));
    expected.metrics.get_mut(&metric("segm/AP")).expect("AP").max_drop = Some(0.01);
    let mut run = zoo_run(CATEGORIES);
    run.metrics[0].results.segm.ap = Some(0.3);
    run.metrics[0].results.segm.ap50 = Some(0.9);
    run.metrics[0].per_category[3].ap = Some(0.5);
    run.metrics[0].weights_sha256 = "0".repeat(64);
    let accepted = accept(&old, &stored(&run)).expect("a whole run");
    let expected = &accepted.baseline.variants["seg-m-all"];
    assert_eq!(expected.metrics.len(), 1);
    assert_eq!(expected.metrics[&metric("segm/AP")].target, 0.3);
    assert_eq!(expected.metrics[&metric("segm/AP")].max_drop, Some(0.01));
    assert_eq!(expected.categories["category_4_(made_up)"].floor, Some(0.48));
    assert_eq!(accepted.changes.len(), 3, "{:?}", accepted.changes);
    assert_eq!(accepted.changes[1], "seg-m-all segm/AP: 0.2592 -> 0.3");
    assert_eq!(judge(&accepted.baseline, &stored(&run)).verdict(), Verdict::Pass);
}

#[test]
fn what_is_not_whole_is_not_accepted() {
    let refused = |change: fn(&mut Synthetic)| {
        let mut run = zoo_run(CATEGORIES);
        change(&mut run);
        accept(&baseline(), &stored(&run)).expect_err("not whole")
    };
    assert!(matches!(refused(|run| run.record.status = "partial".to_string())[..], [Invalid::Partial { .. }]));
    assert!(matches!(refused(|run| run.metrics[0].results.segm.ap = None)[..], [Invalid::NoValue { .. }]));
    assert!(accept(&baseline(), &stored(&limited_run(CATEGORIES))).is_err());
}

fn failing() -> Judgement {
    judged(|run| {
        run.metrics[0].results.segm.ap = Some(0.2);
        run.metrics[0].results.bbox.ap = Some(0.3);
        run.metrics[0].per_category[3].ap = Some(0.0);
        run.metrics[1].results.segm.ap_rare = Some(0.2);
    })
}

#[test]
fn outputs_match_their_snapshots() {
    let mut judgement = failing();
    judgement.checks.retain(|check| check.metric <= metric("segm/AP75") || check.outcome != Outcome::Within);
    assert_snapshot("gate/fail.txt.snap", &terminal(&judgement, false, 120));
    assert_snapshot("gate/fail.md.snap", &summary(&judgement, 0));
    assert_snapshot("gate/fail.xml.snap", &junit(&judgement));
    assert_snapshot("gate/fail.json.snap", &json(&judgement));
    assert_snapshot("gate/fail.github.snap", &annotations(&judgement).join("\n"));
    let mut judgement = judged(|run| {
        run.metrics[0].weights_sha256 = "0".repeat(64);
        run.metrics[1].results.segm.ap = None;
    });
    judgement.checks.truncate(2);
    judgement.categories.clear();
    assert_snapshot("gate/invalid.txt.snap", &terminal(&judgement, false, 120));
    assert_snapshot("gate/invalid.xml.snap", &junit(&judgement));
    assert_snapshot("gate/invalid.json.snap", &json(&judgement));
    let mut small = baseline();
    small.variants.retain(|name, _| name == "seg-m-all");
    assert_snapshot("gate/baseline.toml.snap", &small.to_toml());
}

#[test]
fn annotations_are_few_and_the_verdict_is_the_first() {
    let judgement = judged(|run| {
        for metrics in &mut run.metrics {
            metrics.results.segm = Default::default();
            metrics.results.segm.ap = Some(0.0);
        }
    });
    let lines = annotations(&judgement);
    assert_eq!(lines.len(), MAX_ANNOTATIONS);
    assert!(lines[0].starts_with("::error title=zoobench gate::gate yolo-world-seg: INVALID"), "{}", lines[0]);
    assert_eq!(annotations(&judged(|_| ())).len(), 1);
}

#[test]
fn a_summary_stays_below_what_github_takes() {
    let mut judgement = failing();
    let check = judgement.checks[0].clone();
    judgement.checks = vec![check; 50_000];
    assert!(summary(&judgement, 0).len() <= MAX_SUMMARY_BYTES);
    assert!(summary(&judgement, MAX_SUMMARY_BYTES).len() < 100);
    assert!(summary(&judgement, 0).ends_with("more lines are left out\n"));
}

#[test]
fn colour_changes_no_word() {
    let judgement = failing();
    let plain = terminal(&judgement, false, 120);
    assert!(!plain.contains('\u{1b}'));
    let colored = terminal(&judgement, true, 120);
    let stripped = ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[0m"].iter().fold(colored, |text, code| text.replace(code, ""));
    assert_eq!(stripped, plain);
}

#[test]
fn the_json_keeps_to_its_schema() {
    let schema = serde_json::from_str(GATE_JSON_SCHEMA).expect("JSON");
    let invalid = judged(|run| run.metrics[0].results.segm.ap = None);
    for judgement in [failing(), invalid, judged(|_| ())] {
        let mut document: serde_json::Value = serde_json::from_str(&json(&judgement)).expect("JSON");
        assert_eq!(schema::departures(&schema, &document), [""; 0]);
        document["checks"][0]["outcome"] = "fine".into();
        document["more"] = 1.into();
        document.as_object_mut().expect("an object").remove("zoo");
        assert_eq!(schema::departures(&schema, &document).len(), 3);
    }
}
