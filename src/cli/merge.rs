//! `merge`: an evaluation in parts, put together.

use std::path::PathBuf;

use clap::Args;

use super::eval_table::deliver_evaluation;
use super::exit;
use super::failure::Failure;
use super::intervals::IntervalArgs;
use super::output::STDOUT;
use crate::evaluation::State;

pub const MERGE_EXAMPLES: &str = "\
Example:
  zoobench eval --gt lvis_v1_val.json --dt results.json --images part1.txt --save-state part1.zbstate
  zoobench eval --gt lvis_v1_val.json --dt results.json --images part2.txt --save-state part2.zbstate
  zoobench merge part1.zbstate part2.zbstate --json metrics.json
      the same bytes as `eval --json` without --images; needs neither annotations nor results";

/// Arguments of `merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// States written by `eval --save-state`, which together hold every image of the annotation file once
    #[arg(required = true, value_name = "STATE")]
    pub states: Vec<PathBuf>,
    /// Write the results as JSON; without FILE, or as -, to stdout in place of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    pub json: Option<PathBuf>,
    /// Intervals beside the numbers
    #[command(flatten)]
    pub intervals: IntervalArgs,
}

/// Merges states and prints what `eval` prints of the whole.
pub fn merge(args: &MergeArgs) -> Result<u8, Failure> {
    let states = args.states.iter().map(|path| State::read(path)).collect::<Result<Vec<_>, _>>()?;
    let merged = State::merge(states)?;
    deliver_evaluation(&args.intervals.report(&merged), args.json.as_deref())?;
    Ok(exit::DONE)
}
