//! The whole measurement: processes in random order, rows, verdict, comparison.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::accuracy::Accuracy;
use super::combine::{rows, Named, Row};
use super::comparison::{compare, Change, Comparison};
use super::images::PINNED;
use super::launch::Launcher;
use super::length::Length;
use super::machine_record::machine_record;
use super::machine_state::MachineState;
use super::notes;
use super::order::{Computed, SubjectName, WorkOrder, WorkReport};
use super::random::{hash, Draws};
use super::random_weights::RandomWeights;
use super::record::{LatencyRecord, MachineRecord, Measurement, Verdict, LATENCY_SCHEMA_VERSION};
use super::stored::read_record;
use super::task::{Latency, Scenario, Task};
use super::verdict::{row_reasons, Reason};
use super::LatencyError;
use crate::model::{Device, Engine, Execution};
use crate::run::{Job, Plan, ResultsFile, RunError, Subset, WeightsPlace};
use crate::zoo::{speed_rows, SpeedRow, Zoo};

/// What to measure.
#[derive(Debug, Clone)]
pub struct LatencyJob {
    /// The zoo.
    pub zoo: Zoo,
    /// Its name or file, as given: the measuring processes load it again.
    pub zoo_argument: String,
    /// Data root; the zoo's own files if `None`.
    pub data: Option<PathBuf>,
    /// Folder of weights; the zoo's own files if `None`.
    pub weights: Option<PathBuf>,
    /// Names of variants; all that have weights if empty.
    pub variants: Vec<String>,
    /// An architecture with random weights, in place of the variants.
    pub random_weights: Option<String>,
    /// How the network is computed.
    pub computed: Computed,
    /// How long.
    pub length: Length,
    /// Of everything that is drawn.
    pub seed: u64,
    /// Folder of the accuracy run of the same weights.
    pub accuracy: Option<PathBuf>,
    /// JSON file of the measurement to compare with.
    pub base: Option<PathBuf>,
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// Everything but the samples.
    pub record: LatencyRecord,
    /// Milliseconds of every timed call, for each measurement.
    pub samples: Vec<Vec<f64>>,
}

/// Told before each process: how many are done, of how many, and whose turn it is.
pub type OnProcess<'a> = &'a dyn Fn(usize, usize, &str);

/// Measures `job`.
///
/// # Errors
/// Whatever is refused before anything is measured (unknown names, no weights, a base of another
/// machine, a folder that is no accuracy run or keeps no results file), a process that fails, or an interruption.
pub fn measure_latency(
    job: &LatencyJob,
    launcher: &dyn Launcher,
    on_process: OnProcess<'_>,
    interrupted: &AtomicBool,
) -> Result<Measured, LatencyError> {
    let (subjects, mut notes, command) = subjects(job)?;
    let published_speeds = published_speeds(job)?;
    let machine = machine_record(&job.computed);
    let accuracy = Accuracy::read(job.accuracy.as_deref(), command)?;
    accuracy.check_results(subjects.iter().filter_map(Subject::tied))?;
    let base = job.base.as_deref().map(|path| read_record(path, &machine)).transpose()?;
    let session = Session { job, subjects: &subjects, launcher, on_process, interrupted };
    let mut taken = session.measure(job.seed)?;
    let mut comparisons = Vec::new();
    if let (Some(base), Some(path)) = (&base, &job.base) {
        comparisons = session.compare(&base.measurements, &mut taken)?;
        if comparisons.is_empty() {
            let what = subjects.iter().map(|subject| subject.variant.as_str()).collect::<Vec<_>>().join(", ");
            return Err(LatencyError::NothingInCommon { path: path.clone(), what });
        }
    }
    let Taken { rows, reports, during } = taken;
    notes.extend(session.notes(&reports));
    let (mut rows, samples): (Vec<Measurement>, Vec<Vec<f64>>) = rows.into_iter().unzip();
    rows.iter_mut().for_each(|row| row.mask_ap = accuracy.mask_ap(row));
    notes.extend(base.as_ref().and_then(notes::of_base));
    let (debug_build, after) = (any_debug_build(&reports), MachineState::now());
    let machine = MachineRecord { debug_build, during, after, ..machine };
    notes.extend(notes::of_machine(&machine, job.computed.execution.device));
    let reasons = reasons(job, &machine, accuracy.reasons(&rows, &reports)?, &rows, &comparisons);
    let record = record(job, machine, rows, comparisons, &reasons, notes);
    Ok(Measured { record: LatencyRecord { published_speeds, ..record }, samples })
}

fn record(
    job: &LatencyJob,
    machine: MachineRecord,
    measurements: Vec<Measurement>,
    comparisons: Vec<Comparison>,
    reasons: &[Reason],
    notes: Vec<String>,
) -> LatencyRecord {
    LatencyRecord {
        schema_version: LATENCY_SCHEMA_VERSION,
        zoobench_version: env!("CARGO_PKG_VERSION").to_owned(),
        verdict: if reasons.is_empty() { Verdict::Valid } else { Verdict::Invalid },
        reasons: reasons.iter().map(ToString::to_string).collect(),
        notes,
        zoo: job.zoo.name.clone(),
        length: job.length,
        seed: job.seed,
        processes: job.length.processes(),
        machine,
        measurements,
        comparisons,
        published_speeds: vec![],
    }
}

/// What was published of these architectures: the published ones alone, with their weights or random ones.
fn published_speeds(job: &LatencyJob) -> Result<Vec<SpeedRow>, LatencyError> {
    let speeds = if job.random_weights.is_some() { speed_rows() } else { job.zoo.context().map(|all| all.speeds) };
    Ok(speeds.map_err(RunError::from)?)
}

fn any_debug_build(reports: &Reports) -> bool {
    reports.values().flatten().any(|report| report.debug_build)
}

fn reasons(
    job: &LatencyJob,
    machine: &MachineRecord,
    accuracy: Vec<Reason>,
    rows: &[Measurement],
    comparisons: &[Comparison],
) -> Vec<Reason> {
    let debug = machine.debug_build.then_some(Reason::DebugBuild);
    let trial = (job.length == Length::Trial).then_some(Reason::TrialLength);
    let ambiguous = comparisons.iter().filter(|comparison| comparison.change == Change::Ambg);
    let ambiguous = ambiguous.map(|comparison| Reason::Ambiguous {
        row: rows[comparison.measurement].describe(),
        difference: comparison.difference,
    });
    let by_row = rows.iter().flat_map(row_reasons);
    debug.into_iter().chain(trial).chain(accuracy).chain(by_row).chain(ambiguous).collect()
}

/// One whose weights are timed.
struct Subject {
    name: SubjectName,
    /// Name of its rows.
    variant: String,
    tasks: Vec<Task>,
}

impl Subject {
    /// Its variant, if its weights are those of an accuracy run.
    fn tied(&self) -> Option<&str> {
        matches!(self.name, SubjectName::Variant(_)).then_some(&self.variant)
    }
}

/// Who is measured, what is to be noted of it, and the command that makes their accuracy run.
fn subjects(job: &LatencyJob) -> Result<(Vec<Subject>, Vec<String>, String), LatencyError> {
    let checked = evaluation(job);
    let plan = Plan::check(&checked)?;
    let mut notes = vec![];
    if plan.samples.len() < PINNED {
        notes.push(format!("inputs are drawn from {} images; the protocol asks for {PINNED}", plan.samples.len()));
    }
    if let Some(name) = &job.random_weights {
        let tasks = job.length.tasks().into_iter().filter(|task| task.latency == Latency::Forward).collect();
        let variant = RandomWeights::of(name)?.variant();
        let subject = Subject { name: SubjectName::Random(name.clone()), variant, tasks };
        return Ok((vec![subject], notes, command(job)));
    }
    let (mut subjects, mut absent) = (vec![], vec![]);
    for planned in &plan.variants {
        let variant = planned.variant.name.clone();
        match &planned.weights {
            WeightsPlace::NotAsked => {}
            WeightsPlace::Absent(path) => absent.push((variant, path.display().to_string())),
            WeightsPlace::File(_) | WeightsPlace::Embedded(..) => {
                subjects.push(Subject {
                    name: SubjectName::Variant(variant.clone()),
                    variant,
                    tasks: job.length.tasks(),
                });
            }
        }
    }
    if subjects.is_empty() {
        let (variants, places) = absent.into_iter().unzip();
        return Err(LatencyError::NoWeights { zoo: job.zoo.name.clone(), variants, places });
    }
    notes.extend(absent.into_iter().map(|(variant, place)| format!("{variant}: not measured: no weights at {place}")));
    Ok((subjects, notes, command(job)))
}

/// The evaluation whose inputs and refusals are the measurement's too.
fn evaluation(job: &LatencyJob) -> Job {
    Job {
        zoo: job.zoo.clone(),
        data: job.data.clone(),
        weights: job.weights.clone().or_else(|| job.random_weights.as_ref().and(job.data.clone())),
        annotations: None,
        variants: job.variants.clone(),
        subset: Subset::default(),
        out: PathBuf::new(),
        results: ResultsFile::None,
        compute: job.computed.compute(),
    }
}

fn command(job: &LatencyJob) -> String {
    let path = |flag: &str, path: &Option<PathBuf>| {
        path.as_ref().map(|path| format!(" {flag} {}", path.display())).unwrap_or_default()
    };
    let (data, weights) = (path("--data", &job.data), path("--weights", &job.weights));
    let computed = computed_arguments(job.computed.execution);
    format!("zoobench run --zoo {}{data}{weights}{computed} --out runs/{}", job.zoo_argument, job.zoo.name)
}

/// The arguments of an execution other than the default.
fn computed_arguments(execution: Execution) -> String {
    let Execution { device, engine, precision } = execution;
    let usual = Execution::from(device);
    let device = (device != Device::Cpu).then(|| format!(" --device {device}"));
    let engine = (engine != usual.engine).then(|| match engine {
        Engine::FastExact => " --exact".to_owned(),
        _ => format!(" --engine {}", engine.name()),
    });
    let dtype = (precision != usual.precision).then(|| format!(" --dtype {}", precision.name()));
    [device, engine, dtype].into_iter().flatten().collect()
}

/// What the processes of each variant told, in the order in which they ran.
type Reports = BTreeMap<String, Vec<WorkReport>>;

/// What one pass over all processes gave.
struct Taken {
    rows: Vec<Row>,
    reports: Reports,
    /// The machine between two processes.
    during: Vec<MachineState>,
}

struct Session<'a> {
    job: &'a LatencyJob,
    subjects: &'a [Subject],
    launcher: &'a dyn Launcher,
    on_process: OnProcess<'a>,
    interrupted: &'a AtomicBool,
}

impl Session<'_> {
    /// One round a process, each in an order of its own, so that a change of the machine in time
    /// falls on all variants alike.
    fn measure(&self, seed: u64) -> Result<Taken, LatencyError> {
        let processes = self.job.length.processes();
        let (mut reports, mut during) = (Reports::new(), Vec::new());
        let mut draws = Draws::new(seed ^ hash("order of processes"));
        let (began, all) = (Instant::now(), processes * self.subjects.len());
        for round in 0..processes {
            let mut order: Vec<usize> = (0..self.subjects.len()).collect();
            draws.shuffle(&mut order);
            for (position, index) in order.into_iter().enumerate() {
                if self.interrupted.load(Ordering::Relaxed) {
                    return Err(LatencyError::Interrupted);
                }
                let subject = &self.subjects[index];
                let done = round * self.subjects.len() + position;
                if done > 0 {
                    during.push(MachineState::now());
                }
                (self.on_process)(done, all, &subject.variant);
                let extended = self.job.length.may_extend(began.elapsed(), all - done);
                let report = self.launch(subject, round, extended, &mut draws)?;
                reports.entry(subject.variant.clone()).or_default().push(report);
            }
        }
        let of = |subject: &Subject| rows(&self.named(subject), &subject.tasks, &reports[&subject.variant]);
        let rows = self.subjects.iter().flat_map(of).collect();
        Ok(Taken { rows, reports, during })
    }

    fn launch(
        &self,
        subject: &Subject,
        round: usize,
        extended: bool,
        draws: &mut Draws,
    ) -> Result<WorkReport, LatencyError> {
        let job = self.job;
        let order = WorkOrder {
            zoo: job.zoo_argument.clone(),
            data: job.data.clone(),
            weights: job.weights.clone(),
            subject: subject.name.clone(),
            computed: job.computed.clone(),
            length: job.length,
            extended,
            // Each round has inputs of its own, the same for all variants.
            seed: job.seed.wrapping_add(round as u64),
            tasks: shuffled(&subject.tasks, draws),
        };
        let report = self.launcher.launch(&order);
        // The interrupt has ended the process too: its failure is none to report.
        if self.interrupted.load(Ordering::Relaxed) {
            return Err(LatencyError::Interrupted);
        }
        report
    }

    fn named<'b>(&'b self, subject: &'b Subject) -> Named<'b> {
        let random_weights = matches!(subject.name, SubjectName::Random(_));
        Named { variant: &subject.variant, computed: &self.job.computed, random_weights }
    }

    fn notes(&self, reports: &Reports) -> Vec<String> {
        let of = |subject: &Subject| notes::of_variant(&subject.variant, &reports[&subject.variant]);
        self.subjects.iter().flat_map(of).collect()
    }

    /// Compares with the base; where that is ambiguous, measures once more and lets that decide.
    fn compare(&self, base: &[Measurement], taken: &mut Taken) -> Result<Vec<Comparison>, LatencyError> {
        let rows = |taken: &Taken| taken.rows.iter().map(|row| row.0.clone()).collect::<Vec<_>>();
        let first = compare(base, &rows(taken));
        if first.iter().all(|comparison| comparison.change != Change::Ambg) {
            return Ok(first);
        }
        *taken = self.measure(self.job.seed ^ hash("confirmation"))?;
        let mut second = compare(base, &rows(taken));
        second.iter_mut().for_each(|comparison| comparison.confirmed = true);
        Ok(second)
    }
}

/// Single queries in random order, then batches as they rise: a larger one asks the smaller one's
/// memory.
fn shuffled(tasks: &[Task], draws: &mut Draws) -> Vec<Task> {
    let (mut single, batches): (Vec<Task>, Vec<Task>) =
        tasks.iter().partition(|task| task.scenario == Scenario::Single);
    draws.shuffle(&mut single);
    single.into_iter().chain(batches).collect()
}
