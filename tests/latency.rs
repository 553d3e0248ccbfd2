//! Measurements: the program as a user meets it, and every verdict with made-up processes and time.

#[path = "common/mod.rs"]
mod common;
#[path = "latency/comparing.rs"]
mod comparing;
#[path = "latency/documents.rs"]
mod documents;
#[path = "latency/fake.rs"]
mod fake;
#[path = "latency/files.rs"]
mod files;
#[path = "latency/pairs.rs"]
mod pairs;
#[path = "latency/program.rs"]
mod program;
#[path = "latency/reporting.rs"]
mod reporting;
#[path = "common/schema.rs"]
mod schema;
#[path = "common/snapshot.rs"]
mod snapshot;
#[path = "latency/tied.rs"]
mod tied;
#[path = "latency/verdicts.rs"]
mod verdicts;
