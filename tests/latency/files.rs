//! The files of a measurement: all of them or none.

use std::fs;

use zoobench::latency::{write_measured, LatencyError};

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
