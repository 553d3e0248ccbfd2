//! Where a network runs.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::model::ModelError;

/// A device that can run the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// The NVIDIA GPU of this number in CUDA's order, in builds with the feature `cuda`.
    Cuda(usize),
}

impl FromStr for Device {
    type Err = ModelError;

    /// Reads `cpu`, `cuda` (the first GPU) or `cuda:N`.
    fn from_str(name: &str) -> Result<Self, ModelError> {
        let number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok());
        match name.split_once(':') {
            None if name == "cpu" => Some(Self::Cpu),
            None if name == "cuda" => Some(Self::Cuda(0)),
            Some(("cuda", digits)) => number(digits).flatten().map(Self::Cuda),
            _ => None,
        }
        .ok_or_else(|| ModelError::UnknownDevice { name: name.to_owned() })
    }
}

impl TryFrom<String> for Device {
    type Error = ModelError;

    fn try_from(name: String) -> Result<Self, ModelError> {
        name.parse()
    }
}

impl From<Device> for String {
    fn from(device: Device) -> Self {
        device.to_string()
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for device in [Device::Cpu, Device::Cuda(0), Device::Cuda(3)] {
            assert_eq!(device.to_string().parse::<Device>().expect("its own name"), device);
            let json = serde_json::to_string(&device).expect("a name");
            assert_eq!(serde_json::from_str::<Device>(&json).expect("a device"), device);
        }
        assert_eq!("cuda".parse::<Device>().expect("the first"), Device::Cuda(0));
        for name in ["", "CPU", "cpu:0", "cuda:", "cuda:-1", "cuda:+1", "cuda:x", "gpu", "cuda:0:0"] {
            assert!(name.parse::<Device>().is_err(), "{name}");
        }
    }
}
