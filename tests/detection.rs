//! Post-processing against the reference's answers, and against its own definitions.

mod common;
#[path = "detection/inputs.rs"]
mod inputs;
#[path = "detection/slow_port.rs"]
mod slow_port;

use std::collections::BTreeMap;

use inputs::Case;
use proptest::prelude::*;
use zoobench::dataset::Segmentation;
use zoobench::detection::masks::{Masks, Scratch};
use zoobench::detection::nms::{suppress, SPLIT_THRESHOLD};
use zoobench::detection::{detect, to_records, Detection, Settings};
use zoobench::mask::Rle;
use zoobench::model::{HeadOutput, Letterbox, LevelOutput, MASK_CHANNELS};

fn cases() -> BTreeMap<String, Case> {
    let text = std::fs::read_to_string(common::fixture("detection/postprocess.json"))
        .expect("the fixture is in the repository");
    serde_json::from_str(&text).expect("the fixture is as described")
}

fn detections(name: &str, case: &Case) -> Vec<Detection> {
    detect(&case.output(name), &case.letterbox(), &Settings::default())
}

fn different_pixels(mask: &Rle, golden: &Rle) -> usize {
    mask.to_row_major().iter().zip(golden.to_row_major()).filter(|(a, b)| **a != *b).count()
}

fn check_masks(name: &str, case: &Case, detections: &[Detection]) {
    let [height, width] = case.ori_shape;
    for (index, (detection, golden)) in detections.iter().zip(&case.rle).enumerate() {
        let golden = Rle::from_string(height, width, golden.as_bytes()).expect("a golden mask");
        let different = different_pixels(&detection.mask, &golden);
        assert!(different <= 2, "{name} {index}: {different} pixels differ");
    }
    for (index, (detection, &area)) in detections.iter().zip(&case.areas).enumerate() {
        assert!(detection.mask.area().abs_diff(area) <= 2, "{name} {index}: {} is not {area}", detection.mask.area());
    }
    let exact = detections.iter().zip(&case.rle).filter(|(detection, golden)| detection.mask.to_string() == **golden);
    let areas = detections.iter().zip(&case.areas).filter(|(detection, area)| detection.mask.area() == **area);
    let scores = detections.iter().zip(&case.scores).filter(|(detection, score)| detection.score == **score);
    let (exact, areas, scores) = (exact.count(), areas.count(), scores.count());
    eprintln!(
        "{name}: {scores} scores and {areas} areas of {} equal, {exact} masks of {}",
        case.areas.len(),
        case.rle.len()
    );
}

#[test]
fn the_reference_is_reproduced_in_all_cases() {
    for (name, case) in cases() {
        let detections = detections(&name, &case);
        let labels: Vec<_> = detections.iter().map(|detection| detection.label).collect();
        assert_eq!(labels, case.labels, "{name}: labels");
        for (index, (detection, score)) in detections.iter().zip(&case.scores).enumerate() {
            assert!(detection.score.to_bits().abs_diff(score.to_bits()) <= 1, "{name} {index}: {}", detection.score);
        }
        let boxes: Vec<_> = detections.iter().flat_map(|detection| detection.bbox).collect();
        assert_eq!(boxes, case.boxes, "{name}: boxes");
        check_masks(&name, &case, &detections);
    }
}

#[test]
fn as_many_survive_suppression_as_in_the_reference() {
    let settings = Settings { max_detections: usize::MAX, ..Settings::default() };
    for (name, case) in cases().into_iter().filter(|(name, _)| ["A", "B", "E", "G", "H"].contains(&name.as_str())) {
        let detections = detect(&case.output(&name), &case.letterbox(), &settings);
        assert_eq!(detections.len(), case.n_after_nms, "{name}");
    }
}

#[test]
fn the_class_shift_suppresses_across_classes() {
    let boxes = [[624.0, 624.0, 640.0, 640.0], [-17.0, -17.0, -1.0, -1.0]];
    assert_eq!(suppress(&boxes, &[0, 1], 0.7, 300), [0]);
    assert_eq!(slow_port::suppress(&boxes, &[0, 1], 0.7, true), [0]);
    assert_eq!(slow_port::suppress(&boxes, &[0, 1], 0.7, false), [0, 1]);
}

/// Pixels by which the slow port's mask of the case's first detections differ from the golden.
fn slow_port_difference(bottom: usize) -> usize {
    let (name, case) = ("A", &cases()["A"]);
    let (output, letterbox) = (case.output(name), case.letterbox());
    // Without padding and at the input's size, boxes stay those of the square input.
    let square = Letterbox { height: 640, width: 640, top: 0, bottom: 0, left: 0, right: 0 };
    let settings = Settings { max_detections: 8, ..Settings::default() };
    let cut = slow_port::Cut { top: letterbox.top as usize, bottom, left: 0, right: 0 };
    let in_square = detect(&output, &square, &settings);
    in_square
        .iter()
        .zip(&case.rle)
        .map(|(detection, golden)| {
            let logits = logits(&output, detection);
            let mask = slow_port::mask(&logits, 160, detection.bbox, cut, 427, 640);
            let golden = Rle::from_string(427, 640, golden.as_bytes()).expect("a golden mask");
            golden.to_row_major().iter().zip(mask).filter(|(a, b)| **a != *b).count()
        })
        .sum()
}

/// Mask logits of the detection, whose score is not shared with another position.
fn logits(output: &HeadOutput, detection: &Detection) -> Vec<f64> {
    let logit = f64::from(detection.score / (1.0 - detection.score)).ln();
    let candidates = output.levels.iter().flat_map(|level| {
        let positions = level.height * level.width;
        (0..positions).map(move |position| (level, position))
    });
    let distance = |level: &LevelOutput, position: usize| {
        (f64::from(level.logits[detection.label * level.height * level.width + position]) - logit).abs()
    };
    let (level, position) =
        candidates.min_by(|a, b| distance(a.0, a.1).total_cmp(&distance(b.0, b.1))).expect("there are positions");
    let positions = level.height * level.width;
    let maps = output.prototypes.chunks_exact(160 * 160).enumerate();
    let mut sums = vec![0.0; 160 * 160];
    for (channel, map) in maps {
        let coefficient = f64::from(level.coefficients[channel * positions + position]);
        sums.iter_mut().zip(map).for_each(|(sum, &value)| *sum += coefficient * f64::from(value));
    }
    sums
}

#[test]
fn cutting_off_the_true_bottom_padding_gives_other_masks() {
    assert!(slow_port_difference(106) <= 2);
    assert!(slow_port_difference(107) > 100);
}

fn small_head(values: Vec<f32>) -> HeadOutput {
    let level = LevelOutput {
        stride: 32,
        height: 2,
        width: 2,
        logits: values[..8].to_vec(),
        distances: values[8..24].to_vec(),
        coefficients: values[24..24 + MASK_CHANNELS * 4].to_vec(),
    };
    let prototypes = values[24 + MASK_CHANNELS * 4..].to_vec();
    HeadOutput { classes: 2, levels: vec![level], prototype_height: 4, prototype_width: 4, prototypes }
}

const SMALL_HEAD: usize = 8 + 16 + MASK_CHANNELS * 4 + MASK_CHANNELS * 16;

fn letterboxes() -> impl Strategy<Value = Letterbox> {
    let any = (0u32..700, 0u32..700, 0u32..330, 0u32..330, 0u32..2, 0u32..2);
    any.prop_map(|(height, width, top, left, odd_row, odd_column)| Letterbox {
        height,
        width,
        top,
        bottom: top + odd_row,
        left,
        right: left + odd_column,
    })
}

fn hostile() -> impl Strategy<Value = f32> {
    prop_oneof![4 => -20.0f32..20.0, 1 => any::<f32>(), 1 => prop::sample::select(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0])]
}

fn boxes_of_clusters() -> impl Strategy<Value = Vec<([f32; 4], u32)>> {
    let one = (0u32..6, 0u32..3, -30i32..20, -30i32..20, 4u32..40, 4u32..40);
    prop::collection::vec(one, 0..200).prop_map(|boxes| {
        boxes
            .into_iter()
            .map(|(cluster, label, dx, dy, width, height)| {
                let (x, y) = (cluster as f32 * 90.0 + dx as f32 / 4.0 - 20.0, dy as f32 / 4.0 - 20.0);
                ([x, y, x + width as f32, y + height as f32], label)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.max(48), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windowed_masks_are_full_size_masks(
        letterbox in letterboxes(),
        bbox in prop::array::uniform4(-100.0f32..740.0),
        coefficients in prop::array::uniform32(-1.0f32..1.0),
        prototypes in prop::collection::vec(hostile(), MASK_CHANNELS * 35),
        threshold in prop_oneof![5 => Just(0.5f32), 1 => Just(0.0), 1 => Just(-0.5), 1 => 0.0f32..1.0],
    ) {
        let [x1, y1, x2, y2] = bbox;
        let bbox = [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)];
        let output = HeadOutput { classes: 0, levels: vec![], prototype_height: 5, prototype_width: 7, prototypes };
        let masks = Masks::new(&output, &letterbox, threshold);
        let windowed = masks.windowed(&coefficients, bbox, &mut Scratch::default());
        prop_assert_eq!(windowed, masks.full_size(&coefficients, bbox));
    }

    #[test]
    fn suppression_is_the_definition_s(boxes in boxes_of_clusters(), limit in 0usize..250) {
        let (boxes, labels): (Vec<_>, Vec<_>) = boxes.into_iter().unzip();
        let mut all = slow_port::suppress(&boxes, &labels, 0.7, true);
        all.truncate(limit);
        prop_assert_eq!(suppress(&boxes, &labels, 0.7, limit), all);
    }

    #[test]
    fn no_value_makes_it_panic_or_gives_a_box_that_is_not_finite(
        values in prop::collection::vec(hostile(), SMALL_HEAD),
        letterbox in letterboxes(),
    ) {
        for detection in detect(&small_head(values), &letterbox, &Settings::default()) {
            prop_assert!(detection.score > 0.001 && detection.score <= 1.0);
            prop_assert!(!detection.bbox.iter().any(|side| side.is_nan()));
        }
    }
}

#[test]
fn without_prototypes_masks_are_empty() {
    let letterbox = Letterbox { height: 3, width: 2, top: 0, bottom: 0, left: 0, right: 0 };
    for (prototype_height, prototype_width) in [(0, 0), (0, 4), (4, 0)] {
        let output = HeadOutput { classes: 0, levels: vec![], prototype_height, prototype_width, prototypes: vec![] };
        let masks = Masks::new(&output, &letterbox, 0.5);
        let (coefficients, bbox) = ([1.0; MASK_CHANNELS], [0.0, 0.0, 640.0, 640.0]);
        assert_eq!(masks.windowed(&coefficients, bbox, &mut Scratch::default()).counts(), [6]);
        assert_eq!(masks.full_size(&coefficients, bbox).counts(), [6]);
    }
}

#[test]
fn windowed_masks_are_full_size_masks_in_the_goldens() {
    let case = &cases()["G"];
    let output = case.output("G");
    let masks = Masks::new(&output, &case.letterbox(), 0.5);
    let mut scratch = Scratch::default();
    let position = |index: usize| std::array::from_fn(|channel| output.levels[0].coefficients[channel * 6400 + index]);
    let boxes =
        [[-9.5, 60.0, 200.5, 300.0], [0.0, 0.0, 640.0, 640.0], [630.2, 560.0, 800.0, 580.0], [10.0, 10.0, 10.5, 90.0]];
    for (index, bbox) in boxes.into_iter().enumerate() {
        let coefficients = position(index * 100);
        assert_eq!(masks.windowed(&coefficients, bbox, &mut scratch), masks.full_size(&coefficients, bbox), "{bbox:?}");
    }
}

/// Boxes on a grid so coarse that many coincide, with labels up to 1202, where the shift rounds.
fn many_boxes(count: usize) -> (Vec<[f32; 4]>, Vec<u32>) {
    let bbox = |index: usize| {
        let (x, y) = ((index * 37 % 60) as f32 * 10.3 - 15.0, (index * 53 % 40) as f32 * 10.7 - 15.0);
        let size = 20.0 + (index * 7 % 11) as f32 * 1.37;
        [x, y, x + size, y + size * 1.1]
    };
    (0..count).map(|index| (bbox(index), [0, 1, 600, 601, 1202][index * 11 % 5])).unzip()
}

#[test]
fn both_suppression_paths_are_the_definition_s() {
    for count in [SPLIT_THRESHOLD - 1, SPLIT_THRESHOLD] {
        let (boxes, labels) = many_boxes(count);
        let all = slow_port::suppress(&boxes, &labels, 0.7, true);
        assert!(all.len() < count);
        assert_eq!(suppress(&boxes, &labels, 0.7, usize::MAX), all);
    }
}

#[test]
fn from_ten_thousand_boxes_on_classes_cannot_suppress_one_another() {
    let far = |index: usize| {
        let (x, y) = ((index % 100) as f32 * 6.0, (index / 100) as f32 * 6.0);
        ([x, y, x + 4.0, y + 4.0], 2)
    };
    let crafted = [([624.0, 624.0, 640.0, 640.0], 0), ([-17.0, -17.0, -1.0, -1.0], 1)];
    let survivors = |count: usize| {
        let (boxes, labels): (Vec<_>, Vec<_>) = crafted.into_iter().chain((0..count - 2).map(far)).unzip();
        suppress(&boxes, &labels, 0.7, usize::MAX).len()
    };
    assert_eq!(survivors(SPLIT_THRESHOLD - 1), SPLIT_THRESHOLD - 2);
    assert_eq!(survivors(SPLIT_THRESHOLD), SPLIT_THRESHOLD);
}

#[test]
fn equal_scores_come_in_the_order_of_position_then_class() {
    let level = LevelOutput {
        stride: 8,
        height: 1,
        width: 2,
        logits: vec![1.0, 1.0, 1.0, 2.0],
        distances: vec![0.5; 8],
        coefficients: vec![0.0; MASK_CHANNELS * 2],
    };
    let output = HeadOutput {
        classes: 2,
        levels: vec![level],
        prototype_height: 1,
        prototype_width: 1,
        prototypes: vec![0.0; MASK_CHANNELS],
    };
    let letterbox = Letterbox { height: 640, width: 640, top: 0, bottom: 0, left: 0, right: 0 };
    let found = detect(&output, &letterbox, &Settings::default());
    let order: Vec<_> = found.iter().map(|detection| (detection.bbox[0], detection.label)).collect();
    assert_eq!(order, [(8.0, 1), (0.0, 0), (0.0, 1), (8.0, 0)]);
}

#[test]
fn the_threads_do_not_matter() {
    let case = &cases()["C"];
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a thread pool");
        pool.install(|| detections("C", case))
    };
    assert_eq!(run(1), run(4));
}

#[test]
fn records_carry_unrounded_values() {
    let mask = Rle::from_counts(4, 4, vec![5, 2, 9]).expect("a mask");
    let detection = Detection { label: 1, score: 0.1, bbox: [0.1, 0.2, 0.7, 3.9], mask: mask.clone() };
    let records = to_records(&[detection], 42, &[10, 20]);
    let wide = |value: f32| f64::from(value);
    assert_eq!(records[0].category_id, 20);
    assert_eq!(records[0].image_id, 42);
    assert_eq!(records[0].score, wide(0.1));
    assert_eq!(records[0].bbox, Some([wide(0.1), wide(0.2), wide(0.7) - wide(0.1), wide(3.9) - wide(0.2)]));
    let counts = mask.to_string().into_bytes();
    assert_eq!(records[0].segmentation, Some(Segmentation::Compressed { size: [4, 4], counts }));
}
