//! Plots of a run, each as SVG and PNG.
//!
//! A picture is laid out as a [`Scene`](scene::Scene) of lines, rectangles, markers and text, and
//! painted twice from it; the font comes with the program, none of the system's is used. Equal
//! runs give equal bytes. Drawn are: the zoo's bars, and for each measured row its precision-recall
//! curves, AP by number of training images (where the annotation file has these), and AP by
//! category. Of a latency measurement are drawn: distributions, latency against AP, and throughput by
//! batch. An explanation has pictures of its own. Colours are Okabe and Ito's, and no distinction rests
//! on colour alone.
mod axes;
mod categories;
mod explain;
mod frequency;
mod head;
mod latency;
mod model_zoo;
mod paint;
mod picture;
mod precision_recall;
mod scene;
mod style;
mod trend;

pub use explain::explanation_plots;
pub(super) use latency::figures_of_run;
pub use latency::{latency_captions, latency_plots, LatencyFigures, TimedVariant};
pub(super) use picture::pictures;
pub use picture::{plots, Plot};
pub use trend::trend_plots;
