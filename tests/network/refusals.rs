//! What the model refuses, and what it says then.

use zoobench::model::{Device, InputBatch, Letterbox, Model, ModelError, TextEmbeddings};

use super::inputs::input;
use super::params::{text_rows, GeneratedWeights, Source};
use super::{load, texts, tiny_weights};

fn refusal(weights: &GeneratedWeights) -> ModelError {
    Model::load(weights, Device::Cpu).err().expect("these weights are not complete")
}

#[test]
fn missing_left_over_and_wrong_parameters_are_listed_by_name() {
    let mut weights = tiny_weights("v1-tiny");
    weights.tensors.remove("neck.downsample_layers.0.bn.running_var");
    weights.tensors.remove("neck.text_enhancer.key.0.bias");
    weights.tensors.insert("neck.surprise.weight".into(), (vec![1], Source::Values(vec![0.0])));
    let wrong = weights.tensors.get_mut("bbox_head.head_module.proto_pred.conv3.conv.weight").expect("it exists");
    wrong.0 = vec![32, 32, 3, 3];
    let ModelError::Parameters { mismatch, architecture } = refusal(&weights) else { panic!("another refusal") };
    assert_eq!(architecture, "v1-w0.125-d0.33");
    assert_eq!(mismatch.missing, ["neck.downsample_layers.0.bn.running_var", "neck.text_enhancer.key.0.bias"]);
    assert_eq!(mismatch.left_over, ["neck.surprise.weight"]);
    assert_eq!(mismatch.wrong_shape.len(), 1);
    let text = mismatch.to_string();
    for name in ["running_var", "key.0.bias", "neck.surprise.weight", "conv3.conv.weight", "[32, 32, 1, 1]"] {
        assert!(text.contains(name), "{text}");
    }
}

#[test]
fn a_long_list_of_names_is_cut_in_the_message_only() {
    let mut weights = tiny_weights("v1-tiny");
    weights.tensors.retain(|name, _| !name.ends_with(".running_mean"));
    let error = refusal(&weights);
    let ModelError::Parameters { ref mismatch, .. } = error else { panic!("another refusal: {error}") };
    assert_eq!(mismatch.missing.len(), 70);
    assert!(error.to_string().contains("70 missing") && error.to_string().contains("and 62 more"), "{error}");
}

#[test]
fn bookkeeping_tensors_are_ignored() {
    let mut weights = tiny_weights("v1-tiny");
    assert!(weights.tensors.keys().any(|name| name.ends_with("num_batches_tracked")));
    let ids = "backbone.text_model.model.text_model.embeddings.position_ids";
    weights.tensors.insert(ids.into(), (vec![1, 77], Source::Bookkeeping));
    load(&weights);
    weights.tensors.retain(|name, _| !name.ends_with("num_batches_tracked"));
    load(&weights);
}

#[test]
fn a_checkpoint_without_text_encoder_is_refused_with_a_remedy() {
    let mut weights = tiny_weights("v2-tiny");
    weights.tensors.retain(|name, _| !name.starts_with("backbone.text_model."));
    let error = refusal(&weights);
    assert!(matches!(error, ModelError::NoTextEncoder), "{error}");
    assert!(error.to_string().contains("give the checkpoint as it was published"), "{error}");
}

#[test]
fn other_networks_are_refused() {
    let mut weights = tiny_weights("v2-tiny");
    weights.tensors.retain(|name, _| !name.contains(".seg_preds.") && !name.contains(".proto_pred."));
    let error = refusal(&weights);
    assert!(matches!(error, ModelError::NotYoloWorldSeg { .. }), "{error}");
    weights.tensors.clear();
    assert!(matches!(refusal(&weights), ModelError::NotYoloWorldSeg { .. }));
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_allocated() {
    let resized = |name: &str, shape: &[usize]| {
        let mut weights = tiny_weights("v1-tiny");
        weights.tensors.get_mut(name).expect("the tensor exists").0 = shape.to_vec();
        refusal(&weights)
    };
    let stem = "backbone.image_model.stem.conv.weight";
    assert!(matches!(resized(stem, &[usize::MAX, 3, 3, 3]), ModelError::Size { max: 8192, .. }));
    assert!(matches!(resized(stem, &[0, 3, 3, 3]), ModelError::Size { value: 0, .. }));
    assert!(matches!(resized(stem, &[8]), ModelError::Rank { rank: 4, .. }));
    let heads = "neck.bottom_up_layers.1.attn_block.bias";
    assert!(matches!(resized(heads, &[3]), ModelError::Heads { heads: 3, channels: 32, .. }));
    assert!(matches!(resized(heads, &[0]), ModelError::Size { value: 0, min: 1, .. }));
    let tokens = "backbone.text_model.model.text_model.embeddings.token_embedding.weight";
    let ModelError::Parameters { mismatch, .. } = resized(tokens, &[10, 8]) else { panic!("another refusal") };
    assert_eq!(mismatch.wrong_shape[0].expected, [49_408, 8]);
}

#[test]
fn an_endless_chain_of_blocks_is_refused() {
    let mut weights = tiny_weights("v1-tiny");
    let block = weights.tensors["neck.top_down_layers.0.blocks.0.conv1.conv.weight"].clone();
    for index in 1..100 {
        let name = format!("neck.top_down_layers.0.blocks.{index}.conv1.conv.weight");
        weights.tensors.insert(name, block.clone());
    }
    assert!(matches!(refusal(&weights), ModelError::Size { max: 64, .. }));
}

#[test]
fn parameters_that_are_not_finite_or_not_whole_are_refused() {
    let with = |values: Vec<f32>| {
        let mut weights = tiny_weights("v1-tiny");
        let tensor = weights.tensors.get_mut("neck.text_enhancer.query.0.weight").expect("the tensor exists");
        tensor.1 = Source::Values(values);
        refusal(&weights)
    };
    let mut values = vec![1.0; 16];
    values[5] = f32::NAN;
    let error = with(values);
    assert!(matches!(&error, ModelError::NotFinite { index: 5, name, .. } if name.contains("query.0")), "{error}");
    assert!(matches!(with(vec![1.0; 15]), ModelError::ElementCount { expected: 16, found: 15, .. }));
}

#[test]
fn inputs_and_embeddings_of_the_wrong_size_are_refused() {
    let short = InputBatch::new(1, vec![0.0; Letterbox::VALUES - 1]);
    assert!(matches!(short, Err(ModelError::InputSize { images: 1, .. })));
    assert!(matches!(InputBatch::new(0, vec![]), Err(ModelError::InputSize { images: 0, .. })));
    assert!(matches!(InputBatch::new(usize::MAX, vec![0.0]), Err(ModelError::InputSize { .. })));
    assert!(matches!(TextEmbeddings::new(16, vec![0.0; 17]), Err(ModelError::EmbeddingShape { found: 17, width: 16 })));
    let many = TextEmbeddings::new(1, vec![0.0; TextEmbeddings::MAX_CLASSES + 1]);
    assert!(matches!(many, Err(ModelError::TooManyClasses { found: 16_385, limit: 16_384 })));
    assert!(TextEmbeddings::new(0, vec![0.0]).is_err() && TextEmbeddings::new(4, vec![]).is_err());
    let model = load(&tiny_weights("v1-tiny"));
    let image = input("synth").expect("a synthetic input");
    let foreign = TextEmbeddings::new(512, text_rows(2, 512)).expect("whole rows");
    let error = model.forward(&image, &foreign).expect_err("the network reads rows of 16");
    assert!(matches!(error, ModelError::EmbeddingWidth { found: 512, expected: 16 }), "{error}");
    let texts = texts(&model, 1);
    assert!(matches!(model.trace(&image, &texts, &["neck.nowhere"]), Err(ModelError::NoStage { .. })));
}
