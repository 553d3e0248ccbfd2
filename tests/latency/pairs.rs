//! Every reason for INVALID with a measurement that it speaks against, and a twin just on the other side.

use std::path::Path;

use tempfile::TempDir;
use zoobench::latency::{
    write_measured, Latency, LatencyJob, Length, Measured, Reason, Stop, Task, TaskReport, Verdict, WorkOrder,
    WorkReport,
};

use crate::fake::{accuracy, edit, job, measured, Fake};

/// A measurement that is spoiled, or just not.
type Twin = fn(bool) -> Measured;

/// Each reason, words of it that no other has, and its twins.
fn pairs() -> Vec<(Reason, &'static str, Twin)> {
    let (row, variant, command) = (String::new, String::new, String::new);
    let (run, theirs, ours, why) = (String::new, String::new, String::new, String::new);
    vec![
        (Reason::DebugBuild, "debug build", debug_build),
        (Reason::TrialLength, "trial length", trial),
        (Reason::NoAccuracy { command: command() }, "no accuracy result of these weights", no_accuracy),
        (Reason::AccuracyPartial { run: run(), why: why() }, "is not complete", partial),
        (Reason::AccuracyVersion { run: run(), theirs: theirs(), ours: ours() }, "is of zoobench", version),
        (
            Reason::AccuracyVariant { run: run(), variant: variant(), command: command() },
            "has no result of",
            no_variant,
        ),
        (
            Reason::AccuracyWeights { run: run(), variant: variant(), theirs: theirs(), ours: ours() },
            "has other weights of",
            weights,
        ),
        (Reason::AccuracyEngine { run: run(), variant: variant(), theirs: theirs(), ours: ours() }, "computed", engine),
        (Reason::RandomWeights { variant: variant() }, "random weights have no accuracy", random),
        (Reason::Noise { row: row(), width: 0.0 }, "the interval of the median is", noise),
        (Reason::BetweenRuns { row: row(), deviation: 0.0 }, "processes differ by", between_runs),
        (Reason::Throttled { row: row(), throttled: 0, readings: 0 }, "throttled:", throttled),
        (Reason::OtherLoad { row: row(), share: 0.0 }, "other processes had", other_load),
        (Reason::Stages { row: row(), sum_ms: 0.0, mean_ms: 0.0 }, "the stages sum to", stages),
        (Reason::Patience { row: row(), samples: 0, unmet: String::new() }, "its patience ended", patience),
        (
            Reason::AccuracyProgram { run: run(), theirs: theirs(), ours: ours(), command: command() },
            "by another program",
            program,
        ),
        (
            Reason::AccuracyOutputs { run: run(), variant: variant(), image_id: 0, command: command() },
            "finds other detections",
            outputs,
        ),
        (Reason::Ambiguous { row: row(), difference: 0.0 }, "AMBG", ambiguous),
    ]
}

/// A new reason does not compile before it has a number here, and then fails before it has its pair.
fn number(reason: &Reason) -> usize {
    match reason {
        Reason::DebugBuild => 0,
        Reason::TrialLength => 1,
        Reason::NoAccuracy { .. } => 2,
        Reason::AccuracyPartial { .. } => 3,
        Reason::AccuracyVersion { .. } => 4,
        Reason::AccuracyVariant { .. } => 5,
        Reason::AccuracyWeights { .. } => 6,
        Reason::AccuracyEngine { .. } => 7,
        Reason::RandomWeights { .. } => 8,
        Reason::Noise { .. } => 9,
        Reason::BetweenRuns { .. } => 10,
        Reason::Throttled { .. } => 11,
        Reason::OtherLoad { .. } => 12,
        Reason::Stages { .. } => 13,
        Reason::Patience { .. } => 14,
        Reason::AccuracyProgram { .. } => 15,
        Reason::AccuracyOutputs { .. } => 16,
        Reason::Ambiguous { .. } => 17,
    }
}

#[test]
fn every_reason_has_a_measurement_that_it_speaks_against_and_a_twin_that_stands() {
    let pairs = pairs();
    let numbers: Vec<usize> = pairs.iter().map(|pair| number(&pair.0)).collect();
    assert_eq!(numbers, (0..18).collect::<Vec<_>>());
    for (reason, words, twin) in &pairs {
        assert!(reason.to_string().contains(words), "{reason}");
        let bad = twin(true).record;
        assert_eq!(bad.verdict, Verdict::Invalid, "{words}");
        assert!(!bad.reasons.is_empty() && bad.reasons.iter().all(|found| found.contains(words)), "{:?}", bad.reasons);
        let good = twin(false).record;
        assert_eq!((good.verdict, good.reasons), (Verdict::Valid, vec![]), "{words}");
    }
}

fn tied(fake: &Fake<'_>) -> Measured {
    let accuracy = accuracy();
    measured(&job(Some(accuracy.path())), fake)
}

/// Tied to an accuracy run that is damaged, or not.
fn damaged(bad: bool, damage: impl FnOnce(&Path)) -> Measured {
    let accuracy = accuracy();
    if bad {
        damage(accuracy.path());
    }
    measured(&job(Some(accuracy.path())), &Fake::quiet())
}

/// Where the `segment` series of every process are changed.
fn with_series(change: impl Fn(&mut TaskReport)) -> Measured {
    let spoil = |_: &WorkOrder, _: usize, report: &mut WorkReport| {
        report.series.iter_mut().filter(|series| series.task.latency == Latency::Segment).for_each(&change);
    };
    tied(&Fake::quiet().spoiled(spoil))
}

fn debug_build(bad: bool) -> Measured {
    tied(&Fake::quiet().spoiled(move |_, _, report| report.debug_build = bad))
}

fn trial(bad: bool) -> Measured {
    let accuracy = accuracy();
    let length = if bad { Length::Trial } else { Length::Quick };
    measured(&LatencyJob { length, ..job(Some(accuracy.path())) }, &Fake::taking(|_, _, _| 100.0))
}

fn no_accuracy(bad: bool) -> Measured {
    let accuracy = accuracy();
    measured(&job((!bad).then_some(accuracy.path())), &Fake::quiet())
}

fn partial(bad: bool) -> Measured {
    damaged(bad, |run| edit(&run.join("run.json"), |run| run["status"] = "partial".into()))
}

fn version(bad: bool) -> Measured {
    damaged(bad, |run| edit(&run.join("run.json"), |run| run["zoobench_version"] = "0.0.9".into()))
}

fn no_variant(bad: bool) -> Measured {
    damaged(bad, |run| edit(&run.join("run.json"), |run| run["rows"][1]["status"] = "skipped".into()))
}

fn weights(bad: bool) -> Measured {
    damaged(bad, |run| edit(&run.join("shapes_v2/metrics.json"), |m| m["weights_sha256"] = "77".into()))
}

fn engine(bad: bool) -> Measured {
    damaged(bad, |run| edit(&run.join("shapes_v2/metrics.json"), |m| m["engine"] = "candle".into()))
}

fn program(bad: bool) -> Measured {
    damaged(bad, |run| edit(&run.join("run.json"), |run| run["program_sha256"] = "0ther".into()))
}

fn outputs(bad: bool) -> Measured {
    tied(&Fake::quiet().spoiled(move |_, process, report| {
        if bad && process == 7 {
            report.outputs[1].sha256 = "0".repeat(64);
        }
    }))
}

fn random(bad: bool) -> Measured {
    let accuracy = accuracy();
    let random_weights = bad.then(|| "v1-L".to_owned());
    measured(&LatencyJob { random_weights, ..job(Some(accuracy.path())) }, &Fake::quiet())
}

/// Runs of slow and fast calls leave the median open; the processes agree on it.
fn noise(bad: bool) -> Measured {
    let share = if bad { 0.13 } else { 0.07 };
    tied(&Fake::taking(move |_, _, call| 100.0 * (1.0 + share * ((call / 5) % 2) as f64)))
}

/// Rounds of 5 ms calls, each slower than the last. Of so many calls the median of all is well known.
fn between_runs(bad: bool) -> Measured {
    let step = if bad { 0.06 } else { 0.05 };
    tied(&Fake::taking(move |_, process, call| {
        5.0 * (1.0 + step * (process / 2) as f64) * (1.0 + 0.005 * (call % 7) as f64)
    }))
}

fn throttled(bad: bool) -> Measured {
    with_series(move |series| series.clock.throttled = if bad { 11 } else { 10 })
}

fn other_load(bad: bool) -> Measured {
    with_series(move |series| series.other_load = Some(if bad { 0.11 } else { 0.1 }))
}

fn stages(bad: bool) -> Measured {
    let longer = if bad { 2.1 } else { 1.9 };
    with_series(move |series| series.stages[0].samples_ms.iter_mut().for_each(|ms| *ms += longer))
}

fn patience(bad: bool) -> Measured {
    let stop = if bad { Stop::Patience { queries_met: true, seconds_met: false } } else { Stop::Steady };
    with_series(move |series| series.stop = stop)
}

/// Against a base of 100 ms: 9 % slower in half of the calls, or in all of them.
fn ambiguous(bad: bool) -> Measured {
    let (accuracy, folder) = (accuracy(), TempDir::new().expect("a temporary folder"));
    let tied = job(Some(accuracy.path()));
    let base = folder.path().join("base.json");
    write_measured(&measured(&tied, &Fake::quiet()), &base).expect("our folder");
    let ms = move |_: &Task, _: usize, call: usize| if bad && (call / 5).is_multiple_of(2) { 100.0 } else { 109.0 };
    measured(&LatencyJob { base: Some(base), ..tied }, &Fake::taking(ms))
}
