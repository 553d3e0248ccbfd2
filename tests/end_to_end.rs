//! From pixels to detections, against what the PyTorch reference found with the same parameters.
//!
//! The recordings are too big for the repository. Those of a photograph need `ZOOBENCH_PHOTO` to name
//! candle's yolo-v8 `bike.jpg`.

mod common;
#[path = "network/inputs.rs"]
mod inputs;
#[path = "common/lvis_prompts.rs"]
mod lvis_prompts;
#[path = "common/paramgen.rs"]
mod paramgen;
#[path = "common/params.rs"]
mod params;

use std::path::Path;

use params::{text_rows, GeneratedWeights};
use serde_json::Value;
use zoobench::dataset::{Record, Segmentation};
use zoobench::detection::{detect, to_records, Settings};
use zoobench::evaluation::{compare_image, Pair};
use zoobench::model::{Device, InputBatch, Letterbox, Model, TextEmbeddings};

/// Of 300 recorded detections, those that must be found again.
const LEAST_MATCHED: usize = 299;
/// Mean mask IoU over the matched detections whose masks are recorded.
const LEAST_MEAN_IOU: f64 = 0.999;

const TINY: [&str; 2] = ["v1-tiny", "v2-tiny"];
const FULL_SIZE: [&str; 4] = ["v1-M", "v1-L", "v2-M", "v2-L"];

/// What the reference found: detections of one image.
struct Recorded {
    letterbox: Letterbox,
    records: Vec<Record>,
}

fn numbers(value: &Value) -> Vec<f64> {
    serde_json::from_value(value.clone()).expect("a list of numbers")
}

/// Masks are recorded for the first detections only; the others carry none.
fn recorded(value: &Value) -> Recorded {
    let [height, width] = numbers(&value["ori_shape"])[..] else { panic!("ori_shape is a pair") };
    let [top, bottom, left, right] = numbers(&value["pad_param"])[..] else { panic!("pad_param has four sides") };
    let pixels = |number: f64| number as u32;
    let (boxes, labels, scores) = (numbers(&value["boxes"]), numbers(&value["labels"]), numbers(&value["scores"]));
    let masks: Vec<String> = serde_json::from_value(value["rle"].clone()).expect("a list of run lengths");
    let size = [pixels(height), pixels(width)];
    let record = |index: usize| {
        let [x1, y1, x2, y2] = boxes[4 * index..][..4] else { unreachable!("four numbers a box") };
        let segmentation =
            masks.get(index).map(|mask| Segmentation::Compressed { size, counts: mask.clone().into_bytes() });
        let bbox = Some([x1, y1, x2 - x1, y2 - y1]);
        Record { image_id: 1, category_id: labels[index] as i64, score: scores[index], bbox, segmentation }
    };
    let [height, width, top, bottom, left, right] = [height, width, top, bottom, left, right].map(pixels);
    Recorded {
        letterbox: Letterbox { height, width, top, bottom, left, right },
        records: (0..scores.len()).map(record).collect(),
    }
}

fn found(model: &Model, texts: &TextEmbeddings, input: &InputBatch, letterbox: &Letterbox) -> Vec<Record> {
    let outputs = model.forward(input, texts).expect("the network runs");
    let classes: Vec<i64> = (0..texts.classes() as i64).collect();
    to_records(&detect(&outputs[0], letterbox, &Settings::default()), 1, &classes)
}

/// Pairs of recorded detections and ours by label, score and box, then the masks that are recorded.
fn check(name: &str, ours: &[Record], recorded: &Recorded) {
    assert_eq!(ours.len(), recorded.records.len(), "{name}: number of detections");
    let without_masks = |records: &[Record]| -> Vec<Record> {
        records.iter().map(|record| Record { segmentation: None, ..record.clone() }).collect()
    };
    let agreement = compare_image(&without_masks(ours), &without_masks(&recorded.records)).expect("records have boxes");
    assert!(agreement.pairs.len() >= LEAST_MATCHED.min(ours.len()), "{name}: {} matched", agreement.pairs.len());
    let with_masks: Vec<Record> =
        recorded.records.iter().filter(|record| record.segmentation.is_some()).cloned().collect();
    let masks = compare_image(ours, &with_masks).expect("recorded masks are good");
    assert!(masks.pairs.len() + 1 >= with_masks.len(), "{name}: {} of {} masks", masks.pairs.len(), with_masks.len());
    let mean = masks.pairs.iter().map(|pair| pair.mask_iou).sum::<f64>() / masks.pairs.len() as f64;
    assert!(mean >= LEAST_MEAN_IOU, "{name}: mean mask IoU {mean}");
    let largest = |of: fn(&Pair) -> f64| agreement.pairs.iter().map(of).fold(0.0, f64::max);
    eprintln!(
        "{name}: {}/{} matched, score within {:.1e}, box within {:.1e} px, mean mask IoU {mean:.6}",
        agreement.pairs.len(),
        ours.len(),
        largest(|pair| pair.score_difference),
        largest(|pair| pair.box_difference)
    );
}

fn model(golden: &Path, architecture: &str) -> Model {
    Model::load(&GeneratedWeights::open(golden, architecture), Device::Cpu).expect("generated weights are complete")
}

fn fixture_texts(model: &Model, classes: usize) -> TextEmbeddings {
    let width = model.architecture().text.projection;
    TextEmbeddings::new(width, text_rows(classes, width)).expect("whole rows")
}

/// Recorded detections under class embeddings from the parameter generator.
fn generated_texts(architectures: &[&str], keys: &[&str]) {
    let Some(golden) = common::shared("golden/model") else { return };
    for architecture in architectures {
        let model = model(&golden, architecture);
        let file = std::fs::read(golden.join(format!("model/{architecture}.dets.json"))).expect("recorded detections");
        let all: Value = serde_json::from_slice(&file).expect("recorded detections are JSON");
        for key in keys {
            let (input, classes) = key.split_once('@').expect("input@classes");
            let Some(input) = inputs::input(input) else { continue };
            let recorded = recorded(&all[key]);
            let texts = fixture_texts(&model, classes.parse().expect("a number of classes"));
            check(&format!("{architecture} {key}"), &found(&model, &texts, &input, &recorded.letterbox), &recorded);
        }
    }
}

#[test]
fn tiny_networks_find_what_the_reference_found() {
    generated_texts(&TINY, &["synth@80", "synth@1203", "odd@20", "photo@1", "photo@3", "photo@80", "photo@1203"]);
}

#[test]
fn full_size_networks_find_what_the_reference_found() {
    generated_texts(&FULL_SIZE, &["odd@20"]);
}

/// Recorded detections of the whole chain, text encoder included, on a photograph.
fn whole_chain(architectures: &[&str], vocabularies: &[&str]) {
    let Some(golden) = common::shared("golden/model") else { return };
    let Some(photo) = inputs::input("photo") else { return };
    let all: Value = serde_json::from_slice(&std::fs::read(golden.join("e2e.json")).expect("recorded")).expect("JSON");
    let lvis = lvis_prompts::lvis_prompts();
    for architecture in architectures {
        let model = model(&golden, architecture);
        for vocabulary in vocabularies {
            let key = format!("{architecture}/{vocabulary}");
            let Some(value) = all.get(&key) else { continue };
            let prompts: Vec<String> = match value["texts"].as_str() {
                Some("lvis80") => lvis[..80].to_vec(),
                Some(_) => lvis.clone(),
                None => serde_json::from_value(value["texts"].clone()).expect("a list of prompts"),
            };
            let texts = model.encode_text(&prompts).expect("the prompts are encoded");
            let recorded = recorded(value);
            check(&key, &found(&model, &texts, &photo, &recorded.letterbox), &recorded);
        }
    }
}

#[test]
fn the_whole_chain_of_tiny_networks_agrees() {
    whole_chain(&TINY, &["small", "lvis80", "lvis1203"]);
}

#[test]
fn the_whole_chain_of_full_size_networks_agrees() {
    whole_chain(&FULL_SIZE, &["small"]);
    whole_chain(&FULL_SIZE[..1], &["lvis1203"]);
}

#[test]
#[should_panic(expected = "298 matched")]
fn two_detections_of_another_class_are_noticed() {
    let letterbox = Letterbox { height: 640, width: 640, top: 0, bottom: 0, left: 0, right: 0 };
    let record = |index: i64, category_id: i64| {
        let bbox = Some([index as f64, 0.0, 9.0, 9.0]);
        Record { image_id: 1, category_id, score: 0.5, bbox, segmentation: None }
    };
    let records: Vec<Record> = (0..300).map(|index| record(index, 7)).collect();
    let mut ours = records.clone();
    ours[..2].iter_mut().for_each(|record| record.category_id = 8);
    check("another class", &ours, &Recorded { letterbox, records });
}
