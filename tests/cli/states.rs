//! `eval --save-state`, `merge`, `eval --intervals` and `compare`.

use super::*;

/// Four images with one square each; the detections find all but image 4's.
fn squares(place: &Workplace) {
    let ids = [1, 2, 3, 4];
    let image =
        |id| json!({"id": id, "height": 10, "width": 10, "neg_category_ids": [], "not_exhaustive_category_ids": []});
    let instance = |id| json!({"id": id, "image_id": id, "category_id": 1, "area": 16, "bbox": [2, 2, 4, 4]});
    let gt = json!({
        "images": ids.map(image),
        "categories": [{"id": 1, "name": "square", "frequency": "f", "synonyms": ["square"]}],
        "annotations": ids.map(instance),
    });
    place.write("gt.json", gt.to_string().as_bytes());
    write_detections(place, "dt.json", &[1, 2, 3]);
    place.write("first.txt", b"1\n3\n");
    place.write("second.txt", b"[2, 4]");
}

fn write_detections(place: &Workplace, name: &str, images: &[i64]) {
    let record = |id: &i64| json!({"image_id": id, "category_id": 1, "score": 0.3, "bbox": [2, 2, 4, 4]});
    let records: Vec<Value> = images.iter().map(record).collect();
    place.write(name, Value::from(records).to_string().as_bytes());
}

fn eval(place: &Workplace, more: &[&str]) -> Finished {
    place.run(&[&["eval", "--gt", "gt.json", "--dt", "dt.json", "--iou", "bbox"], more].concat())
}

#[test]
fn parts_merge_to_the_bytes_of_the_whole() {
    let place = Workplace::new();
    squares(&place);
    let whole = eval(&place, &["--json", "whole.json"]);
    whole.done();
    for part in ["first", "second"] {
        let (list, state) = (format!("{part}.txt"), format!("{part}.zbstate"));
        eval(&place, &["--images", &list, "--save-state", &state]).done();
    }
    for order in [["first.zbstate", "second.zbstate"], ["second.zbstate", "first.zbstate"]] {
        let merged = place.run(&["merge", order[0], order[1], "--json", "merged.json"]);
        merged.done();
        assert_eq!(merged.stdout, whole.stdout);
        assert_eq!(place.read("merged.json"), place.read("whole.json"));
    }
    place.run(&["merge", "first.zbstate", "--json", "x.json"]).refused(&["2 of 4 images", "2, 4"]);
    place.run(&["merge", "first.zbstate", "first.zbstate"]).refused(&["image 1", "first.zbstate"]);
    place.run(&["merge", "first.zbstate", "gt.json"]).refused(&["gt.json", "no whole evaluation state"]);
    place.run(&["merge", "nowhere.zbstate"]).refused(&["nowhere.zbstate"]);
    assert!(!place.path("x.json").exists());
}

#[test]
fn a_subset_says_so() {
    let place = Workplace::new();
    squares(&place);
    let subset = eval(&place, &["--images", "second.txt", "--json", "out.json"]);
    subset.done();
    assert!(subset.stdout.contains("a subset: 2 of 4 images"), "{}", subset.stdout);
    let report = place.json("out.json");
    assert_eq!((report["images"].as_u64(), report["images_total"].as_u64()), (Some(2), Some(4)));
    assert_eq!(report["results"]["AR@300"], 0.5);
    assert!(!eval(&place, &[]).stdout.contains("subset"));
    place.write("first.txt", b"9\n");
    eval(&place, &["--images", "first.txt", "--save-state", "x"]).refused(&["image 9", "gt.json"]);
    assert!(!place.path("x").exists());
}

#[test]
fn intervals_stand_beside_the_numbers() {
    let place = Workplace::new();
    squares(&place);
    let finished = eval(&place, &["--intervals", "--resamples", "200", "--seed", "4", "--json", "out.json"]);
    finished.done();
    for word in ["95 % interval", "200 resamples of 4 images, seed 4"] {
        assert!(finished.stdout.contains(word), "{word}: {}", finished.stdout);
    }
    let intervals = &place.json("out.json")["intervals"];
    let recall = &intervals["metrics"][9];
    assert_eq!((recall["metric"].as_str(), recall["instances"].as_u64()), (Some("AR@300"), Some(4)));
    assert!(recall["low"].as_f64().expect("a number") < 0.75 && recall["high"] == 1.0, "{recall}");
    assert_eq!(intervals["metrics"][6]["low"], Value::Null);
    let first = place.read("out.json");
    eval(&place, &["--intervals", "--resamples", "200", "--seed", "4", "--json", "out.json", "--threads", "3"]).done();
    assert_eq!(place.read("out.json"), first);
    eval(&place, &["--json", "plain.json"]).done();
    assert_eq!(place.json("plain.json").get("intervals"), None);
}

#[test]
fn how_to_draw_means_nothing_without_intervals() {
    let place = Workplace::new();
    squares(&place);
    eval(&place, &["--save-state", "whole"]).done();
    for resampling in [&["--resamples", "200"][..], &["--seed", "4"], &["--seed", "0", "--resamples", "1000"]] {
        eval(&place, &[resampling, &["--json", "out.json"]].concat()).refused(&["--intervals"]);
        place.run(&[&["merge", "whole", "--json", "out.json"], resampling].concat()).refused(&["--intervals"]);
        assert!(!place.path("out.json").exists());
        // `compare` always draws.
        place.run(&[&["compare", "whole", "whole"], resampling].concat()).done();
    }
    place.run(&["merge", "whole", "--intervals", "--resamples", "20", "--seed", "4"]).done();
}

#[test]
fn two_states_are_compared() {
    let place = Workplace::new();
    squares(&place);
    eval(&place, &["--save-state", "a"]).done();
    write_detections(&place, "dt.json", &[1, 2, 4]);
    eval(&place, &["--save-state", "b"]).done();
    let compared = place.run(&["compare", "a", "b", "--json", "difference.json"]);
    compared.done();
    assert!(compared.stdout.contains("AR@300") && compared.stdout.contains("1 largest gains"), "{}", compared.stdout);
    let comparison = place.json("difference.json");
    assert_eq!(comparison["metrics"][9]["difference"], 0.0);
    let images = comparison["per_image"].as_array().expect("a list");
    let ids: Vec<_> = images.iter().map(|image| image["image"].as_i64().expect("an id")).collect();
    assert_eq!(ids, [4, 3]);
    eval(&place, &["--save-state", "c", "--area", "box"]).done();
    place.run(&["compare", "a", "c", "--json", "x.json"]).refused(&["c: area rules", "a"]);
    eval(&place, &["--save-state", "d", "--images", "first.txt"]).done();
    place.run(&["compare", "a", "d"]).refused(&["d: image 2"]);
    assert!(!place.path("x.json").exists());
}
