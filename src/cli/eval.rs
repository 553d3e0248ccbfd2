//! The `eval` command.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::eval_table::deliver_evaluation;
use super::failure::{Failure, Kind};
use super::intervals::IntervalArgs;
use super::output::STDOUT;
use super::threads::pool;
use super::{exit, explain};
use crate::dataset::{read_image_ids, write_whole, Annotations};
use crate::evaluation::{AreaRule, Evaluator, IouType, Options, Protocol};

pub const EVAL_EXAMPLES: &str = "\
Examples:
  zoobench eval --gt lvis_v1_val.json --dt results.json
  zoobench eval --gt lvis_v1_val.json --dt results.json --iou bbox --json metrics.json
  zoobench eval --gt lvis_v1_val.json --dt results.json --protocol fixed --iou boundary
      the metric of the LVIS challenge of 2021
  zoobench eval --gt lvis_v1_val.json --dt results.json --intervals
  zoobench eval --gt lvis_v1_val.json --dt results.json --images part1.txt --save-state part1.zbstate
      a part of the data set, for `merge`";

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

/// Which detections count under these protocols is decided over the whole file.
const PART_OF_RANKED: &str = "--images goes with --protocol lvis alone: `fixed` and `pool` rank the detections of all \
     images together; evaluate the whole";

/// Scores a results file and shows it.
pub fn eval(args: &EvalArgs) -> Result<u8, Failure> {
    let options =
        Options { iou: args.iou.into(), area: args.area.into(), protocol: args.protocol.into(), ..Options::default() };
    let (state, report) = pool(args.threads)?.install(|| -> Result<_, Failure> {
        if args.images.is_some() && options.protocol != Protocol::Lvis {
            return Err(Failure::of_kind(Kind::Usage, PART_OF_RANKED));
        }
        if args.explain.is_some() {
            explain::check(args, &options)?;
        }
        // Never given back: the program ends soon, and the polygons are many pieces of memory.
        let annotations: &Annotations = Box::leak(Box::new(Annotations::read(&args.gt)?));
        let mut evaluator = Evaluator::new(annotations, options)?;
        if let Some(list) = &args.images {
            evaluator = evaluator.select(&read_image_ids(list)?)?;
        }
        let matches = match args.dt.as_os_str() == "-" {
            true => evaluator.pipe("standard input", std::io::stdin().lock())?,
            false => evaluator.file(&args.dt)?,
        };
        let state = evaluator.state(matches, &args.dt.display().to_string())?;
        let report = args.intervals.report(&state);
        if let Some(folder) = &args.explain {
            explain::explain(&evaluator, &state, &args.dt, folder)?;
        }
        Ok((state, report))
    })?;
    if let Some(path) = &args.save_state {
        write_whole(path, &state.to_bytes()).map_err(|error| Failure::unwritable(path, &error))?;
    }
    deliver_evaluation(&report, args.json.as_deref())?;
    Ok(exit::DONE)
}
