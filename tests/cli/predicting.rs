//! `predict`: the records of one checkpoint, and what it refuses.

use super::*;

const PREDICT: [&str; 9] =
    ["predict", "--weights", V1, "--annotations", "annotations.json", "--data", ".", "--out", "out.json"];

fn predict(place: &Workplace, more: &[&str]) -> Finished {
    place.run(&[&PREDICT[..], more].concat())
}

fn refused(place: &Workplace, words: &[&str]) {
    let finished = predict(place, &[]);
    finished.refused(words);
    assert!(!place.path("out.json").exists(), "half a file stands at --out");
    let left = fs::read_dir(place.0.path()).expect("a folder").filter_map(Result::ok);
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".zoobench")));
}

#[test]
fn records_are_as_mmdet_writes_them_at_any_number_of_threads_and_batch_size() {
    let place = Workplace::with_shapes(3, &[V1]);
    predict(&place, &["--threads", "1"]).done();
    let records = place.read("out.json");
    assert!(records.starts_with(r#"[{"image_id": 1, "bbox": ["#), "{}", &records[..80]);
    predict(&place, &["--threads", "3", "--batch", "2"]).done();
    assert!(records == place.read("out.json"), "other threads, other records");
    let files = embedded("shapes").expect("shapes is embedded");
    let reference: Value =
        serde_json::from_slice(&files.read("reference/shapes_v1/results.json").expect("an embedded file"))
            .expect("JSON");
    let of_three = reference.as_array().expect("a list").iter().filter(|record| record["image_id"].as_i64() <= Some(3));
    let ours: Value = serde_json::from_str(&records).expect("JSON");
    assert_eq!(ours.as_array().expect("a list").len(), of_three.count());
}

#[test]
fn engines_find_the_same_and_say_who_they_are() {
    let place = Workplace::with_shapes(2, &[V1]);
    let mut found = Vec::new();
    for (engine, name) in [(&["--engine", "candle"][..], "candle"), (&[], "fast"), (&["--exact"], "fast-exact")] {
        predict(&place, &[engine, &["--timing", "timing.json", "--threads", "2"]].concat()).done();
        let timing = place.json("timing.json");
        assert_eq!((&timing["engine"], &timing["threads"], &timing["images"]), (&json!(name), &json!(2), &json!(2)));
        let stages = timing["stages"].as_array().expect("a list").iter();
        let stages: Vec<&str> = stages.filter_map(|stage| stage["name"].as_str()).collect();
        assert_eq!(stages, ["decode", "letterbox", "network", "detection"]);
        assert!(timing["stages"].as_array().expect("a list").iter().all(|stage| stage["wall_ms"].as_f64() > Some(0.0)));
        let texts = &timing["texts"];
        assert!(texts["prompts"].as_u64() > Some(0) && texts["wall_ms"].as_f64() > Some(0.0), "{texts}");
        found.push(place.json("out.json"));
    }
    let scores = |records: &Value| -> Vec<f64> {
        records.as_array().expect("a list").iter().filter_map(|record| record["score"].as_f64()).collect()
    };
    let [candle, others @ ..] = found.as_slice() else { unreachable!("three engines") };
    for other in others {
        let (ours, theirs) = (scores(other), scores(candle));
        assert_eq!(ours.len(), theirs.len());
        let apart = ours.iter().zip(&theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(apart > 0.0 && apart < 1e-4, "rounded in other places, {apart} apart");
    }
    predict(&place, &["--engine", "abacus"]).refused(&["abacus", "candle", "fast"]);
}

#[test]
fn prompts_can_be_given() {
    let place = Workplace::with_shapes(1, &[V1]);
    let prompts: Vec<String> = (0..40).map(|index| format!("thing {index}")).collect();
    place.write("prompts.json", json!(prompts).to_string().as_bytes());
    predict(&place, &["--prompts", "prompts.json"]).done();
    place.write("few.txt", b"one\ntwo\n");
    predict(&place, &["--prompts", "few.txt"]).refused(&["2", "40"]);
}

#[test]
fn images_can_be_listed() {
    let place = Workplace::with_shapes(3, &[V1]);
    place.write("some.txt", b"3\n1\n");
    predict(&place, &["--images", "some.txt"]).done();
    let records = place.json("out.json");
    let images: Vec<i64> =
        records.as_array().expect("a list").iter().filter_map(|record| record["image_id"].as_i64()).collect();
    assert!(images.contains(&1) && images.contains(&3) && !images.contains(&2));
    place.write("some.txt", b"99\n");
    predict(&place, &["--images", "some.txt"]).refused(&["some.txt", "99", "annotations.json"]);
}

#[test]
fn a_truncated_checkpoint_is_refused() {
    let place = Workplace::with_shapes(1, &[V1, V2]);
    for weights in [V1, V2] {
        let whole = fs::read(place.path(weights)).expect("weights");
        place.write(V1, &whole[..whole.len() / 2]);
        refused(&place, &["shapes_v1-b0b51c54.pth"]);
    }
}

#[test]
fn a_missing_image_is_refused_with_the_places_tried() {
    let place = Workplace::with_shapes(2, &[V1]);
    fs::remove_file(place.path("images/000002.jpg")).expect("an image");
    refused(&place, &["image 2", "images/000002.jpg", "val2017/000000000002.jpg"]);
}

#[test]
fn an_image_is_found_where_lvis_has_it() {
    let place = Workplace::with_shapes(1, &[V1]);
    fs::create_dir(place.path("val2017")).expect("a folder");
    fs::rename(place.path("images/000001.jpg"), place.path("val2017/000000000001.jpg")).expect("moved");
    predict(&place, &[]).done();
}

#[test]
fn a_truncated_image_is_refused() {
    let place = Workplace::with_shapes(1, &[V1]);
    let whole = fs::read(place.path("images/000001.jpg")).expect("an image");
    place.write("images/000001.jpg", &whole[..whole.len() * 2 / 3]);
    refused(&place, &["images/000001.jpg", "end early"]);
}

#[test]
fn a_path_that_leaves_the_data_root_is_refused() {
    let place = Workplace::with_shapes(1, &[V1]);
    for name in ["../images/000001.jpg", "/etc/passwd", "images/../../x.jpg"] {
        place.change_annotations(|annotations| annotations["images"][0]["file_name"] = json!(name));
        refused(&place, &["image 1", "file_name", name]);
    }
}

#[test]
fn broken_annotations_are_refused() {
    let place = Workplace::with_shapes(1, &[V1]);
    let whole = place.read("annotations.json");
    place.write("annotations.json", &whole.as_bytes()[..whole.len() / 2]);
    refused(&place, &["annotations.json", "byte"]);
    place.write("annotations.json", b"{\"images\": []}");
    refused(&place, &["annotations.json"]);
}

#[test]
fn an_output_that_cannot_be_written_is_refused() {
    let place = Workplace::with_shapes(1, &[V1]);
    place.write("file", b"");
    predict(&place, &["--limit", "1"]).done();
    let finished = place.run(&[&PREDICT[..8], &["file/out.json"]].concat());
    finished.refused(&["file/out.json", "cannot be written"]);
    place.run(&[&PREDICT[..8], &["images"]].concat()).refused(&["images", "cannot be written"]);
}

#[test]
fn another_size_than_annotated_is_counted() {
    let place = Workplace::with_shapes(1, &[V1]);
    place.change_annotations(|annotations| annotations["images"][0]["width"] = json!(10));
    let finished = predict(&place, &[]);
    finished.done();
    assert!(finished.stderr.contains("1 images have another size"), "{}", finished.stderr);
}
