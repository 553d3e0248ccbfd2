//! Each kernel's rate in floating-point operations, to be read as a share of `peak`.
//!
//! Operations are those of the direct algorithm, so that Winograd's share may exceed 100 %.

use std::hint::black_box;
use std::time::Duration;

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use zoobench::kernels::{
    best_scores, contrast, lane_map, multiply_adds, Convolution, ConvolutionSpec, Guide, InstructionSet, Maps,
    MapsShape, Scratch, View, LANES,
};

/// Channels in, channels out, side of the output, kernel, stride, whether by Winograd's algorithm.
const CONVOLUTIONS: [(usize, usize, usize, usize, usize, bool); 7] = [
    (64, 64, 160, 3, 1, false),
    (64, 64, 160, 3, 1, true),
    (256, 256, 40, 3, 1, false),
    (256, 256, 40, 3, 1, true),
    (256, 256, 80, 1, 1, false),
    (512, 512, 20, 1, 1, false),
    (128, 256, 80, 3, 2, false),
];

fn maps(channels: usize, height: usize, width: usize) -> Maps {
    let mut maps = Maps::new(MapsShape { blocks: channels / LANES, height, width, border: 1 });
    (0..channels).for_each(|lane| maps.write_channel(lane, &vec![0.5; height * width]));
    maps
}

fn whole(maps: usize, channels: usize) -> View {
    View { maps, block: 0, blocks: channels / LANES }
}

fn peak(c: &mut Criterion, set: InstructionSet) {
    let rounds = 1 << 16;
    let mut group = c.benchmark_group(set.name());
    group.throughput(Throughput::Elements(multiply_adds(set, rounds).1));
    group.bench_function("peak", |b| b.iter(|| multiply_adds(set, black_box(rounds))));
}

fn convolutions(c: &mut Criterion, set: InstructionSet) {
    let mut group = c.benchmark_group(set.name());
    for (ins, outs, side, kernel, stride, winograd) in CONVOLUTIONS {
        let [input, output] = [ins, outs].map(|channels| lane_map(&[channels]));
        let (weights, bias) = (vec![0.01; ins * outs * kernel * kernel], vec![0.1; outs]);
        let spec = ConvolutionSpec {
            weights: &weights,
            bias: &bias,
            kernel,
            stride,
            silu: true,
            input: &input,
            output: &output,
        };
        let convolution = Convolution::new(&spec, set, winograd);
        let mut all = [maps(ins, side * stride, side * stride), maps(outs, side, side)];
        let mut scratch = Scratch::default();
        group.throughput(Throughput::Elements((2 * ins * outs * side * side * kernel * kernel) as u64));
        let how = if winograd { "winograd" } else { "direct" };
        group.bench_function(format!("{kernel}x{kernel} s{stride} {ins}-{outs} {side}x{side} {how}"), |b| {
            b.iter(|| convolution.run(&mut all, &mut scratch, whole(0, ins), whole(1, outs), None, false));
        });
    }
}

fn texts(c: &mut Criterion, set: InstructionSet) {
    let (classes, channels, side) = (1203, 512, 40);
    let mut group = c.benchmark_group(set.name());
    let guide = Guide::new(set, classes, 2, |class, lane| (class + lane) as f32 * 1e-3);
    let mut head = [maps(2 * LANES, side, side)];
    group.throughput(Throughput::Elements((2 * classes * 2 * LANES * side * side) as u64));
    group.bench_function("best score", |b| b.iter(|| best_scores(&mut head, whole(0, 2 * LANES), &guide, false)));
    let mut rows = [maps(channels, 1, classes)];
    group.throughput(Throughput::Elements((2 * classes * channels * side * side) as u64));
    let embedding = vec![0.1; channels * side * side];
    let value = |lane: usize, position: usize| embedding[lane * side * side + position];
    group.bench_function("contrast", |b| {
        b.iter(|| contrast(set, &mut rows, whole(0, channels), side * side, value, 0.0, false));
    });
}

fn kernels(c: &mut Criterion) {
    for set in InstructionSet::available() {
        peak(c, set);
        convolutions(c, set);
        texts(c, set);
    }
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(500));
    targets = kernels
}
criterion_main!(all);
