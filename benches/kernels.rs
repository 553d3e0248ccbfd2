//! Each kernel's rate at this network's layer shapes, in floating-point operations a second of one
//! core, as a share of what the machine's multiply-adds reach at most:
//! `cargo bench --no-default-features --bench kernels -- [portable|avx2|avx512] [L|M]`.
//!
//! Operations are those of the direct algorithm, so that Winograd's share may exceed 100 %, and the peak is that of
//! float32, so that bfloat16's may as well: it is shown where the machine has the instructions. Time is
//! the thread's CPU time as Linux accounts it (elsewhere the clock's), and the peak is measured
//! beside each kernel: on a machine that is shared both suffer alike. The least of several rounds
//! counts. Criterion, which knows the clock only, would measure the neighbours.

use std::hint::black_box;
use std::time::Instant;

use zoobench::kernels::{
    best_scores, class_scores_above, lane_map, multiply_adds, ClassVectors, Convolution, ConvolutionSpec, Guide,
    InstructionSet, Maps, MapsShape, Operands, RisingFloor, Scratch, View, Wanted, LANES,
};

/// Layers of one shape: channels in, channels out, side of the output, kernel, stride, how many of
/// them the network (v1) has.
type Layers = (usize, usize, usize, usize, usize, usize);

const L: &[Layers] = &[
    (3, 64, 320, 3, 2, 1),
    (64, 128, 160, 3, 2, 1),
    (128, 256, 80, 3, 2, 1),
    (256, 256, 40, 3, 2, 1),
    (256, 512, 40, 3, 2, 1),
    (512, 512, 20, 3, 2, 2),
    (64, 64, 160, 3, 1, 6),
    (256, 256, 160, 3, 1, 1),
    (128, 128, 80, 3, 1, 19),
    (256, 256, 80, 3, 1, 3),
    (256, 64, 80, 3, 1, 2),
    (64, 64, 80, 3, 1, 2),
    (256, 256, 40, 3, 1, 27),
    (512, 256, 40, 3, 1, 1),
    (512, 64, 40, 3, 1, 2),
    (256, 256, 20, 3, 1, 14),
    (512, 256, 20, 3, 1, 1),
    (512, 64, 20, 3, 1, 2),
    (128, 128, 160, 1, 1, 1),
    (320, 128, 160, 1, 1, 1),
    (256, 32, 160, 1, 1, 1),
    (256, 256, 80, 1, 1, 2),
    (1024, 256, 80, 1, 1, 1),
    (768, 256, 80, 1, 1, 2),
    (256, 512, 80, 1, 1, 1),
    (2048, 512, 40, 1, 1, 1),
    (1024, 512, 40, 1, 1, 1),
    (1536, 512, 40, 1, 1, 2),
    (768, 512, 40, 1, 1, 1),
    (1280, 512, 20, 1, 1, 1),
    (1536, 512, 20, 1, 1, 1),
    (512, 512, 20, 1, 1, 1),
];

const M: &[Layers] = &[
    (3, 48, 320, 3, 2, 1),
    (48, 96, 160, 3, 2, 1),
    (96, 192, 80, 3, 2, 1),
    (192, 384, 40, 3, 2, 1),
    (384, 576, 20, 3, 2, 1),
    (48, 48, 160, 3, 1, 4),
    (256, 256, 160, 3, 1, 1),
    (96, 96, 80, 3, 1, 13),
    (192, 192, 80, 3, 1, 2),
    (192, 192, 40, 3, 1, 18),
    (384, 192, 40, 3, 1, 1),
    (288, 288, 20, 3, 1, 9),
    (576, 192, 20, 3, 1, 1),
    (192, 192, 80, 1, 1, 1),
    (576, 192, 80, 1, 1, 2),
    (960, 384, 40, 1, 1, 2),
    (1152, 576, 20, 1, 1, 2),
];

/// The layer of both whose input is doubled on the way, where minimal filtering is allowed.
const DOUBLED: Layers = (256, 256, 160, 3, 1, 1);

/// Rounds of which the fastest counts.
const ROUNDS: usize = 5;
/// A round lasts so long at least.
const SECONDS: f64 = 0.02;

/// CPU seconds of this thread.
fn seconds(start: Instant) -> f64 {
    let accounted = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = accounted.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds * 1e-9)
}

/// Seconds of one call: the least of several rounds.
fn time(mut call: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut round = || {
        let (before, mut calls) = (seconds(start), 0);
        loop {
            call();
            calls += 1;
            let taken = seconds(start) - before;
            if taken >= SECONDS {
                return taken / f64::from(calls);
            }
        }
    };
    (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min)
}

/// Operations a second that multiply-adds in registers reach.
fn peak(set: InstructionSet) -> f64 {
    let rounds = 1 << 16;
    let operations = multiply_adds(set, rounds).1 as f64;
    let chains = || {
        black_box(multiply_adds(set, black_box(rounds)));
    };
    operations / time(chains)
}

fn maps(channels: usize, height: usize, width: usize) -> Maps {
    let lanes = channels.div_ceil(LANES) * LANES;
    let mut maps = Maps::new(MapsShape { blocks: lanes / LANES, height, width, border: 1 });
    (0..channels).for_each(|lane| maps.write_channel(lane, &vec![0.5; height * width]));
    maps
}

fn whole(maps: usize, channels: usize) -> View {
    View { maps, block: 0, blocks: channels.div_ceil(LANES) }
}

/// Packs a convolution, of float32 or of bfloat16.
type New = fn(&ConvolutionSpec<'_>, InstructionSet, bool) -> Convolution;

/// Seconds of one convolution.
fn convolution(set: InstructionSet, layer: Layers, winograd: bool, doubled: bool, new: New) -> f64 {
    let (ins, outs, side, kernel, stride, _) = layer;
    let [input, output] = [ins, outs].map(|channels| lane_map(&[channels]));
    let (weights, bias) = (vec![0.01; ins * outs * kernel * kernel], vec![0.1; outs]);
    let spec = ConvolutionSpec {
        weights: &weights,
        bias: &bias,
        kernel,
        stride,
        doubled,
        silu: true,
        input: &input,
        output: &output,
    };
    let convolution = new(&spec, set, winograd);
    let from = if doubled { side / 2 } else { side * stride };
    let mut all = [maps(ins, from, from), maps(outs, side, side)];
    let mut scratch = Scratch::default();
    time(|| convolution.run(&mut all, &mut scratch, Operands::new(whole(0, ins), whole(1, outs)), false))
}

/// Sums over the layers of a network.
#[derive(Default)]
struct Total {
    operations: f64,
    seconds: f64,
    /// What the peak would take.
    at_peak: f64,
}

impl Total {
    fn add(&mut self, count: usize, operations: f64, seconds: f64, peak: f64) {
        self.operations += count as f64 * operations;
        self.seconds += count as f64 * seconds;
        self.at_peak += count as f64 * operations / peak;
    }
}

fn row(name: &str, count: usize, operations: f64, seconds: f64, peak: f64) {
    let rate = operations / seconds;
    println!(
        "| {name} | {count} | {:.2} | {:.2} | {:.1} | {:.1} | {:.0} % |",
        operations * 1e-9,
        seconds * 1e3,
        rate * 1e-9,
        peak * 1e-9,
        100.0 * rate / peak
    );
}

/// Whether kernels of bfloat16 are shown.
#[cfg(target_arch = "x86_64")]
fn has_bf16(set: InstructionSet) -> bool {
    set == InstructionSet::Avx512 && is_x86_feature_detected!("avx512bf16")
}

#[cfg(not(target_arch = "x86_64"))]
fn has_bf16(_: InstructionSet) -> bool {
    false
}

fn convolutions(set: InstructionSet, layers: &[Layers]) {
    let [mut squares, mut direct, mut best] = [(); 3].map(|()| Total::default());
    let [mut direct_bf16, mut best_bf16] = [(); 2].map(|()| Total::default());
    let has_bf16 = has_bf16(set);
    for &layer in layers {
        let (ins, outs, side, kernel, stride, count) = layer;
        let operations = (2 * ins * outs * side * side * kernel * kernel) as f64;
        let name = format!("{kernel}x{kernel} s{stride} {ins}-{outs} {side}x{side}");
        let peak = peak(set);
        let is_square = kernel == 3 && stride == 1;
        let measure_from = |name: String, winograd: bool, doubled: bool, new: New, totals: &mut [&mut Total]| {
            let seconds = convolution(set, layer, winograd, doubled, new);
            row(&name, count, operations, seconds, peak);
            totals.iter_mut().for_each(|total| total.add(count, operations, seconds, peak));
        };
        let measure = |name: String, winograd: bool, new: New, totals: &mut [&mut Total]| {
            measure_from(name, winograd, false, new, totals);
        };
        let direct_too: &mut [&mut Total] = &mut [&mut direct, &mut best];
        let only = if is_square { 1 } else { 2 };
        // The plan has the faster row.
        let used = if layer == DOUBLED { 1 } else { 2 };
        measure(format!("{name} direct"), false, Convolution::new, &mut direct_too[..only]);
        if is_square {
            let squares_too: &mut [&mut Total] = &mut [&mut squares, &mut best];
            measure(format!("{name} winograd"), true, Convolution::new, &mut squares_too[..used]);
        }
        if layer == DOUBLED {
            measure_from(format!("{name} doubled winograd"), true, true, Convolution::new, &mut [&mut best]);
        }
        if has_bf16 {
            let direct_too: &mut [&mut Total] = &mut [&mut direct_bf16, &mut best_bf16];
            measure(format!("{name} direct bf16"), false, Convolution::bf16, &mut direct_too[..only]);
        }
        if has_bf16 && is_square {
            let best_too: &mut [&mut Total] = &mut [&mut best_bf16];
            measure(format!("{name} winograd bf16"), true, Convolution::bf16, &mut best_too[..used - 1]);
        }
        if has_bf16 && layer == DOUBLED {
            measure_from(format!("{name} doubled winograd bf16"), true, true, Convolution::bf16, &mut [&mut best_bf16]);
        }
    }
    let mut all = vec![("all, direct", direct), ("3x3 s1, winograd", squares), ("all, winograd", best)];
    if has_bf16 {
        all.extend([("all, direct bf16", direct_bf16), ("all, winograd bf16", best_bf16)]);
    }
    for (name, total) in all {
        row(&format!("**{name}**"), 1, total.operations, total.seconds, total.operations / total.at_peak);
    }
}

/// A floor of zero under so many scores.
fn floor(most: usize) -> RisingFloor {
    RisingFloor::new(Wanted { floor: 0.0, most, margin: 1e-3, flat: 8.0 })
}

fn texts(set: InstructionSet) {
    let (classes, channels, side) = (1203, 512, 80);
    let guide = Guide::new(set, classes, 2, |class, lane| (class + lane) as f32 * 1e-3);
    let mut head = [maps(2 * LANES, side, side)];
    let operations = (2 * classes * 2 * LANES * side * side) as f64;
    let seconds = time(|| drop(best_scores(&mut head, whole(0, 2 * LANES), &guide, false)));
    row("best of 1203 classes, 32 channels, 80x80", 4, operations, seconds, peak(set));
    if has_bf16(set) {
        let guide = Guide::bf16(set, classes, 2, |class, lane| (class + lane) as f32 * 1e-3);
        let seconds = time(|| drop(best_scores(&mut head, whole(0, 2 * LANES), &guide, false)));
        row("best of 1203 classes, 32 channels, 80x80 bf16", 4, operations, seconds, peak(set));
    }
    let vectors = ClassVectors::new(set, vec![0.0; classes], channels / LANES, |_, _| -0.1);
    let mut embedding = [maps(channels, side, side)];
    let operations = (2 * classes * channels * side * side) as f64;
    let above = |vectors: &ClassVectors, most: usize, embedding: &mut [Maps; 1]| {
        time(|| drop(class_scores_above(embedding, whole(0, channels), vectors, None, &floor(most), false)))
    };
    let seconds = above(&vectors, usize::MAX, &mut embedding);
    row("1203 classes above a floor, 512 channels, 80x80", 1, operations, seconds, peak(set));
    let mut noise = noise();
    (0..channels)
        .for_each(|lane| embedding[0].write_channel(lane, &noise.by_ref().take(side * side).collect::<Vec<_>>()));
    let values: Vec<f32> = noise.take(classes * channels).collect();
    let vectors =
        ClassVectors::new(set, vec![0.0; classes], channels / LANES, |class, lane| values[class * channels + lane]);
    for (name, most) in
        [("half of the scores above a floor", usize::MAX), ("of half of the scores the best 30000", 30_000)]
    {
        let seconds = above(&vectors, most, &mut embedding);
        row(&format!("1203 classes, {name}"), 1, operations, seconds, peak(set));
    }
}

/// Values in -1..1 without a pattern.
fn noise() -> impl Iterator<Item = f32> {
    let step = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    std::iter::successors(Some(1), step).map(|state| (state >> 8) as f32 / (1 << 23) as f32 - 1.0)
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let asked = |name: &str, among: &[&str]| {
        let named: Vec<&String> = arguments.iter().filter(|argument| among.contains(&argument.as_str())).collect();
        named.is_empty() || named.iter().any(|argument| *argument == name)
    };
    for set in InstructionSet::available().into_iter().filter(|set| asked(set.name(), &["portable", "avx2", "avx512"]))
    {
        for (name, layers) in [("L", L), ("M", M)].into_iter().filter(|(name, _)| asked(name, &["L", "M"])) {
            println!("\n{name}, {}\n", set.name());
            println!("| kernel | layers | GFLOP | ms | GFLOP/s | peak | share |\n|---|---:|---:|---:|---:|---:|---:|");
            convolutions(set, layers);
        }
        texts(set);
    }
}
