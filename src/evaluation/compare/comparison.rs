//! The comparison of two states.

use serde::{Deserialize, Serialize};

use super::super::bootstrap::{paired, percentile_interval, Resampler, Sampled, LEVEL};
use super::super::results::names;
use super::super::summary::instances_behind;
use super::super::{AreaRule, IouType, Protocol, Resampling, State, StateError};
use super::details::{category_differences, image_differences, CategoryDifference, ImageDifference};
use super::significance::two_sided;

/// Version of the form; it changes when a key changes its meaning or goes.
const SCHEMA_VERSION: u32 = 1;

/// What two sets of detections differ in. Differences are the second set's value less the first's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of this form.
    pub schema_version: u32,
    /// The protocol of both.
    pub protocol: Protocol,
    /// What was compared with the annotations.
    pub iou: IouType,
    /// The area that decided: `box` or `mask`.
    pub area_used: AreaRule,
    /// Detections of an image that count.
    pub max_detections: usize,
    /// Annotation file as given for the first set.
    pub annotations: String,
    /// SHA-256 of its bytes, lower-case hex.
    pub annotations_sha256: String,
    /// Images evaluated.
    pub images: u64,
    /// Images of the annotation file.
    pub images_total: u64,
    /// The first set of detections, as given.
    pub a: String,
    /// The second.
    pub b: String,
    /// Share of the resamples that each interval spans: 0.95.
    pub level: f64,
    /// Resamples drawn.
    pub resamples: u32,
    /// What they were drawn from.
    pub seed: u64,
    /// In the order of [`Results`](super::super::Results).
    pub metrics: Vec<MetricDifference>,
    /// Every category with instances, the largest gain first.
    pub per_category: Vec<CategoryDifference>,
    /// Every image with another number of true positives at IoU 0.5, the largest gain first.
    pub per_image: Vec<ImageDifference>,
}

/// The paired difference of one number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricDifference {
    /// lvis-api's name of the number.
    pub metric: String,
    /// The first set's value as a fraction; null without instances.
    pub a: Option<f64>,
    /// The second set's.
    pub b: Option<f64>,
    /// `b - a`.
    pub difference: Option<f64>,
    /// The 2.5th percentile of the difference over the resamples; null where there is no interval.
    pub low: Option<f64>,
    /// The 97.5th percentile.
    pub high: Option<f64>,
    /// `min(1, 2 (1 + min(#{d <= 0}, #{d >= 0})) / (n + 1))` over the differences `d` of the `n` resamples
    /// in which the number exists.
    pub p_value: Option<f64>,
    /// Resamples in which the number exists.
    pub resamples: u32,
    /// Categories that the number is a mean over.
    pub categories: u32,
    /// Instances of these categories that count.
    pub instances: u64,
    /// Of these categories, how many have a single instance.
    pub categories_with_one_instance: u32,
}

/// Compares `b` with `a`, on the threads of the current rayon pool; the outcome does not depend on them.
///
/// A paired bootstrap over images: in each resample both are counted with the same weights. A gate that
/// must not pass a loss by chance asks whether `high` is below 0, or `p_value` below a level, for the
/// number it guards. With fewer than two images there is neither interval nor p-value.
///
/// # Errors
/// [`StateError::Foreign`] where annotations, protocol, IoU type, area rule or limit of detections
/// differ, [`StateError::OtherArea`] where the areas that decided do, and [`StateError::OtherImages`].
pub fn compare_states(a: &State, b: &State, resampling: Resampling) -> Result<Comparison, StateError> {
    b.check_alike(a)?;
    b.check_area(a)?;
    check_images(a, b)?;
    let evaluations = [a.evaluation(), b.evaluation()];
    let samples = paired(&Resampler::new(a), &Resampler::new(b), resampling);
    let values = [evaluations[0].results.values(), evaluations[1].results.values()];
    let instances = instances_behind(&a.counted(), &a.groups());
    let can_vary = a.images.len() > 1;
    let difference = |(metric, name): (usize, Option<String>)| {
        let values = values.map(|values| values[metric]);
        Some(metric_difference(metric, name?, values, &instances[metric], if can_vary { &samples } else { &[] }))
    };
    Ok(Comparison {
        schema_version: SCHEMA_VERSION,
        protocol: a.about.protocol,
        iou: a.about.iou,
        area_used: if a.about.area_used == AreaRule::Auto { b.about.area_used } else { a.about.area_used },
        max_detections: a.about.max_detections,
        annotations: a.about.annotations.clone(),
        annotations_sha256: a.about.annotations_sha256.clone(),
        images: a.images.len() as u64,
        images_total: a.image_ids.len() as u64,
        a: a.about.detections.clone(),
        b: b.about.detections.clone(),
        level: LEVEL,
        resamples: resampling.resamples,
        seed: resampling.seed,
        metrics: names(&a.about.options()).into_iter().enumerate().filter_map(difference).collect(),
        per_category: category_differences(&evaluations[0], &evaluations[1]),
        per_image: image_differences(a, b),
    })
}

impl Comparison {
    /// Indented JSON with a final line break; the same bytes for the same numbers.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("numbers and strings can always be written");
        text.push('\n');
        text
    }
}

fn check_images(a: &State, b: &State) -> Result<(), StateError> {
    let positions = |state: &State| state.images.iter().map(|image| image.image).collect::<Vec<_>>();
    let (of_a, of_b) = (positions(a), positions(b));
    let pairs = of_a.iter().zip(&of_b).find(|(x, y)| x != y).map(|(&x, &y)| x.min(y));
    let longer = if of_a.len() > of_b.len() { &of_a } else { &of_b };
    match pairs.or_else(|| longer.get(of_a.len().min(of_b.len())).copied()) {
        None => Ok(()),
        Some(position) => Err(StateError::OtherImages {
            source_name: b.source.clone(),
            other: a.source.clone(),
            image: a.image_ids[position as usize],
        }),
    }
}

fn metric_difference(
    metric: usize,
    name: String,
    values: [Option<f64>; 2],
    instances: &[u32],
    samples: &[[Sampled; 2]],
) -> MetricDifference {
    let sampled = |[a, b]: &[Sampled; 2]| Some(b.values[metric]? - a.values[metric]?);
    let mut differences: Vec<f64> = samples.iter().filter_map(sampled).collect();
    let bounds = percentile_interval(&mut differences);
    let [a, b] = values;
    MetricDifference {
        metric: name,
        a,
        b,
        difference: a.zip(b).map(|(a, b)| b - a),
        low: bounds.map(|[low, _]| low),
        high: bounds.map(|[_, high]| high),
        p_value: two_sided(&differences),
        resamples: differences.len() as u32,
        categories: instances.len() as u32,
        instances: instances.iter().copied().map(u64::from).sum(),
        categories_with_one_instance: instances.iter().filter(|&&count| count == 1).count() as u32,
    }
}
