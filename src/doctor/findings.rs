//! What was found.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use crate::model::engine::Library;

/// A version, or a compute capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

impl Version {
    /// Reads `12.8`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Serialize for Version {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// How this binary was built.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Binary {
    /// With the feature `cuda`.
    pub cuda: bool,
    /// With the feature `cudnn`.
    pub cudnn: bool,
    /// CUDA version of its kernels, where the build named one.
    pub kernels_cuda: Option<Version>,
    /// Least compute capability that its kernels run on, where the build named one.
    pub kernels_compute_capability: Option<Version>,
}

/// What is known of NVIDIA's driver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Driver {
    /// What its kernel module says of itself; `None` where none is loaded.
    pub module: Option<String>,
    /// Its version, by NVML.
    pub version: Option<String>,
    /// Newest CUDA version that it serves, by NVML.
    pub cuda: Option<Version>,
    /// Why NVML tells nothing, or not everything.
    pub problem: Option<String>,
}

/// A GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundGpu {
    /// Product name.
    pub name: Option<String>,
    /// Compute capability.
    pub compute_capability: Option<Version>,
    /// Memory in bytes.
    pub memory_bytes: Option<u64>,
}

/// A library that was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLibrary {
    /// Which.
    pub library: Library,
    /// The file that would be loaded; `None` where there is none.
    pub path: Option<PathBuf>,
}

/// All that a diagnosis is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// How this binary was built.
    pub binary: Binary,
    /// The driver.
    pub driver: Driver,
    /// The GPUs that NVML lists, in its order.
    pub gpus: Vec<FoundGpu>,
    /// The libraries; none where they are not looked for as Linux does.
    pub libraries: Vec<FoundLibrary>,
    /// Value of the environment variable `NVIDIA_TF32_OVERRIDE`.
    pub tf32_override: Option<String>,
}

impl Findings {
    /// The driver's library, without which a driver serves no CUDA.
    pub(super) fn has_driver_library(&self) -> bool {
        self.libraries.is_empty()
            || self.libraries.iter().any(|found| found.library.is_driver() && found.path.is_some())
    }
}
