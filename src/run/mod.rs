//! The main job: drives the chain over a zoo and stores what comes of it.
//!
//! Takes a [`Job`] (zoo, data root, weights, subset, output folder) and gives a run's folder:
//! `run.json`, and for each variant `metrics.json`, its states and, unless [`ResultsFile::None`] asks for
//! none, `results.json`. Images pass through decoding, network, detection and evaluation on a bounded
//! pipeline, so memory does not grow with their number. A variant that fails is reported in its row and the others go on; whatever can be refused
//! before anything is computed is refused then, with a [`RunError`], and leaves nothing behind.
//!
//! [`predict`] runs one checkpoint and writes its detections alone.
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//! use zoobench::model::Device;
//! use zoobench::run::{run, Compute, Job, ResultsFile, Subset};
//! use zoobench::zoo::Zoo;
//!
//! let job = Job {
//!     zoo: Zoo::builtin("shapes")?,
//!     data: None,
//!     weights: None,
//!     annotations: None,
//!     variants: vec![],
//!     subset: Subset::default(),
//!     out: "runs/shapes".into(),
//!     results: ResultsFile::Json,
//!     compute: Compute { execution: Device::Cpu.into(), batch: 1, threads: None },
//! };
//! let outcome = run(&job, &(), &AtomicBool::new(false))?;
//! assert!(!outcome.interrupted);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod chain;
mod checkpoints;
mod clock;
mod drive;
mod error;
mod events;
mod folder;
mod inputs;
mod job;
mod machine;
mod pipeline;
mod plan;
mod predict;
mod record;
mod reference;
mod scoring;
mod timing;
mod variant;
mod workers;

pub(crate) use checkpoints::load as load_model;
pub use drive::{run, Outcome};
pub use error::RunError;
pub use events::{Event, Observer};
pub(crate) use inputs::Sample;
pub use inputs::Subset;
pub use job::{Compute, Job, ResultsFile};
pub(crate) use machine::{machine, program_sha256};
pub(crate) use plan::Plan;
pub use plan::{weights_place, WeightsPlace};
pub use predict::{predict, Predicted, Prediction};
pub use timing::{PredictTiming, StageTiming};
pub(crate) use variant::check_hash;
