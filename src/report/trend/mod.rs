//! Several runs of a zoo over time: what each metric was, and how it moved.
//!
//! [`Trend::of`] takes runs in their order, oldest first; gives a series per variant and metric with
//! the difference to the first run and to the one before. A difference is given only between runs of
//! the same data, images and protocol: where these changed, the value stands alone and a note says so.
mod files;
mod forms;
mod series;

pub use files::write_trend;
pub use forms::{trend_csv, trend_json, trend_markdown, trend_terminal, TREND_JSON_SCHEMA, TREND_SCHEMA_VERSION};
pub use series::{Trend, TrendRun, TrendSeries};
