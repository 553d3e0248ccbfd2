//! `eval`: lvis-api's numbers, and what it refuses.

use super::*;

/// One square annotated, one detection on it.
fn square(place: &Workplace, counts: &str) {
    let gt = json!({
        "images": [{"id": 7, "height": 10, "width": 10, "neg_category_ids": [], "not_exhaustive_category_ids": []}],
        "categories": [{"id": 1, "name": "square", "frequency": "f", "synonyms": ["square"]}],
        "annotations": [{"id": 1, "image_id": 7, "category_id": 1, "area": 16, "bbox": [2, 2, 4, 4],
            "segmentation": [[2, 2, 6, 2, 6, 6, 2, 6]]}],
    });
    place.write("gt.json", gt.to_string().as_bytes());
    let segmentation = json!({"size": [10, 10], "counts": counts});
    let dt =
        json!([{"image_id": 7, "category_id": 1, "score": 0.5, "bbox": [2, 2, 4, 4], "segmentation": segmentation}]);
    place.write("dt.json", dt.to_string().as_bytes());
}

/// The annotated square, as COCO's string.
fn whole_square() -> String {
    let corners = vec![2.0, 2.0, 6.0, 2.0, 6.0, 6.0, 2.0, 6.0];
    zoobench::mask::Rle::from_polygons(10, 10, &[corners]).expect("a square").to_string()
}

/// Columns 2 to 5, rows 2 to 5 of a 10 x 10 image, as COCO's string.
const SQUARE: &str = "f0460000000h1";

const EVAL: [&str; 7] = ["eval", "--gt", "gt.json", "--dt", "dt.json", "--json", "out.json"];

#[test]
fn a_perfect_detection_has_ap_1() {
    let place = Workplace::new();
    let mask =
        zoobench::mask::Rle::from_polygons(10, 10, &[vec![2.0, 2.0, 6.0, 2.0, 6.0, 6.0, 2.0, 6.0]]).expect("a square");
    assert_eq!(mask.counts(), [22, 4, 6, 4, 6, 4, 6, 4, 44]);
    square(&place, &mask.to_string());
    let finished = place.run(&EVAL);
    finished.done();
    assert!(finished.stdout.contains("APr") && finished.stdout.contains("1.0000"), "{}", finished.stdout);
    let report = place.json("out.json");
    assert_eq!(report["schema_version"], 1);
    assert_eq!((report["iou"].as_str(), report["area"].as_str()), (Some("segm"), Some("auto")));
    // One true positive alone has lvis-api's precision of 1 / (1 + 2^-52).
    assert_eq!(report["results"]["AP"].as_f64(), Some(0.9999999999999998));
    assert_eq!(report["results"]["APr"], Value::Null);
    let names =
        ["AP", "AP50", "AP75", "APs", "APm", "APl", "APr", "APc", "APf", "AR@300", "ARs@300", "ARm@300", "ARl@300"];
    let results = report["results"].as_object().expect("an object");
    assert_eq!(results.len(), names.len());
    assert!(names.iter().all(|name| results.contains_key(*name)));
    let category = report["per_category"][0].as_object().expect("an object");
    for key in ["id", "name", "frequency", "AP", "AP50", "AR", "num_gt"] {
        assert!(category.contains_key(key), "{key}");
    }
}

#[test]
fn runs_that_do_not_fill_their_size_are_refused() {
    let place = Workplace::new();
    square(&place, &SQUARE[..4]);
    place.run(&EVAL).refused(&["dt.json", "record 0", "image 7"]);
    assert!(!place.path("out.json").exists());
}

#[test]
fn an_unknown_image_is_refused() {
    let place = Workplace::new();
    square(&place, SQUARE);
    let dt = place.read("dt.json").replace("\"image_id\":7", "\"image_id\":8");
    place.write("dt.json", dt.as_bytes());
    place.run(&EVAL).refused(&["dt.json", "record 0", "image 8", "gt.json"]);
    assert!(!place.path("out.json").exists());
}

#[test]
fn broken_json_is_refused() {
    let place = Workplace::new();
    square(&place, SQUARE);
    for text in ["", "[", "{}", "[]", "[{}]", "[1]", "[{\"image_id\": 7,}]", "nul"] {
        place.write("dt.json", text.as_bytes());
        place.run(&EVAL).refused(&["dt.json"]);
    }
    square(&place, SQUARE);
    place.write("gt.json", b"{\"images\": [");
    place.run(&EVAL).refused(&["gt.json", "byte"]);
    fs::remove_file(place.path("gt.json")).expect("the file");
    place.run(&EVAL).refused(&["gt.json"]);
}

#[test]
fn what_lvis_api_swallows_is_counted() {
    let place = Workplace::new();
    square(&place, SQUARE);
    let mut dt: Value = place.json("dt.json");
    let records = dt.as_array_mut().expect("a list");
    let other = |key: &str, value: Value| {
        let mut record = records[0].clone();
        record[key] = value;
        record
    };
    let more = [other("category_id", json!(9)), other("bbox", json!([0, 0, 0, 5]))];
    records.extend(more);
    place.write("dt.json", dt.to_string().as_bytes());
    let finished = place.run(&[&EVAL[..], &["--iou", "bbox"]].concat());
    finished.done();
    assert_eq!(finished.stderr.matches("warning: 1 detections").count(), 2, "{}", finished.stderr);
    let swallowed = &place.json("out.json")["swallowed"];
    assert_eq!(swallowed["unknown_category_detections"], 1);
    assert_eq!(swallowed["nonpositive_area_detections"], 1);
}

#[test]
fn a_json_file_that_cannot_be_written_is_an_error() {
    let place = Workplace::new();
    square(&place, SQUARE);
    place.write("file", b"");
    place
        .run(&["eval", "--gt", "gt.json", "--dt", "dt.json", "--iou", "bbox", "--json", "file/x.json"])
        .refused(&["file/x.json", "cannot be written"]);
}

#[test]
fn results_name_their_protocol() {
    let place = Workplace::new();
    let mask =
        zoobench::mask::Rle::from_polygons(10, 10, &[vec![2.0, 2.0, 6.0, 2.0, 6.0, 6.0, 2.0, 6.0]]).expect("a square");
    square(&place, &mask.to_string());
    let names = ["AP", "AR@10000/cat", "ARl@10000/cat"];
    for (protocol, limit, header, names) in [
        ("lvis", 300, "LVIS boundary AP, 300 detections an image,", ["AP", "AR@300", "ARl@300"]),
        ("fixed", 10_000, "LVIS boundary AP_fixed, 10000 detections a category over all images,", names),
        ("pool", 10_000, "LVIS boundary AP_pool, 10000", ["AP-pooled-all", "AP-pooled-r", "AP-pooled-f"]),
    ] {
        let finished = place.run(&[&EVAL[..], &["--iou", "boundary", "--protocol", protocol]].concat());
        finished.done();
        assert!(finished.stdout.starts_with(header), "{}", finished.stdout);
        let report = place.json("out.json");
        assert_eq!((report["protocol"].as_str(), report["iou"].as_str()), (Some(protocol), Some("boundary")));
        assert_eq!(report["max_detections"], limit);
        let results = report["results"].as_object().expect("an object");
        assert_eq!(results[names[0]].as_f64(), Some(0.9999999999999998));
        for name in names {
            assert!(results.contains_key(name) && finished.stdout.contains(name), "{protocol}: {name}");
        }
    }
}

#[test]
fn what_the_limit_of_categories_cannot_rank_is_refused() {
    let place = Workplace::new();
    square(&place, SQUARE);
    let dt: Vec<Value> = serde_json::from_str(&place.read("dt.json")).expect("a list");
    let unranked = format!("[{}, {}]", dt[0], dt[0].to_string().replace("0.5", "NaN"));
    place.write("dt.json", unranked.as_bytes());
    for protocol in ["fixed", "pool"] {
        let finished = place.run(&[&EVAL[..], &["--iou", "bbox", "--protocol", protocol]].concat());
        finished.refused(&["dt.json", "record 1", "category 1", "NaN"]);
        assert!(!place.path("out.json").exists());
    }
    place.run(&[&EVAL[..], &["--iou", "bbox"]].concat()).done();
    place.run(&[&EVAL[..], &["--protocol", "fix"]].concat()).refused(&["fix", "lvis, fixed, pool"]);
}

#[test]
fn results_come_through_a_pipe_too() {
    let place = Workplace::new();
    square(&place, &whole_square());
    let by_file = place.run(&["eval", "--gt", "gt.json", "--dt", "dt.json"]);
    by_file.done();
    let piped = |bytes: &[u8]| {
        let mut command = place.command(&["eval", "--gt", "gt.json", "--dt", "-"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        child.stdin.take().expect("piped").write_all(bytes).expect("it reads to the end");
        Finished::new(child.wait_with_output().expect("it ends"))
    };
    let by_pipe = piped(place.read("dt.json").as_bytes());
    by_pipe.done();
    assert_eq!(by_pipe.stdout, by_file.stdout);
    piped(b"[{\"image_id\": 7").refused(&["standard input"]);
}

/// A shell's `<(command)` is one, too.
#[cfg(target_os = "linux")]
#[test]
fn a_pipe_may_have_a_name() {
    let place = Workplace::new();
    square(&place, &whole_square());
    let by_file = place.run(&["eval", "--gt", "gt.json", "--dt", "dt.json"]);
    let mut command = place.command(&["eval", "--gt", "gt.json", "--dt", "/dev/stdin"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let bytes = place.read("dt.json");
    child.stdin.take().expect("piped").write_all(bytes.as_bytes()).expect("it reads to the end");
    let by_name = Finished::new(child.wait_with_output().expect("it ends"));
    by_name.done();
    assert_eq!(by_name.stdout, by_file.stdout);
    place.run(&["eval", "--gt", "gt.json", "--dt", "."]).refused(&["directory"]);
}

#[test]
fn an_evaluation_is_explained() {
    let place = Workplace::new();
    square(&place, &whole_square());
    place.run(&[&EVAL[..], &["--explain", "why"]].concat()).done();
    let explanation = place.json("why/explain.json");
    assert_eq!(explanation["schema_version"], 1);
    assert_eq!(explanation["results"], place.json("out.json")["results"]);
    let text = place.read("why/explain.md");
    assert!(text.contains("Of 1 instances 1 are found, 0 are missed"), "{text}");
    let plots = ["errors", "calibration", "thresholds", "confusion"].map(|stem| format!("plots/{stem}.svg"));
    for file in ["categories.csv", "confusion.csv"].into_iter().chain(plots.iter().map(String::as_str)) {
        assert!(place.path("why").join(file).exists(), "{file}");
    }
    place.write("list.txt", b"7\n");
    let refused: [(&[&str], &str); 4] = [
        (&["--protocol", "fixed"], "leave out --protocol"),
        (&["--iou", "boundary"], "give --iou segm or bbox"),
        (&["--images", "list.txt"], "leave out --images"),
        (&["--dt", "-"], "give a file as --dt"),
    ];
    for (arguments, remedy) in refused {
        let all = match arguments[0] {
            "--dt" => vec!["eval", "--gt", "gt.json", "--dt", "-", "--explain", "other"],
            _ => [&EVAL[..5], &["--explain", "other"], arguments].concat(),
        };
        place.run(&all).refused(&["--explain:", remedy]);
        assert!(!place.path("other").exists(), "{arguments:?}");
    }
}

/// A pipe by its name would be read a second time for ever.
#[cfg(unix)]
#[test]
fn a_device_is_not_explained() {
    let place = Workplace::new();
    square(&place, &whole_square());
    let explained = place.run(&["eval", "--gt", "gt.json", "--dt", "/dev/null", "--explain", "why"]);
    explained.refused(&["--explain:", "give a file as --dt"]);
}

#[test]
fn a_part_of_the_images_is_not_ranked_with_the_others() {
    let place = Workplace::new();
    square(&place, &whole_square());
    place.write("list.txt", b"7\n");
    for protocol in ["fixed", "pool"] {
        place.run(&[&EVAL[..5], &["--images", "list.txt", "--protocol", protocol]].concat()).refused(&["--images"]);
    }
}
