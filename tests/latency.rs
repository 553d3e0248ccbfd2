//! Measurements: the program as a user meets it, and every verdict with made-up processes and time.

#[path = "latency/comparing.rs"]
mod comparing;
#[path = "latency/fake.rs"]
mod fake;
#[path = "latency/files.rs"]
mod files;
#[path = "latency/program.rs"]
mod program;
#[path = "latency/tied.rs"]
mod tied;
#[path = "latency/verdicts.rs"]
mod verdicts;
