//! The measurement as a user meets it: one real trial of the embedded zoo, and its refusals.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::documents::departures;

fn zoobench(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zoobench"));
    command.args(arguments).current_dir(folder).env("XDG_CACHE_HOME", folder.join("cache"));
    command.output().expect("the program starts")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_trial_of_the_embedded_zoo_is_measured_and_invalid() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let output = zoobench(place.path(), &["latency", "--trial", "--json", "latency.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    let text = std::fs::read_to_string(place.path().join("latency.json")).expect("the measurement");
    let record: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&record["schema_version"], &record["verdict"]), (&Value::from(1), &Value::from("INVALID")));
    assert_eq!(departures(&record), [""; 0]);
    let reasons = record["reasons"].to_string();
    assert!(reasons.contains("zoobench run --zoo shapes") && reasons.contains("trial length"), "{reasons}");
    let rows = record["measurements"].as_array().expect("a list");
    let names: Vec<String> = rows.iter().map(|row| format!("{} {}", row["variant"], row["latency"])).collect();
    let expected = ["shapes_v1", "shapes_v2"].map(|v| ["forward", "segment"].map(|l| format!("\"{v}\" \"{l}\"")));
    assert_eq!(names, expected.concat());
    for (index, row) in rows.iter().enumerate() {
        check_row(place.path(), index, row, &reasons);
    }
}

/// Every pinned key, stages that sum to the total or are said not to, and as many raw samples as are said.
fn check_row(folder: &Path, index: usize, row: &Value, reasons: &str) {
    for key in ["device", "engine", "dtype", "scenario", "batch", "outliers", "mad_ms", "peak_memory_bytes"] {
        assert!(row.get(key).is_some(), "{key}");
    }
    let number = |key: &str| row[key].as_f64().unwrap_or_else(|| panic!("{key} is no number"));
    let rising = ["min_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms"].map(number);
    assert!(rising.is_sorted() && rising[0] > 0.0, "{rising:?}");
    let stages = row["stages"].as_array().expect("stages");
    let sum: f64 = stages.iter().map(|stage| stage["mean_ms"].as_f64().expect("a mean")).sum();
    // A busy machine may take the thread away between two stages.
    let share = sum / number("mean_ms");
    assert!(share <= 1.0 + 1e-9 && (share >= 0.98 || reasons.contains("more than 2 % apart")), "{reasons}: {row}");
    let raw = std::fs::read_to_string(folder.join(row["raw"].as_str().expect("a name"))).expect("samples");
    let samples: Vec<Value> = raw.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let own: Vec<f64> = samples
        .iter()
        .filter(|line| line["measurement"] == index)
        .map(|line| line["ms"].as_f64().expect("ms"))
        .collect();
    assert_eq!(own.len() as u64, row["samples"].as_u64().expect("a count"));
    let mean = own.iter().sum::<f64>() / own.len() as f64;
    assert!((mean - number("mean_ms")).abs() < 1e-6 * mean);
}

#[test]
fn a_run_with_latency_has_size_and_speed_in_metrics_table_and_folder() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let output = zoobench(place.path(), &["run", "--limit", "2", "--latency", "trial", "--out", "out"]);
    assert_eq!(output.status.code(), Some(3), "the trial is invalid: {}", stderr(&output));
    let read = |name: &str| std::fs::read_to_string(place.path().join("out").join(name)).expect("a file of the run");
    let metrics: Value = serde_json::from_str(&read("shapes_v1/metrics.json")).expect("JSON");
    let names = metrics["latency"]["measurements"].as_array().expect("a list");
    let names: Vec<&str> = names.iter().filter_map(|row| row["latency"].as_str()).collect();
    assert_eq!(names, ["forward", "segment"]);
    let reasons = metrics["latency"]["reasons"].to_string();
    assert!(reasons.contains("trial length") && reasons.contains("2 of 120 images"), "{reasons}");
    let record: Value = serde_json::from_str(&read("latency.json")).expect("JSON");
    assert_eq!(departures(&record), [""; 0]);
    assert_eq!(record["measurements"][0]["p50_ms"], metrics["latency"]["measurements"][0]["p50_ms"]);
    assert_eq!(record["measurements"][0]["mask_ap"], Value::Null, "AP of two images is none");
    assert!(read("latency.md").starts_with("# Latency of the zoo shapes: INVALID"));
    for text in [read("report.md"), String::from_utf8_lossy(&output.stdout).into_owned()] {
        for words in ["The latencies are INVALID:", "GFLOPs", "p90 ms", "segment"] {
            assert!(text.contains(words), "{words} in {text}");
        }
    }
    let again = zoobench(place.path(), &["report", "out"]);
    assert_eq!(again.stdout, output.stdout, "the report is a function of what is stored");
    zoobench(place.path(), &["run", "--limit", "2", "--out", "out"]);
    for name in ["latency.json", "latency.md", "latency.samples.ndjson", "plots/latency_distribution_forward.svg"] {
        assert!(!place.path().join("out").join(name).exists(), "{name} is of the earlier run");
    }
    let refused = zoobench(place.path(), &["run", "--latency", "--annotations", "a.json", "--out", "other"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(!place.path().join("other").exists());
}

#[test]
fn bad_input_is_refused_before_anything_is_measured() {
    let place = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(place.path().join("base.json"), "{\"schema_version\": 7}").expect("a file");
    let cases: [(&[&str], &str); 5] = [
        (&["--variants", "nobody"], "nobody"),
        (&["--random-weights", "v9-X"], "v2-L"),
        (&["--accuracy", "nowhere"], "run.json"),
        (&["--compare", "base.json"], "schema_version is 7"),
        (&["--device", "abacus"], "abacus"),
    ];
    for (arguments, word) in cases {
        let all = [&["latency", "--trial", "--json", "out.json"], arguments].concat();
        let output = zoobench(place.path(), &all);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(word) && !stderr(&output).contains("panicked"), "{}", stderr(&output));
        assert!(!place.path().join("out.json").exists());
    }
}

#[test]
fn absent_weights_measure_nothing() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let output = zoobench(place.path(), &["latency", "--trial", "--weights", "."]);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    assert!(stderr(&output).contains("--weights"), "{}", stderr(&output));
}
