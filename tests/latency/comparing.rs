//! A measurement beside an earlier one: FAST, SLOW, SAME, AMBG.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use tempfile::TempDir;
use zoobench::latency::{measure_latency, write_measured, Change, LatencyError, LatencyJob, Measured, Task, Verdict};

use crate::fake::{accuracy, edit, job, measured, Fake};

struct Scene {
    accuracy: TempDir,
    base: TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { accuracy: accuracy(), base: TempDir::new().expect("a temporary folder") };
        let base = measured(&job(Some(scene.accuracy.path())), &Fake::quiet());
        write_measured(&base, &scene.file()).expect("our folder");
        scene
    }

    fn file(&self) -> std::path::PathBuf {
        self.base.path().join("base.json")
    }

    fn job(&self) -> LatencyJob {
        LatencyJob { base: Some(self.file()), ..job(Some(self.accuracy.path())) }
    }

    fn measured(&self, ms: impl Fn(&Task, usize, usize) -> f64) -> (Measured, usize) {
        let fake = Fake::taking(ms);
        let measured = measured(&self.job(), &fake);
        let processes = fake.orders.borrow().len();
        (measured, processes)
    }
}

fn changes(measured: &Measured) -> Vec<(Change, bool)> {
    measured.record.comparisons.iter().map(|row| (row.change, row.confirmed)).collect()
}

#[test]
fn clear_differences_are_fast_slow_or_the_same() {
    let scene = Scene::new();
    for (base, change) in [(90.0, Change::Fast), (110.0, Change::Slow), (101.0, Change::Same)] {
        let (measured, processes) = scene.measured(|_, _, call| base + 0.1 * (call % 7) as f64);
        assert_eq!(changes(&measured), [(change, false); 4], "{base}");
        assert_eq!((measured.record.verdict, processes), (Verdict::Valid, 10), "{:?}", measured.record.reasons);
    }
}

/// Blocks of calls at the base's speed and 9 % slower: its interval reaches down to the base's.
fn ambiguous(call: usize) -> f64 {
    if (call / 5).is_multiple_of(2) {
        100.0
    } else {
        109.0
    }
}

#[test]
fn an_ambiguous_difference_is_measured_once_more_and_then_invalid() {
    let scene = Scene::new();
    let (measured, processes) = scene.measured(|_, _, call| ambiguous(call));
    assert_eq!((changes(&measured), processes), (vec![(Change::Ambg, true); 4], 20));
    assert_eq!(measured.record.verdict, Verdict::Invalid);
    assert!(measured.record.reasons.iter().all(|reason| reason.contains("AMBG")), "{:?}", measured.record.reasons);
}

#[test]
fn the_confirming_rerun_decides() {
    let scene = Scene::new();
    let settled = |_: &Task, process: usize, call: usize| {
        if process < 10 {
            ambiguous(call)
        } else {
            110.0 + 0.1 * (call % 7) as f64
        }
    };
    let (measured, processes) = scene.measured(settled);
    assert_eq!((changes(&measured), processes), (vec![(Change::Slow, true); 4], 20));
    assert_eq!(measured.record.verdict, Verdict::Valid, "{:?}", measured.record.reasons);
}

fn refused(job: &LatencyJob, fake: &Fake<'_>) -> LatencyError {
    measure_latency(job, fake, &|_, _, _| {}, &AtomicBool::new(false)).expect_err("it is refused")
}

#[test]
fn another_machine_is_refused_before_anything_is_measured() {
    let scene = Scene::new();
    edit(&scene.file(), |base| base["machine"]["fingerprint"] = "another".into());
    let fake = Fake::quiet();
    let error = refused(&scene.job(), &fake);
    assert!(matches!(error, LatencyError::OtherMachine { .. }), "{error}");
    assert!(fake.orders.borrow().is_empty());
}

#[test]
fn a_base_without_the_rows_is_refused() {
    let scene = Scene::new();
    edit(&scene.file(), |base| base["measurements"].as_array_mut().expect("rows").clear());
    let error = refused(&scene.job(), &Fake::quiet());
    assert!(matches!(error, LatencyError::NothingInCommon { .. }), "{error}");
    let absent = LatencyJob { base: Some(Path::new("nowhere.json").to_owned()), ..scene.job() };
    assert!(matches!(refused(&absent, &Fake::quiet()), LatencyError::Unreadable { .. }));
}

#[test]
fn a_base_that_does_not_stand_itself_is_told_of() {
    let scene = Scene::new();
    let noted =
        |measured: &Measured| measured.record.notes.iter().any(|note| note.contains("the base of the comparison"));
    assert!(!noted(&measured(&scene.job(), &Fake::quiet())));
    edit(&scene.file(), |base| {
        base["verdict"] = "INVALID".into();
        base["reasons"] = serde_json::json!(["trial length"]);
    });
    let measured = measured(&scene.job(), &Fake::quiet());
    assert!(noted(&measured) && measured.record.verdict == Verdict::Valid, "{:?}", measured.record.notes);
}
