//! Facts about the machine, for the record.

use std::sync::OnceLock;

use super::Compute;
use crate::dataset::hash::sha256;
use crate::report::Machine;

/// What can be known of this machine without asking anyone but the operating system.
pub fn machine(compute: &Compute) -> Machine {
    Machine {
        cpu: cpu_model().unwrap_or_else(|| "unknown".to_owned()),
        cores: std::thread::available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(u32::MAX)),
        os: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        threads: u32::try_from(compute.threads()).unwrap_or(u32::MAX),
        device: compute.execution.device.to_string(),
        engine: compute.execution.engine.name().to_owned(),
        dtype: compute.execution.precision.name().to_owned(),
    }
}

/// SHA-256 of this program's file, read once; `None` where it cannot be.
pub fn program_sha256() -> Option<String> {
    static PROGRAM: OnceLock<Option<String>> = OnceLock::new();
    let read = || {
        let program = std::fs::read(std::env::current_exe().ok()?).ok()?;
        Some(sha256(&program))
    };
    PROGRAM.get_or_init(read).clone()
}

/// The CPU's name, with family and model, since a hypervisor may shorten the name.
fn cpu_model() -> Option<String> {
    let text = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let field = |name: &str| {
        let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        line.split_once(':').map(|(_, value)| value.trim())
    };
    let name = field("model name")?;
    match (field("cpu family"), field("model")) {
        (Some(family), Some(model)) => Some(format!("{name} (family {family} model {model})")),
        _ => Some(name.to_owned()),
    }
}
