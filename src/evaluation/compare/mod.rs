//! Two sets of detections of the same images: what differs, and whether more than chance.
//!
//! Takes two [`State`](super::State)s of one protocol, one annotation file and the same images; gives the
//! paired difference of every number with its interval and p-value, what each category gained or lost,
//! and the images in which more or fewer instances are found. Both are counted in the same resamples of
//! images, so what makes an image hard for both cancels out: differences far smaller than the interval
//! of either number can be told from chance.
mod comparison;
mod details;
mod significance;

pub use comparison::{compare_states, Comparison, MetricDifference};
pub use details::{CategoryDifference, ImageDifference};
