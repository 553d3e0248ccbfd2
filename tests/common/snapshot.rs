//! Text compared with a file that is kept with the tests.
use std::fs;

use crate::common::fixture;

/// Compares `text` with `tests/fixtures/<name>`; `UPDATE_SNAPSHOTS=1` rewrites the file instead.
pub fn assert_snapshot(name: &str, text: &str) {
    let file = fixture(name);
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some_and(|value| value == "1") {
        fs::write(&file, text).expect("the fixtures folder is writable");
        return;
    }
    let kept = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let differing = kept.lines().zip(text.lines()).position(|(kept, now)| kept != now);
    let line = differing.unwrap_or(kept.lines().count().min(text.lines().count()));
    assert!(
        kept == text,
        "{name} differs from line {}:\nkept: {:?}\nnow:  {:?}\nUPDATE_SNAPSHOTS=1 accepts it",
        line + 1,
        kept.lines().nth(line),
        text.lines().nth(line),
    );
}
