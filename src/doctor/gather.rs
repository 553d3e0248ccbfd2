//! Looks for what a GPU run needs.

use std::{env, fs};

use super::findings::{Binary, Driver, Findings, FoundGpu, FoundLibrary, Version};
use crate::latency::{survey_gpus, GpuState, GpuSurvey};
use crate::model::engine::{Library, SearchPath};

/// What the driver's kernel module says of itself.
const MODULE: &str = "/proc/driver/nvidia/version";

impl Findings {
    /// Of this machine and this binary.
    pub fn gather() -> Self {
        let survey = survey_gpus();
        let libraries = SearchPath::of_system().map(|path| Library::ALL.map(|library| found(library, &path)).into());
        Self {
            binary: Binary::this(),
            gpus: survey.gpus.iter().map(gpu).collect(),
            driver: driver(survey),
            libraries: libraries.unwrap_or_default(),
            tf32_override: env::var("NVIDIA_TF32_OVERRIDE").ok(),
        }
    }
}

impl Binary {
    /// The one that runs.
    fn this() -> Self {
        Self {
            cuda: cfg!(feature = "cuda"),
            cudnn: cfg!(feature = "cudnn"),
            kernels_cuda: option_env!("CUDARC_CUDA_VERSION").and_then(|text| digits(text, 1000, 10)),
            kernels_compute_capability: option_env!("CUDA_COMPUTE_CAP").and_then(|text| digits(text, 10, 1)),
        }
    }
}

/// Major and minor version out of one number, as `13000` (13.0) or `80` (8.0).
fn digits(text: &str, major: u32, minor: u32) -> Option<Version> {
    let number: u32 = text.parse().ok()?;
    Some(Version(number / major, number % major / minor))
}

fn found(library: Library, path: &SearchPath) -> FoundLibrary {
    FoundLibrary { path: path.find(&library), library }
}

fn gpu(state: &GpuState) -> FoundGpu {
    let capability = state
        .compute_capability
        .and_then(|[major, minor]| Some(Version(u32::try_from(major).ok()?, u32::try_from(minor).ok()?)));
    FoundGpu { name: state.name.clone(), compute_capability: capability, memory_bytes: state.memory_bytes }
}

fn driver(survey: GpuSurvey) -> Driver {
    let module = fs::read_to_string(MODULE).ok();
    Driver {
        module: module.and_then(|text| Some(text.lines().next()?.trim().to_owned())),
        version: survey.driver,
        cuda: survey.cuda.as_deref().and_then(Version::parse),
        problem: survey.problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_the_build_are_read() {
        assert_eq!(digits("13000", 1000, 10), Some(Version(13, 0)));
        assert_eq!(digits("12080", 1000, 10), Some(Version(12, 8)));
        assert_eq!(digits("86", 10, 1), Some(Version(8, 6)));
        assert_eq!(digits("sm_90a", 10, 1), None);
    }

    #[test]
    fn this_machine_is_a_machine() {
        let findings = Findings::gather();
        assert_eq!(findings.binary.cuda, cfg!(feature = "cuda"));
        assert!(findings.driver.version.is_some() || findings.driver.problem.is_some(), "{findings:?}");
        assert_eq!(findings.libraries.is_empty(), !cfg!(target_os = "linux"));
    }
}
