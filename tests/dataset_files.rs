//! Annotation and results files: what is read, what is refused and how it is said.

mod common;

use std::io::{self, Read};

use flate2::read::GzDecoder;
use serde::Deserialize;
use zoobench::dataset::{
    read_results, scan_results, write_results, Annotations, DatasetError, JsonRule, Key, Record, Segmentation,
};

/// The only record's `x`, as every test of single values has it.
fn with_value(text: &str) -> String {
    format!("[{{\"x\": {text}}}]")
}

fn scan(text: &[u8]) -> Result<usize, DatasetError> {
    let mut records = 0;
    scan_results("dt.json", text, |_, _| {
        records += 1;
        Ok(())
    })?;
    Ok(records)
}

fn records(text: &str) -> Result<Vec<Record>, DatasetError> {
    let mut records = Vec::new();
    scan_results("dt.json", text.as_bytes(), |_, record| {
        records.push(record.to_record()?);
        Ok(())
    })?;
    Ok(records)
}

fn broken_rule(text: &[u8]) -> (u64, JsonRule) {
    match scan(text) {
        Err(DatasetError::Json { offset, rule, .. }) => (offset, rule),
        other => panic!("not a JSON error: {other:?} for {:?}", String::from_utf8_lossy(text)),
    }
}

/// `tests/fixtures/dataset/python_json.json`, see `make_python_json.py` beside it.
#[derive(Deserialize)]
struct Python {
    values: Vec<Value>,
    numbers: Vec<Number>,
}

#[derive(Deserialize)]
struct Value {
    text: String,
    accepted: bool,
}

#[derive(Deserialize)]
struct Number {
    text: String,
    written: String,
}

/// What Python reads; `ZOOBENCH_PYTHON_JSON_CASES` names a file with more of it.
fn python() -> Python {
    let path = std::env::var_os("ZOOBENCH_PYTHON_JSON_CASES").map(Into::into);
    let path = path.unwrap_or_else(|| common::fixture("dataset/python_json.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn texts_are_accepted_as_python_does() {
    for Value { text, accepted } in python().values {
        let outcome = scan(with_value(&text).as_bytes());
        assert_eq!(outcome.is_ok(), accepted, "{text:?}: {outcome:?}");
    }
}

#[test]
fn numbers_are_read_and_written_as_python_does() {
    for Number { text, written } in python().numbers {
        let result = records(&format!(r#"[{{"image_id": 1, "category_id": 1, "score": {text}}}]"#)).unwrap();
        let mut out = Vec::new();
        write_results(&mut out, result.iter()).unwrap();
        let expected = format!(r#"[{{"image_id": 1, "score": {written}, "category_id": 1}}]"#);
        assert_eq!(String::from_utf8(out).unwrap(), expected, "{text}");
    }
}

#[test]
fn every_rule_of_json_is_enforced() {
    let deep = format!("[{}", "[".repeat(1000));
    let digits = "9".repeat(4301);
    let cases: [(&str, u64, JsonRule); 17] = [
        ("", 7, JsonRule::UnexpectedEnd),
        ("\"abc", 7, JsonRule::UnexpectedEnd),
        ("]", 7, JsonRule::ExpectedValue),
        ("tru3", 7, JsonRule::ExpectedValue),
        ("[1,]", 10, JsonRule::ExpectedValue),
        ("{\"a\": 1,}", 15, JsonRule::ExpectedKey),
        ("{a: 1}", 8, JsonRule::ExpectedKey),
        ("{\"a\" 1}", 12, JsonRule::ExpectedColon),
        ("[1 2]", 10, JsonRule::ExpectedComma),
        ("01", 8, JsonRule::ExpectedComma),
        ("1.x", 9, JsonRule::ExpectedDigit),
        ("\"a\nb\"", 9, JsonRule::ControlCharacter),
        ("\"\\x\"", 8, JsonRule::Escape),
        ("\"\\u00g0\"", 8, JsonRule::Escape),
        (&deep, 0, JsonRule::TooDeep),
        (&digits, 7, JsonRule::IntegerTooLong),
        ("1}] x", 11, JsonRule::TrailingText),
    ];
    for (value, offset, rule) in cases {
        let text = format!("[{{\"x\": {value}");
        let text = if rule == JsonRule::UnexpectedEnd { text } else { text + "}]" };
        let (at, broken) = broken_rule(text.as_bytes());
        assert_eq!(broken, rule, "{text}");
        if rule == JsonRule::TooDeep {
            assert_eq!(at, 7 + 988);
        } else if value.is_empty() || value.starts_with("\"abc") {
            assert_eq!(at, text.len() as u64);
        } else {
            assert_eq!(at, offset, "{text}");
        }
    }
}

#[test]
fn bytes_outside_utf_8_are_refused() {
    assert_eq!(broken_rule(b"[{\"x\": \"a\xff\"}]"), (9, JsonRule::Utf8));
    assert_eq!(broken_rule(b"[{\"\xc3\": 1}]"), (3, JsonRule::Utf8));
    // A surrogate in UTF-8.
    assert_eq!(broken_rule(b"[{\"x\": \"\xed\xa0\x80\"}]"), (8, JsonRule::Utf8));
}

#[test]
fn byte_order_mark_is_refused() {
    assert_eq!(broken_rule(b"\xef\xbb\xbf[{}]"), (0, JsonRule::ByteOrderMark));
    let error = Annotations::from_bytes("gt.json", b"\xef\xbb\xbf{}").unwrap_err();
    assert!(matches!(error, DatasetError::Json { offset: 0, rule: JsonRule::ByteOrderMark, .. }));
}

/// A reader that gives `step` bytes at a time.
struct Drip<'a> {
    text: &'a [u8],
    step: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.text.len().min(buffer.len()).min(self.step);
        buffer[..bytes].copy_from_slice(&self.text[..bytes]);
        self.text = &self.text[bytes..];
        Ok(bytes)
    }
}

/// Results of some megabytes, so that chunks end in the middle of every kind of token.
fn large_results() -> Vec<Record> {
    let record = |index: i64| Record {
        image_id: index / 300,
        category_id: index % 1203,
        score: 1.0 / (index + 1) as f64,
        bbox: (index % 7 > 0).then_some([index as f64 / 3.0, 0.5, 1e-7, 1e17]),
        segmentation: match index % 5 {
            0 => None,
            1 => Some(Segmentation::Polygons(vec![vec![0.1; index as usize % 97], vec![1.0, 2.5]])),
            2 => Some(Segmentation::Runs { size: [3, 4], counts: vec![5.0, 7.0] }),
            3 => Some(Segmentation::Malformed),
            _ => Some(Segmentation::Compressed { size: [480, 640], counts: b"\\0o\\\\".repeat(index as usize % 50) }),
        },
    };
    (0..20_000).map(record).collect()
}

#[test]
fn records_survive_writing_and_chunked_reading() {
    let written = large_results();
    let mut text = Vec::new();
    write_results(&mut text, written.iter()).unwrap();
    assert!(text.len() > 3 << 20);
    for step in [1000, 4093, usize::MAX] {
        let mut read = Vec::new();
        let reader = Drip { text: &text, step };
        scan_results("dt.json", reader, |index, record| {
            assert_eq!((index, record.index()), (read.len(), read.len()));
            read.push(record.to_record()?);
            Ok(())
        })
        .unwrap();
        assert!(read == written);
    }
}

#[test]
fn truncation_anywhere_is_refused() {
    let text = br#"[{"image_id": 1, "s": [1.5, {"k": "\u00e9\\"}, -1e-5, true, NaN, -Infinity], "x": null} , {"image_id": 2}]"#;
    for end in 0..text.len() {
        let (offset, rule) = broken_rule(&text[..end]);
        assert_eq!(rule, JsonRule::UnexpectedEnd, "cut at {end}");
        assert!(offset <= end as u64);
    }
    assert_eq!(scan(text).unwrap(), 2);
}

#[test]
fn white_space_may_surround_everything() {
    let spaces = " \n\r\t".repeat(600_000);
    let text = format!("{spaces}[{spaces}{{{spaces}\"x\"{spaces}:{spaces}1{spaces}}}{spaces}]{spaces}");
    assert_eq!(scan(text.as_bytes()).unwrap(), 1);
    assert_eq!(broken_rule((text.clone() + "]").as_bytes()), (text.len() as u64, JsonRule::TrailingText));
}

#[test]
fn mmdet_results_survive_to_the_byte() {
    let path = common::fixture("dataset/results_mmdet.json");
    let mut written = Vec::new();
    write_results(&mut written, read_results(&path).unwrap().iter()).unwrap();
    assert_eq!(written, std::fs::read(&path).unwrap());
}

#[test]
fn whole_reference_results_survive_to_the_byte() {
    let Some(path) = common::shared("shapes/reference/v1/results.json.gz") else { return };
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    let mut written = Vec::new();
    write_results(&mut written, records(&text).unwrap().iter()).unwrap();
    assert!(written == text.trim_end().as_bytes());
}

#[test]
fn results_must_be_a_list_with_something_in_it() {
    for text in ["{}", "3", "null", r#"{"annotations": []}"#, "\"[]\""] {
        assert!(matches!(scan(text.as_bytes()), Err(DatasetError::ResultsNotAList { .. })), "{text}");
    }
    assert!(matches!(scan(b" [ ] "), Err(DatasetError::EmptyResults { .. })));
    assert_eq!(broken_rule(b""), (0, JsonRule::UnexpectedEnd));
}

#[test]
fn refusals_name_file_record_and_key() {
    let cases = [
        (r#"[{"category_id": 1, "score": 1}]"#, "dt.json, results[0]: has no 'image_id'"),
        (r#"[{"image_id": 1, "score": 1}]"#, "dt.json, results[0]: has no 'category_id'"),
        (r#"[{"image_id": 1, "category_id": 1}]"#, "dt.json, results[0]: has no 'score'"),
        (
            r#"[{"image_id": 1, "category_id": 1, "score": 1}, {"image_id": "1"}]"#,
            "dt.json, results[1]: 'image_id' must be a whole number between -2^63 and 2^63 - 1",
        ),
        (r#"[{"image_id": 1, "category_id": 1, "score": "1"}]"#, "dt.json, results[0]: 'score' must be a number"),
        (
            r#"[{"image_id": 1, "category_id": 1, "score": 1, "bbox": null}]"#,
            "dt.json, results[0]: 'bbox' must be four numbers, [x, y, width, height]",
        ),
        (
            r#"[{"image_id": 1, "category_id": 1, "score": 1, "bbox": [1, 2, 3, 4, 5]}]"#,
            "dt.json, results[0]: 'bbox' must be four numbers, [x, y, width, height]",
        ),
        (
            r#"[{"image_id": 1, "category_id": 1, "score": 1, "bbox": [1, 2, "3", 4]}]"#,
            "dt.json, results[0]: 'bbox' must be four numbers, [x, y, width, height]",
        ),
        (r#"[{"image_id": 1, "category_id": 1, "score": 1}, [1]]"#, "dt.json, results[1]: must be an object"),
    ];
    for (text, message) in cases {
        assert_eq!(records(text).unwrap_err().to_string(), message, "{text}");
    }
}

#[test]
fn ids_are_equal_as_in_python() {
    let ids = [
        ("3", Key::Integer(3)),
        ("3.0", Key::Integer(3)),
        ("30e-1", Key::Integer(3)),
        ("-0.0", Key::Integer(0)),
        ("true", Key::Integer(1)),
        ("9007199254740993", Key::Integer(9_007_199_254_740_993)),
        ("-9223372036854775808", Key::Integer(i64::MIN)),
        ("9223372036854775808", Key::Other),
        ("9223372036854775808.0", Key::Other),
        ("3.5", Key::Other),
        ("NaN", Key::Other),
        ("\"3\"", Key::Other),
        ("null", Key::Other),
        ("[3]", Key::Other),
    ];
    for (text, id) in ids {
        let text = format!(r#"[{{"image_id": {text}, "category_id": {text}}}]"#);
        scan_results("dt.json", text.as_bytes(), |_, record| {
            assert_eq!((record.image_id()?, record.category_id()?), (id, id), "{text}");
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn last_of_repeated_keys_counts_and_keys_may_be_escaped() {
    let text = r#"[{"image_id": "x", "bbox": 1, "im\u0061ge_id": 4, "category_id": 2, "sc\u006fre": 0.5, "score": 0.25,
        "segmentation": {"size": [1, 2], "counts": "x", "c\u006funts": "02\\"}, "bbox": [1, 2, 3, 4]}]"#;
    let expected = Record {
        image_id: 4,
        category_id: 2,
        score: 0.25,
        bbox: Some([1.0, 2.0, 3.0, 4.0]),
        segmentation: Some(Segmentation::Compressed { size: [1, 2], counts: b"02\\".to_vec() }),
    };
    assert_eq!(records(text).unwrap(), [expected]);
}

#[test]
fn absent_null_and_broken_masks_are_told_apart() {
    let masks = [
        ("null", Segmentation::Malformed),
        ("\"abc\"", Segmentation::Malformed),
        ("[1, 2, 3]", Segmentation::Malformed),
        ("[[1, null]]", Segmentation::Malformed),
        ("{\"size\": [1, 2]}", Segmentation::Malformed),
        ("{\"size\": [1, -2], \"counts\": \"0\"}", Segmentation::Malformed),
        ("{\"size\": [1, 2, 3], \"counts\": \"0\"}", Segmentation::Malformed),
        ("{\"size\": [1, 4294967296], \"counts\": \"0\"}", Segmentation::Malformed),
        ("{\"size\": [1, 2], \"counts\": null}", Segmentation::Malformed),
        ("{\"size\": [1, 2], \"counts\": [2, \"0\"]}", Segmentation::Malformed),
        ("[]", Segmentation::Polygons(vec![])),
        ("[[], [1, 2.5]]", Segmentation::Polygons(vec![vec![], vec![1.0, 2.5]])),
        ("{\"counts\": [2], \"size\": [1, 2]}", Segmentation::Runs { size: [1, 2], counts: vec![2.0] }),
    ];
    for (text, mask) in masks {
        let text = format!("[{{\"segmentation\": {text}}}, {{}}]");
        scan_results("dt.json", text.as_bytes(), |index, record| {
            assert_eq!(record.has_segmentation(), index == 0);
            assert_eq!(record.segmentation(), (index == 0).then(|| mask.clone()), "{text}");
            Ok(())
        })
        .unwrap();
    }
}

#[test]
fn box_is_told_from_its_absence() {
    let text = r#"[{"bbox": null}, {}, {"bbox": [NaN, -1, 1e999, 4]}]"#;
    scan_results("dt.json", text.as_bytes(), |index, record| {
        assert_eq!(record.has_bbox(), index != 1);
        match index {
            0 => assert!(matches!(record.bbox(), Err(DatasetError::BadBox { .. }))),
            1 => assert_eq!(record.bbox()?, None),
            _ => assert!(record.bbox()?.is_some_and(|bbox| bbox[0].is_nan() && bbox[2] == f64::INFINITY)),
        }
        Ok(())
    })
    .unwrap();
}

#[test]
fn endless_record_is_refused_in_bounded_memory() {
    let endless = b"[{\"x\": \"".chain(io::repeat(b'a'));
    let error = scan_results("dt.json", endless, |_, _| Ok(())).unwrap_err();
    assert_eq!(error.to_string(), "dt.json, results[0]: is longer than 67108864 bytes");
}

#[test]
fn visitor_s_refusal_stops_the_scan() {
    let mut visits = 0;
    let stop = || DatasetError::EmptyResults { file: "stop".to_owned() };
    let outcome = scan_results("dt.json", &b"[{}, {}, nonsense"[..], |index, _| {
        visits += 1;
        if index == 1 {
            Err(stop())
        } else {
            Ok(())
        }
    });
    assert!(matches!(outcome, Err(DatasetError::EmptyResults { file }) if file == "stop"));
    assert_eq!(visits, 2);
}

#[test]
fn missing_file_is_named() {
    let path = common::fixture("dataset/absent.json");
    let results = read_results(&path).unwrap_err();
    let annotations = Annotations::read(&path).unwrap_err();
    for error in [results, annotations] {
        assert!(matches!(&error, DatasetError::Read { file, .. } if file.ends_with("absent.json")));
    }
}

const SMALL: &str = r#"{"info": {"x": [1]}, "annotations": [
        {"id": 7, "image_id": 1, "category_id": 3.0, "area": 1e3, "bbox": [1, 2, 3, 4], "segmentation": [[1, 2, 3, 4, 5, 6]], "iscrowd": 1},
        {"id": 7, "image_id": 1, "category_id": 3, "area": "big", "bbox": [1, 2], "ignore": 1}],
    "categories": [
        {"id": 3, "name": "caf\u00e9", "frequency": "r", "synonyms": ["a", 1, "b_(c)"], "image_count": 4},
        {"id": 3, "frequency": "c"}, {"id": 2}],
    "images": [
        {"id": 1, "height": 4, "width": 5, "file_name": "a.jpg", "coco_url": "http://x/a.jpg", "neg_category_ids": [3, "x", 2.0], "not_exhaustive_category_ids": []},
        {"id": 2, "height": 4.0, "width": -1, "neg_category_ids": null},
        {"id": 1, "height": 9}]}"#;

#[test]
fn annotation_file_is_read_in_any_order() {
    let set = Annotations::from_bytes("gt.json", SMALL.as_bytes()).unwrap();
    assert_eq!((set.source.as_str(), set.sha256.len()), ("gt.json", 64));
    let (first, second) = (&set.annotations[0], &set.annotations[1]);
    assert_eq!((first.id, first.image_id, first.category_id, first.area), (7, 1, 3, Some(1000.0)));
    assert_eq!((first.bbox, first.ignore), (Some([1.0, 2.0, 3.0, 4.0]), false));
    assert_eq!(first.segmentation, Some(Segmentation::Polygons(vec![vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])));
    assert_eq!((second.area, second.bbox, second.ignore, second.segmentation.is_some()), (None, None, true, false));
    let category = &set.categories[0];
    assert_eq!((category.name.as_deref(), category.frequency.as_deref()), (Some("café"), Some("r")));
    assert_eq!((category.synonyms.join("|"), category.image_count), ("a|b_(c)".to_owned(), Some(4)));
    let image = &set.images[0];
    assert_eq!((image.height, image.width, image.file_name.as_deref()), (Some(4), Some(5), Some("a.jpg")));
    assert_eq!(image.neg_category_ids.as_deref(), Some(&[3, 2][..]));
    assert_eq!(image.not_exhaustive_category_ids.as_deref(), Some(&[][..]));
    assert_eq!((set.images[1].height, set.images[1].width, &set.images[1].neg_category_ids), (None, None, &None));
}

#[test]
fn last_of_repeated_ids_wins() {
    let set = Annotations::from_bytes("gt.json", SMALL.as_bytes()).unwrap();
    assert_eq!(set.image(1).unwrap().height, Some(9));
    assert_eq!(set.category(3).unwrap().frequency.as_deref(), Some("c"));
    assert_eq!((set.image(5), set.category(5)), (None, None));
    let images: Vec<_> = set.images_by_id().into_iter().map(|(id, image)| (id, image.height)).collect();
    assert_eq!(images, [(1, Some(9)), (2, None)]);
    let categories: Vec<_> = set.categories_by_id().into_iter().map(|(id, it)| (id, it.frequency.clone())).collect();
    assert_eq!(categories, [(2, None), (3, Some("c".to_owned()))]);
}

#[test]
fn last_of_repeated_tables_counts() {
    let text = br#"{"images": [{"id": 1}, {"id": 2}], "categories": [], "annotations": [], "images": [{"id": 3}]}"#;
    let set = Annotations::from_bytes("gt.json", text).unwrap();
    assert_eq!(set.images.iter().map(|image| image.id).collect::<Vec<_>>(), [3]);
}

#[test]
fn broken_annotation_files_are_refused_by_name() {
    let not_a_file = "gt.json: not an annotation file: ";
    let top = "the top level must be an object with 'images', 'categories' and 'annotations'";
    let whole = "must be a whole number between -2^63 and 2^63 - 1";
    let cases = [
        ("[]", format!("{not_a_file}{top}")),
        (r#"{"categories": [], "annotations": []}"#, format!("{not_a_file}it has no 'images'")),
        (r#"{"images": [], "annotations": []}"#, format!("{not_a_file}it has no 'categories'")),
        (r#"{"images": [], "categories": []}"#, format!("{not_a_file}it has no 'annotations'")),
        (r#"{"images": null}"#, "gt.json: 'images' must be a list".to_owned()),
        (r#"{"categories": [{"id": 1}, 2]}"#, "gt.json, categories[1]: must be an object".to_owned()),
        (r#"{"images": [{}]}"#, "gt.json, images[0]: has no 'id'".to_owned()),
        (r#"{"annotations": [{"id": 1, "image_id": 1}]}"#, "gt.json, annotations[0]: has no 'category_id'".to_owned()),
        (r#"{"annotations": [{"id": 1, "image_id": "1"}]}"#, format!("gt.json, annotations[0]: 'image_id' {whole}")),
        (r#"{"categories": [{"id": 1.5}]}"#, format!("gt.json, categories[0]: 'id' {whole}")),
        (
            r#"{"images": [{"id": 1,}]}"#,
            "gt.json: byte 21: expected a key in double quotes (a comma after the last one is not allowed)".to_owned(),
        ),
        ("{} {}", "gt.json: byte 3: unexpected text after the end of the JSON value".to_owned()),
    ];
    for (text, message) in cases {
        let error = Annotations::from_bytes("gt.json", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
    }
}

#[test]
fn ignore_flag_follows_python_s_truth() {
    for (flag, ignore) in [
        ("0", false),
        ("0.0", false),
        ("false", false),
        ("null", false),
        ("\"\"", false),
        ("[ ]", false),
        ("{}", false),
        ("1", true),
        ("-0.5", true),
        ("NaN", true),
        ("true", true),
        ("\"0\"", true),
        ("[0]", true),
    ] {
        let text = format!(
            r#"{{"images": [], "categories": [], "annotations": [{{"id": 1, "image_id": 1, "category_id": 1, "ignore": {flag}}}]}}"#
        );
        let set = Annotations::from_bytes("gt.json", text.as_bytes()).unwrap();
        assert_eq!(set.annotations[0].ignore, ignore, "{flag}");
    }
}

/// lvis-api's outcome for an edge case: the error's type and stage, if any.
fn expected_error(case: &std::path::Path) -> Option<(String, String)> {
    #[derive(Deserialize)]
    struct Expected {
        error: Option<LvisError>,
    }
    #[derive(Deserialize)]
    struct LvisError {
        r#type: String,
        stage: String,
    }
    let text = std::fs::read(case.join("expected_bbox.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&text).unwrap();
    expected.error.map(|error| (error.r#type, error.stage))
}

#[test]
fn edge_cases_are_read_unless_lvis_api_cannot() {
    let Some(folder) = common::shared("golden/eval/edge") else { return };
    let unzipped = |path: std::path::PathBuf| {
        let mut text = Vec::new();
        GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut text).unwrap();
        text
    };
    let mut cases = 0;
    for case in std::fs::read_dir(folder).unwrap() {
        let case = case.unwrap().path();
        cases += 1;
        Annotations::from_bytes("gt.json", &unzipped(case.join("gt.json.gz"))).unwrap();
        let outcome = scan(&unzipped(case.join("dt.json.gz")));
        let error = expected_error(&case);
        let broken = matches!(outcome, Err(DatasetError::Json { .. }));
        let is = |kind: &str| error.as_ref().is_some_and(|(found, _)| found == kind);
        assert_eq!(broken, is("JSONDecodeError"), "{case:?}: {outcome:?}");
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        match name.as_str() {
            "results_not_a_list" => assert!(matches!(outcome, Err(DatasetError::ResultsNotAList { .. }))),
            "empty_results" => assert!(matches!(outcome, Err(DatasetError::EmptyResults { .. }))),
            _ => assert!(outcome.is_ok() || broken, "{case:?}: {outcome:?}"),
        }
    }
    assert!(cases > 90);
}
