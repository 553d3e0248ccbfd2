//! Where the tests find their fixtures.
#![allow(dead_code)]

use std::path::{Path, PathBuf};

/// A fixture in the repository: `tests/fixtures/<path>`.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(path)
}

/// A golden that is too big for the repository: `../shared/<path>`, or `None` with a word on
/// stderr where that folder is absent.
pub fn shared(path: &str) -> Option<PathBuf> {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("skipped: not present: {path}");
    None
}
