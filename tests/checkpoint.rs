//! Checkpoints: equal to what PyTorch reads, and nothing hostile gets through.
#![cfg(feature = "model")]

mod common;
#[path = "checkpoint/forge.rs"]
mod forge;
#[path = "checkpoint/goldens.rs"]
mod goldens;
#[path = "checkpoint/hostile.rs"]
mod hostile;
#[path = "checkpoint/mutants.rs"]
mod mutants;
#[path = "checkpoint/reading.rs"]
mod reading;
