//! Why the AP is what it is: what went wrong with which detections and instances.
//!
//! Takes annotations and a results file; gives, beside the [`Evaluation`](super::Evaluation), an
//! [`Explanation`]: error shares in the manner of TIDE (Bolya et al., ECCV 2020) under LVIS's federated
//! rules, what each kind of error costs, tables by category and frequency, confused categories, the worst
//! images, calibration, and the score threshold of the highest F1. Refuses what
//! [`evaluate_file`](super::evaluate_file) refuses.
//!
//! # Which detections are judged
//! A detection is *judged* as lvis-api does: it is among the 300 highest scores of its image, its area is
//! positive and finite, and its category is *verified* in the image, that is annotated there or listed as
//! absent. All else costs nothing and tells nothing; it is counted as *not judged*. A judged detection is a
//! true positive, *ignored*, or a false positive at IoU 0.5 over all areas, exactly as in AP50. Ignored is
//! one that falls on an ignored instance, or that matches nothing in an image whose instances of its
//! category are not all annotated.
//!
//! # Kinds of errors
//! Compared are the instances of the image that are not ignored. Let *own* be the highest IoU with one of
//! the detection's category and *other* the highest IoU with one of another. A false positive is, by the
//! first rule that holds:
//!
//! | kind | rule | fixed by |
//! |---|---|---|
//! | duplicate | own >= 0.5 (a higher score has the instance) | leaving it out |
//! | localisation | own >= 0.1 | moving it onto that instance, or leaving it out if that is found |
//! | classification | other >= 0.5 | giving it that instance's category, or leaving it out if that is found |
//! | both | other >= 0.1 | leaving it out |
//! | background | otherwise | leaving it out |
//!
//! *Missed* is an instance that counts, is not found, and is the target of no localisation or
//! classification error; it is fixed by not asking for it. Several detections with one target that is not
//! found: the highest score gets it.
//!
//! This is TIDE with one change: there a classification error goes before a duplicate. LVIS annotates an
//! object under several categories, so that a second detection of a found object would often be told to
//! take the other name.
//!
//! *Background* means that nothing annotated lies there. An image is annotated with a few categories out of
//! many, so there may well be an object of a category that nobody looked for.
//!
//! # What a kind costs
//! The gain of a kind is AP50 with the errors of that kind alone fixed, less AP50. Gains do not add up to
//! what is missing, since an error that is fixed may uncover another. A category that has no instance left
//! leaves the mean.
//!
//! ```no_run
//! use std::path::Path;
//! use zoobench::dataset::Annotations;
//! use zoobench::evaluation::{explain_file, Options};
//!
//! let annotations = Annotations::read(Path::new("lvis_v1_val.json"))?;
//! let (evaluation, explanation) = explain_file(&annotations, Path::new("results.json"), Options::default())?;
//! println!("AP {:?}, {} instances missed", evaluation.results.ap, explanation.instances.missed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod calibration;
mod confusion;
mod explanation;
mod file;
mod findings;
mod image;
mod kinds;
mod oracle;
mod shapes;
mod tables;
mod threshold;
mod verdict;
mod worst;

pub use calibration::{Calibration, CalibrationBin, CALIBRATION_BINS};
pub use confusion::ConfusedPair;
pub use explanation::{DetectionCounts, Explanation, InstanceCounts, EXPLANATION_SCHEMA_VERSION};
pub use file::explain_file;
pub use kinds::{ErrorCounts, ErrorKind, BACKGROUND_IOU, FOREGROUND_IOU};
pub use oracle::Gains;
pub use tables::{CategoryRow, FrequencyRow};
pub use threshold::{F1Point, OperatingPoint, Thresholds};
pub use worst::{ImageRow, WORST_IMAGES};
