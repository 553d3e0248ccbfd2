//! Post-processing: suppression, masks computed in the box's window and at full size, and the whole.

#[path = "../tests/detection/inputs.rs"]
mod inputs;

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, Criterion};
use zoobench::detection::masks::{Coefficients, Masks, Scratch};
use zoobench::detection::nms::suppress;
use zoobench::detection::{detect, Settings};
use zoobench::model::{HeadOutput, Letterbox};

/// Random head outputs with about 1.6 million candidates among 1203 classes.
fn crowded(classes: usize) -> HeadOutput {
    inputs::generated("D", classes, [-60.0, 3.0], 12.0, None)
}

fn letterbox(height: u32, width: u32) -> Letterbox {
    let side = height.max(width);
    let padding = |pixels: u32| 640 - pixels * 640 / side;
    let (rows, columns) = (padding(height), padding(width));
    Letterbox { height, width, top: rows / 2, bottom: rows - rows / 2, left: columns / 2, right: columns - columns / 2 }
}

fn suppression(criterion: &mut Criterion) {
    let bbox = |index: usize| {
        let (x, y) = ((index * 7919 % 6007) as f32 / 10.0, (index * 104_729 % 6011) as f32 / 10.0);
        [x, y, x + 40.0 + (index % 97) as f32, y + 40.0 + (index % 89) as f32]
    };
    let mut group = criterion.benchmark_group("suppression");
    for count in [9_999, 30_000] {
        let boxes: Vec<_> = (0..count).map(bbox).collect();
        let labels: Vec<_> = (0..count).map(|index| (index * 31 % 1203) as u32).collect();
        group.bench_function(format!("first 300 of {count}"), |bencher| {
            bencher.iter(|| suppress(black_box(&boxes), &labels, 0.7, 300));
        });
    }
    group.finish();
}

/// Boxes of detections in pixels of the square input, each with some position's coefficients.
fn objects(output: &HeadOutput) -> Vec<(Coefficients, [f32; 4])> {
    let found = detect(output, &letterbox(640, 640), &Settings::default());
    let level = &output.levels[0];
    let coefficients =
        |index| std::array::from_fn(|channel| level.coefficients[channel * level.height * level.width + index]);
    found.iter().enumerate().map(|(index, detection)| (coefficients(index), detection.bbox)).collect()
}

fn masks(criterion: &mut Criterion) {
    let output = crowded(80);
    let objects = objects(&output);
    for (name, letterbox) in
        [("480 x 640", letterbox(480, 640)), ("427 x 640", letterbox(427, 640)), ("333 x 500", letterbox(333, 500))]
    {
        let masks = Masks::new(&output, &letterbox, 0.5);
        let mut scratch = Scratch::default();
        let mut group = criterion.benchmark_group(format!("{} masks of {name}", objects.len()));
        group.sample_size(10);
        group.bench_function("windowed", |bencher| {
            bencher.iter(|| {
                objects
                    .iter()
                    .map(|(coefficients, bbox)| masks.windowed(coefficients, *bbox, &mut scratch).area())
                    .sum::<u32>()
            });
        });
        group.bench_function("full size", |bencher| {
            bencher.iter(|| {
                objects.iter().map(|(coefficients, bbox)| masks.full_size(coefficients, *bbox).area()).sum::<u32>()
            });
        });
        group.finish();
    }
}

fn whole(criterion: &mut Criterion) {
    let letterbox = letterbox(480, 640);
    let mut group = criterion.benchmark_group("detect");
    group.sample_size(20);
    for classes in [80, 1203] {
        let output = crowded(classes);
        group.bench_function(format!("{classes} classes"), |bencher| {
            bencher.iter(|| detect(black_box(&output), &letterbox, &Settings::default()));
        });
    }
    group.finish();
}

criterion_group!(benches, suppression, masks, whole);
criterion_main!(benches);
