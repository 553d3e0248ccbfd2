//! The network against recordings of the PyTorch reference, and what the model refuses.
//!
//! Set `ZOOBENCH_PHOTO` to candle's yolo-v8 `bike.jpg` to include the recordings of a photograph.

mod common;
#[path = "common/lvis_prompts.rs"]
mod lvis_prompts;
#[path = "common/paramgen.rs"]
mod paramgen;
#[path = "common/params.rs"]
mod params;

#[path = "network/golden.rs"]
mod golden;
#[path = "network/inputs.rs"]
mod inputs;

#[path = "network/architecture.rs"]
mod architecture;
#[path = "network/batches.rs"]
mod batches;
#[path = "network/bf16.rs"]
mod bf16;
#[path = "network/refusals.rs"]
mod refusals;
#[path = "network/stages.rs"]
mod stages;
#[path = "network/text.rs"]
mod text;
#[path = "network/trained.rs"]
mod trained;

use std::fs;
use std::path::{Path, PathBuf};

use params::{text_rows, uniform, GeneratedWeights, Source};
use serde_json::Value;
use sha2::{Digest, Sha256};
use zoobench::model::{Engine, Model, TextEmbeddings, Weights};

fn fixtures() -> PathBuf {
    common::fixture("network")
}

fn tiny_weights(architecture: &str) -> GeneratedWeights {
    GeneratedWeights::open(&fixtures(), architecture)
}

fn load(weights: &GeneratedWeights) -> Model {
    load_on(Engine::default(), weights)
}

fn load_on(engine: Engine, weights: &GeneratedWeights) -> Model {
    Model::load(weights, engine).expect("generated weights are complete")
}

fn texts(model: &Model, classes: usize) -> TextEmbeddings {
    let width = model.architecture().text.projection;
    TextEmbeddings::new(width, text_rows(classes, width)).expect("whole rows")
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the fixture is there")).expect("the fixture is JSON")
}

fn strings(value: &Value) -> Vec<String> {
    serde_json::from_value(value.clone()).expect("a list of strings")
}

/// Multiplies a tensor.
fn scale(weights: &mut GeneratedWeights, name: &str, factor: f32) {
    let values = weights.f32(name).expect("the tensor exists").into_iter().map(|value| value * factor).collect();
    weights.tensors.get_mut(name).expect("the tensor exists").1 = Source::Values(values);
}

/// Whether values agree to rounding.
fn assert_close(a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len());
    let scale = a.iter().fold(0.0f32, |most, value| most.max(value.abs()));
    let apart = a.iter().zip(b).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
    assert!(apart <= 1e-4 * scale, "{apart} apart in values up to {scale}");
}

#[test]
fn generated_parameters_equal_the_recorded_vectors() {
    let vectors = json(&fixtures().join("paramgen_vectors.json"));
    for vector in vectors.as_array().expect("a list of vectors") {
        let name = vector["name"].as_str().expect("a vector has a name");
        let shape: Vec<usize> = serde_json::from_value(vector["shape"].clone()).expect("a vector has a shape");
        let centre = vector["centre"].as_f64().expect("a vector has a centre") as f32;
        let bits = vector["amp_bits"].as_u64().expect("a vector has an amplitude") as u32;
        let values = uniform(name, shape.iter().product(), centre, f32::from_bits(bits));
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let sha: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(Some(sha.as_str()), vector["sha256"].as_str(), "{name}");
    }
}
