//! The files of a measurement: all of them or none.

use std::fs;

use zoobench::latency::{remove_latency, write_latency, write_measured, LatencyError};

use crate::fake::{job, measured, Fake};

#[test]
fn the_json_file_and_its_samples_stand_together() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let measured = measured(&job(None), &Fake::quiet());
    write_measured(&measured, &folder.path().join("out.json")).expect("our folder");
    let samples = fs::read_to_string(folder.path().join("out.samples.ndjson")).expect("the samples");
    assert_eq!(samples.lines().count(), measured.samples.iter().map(Vec::len).sum::<usize>());
    let json = fs::read_to_string(folder.path().join("out.json")).expect("the measurement");
    assert!(json.contains("\"raw\": \"out.samples.ndjson\""));
}

#[test]
fn a_file_that_cannot_be_written_leaves_neither() {
    let measured = measured(&job(None), &Fake::quiet());
    for blocked in ["out.json", "out.samples.ndjson"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join(blocked)).expect("a folder in the way");
        let error = write_measured(&measured, &folder.path().join("out.json")).expect_err("a folder is in the way");
        assert!(matches!(&error, LatencyError::Unwritable { path, .. } if path.ends_with(blocked)), "{error}");
        let left: Vec<_> =
            fs::read_dir(folder.path()).expect("a folder").map(|e| e.expect("an entry").file_name()).collect();
        assert_eq!(left, [blocked], "nothing else is left");
    }
}

#[test]
fn what_was_written_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    remove_latency(folder.path()).expect("there is nothing to remove");
    let others = ["run.json", "latency_notes.md", "plots/model_zoo.svg", "plots/latency_ap.txt"];
    write_latency(&measured(&job(None), &Fake::quiet()), folder.path()).expect("our folder");
    others.iter().for_each(|name| fs::write(folder.path().join(name), "").expect("our folder"));
    remove_latency(folder.path()).expect("our folder");
    let entries = [folder.path().to_owned(), folder.path().join("plots")];
    let entries = entries.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder")).flatten();
    let mut left: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    let mut expected = others.map(|name| folder.path().join(name));
    left.sort();
    expected.sort();
    assert_eq!(left, expected);
}

#[test]
fn what_cannot_be_removed_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    fs::create_dir(folder.path().join("latency.md")).expect("a folder in the way");
    let error = remove_latency(folder.path()).expect_err("it is no file");
    assert!(matches!(&error, LatencyError::Unwritable { path, .. } if path.ends_with("latency.md")), "{error}");
}
