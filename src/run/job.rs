//! The main job: every variant of a zoo, from checkpoint to a stored run.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::events::{Event, Observer};
use super::folder::RunFolder;
use super::inputs::Subset;
use super::plan::Plan;
use super::record::{self, Progressed};
use super::{variant, RunError};
use crate::report::{RowStatus, RunRecord};
use crate::zoo::Zoo;

/// How the network is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compute {
    /// Name of the device: `cpu`.
    pub device: String,
    /// Images a network call.
    pub batch: usize,
    /// Threads; all cores if `None`.
    pub threads: Option<usize>,
}

impl Compute {
    /// Threads of the pool.
    pub fn threads(&self) -> usize {
        self.threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |cores| cores.get()))
    }

    /// The pool in which everything is computed.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn pool(&self) -> Result<rayon::ThreadPool, RunError> {
        // A worker may hold several images' frames on its stack, one stolen inside another.
        let builder = rayon::ThreadPoolBuilder::new().stack_size(16 << 20);
        builder.num_threads(self.threads()).build().map_err(RunError::Threads)
    }
}

/// What to run.
#[derive(Debug, Clone)]
pub struct Job {
    /// The zoo.
    pub zoo: Zoo,
    /// Data root; the zoo's own files if `None`.
    pub data: Option<PathBuf>,
    /// Folder of weights; the zoo's own files if `None`.
    pub weights: Option<PathBuf>,
    /// Annotation file, if not the one that the zoo names below the data root.
    pub annotations: Option<PathBuf>,
    /// Names of variants; all if empty.
    pub variants: Vec<String>,
    /// Which images.
    pub subset: Subset,
    /// Where the run is stored.
    pub out: PathBuf,
    /// How the network is computed.
    pub compute: Compute,
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The stored run.
    pub record: RunRecord,
    /// Whether it was interrupted.
    pub interrupted: bool,
}

impl Outcome {
    /// Rows with this status.
    pub fn count(&self, status: RowStatus) -> usize {
        self.record.rows.iter().filter(|row| row.status == status).count()
    }
}

/// Runs a job. A variant that fails is reported in its row and the others go on.
///
/// `interrupted` may be set from outside at any time; the variant under way is then dropped.
///
/// # Errors
/// Whatever can be refused before anything is computed, an image that cannot be used (it would fail
/// every variant), and, where no variant could be evaluated, the first variant's failure. Nothing
/// is left at [`Job::out`] then.
pub fn run(job: &Job, observer: &dyn Observer, interrupted: &AtomicBool) -> Result<Outcome, RunError> {
    let plan = Plan::check(job)?;
    let folder = RunFolder::open(&job.out)?;
    let outcome = run_variants(&plan, &folder, observer, interrupted);
    if !outcome.as_ref().is_ok_and(|outcome| outcome.count(RowStatus::Done) > 0) {
        folder.discard();
    }
    outcome
}

fn run_variants(
    plan: &Plan<'_>,
    folder: &RunFolder,
    observer: &dyn Observer,
    interrupted: &AtomicBool,
) -> Result<Outcome, RunError> {
    let mut rows: Vec<Progressed> = plan.variants.iter().map(|_| Progressed::pending()).collect();
    let mut first_failure = None;
    for (index, planned) in plan.variants.iter().enumerate() {
        rows[index] = match variant::run(plan, planned, folder, observer, interrupted) {
            Ok(row) => row,
            Err(RunError::Interrupted) => break,
            Err(error) if error.fails_every_variant() => return Err(error),
            Err(error) => {
                let reason = error.to_string();
                observer.event(&Event::VariantFailed { variant: &planned.variant.name, reason: &reason });
                first_failure.get_or_insert(error);
                Progressed { status: RowStatus::Failed, detail: Some(reason) }
            }
        };
        if rows[index].status == RowStatus::Done {
            // Whatever ends this process, what is finished is a run that can be read.
            folder.write_record(&record::run_record(plan, &rows, true))?;
        }
    }
    finish(plan, folder, &rows, first_failure, interrupted.load(Ordering::Relaxed))
}

/// The outcome; the first failure itself where nothing at all could be evaluated.
fn finish(
    plan: &Plan<'_>,
    folder: &RunFolder,
    rows: &[Progressed],
    first_failure: Option<RunError>,
    interrupted: bool,
) -> Result<Outcome, RunError> {
    let evaluated = rows.iter().any(|row| row.status == RowStatus::Done);
    match first_failure {
        Some(error) if !evaluated && !interrupted => return Err(error),
        _ => {}
    }
    let record = record::run_record(plan, rows, interrupted);
    if evaluated {
        folder.write_record(&record)?;
    }
    Ok(Outcome { record, interrupted })
}
