//! The network lowered onto a GPU's kernels, run by their twins on the processor, against the processor's own plan.

// The other kernels' test needs more of it.
#[allow(dead_code)]
#[path = "gpu/host.rs"]
mod host;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use host::Host;
use zoobench::dataset::decode_image;
use zoobench::kernels::gpu::{
    convolve, Accelerator, Convolution, ConvolutionOutput, ConvolutionScratch, Filter, Format, Pixels, WeightPlaces,
};
use zoobench::model::checkpoint::Checkpoint;
use zoobench::model::device_plan::{DevicePlan, Lowered};
use zoobench::model::network::Graph;
use zoobench::model::plan::{Arithmetic, Plan};
use zoobench::model::{letterbox_rgb, Architecture, HeadOutput, InputBatch, Letterbox, TextEmbeddings};

/// The kernels' program in a format, or nothing where there is no C++ compiler, which is said past the test's own output.
fn program(format: Format) -> Option<PathBuf> {
    static PROGRAMS: Mutex<BTreeMap<&str, Option<PathBuf>>> = Mutex::new(BTreeMap::new());
    let mut programs = PROGRAMS.lock().unwrap_or_else(PoisonError::into_inner);
    let program = programs.entry(format.name()).or_insert_with(|| {
        let folder = tempfile::tempdir().expect("a place for the program").keep();
        let program = host::program(&folder, Some(format));
        if program.is_none() {
            let words = "\n*** SKIPPED: no C++ compiler (c++, or CXX): NOTHING of a GPU's network was tested ***\n";
            std::io::stderr().write_all(words.as_bytes()).expect("standard error");
        }
        program
    });
    program.clone()
}

/// A file of the small trained networks.
fn shapes(name: &str) -> Vec<u8> {
    let archive = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/shapes.zip"));
    let mut archive = zip::ZipArchive::new(archive.expect("a file of the repository")).expect("an archive");
    let mut bytes = Vec::new();
    archive.by_name(name).expect("it is there").read_to_end(&mut bytes).expect("it can be unpacked");
    bytes
}

const V1: &str = "weights/shapes_v1-b0b51c54.pth";
const V2: &str = "weights/shapes_v2-bd8e3ecd.pth";

/// A trained network on the processor, and on the twins of a GPU's kernels.
struct Both {
    cpu: Plan,
    gpu: DevicePlan<Host>,
    text_width: usize,
}

impl Both {
    fn load(file: &str, format: Format) -> Option<Self> {
        let program = program(format)?;
        let checkpoint = Checkpoint::from_bytes(file, shapes(file)).expect("a checkpoint");
        let architecture = Architecture::detect(&checkpoint).expect("an architecture");
        let lowered = Lowered::new(Graph::new(&architecture), &checkpoint, format).expect("there are kernels for it");
        let gpu = DevicePlan::new(Host::start(&program, false, 1 << 16), lowered).expect("the process lives");
        let exact = Arithmetic { winograd: false, bf16: false };
        let cpu = Plan::lower(Graph::new(&architecture), &checkpoint, exact).expect("the weights are complete");
        Some(Self { cpu, gpu, text_width: architecture.text.projection })
    }

    /// Unit rows.
    fn texts(&self, classes: usize, seed: usize) -> TextEmbeddings {
        let width = self.text_width;
        let value = |index: usize| ((index * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0;
        let row = |class: usize| {
            let values: Vec<f32> = (0..width).map(|column| value(class * width + column)).collect();
            let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
            values.into_iter().map(move |value| value / length)
        };
        TextEmbeddings::new(width, (0..classes).flat_map(row).collect()).expect("whole rows")
    }

    fn forward(&mut self, batch: &InputBatch, texts: &TextEmbeddings) -> Vec<HeadOutput> {
        self.gpu.forward(batch, texts).expect("the process lives")
    }

    /// The greatest relative distance of any of the outputs from the processor's.
    fn distance(&mut self, batch: &InputBatch, texts: &TextEmbeddings) -> f64 {
        let (found, expected) = (self.forward(batch, texts), self.cpu.forward(batch, texts));
        assert_eq!(found.len(), expected.len());
        found.iter().zip(&expected).map(|(found, expected)| distance(found, expected)).fold(0.0, f64::max)
    }
}

/// The greatest relative distance, by Euclidean length, of any of an image's outputs.
fn distance(found: &HeadOutput, expected: &HeadOutput) -> f64 {
    let sides = |output: &HeadOutput| {
        let levels = output.levels.iter().map(|level| (level.stride, level.height, level.width));
        (output.classes, output.prototype_height, output.prototype_width, levels.collect::<Vec<_>>())
    };
    assert_eq!(sides(found), sides(expected));
    let levels = found.levels.iter().zip(&expected.levels).flat_map(|(found, expected)| {
        [
            apart(&found.logits, &expected.logits),
            apart(&found.distances, &expected.distances),
            apart(&found.coefficients, &expected.coefficients),
        ]
    });
    levels.chain([apart(&found.prototypes, &expected.prototypes)]).fold(0.0, f64::max)
}

fn apart(found: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(found.len(), expected.len());
    assert!(found.iter().all(|value| value.is_finite()));
    let length =
        |values: &mut dyn Iterator<Item = f32>| values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt();
    let difference = length(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    difference / length(&mut expected.iter().copied())
}

/// Images of the zoo, as bytes.
fn images(numbers: &[usize]) -> InputBatch {
    let mut pixels = vec![0; numbers.len() * Letterbox::VALUES];
    for (number, square) in numbers.iter().zip(pixels.chunks_exact_mut(Letterbox::VALUES)) {
        let name = format!("images/{number:06}.jpg");
        let image = decode_image(&name, &shapes(&name)).expect("an image");
        letterbox_rgb(image.view(), square).expect("it fits");
    }
    InputBatch::of_pixels(numbers.len(), pixels).expect("whole images")
}

#[test]
fn in_float32_the_outputs_are_the_processor_s() {
    for file in [V1, V2] {
        let Some(mut both) = Both::load(file, Format::F32) else { return };
        let (batch, texts) = (images(&[1]), both.texts(24, 1));
        let apart = both.distance(&batch, &texts);
        assert!(apart < 1e-4, "{file}: {apart}");
        // Planes instead of bytes, and other texts, more of them.
        let planes = InputBatch::new(1, batch.data().into_owned()).expect("an image");
        let texts = both.texts(37, 2);
        let apart = both.distance(&planes, &texts);
        assert!(apart < 1e-4, "{file}, other texts: {apart}");
    }
}

#[test]
fn rounded_formats_are_as_far_off_as_they_are_coarse() {
    for (format, least, most) in [(Format::Tf32, 1e-5, 0.01), (Format::F16, 1e-5, 0.01), (Format::Bf16, 1e-4, 0.05)] {
        for file in [V1, V2] {
            let Some(mut both) = Both::load(file, format) else { return };
            let (batch, texts) = (images(&[2]), both.texts(24, 1));
            let apart = both.distance(&batch, &texts);
            assert!(least < apart && apart < most, "{file}, {format:?}: {apart}");
        }
    }
}

#[test]
fn a_batch_gives_what_its_images_give_alone() {
    for (file, format) in [(V1, Format::Bf16), (V2, Format::F16)] {
        let Some(mut both) = Both::load(file, format) else { return };
        let texts = both.texts(9, 3);
        let together = both.forward(&images(&[1, 3]), &texts);
        let alone = [1, 3].map(|number| both.forward(&images(&[number]), &texts).remove(0));
        assert_eq!(together.len(), 2);
        // Sums are of the same numbers in the same order.
        assert!(together[0] == alone[0] && together[1] == alone[1] && alone[0] != alone[1], "{file}");
        let back = both.forward(&images(&[3, 1]), &texts);
        assert!(back[0] == alone[1] && back[1] == alone[0], "{file}");
    }
}

/// Every value that has a name, maps and texts and what is only part of a sum.
#[test]
fn a_trace_sees_what_the_processor_s_sees() {
    for file in [V1, V2] {
        let Some(mut both) = Both::load(file, Format::F32) else { return };
        let (batch, texts) = (images(&[4]), both.texts(5, 4));
        let names: Vec<String> = both.cpu.graph().nodes.iter().map(|node| node.name.clone()).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (_, expected) = both.cpu.trace(&batch, &texts, &names).expect("all stages are there");
        let graph = both.gpu.graph();
        let wanted = names.iter().map(|&name| (graph.find(name).expect("it is there"), vec![name])).collect();
        let (outputs, found) = both.gpu.trace(&batch, &texts, &wanted).expect("the process lives");
        assert!(found.len() == names.len() && expected.len() == names.len());
        for (name, expected) in &expected {
            assert_eq!(found[name].shape, expected.shape, "{file}: {name}");
            let apart = apart(&found[name].data, &expected.data);
            assert!(apart < 1e-4, "{file}: {name}: {apart}");
        }
        assert!(distance(&outputs[0], &both.cpu.forward(&batch, &texts)[0]) < 1e-4, "{file}: the outputs");
    }
}

/// One convolution that fits, and the same with each of its sizes wrong.
#[test]
fn a_launch_that_would_leave_its_buffers_is_refused() {
    let Some(program) = program(Format::F32) else { return };
    let host = Host::start(&program, false, 64);
    let buffer = |words: usize| host.floats(&vec![1.0; words]);
    let places = WeightPlaces::new(Format::F32, 16, 1);
    let mut weights = vec![0.0; places.numbers(16)];
    (0..16 * 16).for_each(|index| weights[places.place(index / 16, 0, index % 16)] = 1.0);
    let (map, weights, bias) = (buffer(5 * 4 * 32), host.floats(&weights), buffer(16));
    let to = buffer(5 * 4 * 16);
    let scratch = ConvolutionScratch { parts: buffer(0), arrived: buffer(0) };
    let run = |change: &dyn Fn(&mut Convolution<'_, host::Buffer>)| {
        let pixels = Pixels { buffer: &to, first: 0, pitch: 16, channels: 16 };
        let mut convolution = Convolution {
            filter: Filter { weights: &weights, bias: &bias, kernel: 1, stride: 1, in_channels: 16, out_channels: 16 },
            input: Pixels { buffer: &map, first: 16, pitch: 32, channels: 16 },
            images: 1,
            height: 5,
            width: 4,
            silu: false,
            output: ConvolutionOutput::Maps { pixels, residual: None },
        };
        change(&mut convolution);
        catch_unwind(AssertUnwindSafe(|| convolve(&host, Format::F32, &convolution, &scratch))).is_err()
    };
    assert!(!run(&|_| {}));
    assert_eq!(host.read(&to, 1).expect("the process lives"), [17.0f32.to_bits()]);
    assert!(run(&|convolution| convolution.images = 2));
    assert!(run(&|convolution| convolution.height = 6));
    assert!(run(&|convolution| convolution.input.first = 32));
    assert!(run(&|convolution| convolution.input.first = 8));
    assert!(run(&|convolution| convolution.input.channels = 32));
    assert!(run(&|convolution| convolution.filter.kernel = 3));
    assert!(run(&|convolution| convolution.filter.out_channels = 32));
}
