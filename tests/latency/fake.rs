//! Measuring processes that take no time: their clock is simulated and their findings are made up.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zoobench::dataset::{write_results, Record};
use zoobench::latency::{
    measure, measure_latency, ClockReadings, Computed, Inputs, Laps, LatencyError, LatencyJob, Launcher, Length,
    Measured, OutputChecksum, SimulatedClock, StageSamples, SubjectName, Task, TaskReport, WorkOrder, WorkReport,
    Workload,
};
use zoobench::model::{Device, Engine};
use zoobench::zoo::Zoo;

/// What the made-up accuracy run and the made-up processes say of the program.
const PROGRAM: &str = "5eed";

/// Milliseconds of a call of a task, by the process and the number of the call.
type Milliseconds<'a> = Box<dyn Fn(&Task, usize, usize) -> f64 + 'a>;

/// Spoils a report, knowing the order and the number of the process.
type Spoil<'a> = Box<dyn Fn(&WorkOrder, usize, &mut WorkReport) + 'a>;

/// Starts nothing.
pub struct Fake<'a> {
    /// Milliseconds of a call of a task, by process and call.
    ms: Milliseconds<'a>,
    spoil: Spoil<'a>,
    pub orders: RefCell<Vec<WorkOrder>>,
}

impl<'a> Fake<'a> {
    /// Calls of some 100 ms an image with a little noise.
    pub fn quiet() -> Self {
        Self::taking(|task, _, call| task.batch as f64 * (100.0 + 0.1 * (call % 7) as f64))
    }

    pub fn taking(ms: impl Fn(&Task, usize, usize) -> f64 + 'a) -> Self {
        Self { ms: Box::new(ms), spoil: Box::new(|_, _, _| {}), orders: RefCell::default() }
    }

    pub fn spoiled(self, spoil: impl Fn(&WorkOrder, usize, &mut WorkReport) + 'a) -> Self {
        Self { spoil: Box::new(spoil), ..self }
    }
}

impl Launcher for Fake<'_> {
    fn launch(&self, order: &WorkOrder) -> Result<WorkReport, LatencyError> {
        let process = self.orders.borrow().len();
        self.orders.borrow_mut().push(order.clone());
        let series = order.tasks.iter().map(|task| self.series(order, *task, process));
        let mut report = WorkReport {
            weights_sha256: weights(&order.subject),
            cold_start_ms: 500.0,
            images: 120,
            series: series.collect::<Result<_, _>>()?,
            left_out: vec![],
            debug_build: false,
            program_sha256: Some(PROGRAM.to_owned()),
            outputs: vec![],
        };
        if matches!(order.subject, SubjectName::Variant(_)) {
            report.outputs = [1, 2, 3].map(found).to_vec();
        }
        (self.spoil)(order, process, &mut report);
        Ok(report)
    }
}

impl Fake<'_> {
    fn series(&self, order: &WorkOrder, task: Task, process: usize) -> Result<TaskReport, LatencyError> {
        let clock = SimulatedClock::default();
        let ms = |call| (self.ms)(&task, process, call);
        let work = Scripted { clock: &clock, ms: &ms, calls: Cell::new(0) };
        let inputs = Inputs { images: 120, batch: task.batch, seed: order.seed };
        let series = measure(&work, &inputs, &order.length.limits(&task, order.extended), &clock)?;
        let stage = |index: usize| StageSamples {
            name: series.samples[0].stages[index].0.to_owned(),
            samples_ms: series.samples.iter().map(|sample| sample.stages[index].1).collect(),
        };
        Ok(TaskReport {
            task,
            warm_up: series.warm_up,
            stop: series.stop,
            samples_ms: series.samples.iter().map(|sample| sample.ms).collect(),
            stages: vec![stage(0), stage(1)],
            detections: series.detections,
            peak_memory_bytes: Some(1 << 28),
            gpu_peak_memory_bytes: None,
            clock: ClockReadings { readings: 100, throttled: 0, mean_mhz: Some(2000.0) },
            other_load: Some(0.01),
        })
    }
}

struct Scripted<'a> {
    clock: &'a SimulatedClock,
    ms: &'a dyn Fn(usize) -> f64,
    calls: Cell<usize>,
}

impl Workload for Scripted<'_> {
    type Input = f64;

    fn prepare(&self, _images: &[usize]) -> Result<f64, LatencyError> {
        self.calls.set(self.calls.get() + 1);
        Ok((self.ms)(self.calls.get() - 1))
    }

    fn run(&self, &ms: &f64, laps: &mut Laps<'_>) -> Result<usize, LatencyError> {
        let pass = |share: f64| self.clock.advance(Duration::from_secs_f64(share * ms / 1e3));
        laps.lap("network", || pass(0.75));
        laps.lap("masks", || pass(0.25));
        Ok(3)
    }
}

fn weights(subject: &SubjectName) -> String {
    match subject {
        SubjectName::Variant(name) => format!("{:0>64}", if name == "shapes_v1" { "1" } else { "2" }),
        SubjectName::Random(_) => "0".repeat(64),
    }
}

fn records(image_id: i64) -> Vec<Record> {
    let record = |category_id| Record {
        image_id,
        category_id,
        score: 0.1 + 0.2,
        bbox: Some([1.0, 2.0, 3.0, 4.5]),
        segmentation: None,
    };
    (0..image_id).map(record).collect()
}

/// What the processes find in an image: what stands in the accuracy run's results.
fn found(image_id: i64) -> OutputChecksum {
    let mut text = Vec::new();
    write_results(&mut text, records(image_id).iter()).expect("memory takes it");
    let sha256 = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    OutputChecksum { image_id, sha256 }
}

/// A complete accuracy run of the weights that the processes time: the recorded one, made theirs.
pub fn accuracy() -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/shapes-2026-11-24");
    fs::copy(recorded.join("run.json"), folder.path().join("run.json")).expect("the recorded run");
    edit(&folder.path().join("run.json"), |run| {
        run["zoobench_version"] = env!("CARGO_PKG_VERSION").into();
        run["program_sha256"] = PROGRAM.into();
    });
    for variant in ["shapes_v1", "shapes_v2"] {
        let place = folder.path().join(variant);
        fs::create_dir(&place).expect("a folder");
        fs::copy(recorded.join(variant).join("metrics.json"), place.join("metrics.json")).expect("recorded metrics");
        let sha256 = weights(&SubjectName::Variant(variant.to_owned()));
        edit(&place.join("metrics.json"), |metrics| {
            metrics["weights_sha256"] = sha256.into();
            metrics["engine"] = Engine::default().name().into();
        });
        let all: Vec<Record> = (1..9).flat_map(records).collect();
        write_results(fs::File::create(place.join("results.json")).expect("a file"), all.iter()).expect("written");
    }
    folder
}

/// Changes a JSON file.
pub fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).expect("a file")).expect("JSON");
    change(&mut value);
    fs::write(path, value.to_string()).expect("our folder");
}

/// A quick measurement of both shapes, tied to `accuracy`.
pub fn job(accuracy: Option<&Path>) -> LatencyJob {
    LatencyJob {
        zoo: Zoo::builtin("shapes").expect("it is built in"),
        zoo_argument: "shapes".to_owned(),
        data: None,
        weights: None,
        variants: vec![],
        random_weights: None,
        computed: Computed { execution: Device::Cpu.into(), threads: Some(1) },
        length: Length::Quick,
        seed: 1,
        accuracy: accuracy.map(PathBuf::from),
        base: None,
    }
}

pub fn measured(job: &LatencyJob, fake: &Fake<'_>) -> Measured {
    measure_latency(job, fake, &|_, _, _| {}, &AtomicBool::new(false)).expect("a measurement")
}

/// The reasons of a measurement that is tied to a good accuracy run.
pub fn reasons(fake: &Fake<'_>) -> Vec<String> {
    let accuracy = accuracy();
    measured(&job(Some(accuracy.path())), fake).record.reasons
}
