//! The source of the GPU's kernels, run on the processor, against the post-processing that they repeat.

mod common;
// Other tests need more of it.
#[allow(dead_code)]
#[path = "gpu/host.rs"]
mod host;
#[path = "detection/inputs.rs"]
mod inputs;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;

use host::{Buffer, Host};
use inputs::{generated, Case};
use zoobench::detection::{detect, detect_boxes, detect_boxes_on_device, detect_on_device, Settings};
use zoobench::kernels::gpu::{best_candidates, expected_distances, Accelerator, Scored};
use zoobench::model::{DeviceLevel, DeviceOutput, HeadOutput, Letterbox, LevelOutput, MASK_CHANNELS};

/// The kernels' program, or nothing where there is no C++ compiler, which is said past the test's own output.
fn program() -> Option<&'static PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM
        .get_or_init(|| {
            let folder = tempfile::tempdir().expect("a place for the program").keep();
            let program = host::program(&folder, None);
            if program.is_none() {
                let words =
                    "\n*** SKIPPED: no C++ compiler (c++, or CXX): NOTHING of the GPU's kernels was tested ***\n";
                std::io::stderr().write_all(words.as_bytes()).expect("standard error");
            }
            program
        })
        .as_ref()
}

/// The same machine with its threads in either order, and with fewer of them than there is work.
fn hosts() -> Vec<Host> {
    let Some(program) = program() else { return vec![] };
    vec![Host::start(program, false, 1 << 20), Host::start(program, true, 1 << 12)]
}

fn upload(host: &Host, output: &HeadOutput) -> DeviceOutput<Buffer> {
    let level = |level: &LevelOutput| DeviceLevel {
        stride: level.stride,
        height: level.height,
        width: level.width,
        logits: host.floats(&level.logits),
        distances: host.floats(&level.distances),
        coefficients: host.floats(&level.coefficients),
    };
    DeviceOutput {
        classes: output.classes,
        levels: output.levels.iter().map(level).collect(),
        prototype_height: output.prototype_height,
        prototype_width: output.prototype_width,
        prototypes: host.floats(&output.prototypes),
    }
}

/// Holds the kernels to the definition; gives the number of detections.
fn compare(host: &Host, what: &str, output: &HeadOutput, letterbox: &Letterbox, settings: &Settings) -> usize {
    let expected = detect(output, letterbox, settings);
    let uploaded = upload(host, output);
    let found = detect_on_device(host, &uploaded, letterbox, settings).expect("the kernels run");
    assert_eq!(found.len(), expected.len(), "{what}: detections");
    for (index, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert_eq!(found, expected, "{what}: detection {index}");
    }
    found.len()
}

fn cases() -> BTreeMap<String, Case> {
    let text = std::fs::read_to_string(common::fixture("detection/postprocess.json"))
        .expect("the fixture is in the repository");
    serde_json::from_str(&text).expect("the fixture is as described")
}

#[test]
fn the_goldens_are_the_same_to_the_bit() {
    for host in hosts() {
        for (name, case) in cases() {
            let found = compare(&host, &name, &case.output(&name), &case.letterbox(), &Settings::default());
            assert_eq!(found, case.labels.len(), "{name}");
        }
    }
}

#[test]
fn crowds_and_settings_are_the_same_to_the_bit() {
    let letterbox = Letterbox { height: 211, width: 333, top: 117, bottom: 118, left: 0, right: 0 };
    let crowd = generated("crowd", 7, [-6.0, 2.0], 5.0, None);
    let tied = generated("tied", 3, [-8.0, 3.0], 4.0, Some(2.0));
    let default = Settings::default();
    for host in hosts() {
        for settings in [
            // More candidates than are wanted, so that the last digit counts; fewer than split the classes.
            Settings { max_candidates: 5_000, max_detections: 40, ..default },
            Settings { max_candidates: 1, ..default },
            Settings { max_candidates: 0, ..default },
            Settings { max_detections: 0, ..default },
            Settings { score_threshold: 0.87, max_detections: 700, ..default },
            Settings { score_threshold: 2.0, ..default },
            Settings { mask_threshold: -0.5, max_detections: 5, ..default },
            Settings { iou_threshold: 0.1, max_detections: 30, mask_threshold: 0.6, ..default },
        ] {
            compare(&host, &format!("crowd, {settings:?}"), &crowd, &letterbox, &settings);
            compare(&host, &format!("tied, {settings:?}"), &tied, &letterbox, &settings);
        }
    }
}

#[test]
fn boxes_without_masks_are_the_same_to_the_bit() {
    for host in hosts() {
        for (classes, settings) in [
            (7, Settings { max_candidates: 2_500, ..Settings::default() }),
            (1, Settings { score_threshold: 0.5, max_detections: 50, ..Settings::default() }),
        ] {
            let output = generated("boxes", classes, [-6.0, 2.0], 5.0, None);
            let boxes = detect_boxes_on_device(&host, &upload(&host, &output), &settings).expect("the kernels run");
            assert!(!boxes.is_empty());
            assert_eq!(boxes, detect_boxes(&output, &settings));
        }
    }
}

/// More survivors than have their probabilities at once, and more words of masks (470 x 8 each) than come with the
/// boxes.
#[test]
fn what_does_not_fit_into_the_first_copy_comes_later() {
    let output = generated("many", 4, [-2.0, 4.0], 1.0, None);
    let settings = Settings { max_candidates: 3_000, max_detections: 310, mask_threshold: -1.0, ..Settings::default() };
    let letterbox = Letterbox { height: 250, width: 470, top: 0, bottom: 0, left: 0, right: 0 };
    let hosts = hosts();
    for host in hosts.iter().take(1) {
        assert_eq!(compare(host, "many", &output, &letterbox, &settings), 310);
    }
}

#[test]
fn values_that_are_not_finite_are_the_same() {
    let hostile = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -f32::NAN, f32::MAX, f32::MIN, -0.0, 1e-40];
    for host in hosts() {
        for seed in 0..40 {
            let mut output = small(seed);
            let level = &mut output.levels[0];
            for (index, value) in
                level.logits.iter_mut().chain(&mut level.distances).chain(&mut level.coefficients).enumerate()
            {
                if (index * 31 + seed * 17) % 11 == 0 {
                    *value = hostile[(index + seed) % hostile.len()];
                }
            }
            output.prototypes[seed] = hostile[seed % hostile.len()];
            let letterbox = Letterbox {
                height: seed as u32 * 9,
                width: 640 - seed as u32,
                top: seed as u32 * 8,
                bottom: seed as u32 * 8 + 1,
                left: 3,
                right: 3,
            };
            compare(&host, &format!("hostile {seed}"), &output, &letterbox, &Settings::default());
        }
        let nothing =
            HeadOutput { classes: 0, levels: vec![], prototype_height: 0, prototype_width: 4, prototypes: vec![] };
        let letterbox = Letterbox { height: 3, width: 2, top: 0, bottom: 0, left: 0, right: 0 };
        assert_eq!(compare(&host, "nothing", &nothing, &letterbox, &Settings::default()), 0);
        let without = HeadOutput { prototype_height: 0, prototypes: vec![], ..small(3) };
        assert!(compare(&host, "no prototypes", &without, &letterbox, &Settings::default()) > 0);
    }
}

/// One level of 3 x 4 positions and 2 classes, prototypes of 5 x 7.
fn small(seed: usize) -> HeadOutput {
    let values = |count: usize, scale: f32| -> Vec<f32> {
        (0..count)
            .map(|index| ((index * 7919 + seed * 104_729) % 2003) as f32 / 1001.5 - 1.0)
            .map(|x| x * scale)
            .collect()
    };
    let level = LevelOutput {
        stride: 32,
        height: 3,
        width: 4,
        logits: values(24, 6.0),
        distances: values(48, 3.0).into_iter().map(f32::abs).collect(),
        coefficients: values(12 * MASK_CHANNELS, 1.0),
    };
    let prototypes = values(35 * MASK_CHANNELS, 2.0);
    HeadOutput { classes: 2, levels: vec![level], prototype_height: 5, prototype_width: 7, prototypes }
}

/// Any keys, the best of them in order: what sorting gives.
#[test]
fn the_best_candidates_are_those_that_sorting_gives() {
    for host in hosts() {
        for (count, wanted) in [(0, 5), (4, 5), (5, 5), (6, 5), (3000, 1), (3000, 777), (3000, 2999)] {
            // Scores that share their high digits, and keys in no order.
            let key = |index: u64| (index * 2_654_435_761 % 97) << 58 | (index * 40_503 % 8) << 32 | (count - index);
            let mut keys: Vec<u64> = (0..count).map(key).collect();
            let words: Vec<u32> = keys.iter().flat_map(|&key| [key as u32, (key >> 32) as u32]).collect();
            let scored = Scored { count: host.buffer(&[count as u32]), candidates: host.buffer(&words) };
            let ranked = best_candidates(&host, &scored, wanted).expect("the kernels run");
            keys.sort_unstable();
            keys.truncate(wanted);
            let found = host.read(&ranked.candidates, 2 * keys.len()).expect("the process lives");
            let found: Vec<u64> = found.chunks(2).map(|key| u64::from(key[1]) << 32 | u64::from(key[0])).collect();
            assert_eq!(found, keys, "{wanted} of {count}");
            assert_eq!(host.read(&ranked.count, 1).expect("the process lives"), [keys.len() as u32]);
        }
    }
}

/// Against the definition in float64: a few units in the last place of the weights and of their sums.
#[test]
fn expected_distances_are_those_of_the_distribution() {
    for host in hosts() {
        let (bins, positions) = (16, 37);
        let scores: Vec<f32> =
            (0..4 * bins * positions).map(|index| (index * 7919 % 4001) as f32 / 200.0 - 10.0).collect();
        let distances = host.zeroed(4 * positions).expect("the process lives");
        expected_distances(&host, &host.floats(&scores), bins, positions, &distances).expect("the kernel runs");
        for (index, bits) in host.read(&distances, 4 * positions).expect("the process lives").into_iter().enumerate() {
            let score =
                |bin: usize| f64::from(scores[(index / positions * bins + bin) * positions + index % positions]);
            let weights: Vec<f64> = (0..bins).map(|bin| score(bin).exp()).collect();
            let mean = weights.iter().enumerate().map(|(bin, weight)| bin as f64 * weight).sum::<f64>();
            let (expected, found) = (mean / weights.iter().sum::<f64>(), f64::from(f32::from_bits(bits)));
            assert!((found / expected - 1.0).abs() < 2e-6, "{index}: {found} is not {expected}");
        }
    }
}

/// The program is built to end where a kernel leaves its buffers, and where it is given something else than it takes.
#[test]
fn a_kernel_that_is_given_too_little_ends_the_program() {
    use zoobench::kernels::gpu::{Argument, Kernel, Source};
    let launch = |host: &Host, arguments: &[Argument<'_, Buffer>]| {
        let kernel = Kernel { source: Source::Masks, name: "place_masks" };
        // SAFETY: the program checks every access.
        #[allow(unsafe_code)]
        unsafe { host.launch(kernel, 1, arguments) }.expect("it is told so");
    };
    let Some(program) = program() else { return };
    for short in [false, true] {
        let host = Host::start(program, false, 1);
        let (count, head) = (host.buffer(&[2]), host.zeroed(3).expect("the process lives"));
        let records = host.zeroed(if short { 20 } else { 26 }).expect("the process lives");
        launch(&host, &[Argument::Words(&count, 0), Argument::Words(&head, 0), Argument::Words(&records, 0)]);
        assert_eq!(host.read(&head, 3).is_err(), short, "two records have 26 words");
    }
    let host = Host::start(program, false, 1);
    launch(&host, &[Argument::U32(2)]);
    assert_eq!(host.end().code(), Some(3));
}

/// Each kernel of the sources is one that the sequence of launches was seen to use.
#[test]
fn every_kernel_is_run() {
    let sources = [
        include_str!("../src/kernels/gpu/candidates.cu"),
        include_str!("../src/kernels/gpu/suppression.cu"),
        include_str!("../src/kernels/gpu/masks.cu"),
    ];
    let kernels = sources.iter().flat_map(|source| source.split("__global__ void ").skip(1));
    let kernels: Vec<&str> = kernels.map(|rest| rest.split('(').next().expect("a name")).collect();
    assert_eq!(kernels.len(), 17);
    for host in hosts() {
        let letterbox = Letterbox { height: 64, width: 64, top: 0, bottom: 0, left: 0, right: 0 };
        compare(&host, "small", &small(1), &letterbox, &Settings::default());
        let launched = host.launched.borrow();
        let unused = kernels.iter().filter(|kernel| !launched.contains(kernel) && **kernel != "expected_distances");
        assert_eq!(unused.collect::<Vec<_>>(), Vec::<&&str>::new());
    }
}

fn report_file(name: &str) -> String {
    format!("{}/reports/gpu/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn without_a_gpu_the_measurement_is_one_sentence() {
    if std::path::Path::new("/proc/driver/nvidia/version").exists() {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let out = folder.path().join("record");
    let finished = std::process::Command::new("bash").arg(report_file("measure.sh")).arg(&out).output();
    let finished = finished.expect("bash is there");
    let told = String::from_utf8(finished.stderr).expect("text");
    assert_eq!(finished.status.code(), Some(2), "{told}");
    assert!(told.starts_with("no GPU: ") && told.lines().count() == 1, "{told}");
    assert!(finished.stdout.is_empty() && !out.exists());
}

/// The judge of the record passes runs and outputs that agree, and not those that do not, nor a record without them.
#[test]
fn a_gpu_that_departs_from_the_cpu_is_told() {
    let judged = |runs: &[(&str, f64)], within: Option<bool>| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for (run, ap) in runs {
            let variant = folder.path().join(run).join("shapes_v1");
            std::fs::create_dir_all(&variant).expect("a folder");
            let metrics = format!(r#"{{"results": {{"bbox": {{"AP": 0.5}}, "segm": {{"AP": {ap}}}}}}}"#);
            std::fs::write(variant.join("metrics.json"), metrics).expect("written");
        }
        if let Some(within) = within {
            let row = format!(r#"{{"variant": "v", "output": "logits", "distance": 0.1, "within": {within}}}"#);
            let outputs =
                format!(r#"{{"engine": "graph", "dtype": "f32", "bound": 0.1, "within": {within}, "rows": [{row}]}}"#);
            std::fs::write(folder.path().join("outputs-graph-f32-shapes.json"), outputs).expect("written");
        }
        let judge = std::process::Command::new("python3").arg(report_file("record.py")).arg(folder.path()).output();
        judge.ok().map(|judge| {
            let told = String::from_utf8(judge.stdout).expect("text");
            let written = std::fs::read_to_string(folder.path().join("README.md")).expect("it is written");
            assert_eq!(told.trim_end(), written.trim_end());
            (judge.status.code(), told.contains("| NO |"))
        })
    };
    let alike = [("cpu", 0.44), ("cuda-graph-f32", 0.4402), ("cuda-graph-bf16", 0.448)];
    let Some(agrees) = judged(&alike, Some(true)) else {
        std::io::stderr().write_all(b"\n*** SKIPPED: no python3 ***\n").expect("standard error");
        return;
    };
    assert_eq!(agrees, (Some(0), false));
    assert_eq!(judged(&alike, Some(false)), Some((Some(1), true)));
    assert_eq!(judged(&alike, None), Some((Some(1), false)));
    assert_eq!(judged(&[("cpu", 0.44), ("cuda-graph-f32", 0.448)], Some(true)), Some((Some(1), true)));
    assert_eq!(judged(&[("cpu", 0.44)], Some(true)), Some((Some(1), false)));
    assert_eq!(judged(&[("cuda-graph-f32", 0.44)], Some(true)), Some((Some(1), false)));
}
