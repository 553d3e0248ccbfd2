//! Tokens, text embeddings and their cache.

use std::fs;

use zoobench::model::text::Tokenizer;
use zoobench::model::{Model, ModelError, TextCache};

use super::common::shared;
use super::lvis_prompts::{lvis_ids, lvis_prompts};
use super::params::{self, GeneratedWeights};
use super::{assert_close, fixtures, golden, json, load, scale, strings, tiny_weights};

#[test]
fn token_ids_of_odd_prompts_equal_the_references() {
    let record = json(&fixtures().join("clip/clip.json"));
    let prompts = strings(&record["tokens"]["odd_prompts"]);
    let ids: Vec<Vec<u32>> = serde_json::from_value(record["tokens"]["odd_ids"].clone()).expect("lists of ids");
    let tokenizer = Tokenizer::new();
    let different: Vec<&String> =
        prompts.iter().zip(&ids).filter(|(prompt, ids)| tokenizer.encode(prompt) != **ids).map(|(p, _)| p).collect();
    assert_eq!(prompts.len(), 37);
    assert_eq!(different, ["<|endoftext|> inside"], "the one documented difference");
}

#[test]
fn token_ids_of_lvis_equal_the_references() {
    let (prompts, ids) = (lvis_prompts(), lvis_ids());
    let tokenizer = Tokenizer::new();
    assert_eq!(prompts.len(), 1203);
    for (prompt, ids) in prompts.iter().zip(&ids) {
        let tokens = tokenizer.encode(prompt);
        assert_eq!(tokens[1..tokens.len() - 1], ids[..], "{prompt}");
    }
}

/// Largest difference of any embedding's element to the reference's f64 result.
fn text_error(model: &Model, key: &str) -> f64 {
    let record = json(&fixtures().join("clip/clip.json"));
    let expected = params::read_safetensors_f64(&fixtures().join("clip/clip.safetensors"));
    let embeddings = model.encode_text(&strings(&record[format!("{key}.prompts")])).expect("prompts are encoded");
    let expected = &expected[&format!("{key}.normed#f64")];
    assert_eq!(embeddings.data().len(), expected.len());
    let apart = embeddings.data().iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs());
    apart.fold(0.0, f64::max)
}

/// The same over all LVIS prompts, for the sampled elements.
fn check_lvis_texts(model: &Model, key: &str) {
    let prompts = lvis_prompts();
    let recorded = params::read_safetensors(&fixtures().join("clip/clip.safetensors"));
    let embeddings = model.encode_text(&prompts).expect("prompts are encoded");
    let sampled = golden::sample(&format!("{key}.lvis1203"), embeddings.data());
    let apart = sampled.zip(&recorded[&format!("{key}.lvis1203.sample")]).map(|(a, b)| (a - b).abs());
    let worst = apart.fold(0.0, f32::max);
    eprintln!("{key}: 1203 prompts within {worst:.1e}");
    assert!(worst <= 1e-6, "{worst}");
    for (a, b) in prompts.iter().zip(&prompts[1..]).enumerate().filter(|(_, (a, b))| a == b).map(|(i, _)| (i, i + 1)) {
        let row = |index: usize| &embeddings.data()[index * embeddings.width()..][..embeddings.width()];
        assert_eq!(row(a), row(b), "equal prompts have bit-identical rows");
    }
}

#[test]
fn tiny_text_embeddings_equal_the_references() {
    let model = load(&tiny_weights("v1-tiny"));
    let error = text_error(&model, "clip_tiny");
    eprintln!("clip_tiny: within {error:.1e}");
    assert!(error <= 1e-6, "{error}");
    check_lvis_texts(&model, "clip_tiny");
}

#[test]
fn text_embeddings_equal_the_references() {
    let Some(folder) = shared("golden/model") else { return };
    let model = load(&GeneratedWeights::open(&folder, "v1-M"));
    let error = text_error(&model, "clip");
    eprintln!("clip: within {error:.1e}");
    assert!(error <= 1e-6, "{error}");
    check_lvis_texts(&model, "clip");
}

#[test]
fn a_row_does_not_depend_on_the_other_prompts() {
    let model = load(&tiny_weights("v2-tiny"));
    let prompts = ["traffic light", "a photo of a 3-D printer!!", "cat", "traffic light"].map(str::to_owned);
    let all = model.encode_text(&prompts).expect("prompts are encoded");
    let width = all.width();
    for (prompt, row) in prompts.iter().zip(all.data().chunks_exact(width)) {
        let alone = model.encode_text(std::slice::from_ref(prompt)).expect("a prompt is encoded");
        assert_close(alone.data(), row);
        let length: f32 = row.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-6, "rows are of length 1");
    }
    assert_eq!(all.data()[..width], all.data()[3 * width..]);
}

#[test]
fn prompts_that_are_too_long_are_refused() {
    let model = load(&tiny_weights("v2-tiny"));
    let fits = vec!["word ".repeat(75)];
    assert!(model.encode_text(&fits).is_ok());
    let long = vec!["cat".to_owned(), "word ".repeat(76)];
    let error = model.encode_text(&long).expect_err("78 tokens do not fit");
    assert!(matches!(error, ModelError::PromptTooLong { index: 1, tokens: 78, limit: 77, .. }), "{error}");
    assert!(error.to_string().len() < 250, "the prompt is cut: {error}");
    assert!(matches!(model.encode_text(&[]), Err(ModelError::NoPrompts)));
}

#[test]
fn cached_texts_are_read_back_and_bad_ones_recomputed() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let cache = TextCache::at(folder.path());
    let prompts = ["cat", "dog"].map(str::to_owned);
    let model = load(&tiny_weights("v1-tiny"));
    let fresh = model.encode_text_cached(&prompts, &cache).expect("prompts are encoded");
    assert_eq!(fresh, model.encode_text(&prompts).expect("prompts are encoded"));

    // Another encoder that claims to be the same file: what it returns can only come from the cache.
    let mut impostor = tiny_weights("v1-tiny");
    scale(&mut impostor, "backbone.text_model.model.text_projection.weight", -1.0);
    let impostor = load(&impostor);
    assert_eq!(impostor.encode_text_cached(&prompts, &cache).expect("from the cache"), fresh);

    let file = fs::read_dir(folder.path()).expect("the folder exists").next().expect("a file was kept");
    fs::write(file.expect("the folder can be listed").path(), b"not a cache").expect("the file can be written");
    assert_ne!(impostor.encode_text_cached(&prompts, &cache).expect("encoded again"), fresh);

    let mut other = tiny_weights("v1-tiny");
    other.sha256 = "0".repeat(64);
    scale(&mut other, "backbone.text_model.model.text_projection.weight", -1.0);
    assert_ne!(load(&other).encode_text_cached(&prompts, &TextCache::at(folder.path())).expect("encoded"), fresh);
    assert_eq!(model.encode_text_cached(&prompts, &TextCache::disabled()).expect("encoded"), fresh);
}
