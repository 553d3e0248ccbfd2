//! Starting measuring processes.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::order::{SubjectName, WorkOrder, WorkReport};
use super::LatencyError;

/// An order is a few kilobytes; this bounds what something else on stdin can make us read.
const MAX_ORDER_BYTES: u64 = 1 << 20;

/// Whoever carries an order out.
pub trait Launcher {
    /// Carries `order` out, in a process of its own where that is possible.
    ///
    /// # Errors
    /// Whatever the process failed with.
    fn launch(&self, order: &WorkOrder) -> Result<WorkReport, LatencyError>;
}

/// Starts a program that reads its order from stdin and writes its report to stdout.
#[derive(Debug, Clone)]
pub struct ProcessLauncher {
    /// The program: this one.
    pub program: PathBuf,
    /// Arguments that make it measure.
    pub arguments: Vec<OsString>,
}

impl Launcher for ProcessLauncher {
    fn launch(&self, order: &WorkOrder) -> Result<WorkReport, LatencyError> {
        let output = self.output(order).map_err(LatencyError::Start)?;
        let variant = || match &order.subject {
            SubjectName::Variant(name) | SubjectName::Random(name) => name.clone(),
        };
        if !output.status.success() {
            return Err(LatencyError::Process { variant: variant(), reason: last_words(&output) });
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|error| LatencyError::NoReport { variant: variant(), reason: error.to_string() })
    }
}

impl ProcessLauncher {
    fn output(&self, order: &WorkOrder) -> std::io::Result<Output> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            // A process that ended at once has its own words for why.
            let _ = stdin.write_all(&serde_json::to_vec(order)?);
        }
        child.wait_with_output()
    }
}

/// The last line on stderr, or else how the process ended.
fn last_words(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let line = stderr.lines().rev().find(|line| !line.trim().is_empty());
    line.map_or_else(|| output.status.to_string(), |line| line.trim_start_matches("zoobench: ").to_owned())
}

/// Reads an order, as [`ProcessLauncher`] writes it.
///
/// # Errors
/// [`LatencyError::NoOrder`] for anything else.
pub fn read_order(input: impl Read) -> Result<WorkOrder, LatencyError> {
    let no_order = |reason: String| LatencyError::NoOrder { reason };
    let mut bytes = Vec::new();
    input.take(MAX_ORDER_BYTES).read_to_end(&mut bytes).map_err(|error| no_order(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| no_order(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::length::Length;
    use super::super::order::Computed;
    use super::*;
    use crate::model::Device;

    fn order() -> WorkOrder {
        WorkOrder {
            zoo: "shapes".to_owned(),
            data: None,
            weights: None,
            subject: SubjectName::Variant("shapes_v1".to_owned()),
            computed: Computed { execution: Device::Cpu.into(), threads: Some(1) },
            length: Length::Trial,
            extended: false,
            seed: 1,
            tasks: Length::Standard.tasks(),
        }
    }

    fn shell(script: &str) -> ProcessLauncher {
        ProcessLauncher { program: "sh".into(), arguments: vec!["-c".into(), script.into()] }
    }

    #[test]
    fn an_order_survives_the_way() {
        let bytes = serde_json::to_vec(&order()).expect("an order is JSON");
        assert_eq!(read_order(bytes.as_slice()).expect("an order"), order());
        assert!(matches!(read_order(&b"{}"[..]), Err(LatencyError::NoOrder { .. })));
    }

    #[test]
    #[cfg(unix)]
    fn a_process_that_fails_is_quoted() {
        let error =
            shell("cat >/dev/null; echo progress >&2; echo 'zoobench: out of luck' >&2; exit 2").launch(&order());
        let error = error.expect_err("it fails").to_string();
        assert!(error.contains("shapes_v1") && error.ends_with("out of luck"), "{error}");
        let silent = shell("exit 9").launch(&order()).expect_err("it fails").to_string();
        assert!(silent.contains('9'), "{silent}");
    }

    #[test]
    #[cfg(unix)]
    fn a_process_without_a_report_is_refused() {
        let error = shell("cat >/dev/null; echo done").launch(&order()).expect_err("no report");
        assert!(matches!(error, LatencyError::NoReport { .. }), "{error}");
        let absent = ProcessLauncher { program: "/no/such/program".into(), arguments: vec![] };
        assert!(matches!(absent.launch(&order()), Err(LatencyError::Start(_))));
    }
}
