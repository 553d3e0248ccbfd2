//! The network in bfloat16 beside itself in float32.

use zoobench::kernels::InstructionSet;
use zoobench::model::network::Graph;
use zoobench::model::plan::{Arithmetic, Plan};
use zoobench::model::{Engine, Execution, HeadOutput, Model, Precision};

use super::common::shared;
use super::inputs::input;
use super::params::GeneratedWeights;
use super::{load_on, texts, tiny_weights};

/// Everything that leaves the network, by name.
fn outputs(output: &HeadOutput) -> Vec<(String, Vec<f32>)> {
    let of_level = output.levels.iter().flat_map(|level| {
        let named = |name: &str, values: &[f32]| (format!("{name} at stride {}", level.stride), values.to_vec());
        [
            named("logits", &level.logits),
            named("distances", &level.distances),
            named("coefficients", &level.coefficients),
        ]
    });
    of_level.chain([("prototypes".to_owned(), output.prototypes.clone())]).collect()
}

/// How far apart values are, as a share of their size.
fn apart(values: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(values.len(), expected.len());
    let squares = |of: &mut dyn Iterator<Item = f64>| of.map(|value| value * value).sum::<f64>();
    let differences = squares(&mut values.iter().zip(expected).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    (differences / squares(&mut expected.iter().map(|value| f64::from(*value)))).sqrt()
}

/// How far each output in bfloat16, with Winograd's algorithm and without, is from float32 on an instruction set.
fn apart_by_output(weights: &GeneratedWeights, set: InstructionSet) -> Vec<(String, [f64; 2])> {
    let reference = load_on(Engine::FastExact, weights);
    let (image, texts) = (input("odd").expect("a synthetic input"), texts(&reference, 20));
    let expected = outputs(&reference.forward(&image, &texts).expect("the network runs")[0]);
    let [winograd, direct] = [true, false].map(|winograd| {
        let arithmetic = Arithmetic { winograd, bf16: true };
        let plan = Plan::lower_for(Graph::new(reference.architecture()), weights.clone(), arithmetic, set);
        outputs(&plan.expect("the weights are complete").forward(&image, &texts)[0])
    });
    let found = winograd.iter().zip(&direct).zip(expected);
    found.map(|((a, b), (name, expected))| (name, [a, b].map(|(_, values)| apart(values, &expected)))).collect()
}

/// Generated weights make much of little differences, and more of them with each layer: the deepest outputs, those of
/// the largest stride, are furthest apart. (Trained weights do not; `reports/bf16-2026-11-27` has their AP.)
#[test]
fn bf16_is_near_f32_on_every_instruction_set() {
    for (architecture, set) in ["v1-tiny", "v2-tiny"]
        .into_iter()
        .flat_map(|name| InstructionSet::available().into_iter().map(move |set| (name, set)))
    {
        for (name, apart) in apart_by_output(&tiny_weights(architecture), set) {
            let bound = match name.split_once(' ') {
                Some(("logits", _)) => 0.075,
                Some(("distances", _)) => 0.1,
                _ => 0.3,
            };
            // Float32 is a hundred times nearer to itself.
            let is_near = apart.iter().all(|apart| (1e-4..=bound).contains(apart));
            assert!(is_near, "{architecture} {name} on {}: {apart:?}", set.name());
        }
    }
}

/// What the transforms round adds little to what rounding costs anyway: at most half as much again.
#[test]
fn winograd_in_bf16_is_nearly_as_near_as_without_at_full_size() {
    let Some(folder) = shared("golden/model") else { return };
    for (name, [winograd, direct]) in
        apart_by_output(&GeneratedWeights::open(&folder, "v1-L"), InstructionSet::detect())
    {
        assert!(winograd <= 1.5 * direct && direct < 1.0, "{name}: {winograd:.2e} against {direct:.2e}");
    }
}

#[test]
fn bf16_does_not_depend_on_the_number_of_threads() {
    for engine in [Engine::Fast, Engine::FastExact] {
        let execution = Execution { precision: Precision::Bf16, ..Execution::from(engine) };
        let model = Model::load(&tiny_weights("v1-tiny"), execution).expect("generated weights are complete");
        let (image, texts) = (input("odd").expect("a synthetic input"), texts(&model, 30));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made");
            pool.install(|| model.forward(&image, &texts)).expect("the network runs")
        };
        assert_eq!(run(1), run(3));
    }
}
