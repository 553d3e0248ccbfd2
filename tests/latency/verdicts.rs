//! What makes a measurement INVALID, and what does not yet: each reason from both sides.

use std::sync::atomic::AtomicBool;

use zoobench::latency::{
    measure_latency, Latency, LatencyError, Length, Measurement, Scenario, SubjectName, TaskReport, Verdict, WarmedUp,
    WorkOrder, WorkReport,
};

use crate::fake::{accuracy, job, measured, reasons, Fake};

/// The one reason of a spoiled measurement.
fn only(fake: &Fake<'_>) -> String {
    let reasons = reasons(fake);
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    reasons[0].clone()
}

/// Spoils the `segment` series of shapes_v1.
fn segment_of_v1(spoil: impl Fn(usize, &mut TaskReport)) -> impl Fn(&WorkOrder, usize, &mut WorkReport) {
    move |order, process, report| {
        if order.subject == SubjectName::Variant("shapes_v1".to_owned()) {
            let series = report.series.iter_mut().filter(|series| series.task.latency == Latency::Segment);
            series.for_each(|series| spoil(process, series));
        }
    }
}

#[test]
fn a_quiet_measurement_of_evaluated_weights_is_valid() {
    let accuracy = accuracy();
    let measured = measured(&job(Some(accuracy.path())), &Fake::quiet());
    assert_eq!((measured.record.verdict, &measured.record.reasons), (Verdict::Valid, &vec![]));
    assert_eq!(measured.record.measurements.len(), 4);
    assert_eq!(measured.record.machine.during.len(), 9, "between ten processes");
    let ap = |row: &Measurement| row.mask_ap.is_some_and(|ap| (0.3..0.5).contains(&ap));
    assert!(measured.record.measurements.iter().all(ap), "{:?}", measured.record.measurements);
    let row = &measured.record.measurements[0];
    assert_eq!((row.process_p50_ms.len(), row.cold_start_ms.len(), row.detections_per_image), (5, 5, None));
    assert_eq!(measured.record.measurements[1].detections_per_image, Some(3.0));
    assert_eq!(row.warm_up_images, 5 * 50);
}

#[test]
fn a_debug_build_or_a_trial_is_invalid() {
    let debug = Fake::quiet().spoiled(|_, process, report| report.debug_build = process == 3);
    assert!(only(&debug).starts_with("debug build"));
    let accuracy = accuracy();
    let mut trial = job(Some(accuracy.path()));
    trial.length = Length::Trial;
    let reasons = measured(&trial, &Fake::quiet()).record.reasons;
    assert!(reasons.iter().any(|reason| reason.starts_with("trial length")), "{reasons:?}");
}

#[test]
fn noise_in_a_process_is_invalid_and_a_little_is_not() {
    // Blocks of slow and fast calls leave the median open.
    let by = |share: f64| move |_: &_, _, call: usize| 100.0 * (1.0 + share * ((call / 5) % 2) as f64);
    assert_eq!(reasons(&Fake::taking(by(0.05))), Vec::<String>::new());
    let reasons = reasons(&Fake::taking(by(0.5)));
    assert!(reasons.iter().any(|reason| reason.contains("the interval of the median is")), "{reasons:?}");
}

#[test]
fn processes_that_differ_are_invalid_and_a_little_is_not() {
    // Ten processes for two variants: an odd and an even half each, more or less.
    let by = |share: f64| move |_: &_, process: usize, _| 100.0 * (1.0 + share * ((process / 2) % 5) as f64);
    assert_eq!(reasons(&Fake::taking(by(0.02))), Vec::<String>::new());
    let reasons = reasons(&Fake::taking(by(0.1)));
    assert!(reasons.iter().any(|reason| reason.contains("processes differ by")), "{reasons:?}");
}

#[test]
fn throttling_is_invalid_beyond_a_tenth_of_the_readings() {
    let throttled = |count| Fake::quiet().spoiled(segment_of_v1(move |_, series| series.clock.throttled = count));
    assert_eq!(reasons(&throttled(10)), Vec::<String>::new());
    let reason = only(&throttled(11));
    assert!(reason.contains("throttled: 55 of 500 readings") && reason.contains("shapes_v1 segment"), "{reason}");
}

#[test]
fn other_load_is_invalid_beyond_a_tenth_of_the_machine() {
    let loaded = |load| {
        let spoil =
            move |process, series: &mut TaskReport| series.other_load = Some(if process < 2 { load } else { 0.0 });
        Fake::quiet().spoiled(segment_of_v1(spoil))
    };
    assert_eq!(reasons(&loaded(0.1)), Vec::<String>::new());
    assert!(only(&loaded(0.12)).contains("other processes had 12 % of the machine"));
}

#[test]
fn stages_must_sum_to_the_total_within_two_percent() {
    let longer = |share: f64| {
        let spoil = move |_, series: &mut TaskReport| {
            series.stages[0].samples_ms.iter_mut().for_each(|ms| *ms += share * 100.0);
        };
        Fake::quiet().spoiled(segment_of_v1(spoil))
    };
    assert_eq!(reasons(&longer(0.019)), Vec::<String>::new());
    assert!(only(&longer(0.025)).contains("more than 2 % apart"));
}

#[test]
fn a_series_whose_patience_ends_is_invalid_and_says_what_it_lacks() {
    // Two seconds and ten queries a process, sixty seconds of patience.
    assert_eq!(reasons(&Fake::taking(|_, _, call| 5900.0 + (call % 3) as f64)), Vec::<String>::new());
    let reasons = reasons(&Fake::taking(|_, _, call| 9000.0 + (call % 3) as f64));
    assert_eq!(reasons.len(), 4, "{reasons:?}");
    assert!(reasons[0].contains("35 samples, without its queries"), "{reasons:?}");
}

#[test]
fn outliers_are_counted_and_kept() {
    let fake =
        Fake::taking(|_, process, call| if call == 60 && process % 2 == 0 { 400.0 } else { 100.0 + (call % 7) as f64 });
    let accuracy = accuracy();
    let measured = measured(&job(Some(accuracy.path())), &fake);
    assert_eq!(measured.record.verdict, Verdict::Valid, "{:?}", measured.record.reasons);
    let rows = &measured.record.measurements;
    let counted: usize = rows.iter().map(|row| row.outliers_severe).sum();
    let kept = measured.samples.iter().flatten().filter(|&&ms| (ms - 400.0).abs() < 1e-6).count();
    assert_eq!((counted, kept), (10, 10));
    assert!(rows.iter().zip(&measured.samples).all(|(row, samples)| row.samples == samples.len()));
}

#[test]
fn what_a_reader_should_know_is_noted_and_changes_no_verdict() {
    let spoil = |_, series: &mut TaskReport| {
        series.clock = Default::default();
        series.warm_up = WarmedUp { settled: false, ..series.warm_up };
    };
    let accuracy = accuracy();
    let record = measured(&job(Some(accuracy.path())), &Fake::quiet().spoiled(segment_of_v1(spoil))).record;
    assert_eq!(record.verdict, Verdict::Valid, "{:?}", record.reasons);
    for words in ["shapes_v1: the clock is unknown", "shapes_v1: 5 warm-ups did not come to rest", "120 images"] {
        assert!(record.notes.iter().any(|note| note.contains(words)), "{words}: {:?}", record.notes);
    }
}

#[test]
fn batches_rise_until_memory_ends() {
    let no_room = |_: &WorkOrder, _, report: &mut WorkReport| {
        let large = |series: &TaskReport| series.task.scenario == Scenario::Offline && series.task.batch > 4;
        report.left_out = report.series.iter().filter(|series| large(series)).map(|series| series.task).collect();
        report.series.retain(|series| !large(series));
    };
    let accuracy = accuracy();
    let mut standard = job(Some(accuracy.path()));
    standard.length = Length::Standard;
    standard.variants = vec!["shapes_v2".to_owned()];
    let fake = Fake::quiet().spoiled(no_room);
    let record = measured(&standard, &fake).record;
    let offline = record.measurements.iter().filter(|row| row.scenario == Scenario::Offline);
    let batches: Vec<usize> = offline.clone().map(|row| row.batch).collect();
    assert_eq!(batches, [1, 2, 4, 1, 2, 4]);
    assert!(offline.clone().all(|row| (9.0..11.0).contains(&row.images_per_second.expect("a rate"))));
    assert!(record.notes.contains(&"shapes_v2: no memory for batches from 8 on".to_owned()), "{:?}", record.notes);
    for order in fake.orders.borrow().iter() {
        let batches = order.tasks.iter().skip_while(|task| task.scenario == Scenario::Single);
        let forward: Vec<_> = batches.filter(|task| task.latency == Latency::Forward).map(|task| task.batch).collect();
        assert_eq!(forward, [1, 2, 4, 8, 16, 32]);
    }
    let deployed = record.measurements.iter().filter(|row| row.is_deployed()).count();
    assert_eq!(deployed, 1, "the deployment row at score 0.25");
}

#[test]
fn processes_are_interleaved_in_a_seeded_random_order_on_equal_inputs() {
    let accuracy = accuracy();
    let orders = |seed| {
        let fake = Fake::quiet();
        let mut job = job(Some(accuracy.path()));
        job.seed = seed;
        measured(&job, &fake);
        fake.orders.into_inner()
    };
    let (first, again, other) = (orders(1), orders(1), orders(2));
    assert_eq!(first, again);
    let names = |orders: &[WorkOrder]| orders.iter().map(|order| order.subject.clone()).collect::<Vec<_>>();
    assert_ne!(names(&first), names(&other));
    for (round, pair) in first.chunks(2).enumerate() {
        assert_ne!(pair[0].subject, pair[1].subject, "each variant once a round");
        assert_eq!((pair[0].seed, pair[1].seed), (1 + round as u64, 1 + round as u64), "on the same inputs");
    }
}

#[test]
fn an_interruption_ends_the_measurement() {
    let interrupted = AtomicBool::new(true);
    let ended = measure_latency(&job(None), &Fake::quiet(), &|_, _, _| {}, &interrupted);
    assert!(matches!(ended, Err(LatencyError::Interrupted)));
}
