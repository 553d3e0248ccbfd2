//! LVIS evaluation, equal to lvis-api bit for bit.
mod metrics;

pub use metrics::{AreaRule, CategoryMetrics, Curves, Evaluation, IouType, Metrics, Swallowed};
