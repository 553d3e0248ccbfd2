//! One measuring process, from its order to its report.

use super::clock::{Clock, Laps, MonotonicClock, Sample};
use super::images::PinnedImages;
use super::length::Limits;
use super::machine_state::{forget_peak, memory_bytes, peak_memory_bytes, ClockWatch, Ticks};
use super::order::{StageSamples, SubjectName, TaskReport, WorkOrder, WorkReport};
use super::outputs::checksums;
use super::random_weights::RandomWeights;
use super::sampling::{measure, Inputs, Series, Workload};
use super::task::Task;
use super::workload::{Subject, Timed};
use super::LatencyError;
use crate::model::{Model, TextCache, TextEmbeddings, Weights};
use crate::run::{check_hash, load_model, program_sha256, Job, Plan, ResultsFile, RunError, Subset};
use crate::zoo::Zoo;

/// Measures what is ordered. The process should do nothing else, and begin with this.
///
/// # Errors
/// Whatever keeps the model from being loaded or run.
pub fn work(order: &WorkOrder) -> Result<WorkReport, LatencyError> {
    let clock = MonotonicClock::start();
    let job = job(order)?;
    let plan = Plan::check(&job)?;
    let pool = job.compute.pool()?;
    let loaded = Loaded::load(order, &plan, &pool)?;
    let images = PinnedImages::new(plan.files.as_ref(), &plan.samples);
    let subject = Subject {
        model: &loaded.model,
        text: &loaded.text,
        prompts: &plan.prompts,
        category_ids: &plan.category_ids,
        images: &images,
    };
    pool.install(|| report(order, &loaded, &subject, &clock))
}

/// The evaluation's job, so that what it refuses is refused here.
fn job(order: &WorkOrder) -> Result<Job, RunError> {
    let zoo = Zoo::load(&order.zoo)?;
    let variants = match &order.subject {
        SubjectName::Variant(name) => vec![name.clone()],
        SubjectName::Random(_) => vec![],
    };
    Ok(Job {
        zoo,
        data: order.data.clone(),
        weights: order.weights.clone(),
        annotations: None,
        variants,
        subset: Subset::default(),
        out: Default::default(),
        results: ResultsFile::None,
        compute: order.computed.compute(),
    })
}

/// A model with its prompts encoded.
struct Loaded {
    model: Model,
    text: TextEmbeddings,
    weights_sha256: String,
}

impl Loaded {
    fn load(order: &WorkOrder, plan: &Plan<'_>, pool: &rayon::ThreadPool) -> Result<Self, LatencyError> {
        match &order.subject {
            SubjectName::Variant(name) => Self::variant(name, plan, pool),
            SubjectName::Random(name) => Self::random(name, plan, pool),
        }
    }

    fn variant(name: &str, plan: &Plan<'_>, pool: &rayon::ThreadPool) -> Result<Self, LatencyError> {
        let no_weights = |place: String| LatencyError::NoWeights {
            zoo: plan.job.zoo.name.clone(),
            variants: vec![name.to_owned()],
            places: vec![place],
        };
        let planned = plan.variants.iter().find(|planned| planned.variant.name == name);
        let planned = planned.ok_or_else(|| no_weights("no such variant".to_owned()))?;
        let checkpoint = planned.weights.read()?.ok_or_else(|| no_weights(planned.variant.weights.clone()))?;
        check_hash(planned.variant, &checkpoint)?;
        let weights_sha256 = checkpoint.sha256().to_owned();
        let model = load_model(checkpoint, &planned.variant.weights, plan.execution, pool)?;
        let text = pool.install(|| model.encode_text_cached(&plan.prompts, &TextCache::of_user()))?;
        Ok(Self { model, text, weights_sha256 })
    }

    /// The text encoder's work is no part of `forward`, so random embeddings do as well.
    fn random(name: &str, plan: &Plan<'_>, pool: &rayon::ThreadPool) -> Result<Self, LatencyError> {
        let weights = RandomWeights::of(name)?;
        let model = pool.install(|| Model::load(&weights, plan.execution))?;
        let width = model.architecture().text.projection;
        let text = TextEmbeddings::new(width, weights.embeddings(plan.prompts.len(), width))?;
        Ok(Self { model, text, weights_sha256: weights.sha256().to_owned() })
    }
}

fn report(
    order: &WorkOrder,
    loaded: &Loaded,
    subject: &Subject<'_>,
    clock: &MonotonicClock,
) -> Result<WorkReport, LatencyError> {
    let mut report = WorkReport {
        weights_sha256: loaded.weights_sha256.clone(),
        cold_start_ms: first_answer(order, subject, clock)?,
        images: subject.images.len(),
        series: vec![],
        left_out: vec![],
        debug_build: cfg!(debug_assertions),
        program_sha256: program_sha256(),
        outputs: vec![],
    };
    // Random weights have no accuracy run to be compared with.
    if matches!(order.subject, SubjectName::Variant(_)) {
        report.outputs = checksums(subject)?;
    }
    for &task in &order.tasks {
        if fits(&task, &report.series) {
            let images = images_through_the_network(&report);
            let limits = order.length.limits(&task, order.extended);
            let series =
                timed(order, subject, task, &Limits { warm_up: limits.warm_up.after(images), ..limits }, clock)?;
            report.series.push(series);
        } else {
            report.left_out.push(task);
        }
    }
    Ok(report)
}

/// Images that the process has computed before its next series. They warm it up: on a slow machine most of a
/// measurement's time is warming up.
fn images_through_the_network(report: &WorkReport) -> usize {
    let through = report.series.iter().filter(|series| series.task.latency.is_headline());
    let of_series = through.map(|series| series.warm_up.images + series.task.batch * series.samples_ms.len());
    report.outputs.len() + of_series.sum::<usize>()
}

/// Calls the first task once and tells how long the process lives.
fn first_answer(order: &WorkOrder, subject: &Subject<'_>, clock: &dyn Clock) -> Result<f64, LatencyError> {
    if let Some(&task) = order.tasks.first() {
        let timed = Timed { subject, task };
        let input = timed.prepare(&vec![0; task.batch])?;
        timed.run(&input, &mut Laps::start(clock))?;
    }
    Ok(1e3 * clock.now().as_secs_f64())
}

/// Whether a batch will find memory: twice the last batch may take twice its memory.
fn fits(task: &Task, earlier: &[TaskReport]) -> bool {
    let smaller = earlier.iter().filter(|series| series.task.latency == task.latency && series.task.batch < task.batch);
    let peak = smaller.filter_map(|series| series.peak_memory_bytes).max();
    match (peak, memory_bytes("MemAvailable")) {
        (Some(peak), Some(available)) => peak.saturating_mul(2) < available,
        _ => true,
    }
}

fn timed(
    order: &WorkOrder,
    subject: &Subject<'_>,
    task: Task,
    limits: &Limits,
    clock: &dyn Clock,
) -> Result<TaskReport, LatencyError> {
    let inputs = Inputs { images: subject.images.len(), batch: task.batch, seed: order.seed };
    forget_peak();
    subject.model.forget_peak_device_memory()?;
    let (watch, before) = (ClockWatch::start(order.computed.execution.device), Ticks::now());
    let series = measure(&Timed { subject, task }, &inputs, limits, clock)?;
    let other_load = Ticks::now().zip(before).and_then(|(now, before)| now.other_load(before));
    let Series { warm_up, samples, detections, stop } = series;
    Ok(TaskReport {
        task,
        warm_up,
        stop,
        samples_ms: samples.iter().map(|sample| sample.ms).collect(),
        stages: stages(&samples),
        detections,
        peak_memory_bytes: peak_memory_bytes(),
        gpu_peak_memory_bytes: subject.model.peak_device_memory()?,
        clock: watch.finish(),
        other_load,
    })
}

/// The stages of all samples, in the order of the first. A stage that a sample had no call for, as
/// masks where nothing was found, took it no time.
fn stages(samples: &[Sample]) -> Vec<StageSamples> {
    let mut names: Vec<&'static str> = Vec::new();
    for (name, _) in samples.iter().flat_map(|sample| &sample.stages) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    let of = |sample: &Sample, name| sample.stages.iter().find(|stage| stage.0 == name).map_or(0.0, |stage| stage.1);
    let series = |name: &'static str| StageSamples {
        name: name.to_owned(),
        samples_ms: samples.iter().map(|sample| of(sample, name)).collect(),
    };
    names.into_iter().map(series).collect()
}

#[cfg(test)]
mod tests {
    use super::super::order::OutputChecksum;
    use super::super::sampling::{Stop, WarmedUp};
    use super::super::task::{Latency, Scenario};
    use super::*;

    #[test]
    fn stages_are_those_of_all_samples() {
        let samples = [
            Sample { ms: 3.0, stages: vec![("network", 2.0), ("masks", 1.0)] },
            Sample { ms: 2.0, stages: vec![("network", 2.0)] },
        ];
        let stages = stages(&samples);
        assert_eq!(stages[1], StageSamples { name: "masks".to_owned(), samples_ms: vec![1.0, 0.0] });
    }

    /// A series of no calls after a warm-up of 50 images.
    fn series(task: Task) -> TaskReport {
        TaskReport {
            task,
            warm_up: WarmedUp { seconds: 3.0, images: 50, settled: true },
            stop: Stop::Complete,
            samples_ms: vec![],
            stages: vec![],
            detections: 0,
            peak_memory_bytes: None,
            gpu_peak_memory_bytes: None,
            clock: Default::default(),
            other_load: None,
        }
    }

    #[test]
    fn images_that_went_through_the_network_are_counted() {
        let timed = |task, calls| TaskReport { samples_ms: vec![1.0; calls], ..series(task) };
        let batches = Task { scenario: Scenario::Offline, batch: 4, ..Task::single(Latency::Segment) };
        let output = OutputChecksum { image_id: 1, sha256: String::new() };
        let report = WorkReport {
            weights_sha256: String::new(),
            cold_start_ms: 0.0,
            images: 120,
            series: vec![timed(Task::single(Latency::Forward), 7), timed(batches, 5)],
            left_out: vec![],
            debug_build: false,
            program_sha256: None,
            outputs: vec![output; 8],
        };
        assert_eq!(images_through_the_network(&report), 8 + (50 + 7) + (50 + 4 * 5));
        let decoded = WorkReport { series: vec![timed(Task::single(Latency::Decode), 900)], ..report };
        assert_eq!(images_through_the_network(&decoded), 8, "decoding warms no network up");
    }

    #[test]
    fn a_batch_that_cannot_fit_is_left_out() {
        let task = |batch| Task { scenario: Scenario::Offline, batch, ..Task::single(Latency::Forward) };
        let series = |batch, peak_memory_bytes| TaskReport { peak_memory_bytes, ..series(task(batch)) };
        assert!(fits(&task(2), &[series(1, Some(1))]));
        if memory_bytes("MemAvailable").is_some() {
            assert!(!fits(&task(2), &[series(1, Some(u64::MAX))]));
        }
        assert!(fits(&task(1), &[]));
    }
}
