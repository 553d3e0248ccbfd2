//! Trained weights out of checkpoints, against the reference's results.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use zoobench::model::checkpoint::Checkpoint;
use zoobench::model::{Device, HeadOutput, Model};

use super::common::shared;
use super::inputs::{self, input};
use super::{json, load, texts, tiny_weights};

/// The best score of every class on a few images of the shapes zoo: the top-scored detection of a class
/// survives suppression, so that the reference's results hold it.
fn check_shapes(family: &str, file: &str) {
    let Some(folder) = shared("shapes") else { return };
    let checkpoint = Checkpoint::read(&folder.join("weights").join(file)).expect("the checkpoint is whole");
    let model = Model::load(&checkpoint, Device::Cpu).expect("the checkpoint is a YOLO-World-Seg's");
    assert_eq!(model.architecture().to_string(), format!("{family}-w0.125-d0.33"));
    let prompts = shapes_prompts(&json(&folder.join("annotations.json")));
    let texts = model.encode_text(&prompts).expect("prompts are encoded");
    let results = read_gzip(&folder.join(format!("reference/{family}/results.json.gz")));
    for image in 1..=3 {
        let bytes = fs::read(folder.join(format!("images/{image:06}.jpg"))).expect("the image is there");
        let outputs = model.forward(&inputs::jpeg(&bytes), &texts).expect("the network runs");
        for (class, expected) in best_recorded(&results, image) {
            let score = best_score(&outputs[0], class);
            assert!((score - expected).abs() < 1e-5, "image {image}, class {class}: {score} against {expected}");
        }
    }
}

fn shapes_prompts(annotations: &Value) -> Vec<String> {
    let categories = annotations["categories"].as_array().expect("categories");
    let prompt = |category: &Value| {
        let synonym = category["synonyms"][0].as_str().expect("a synonym");
        synonym.split("_(").next().unwrap_or_default().replace('_', " ")
    };
    categories.iter().map(prompt).collect()
}

fn read_gzip(path: &Path) -> Value {
    let file = fs::File::open(path).expect("the fixture is there");
    serde_json::from_reader(flate2::read::GzDecoder::new(file)).expect("the fixture is JSON")
}

fn best_score(output: &HeadOutput, class: usize) -> f64 {
    let best = output.levels.iter().flat_map(|level| {
        let positions = level.height * level.width;
        &level.logits[class * positions..][..positions]
    });
    let logit = f64::from(best.fold(f32::MIN, |best, &logit| best.max(logit)));
    1.0 / (1.0 + (-logit).exp())
}

/// Classes recorded on an image, each with its best score.
fn best_recorded(results: &Value, image: i64) -> BTreeMap<usize, f64> {
    let mut best = BTreeMap::new();
    let records = results.as_array().expect("a list of records").iter();
    for record in records.filter(|record| record["image_id"].as_i64() == Some(image)) {
        let class = record["category_id"].as_u64().expect("a category") as usize - 1;
        let score = record["score"].as_f64().expect("a score");
        let kept: &mut f64 = best.entry(class).or_default();
        *kept = kept.max(score);
    }
    assert!(best.len() > 10, "the reference found something on image {image}");
    best
}

#[test]
fn trained_v1_gives_the_references_scores() {
    check_shapes("v1", "shapes_v1-b0b51c54.pth");
}

#[test]
fn trained_v2_gives_the_references_scores() {
    check_shapes("v2", "shapes_v2-bd8e3ecd.pth");
}

/// Containers change nothing: the same parameters from a file and from the generator.
#[test]
fn checkpoints_give_what_their_parameters_give() {
    let Some(folder) = shared("golden/model/pth") else { return };
    let image = input("odd").expect("a synthetic input");
    for (architecture, file) in [("v1-tiny", "v1-tiny.pth"), ("v2-tiny", "v2-tiny_published-729569bf.pth")] {
        let checkpoint = Checkpoint::read(&folder.join(file)).expect("the checkpoint is whole");
        let read = Model::load(&checkpoint, Device::Cpu).expect("the checkpoint is a YOLO-World-Seg's");
        let made = load(&tiny_weights(architecture));
        let run = |model: &Model| model.forward(&image, &texts(model, 5)).expect("the network runs");
        assert_eq!(run(&read), run(&made), "{file}");
        let encode = |model: &Model| model.encode_text(&["cat".to_owned()]).expect("a prompt is encoded");
        assert_eq!(encode(&read), encode(&made), "{file}");
    }
}
