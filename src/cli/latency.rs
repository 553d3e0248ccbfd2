//! The `latency` command, and the measuring process that it starts.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::{Args, ValueEnum};

use super::execution::ExecutionArgs;
use super::failure::{Failure, Kind};
use super::interrupt::stop_on_interrupt;
use super::output::{print, width, STDOUT};
use super::{exit, latency_table};
use crate::latency::{
    add_to_run, measure_latency, read_order, work, write_latency, write_measured, Computed, LatencyError, LatencyJob,
    Length, Measured, ProcessLauncher, Verdict,
};
use crate::run::{Compute, Job};
use crate::zoo::Zoo;

/// Of the draws of inputs and the order of processes: equal for all measurements that are compared.
const SEED: u64 = 20_240_130;

/// Name of the hidden command, as clap spells `LatencyWorker`.
const WORKER: &str = "latency-worker";

pub const LATENCY_EXAMPLES: &str = "\
Examples:
  zoobench run && zoobench latency --accuracy runs/shapes
      the embedded zoo: `forward` and `segment`, at most five minutes on two cores
  zoobench latency --standard --json base.json
  zoobench latency --standard --compare base.json
      FAST, SLOW, SAME or AMBG against a measurement on the same machine
  zoobench latency --random-weights v1-L
      `forward` of an architecture without public weights";

/// Arguments of `latency`.
#[derive(Debug, Args)]
pub struct LatencyArgs {
    /// A built-in zoo's name, or a zoo file
    #[arg(long, value_name = "NAME|FILE", default_value = "shapes")]
    zoo: String,
    /// Data root: the annotation file and the images lie below it
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Folder with the zoo's weights files
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
    /// Only these variants
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    variants: Vec<String>,
    /// `forward` of an architecture with random weights: v1-M, v1-L, v2-M or v2-L
    #[arg(long, value_name = "ARCHITECTURE", conflicts_with = "variants")]
    random_weights: Option<String>,
    /// Where, by what, and in which arithmetic
    #[command(flatten)]
    execution: ExecutionArgs,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// How long
    #[command(flatten)]
    length: LengthArgs,
    /// Folder of the accuracy run (`zoobench run`) of the same weights
    #[arg(long, value_name = "RUN")]
    accuracy: Option<PathBuf>,
    /// Compare with this JSON file of an earlier measurement
    #[arg(long, value_name = "BASE")]
    compare: Option<PathBuf>,
    /// Write the measurement as JSON, and every sample beside it; without FILE, or as -, to stdout in place of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    json: Option<PathBuf>,
    /// Write latency.json, every sample, latency.md and plots into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// The lengths, one of them.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct LengthArgs {
    /// 10 s a measurement, to 45 s while its median moves; `forward` and `segment` [default]
    #[arg(long)]
    quick: bool,
    /// 60 s and 1,024 queries a measurement, every latency and batches up to 32
    #[arg(long)]
    standard: bool,
    /// As --standard, 600 s a measurement
    #[arg(long)]
    record: bool,
    /// A fraction of a second: for tests of the command
    #[arg(long, hide = true)]
    trial: bool,
}

impl LengthArgs {
    fn length(&self) -> Length {
        match (self.trial, self.standard, self.record) {
            (true, ..) => Length::Trial,
            (_, true, _) => Length::Standard,
            (.., true) => Length::Record,
            _ => Length::Quick,
        }
    }
}

/// Measures and shows; exit code 3 where the figures do not stand.
pub fn latency(args: LatencyArgs, interrupted: &AtomicBool) -> Result<u8, Failure> {
    let (json, out) = (args.json.clone(), args.out.clone());
    let job = job(args)?;
    stop_on_interrupt();
    let measured = measured(&job, interrupted).map_err(failure)?;
    let to_stdout = json.as_deref() == Some(Path::new(STDOUT));
    if let Some(file) = json.filter(|_| !to_stdout) {
        write_measured(&measured, &file)?;
        eprintln!("measurement: {}", file.display());
    }
    if let Some(folder) = out {
        write(&measured, &folder)?;
    }
    let table = || latency_table::table(&measured.record, width());
    print(&if to_stdout { serde_json::to_string_pretty(&measured.record)? + "\n" } else { table() });
    Ok(if measured.record.verdict == Verdict::Valid { exit::DONE } else { exit::INVALID })
}

/// Measures in processes of this program, telling on stderr whose turn it is.
fn measured(job: &LatencyJob, interrupted: &AtomicBool) -> Result<Measured, LatencyError> {
    let program = std::env::current_exe().map_err(LatencyError::Start)?;
    let launcher = ProcessLauncher { program, arguments: vec![WORKER.into()] };
    let progress = |done: usize, all: usize, variant: &str| eprintln!("process {} of {all}: {variant}", done + 1);
    measure_latency(job, &launcher, &progress, interrupted)
}

fn write(measured: &Measured, folder: &Path) -> Result<(), Failure> {
    write_latency(measured, folder)?;
    eprintln!("report: {}", folder.join("latency.md").display());
    Ok(())
}

/// How long `run --latency` measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LengthArg {
    /// 10 s a measurement, to 45 s while its median moves; `forward` and `segment`
    Quick,
    /// 60 s and 1,024 queries a measurement, every latency and batches up to 32
    Standard,
    /// As standard, 600 s a measurement
    Record,
    /// A fraction of a second: for tests of the command
    #[value(hide = true)]
    Trial,
}

/// Measures the variants that a run has just evaluated, tied to it, and adds what is found to the
/// run's folder.
pub fn time_run(
    zoo_argument: &str,
    run: &Job,
    done: Vec<String>,
    length: LengthArg,
    interrupted: &AtomicBool,
) -> Result<Verdict, Failure> {
    let length = match length {
        LengthArg::Quick => Length::Quick,
        LengthArg::Standard => Length::Standard,
        LengthArg::Record => Length::Record,
        LengthArg::Trial => Length::Trial,
    };
    let Compute { execution, threads, .. } = run.compute.clone();
    let job = LatencyJob {
        zoo: run.zoo.clone(),
        zoo_argument: zoo_argument.to_owned(),
        data: run.data.clone(),
        weights: run.weights.clone(),
        variants: done,
        random_weights: None,
        computed: Computed { execution, threads },
        length,
        seed: SEED,
        accuracy: Some(run.out.clone()),
        base: None,
    };
    let measured = measured(&job, interrupted).map_err(|error| match error {
        LatencyError::Interrupted => {
            let stands = format!("interrupted; the run stands in {}, without latencies", run.out.display());
            Failure::of_kind(Kind::Interrupted, stands)
        }
        error => failure(error),
    })?;
    write(&measured, &run.out)?;
    add_to_run(&measured, &run.out)?;
    Ok(measured.record.verdict)
}

/// Carries out the order on stdin.
pub fn worker() -> Result<u8, Failure> {
    let report = work(&read_order(std::io::stdin().lock())?)?;
    print(&serde_json::to_string(&report)?);
    Ok(exit::DONE)
}

fn job(args: LatencyArgs) -> Result<LatencyJob, Failure> {
    Ok(LatencyJob {
        zoo: Zoo::load(&args.zoo)?,
        zoo_argument: args.zoo,
        data: args.data,
        weights: args.weights,
        variants: args.variants,
        random_weights: args.random_weights,
        computed: Computed { execution: args.execution.execution(), threads: args.threads.map(usize::from) },
        length: args.length.length(),
        seed: SEED,
        accuracy: args.accuracy,
        base: args.compare,
    })
}

fn failure(error: LatencyError) -> Failure {
    match error {
        LatencyError::Interrupted => Failure::of_kind(Kind::Interrupted, "interrupted; nothing was written"),
        LatencyError::NoWeights { .. } => Failure::of_kind(Kind::NothingEvaluated, error.to_string()),
        _ => Failure::input(&error),
    }
}
