//! zoobench: evaluation and benchmarking of the YOLO-World-Seg model zoo on LVIS val 1.0.
//!
//! Each folder is a room named for the noun it owns, in the order the data moves:
//!
//! ```text
//! annotations, images, prompts -> dataset -> model -> detection -> evaluation -> report
//!                                     mask is the ground floor of dataset, detection and evaluation,
//!                                     kernels that of model
//! zoo describes what to run; gate judges a stored run by a baseline
//! run drives the chain over a zoo, latency times it, doctor looks for a GPU and at what an engine gives;
//! cli parses and prints
//! ```
//!
//! No room imports one that comes after it. `evaluation` knows no candle, `model` knows no JSON,
//! only `cli` prints, only `kernels` has `unsafe`.
//!
//! Without features the crate is the LVIS evaluator alone (`mask`, `dataset`, `evaluation`), which
//! builds in seconds; see `Cargo.toml` for what each feature adds.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod dataset;
pub mod detection;
pub mod evaluation;
#[allow(unsafe_code)]
pub mod kernels;
pub mod mask;
pub mod model;

#[cfg(feature = "report")]
pub mod report;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod doctor;
#[cfg(feature = "cli")]
pub mod gate;
#[cfg(feature = "cli")]
pub mod latency;
#[cfg(feature = "cli")]
pub mod run;
#[cfg(feature = "cli")]
pub mod zoo;

/// The README's examples are tested with the others.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
