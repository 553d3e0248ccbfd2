//! LVIS evaluation, equal to lvis-api in every bit of every number.
//!
//! Takes ground truth ([`Annotations`](crate::dataset::Annotations)) and detections; gives the 13
//! numbers of lvis-api, AP, AP50 and AR of every category, precision-recall curves and the count of
//! what lvis-api passes over in silence. Refuses, with an [`EvaluationError`], what makes lvis-api
//! raise an exception or run for ever.
//!
//! A [`Protocol`] says which detections count and what is averaged: lvis-api's own, AP_fixed or AP_pool.
//! What is compared, an [`IouType`], is chosen apart from it: masks, boxes, or boundaries of masks.
//!
//! An [`Evaluator`] compares image by image, in any order and from any number of threads; only
//! (image, category) pairs that hold something are visited.
//!
//! ```no_run
//! use zoobench::dataset::Annotations;
//! use zoobench::evaluation::{Evaluator, Options};
//! # fn load() -> Annotations { unimplemented!() }
//!
//! let annotations = load();
//! let evaluator = Evaluator::new(&annotations, Options::default())?;
//! let matches = vec![evaluator.image(397133, &[])?];
//! let evaluation = evaluator.finish(matches);
//! # Ok::<(), zoobench::evaluation::EvaluationError>(())
//! ```
mod accumulate;
mod admission;
mod agreement;
mod bootstrap;
mod boundaries;
mod compare;
mod error;
mod evaluator;
mod explain;
mod file;
mod fixed;
mod ground_truth;
mod ids;
mod image;
mod intake;
mod masks;
mod matching;
mod metrics;
mod open_image;
mod overlap;
mod pairwise;
mod pool;
mod protocol;
mod ranking;
mod report;
mod results;
mod runs;
mod score;
mod spool;
mod state;
mod summary;
mod vocabulary;

pub use agreement::{compare_image, Agreement, AgreementBuilder, ImageAgreement, Pair};
pub use bootstrap::{Intervals, MetricInterval, Resampling};
pub use compare::{compare_states, CategoryDifference, Comparison, ImageDifference, MetricDifference};
pub use error::EvaluationError;
pub use evaluator::Evaluator;
pub use explain::{
    explain_file, Calibration, CalibrationBin, CategoryRow, ConfusedPair, DetectionCounts, ErrorCounts, ErrorKind,
    Explanation, F1Point, FrequencyRow, Gains, ImageRow, InstanceCounts, OperatingPoint, Thresholds, BACKGROUND_IOU,
    CALIBRATION_BINS, EXPLANATION_SCHEMA_VERSION, FOREGROUND_IOU, WORST_IMAGES,
};
pub use file::evaluate_file;
pub use fixed::{Ranking, Ranks};
pub use image::ImageMatches;
pub use metrics::{AreaRule, CategoryMetrics, Curves, Evaluation, IouType, Metrics, Swallowed};
pub use protocol::{
    Limit, Options, Protocol, AREAS, AREA_RANGES, IOU_THRESHOLDS, MAX_CATEGORY_DETECTIONS, MAX_DETECTIONS, RECALLS,
    THRESHOLDS,
};
pub use report::EvaluationReport;
pub use results::Results;
pub use state::{State, StateError};
pub use summary::Arrays;
