//! Zoo files: what is built in, what is read, and what is refused.
#![cfg(feature = "cli")]

use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use zoobench::report::Published;
use zoobench::zoo::{context_rows, embedded, speed_rows, PublishedLabel, Variant, Zoo, ZooError, BUILTIN_ZOOS};

/// The example of `datasets/README.md`: what a user copies must be right.
fn example() -> String {
    let readme = include_str!("../datasets/README.md");
    let (_, after) = readme.split_once("```toml\n").expect("the README has an example");
    after.split_once("```").expect("the example ends").0.to_string()
}

/// The example with one change, which must be refused.
fn refusal(from: &str, to: &str) -> ZooError {
    let text = example();
    assert!(text.contains(from), "{from} is not in the example");
    Zoo::parse(&text.replacen(from, to, 1), "mine.toml").expect_err("the change breaks a rule")
}

fn published(variant: &Variant) -> &Published {
    variant.published.as_ref().expect("every built-in row has published values")
}

#[test]
fn the_readme_s_example_parses() {
    let zoo = Zoo::parse(&example(), "README.md").expect("the example is valid");
    assert_eq!((zoo.name.as_str(), zoo.published_label), ("mine", PublishedLabel::Published));
    assert_eq!(zoo.variant("mine-m").and_then(|variant| variant.published.as_ref()?.box_ap), Some(23.5));
    assert_eq!(zoo.variant("other"), None);
}

#[test]
fn the_model_zoo_is_as_published() {
    let zoo = Zoo::builtin("yolo-world-seg").expect("built in");
    type Expected = (&'static str, &'static str, &'static str, [f64; 4], Option<[f64; 2]>, &'static str);
    let expected: [Expected; 8] = [
        ("YOLO-World-Seg-M", "v1", "all modules", [25.9, 13.4, 24.9, 32.6], Some([32.6, 15.8]), "ca465825"),
        ("YOLO-World-v2-Seg-M", "v2", "all modules", [25.9, 13.4, 24.9, 32.6], None, ""),
        ("YOLO-World-Seg-L", "v1", "all modules", [28.7, 15.0, 28.3, 35.2], Some([36.2, 17.4]), "8c58c916"),
        ("YOLO-World-v2-Seg-L", "v2", "all modules", [28.7, 15.0, 28.3, 35.2], None, ""),
        ("YOLO-World-Seg-M", "v1", "seg head", [16.7, 12.6, 14.6, 20.8], Some([22.3, 16.2]), "7bca59a7"),
        ("YOLO-World-v2-Seg-M", "v2", "seg head", [17.8, 13.9, 15.5, 22.0], None, ""),
        ("YOLO-World-Seg-L", "v1", "seg head", [19.1, 14.2, 17.2, 23.5], Some([25.3, 18.0]), "5a642d30"),
        ("YOLO-World-v2-Seg-L", "v2", "seg head", [19.8, 17.2, 17.5, 23.6], None, ""),
    ];
    assert_eq!(zoo.variants.len(), expected.len());
    for (variant, (title, family, tuned, mask, boxes, sha256)) in zoo.variants.iter().zip(expected) {
        let row = published(variant);
        assert_eq!((variant.title.as_str(), variant.family.as_str(), variant.tuned.as_str()), (title, family, tuned));
        assert_eq!([row.ap, row.ap_rare, row.ap_common, row.ap_frequent], mask.map(Some), "{}", variant.name);
        assert_eq!(row.box_ap.zip(row.box_ap_rare), boxes.map(|[ap, rare]| (ap, rare)), "{}", variant.name);
        assert_eq!(variant.sha256.as_deref().unwrap_or_default(), sha256);
        let public = variant.url.is_some();
        assert_eq!(public, !sha256.is_empty(), "{}", variant.name);
        assert_ne!(public, variant.note.is_some(), "{}: weights or a note", variant.name);
        assert!(variant.url.iter().all(|url| url.ends_with(&variant.weights)), "{}", variant.name);
    }
    assert_eq!(zoo.tolerance_ap, 0.05);
    assert_eq!(zoo.footnotes.len(), 6);
}

#[test]
fn the_shapes_zoo_names_files_that_ship_with_it() {
    let zoo = Zoo::builtin("shapes").expect("built in");
    let files = zoo.files().expect("shapes ships its files");
    assert_eq!(zoo.published_label, PublishedLabel::Reference);
    assert_eq!(files.names().expect("intact").len(), 1 + 120 + 2 + 2);
    let annotations = files.read(&zoo.annotations).expect("the annotations ship");
    let annotations: serde_json::Value = serde_json::from_slice(&annotations).expect("JSON");
    for image in annotations["images"].as_array().expect("images") {
        let path = image["file_name"].as_str().expect("a file name");
        assert!(files.read(path).expect("the image ships").starts_with(&[0xff, 0xd8]), "{path} is no JPEG");
    }
    for (variant, count) in zoo.variants.iter().zip([23750, 25720]) {
        let weights = files.read(&format!("weights/{}", variant.weights)).expect("the weights ship");
        let sha256: String = Sha256::digest(&weights).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(Some(sha256), variant.sha256);
        let reference = variant.reference.as_ref().expect("shapes has references");
        let records: serde_json::Value =
            serde_json::from_slice(&files.read(reference).expect("the records ship")).expect("JSON");
        assert_eq!(records.as_array().map(Vec::len), Some(count));
    }
}

#[test]
fn the_shapes_zoo_holds_the_reference_s_metrics() {
    let zoo = Zoo::builtin("shapes").expect("built in");
    let expected = [
        ("shapes_v1", [44.288, 35.138, 41.813, 54.130], 48.154),
        ("shapes_v2", [36.870, 28.740, 31.913, 48.570], 40.591),
    ];
    for (name, mask, boxes) in expected {
        let row = published(zoo.variant(name).expect("a row of that name"));
        let values = [row.ap, row.ap_rare, row.ap_common, row.ap_frequent, row.box_ap].map(Option::unwrap_or_default);
        for (value, expected) in values.into_iter().zip(mask.into_iter().chain([boxes])) {
            assert!((value - expected).abs() <= 0.0005, "{name}: {value} is not {expected}");
            assert_ne!(value, expected, "{name}: full precision, not a rounded value");
        }
    }
}

#[test]
fn a_file_that_does_not_ship_is_named() {
    assert!(embedded("yolo-world-seg").is_none());
    let error = embedded("shapes").expect("built in").read("images/999999.jpg").expect_err("there are 120");
    assert!(matches!(&error, ZooError::NotEmbedded { path, .. } if path == "images/999999.jpg"), "{error}");
}

#[test]
fn context_and_speed_are_as_published() {
    let context = context_rows().expect("built in");
    let row = |model: &str| context.iter().find(|row| row.model == model).expect("a row of that name");
    let detic = row("Detic C2 Swin-B (IN-L)");
    assert_eq!((detic.ap, detic.ap_rare, detic.ap_common), (40.7, Some(33.8), None));
    let visual = row("YOLOE-v8-L (visual)");
    assert_eq!((visual.ap, visual.ap_frequent), (22.0, Some(24.3)));
    assert_eq!((row("Mask R-CNN R50 Seesaw").ap, row("Mask R-CNN R50 Seesaw").ap_to), (25.0, Some(26.8)));
    assert_eq!(row("SAM 3").box_ap, Some(53.6));
    assert_eq!(row("OpenSeeD Swin-L").split, "LVIS minival");
    assert_eq!(context.len(), 34);

    let speed = speed_rows().expect("built in");
    assert_eq!(speed.len(), 15);
    assert_eq!((speed[0].fps, speed[0].gpu.as_str()), (74.1, "V100"));
    assert_eq!((speed[14].model.as_str(), speed[14].fps), ("YOLOE-v8-L", 102.5));
    let beside = |zoo: &str| Zoo::builtin(zoo).and_then(|zoo| zoo.context()).expect("built in");
    assert_eq!((beside("yolo-world-seg").speeds, beside("yolo-world-seg").mask_ap), (speed, context));
    assert!(beside("shapes").is_empty(), "made-up scenes have no published context");
}

#[test]
fn load_takes_a_name_or_a_file() {
    for name in BUILTIN_ZOOS {
        assert_eq!(Zoo::load(name).expect("built in").name, name);
    }
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("mine.toml");
    fs::write(&file, example()).expect("the folder is ours");
    assert_eq!(Zoo::load(&file.display().to_string()).expect("the example is valid").name, "mine");
    let error = Zoo::load("yolo-world").expect_err("no such zoo");
    assert!(matches!(error, ZooError::UnknownZoo { .. }) && error.to_string().contains("yolo-world-seg, shapes"));
    assert!(matches!(Zoo::builtin("mine"), Err(ZooError::UnknownZoo { .. })));
}

#[test]
fn files_that_cannot_be_zoos_are_refused() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("mine.toml");
    assert!(matches!(Zoo::read(&file), Err(ZooError::Unreadable { .. })));
    fs::write(&file, b"name = \"\xff\"").expect("the folder is ours");
    assert!(matches!(Zoo::read(&file), Err(ZooError::NotUtf8 { offset: 8, .. })));
    fs::File::create(&file).and_then(|file| file.set_len((1 << 20) + 1)).expect("a sparse file");
    assert!(matches!(Zoo::read(&file), Err(ZooError::TooLarge { .. })));
    assert!(matches!(Zoo::read(Path::new(".")), Err(ZooError::Unreadable { .. })));
}

#[test]
fn broken_toml_is_named_with_its_line() {
    let error = refusal("split = ", "split ");
    assert!(matches!(&error, ZooError::Syntax { at, .. } if at.line == 5), "{error}");
    assert!(error.to_string().starts_with("mine.toml:5: "), "{error}");
}

#[test]
fn keys_are_checked_with_their_line() {
    let changes = [
        ("title = \"My", "titel = \"My", "titel"),
        ("note = ", "notes = ", "notes"),
        ("box_APr = ", "box_APx = ", "box_APx"),
        ("tuned = \"seg head\"", "", "tuned"),
        ("source = \"our paper, table 2\"", "", "source"),
        ("AP = 17.8", "AP = \"17.8\"", "f64"),
        ("\"published\" ", "\"measured\" ", "measured"),
    ];
    for (from, to, told) in changes {
        let error = refusal(from, to);
        assert!(matches!(&error, ZooError::Shape { at, .. } if at.line >= 1), "{error}");
        assert!(error.to_string().contains(told), "{error}");
    }
    let error = refusal("note = ", "notes = ");
    assert!(matches!(&error, ZooError::Shape { at, .. } if at.line == 21), "{error}");
}

#[test]
fn texts_must_say_something_on_one_line() {
    assert!(matches!(refusal("\"Mine-M\"", "\"  \""), ZooError::Empty { key: "title", .. }));
    assert!(matches!(refusal("name = \"mine\"", "name = \"\""), ZooError::Empty { key: "name", .. }));
    assert!(matches!(refusal("\"our paper, table 2\"", "\"\""), ZooError::Empty { key: "source", .. }));
    assert!(matches!(refusal("[\"Trained", "[\"\\u001b[2J"), ZooError::ControlCharacter { key: "footnotes", .. }));
    assert!(matches!(refusal("\"ask the", "\"ask\\nthe"), ZooError::ControlCharacter { key: "note", .. }));
}

#[test]
fn names_must_be_safe_names_of_folders() {
    let long = "a".repeat(65);
    for name in ["../up", "a/b", ".hidden", "-flag", "a b", "é", "a\\\\b", "CON", "nul.txt", "end.", &long] {
        let error = refusal("\"mine-m\"", &format!("\"{name}\""));
        assert!(matches!(error, ZooError::UnsafeName { key: "name", .. }), "{name}: {error}");
    }
    assert!(matches!(refusal("\"mine-m-0", "\"../mine-m-0"), ZooError::UnsafeName { key: "weights", .. }));
    assert!(matches!(refusal("name = \"mine\"", "name = \"a/b\""), ZooError::UnsafeName { key: "name", .. }));
}

#[test]
fn paths_must_stay_below_their_root() {
    for path in ["../data.json", "a/../../b", "/etc/passwd", "C:/data", "a\\\\..\\\\b"] {
        let error = refusal("\"annotations/lvis_v1_val.json\"", &format!("\"{path}\""));
        assert!(matches!(error, ZooError::EscapingPath { key: "annotations", .. }), "{path}: {error}");
    }
    assert!(matches!(refusal("images = \".\"", "images = \"..\""), ZooError::EscapingPath { key: "images", .. }));
    assert!(matches!(refusal("\"reference/", "\"/reference/"), ZooError::EscapingPath { key: "reference", .. }));
}

#[test]
fn checksums_and_addresses_must_be_some() {
    for digits in ["0123abc", "0123ABCD", "0123abcg", &"0".repeat(65)] {
        let error = refusal("sha256 = \"0123abcd\"", &format!("sha256 = \"{digits}\""));
        assert!(matches!(error, ZooError::BadChecksum { .. }), "{digits}: {error}");
    }
    for url in ["http://example.org/a.pth", "https://", "https:///a", "file:///a", "https://example.org/a b"] {
        let error = refusal("https://example.org/mine-m.pth", url);
        assert!(matches!(error, ZooError::BadUrl { .. }), "{url}: {error}");
    }
}

#[test]
fn numbers_must_be_ap_points() {
    for (from, to, expected) in [
        ("AP = 17.8", "AP = 178", "AP"),
        ("APr = 13.9", "APr = -1", "APr"),
        ("APc = 15.5", "APc = nan", "APc"),
        ("APf = 22.0", "APf = inf", "APf"),
        ("box_AP = 23.5", "box_AP = 1e3", "box_AP"),
        ("box_APr = 17.1", "box_APr = 101", "box_APr"),
        ("tolerance_ap = 0.05", "tolerance_ap = -0.05", "tolerance_ap"),
    ] {
        let error = refusal(from, to);
        assert!(matches!(&error, ZooError::OutOfRange { key, .. } if *key == expected), "{error}");
    }
}

#[test]
fn a_zoo_has_variants_and_each_once() {
    let head = example();
    let (head, variant) = head.split_once("[[variant]]").expect("the example has a variant");
    assert!(matches!(Zoo::parse(head, "mine.toml"), Err(ZooError::NoVariants { .. })));
    let twice = format!("{head}[[variant]]{variant}\n[[variant]]{}", variant.replace("mine-m\"", "MINE-M\""));
    let error = Zoo::parse(&twice, "mine.toml").expect_err("two folders of one name");
    assert!(matches!(&error, ZooError::DuplicateVariant { name, first_line: 11, .. } if name == "MINE-M"), "{error}");
}
