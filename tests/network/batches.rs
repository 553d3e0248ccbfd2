//! Batches, threads, and the form of outputs.

use zoobench::kernels::Wanted;
use zoobench::model::engine::Traced;
use zoobench::model::{letterbox_rgb, Engine, HeadOutput, InputBatch, Letterbox, Weights};

use super::inputs::{input, synthetic};
use super::{assert_close, load, load_on, scale, texts, tiny_weights};

#[test]
fn a_batch_gives_what_its_images_give_alone() {
    let model = load(&tiny_weights("v1-tiny"));
    let texts = texts(&model, 20);
    let images = ["synth", "odd"].map(|name| input(name).expect("a synthetic input"));
    let both = images.iter().flat_map(|image| image.data().into_owned()).collect();
    let both = model.forward(&InputBatch::new(2, both).expect("two images"), &texts).expect("the network runs");
    for (image, together) in images.iter().zip(both) {
        let alone = model.forward(image, &texts).expect("the network runs").remove(0);
        assert_close(&alone.prototypes, &together.prototypes);
        for (alone, together) in alone.levels.iter().zip(&together.levels) {
            assert_eq!((alone.stride, alone.height, alone.width), (together.stride, together.height, together.width));
            assert_close(&alone.logits, &together.logits);
            assert_close(&alone.distances, &together.distances);
            assert_close(&alone.coefficients, &together.coefficients);
        }
    }
}

#[test]
fn bytes_are_read_as_the_planes_they_stand_for() {
    let image = synthetic(427, 640, 2);
    let mut pixels = vec![0; Letterbox::VALUES];
    letterbox_rgb(image.view(), &mut pixels).expect("the recorded inputs fit");
    let pixels = InputBatch::of_pixels(1, pixels).expect("one image");
    let planes = input("odd").expect("a synthetic input");
    assert_eq!(pixels.data(), planes.data());
    for engine in Engine::ON_CPU {
        let model = load_on(engine, &tiny_weights("v1-tiny"));
        let texts = texts(&model, 20);
        let [a, b] = [&pixels, &planes].map(|batch| model.forward(batch, &texts).expect("the network runs"));
        assert!(a == b, "{}", engine.name());
    }
}

#[test]
fn one_model_serves_many_threads() {
    let model = load(&tiny_weights("v2-tiny"));
    let texts = texts(&model, 3);
    let image = input("odd").expect("a synthetic input");
    let expected = model.forward(&image, &texts).expect("the network runs");
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..3).map(|_| scope.spawn(|| model.forward(&image, &texts))).collect();
        for run in runs {
            let outputs = run.join().expect("the thread ran").expect("the network runs");
            assert_eq!(outputs, expected);
        }
    });
}

#[test]
fn outputs_have_the_documented_shapes() {
    let model = load(&tiny_weights("v2-tiny"));
    let image = input("odd").expect("a synthetic input");
    let output = model.forward(&image, &texts(&model, 1)).expect("the network runs").remove(0);
    assert_eq!(output.classes, 1);
    assert_eq!((output.prototype_height, output.prototype_width, output.prototypes.len()), (160, 160, 32 * 160 * 160));
    let sides: Vec<_> = output.levels.iter().map(|level| (level.stride, level.height, level.width)).collect();
    assert_eq!(sides, [(8, 80, 80), (16, 40, 40), (32, 20, 20)]);
    for level in &output.levels {
        let positions = level.height * level.width;
        assert_eq!(level.logits.len(), positions);
        assert_eq!(level.distances.len(), 4 * positions);
        assert_eq!(level.coefficients.len(), 32 * positions);
    }
}

#[test]
fn outputs_do_not_depend_on_the_number_of_threads() {
    let model = load(&tiny_weights("v1-tiny"));
    let texts = texts(&model, 30);
    let image = input("odd").expect("a synthetic input");
    let run = |threads| -> Vec<HeadOutput> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made");
        pool.install(|| model.forward(&image, &texts)).expect("the network runs")
    };
    assert_eq!(run(1), run(3));
}

/// A trace says what shape its values have.
#[test]
fn traces_carry_their_shape() {
    let model = load(&tiny_weights("v1-tiny"));
    let image = input("synth").expect("a synthetic input");
    let stages = ["backbone.image_model.stem", "neck.text_enhancer"];
    let (_, trace) = model.trace(&image, &texts(&model, 4), &stages).expect("the network runs");
    let shape = |stage: &str| trace.get(stage).map(|Traced { shape, .. }| shape.clone());
    assert_eq!(shape("backbone.image_model.stem"), Some(vec![1, 8, 320, 320]));
    assert_eq!(shape("neck.text_enhancer"), Some(vec![1, 4, 16]));
}

/// What no map holds, since a convolution does without an upsampling, is seen all the same.
#[test]
fn traces_see_upsamplings_that_are_left_to_convolutions() {
    let (image, neck) = (input("odd").expect("a synthetic input"), "neck.upsample_layers");
    let neck = [0, 1].map(|level| [format!("{neck}.{level}"), format!("neck.top_down_layers.{level}.input")]);
    let stages: Vec<&str> = neck.as_flattened().iter().map(String::as_str).collect();
    let stages = [stages, vec!["bbox_head.head_module.proto_pred.upsample"]].concat();
    for weights in ["v1-tiny", "v2-tiny"].map(tiny_weights) {
        let [expected, found] = [Engine::Candle, Engine::Fast].map(|engine| {
            let model = load_on(engine, &weights);
            model.trace(&image, &texts(&model, 4), &stages).expect("the network runs").1
        });
        for stage in &stages {
            assert_eq!(found[*stage].shape, expected[*stage].shape, "{stage}");
            assert_close(&found[*stage].data, &expected[*stage].data);
        }
    }
}

/// A few wanted logits are the best of all, whatever else is kept beside them, at any number of threads.
#[test]
fn the_wanted_logits_are_the_best_of_all() {
    let model = load(&tiny_weights("v2-tiny"));
    let (batch, texts) = (input("odd").expect("a synthetic input"), texts(&model, 40));
    let all = model.forward(&batch, &texts).expect("the network runs").remove(0).into_sparse(f32::MIN).pairs;
    let mut logits: Vec<f32> = all.iter().map(|pair| pair.logit).collect();
    logits.sort_unstable_by(|a, b| b.total_cmp(a));
    let floor = logits[logits.len() / 2];
    for most in [1, 100, logits.len()] {
        let wanted = Wanted { floor, most, margin: 1e-3, flat: 8.0 };
        let above = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be made");
            let forward = || model.forward_above(&batch, &texts, wanted).expect("the network runs");
            pool.install(forward).remove(0)
        };
        let sparse = above(1);
        assert_eq!(above(2), sparse);
        assert_eq!(sparse.most, if most < logits.len() / 2 { most } else { usize::MAX });
        let least = sparse.pairs.iter().map(|pair| pair.logit).fold(f32::MAX, f32::min);
        assert!(least <= logits[(most - 1).min(logits.len() / 2)], "{least}");
        let expected: Vec<_> = all.iter().filter(|pair| pair.logit >= least).collect();
        assert_eq!(sparse.pairs.len(), expected.len());
        assert!(expected.iter().all(|pair| sparse.pairs.contains(pair)));
        assert!(most > 100 || sparse.pairs.len() < logits.len() / 4, "{most}: {}", sparse.pairs.len());
    }
}

/// A position whose box is no number is no candidate: then every logit above the floor is kept, since the best of all
/// would be too few.
#[test]
fn nothing_is_crowded_out_by_positions_without_a_box() {
    let mut weights = tiny_weights("v2-tiny");
    let name = "bbox_head.head_module.reg_preds.0.2.weight";
    let largest =
        weights.f32(name).expect("the tensor exists").into_iter().fold(0.0f32, |most, value| value.abs().max(most));
    // As large as can be, in two steps: one factor would be infinite.
    scale(&mut weights, name, 1.0 / largest);
    scale(&mut weights, name, 3e38);
    let model = load(&weights);
    let (batch, texts) = (input("odd").expect("a synthetic input"), texts(&model, 4));
    let wanted = Wanted { floor: -1e3, most: 1, margin: 1e-3, flat: 8.0 };
    let sparse = model.forward_above(&batch, &texts, wanted).expect("the network runs").remove(0);
    assert!(sparse.head.levels[0].distances.iter().any(|distance| !distance.is_finite()));
    assert_eq!((sparse.most, sparse.pairs.len()), (usize::MAX, 4 * 8400));
}
