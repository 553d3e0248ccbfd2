//! Tables and plots, rendered from a stored run.
mod record;

pub use record::{
    Agreement, Dataset, Machine, Protocol, Published, Row, RowStatus, RunRecord, StageTime, Timing, VariantMetrics,
    VariantResults,
};
