//! The `doctor` command.

use std::fmt::Write;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::exit;
use super::failure::Failure;
use super::output::{deliver, STDOUT};
use crate::doctor::{Binary, Diagnosis, Driver, Findings, FoundGpu};

pub const DOCTOR_EXAMPLES: &str = "\
Exit codes:
  0  a run with --device cuda could start
  2  something is missing, which is said beside how to get it

No GPU is opened and no library of CUDA is loaded to find out.";

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
}

/// Arguments of `doctor gpu`.
#[derive(Debug, Args)]
struct GpuArgs {
    /// Write what was found as JSON; without FILE, or as -, to stdout in place of the text
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    json: Option<PathBuf>,
}

/// Tells what was found.
pub fn doctor(args: &DoctorArgs) -> Result<u8, Failure> {
    let Subject::Gpu(GpuArgs { json }) = &args.subject;
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
