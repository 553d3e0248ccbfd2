//! `baseline` and `gate`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit;
use super::failure::{Failure, Kind};
use super::output::{deliver, print, stdout_colour, width, STDOUT};
use crate::dataset::write_whole;
use crate::gate::{self, Baseline, Judgement, LatencyBaseline, LatencyFile, Verdict};
use crate::report::StoredRun;

pub const BASELINE_EXAMPLES: &str = "\
Example:
  zoobench baseline runs/shapes > baseline.toml";

pub const GATE_EXAMPLES: &str = "\
Examples:
  zoobench gate runs/shapes --baseline datasets/shapes-baseline.toml
      exits 0 on PASS, 1 on FAIL, 3 on INVALID, 2 on bad input
  zoobench gate runs/shapes --baseline baseline.toml --accept
      makes the run the new baseline and prints what changed

On GitHub (GITHUB_ACTIONS, GITHUB_STEP_SUMMARY) it also writes annotations and a step summary.";

/// Arguments of `baseline`.
#[derive(Debug, Args)]
pub struct BaselineArgs {
    /// Run folder
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Measurement (`zoobench latency --json FILE`) whose medians the baseline shall hold too
    #[arg(long, value_name = "FILE")]
    pub latency: Option<PathBuf>,
    /// Write the same as JSON; without FILE, or as -, to stdout in place of the TOML
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    pub json: Option<PathBuf>,
}

/// Share by which a latency may rise where `baseline` writes one: far above what repeats differ by.
const LATENCY_MAX_RISE: f64 = 0.1;

/// Arguments of `gate`.
#[derive(Debug, Args)]
pub struct GateArgs {
    /// Run folder
    #[arg(value_name = "RUN")]
    pub run: PathBuf,
    /// Baseline file, as `zoobench baseline` writes it
    #[arg(long, value_name = "FILE")]
    pub baseline: PathBuf,
    /// Rewrite the baseline from the run and print what changed
    #[arg(long, conflicts_with_all = ["json", "junit"])]
    pub accept: bool,
    /// Write the verdict as JSON; without FILE, or as -, to stdout in place of the tables
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    pub json: Option<PathBuf>,
    /// Measurement of this machine (`zoobench latency --json FILE`), for a baseline that holds latencies
    #[arg(long, value_name = "FILE")]
    pub latency: Option<PathBuf>,
    /// Judge drops by paired bootstrap too, against the states in the folder of the run that the baseline was made of
    #[arg(long, value_name = "BASE_RUN", conflicts_with = "accept")]
    pub paired: Option<PathBuf>,
    /// Write the verdict as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// Prints a run as a baseline.
pub fn baseline(args: &BaselineArgs) -> Result<u8, Failure> {
    let mut baseline = Baseline::of_run(&StoredRun::read(&args.run)?)?;
    let latency = args.latency.as_deref().map(LatencyFile::read).transpose()?;
    baseline.latency = latency.map(|file| LatencyBaseline::of_file(&file, LATENCY_MAX_RISE));
    deliver(args.json.as_deref(), || baseline.to_toml(), || baseline.to_json())?;
    Ok(exit::DONE)
}

/// Judges a run, or accepts it.
pub fn gate(args: &GateArgs) -> Result<u8, Failure> {
    let baseline = Baseline::read(&args.baseline)?;
    let run = StoredRun::read(&args.run)?;
    if args.accept {
        return accept(&args.baseline, &baseline, &run);
    }
    let latency = args.latency.as_deref().map(LatencyFile::read).transpose()?;
    let mut judgement = gate::judge(&baseline, &run);
    if let Some(stored) = &args.paired {
        gate::judge_paired(&mut judgement, &baseline, stored, &args.run);
    }
    gate::judge_latency(&mut judgement, &baseline, latency.as_ref());
    if let Some(path) = &args.junit {
        write_whole(path, gate::junit(&judgement).as_bytes()).map_err(|error| Failure::unwritable(path, &error))?;
    }
    tell_github(&judgement)?;
    let table = || gate::terminal(&judgement, stdout_colour(), width());
    deliver(args.json.as_deref(), table, || gate::json(&judgement))?;
    Ok(code(judgement.verdict()))
}

fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => exit::DONE,
        Verdict::Fail => exit::FAILED,
        Verdict::Invalid => exit::INVALID,
    }
}

fn accept(file: &Path, baseline: &Baseline, run: &StoredRun) -> Result<u8, Failure> {
    let accepted = gate::accept(baseline, run).map_err(|reasons| {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        Failure::of_kind(Kind::Invalid, format!("not accepted, the baseline stands: {}", reasons.join("; ")))
    })?;
    if accepted.changes.is_empty() {
        print("nothing changed\n");
        return Ok(exit::DONE);
    }
    let text = accepted.baseline.to_toml();
    write_whole(file, text.as_bytes()).map_err(|error| Failure::unwritable(file, &error))?;
    print(&accepted.changes.iter().map(|change| format!("{change}\n")).collect::<String>());
    eprintln!("accepted: {}", file.display());
    Ok(exit::DONE)
}

/// Annotations go to stderr, which GitHub reads as it reads stdout: stdout stays data.
fn tell_github(judgement: &Judgement) -> Result<(), Failure> {
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        for line in gate::annotations(judgement) {
            eprintln!("{line}");
        }
    }
    if let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        append_summary(&path, judgement).map_err(|error| Failure::unwritable(&path, &error))?;
    }
    Ok(())
}

fn append_summary(path: &Path, judgement: &Judgement) -> io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    let taken = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    file.write_all(gate::summary(judgement, taken).as_bytes())
}
