//! Whether the network could run on a GPU of this machine, and what is missing.
//!
//! [`Findings::gather`] asks the kernel, NVIDIA's management library and the file system, and loads no
//! library of CUDA; [`Diagnosis::of`] is a pure function of what was found: what is missing, and how to get
//! it. It opens no GPU, so that a driver that lists one and refuses it is told of by the run itself. Nothing
//! is refused here: what cannot be known is absent. [`check_outputs`] says whether a network, once it runs somewhere,
//! gives there what it should.
//!
//! ```
//! use zoobench::doctor::{Diagnosis, Findings};
//!
//! let nothing_there = Diagnosis::of(Findings::default());
//! assert!(!nothing_there.ready);
//! assert!(nothing_there.missing.iter().any(|missing| missing.what.contains("driver")));
//! ```
mod diagnosis;
mod findings;
mod gather;
mod outputs;

pub use diagnosis::{Diagnosis, Missing, DOCTOR_JSON_SCHEMA, DOCTOR_SCHEMA_VERSION};
pub use findings::{Binary, Driver, Findings, FoundGpu, FoundLibrary, Version};
pub use outputs::{
    check_outputs, outputs_bound, OutputRow, OutputsCheck, OutputsJob, OUTPUTS_JSON_SCHEMA, OUTPUTS_SCHEMA_VERSION,
};
