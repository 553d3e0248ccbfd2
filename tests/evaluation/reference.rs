//! lvis-api's procedure written down step by step, without any of the evaluator's shortcuts: dense
//! arrays, one (image, category, area, threshold) at a time, masks as bitmaps.

use std::collections::BTreeSet;

use zoobench::dataset::{Annotation, Annotations, Record};
use zoobench::evaluation::{IouType, Metrics, Protocol};

const AREAS: [[f64; 2]; 4] = [[0.0, 1e10], [0.0, 1024.0], [1024.0, 9216.0], [9216.0, 1e10]];
const IOU_THRESHOLDS: [f64; 10] = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.8999999999999999, 0.95];
const RECALLS: usize = 101;

/// Where a detection's area comes from.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Area {
    Box,
    Mask,
}

/// A mask for the reference: which pixels are set, by (row, column).
pub type Pixels = BTreeSet<(u32, u32)>;

/// What the reference cannot see in a record: its mask's pixels.
pub struct Input<'a> {
    pub annotations: &'a Annotations,
    pub annotation_pixels: &'a [Pixels],
    pub records: &'a [Record],
    pub record_pixels: &'a [Pixels],
    pub iou: IouType,
    pub area: Area,
    pub protocol: Protocol,
    /// Detections that count: of an image, or of a category.
    pub limit: usize,
}

/// lvis-api's arrays and numbers.
pub struct Output {
    pub precision: Vec<f64>,
    pub recall: Vec<f64>,
    pub metrics: Metrics,
}

#[derive(Clone)]
struct Detection {
    id: usize,
    category: i64,
    score: f64,
    area: f64,
    bbox: [f64; 4],
    pixels: Pixels,
}

#[derive(Clone)]
struct Instance {
    id: i64,
    category: i64,
    area: f64,
    ignore: bool,
    bbox: [f64; 4],
    pixels: Pixels,
}

/// One (image, category, area range): what `evaluate_img` returns.
struct Evaluated {
    scores: Vec<f64>,
    /// By threshold, then detection.
    matched: Vec<Vec<bool>>,
    ignored: Vec<Vec<bool>>,
    instances_ignored: Vec<bool>,
}

pub fn evaluate(input: &Input<'_>) -> Output {
    let images: BTreeSet<i64> = input.annotations.images.iter().map(|image| image.id).collect();
    let categories: BTreeSet<i64> = input.annotations.categories.iter().map(|category| category.id).collect();
    let categories: Vec<i64> = categories.into_iter().collect();
    let detections = load_detections(input);
    let (k, a) = (categories.len(), AREAS.len());
    let mut precision = vec![-1.0; IOU_THRESHOLDS.len() * RECALLS * k * a];
    let mut recall = vec![-1.0; IOU_THRESHOLDS.len() * k * a];
    for (category_index, &category) in categories.iter().enumerate() {
        for (area_index, range) in AREAS.iter().enumerate() {
            let evaluated: Vec<Evaluated> = images
                .iter()
                .filter_map(|&image| evaluate_image(input, &images, &categories, &detections, image, category, range))
                .collect();
            let place = |threshold: usize| (threshold * k + category_index) * a + area_index;
            for (threshold, (curve, last)) in accumulate(&evaluated).into_iter().enumerate() {
                recall[place(threshold)] = last;
                for (index, value) in curve.into_iter().enumerate() {
                    precision[((threshold * RECALLS + index) * k + category_index) * a + area_index] = value;
                }
            }
        }
    }
    let metrics = match input.protocol {
        Protocol::Lvis | Protocol::Fixed => summarize(input, &categories, &precision, &recall),
        Protocol::Pool => summarize_pools(input, &images, &categories, &detections),
    };
    Output { precision, recall, metrics }
}

/// By image, or by category, in order of first appearance, cut to the limit.
fn load_detections(input: &Input<'_>) -> Vec<(i64, Detection)> {
    let is_of_category = input.protocol != Protocol::Lvis;
    let group = |record: &Record| if is_of_category { record.category_id } else { record.image_id };
    let mut order: Vec<i64> = Vec::new();
    for record in input.records {
        if !order.contains(&group(record)) {
            order.push(group(record));
        }
    }
    let mut detections = Vec::new();
    for this in order {
        let mut of_group: Vec<usize> =
            (0..input.records.len()).filter(|&index| group(&input.records[index]) == this).collect();
        if of_group.len() > input.limit || is_of_category && of_group.len() > 1 {
            of_group.sort_by(|&a, &b| input.records[b].score.partial_cmp(&input.records[a].score).unwrap());
            of_group.truncate(input.limit);
        }
        for index in of_group {
            let (record, pixels) = (&input.records[index], &input.record_pixels[index]);
            let bbox = record.bbox.unwrap();
            let area = match input.area {
                Area::Box => bbox[2] * bbox[3],
                Area::Mask => pixels.len() as f64,
            };
            let id = detections.len() + 1;
            let (category, score, pixels) = (record.category_id, record.score, pixels.clone());
            detections.push((record.image_id, Detection { id, category, score, area, bbox, pixels }));
        }
    }
    detections
}

/// Instances of an image, by way of their ids: the last annotation of an id stands for all of them,
/// wherever it is.
fn instances(input: &Input<'_>, images: &BTreeSet<i64>, categories: &[i64], image: i64) -> Vec<Instance> {
    let all = &input.annotations.annotations;
    let is_visible = |annotation: &Annotation| {
        let area = annotation.area.unwrap();
        categories.contains(&annotation.category_id) && area > 0.0 && area < f64::INFINITY
    };
    let visible = images.iter().flat_map(|&of| all.iter().filter(move |annotation| annotation.image_id == of));
    let last = |id: i64| all.iter().rposition(|annotation| annotation.id == id).unwrap();
    visible
        .filter(|annotation| is_visible(annotation))
        .map(|annotation| last(annotation.id))
        .filter(|&index| all[index].image_id == image)
        .map(|index| Instance {
            id: all[index].id,
            category: all[index].category_id,
            area: all[index].area.unwrap(),
            ignore: all[index].ignore,
            bbox: all[index].bbox.unwrap(),
            pixels: input.annotation_pixels[index].clone(),
        })
        .collect()
}

fn evaluate_image(
    input: &Input<'_>,
    images: &BTreeSet<i64>,
    categories: &[i64],
    detections: &[(i64, Detection)],
    image: i64,
    category: i64,
    range: &[f64; 2],
) -> Option<Evaluated> {
    let record = input.annotations.images.iter().rev().find(|record| record.id == image).unwrap();
    let positive = instances(input, images, categories, image);
    let negative = record.neg_category_ids.as_ref().unwrap();
    let is_judged = negative.contains(&category) || positive.iter().any(|instance| instance.category == category);
    let mut instances: Vec<Instance> = positive.into_iter().filter(|instance| instance.category == category).collect();
    let mut detections: Vec<Detection> = detections
        .iter()
        .filter(|(of, detection)| *of == image && detection.category == category && is_judged)
        .filter(|(_, detection)| detection.area > 0.0 && detection.area < f64::INFINITY)
        .map(|(_, detection)| detection.clone())
        .collect();
    if instances.is_empty() && detections.is_empty() {
        return None;
    }
    let outside = |area: f64| area < range[0] || area > range[1];
    let is_ignored = |instance: &Instance| instance.ignore || outside(instance.area);
    instances.sort_by_key(is_ignored);
    detections.sort_by(|a, b| descending(a.score, b.score));
    let instances_ignored: Vec<bool> = instances.iter().map(is_ignored).collect();
    let ious: Vec<Vec<f64>> = detections
        .iter()
        .map(|detection| instances.iter().map(|instance| iou(input.iou, detection, instance)).collect())
        .collect();
    let partial = record.not_exhaustive_category_ids.as_ref().unwrap().contains(&category);
    let (mut matched, mut ignored) = (Vec::new(), Vec::new());
    for threshold in IOU_THRESHOLDS {
        let mut taken_by = vec![0; instances.len()];
        let mut ids = vec![0; detections.len()];
        let mut ignore = vec![false; detections.len()];
        for (d, detection) in detections.iter().enumerate() {
            if let Some(best) = best_match(&ious[d], &taken_by, &instances_ignored, threshold) {
                ignore[d] = instances_ignored[best];
                ids[d] = instances[best].id;
                taken_by[best] = detection.id;
            }
            ignore[d] |= ids[d] == 0 && (outside(detection.area) || partial);
        }
        matched.push(ids.iter().map(|&id| id != 0).collect());
        ignored.push(ignore);
    }
    Some(Evaluated { scores: detections.iter().map(|d| d.score).collect(), matched, ignored, instances_ignored })
}

fn best_match(ious: &[f64], taken_by: &[usize], ignored: &[bool], threshold: f64) -> Option<usize> {
    let (mut iou, mut best) = (threshold.min(1.0 - 1e-10), None);
    for (g, &this) in ious.iter().enumerate() {
        if taken_by[g] > 0 {
            continue;
        }
        if best.is_some_and(|best: usize| !ignored[best]) && ignored[g] {
            break;
        }
        if this < iou {
            continue;
        }
        iou = this;
        best = Some(g);
    }
    best
}

fn iou(kind: IouType, detection: &Detection, instance: &Instance) -> f64 {
    match kind {
        IouType::Bbox => {
            let (d, g) = (detection.bbox, instance.bbox);
            let w = (d[2] + d[0]).min(g[2] + g[0]) - d[0].max(g[0]);
            let h = (d[3] + d[1]).min(g[3] + g[1]) - d[1].max(g[1]);
            if w <= 0.0 || h <= 0.0 {
                return 0.0;
            }
            w * h / (d[2] * d[3] + g[2] * g[3] - w * h)
        }
        IouType::Segm => pixel_iou(&detection.pixels, &instance.pixels),
        IouType::Boundary => pixel_iou(&detection.pixels, &instance.pixels)
            .min(pixel_iou(&boundary(&detection.pixels), &boundary(&instance.pixels))),
    }
}

fn pixel_iou(a: &Pixels, b: &Pixels) -> f64 {
    let common = a.intersection(b).count();
    if common == 0 {
        return 0.0;
    }
    common as f64 / a.union(b).count() as f64
}

/// The pixels with a neighbour that is not of the mask; the images are so small that a boundary is one
/// pixel wide.
fn boundary(pixels: &Pixels) -> Pixels {
    let around = |at: u32| (at.wrapping_sub(1), at, at + 1);
    let is_inside = |&(row, column): &(u32, u32)| {
        let (above, row, below) = around(row);
        let (left, column, right) = around(column);
        [above, row, below].iter().all(|&row| [left, column, right].iter().all(|&c| pixels.contains(&(row, c))))
    };
    pixels.iter().copied().filter(|pixel| !is_inside(pixel)).collect()
}

/// numpy's order of `-score`.
fn descending(a: f64, b: f64) -> std::cmp::Ordering {
    a.is_nan().cmp(&b.is_nan()).then(b.partial_cmp(&a).unwrap_or(std::cmp::Ordering::Equal))
}

/// Precision at every recall, and the last recall, for every threshold; nothing without instances.
fn accumulate(evaluated: &[Evaluated]) -> Vec<(Vec<f64>, f64)> {
    let instances = evaluated.iter().flat_map(|e| &e.instances_ignored).filter(|&&ignored| !ignored).count();
    if instances == 0 {
        return Vec::new();
    }
    let scores: Vec<f64> = evaluated.iter().flat_map(|e| e.scores.clone()).collect();
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| descending(scores[a], scores[b]));
    let of_threshold = |threshold: usize| {
        let matched: Vec<bool> = evaluated.iter().flat_map(|e| e.matched[threshold].clone()).collect();
        let ignored: Vec<bool> = evaluated.iter().flat_map(|e| e.ignored[threshold].clone()).collect();
        let (mut tp, mut fp) = (0.0, 0.0);
        let (mut recalls, mut precisions) = (Vec::new(), Vec::new());
        for &index in &order {
            tp += f64::from(u8::from(matched[index] && !ignored[index]));
            fp += f64::from(u8::from(!matched[index] && !ignored[index]));
            recalls.push(tp / instances as f64);
            precisions.push(tp / (fp + tp + f64::EPSILON));
        }
        for index in (1..precisions.len()).rev() {
            if precisions[index] > precisions[index - 1] {
                precisions[index - 1] = precisions[index];
            }
        }
        let at = |index: usize| {
            let place = recalls.partition_point(|&recall| recall < index as f64 * 0.01);
            precisions.get(place).copied().unwrap_or(0.0)
        };
        ((0..RECALLS).map(at).collect(), recalls.last().copied().unwrap_or(0.0))
    };
    (0..IOU_THRESHOLDS.len()).map(of_threshold).collect()
}

fn summarize(input: &Input<'_>, categories: &[i64], precision: &[f64], recall: &[f64]) -> Metrics {
    let (k, a) = (categories.len(), AREAS.len());
    let ap = |thresholds: std::ops::Range<usize>, area: usize, group: Option<&str>| {
        let group: Vec<usize> =
            (0..k).filter(|&index| group.is_none_or(|group| frequency(input, categories[index]) == group)).collect();
        let mut values = Vec::new();
        for row in thresholds.start * RECALLS..thresholds.end * RECALLS {
            values.extend(group.iter().map(|&index| precision[(row * k + index) * a + area]));
        }
        mean(values)
    };
    let ar = |area: usize| mean((0..IOU_THRESHOLDS.len() * k).map(|place| recall[place * a + area]).collect());
    Metrics {
        ap: ap(0..10, 0, None),
        ap50: ap(0..1, 0, None),
        ap75: ap(5..6, 0, None),
        ap_small: ap(0..10, 1, None),
        ap_medium: ap(0..10, 2, None),
        ap_large: ap(0..10, 3, None),
        ap_rare: ap(0..10, 0, Some("r")),
        ap_common: ap(0..10, 0, Some("c")),
        ap_frequent: ap(0..10, 0, Some("f")),
        ar: ar(0),
        ar_small: ar(1),
        ar_medium: ar(2),
        ar_large: ar(3),
    }
}

/// AP over all categories at once, and over those of each letter.
fn summarize_pools(
    input: &Input<'_>,
    images: &BTreeSet<i64>,
    categories: &[i64],
    detections: &[(i64, Detection)],
) -> Metrics {
    let ap = |letter: Option<&str>| {
        let mut evaluated = Vec::new();
        for &image in images {
            for &category in
                categories.iter().filter(|&&category| letter.is_none_or(|of| frequency(input, category) == of))
            {
                evaluated.extend(evaluate_image(input, images, categories, detections, image, category, &AREAS[0]));
            }
        }
        mean(accumulate(&evaluated).into_iter().flat_map(|(curve, _)| curve).collect())
    };
    Metrics {
        ap: ap(None),
        ap_rare: ap(Some("r")),
        ap_common: ap(Some("c")),
        ap_frequent: ap(Some("f")),
        ..Metrics::default()
    }
}

/// The letter of a category.
fn frequency(input: &Input<'_>, category: i64) -> String {
    let record = input.annotations.categories.iter().rev().find(|record| record.id == category).unwrap();
    record.frequency.clone().unwrap()
}

fn mean(mut values: Vec<f64>) -> Option<f64> {
    values.retain(|&value| value > -1.0);
    (!values.is_empty()).then(|| pairwise_sum(&values) / values.len() as f64)
}

/// numpy's summation, in its own recursive form.
fn pairwise_sum(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 8 {
        return values.iter().sum();
    }
    if n > 128 {
        let half = n / 2 - n / 2 % 8;
        return pairwise_sum(&values[..half]) + pairwise_sum(&values[half..]);
    }
    let mut r: [f64; 8] = values[..8].try_into().unwrap();
    let full = n - n % 8;
    for i in (8..full).step_by(8) {
        for j in 0..8 {
            r[j] += values[i + j];
        }
    }
    let sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    values[full..].iter().fold(sum, |sum, value| sum + value)
}
