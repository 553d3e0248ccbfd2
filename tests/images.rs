//! Finding and decoding images, class prompts, and the network's input.
#![cfg(feature = "images")]

mod common;
#[path = "common/paramgen.rs"]
mod paramgen;

#[path = "images/decoding.rs"]
mod decoding;
#[path = "images/finding.rs"]
mod finding;
#[path = "images/letterbox.rs"]
mod letterbox;
#[path = "images/lists.rs"]
mod lists;

/// SHA-256 in lower-case hex.
fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
