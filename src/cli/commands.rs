//! One function a command: from arguments to a room's call to what is printed.

use std::path::{Path, PathBuf};

use clap::CommandFactory;

use super::args::{Cli, Command, PredictArgs, ReportArgs, RunArgs, ZooArgs};
use super::failure::{Failure, Kind};
use super::interrupt::{stop_on_interrupt, INTERRUPTED};
use super::output::{deliver, stdout_colour, width};
use super::progress::Progress;
use super::{compare, doctor, eval, exit, gate, latency, merge, zoo_json, zoo_table};
use crate::latency::{remove_latency, Verdict as LatencyVerdict};
use crate::model::Execution;
use crate::report::{self, Row, RowStatus, RunVerdict, StoredRun, Trend};
use crate::run::{self, Job, Outcome, Predicted, Prediction, RunError, Subset};
use crate::zoo::Zoo;

/// Runs a command and gives its exit code.
pub fn dispatch(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Run(args) => run(args),
        Command::Predict(args) => predict(args),
        Command::Eval(args) => eval::eval(&args),
        Command::Merge(args) => merge::merge(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Report(args) => report(&args),
        Command::Baseline(args) => gate::baseline(&args),
        Command::Gate(args) => gate::gate(&args),
        Command::Zoo(args) => zoo(&args),
        Command::Latency(args) => latency::latency(args, &INTERRUPTED),
        Command::Doctor(args) => doctor::doctor(&args),
        Command::LatencyWorker => latency::worker(),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "zoobench", &mut std::io::stdout());
            Ok(exit::DONE)
        }
    }
}

fn run(args: RunArgs) -> Result<u8, Failure> {
    let zoo = Zoo::load(&args.zoo)?;
    let out = args.out.unwrap_or_else(|| Path::new("runs").join(&zoo.name));
    let job = Job {
        zoo,
        data: args.data,
        weights: args.weights,
        annotations: args.annotations,
        variants: args.variants,
        subset: Subset { list: args.images, limit: args.limit },
        out,
        results: args.results.into(),
        compute: args.compute.compute(),
    };
    stop_on_interrupt();
    let outcome = run::run(&job, &Progress::new(), &INTERRUPTED)?;
    if outcome.count(RowStatus::Done) == 0 {
        return Err(nothing_done(&outcome));
    }
    // An earlier run's latencies are none of this one.
    remove_latency(&job.out)?;
    let mut stored = StoredRun::read(&job.out)?;
    render(&stored, &job.out)?;
    let mut verdict = LatencyVerdict::Valid;
    if let Some(length) = args.latency.filter(|_| !outcome.interrupted) {
        verdict = latency::time_run(&args.zoo, &job, done(&outcome), length, &INTERRUPTED)?;
        stored = StoredRun::read(&job.out)?;
        render(&stored, &job.out)?;
    }
    let table = || report::terminal(&stored, stdout_colour(), width());
    deliver(args.json.as_deref(), table, || report::json(&stored))?;
    Ok(match run_code(&outcome, &stored) {
        exit::DONE if verdict == LatencyVerdict::Invalid => exit::INVALID,
        code => code,
    })
}

/// Names of the variants that were evaluated.
fn done(outcome: &Outcome) -> Vec<String> {
    let done = outcome.record.rows.iter().filter(|row| row.status == RowStatus::Done);
    done.map(|row| row.variant.clone()).collect()
}

/// Writes a run's report into its folder.
fn render(stored: &StoredRun, folder: &Path) -> Result<(), Failure> {
    report::write(stored, folder)?;
    eprintln!("report: {}", folder.join("report.md").display());
    Ok(())
}

/// Why no row was evaluated.
fn nothing_done(outcome: &Outcome) -> Failure {
    if outcome.interrupted {
        return Failure::of_kind(Kind::Interrupted, "interrupted; no variant was finished");
    }
    let rows = outcome.record.rows.iter().filter(|row| row.status == RowStatus::NoWeights);
    let line = |row: &Row| format!("\n  {}: {}", row.variant, row.detail.as_deref().unwrap_or("no weights"));
    let lines: String = rows.map(line).collect();
    Failure::of_kind(Kind::NothingEvaluated, format!("nothing was evaluated{lines}"))
}

fn run_code(outcome: &Outcome, stored: &StoredRun) -> u8 {
    if outcome.interrupted {
        return exit::INTERRUPTED;
    }
    let differs = report::run_verdict(stored) == RunVerdict::Differs;
    if outcome.count(RowStatus::Failed) > 0 || differs {
        exit::FAILED
    } else {
        exit::DONE
    }
}

fn predict(args: PredictArgs) -> Result<u8, Failure> {
    let job = Prediction {
        weights: args.weights,
        annotations: args.annotations,
        data: args.data,
        out: args.out,
        prompts: args.prompts,
        timing: args.timing,
        subset: Subset { list: args.images, limit: args.limit },
        compute: args.compute.compute(),
    };
    stop_on_interrupt();
    let progress = Progress::new();
    match run::predict(&job, &progress, &INTERRUPTED) {
        Ok(written) => {
            warn_of_sizes(written.size_mismatches);
            eprintln!("{}: {} detections in {} images", job.out.display(), written.detections, written.images);
            if args.json.is_some() {
                deliver(args.json.as_deref(), String::new, || predicted(&job.out, job.compute.execution, &written))?;
            }
            Ok(exit::DONE)
        }
        Err(RunError::Interrupted) => Err(Failure::of_kind(Kind::Interrupted, "interrupted; nothing was written")),
        Err(error) => Err(error.into()),
    }
}

/// What `predict --json` tells.
fn predicted(out: &Path, execution: Execution, written: &Predicted) -> String {
    let document = serde_json::json!({
        "schema_version": 1,
        "results": out.display().to_string(),
        "device": execution.device.to_string(),
        "engine": execution.engine.name(),
        "dtype": execution.precision.name(),
        "images": written.images,
        "detections": written.detections,
        "image_size_mismatches": written.size_mismatches,
    });
    format!("{document:#}\n")
}

fn warn_of_sizes(mismatches: u64) {
    if mismatches > 0 {
        eprintln!("warning: {mismatches} images have another size than annotated; the decoded size counts, as in the reference");
    }
}

fn report(args: &ReportArgs) -> Result<u8, Failure> {
    // All are read before anything is written.
    let stored = args.runs.iter().map(|folder| StoredRun::read(folder)).collect::<Result<Vec<_>, _>>()?;
    for (run, folder) in stored.iter().zip(&args.runs) {
        render(run, folder)?;
    }
    let tables = stored.iter().map(|run| report::terminal(run, stdout_colour(), width())).collect::<Vec<_>>();
    match &stored[..] {
        [run] => deliver(args.json.as_deref(), || tables.concat(), || report::json(run))?,
        _ => trend(args, &stored, &tables.join("\n"))?,
    }
    Ok(exit::DONE)
}

/// Writes the trend of several runs and shows it below their own tables.
fn trend(args: &ReportArgs, stored: &[StoredRun], tables: &str) -> Result<(), Failure> {
    let names = args.runs.iter().map(|folder| folder.display().to_string());
    let trend = Trend::of(&names.zip(stored).collect::<Vec<_>>());
    let last = args.runs.last().map(PathBuf::as_path);
    let folder = args.out.as_deref().or(last).unwrap_or(Path::new("."));
    report::write_trend(&trend, folder)?;
    eprintln!("trend: {}", folder.join("trend.md").display());
    let shown = || format!("{tables}\n{}", report::trend_terminal(&trend, stdout_colour(), width()));
    deliver(args.json.as_deref(), shown, || report::trend_json(&trend))
}

fn zoo(args: &ZooArgs) -> Result<u8, Failure> {
    let (weights, data) = (args.weights.as_deref(), args.data.as_deref());
    let (text, document) = match &args.zoo {
        None => (zoo_table::zoos(width())?, zoo_json::zoos()?),
        Some(name) => {
            let zoo = Zoo::load(name)?;
            (zoo_table::zoo(&zoo, weights, data, width()), zoo_json::zoo(&zoo, weights))
        }
    };
    deliver(args.json.as_deref(), || text, || document)?;
    Ok(exit::DONE)
}
