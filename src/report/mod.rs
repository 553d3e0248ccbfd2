//! Tables and plots, rendered from a stored run.
//!
//! [`StoredRun::read`] takes a run's folder: `run.json` and the `metrics.json` of every row that is
//! done. From it alone come a Markdown report, CSV, JSON, a table for terminals and plots, all pure
//! functions of the run: equal runs give equal bytes. [`write`] puts them into the folder. For papers
//! and model hubs there are [`latex`], [`model_index`], [`eval_results`] and [`metafile`]; [`Trend`] shows
//! several runs over time. The JSON forms have schemas ([`RUN_JSON_SCHEMA`] and its neighbours).
//!
//! Ours is compared with the published value of each row in AP points: *reproduced* means a
//! difference no larger than the published value's rounding ([`ROUNDING_TOLERANCE_AP`]). A row that
//! was not measured says why and shows no number of ours; a run on part of the data is *not
//! comparable* wherever it is shown. A run that is incomplete, damaged or of another version is
//! refused with a [`ReportError`] that names the file and the remedy.
//!
//! ```no_run
//! use std::path::Path;
//! use zoobench::report::{terminal, write, StoredRun};
//!
//! let folder = Path::new("runs/yolo-world-seg");
//! let run = StoredRun::read(folder)?;
//! println!("{}", terminal(&run, false, 100));
//! write(&run, folder)?;
//! # Ok::<(), zoobench::report::ReportError>(())
//! ```
mod comparison;
mod context;
mod context_tables;
mod csv;
mod document;
mod error;
mod explain;
mod exports;
mod footnotes;
mod json;
mod latency;
mod markdown;
mod plots;
mod prose;
mod record;
mod schemas;
mod sections;
mod size_table;
mod stored;
mod table;
mod tables;
mod terminal;
mod text;
mod trend;
mod verdict;
mod write;

pub use comparison::{compare, run_verdict, Comparison, RowComparison};
pub use context::{Context, ContextRow, SpeedRow};
pub use csv::csv;
pub use error::ReportError;
pub use explain::{explanation_markdown, write_explanation};
pub use exports::{eval_results, latex, metafile, model_index};
pub use json::{json, REPORT_SCHEMA_VERSION};
pub use latency::{LatencySummary, VariantLatency};
pub use markdown::{markdown, speeds_markdown};
pub use plots::{
    explanation_plots, latency_captions, latency_plots, plots, trend_plots, LatencyFigures, Plot, TimedVariant,
};
pub use prose::passed_over_words;
pub use record::{
    is_folder_name, Dataset, ImageList, Machine, Protocol, Published, Row, RowStatus, RunRecord, StageTime, Timing,
    VariantMetrics, VariantResults, ROUNDING_TOLERANCE_AP, RUN_SCHEMA_VERSION,
};
pub use schemas::{EVAL_JSON_SCHEMA, METRICS_JSON_SCHEMA, REPORT_JSON_SCHEMA, RUN_JSON_SCHEMA};
pub use stored::{state_file, StoredRun};
#[cfg(feature = "cli")]
pub(crate) use table::{escaped, Align, Cell, Table, Tone};
pub use terminal::terminal;
#[cfg(feature = "cli")]
pub(crate) use text::{area_rule, named, sanitized, threads};
pub use trend::{
    trend_csv, trend_json, trend_markdown, trend_terminal, write_trend, Trend, TrendRun, TrendSeries,
    TREND_JSON_SCHEMA, TREND_SCHEMA_VERSION,
};
pub use verdict::{RunVerdict, Verdict};
pub use write::write;
