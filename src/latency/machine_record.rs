//! The machine, for the record.

use sha2::{Digest, Sha256};

use super::gpu::survey_gpus;
use super::machine_state::{base_clock_mhz, governor, kernel, memory_bytes, MachineState};
use super::order::Computed;
use super::record::MachineRecord;
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
    let fingerprint = Sha256::digest(identity.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let now = MachineState::now();
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
        gpu: survey_gpus().summary(computed.execution.device),
        debug_build: cfg!(debug_assertions),
        clock_method: clock_method(computed.execution).to_owned(),
        before: now.clone(),
        during: vec![],
        after: now,
    }
}

fn clock_method(execution: Execution) -> &'static str {
    match execution.device {
        Device::Cpu => "host monotonic clock on both sides of each call; calls on the CPU are synchronous",
        Device::Cuda(_) if execution.engine.leaves_outputs_on_device() => {
            "forward: the GPU's events before and behind what is launched, input and outputs in its memory; others: host \
             monotonic clock on both sides of each call, from input in host memory to results there"
        }
        Device::Cuda(_) => {
            "host monotonic clock on both sides of each call; a call uploads its input and ends when its outputs are \
             in host memory, which waits for the GPU"
        }
    }
}
