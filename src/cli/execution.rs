//! Arguments that say how the network is computed, in whichever command it is.

use clap::{Args, ValueEnum};

use crate::model::{Device, Engine, Execution, Precision};
use crate::run::Compute;

/// Arguments that say how the network is computed.
#[derive(Debug, Args)]
pub struct ComputeArgs {
    /// Where, by what, and in which arithmetic
    #[command(flatten)]
    pub execution: ExecutionArgs,
    /// Images a network call
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub batch: u16,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

impl ComputeArgs {
    /// What was asked for.
    pub fn compute(&self) -> Compute {
        Compute {
            execution: self.execution.execution(),
            batch: usize::from(self.batch),
            threads: self.threads.map(usize::from),
        }
    }
}

/// What computes the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// candle, operation by operation: the definition
    Candle,
    /// The network lowered onto our own kernels, the CPU's or a GPU's
    Fast,
    /// candle on a GPU, what follows the network there as well
    Device,
    /// The same, the network recorded once as a CUDA graph and replayed
    Graph,
}

/// The arithmetic of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DtypeArg {
    /// float32 throughout
    F32,
    /// float32, products rounded to 10 bits of mantissa first
    Tf32,
    /// float16
    F16,
    /// bfloat16, added up in float32; on the CPU only what convolutions multiply is rounded to it
    Bf16,
}

impl From<DtypeArg> for Precision {
    fn from(arg: DtypeArg) -> Self {
        match arg {
            DtypeArg::F32 => Self::F32,
            DtypeArg::Tf32 => Self::Tf32,
            DtypeArg::F16 => Self::F16,
            DtypeArg::Bf16 => Self::Bf16,
        }
    }
}

/// Arguments that say where the network is computed, by what, and in which arithmetic.
#[derive(Debug, Args)]
pub struct ExecutionArgs {
    /// Device of the network: cpu, or cuda or cuda:N in builds with the feature `cuda`
    #[arg(long, value_name = "DEVICE", default_value = "cpu")]
    device: Device,
    /// What computes the network [default: fast]
    #[arg(long, value_name = "ENGINE", value_enum)]
    engine: Option<EngineArg>,
    /// Every convolution as the sum it is: no minimal filtering (Winograd), which candle never has on the CPU
    #[arg(long)]
    exact: bool,
    /// Arithmetic of the network; tf32 and f16 need a GPU, bf16 a GPU or --engine fast
    #[arg(long, value_name = "DTYPE", value_enum, default_value_t = DtypeArg::F32)]
    dtype: DtypeArg,
}

impl ExecutionArgs {
    /// What was asked for, whether or not it is there.
    pub fn execution(&self) -> Execution {
        let engine = match (self.engine, self.exact, self.device) {
            // cuDNN chooses its algorithms itself, so that nothing on a GPU is exact by promise.
            (_, true, Device::Cuda(_)) | (None | Some(EngineArg::Fast), true, Device::Cpu) => Engine::FastExact,
            (Some(EngineArg::Candle), ..) => Engine::Candle,
            (Some(EngineArg::Fast), ..) => Engine::Fast,
            (Some(EngineArg::Device), ..) => Engine::Device,
            (Some(EngineArg::Graph), ..) => Engine::Graph,
            (None, false, device) => Execution::from(device).engine,
        };
        Execution { device: self.device, engine, precision: self.dtype.into() }
    }
}
