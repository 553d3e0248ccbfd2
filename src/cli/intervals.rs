//! The arguments of resampling, which `eval`, `merge` and `compare` share.

use clap::Args;

use crate::evaluation::{EvaluationReport, Resampling, State};

/// How often to draw images, and from which numbers.
#[derive(Debug, Clone, Copy, Args)]
pub struct ResamplingArgs {
    /// Bootstrap resamples of the images
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub resamples: u32,
    /// What they are drawn from: the same seed gives the same intervals
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub seed: u64,
}

impl From<ResamplingArgs> for Resampling {
    fn from(args: ResamplingArgs) -> Self {
        Self { resamples: args.resamples, seed: args.seed }
    }
}

/// Whether to give intervals, and how.
#[derive(Debug, Clone, Copy, Args)]
// How to draw without drawing is a mistake, not a wish.
#[command(mut_arg("resamples", |arg| arg.requires("intervals")), mut_arg("seed", |arg| arg.requires("intervals")))]
pub struct IntervalArgs {
    /// Give a 95 % interval beside every number, by bootstrap over the images
    #[arg(long)]
    pub intervals: bool,
    /// How they are drawn
    #[command(flatten)]
    pub resampling: ResamplingArgs,
}

impl IntervalArgs {
    /// The report of a state, with intervals if they are wanted.
    pub fn report(&self, state: &State) -> EvaluationReport {
        let intervals = self.intervals.then(|| state.intervals(self.resampling.into()));
        EvaluationReport { intervals, ..state.report() }
    }
}
