//! What NVIDIA's management library (NVML) tells of the GPUs. It is asked and nothing is set.

use nvml_wrapper::enum_wrappers::device::{Clock, ClockId, TemperatureSensor};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper::{Device, Nvml};
use serde::{Deserialize, Serialize};

use crate::dataset::hash::sha256;
use crate::model::Device as NetworkDevice;

/// A GPU at one moment. What it does not tell is unknown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuState {
    /// Product name.
    pub name: Option<String>,
    /// SHA-256 of its unique id, which itself is nobody's business.
    pub uuid_sha256: Option<String>,
    /// CUDA compute capability, `[major, minor]`.
    pub compute_capability: Option<[i32; 2]>,
    /// Clock of the multiprocessors now, in MHz.
    pub clock_mhz: Option<u32>,
    /// The clock that applications get by default.
    pub clock_default_mhz: Option<u32>,
    /// The greatest clock.
    pub clock_max_mhz: Option<u32>,
    /// Power drawn, in watts.
    pub power_watts: Option<f64>,
    /// Power allowed, in watts.
    pub power_limit_watts: Option<f64>,
    /// Degrees Celsius.
    pub temperature_celsius: Option<u32>,
    /// Why its clock is not higher, in NVML's words.
    pub throttle_reasons: Option<String>,
    /// Memory in use, in bytes.
    pub memory_used_bytes: Option<u64>,
    /// Memory in all, in bytes.
    pub memory_bytes: Option<u64>,
    /// Whether memory errors are corrected.
    pub ecc: Option<bool>,
    /// Whether the driver stays loaded between programs.
    pub persistence: Option<bool>,
    /// Whether it is split into instances.
    pub mig: Option<bool>,
    /// Programs computing on it, but this one.
    pub other_processes: Option<usize>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuSurvey {
    /// Version of the driver.
    pub driver: Option<String>,
    /// Greatest CUDA version that the driver serves, for example `12.8`.
    pub cuda: Option<String>,
    /// The GPUs, in NVML's order.
    pub gpus: Vec<GpuState>,
    /// Why nothing, or not everything, is known.
    pub problem: Option<String>,
}

/// Asks NVML. A machine without driver gives a survey that says so.
pub fn survey_gpus() -> GpuSurvey {
    let nvml = match Nvml::init() {
        Ok(nvml) => nvml,
        Err(error) => return GpuSurvey { problem: Some(no_driver(&error)), ..GpuSurvey::default() },
    };
    let cuda = nvml.sys_cuda_driver_version().ok();
    let cuda = cuda.map(|version| format!("{}.{}", version / 1000, version % 1000 / 10));
    let mut survey = GpuSurvey { driver: nvml.sys_driver_version().ok(), cuda, ..GpuSurvey::default() };
    match nvml.device_count() {
        Ok(count) => survey.gpus = (0..count).filter_map(|i| nvml.device_by_index(i).ok()).map(|d| state(&d)).collect(),
        Err(error) => survey.problem = Some(format!("the driver does not list its GPUs: {error}")),
    }
    survey
}

/// The clock of the multiprocessors of the one GPU of this machine. Where there are several, CUDA and NVML
/// may count them differently, so that none of them is known to be the one that computes.
pub(super) struct OnlyGpu(Nvml);

impl OnlyGpu {
    pub(super) fn find() -> Option<Self> {
        let nvml = Nvml::init().ok()?;
        (nvml.device_count().ok()? == 1).then_some(Self(nvml))
    }

    pub(super) fn clock_mhz(&self) -> Option<f64> {
        self.0.device_by_index(0).ok()?.clock_info(Clock::SM).ok().map(f64::from)
    }

    /// The clock that applications get by default.
    pub(super) fn usual_clock_mhz(&self) -> Option<f64> {
        self.0.device_by_index(0).ok()?.clock(Clock::SM, ClockId::DefaultAppClock).ok().map(f64::from)
    }
}

fn no_driver(error: &NvmlError) -> String {
    match error {
        NvmlError::LibloadingError(_) => "no NVIDIA driver: its library libnvidia-ml is not on this machine".to_owned(),
        NvmlError::DriverNotLoaded => "the NVIDIA driver is installed but not loaded".to_owned(),
        _ => format!("the NVIDIA driver does not answer: {error}"),
    }
}

fn state(device: &Device<'_>) -> GpuState {
    let watts = |milliwatts: u32| f64::from(milliwatts) / 1e3;
    let memory = device.memory_info().ok();
    let hash = |uuid: String| sha256(uuid.as_bytes());
    let others = |processes: Vec<nvml_wrapper::struct_wrappers::device::ProcessInfo>| {
        processes.iter().filter(|process| process.pid != std::process::id()).count()
    };
    GpuState {
        name: device.name().ok(),
        uuid_sha256: device.uuid().ok().map(hash),
        compute_capability: device.cuda_compute_capability().ok().map(|version| [version.major, version.minor]),
        clock_mhz: device.clock_info(Clock::SM).ok(),
        clock_default_mhz: device.clock(Clock::SM, ClockId::DefaultAppClock).ok(),
        clock_max_mhz: device.max_clock_info(Clock::SM).ok(),
        power_watts: device.power_usage().ok().map(watts),
        power_limit_watts: device.enforced_power_limit().ok().map(watts),
        temperature_celsius: device.temperature(TemperatureSensor::Gpu).ok(),
        throttle_reasons: device.current_throttle_reasons().ok().map(|reasons| format!("{reasons:?}")),
        memory_used_bytes: memory.as_ref().map(|memory| memory.used),
        memory_bytes: memory.map(|memory| memory.total),
        ecc: device.is_ecc_enabled().ok().map(|ecc| ecc.currently_enabled),
        persistence: device.is_in_persistent_mode().ok(),
        mig: device.mig_mode().ok().map(|mode| mode.current != 0),
        other_processes: device.running_compute_processes().ok().map(others),
    }
}

impl GpuSurvey {
    /// In one line: what there is, or why there is nothing, and whether it computed.
    pub fn summary(&self, device: NetworkDevice) -> String {
        if self.gpus.is_empty() {
            return self.problem.clone().unwrap_or_else(|| "the NVIDIA driver sees no GPU".to_owned());
        }
        let name = |gpu: &GpuState| gpu.name.clone().unwrap_or_else(|| "an unnamed GPU".to_owned());
        let names: Vec<String> = self.gpus.iter().map(name).collect();
        let driver = self.driver.as_deref().unwrap_or("unknown");
        let part = match device {
            NetworkDevice::Cpu => "not computed on".to_owned(),
            NetworkDevice::Cuda(_) => format!("computed on {device}"),
        };
        format!("{} (driver {driver}), {part}", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_gpu_says_why_and_one_with_gpus_names_them() {
        let nothing = GpuSurvey { problem: Some("no NVIDIA driver".to_owned()), ..GpuSurvey::default() };
        assert_eq!(nothing.summary(NetworkDevice::Cpu), "no NVIDIA driver");
        assert_eq!(GpuSurvey::default().summary(NetworkDevice::Cpu), "the NVIDIA driver sees no GPU");
        let gpu = GpuState { name: Some("A".to_owned()), ..GpuState::default() };
        let two = GpuSurvey { driver: Some("1".to_owned()), gpus: vec![gpu, GpuState::default()], ..nothing };
        assert_eq!(two.summary(NetworkDevice::Cpu), "A, an unnamed GPU (driver 1), not computed on");
        assert_eq!(two.summary(NetworkDevice::Cuda(1)), "A, an unnamed GPU (driver 1), computed on cuda:1");
    }

    #[test]
    fn the_survey_of_this_machine_is_a_gpu_or_a_reason() {
        let survey = survey_gpus();
        assert!(!survey.gpus.is_empty() || !survey.summary(NetworkDevice::Cpu).is_empty());
        assert!(survey.driver.is_some() || survey.problem.is_some(), "{survey:?}");
    }
}
