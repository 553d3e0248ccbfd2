//! One function a command: from arguments to a room's call to what is printed.

use std::path::Path;

use clap::CommandFactory;

use super::args::{Cli, Command, ComputeArgs, EvalArgs, PredictArgs, ReportArgs, RunArgs, ZooArgs};
use super::eval_table::deliver;
use super::failure::Failure;
use super::interrupt::{stop_on_interrupt, INTERRUPTED};
use super::output::{print, stdout_colour, width};
use super::progress::Progress;
use super::{compare, exit, gate, latency, merge, zoo_table};
use crate::dataset::{read_image_ids, write_whole, Annotations};
use crate::evaluation::{Evaluator, Options};
use crate::report::{self, RowStatus, RunVerdict, StoredRun};
use crate::run::{self, Compute, Job, Outcome, Prediction, RunError, Subset};
use crate::zoo::Zoo;

/// Runs a command and gives its exit code.
pub fn dispatch(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Run(args) => run(args),
        Command::Predict(args) => predict(args),
        Command::Eval(args) => eval(&args),
        Command::Merge(args) => merge::merge(&args),
        Command::Compare(args) => compare::compare(&args),
        Command::Report(args) => report(&args),
        Command::Baseline(args) => gate::baseline(&args),
        Command::Gate(args) => gate::gate(&args),
        Command::Zoo(args) => zoo(&args),
        Command::Latency(args) => latency::latency(args, &INTERRUPTED),
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
        compute: compute(&args.compute),
    };
    stop_on_interrupt();
    let outcome = run::run(&job, &Progress::new(), &INTERRUPTED)?;
    if outcome.count(RowStatus::Done) == 0 {
        return Ok(nothing_done(&outcome));
    }
    let stored = StoredRun::read(&job.out)?;
    render(&stored, &job.out)?;
    Ok(run_code(&outcome, &stored))
}

/// Writes a run's report into its folder and prints it.
fn render(stored: &StoredRun, folder: &Path) -> Result<(), Failure> {
    report::write(stored, folder)?;
    print(&report::terminal(stored, stdout_colour(), width()));
    eprintln!("report: {}", folder.join("report.md").display());
    Ok(())
}

/// The exit code where no row was evaluated; says why unless the user knows.
fn nothing_done(outcome: &Outcome) -> u8 {
    if outcome.interrupted {
        return exit::INTERRUPTED;
    }
    eprintln!("zoobench: nothing was evaluated");
    for row in outcome.record.rows.iter().filter(|row| row.status == RowStatus::NoWeights) {
        eprintln!("  {}: {}", row.variant, row.detail.as_deref().unwrap_or("no weights"));
    }
    exit::NOTHING_EVALUATED
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
        subset: Subset { list: args.images, limit: args.limit },
        compute: compute(&args.compute),
    };
    stop_on_interrupt();
    let progress = Progress::new();
    match run::predict(&job, &progress, &INTERRUPTED) {
        Ok(written) => {
            warn_of_sizes(written.size_mismatches);
            eprintln!("{}: {} detections in {} images", job.out.display(), written.detections, written.images);
            Ok(exit::DONE)
        }
        Err(RunError::Interrupted) => Err(Failure::with_code(exit::INTERRUPTED, "interrupted; nothing was written")),
        Err(error) => Err(error.into()),
    }
}

fn warn_of_sizes(mismatches: u64) {
    if mismatches > 0 {
        eprintln!("warning: {mismatches} images have another size than annotated; the decoded size counts, as in the reference");
    }
}

fn eval(args: &EvalArgs) -> Result<u8, Failure> {
    let options = Options { iou: args.iou.into(), area: args.area.into(), ..Options::default() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, usize::from)).build()?;
    let (state, report) = pool.install(|| -> Result<_, Failure> {
        let annotations = Annotations::read(&args.gt)?;
        let mut evaluator = Evaluator::new(&annotations, options)?;
        if let Some(list) = &args.images {
            evaluator = evaluator.select(&read_image_ids(list)?)?;
        }
        let state = evaluator.state(evaluator.file(&args.dt)?, &args.dt.display().to_string())?;
        let report = args.intervals.report(&state);
        Ok((state, report))
    })?;
    if let Some(path) = &args.save_state {
        write_whole(path, &state.to_bytes()).map_err(|error| Failure::unwritable(path, &error))?;
    }
    deliver(&report, args.json.as_deref())?;
    Ok(exit::DONE)
}

fn report(args: &ReportArgs) -> Result<u8, Failure> {
    // All are read before anything is written.
    let stored = args.runs.iter().map(|folder| StoredRun::read(folder)).collect::<Result<Vec<_>, _>>()?;
    for (run, folder) in stored.iter().zip(&args.runs) {
        render(run, folder)?;
    }
    Ok(exit::DONE)
}

fn zoo(args: &ZooArgs) -> Result<u8, Failure> {
    let text = match &args.zoo {
        None => zoo_table::zoos(width())?,
        Some(name) => zoo_table::zoo(&Zoo::load(name)?, args.weights.as_deref(), args.data.as_deref(), width()),
    };
    print(&text);
    Ok(exit::DONE)
}

fn compute(args: &ComputeArgs) -> Compute {
    Compute { device: args.device.clone(), batch: usize::from(args.batch), threads: args.threads.map(usize::from) }
}
