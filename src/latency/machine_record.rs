//! The machine, for the record.

use super::gpu::survey_gpus;
use super::machine_state::{base_clock_mhz, governor, kernel, memory_bytes, MachineState};
use super::order::Computed;
use super::record::MachineRecord;
use crate::dataset::hash::sha256;
use crate::model::engine::{Library, SearchPath};
use crate::model::{Device, Execution};
use crate::run::machine;

/// The machine before a measurement.
pub(super) fn machine_record(computed: &Computed) -> MachineRecord {
    let facts = machine(&computed.compute());
    let memory_bytes = memory_bytes("MemTotal");
    // Gibibytes: the kernel's own share differs a little from boot to boot.
    let gibibytes = memory_bytes.unwrap_or_default().div_ceil(1 << 30);
    let identity =
        format!("{}\n{}\n{}\n{}\n{}\n{gibibytes}", facts.cpu, facts.cores, facts.os, facts.threads, facts.device);
    let fingerprint = sha256(identity.as_bytes());
    let (now, gpus) = (MachineState::now(), survey_gpus());
    MachineRecord {
        fingerprint,
        cpu: facts.cpu,
        cores: facts.cores,
        threads: facts.threads,
        os: facts.os,
        kernel: kernel(),
        memory_bytes,
        governor: governor(),
        base_clock_mhz: base_clock_mhz(),
        gpu: gpus.summary(computed.execution.device),
        driver: gpus.driver,
        cuda: gpus.cuda,
        cudnn: cudnn(),
        features: features(),
        tf32_override: std::env::var("NVIDIA_TF32_OVERRIDE").ok(),
        debug_build: cfg!(debug_assertions),
        clock_method: clock_method(computed.execution).to_owned(),
        before: now.clone(),
        during: vec![],
        after: now,
    }
}

/// Features of this program that change what computes.
fn features() -> Vec<String> {
    let all = [("cuda", cfg!(feature = "cuda")), ("cudnn", cfg!(feature = "cudnn"))];
    all.into_iter().filter(|feature| feature.1).map(|feature| feature.0.to_owned()).collect()
}

/// The file behind cuDNN's name, which carries its version.
fn cudnn() -> Option<String> {
    let library = Library::ALL.into_iter().find(|library| library.name == "cudnn" && cfg!(feature = "cudnn"))?;
    let file = SearchPath::of_system()?.find(&library)?.canonicalize().ok()?;
    Some(file.file_name()?.to_string_lossy().into_owned())
}

fn clock_method(execution: Execution) -> &'static str {
    match execution.device {
        Device::Cpu => "host monotonic clock on both sides of each call; calls on the CPU are synchronous",
        Device::Cuda(_) if execution.leaves_outputs_on_device() => {
            "forward: the GPU's events before and behind what is launched, input and outputs in its memory; others: host \
             monotonic clock on both sides of each call, from input in host memory to results there"
        }
        Device::Cuda(_) => {
            "host monotonic clock on both sides of each call; a call uploads its input and ends when its outputs are \
             in host memory, which waits for the GPU"
        }
    }
}
