//! From a decoded image to the network's input, at the sizes COCO has and at larger ones.

use criterion::{criterion_group, criterion_main, Criterion};
use std::hint::black_box;
use zoobench::dataset::RgbView;
use zoobench::model::{letterbox_chw, letterbox_rgb, Letterbox};

/// Height, width, and which resizer that takes.
const SIZES: [(u32, u32, &str); 6] = [
    (427, 640, "copy"),
    (375, 500, "linear"),
    (1280, 1280, "area of 2x2"),
    (1920, 1920, "area of 3x3"),
    (556, 800, "area of parts"),
    (3000, 4000, "area of parts, 12 MP"),
];

/// Bytes without a pattern that a resizer could profit from.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..count).map(next).collect()
}

fn resize(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("letterbox_rgb");
    for (height, width, resizer) in SIZES {
        let rgb = noise(height as usize * width as usize * 3);
        let image = RgbView { height, width, rgb: &rgb };
        let mut out = vec![0; Letterbox::VALUES];
        group.bench_function(format!("{height}x{width} {resizer}"), |bencher| {
            bencher.iter(|| letterbox_rgb(black_box(image), &mut out));
        });
    }
    group.finish();
}

fn planes(criterion: &mut Criterion) {
    let rgb = noise(427 * 640 * 3);
    let image = RgbView { height: 427, width: 640, rgb: &rgb };
    let mut out = vec![0.0; Letterbox::VALUES];
    criterion.bench_function("letterbox_chw 427x640", |bencher| {
        bencher.iter(|| letterbox_chw(black_box(image), &mut out));
    });
}

criterion_group!(benches, resize, planes);
criterion_main!(benches);
