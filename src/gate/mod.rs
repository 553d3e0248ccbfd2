//! Whether a change broke accuracy: a stored run judged by a baseline.
//!
//! Takes a [`StoredRun`](crate::report::StoredRun) and a [`Baseline`], a commented TOML file with a
//! target and two tolerances per variant and metric; gives a [`Judgement`], and from it a table,
//! JUnit XML, a Markdown summary, annotations and JSON, all pure functions.
//!
//! - **PASS**: every value lies within its tolerances.
//! - **FAIL**: a valid measurement lies outside. An unexpected rise fails like a drop.
//! - **INVALID**: the two cannot be compared. Protocol, annotation file, weights and images must be
//!   the baseline's; a value that is missing is never within.
//!
//! Judging is by absolute tolerance: evaluation is deterministic, so nothing but the change itself
//! moves a value on one machine. [`judge_paired`] asks of a drop that it be significant too, and
//! [`judge_latency`] adds latencies, which hold for one machine. A baseline that checks nothing, or is no TOML, is refused with a
//! [`GateError`].
//!
//! ```no_run
//! use std::path::Path;
//! use zoobench::gate::{judge, Baseline, Verdict};
//! use zoobench::report::StoredRun;
//!
//! let baseline = Baseline::read(Path::new("datasets/shapes-baseline.toml"))?;
//! let judgement = judge(&baseline, &StoredRun::read(Path::new("runs/shapes"))?);
//! assert_eq!(judgement.verdict(), Verdict::Pass);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod accept;
mod baseline;
mod error;
mod github;
mod invalid;
mod json;
mod judge;
mod judgement;
mod junit;
mod latency;
mod metric;
mod paired;
mod parse;
mod summary;
mod table;
mod write;

pub use accept::{accept, Accepted};
pub use baseline::{Baseline, CategoryTarget, Target, Tolerance, VariantBaseline};
pub use error::GateError;
pub use github::{annotations, MAX_ANNOTATIONS};
pub use invalid::Invalid;
pub use json::{json, GATE_JSON_SCHEMA, GATE_SCHEMA_VERSION};
pub use judge::judge;
pub use judgement::{CategoryCheck, Check, JudgedBy, Judgement, Outcome, Verdict};
pub use junit::junit;
pub use latency::{judge_latency, LatencyBaseline, LatencyCheck, LatencyFile};
pub use metric::Metric;
pub use paired::judge_paired;
pub use parse::BASELINE_SCHEMA_VERSION;
pub use summary::{summary, MAX_SUMMARY_BYTES};
pub use table::terminal;
