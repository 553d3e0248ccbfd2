//! The `doctor` command.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::execution::ExecutionArgs;
use super::exit;
use super::failure::Failure;
use super::output::{deliver, STDOUT};
use crate::doctor::{
    check_outputs, Binary, Diagnosis, Driver, Findings, FoundGpu, OutputRow, OutputsCheck, OutputsJob,
};

pub const DOCTOR_EXAMPLES: &str = "\
Exit codes:
  0  a run with --device cuda could start
  2  something is missing, which is said beside how to get it

No GPU is opened and no library of CUDA is loaded to find out.";

pub const OUTPUTS_EXAMPLES: &str = "\
Examples:
  zoobench doctor outputs --device cuda --engine fast --dtype f16
  zoobench doctor outputs --engine fast --random-weights v1-L

A distance is the length of the difference by the length of candle's values, the greatest of both images and all levels.

Exit codes:
  0  all distances are within the bound
  1  one is not
  2  bad usage, or the engine is not there";

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Of what
    #[command(subcommand)]
    subject: Subject,
}

/// What is looked at.
#[derive(Debug, Subcommand)]
enum Subject {
    /// What --device cuda needs: driver, GPUs, libraries, and this binary's features
    #[command(after_help = DOCTOR_EXAMPLES)]
    Gpu(GpuArgs),
    /// Hold the network's raw outputs on an engine to candle's on the CPU, on two images of the embedded zoo
    #[command(after_help = OUTPUTS_EXAMPLES)]
    Outputs(OutputsArgs),
}

/// Arguments of `doctor gpu`.
#[derive(Debug, Args)]
struct GpuArgs {
    /// Write what was found as JSON; without FILE, or as -, to stdout in place of the text
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    json: Option<PathBuf>,
}

/// Arguments of `doctor outputs`.
#[derive(Debug, Args)]
struct OutputsArgs {
    /// Where, by what, and in which arithmetic
    #[command(flatten)]
    execution: ExecutionArgs,
    /// A published architecture with random weights in place of the embedded networks: v1-M, v1-L, v2-M or v2-L
    #[arg(long, value_name = "ARCH")]
    random_weights: Option<String>,
    /// Greatest relative distance [default: 0.0001 for f32, 0.01 for tf32 and f16, 0.1 for bf16]
    #[arg(long, value_name = "X", value_parser = distance)]
    within: Option<f64>,
    /// Write the distances as JSON; without FILE, or as -, to stdout in place of the text
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    json: Option<PathBuf>,
}

fn distance(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "a number from 0 on is wanted".to_owned())
}

/// Tells what was found.
pub fn doctor(args: &DoctorArgs) -> Result<u8, Failure> {
    match &args.subject {
        Subject::Gpu(args) => gpu(args),
        Subject::Outputs(args) => outputs(args),
    }
}

fn outputs(args: &OutputsArgs) -> Result<u8, Failure> {
    let execution = args.execution.execution();
    let check =
        check_outputs(&OutputsJob { execution, random_weights: args.random_weights.clone(), bound: args.within })?;
    let document = serde_json::to_string_pretty(&check)? + "\n";
    deliver(args.json.as_deref(), || outputs_text(&check), || document)?;
    Ok(if check.within { exit::DONE } else { exit::FAILED })
}

fn outputs_text(check: &OutputsCheck) -> String {
    let row = |row: &OutputRow| {
        let distance = row.distance.map_or_else(|| "no number".to_owned(), |distance| format!("{distance:.1e}"));
        let beyond = if row.within { "" } else { "  BEYOND" };
        format!("{:<16}{:<14}{distance:>9}{beyond}\n", row.variant, row.output)
    };
    let rows: String = check.rows.iter().map(row).collect();
    let verdict = if check.within { "within" } else { "NOT within" };
    let OutputsCheck { device, engine, dtype, bound, .. } = check;
    format!("{rows}\n{engine} on {device}, {dtype}: {verdict} {bound:.1e} of candle on cpu, f32\n")
}

fn gpu(GpuArgs { json }: &GpuArgs) -> Result<u8, Failure> {
    let diagnosis = Diagnosis::of(Findings::gather());
    let document = serde_json::to_string_pretty(&diagnosis)? + "\n";
    deliver(json.as_deref(), || text(&diagnosis), || document)?;
    Ok(if diagnosis.ready { exit::DONE } else { exit::BAD_INPUT })
}

fn text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        // A string takes whatever is written.
        let _ = writeln!(text, "{name:<12}{value}");
    };
    row("binary", &binary(&diagnosis.binary));
    row("driver", &driver(&diagnosis.driver));
    for gpu in &diagnosis.gpus {
        row("GPU", &describe(gpu));
    }
    if diagnosis.gpus.is_empty() {
        row("GPU", "none known");
    }
    for library in &diagnosis.libraries {
        let absent = if library.needed { "not found" } else { "not found, and not needed" };
        let path = library.path.as_deref().unwrap_or(absent);
        row(library.title, &format!("{:<16}{path}", library.file));
    }
    for missing in &diagnosis.missing {
        row("\nmissing", &format!(" {}", missing.what));
        row("remedy", &missing.remedy);
    }
    for note in &diagnosis.notes {
        row("\nnote", &format!(" {note}"));
    }
    let verdict = if diagnosis.ready { "could start" } else { "cannot start" };
    row("\nverdict", &format!(" a run with --device cuda {verdict}"));
    text
}

fn binary(binary: &Binary) -> String {
    let features = match (binary.cuda, binary.cudnn) {
        (false, _) => return "built without CUDA".to_owned(),
        (true, false) => "built with CUDA, without cuDNN",
        (true, true) => "built with CUDA and cuDNN",
    };
    let kernels = binary.kernels_cuda.map(|version| format!(", kernels of CUDA {version}")).unwrap_or_default();
    let least = binary.kernels_compute_capability;
    let least = least.map(|least| format!(", compute capability {least} and up")).unwrap_or_default();
    format!("{features}{kernels}{least}")
}

fn driver(driver: &Driver) -> String {
    let version = driver.version.as_ref().map(|version| {
        let cuda = driver.cuda.map(|cuda| format!(", serves CUDA up to {cuda}")).unwrap_or_default();
        format!("{version}{cuda}")
    });
    let known = version.or_else(|| driver.module.clone()).or_else(|| driver.problem.clone());
    known.unwrap_or_else(|| "none".to_owned())
}

fn describe(gpu: &FoundGpu) -> String {
    let name = gpu.name.as_deref().unwrap_or("unnamed");
    let capability = gpu.compute_capability.map(|capability| format!(", compute capability {capability}"));
    let memory = gpu.memory_bytes.map(|bytes| format!(", {} MiB", bytes >> 20));
    format!("{name}{}{}", capability.unwrap_or_default(), memory.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_stands_beside_its_remedy() {
        let text = text(&Diagnosis::of(Findings::default()));
        let line = |start: &str| text.lines().position(|line| line.starts_with(start)).expect("a line");
        assert_eq!(line("binary"), 0);
        assert_eq!(line("missing") + 1, line("remedy"), "{text}");
        assert!(text.ends_with("verdict     a run with --device cuda cannot start\n"), "{text}");
    }

    #[test]
    fn what_is_known_is_told() {
        let known = Driver { version: Some("580".to_owned()), ..Driver::default() };
        assert_eq!(driver(&known), "580");
        assert_eq!(driver(&Driver::default()), "none");
        let built = Binary { cuda: true, cudnn: true, kernels_cuda: None, kernels_compute_capability: None };
        assert_eq!(binary(&built), "built with CUDA and cuDNN");
    }
}
