//! What a reader should know of a measurement and what makes nothing invalid.

use super::order::WorkReport;
use super::record::{LatencyRecord, MachineRecord, Verdict};
use super::sampling::Stop;
use crate::model::Device;

/// Of the processes of a variant.
pub(super) fn of_variant(variant: &str, reports: &[WorkReport]) -> Vec<String> {
    let mut notes = Vec::new();
    let largest = reports.iter().flat_map(|report| &report.left_out).map(|task| task.batch).min();
    notes.extend(largest.map(|batch| format!("{variant}: no memory for batches from {batch} on")));
    let series = || reports.iter().flat_map(|report| &report.series);
    let unsettled = series().filter(|series| !series.warm_up.settled).count();
    if unsettled > 0 {
        notes.push(format!("{variant}: {unsettled} warm-ups did not come to rest (1 %)"));
    }
    let restless = series().filter(|series| series.stop == Stop::Restless).count();
    if restless > 0 {
        notes.push(format!("{variant}: {restless} series were still moving (1 % between their halves) at their end"));
    }
    if series().any(|series| series.clock.readings == 0) {
        notes.push(format!("{variant}: the clock is unknown: throttling cannot be seen"));
    }
    notes
}

/// Of the machine: who else computed on its GPUs while no process of ours did.
pub(super) fn of_machine(machine: &MachineRecord, device: Device) -> Vec<String> {
    let states = [&machine.before, &machine.after].into_iter().chain(&machine.during);
    let others = states.flat_map(|state| &state.gpus).filter_map(|gpu| gpu.other_processes).max().unwrap_or(0);
    let warn = device != Device::Cpu && others > 0;
    let note =
        format!("other programs computed on the GPU ({others} at most at a time): its latencies are shared ones");
    warn.then_some(note).into_iter().collect()
}

/// Of the measurement that this one is compared with.
pub(super) fn of_base(base: &LatencyRecord) -> Option<String> {
    let reasons = base.reasons.join("; ");
    (base.verdict == Verdict::Invalid).then(|| format!("the base of the comparison is INVALID itself: {reasons}"))
}

#[cfg(test)]
mod tests {
    use super::super::gpu::GpuState;
    use super::super::machine_record::machine_record;
    use super::super::order::Computed;
    use super::*;

    #[test]
    fn another_program_on_the_gpu_is_told_of_where_the_gpu_computes() {
        let mut machine = machine_record(&Computed { execution: Device::Cpu.into(), threads: Some(1) });
        for state in [&mut machine.before, &mut machine.after] {
            state.gpus = vec![GpuState { other_processes: Some(0), ..GpuState::default() }];
        }
        machine.during = vec![machine.before.clone()];
        assert_eq!(of_machine(&machine, Device::Cuda(0)), [""; 0]);
        machine.during[0].gpus[0].other_processes = Some(2);
        assert!(of_machine(&machine, Device::Cuda(0))[0].contains("(2 at most at a time)"));
        assert_eq!(of_machine(&machine, Device::Cpu), [""; 0]);
    }
}
