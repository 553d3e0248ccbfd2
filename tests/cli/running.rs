//! `run` and `report`: the main job.

use super::*;

const ZOO: &str = r#"
name = "two"
title = "Two small models"
annotations = "annotations.json"
images = "."
split = "three images"
published_label = "published"

[[variant]]
name = "one"
title = "One"
family = "v1"
size = "tiny"
tuned = "all modules"
weights = "shapes_v1-b0b51c54.pth"

[[variant]]
name = "other"
title = "Other"
family = "v2"
size = "tiny"
tuned = "all modules"
weights = "shapes_v2-bd8e3ecd.pth"
"#;

const RUN: [&str; 9] = ["run", "--zoo", "zoo.toml", "--data", ".", "--weights", "weights", "--out", "out"];

fn with_zoo(images: usize, weights: &[&str]) -> Workplace {
    let place = Workplace::with_shapes(images, weights);
    place.write("zoo.toml", ZOO.as_bytes());
    fs::create_dir_all(place.path("weights")).expect("a folder");
    place
}

/// Without what may differ between two runs of the same inputs.
fn stable(files: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let strip = |name: &str, bytes: Vec<u8>| {
        if !name.ends_with(".json") || name.ends_with("results.json") {
            return bytes;
        }
        let mut value: Value = serde_json::from_slice(&bytes).expect("JSON");
        drop_keys(&mut value);
        value.to_string().into_bytes()
    };
    // report.md and report.csv print time and machine.
    files
        .into_iter()
        .filter(|(name, _)| !name.ends_with(".md") && !name.ends_with(".csv"))
        .map(|(name, bytes)| {
            let bytes = strip(&name, bytes);
            (name, bytes)
        })
        .collect()
}

fn drop_keys(value: &mut Value) {
    if let Some(object) = value.as_object_mut() {
        object.remove("timing");
        object.remove("machine");
        object.values_mut().for_each(drop_keys);
    } else if let Some(list) = value.as_array_mut() {
        list.iter_mut().for_each(drop_keys);
    }
}

#[test]
fn the_embedded_zoo_runs_from_any_folder() {
    let place = Workplace::new();
    let finished = place.run(&["run", "--limit", "2"]);
    finished.done();
    assert!(finished.stdout.contains("NOT COMPARABLE"), "{}", finished.stdout);
    assert!(finished.stdout.contains("shapes v1") && finished.stdout.contains("shapes v2"));
    let run = place.json("runs/shapes/run.json");
    assert_eq!((run["comparable"].as_bool(), run["status"].as_str()), (Some(false), Some("partial")));
    let metrics = place.json("runs/shapes/shapes_v1/metrics.json");
    assert_eq!(metrics["schema_version"], 1);
    assert_eq!((metrics["status"].as_str(), metrics["comparable"].as_bool()), (Some("partial"), Some(false)));
    assert_eq!(metrics["results"]["segm"].as_object().map(serde_json::Map::len), Some(13));
    assert_eq!(metrics["results"]["bbox"].as_object().map(serde_json::Map::len), Some(13));
    assert_eq!(metrics["annotations_sha256"], run["dataset"]["annotations_sha256"]);
    assert!(metrics["weights_sha256"].as_str().is_some_and(|sha| sha.starts_with("b0b51c54")));
    assert!(metrics["timing"]["images_per_second"].as_f64() > Some(0.0));
    let stages = metrics["timing"]["stages"].as_array().expect("a list").iter();
    let shares: Vec<f64> = stages.filter_map(|stage| stage["share"].as_f64()).collect();
    assert_eq!(shares.len(), 5);
    assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
    assert!(finished.stderr.contains("images/s; decode "), "{}", finished.stderr);
    let agreement = &metrics["agreement"];
    assert_eq!(agreement["matched"], agreement["reference"], "{agreement}");
    for file in ["report.md", "report.csv"] {
        assert!(place.read(&format!("runs/shapes/{file}")).to_lowercase().contains("not comparable"), "{file}");
    }
    assert_eq!(place.json("runs/shapes/report.json")["comparable"], false);
}

#[test]
fn equal_inputs_give_equal_files() {
    let place = with_zoo(3, &[V1, V2]);
    place.run(&RUN).done();
    let first = stable(files_below(&place.path("out")));
    assert!(first.contains_key("one/results.json") && first.keys().any(|name| name.starts_with("plots/")));
    fs::remove_dir_all(place.path("out")).expect("the run");
    place.run(&[&RUN[..], &["--threads", "1", "--batch", "3"]].concat()).done();
    let second = stable(files_below(&place.path("out")));
    assert_eq!(first.keys().collect::<Vec<_>>(), second.keys().collect::<Vec<_>>());
    for (name, bytes) in &first {
        assert!(bytes == &second[name], "{name} differs");
    }
}

#[test]
fn online_metrics_equal_those_of_the_results_file() {
    let place = with_zoo(3, &[V1]);
    place.run(&[&RUN[..], &["--variants", "one"]].concat()).done();
    place.run(&["eval", "--gt", "annotations.json", "--dt", "out/one/results.json", "--json", "eval.json"]).done();
    assert_eq!(place.json("out/one/metrics.json")["results"]["segm"], place.json("eval.json")["results"]);
}

#[test]
fn without_a_results_file_all_else_is_the_same() {
    let place = with_zoo(3, &[V1]);
    let one = [&RUN[..], &["--variants", "one"]].concat();
    place.run(&one).done();
    let mut kept = stable(files_below(&place.path("out")));
    place.write("baseline.toml", place.run(&["baseline", "out"]).stdout.as_bytes());
    fs::rename(place.path("out"), place.path("kept")).expect("the run");
    place.run(&[&one[..], &["--results", "none"]].concat()).done();
    assert!(kept.remove("one/results.json").is_some());
    for name in ["one/metrics.json", "one/segm.zbstate", "one/bbox.zbstate", "run.json", "report.json"] {
        assert!(kept.contains_key(name), "{name}");
    }
    let bare = stable(files_below(&place.path("out")));
    assert_eq!(bare.keys().collect::<Vec<_>>(), kept.keys().collect::<Vec<_>>());
    for (name, bytes) in &kept {
        assert!(bytes == &bare[name], "{name} differs");
    }
    place.run(&["report", "out"]).done();
    place.run(&["gate", "out", "--baseline", "baseline.toml", "--paired", "kept"]).done();
    place.run(&["compare", "kept/one", "out/one", "--resamples", "10"]).done();
    let timed = ["latency", "--trial", "--zoo", "zoo.toml", "--data", ".", "--weights", "weights", "--variants", "one"];
    let refused = place.run(&[&timed[..], &["--accuracy", "out", "--json", "latency.json"]].concat());
    refused.refused(&["out/one/results.json", "`--results none`", "`zoobench run --zoo zoo.toml"]);
    assert!(!refused.stderr.contains("process 1"), "measured in vain: {}", refused.stderr);
    assert!(!place.path("latency.json").exists());
    place.run(&[&one[..], &["--results", "xml"]].concat()).refused(&["xml", "none, json"]);
}

#[test]
fn a_run_without_a_results_file_leaves_none_of_an_older_run() {
    let place = with_zoo(1, &[V1]);
    let one = [&RUN[..], &["--variants", "one"]].concat();
    place.run(&one).done();
    assert!(place.path("out/one/results.json").exists());
    place.run(&[&one[..], &["--results", "none"]].concat()).done();
    assert!(!place.path("out/one/results.json").exists());
}

#[test]
fn one_variant_may_fail_and_the_others_go_on() {
    let place = with_zoo(1, &[V1, V2]);
    place.write(V1, b"no checkpoint");
    let finished = place.run(&RUN);
    assert_eq!(finished.code, 1, "{}", finished.stderr);
    let rows = place.json("out/run.json")["rows"].clone();
    assert_eq!((rows[0]["status"].as_str(), rows[1]["status"].as_str()), (Some("failed"), Some("done")));
    assert!(rows[0]["detail"].as_str().is_some_and(|detail| detail.contains("shapes_v1-b0b51c54.pth")));
    assert!(!place.path("out/one").exists());
}

#[test]
fn a_variant_alone_that_fails_is_refused() {
    let place = with_zoo(1, &[V1]);
    place.write(V1, b"no checkpoint");
    place.run(&[&RUN[..], &["--variants", "one"]].concat()).refused(&["shapes_v1-b0b51c54.pth"]);
    assert!(!place.path("out").exists());
}

#[test]
fn weights_of_another_sum_are_refused() {
    let place = with_zoo(1, &[V1]);
    let pinned = ZOO.replacen("\"shapes_v1-b0b51c54.pth\"", "\"shapes_v1-b0b51c54.pth\"\nsha256 = \"00000000\"", 1);
    place.write("zoo.toml", pinned.as_bytes());
    place.run(&[&RUN[..], &["--variants", "one"]].concat()).refused(&["SHA-256", "00000000", "b0b51c54"]);
}

#[test]
fn absent_weights_make_a_row_without_numbers() {
    let place = with_zoo(1, &[V1]);
    place.run(&RUN).done();
    let rows = place.json("out/run.json")["rows"].clone();
    assert_eq!((rows[0]["status"].as_str(), rows[1]["status"].as_str()), (Some("done"), Some("no_weights")));
    assert!(place.read("out/report.md").contains("no weights"));
}

#[test]
fn nothing_evaluated_is_exit_code_4() {
    let place = with_zoo(1, &[]);
    let finished = place.run(&RUN);
    assert_eq!(finished.code, 4, "{}", finished.stderr);
    assert!(
        finished.stderr.contains("nothing was evaluated") && finished.stderr.contains("weights/shapes_v2-bd8e3ecd.pth")
    );
    assert!(!place.path("out").exists());
}

#[test]
fn a_value_that_differs_from_the_published_one_is_exit_code_1() {
    let place = with_zoo(1, &[V1]);
    let published =
        "[variant.published]\nAP = 1.5\nsource = \"invented for this test\"\n\n[[variant]]\nname = \"other\"";
    place.write("zoo.toml", ZOO.replacen("[[variant]]\nname = \"other\"", published, 1).as_bytes());
    let finished = place.run(&[&RUN[..], &["--variants", "one"]].concat());
    assert_eq!(finished.code, 1, "{}", finished.stdout);
    assert!(finished.stdout.contains("DIFFERS"));
}

#[test]
fn bad_jobs_are_refused_and_leave_nothing() {
    let place = with_zoo(1, &[V1]);
    place.run(&["run", "--zoo", "nowhere"]).refused(&["nowhere", "shapes"]);
    place.run(&["run", "--variants", "none"]).refused(&["none", "shapes_v1"]);
    place.run(&["run", "--zoo", "yolo-world-seg"]).refused(&["--weights"]);
    place.run(&["run", "--zoo", "zoo.toml", "--weights", "weights"]).refused(&["--data"]);
    place.run(&["run", "--zoo", "zoo.toml", "--data", "absent", "--weights", "weights"]).refused(&["absent"]);
    place.write("broken.toml", b"name = ");
    place.run(&["run", "--zoo", "broken.toml"]).refused(&["broken.toml:1"]);
    fs::remove_file(place.path("images/000001.jpg")).expect("an image");
    place.run(&RUN).refused(&["image 1"]);
    assert!(!place.path("out").exists() && !place.path("runs").exists());
}

#[test]
fn what_is_passed_over_is_told_and_stored() {
    let place = with_zoo(1, &[V1]);
    place.change_annotations(|annotations| {
        annotations["images"][0]["width"] = json!(10);
        let mut flat = annotations["annotations"][0].clone();
        (flat["id"], flat["area"]) = (json!(77_777), json!(0));
        list(annotations, "annotations").push(flat);
    });
    let finished = place.run(&[&RUN[..], &["--variants", "one"]].concat());
    finished.done();
    assert!(finished.stderr.contains("warning: one: 1 annotations whose area is not positive"), "{}", finished.stderr);
    assert!(finished.stderr.contains("warning: one: 1 images have another size"), "{}", finished.stderr);
    let metrics = place.json("out/one/metrics.json");
    assert_eq!(metrics["swallowed"]["nonpositive_area_annotations"], 1);
    assert_eq!(metrics["image_size_mismatches"], 1);
}

#[test]
fn another_folder_is_not_overwritten() {
    let place = with_zoo(1, &[V1]);
    place.write("out/thesis.tex", b"years of work");
    place.run(&RUN).refused(&["out", "run.json"]);
    assert_eq!(place.read("out/thesis.tex"), "years of work");
}

#[test]
fn a_report_is_rendered_again_from_what_is_stored() {
    let place = with_zoo(1, &[V1]);
    let ran = place.run(&[&RUN[..], &["--variants", "one"]].concat());
    ran.done();
    let before = files_below(&place.path("out"));
    for file in ["report.md", "report.csv", "report.json", "plots/model_zoo.svg"] {
        fs::remove_file(place.path("out").join(file)).expect("a file of the report");
    }
    let again = place.run(&["report", "out"]);
    again.done();
    assert_eq!(again.stdout, ran.stdout);
    assert!(files_below(&place.path("out")) == before, "the report is another one");
    place.run(&["report", "nowhere"]).refused(&["nowhere", "run.json"]);
    place.write("out/one/metrics.json", b"{}");
    place.run(&["report", "out"]).refused(&["metrics.json"]);
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_what_is_finished() {
    let place = with_zoo(20, &[V1, V2]);
    let mut child =
        place.command(&RUN).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut interrupted = false;
    for line in stderr.lines().map_while(Result::ok) {
        if !interrupted && line.starts_with("other: ") {
            let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
            interrupted = killed.success();
        }
    }
    assert!(interrupted);
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    let run = place.json("out/run.json");
    assert_eq!(run["status"], "partial");
    assert_eq!((run["rows"][0]["status"].as_str(), run["rows"][1]["status"].as_str()), (Some("done"), Some("pending")));
    assert!(place.path("out/one/metrics.json").exists() && !place.path("out/other").exists());
    let left: Vec<String> = files_below(&place.path("out")).into_keys().filter(|name| name.starts_with('.')).collect();
    assert!(left.is_empty(), "{left:?}");
}
