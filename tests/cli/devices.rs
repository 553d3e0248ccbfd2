//! Where the network is computed, by what, and in which arithmetic.

use super::*;

/// Three commands that compute the network, each with an output that must not appear.
const COMMANDS: [&[&str]; 3] = [
    &["run", "--limit", "1", "--out", "out"],
    &["predict", "--weights", V1, "--annotations", "annotations.json", "--data", ".", "--out", "out"],
    &["latency", "--trial", "--json", "out"],
];

fn refused_everywhere(arguments: &[&str], words: &[&str]) {
    let place = Workplace::with_shapes(1, &[V1]);
    for command in COMMANDS {
        let finished = place.run(&[command, arguments].concat());
        finished.refused(words);
        assert!(!place.path("out").exists(), "{command:?}");
        let told = finished.stderr.trim_end();
        assert!(told.starts_with("error: ") || told.lines().count() == 1, "{told}");
    }
}

#[test]
fn an_unknown_device_is_refused() {
    refused_everywhere(&["--device", "tpu"], &["tpu", "`cpu`, `cuda` or `cuda:N`"]);
    refused_everywhere(&["--device", "cuda:first"], &["cuda:first"]);
}

/// No machine has so many GPUs, so that builds with the feature refuse it too.
#[test]
fn a_gpu_that_is_not_there_is_a_sentence() {
    refused_everywhere(&["--device", "cuda:4096", "--dtype", "bf16"], &["zoobench: device cuda:4096: "]);
    if !cfg!(feature = "cuda") {
        let words = ["device cuda:0: this binary was built without CUDA: cargo build --release --features cuda"];
        refused_everywhere(&["--device", "cuda"], &words);
    }
}

#[test]
fn what_is_exact_is_the_processor_s() {
    let exact = ["--device", "cuda", "--exact"];
    refused_everywhere(&exact, &["engine fast-exact", "cuda:0", "no --exact"]);
    for engine in ["fast", "candle"] {
        refused_everywhere(&[&exact[..], &["--engine", engine]].concat(), &["cuda:0", "no --exact"]);
    }
    // The engine is there; so many GPUs are not.
    refused_everywhere(&["--device", "cuda:4096", "--engine", "fast"], &["zoobench: device cuda:4096: "]);
}

#[test]
fn the_processor_computes_in_f32_and_its_kernels_in_bf16() {
    for dtype in ["tf32", "f16"] {
        refused_everywhere(&["--dtype", dtype], &[dtype, "cpu", "--device cuda"]);
    }
    refused_everywhere(
        &["--dtype", "bf16", "--engine", "candle"],
        &["bf16", "engine candle", "by engine fast in bf16"],
    );
    refused_everywhere(&["--dtype", "f64"], &["f64", "tf32"]);
}

/// Whatever this machine has, the doctor and the run agree.
#[test]
fn the_doctor_says_whether_a_gpu_run_could_start() {
    let place = Workplace::with_shapes(1, &[V1]);
    let finished = place.run(&["doctor", "gpu", "--json"]);
    let found: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let schema = serde_json::from_str(zoobench::doctor::DOCTOR_JSON_SCHEMA).expect("JSON");
    assert_eq!(schema::departures(&schema, &found), Vec::<String>::new());
    let ready = found["ready"].as_bool().expect("yes or no");
    assert_eq!(finished.code, if ready { 0 } else { 2 }, "{found}");
    assert_eq!(found["missing"].as_array().is_some_and(Vec::is_empty), ready);
    let told = place.run(&["doctor", "gpu"]);
    assert_eq!((told.code, told.stdout.contains("cannot start")), (finished.code, !ready));
    if !ready {
        refused_everywhere(&["--device", "cuda", "--dtype", "bf16"], &["device cuda:0"]);
    }
    place.run(&["doctor"]).refused(&["gpu"]);
}

#[test]
fn raw_outputs_are_held_to_candle_s() {
    let place = Workplace::new();
    let distances = |more: &[&str], code: i32| -> Vec<f64> {
        let finished = place.run(&[&["doctor", "outputs", "--json"], more].concat());
        assert_eq!(finished.code, code, "{}", finished.stderr);
        let mut told: Value = serde_json::from_str(&finished.stdout).expect("JSON");
        let schema = serde_json::from_str(zoobench::doctor::OUTPUTS_JSON_SCHEMA).expect("JSON");
        assert_eq!(schema::departures(&schema, &told), Vec::<String>::new());
        assert_eq!(told["within"], code == 0, "{told}");
        list(&mut told, "rows").iter().map(|row| row["distance"].as_f64().expect("a number")).collect()
    };
    assert_eq!(distances(&["--engine", "candle", "--within", "0"], 0), [0.0; 8], "two networks of four outputs");
    let fast = distances(&["--engine", "fast"], 0);
    assert!(fast.iter().all(|&distance| 0.0 < distance && distance < 1e-4), "{fast:?}");
    let bound = format!("{}", fast.iter().copied().fold(f64::MAX, f64::min) / 2.0);
    assert_eq!(distances(&["--engine", "fast", "--within", &bound], 1), fast, "none is within");
    let told = place.run(&["doctor", "outputs", "--within", &bound]);
    assert!(told.stdout.contains("BEYOND") && told.stdout.contains("NOT within"), "{}", told.stdout);
    place.run(&["doctor", "outputs", "--device", "cuda:4096"]).refused(&["device cuda:4096"]);
    place.run(&["doctor", "outputs", "--random-weights", "v3-S"]).refused(&["v3-S", "v1-M"]);
    place.run(&["doctor", "outputs", "--within=-1"]).refused(&["--within"]);
}

#[test]
fn what_computed_is_recorded() {
    let place = Workplace::with_shapes(1, &[V1]);
    place.run(&["run", "--limit", "1", "--variants", "shapes_v1", "--engine", "candle"]).done();
    let run = place.json("runs/shapes/run.json");
    let metrics = place.json("runs/shapes/shapes_v1/metrics.json");
    assert_eq!((&run["machine"]["device"], &run["machine"]["dtype"]), (&json!("cpu"), &json!("f32")));
    assert_eq!((&metrics["engine"], &metrics["dtype"]), (&json!("candle"), &json!("f32")));
    let arguments = [COMMANDS[1], &["--json", "--timing", "timing.json"]].concat();
    let finished = place.run(&arguments);
    finished.done();
    let told: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    for document in [told, place.json("timing.json")] {
        let computed = ["device", "engine", "dtype"].map(|key| document[key].as_str());
        assert_eq!(computed, [Some("cpu"), Some("fast"), Some("f32")], "{document}");
    }
}

#[test]
fn what_computed_in_bf16_is_recorded() {
    let place = Workplace::with_shapes(1, &[V1]);
    let bf16 = ["--dtype", "bf16"];
    place.run(&[&["run", "--limit", "1", "--variants", "shapes_v1"], &bf16[..]].concat()).done();
    let (run, metrics) = (place.json("runs/shapes/run.json"), place.json("runs/shapes/shapes_v1/metrics.json"));
    assert_eq!((&run["machine"]["dtype"], &metrics["dtype"]), (&json!("bf16"), &json!("bf16")));
    let finished = place.run(&[COMMANDS[1], &bf16, &["--exact", "--json", "--timing", "timing.json"]].concat());
    finished.done();
    let told: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    for document in [told, place.json("timing.json")] {
        let computed = ["device", "engine", "dtype"].map(|key| document[key].as_str());
        assert_eq!(computed, [Some("cpu"), Some("fast-exact"), Some("bf16")], "{document}");
    }
}
