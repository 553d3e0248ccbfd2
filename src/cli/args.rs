//! The command line as clap sees it.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::compare::{CompareArgs, COMPARE_EXAMPLES};
use super::doctor::DoctorArgs;
use super::exit;
use super::gate::{BaselineArgs, GateArgs, BASELINE_EXAMPLES, GATE_EXAMPLES};
use super::intervals::IntervalArgs;
use super::latency::{LatencyArgs, LengthArg, LATENCY_EXAMPLES};
use super::merge::{MergeArgs, MERGE_EXAMPLES};
use super::output::STDOUT;
use crate::evaluation::{AreaRule, IouType, Protocol};
use crate::model::{Device, Engine, Execution, Precision};
use crate::run::ResultsFile;

/// Evaluate the YOLO-World-Seg model zoo on LVIS.
#[derive(Debug, Parser)]
#[command(name = "zoobench", version, about, after_help = exit::TABLE, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Evaluate every variant of a zoo and compare it with its published row
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Run one checkpoint over a data set and write an LVIS results file
    #[command(after_help = PREDICT_EXAMPLES)]
    Predict(PredictArgs),
    /// Score an LVIS results file exactly as lvis-api does
    #[command(after_help = EVAL_EXAMPLES)]
    Eval(EvalArgs),
    /// Merge the states of parts of a data set into the evaluation of the whole
    #[command(after_help = MERGE_EXAMPLES)]
    Merge(MergeArgs),
    /// Compare two evaluations of the same images: paired differences, intervals, p-values
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(CompareArgs),
    /// Render tables and plots again from stored runs
    #[command(after_help = REPORT_EXAMPLES)]
    Report(ReportArgs),
    /// Print a finished run as a baseline for `gate`
    #[command(after_help = BASELINE_EXAMPLES)]
    Baseline(BaselineArgs),
    /// Judge a finished run by a baseline: PASS, FAIL or INVALID
    #[command(after_help = GATE_EXAMPLES)]
    Gate(GateArgs),
    /// List zoos, or one zoo's variants, published rows and what is present
    #[command(after_help = ZOO_EXAMPLES)]
    Zoo(ZooArgs),
    /// Measure how long the models take, by name, with intervals and a verdict
    #[command(after_help = LATENCY_EXAMPLES)]
    Latency(LatencyArgs),
    /// Say whether this machine and this binary can run on a GPU, and what is missing
    Doctor(DoctorArgs),
    /// Carry out one order of `latency`, read from stdin
    #[command(hide = true)]
    LatencyWorker,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

const RUN_EXAMPLES: &str = "\
Examples:
  zoobench run
      evaluates the embedded `shapes` zoo into runs/shapes
  zoobench run --zoo yolo-world-seg --data lvis --weights checkpoints
      reproduces the model-zoo table; lvis/ holds annotations/lvis_v1_val.json, train2017/ and val2017/
  zoobench run --zoo yolo-world-seg --data lvis --weights checkpoints --limit 100
      a quick look, marked as not comparable
  zoobench run --latency
      parameters, FLOPs, AP and latency in one table, and latency against AP as a plot";

const PREDICT_EXAMPLES: &str = "\
Example:
  zoobench predict --weights m.pth --annotations lvis_v1_val.json --data lvis --out results.json";

const EVAL_EXAMPLES: &str = "\
Examples:
  zoobench eval --gt lvis_v1_val.json --dt results.json
  zoobench eval --gt lvis_v1_val.json --dt results.json --iou bbox --json metrics.json
  zoobench eval --gt lvis_v1_val.json --dt results.json --protocol fixed --iou boundary
      the metric of the LVIS challenge of 2021
  zoobench eval --gt lvis_v1_val.json --dt results.json --intervals
  zoobench eval --gt lvis_v1_val.json --dt results.json --images part1.txt --save-state part1.zbstate
      a part of the data set, for `merge`";

const REPORT_EXAMPLES: &str = "\
Examples:
  zoobench report runs/shapes
  zoobench report runs/may runs/june runs/july
      each run's report, and the trend from the first to the last: trend.md, .csv, .json and a plot
  zoobench report runs/shapes --json
      report.json (of several runs trend.json) on stdout; FILE of --json goes after the runs";

const ZOO_EXAMPLES: &str = "\
Examples:
  zoobench zoo
  zoobench zoo yolo-world-seg --weights checkpoints";

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// A built-in zoo's name, or a zoo file
    #[arg(long, value_name = "NAME|FILE", default_value = "shapes")]
    pub zoo: String,
    /// Data root: the annotation file and the images lie below it
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Folder with the zoo's weights files
    #[arg(long, value_name = "DIR")]
    pub weights: Option<PathBuf>,
    /// Annotation file, if not the one that the zoo names below the data root
    #[arg(long, value_name = "FILE")]
    pub annotations: Option<PathBuf>,
    /// Only these variants
    #[arg(long, value_name = "A,B", value_delimiter = ',')]
    pub variants: Vec<String>,
    /// Only the first N images; the results are marked as not comparable
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Only the images listed in FILE: one id or file name a line, or a JSON list
    #[arg(long, value_name = "FILE")]
    pub images: Option<PathBuf>,
    /// Output folder [default: runs/<zoo>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What is kept of the detections; the metrics are the same
    #[arg(long, value_enum, default_value_t = ResultsArg::Json)]
    pub results: ResultsArg,
    /// Then time `forward` and `segment` of what was evaluated, as `latency` does, for the tables and plots
    #[arg(long, value_name = "LENGTH", value_enum, num_args = 0..=1, default_missing_value = "quick")]
    #[arg(conflicts_with = "annotations")]
    pub latency: Option<LengthArg>,
    /// Write the report as JSON; without FILE, or as -, to stdout in place of the tables
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    pub json: Option<PathBuf>,
    /// How the network is computed
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// What `run` keeps of the detections.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ResultsArg {
    /// Nothing; `latency --accuracy` needs a run that keeps them
    None,
    /// An LVIS results file for each variant
    Json,
}

impl From<ResultsArg> for ResultsFile {
    fn from(arg: ResultsArg) -> Self {
        match arg {
            ResultsArg::None => Self::None,
            ResultsArg::Json => Self::Json,
        }
    }
}

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

/// What computes the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineArg {
    /// candle, operation by operation: the definition
    Candle,
    /// The network lowered onto our own kernels: the CPU's
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
    /// bfloat16
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
    /// What computes the network [default: fast on the CPU, candle on a GPU]
    #[arg(long, value_name = "ENGINE", value_enum)]
    engine: Option<EngineArg>,
    /// Every convolution as the sum it is: no minimal filtering (Winograd), which candle never has on the CPU
    #[arg(long)]
    exact: bool,
    /// Arithmetic of the network; all but f32 need a GPU
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

/// Arguments of `predict`.
#[derive(Debug, Args)]
pub struct PredictArgs {
    /// Checkpoint: PyTorch (zip or legacy) or safetensors
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// LVIS annotation file: images and categories are taken from it
    #[arg(long, value_name = "FILE")]
    pub annotations: PathBuf,
    /// Data root of the images
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// Results file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Class prompts, one a category: a JSON list, or one a line
    #[arg(long, value_name = "FILE")]
    pub prompts: Option<PathBuf>,
    /// Only the first N images
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub limit: Option<u64>,
    /// Only the images listed in FILE
    #[arg(long, value_name = "FILE")]
    pub images: Option<PathBuf>,
    /// Time the stages, one image after the other, and write the means of an image as JSON
    #[arg(long, value_name = "FILE")]
    pub timing: Option<PathBuf>,
    /// Write what was written where as JSON; without FILE, or as -, to stdout
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    pub json: Option<PathBuf>,
    /// How the network is computed
    #[command(flatten)]
    pub compute: ComputeArgs,
}

/// What `eval` compares.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum IouArg {
    /// Masks
    Segm,
    /// Boxes
    Bbox,
    /// Masks and their boundaries: the lower IoU of the two
    Boundary,
}

impl From<IouArg> for IouType {
    fn from(arg: IouArg) -> Self {
        match arg {
            IouArg::Segm => Self::Segm,
            IouArg::Bbox => Self::Bbox,
            IouArg::Boundary => Self::Boundary,
        }
    }
}

/// Which detections count, and what is averaged.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ProtocolArg {
    /// lvis-api's AP: the highest 300 detections of each image
    Lvis,
    /// AP_fixed: the highest 10,000 detections of each category over all images
    Fixed,
    /// AP_pool: the detections of AP_fixed, the categories ranked together
    Pool,
}

impl From<ProtocolArg> for Protocol {
    fn from(arg: ProtocolArg) -> Self {
        match arg {
            ProtocolArg::Lvis => Self::Lvis,
            ProtocolArg::Fixed => Self::Fixed,
            ProtocolArg::Pool => Self::Pool,
        }
    }
}

/// The area rule of detections.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AreaArg {
    /// lvis-api's: the box's where the first record carries `bbox`, else the mask's
    Auto,
    /// Width times height of the box
    Box,
    /// Pixels of the mask
    Mask,
}

impl From<AreaArg> for AreaRule {
    fn from(arg: AreaArg) -> Self {
        match arg {
            AreaArg::Auto => Self::Auto,
            AreaArg::Box => Self::Box,
            AreaArg::Mask => Self::Mask,
        }
    }
}

/// Arguments of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// LVIS annotation file
    #[arg(long, value_name = "FILE")]
    pub gt: PathBuf,
    /// LVIS results file, or `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub dt: PathBuf,
    /// What to compare
    #[arg(long, value_enum, default_value_t = IouArg::Segm)]
    pub iou: IouArg,
    /// Which detections count, and what is averaged
    #[arg(long, value_enum, default_value_t = ProtocolArg::Lvis)]
    pub protocol: ProtocolArg,
    /// Which area makes a detection small, medium or large
    #[arg(long, value_enum, default_value_t = AreaArg::Auto)]
    pub area: AreaArg,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Write the results as JSON; without FILE, or as -, to stdout in place of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    pub json: Option<PathBuf>,
    /// Only the images listed in FILE: one id or file name a line, or a JSON list
    #[arg(long, value_name = "FILE")]
    pub images: Option<PathBuf>,
    /// Write what became of each image, for `merge` and `compare`
    #[arg(long, value_name = "FILE")]
    pub save_state: Option<PathBuf>,
    /// Write into this folder why the AP is what it is: errors by kind, confused categories, worst images
    #[arg(long, value_name = "DIR")]
    pub explain: Option<PathBuf>,
    /// Intervals beside the numbers
    #[command(flatten)]
    pub intervals: IntervalArgs,
}

/// Arguments of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Run folders; of several, oldest first, the trend is shown too
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<PathBuf>,
    /// Where the trend of several runs is written [default: the last run's folder]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write the report as JSON; without FILE, or as -, to stdout in place of the tables
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    pub json: Option<PathBuf>,
}

/// Arguments of `zoo`.
#[derive(Debug, Args)]
pub struct ZooArgs {
    /// A built-in zoo's name, or a zoo file
    #[arg(value_name = "NAME|FILE")]
    pub zoo: Option<String>,
    /// Folder in which to look for the weights files
    #[arg(long, value_name = "DIR")]
    pub weights: Option<PathBuf>,
    /// Data root in which to look for the annotation file
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Write the list as JSON; without FILE, or as -, to stdout in place of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    pub json: Option<PathBuf>,
}
