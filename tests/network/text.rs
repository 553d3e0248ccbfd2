//! Tokens, text embeddings and their cache.

use std::fs;

use zoobench::kernels::InstructionSet;
use zoobench::model::text::{TextEncoder, Tokenizer};
use zoobench::model::{Architecture, Engine, ModelError, TextCache, TextEmbeddings};

use super::common::shared;
use super::lvis_prompts::{lvis_ids, lvis_prompts};
use super::params::{self, GeneratedWeights};
use super::{assert_close, fixtures, golden, json, load, load_on, scale, strings, tiny_weights};

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

/// candle's encoder, and one for each instruction set that the machine has.
fn encoders(weights: &GeneratedWeights) -> Vec<(String, TextEncoder)> {
    let size = Architecture::detect(weights).expect("the weights are a network's").text;
    let reference = TextEncoder::load(weights, &size, Engine::Candle).expect("generated weights are complete");
    let fast = InstructionSet::available().into_iter().map(|set| {
        let encoder = TextEncoder::load_for(weights, &size, set).expect("generated weights are complete");
        (set.name().to_owned(), encoder)
    });
    std::iter::once(("candle".to_owned(), reference)).chain(fast).collect()
}

fn encode(encoder: &TextEncoder, prompts: &[String]) -> TextEmbeddings {
    encoder.encode(prompts).expect("prompts are encoded")
}

/// Largest difference of any embedding's element to the reference's f64 result.
fn text_error(encoder: &TextEncoder, key: &str) -> f64 {
    let record = json(&fixtures().join("clip/clip.json"));
    let expected = params::read_safetensors_f64(&fixtures().join("clip/clip.safetensors"));
    let embeddings = encode(encoder, &strings(&record[format!("{key}.prompts")]));
    let expected = &expected[&format!("{key}.normed#f64")];
    assert_eq!(embeddings.data().len(), expected.len());
    let apart = embeddings.data().iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs());
    apart.fold(0.0, f64::max)
}

/// The same over all LVIS prompts, for the sampled elements.
fn lvis_text_error(encoder: &TextEncoder, key: &str) -> f32 {
    let prompts = lvis_prompts();
    let recorded = params::read_safetensors(&fixtures().join("clip/clip.safetensors"));
    let embeddings = encode(encoder, &prompts);
    for (a, b) in prompts.iter().zip(&prompts[1..]).enumerate().filter(|(_, (a, b))| a == b).map(|(i, _)| (i, i + 1)) {
        let row = |index: usize| &embeddings.data()[index * embeddings.width()..][..embeddings.width()];
        assert_eq!(row(a), row(b), "equal prompts have bit-identical rows");
    }
    let sampled = golden::sample(&format!("{key}.lvis1203"), embeddings.data());
    let apart = sampled.zip(&recorded[&format!("{key}.lvis1203.sample")]).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

fn check_texts(weights: &GeneratedWeights, key: &str) {
    for (name, encoder) in encoders(weights) {
        let (error, lvis) = (text_error(&encoder, key), lvis_text_error(&encoder, key));
        eprintln!("{key}, {name}: within {error:.1e}, 1203 prompts within {lvis:.1e}");
        assert!(error <= 1e-6, "{name}: {error}");
        assert!(lvis <= 1e-6, "{name}: {lvis}");
    }
}

#[test]
fn tiny_text_embeddings_equal_the_references() {
    check_texts(&tiny_weights("v1-tiny"), "clip_tiny");
}

#[test]
fn text_embeddings_equal_the_references() {
    let Some(folder) = shared("golden/model") else { return };
    check_texts(&GeneratedWeights::open(&folder, "v1-M"), "clip");
}

#[test]
fn a_row_does_not_depend_on_the_other_prompts() {
    let prompts =
        ["traffic light", "a photo of a 3-D printer!!", "cat", "traffic lane", "traffic light"].map(str::to_owned);
    for (name, encoder) in encoders(&tiny_weights("v2-tiny")) {
        let all = encode(&encoder, &prompts);
        let width = all.width();
        for (prompt, row) in prompts.iter().zip(all.data().chunks_exact(width)) {
            let alone = encode(&encoder, std::slice::from_ref(prompt));
            match name.as_str() {
                // Its matrix products depend on how many rows there are, by rounding.
                "candle" => assert_close(alone.data(), row),
                _ => assert_eq!(alone.data(), row, "{name}: {prompt}"),
            }
            let length: f32 = row.iter().map(|value| value * value).sum();
            assert!((length - 1.0).abs() < 1e-6, "rows are of length 1");
        }
        assert_eq!(all.data()[..width], all.data()[4 * width..]);
    }
}

/// More prefixes than go through the transformer at once, of up to 77 tokens.
fn many_prompts() -> Vec<String> {
    let prompt = |index: usize| format!("{} thing {index}", "very ".repeat(index % 71));
    (0..600).map(prompt).collect()
}

#[test]
fn long_and_many_prompts_are_encoded_as_by_candle_at_any_number_of_threads() {
    let (weights, prompts) = (tiny_weights("v1-tiny"), many_prompts());
    let encoders = encoders(&weights);
    let expected = encode(&encoders[0].1, &prompts);
    for (name, encoder) in &encoders[1..] {
        let found = encode(encoder, &prompts);
        let apart = found.data().iter().zip(expected.data()).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(apart <= 2e-6, "{name}: {apart}");
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
            assert_eq!(pool.install(|| encode(encoder, &prompts)), found, "{name}, {threads} threads");
        }
    }
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

#[test]
fn texts_of_another_engine_are_not_taken_from_the_cache() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let cache = TextCache::at(folder.path());
    let prompts = ["cat".to_owned()];
    let mut impostor = tiny_weights("v1-tiny");
    scale(&mut impostor, "backbone.text_model.model.text_projection.weight", -1.0);
    let cached = |engine, weights: &GeneratedWeights| {
        load_on(engine, weights).encode_text_cached(&prompts, &cache).expect("prompts are encoded")
    };
    let fast = cached(Engine::Fast, &tiny_weights("v1-tiny"));
    assert_ne!(cached(Engine::Candle, &impostor), fast, "candle encodes its own");
    assert_eq!(cached(Engine::FastExact, &impostor), fast, "the fast engines have one text encoder");
}
