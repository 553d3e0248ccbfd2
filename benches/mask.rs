//! Speed of the mask room on masks like LVIS's: `cargo bench --bench mask --no-default-features`.

use std::hint::black_box;

use criterion::{criterion_group, criterion_main, BatchSize, Criterion};
use zoobench::mask::{boundary_width, iou, Boundaries, Rasterizer, Rle};

const HEIGHT: u32 = 480;
const WIDTH: u32 = 640;

/// A wavy outline of 29 vertices, LVIS's mean, around a point.
fn outline(x: f64, y: f64, radius: f64) -> Vec<f64> {
    let vertex = |index: i32| {
        let angle = f64::from(index) / 29.0 * std::f64::consts::TAU;
        let reach = radius * (1.0 + 0.2 * (5.0 * angle).sin());
        [x + reach * angle.cos(), y + reach * angle.sin()]
    };
    (0..29).flat_map(vertex).collect()
}

fn mask(x: f64, y: f64, radius: f64) -> Rle {
    Rle::from_polygons(HEIGHT, WIDTH, &[outline(x, y, radius)]).expect("the outline is finite")
}

fn strings(criterion: &mut Criterion) {
    let mask = mask(320.0, 240.0, 60.0);
    let text = mask.to_string();
    criterion.bench_function("decode string", |bencher| {
        let memory = || Vec::with_capacity(1024);
        bencher.iter_batched(
            memory,
            |counts| Rle::from_string_in(HEIGHT, WIDTH, black_box(text.as_bytes()), counts),
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("encode string", |bencher| bencher.iter(|| black_box(&mask).to_string()));
}

fn bitmaps(criterion: &mut Criterion) {
    let bitmap = mask(320.0, 240.0, 60.0).to_row_major();
    criterion.bench_function("encode row-major bitmap", |bencher| {
        bencher.iter(|| Rle::from_row_major(HEIGHT, WIDTH, black_box(&bitmap)));
    });
}

fn polygons(criterion: &mut Criterion) {
    let mut rasterizer = Rasterizer::default();
    for (name, radius) in [("draw small polygon", 15.0), ("draw large polygon", 120.0)] {
        let parts = [outline(320.0, 240.0, radius)];
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| rasterizer.union(HEIGHT, WIDTH, black_box(&parts)));
        });
    }
}

fn overlaps(criterion: &mut Criterion) {
    let dt = mask(320.0, 240.0, 60.0);
    for (name, x) in [("IoU of overlapping masks", 340.0), ("IoU of disjoint masks", 560.0)] {
        let gt = mask(x, 240.0, 60.0);
        criterion.bench_function(name, |bencher| bencher.iter(|| iou(black_box(&dt), black_box(&gt))));
    }
}

/// The boundary of Boundary IoU; beside it the bitmap alone that an erosion by pixels would begin with.
fn boundaries(criterion: &mut Criterion) {
    let mut boundaries = Boundaries::default();
    let width = boundary_width(HEIGHT, WIDTH);
    for (name, radius) in [("boundary of a small mask", 15.0), ("boundary of a large mask", 120.0)] {
        let mask = mask(320.0, 240.0, radius);
        criterion.bench_function(name, |bencher| bencher.iter(|| boundaries.boundary(black_box(&mask), width)));
    }
    let mask = mask(320.0, 240.0, 120.0);
    criterion.bench_function("bitmap of a large mask", |bencher| bencher.iter(|| black_box(&mask).to_column_major()));
}

criterion_group!(benches, strings, bitmaps, polygons, overlaps, boundaries);
criterion_main!(benches);
