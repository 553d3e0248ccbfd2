//! The main job: every variant of a zoo, from checkpoint to a stored run.

use std::sync::atomic::{AtomicBool, Ordering};

use super::events::{Event, Observer};
use super::folder::RunFolder;
use super::job::Job;
use super::plan::Plan;
use super::record::{self, Progressed};
use super::{variant, RunError};
use crate::report::{RowStatus, RunRecord};

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
