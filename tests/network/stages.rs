//! Every recorded stage of the reference network.

use std::path::Path;

use zoobench::model::{Engine, HeadOutput, InputBatch, Model};

use super::common::shared;
use super::golden::{module, Golden, GATE};
use super::inputs::input;
use super::params::GeneratedWeights;
use super::{fixtures, load_on, scale, texts, tiny_weights};

/// Compares every recorded stage of one input; returns the worst ratio.
fn check_stages(model: &Model, golden: &Golden, name: &str, image: &InputBatch, classes: usize) -> f64 {
    let stages = golden.stages(name, classes);
    let modules: Vec<String> = stages.iter().map(|stage| module(stage)).collect();
    let paths: Vec<&str> = modules.iter().map(String::as_str).collect();
    let (outputs, trace) = model.trace(image, &texts(model, classes), &paths).expect("the network runs");
    assert!(stages.len() > 30, "the record is complete");
    let ratios = stages.iter().zip(&modules).map(|(stage, module)| {
        let values = from_output(&outputs[0], stage).unwrap_or(&trace[module].data);
        let ratio = match classes {
            1203 => golden.distance(name, stage, classes, 80, values),
            _ => golden.ratio(name, stage, classes, values),
        };
        // Two errors of the reference's size add up where only its f32 values are known.
        let gate = if classes == 1203 { GATE + 1.0 } else { GATE };
        assert!(ratio <= gate, "{name}/{stage}@{classes}: {ratio:.2} times the reference's own error");
        ratio
    });
    ratios.fold(0.0, f64::max)
}

/// What leaves the network is checked as it leaves it.
fn from_output<'a>(output: &'a HeadOutput, stage: &str) -> Option<&'a [f32]> {
    if stage == "head.proto" {
        return Some(&output.prototypes);
    }
    let level = stage.chars().last()?.to_digit(10)? as usize;
    match stage.trim_end_matches(|c: char| c.is_ascii_digit()) {
        "head.logit" => Some(&output.levels[level].logits),
        "head.ltrb" => Some(&output.levels[level].distances),
        "head.coeff" => Some(&output.levels[level].coefficients),
        _ => None,
    }
}

fn check_recording(folder: &Path, architecture: &str, runs: &[(&str, usize)]) {
    let (weights, golden) = (GeneratedWeights::open(folder, architecture), Golden::open(folder, architecture));
    for engine in Engine::ON_CPU {
        let model = load_on(engine, &weights);
        for &(name, classes) in runs {
            let Some(image) = input(name) else { continue };
            let start = std::time::Instant::now();
            let worst = check_stages(&model, &golden, name, &image, classes);
            let (engine, seconds) = (engine.name(), start.elapsed().as_secs_f64());
            eprintln!("{architecture} {name}@{classes} {engine}: worst ratio {worst:.2}, {seconds:.2} s");
        }
    }
}

const TINY_RUNS: [(&str, usize); 5] = [("synth", 80), ("odd", 20), ("photo", 80), ("synth", 1203), ("photo", 1203)];

#[test]
fn v1_tiny_equals_the_reference_at_every_stage() {
    check_recording(&fixtures(), "v1-tiny", &TINY_RUNS);
}

#[test]
fn v2_tiny_equals_the_reference_at_every_stage() {
    check_recording(&fixtures(), "v2-tiny", &TINY_RUNS);
}

fn check_full_size(architecture: &str, runs: &[(&str, usize)]) {
    if let Some(folder) = shared("golden/model") {
        check_recording(&folder, architecture, runs);
    }
}

#[test]
fn v1_m_equals_the_reference_at_every_stage() {
    check_full_size("v1-M", &[("synth", 80), ("odd", 20), ("synth", 1203)]);
}

#[test]
fn v2_m_equals_the_reference_at_every_stage() {
    check_full_size("v2-M", &[("synth", 80), ("odd", 20)]);
}

#[test]
fn v1_l_equals_the_reference_at_every_stage() {
    check_full_size("v1-L", &[("synth", 80), ("odd", 20)]);
}

#[test]
fn v2_l_equals_the_reference_at_every_stage() {
    check_full_size("v2-L", &[("photo", 80), ("odd", 20)]);
}

#[test]
fn inputs_equal_the_recorded_ones_bit_for_bit() {
    let golden = Golden::open(&fixtures(), "v1-tiny");
    for name in ["synth", "odd", "photo"] {
        let Some(image) = input(name) else { continue };
        let key = format!("{name}/input");
        let different = golden.recorded(&key, &image.data()).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        assert_eq!(different, 0, "{name}");
    }
}

/// Gates that pass anything would be worthless: each of these slips must fail them, on every engine.
#[test]
fn the_gate_notices_small_slips() {
    let golden = Golden::open(&fixtures(), "v1-tiny");
    let image = input("synth").expect("a synthetic input");
    let slips: [fn(&mut GeneratedWeights); 3] = [
        |weights| scale(weights, "backbone.image_model.stem.bn.running_var", 1.0001),
        |weights| scale(weights, "neck.text_enhancer.proj.bias", 1.001),
        |weights| scale(weights, "bbox_head.head_module.cls_contrasts.1.logit_scale", 1.0001),
    ];
    for (slip, stage) in slips.into_iter().zip(["bb.stem", "neck.text", "head.logit1"]) {
        let mut weights = tiny_weights("v1-tiny");
        slip(&mut weights);
        for engine in Engine::ON_CPU {
            let model = load_on(engine, &weights);
            let path = module(stage);
            let (_, trace) = model.trace(&image, &texts(&model, 80), &[&path]).expect("the network runs");
            let ratio = golden.ratio("synth", stage, 80, &trace[&path].data);
            assert!(ratio > GATE, "{stage} {}: {ratio:.2}", engine.name());
        }
    }
}
