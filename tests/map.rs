//! The arrows between the rooms point one way.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The rooms in the order the data moves, ground floor first.
const ORDER: [&str; 13] = [
    "kernels",
    "mask",
    "dataset",
    "model",
    "detection",
    "evaluation",
    "report",
    "zoo",
    "gate",
    "run",
    "latency",
    "doctor",
    "cli",
];

/// Pairs that may not meet although the order would allow it.
const APART: [(&str, &str); 2] = [("evaluation", "model"), ("evaluation", "detection")];

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a room is a folder") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// Rooms that a source text names through `crate::`.
fn rooms_named(text: &str) -> BTreeSet<&'static str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    ORDER.into_iter().filter(|room| code.contains(&format!("crate::{room}"))).collect()
}

fn rank(room: &str) -> usize {
    ORDER.iter().position(|&other| other == room).expect("a room of the map")
}

/// What is wrong with a room that names these others.
fn wrong_arrows(room: &str, named: &BTreeSet<&'static str>) -> Vec<String> {
    let back = named
        .iter()
        .filter(|other| rank(other) > rank(room))
        .map(|other| format!("{room} names {other}, which comes after it"));
    let apart =
        named.iter().filter(|other| APART.contains(&(room, other))).map(|other| format!("{room} names {other}"));
    back.chain(apart).collect()
}

#[test]
fn no_arrow_points_back() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ORDER {
        for file in rust_files(&source.join(room)) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            let wrong = wrong_arrows(room, &rooms_named(&text));
            assert!(wrong.is_empty(), "{}: {wrong:?}", file.display());
        }
    }
}

#[test]
fn an_arrow_that_points_back_is_seen() {
    let named = rooms_named("use crate::report::Row;\n// use crate::cli::x;\nuse crate::mask::Rle;");
    assert_eq!(named, BTreeSet::from(["mask", "report"]));
    assert_eq!(wrong_arrows("dataset", &named), ["dataset names report, which comes after it"]);
    assert_eq!(wrong_arrows("evaluation", &rooms_named("crate::model::Letterbox")), ["evaluation names model"]);
}

#[test]
fn only_the_command_line_prints() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ORDER.into_iter().filter(|&room| room != "cli") {
        for file in rust_files(&source.join(room)) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            for word in ["println!", "print!(", "eprint", "process::exit", "dbg!"] {
                let printed = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
                assert!(!printed, "{} uses {word}", file.display());
            }
        }
    }
}

#[test]
fn each_room_has_a_front_door_without_logic() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for room in ORDER {
        let door = std::fs::read_to_string(source.join(room).join("mod.rs")).expect("a front door");
        assert!(door.starts_with("//!"), "{room}/mod.rs says what the room is for");
        let logic = door.lines().any(|line| !line.starts_with("//") && line.contains("fn "));
        assert!(!logic || room == "cli", "{room}/mod.rs holds logic");
    }
}
