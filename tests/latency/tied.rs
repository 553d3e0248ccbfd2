//! The tie to an accuracy result of the same program and weights.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use zoobench::latency::{
    measure_latency, Latency, LatencyError, LatencyJob, SubjectName, Verdict, WorkOrder, WorkReport,
};

use crate::fake::{accuracy, edit, job, measured, Fake};

/// The reasons where the accuracy run is damaged so.
fn reasons(damage: impl FnOnce(&Path)) -> Vec<String> {
    let accuracy = accuracy();
    damage(accuracy.path());
    let measured = measured(&job(Some(accuracy.path())), &Fake::quiet());
    assert_eq!(measured.record.verdict, Verdict::Invalid);
    measured.record.reasons
}

fn only(damage: impl FnOnce(&Path)) -> String {
    let reasons = reasons(damage);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    reasons[0].clone()
}

#[test]
fn without_an_accuracy_run_the_command_that_makes_one_is_named() {
    let record = measured(&job(None), &Fake::quiet()).record;
    assert_eq!(record.verdict, Verdict::Invalid);
    assert_eq!(record.reasons.len(), 1);
    assert!(record.reasons[0].contains("`zoobench run --zoo shapes --out runs/shapes`"), "{:?}", record.reasons);
}

#[test]
fn a_partial_or_limited_run_is_none() {
    let partial = only(|run| edit(&run.join("run.json"), |run| run["status"] = "partial".into()));
    assert!(partial.contains("not complete: the run is partial"), "{partial}");
    let limited = only(|run| {
        edit(&run.join("run.json"), |run| {
            run["dataset"]["subset"] = "the first 5".into();
            run["dataset"]["images"] = 5.into();
        });
    });
    assert!(limited.contains("5 of 120 images (the first 5)"), "{limited}");
}

#[test]
fn a_run_of_another_version_or_program_is_none() {
    let version = only(|run| edit(&run.join("run.json"), |run| run["zoobench_version"] = "0.0.9".into()));
    assert!(version.contains("is of zoobench 0.0.9"), "{version}");
    let program = only(|run| edit(&run.join("run.json"), |run| run["program_sha256"] = "0ther".into()));
    assert!(program.contains("another program (0ther; timed was 5eed)"), "{program}");
    let unknown = only(|run| {
        edit(&run.join("run.json"), |run| {
            run.as_object_mut().expect("an object").remove("program_sha256");
        });
    });
    assert!(unknown.contains("another program (unknown;"), "{unknown}");
}

#[test]
fn a_run_of_other_weights_or_another_engine_or_without_the_variant_is_none() {
    let weights = only(|run| edit(&run.join("shapes_v2/metrics.json"), |m| m["weights_sha256"] = "77".into()));
    assert!(weights.contains("other weights of shapes_v2: 77, timed were 000"), "{weights}");
    let engine = only(|run| edit(&run.join("shapes_v2/metrics.json"), |m| m["engine"] = "candle".into()));
    assert!(engine.contains("computed shapes_v2 by candle on cpu in f32, timed was fast on cpu in f32"), "{engine}");
    let dtype = only(|run| edit(&run.join("shapes_v2/metrics.json"), |m| m["dtype"] = "tf32".into()));
    assert!(dtype.contains("by fast on cpu in tf32, timed was fast on cpu in f32"), "{dtype}");
    let variant = only(|run| edit(&run.join("run.json"), |run| run["rows"][1]["status"] = "skipped".into()));
    assert!(variant.contains("has no result of shapes_v2") && variant.contains("zoobench run"), "{variant}");
}

#[test]
fn a_run_that_keeps_no_detections_is_refused_before_anything_is_measured() {
    let accuracy = accuracy();
    std::fs::remove_file(accuracy.path().join("shapes_v2/results.json")).expect("the file");
    let fake = Fake::quiet();
    let measured = |job: &LatencyJob| measure_latency(job, &fake, &|_, _, _| (), &AtomicBool::new(false));
    let refused = measured(&job(Some(accuracy.path()))).expect_err("nothing to compare with");
    assert!(matches!(&refused, LatencyError::NoResults { path, .. } if path.ends_with("shapes_v2/results.json")));
    assert!(refused.to_string().contains("`--results none`"), "{refused}");
    assert!(fake.orders.borrow().is_empty());
    // The other variant, and weights of no run, are not touched by it.
    let other = LatencyJob { variants: vec!["shapes_v1".to_owned()], ..job(Some(accuracy.path())) };
    assert_eq!(measured(&other).expect("measured").record.verdict, Verdict::Valid);
    let random = LatencyJob { random_weights: Some("v1-L".to_owned()), ..job(Some(accuracy.path())) };
    assert!(measured(&random).is_ok());
}

#[test]
fn only_a_complete_run_of_the_same_weights_and_engine_gives_an_ap() {
    let aps = |damage: &dyn Fn(&Path)| {
        let accuracy = accuracy();
        damage(accuracy.path());
        let rows = measured(&job(Some(accuracy.path())), &Fake::quiet()).record.measurements;
        rows.iter().map(|row| row.mask_ap.is_some()).collect::<Vec<bool>>()
    };
    assert_eq!(aps(&|_| ()), [true; 4]);
    let other =
        |key: &'static str| move |run: &Path| edit(&run.join("shapes_v2/metrics.json"), |m| m[key] = "7".into());
    assert_eq!(aps(&other("weights_sha256")), [true, true, false, false]);
    assert_eq!(aps(&other("engine")), [true, true, false, false]);
    assert_eq!(aps(&|run| edit(&run.join("run.json"), |run| run["status"] = "partial".into())), [false; 4]);
}

#[test]
fn timed_outputs_that_are_not_the_run_s_are_found() {
    let spoil = |_: &WorkOrder, process: usize, report: &mut WorkReport| {
        if process == 7 {
            report.outputs[1].sha256 = "0".repeat(64);
        }
    };
    let accuracy = accuracy();
    let record = measured(&job(Some(accuracy.path())), &Fake::quiet().spoiled(spoil)).record;
    assert_eq!(record.reasons.len(), 1, "{:?}", record.reasons);
    assert!(record.reasons[0].contains("image 2: what was timed finds other detections"), "{:?}", record.reasons);
}

#[test]
fn random_weights_are_marked_and_limited_to_forward() {
    let mut random = job(None);
    random.random_weights = Some("v1-L".to_owned());
    let fake = Fake::quiet();
    let record = measured(&random, &fake).record;
    assert_eq!(record.verdict, Verdict::Invalid);
    assert_eq!(record.reasons.len(), 1);
    assert!(record.reasons[0].starts_with("random-v1-L: random weights"), "{:?}", record.reasons);
    assert_eq!(record.published_speeds.len(), 15, "an architecture of which speeds are published");
    assert!(measured(&job(None), &Fake::quiet()).record.published_speeds.is_empty(), "none of shapes are");
    assert!(record.measurements.iter().all(|row| row.random_weights && row.latency == Latency::Forward));
    assert!(fake.orders.borrow().iter().all(|order| order.subject == SubjectName::Random("v1-L".to_owned())));
}
