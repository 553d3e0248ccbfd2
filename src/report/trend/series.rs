//! The series behind a trend.

use serde::Serialize;

use crate::report::text::named;
use crate::report::{StoredRun, VariantMetrics};

/// One run of a trend.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrendRun {
    /// Its folder as given.
    pub run: String,
    /// Version of zoobench that made it.
    pub zoobench_version: String,
    /// Name of the zoo.
    pub zoo: String,
    /// Why its numbers are not comparable with published ones, if they are not.
    pub caveat: Option<String>,
    /// What its numbers depend on beside the code: annotation file, images and protocol differ from
    /// those of the run before. Always empty for the first run.
    pub changed: Vec<&'static str>,
}

/// One metric of one variant over the runs. AP and AR are fractions in 0..=1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrendSeries {
    /// The variant.
    pub variant: String,
    /// `segm/AP` and so on, or `detections_per_image`.
    pub metric: String,
    /// The value in each run; `None` where it was not measured.
    pub values: Vec<Option<f64>>,
    /// Value minus that of the first run; `None` where the two cannot be compared.
    pub from_first: Vec<Option<f64>>,
    /// Value minus that of the run before; `None` where the two cannot be compared.
    pub from_previous: Vec<Option<f64>>,
}

/// Runs of a zoo in their order.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// The runs, oldest first.
    pub runs: Vec<TrendRun>,
    /// Every metric of every variant that at least one run measured.
    pub series: Vec<TrendSeries>,
    /// Variants whose weights differ between runs: their numbers moved for that reason too.
    pub other_weights: Vec<String>,
}

impl Trend {
    /// The trend of runs in their order, each with its name.
    pub fn of(runs: &[(String, &StoredRun)]) -> Self {
        let stored: Vec<&StoredRun> = runs.iter().map(|(_, run)| *run).collect();
        let described = runs.iter().enumerate().map(|(index, (name, run))| {
            let before = index.checked_sub(1).map(|before| stored[before]);
            let changed = before.map_or_else(Vec::new, |before| changes(before, run));
            TrendRun {
                run: name.clone(),
                zoobench_version: run.record().zoobench_version.clone(),
                zoo: run.record().zoo.clone(),
                caveat: run.caveat(),
                changed,
            }
        });
        let variants = variants(&stored);
        let other_weights = variants.iter().filter(|variant| has_other_weights(&stored, variant)).cloned().collect();
        let series = variants.iter().flat_map(|variant| variant_series(&stored, variant)).collect();
        Self { runs: described.collect(), series, other_weights }
    }

    /// The series of one metric, one a variant.
    pub(in crate::report) fn of_metric<'a>(&'a self, metric: &'a str) -> impl Iterator<Item = &'a TrendSeries> {
        self.series.iter().filter(move |series| series.metric == metric)
    }
}

/// What makes numbers of two runs incomparable.
fn changes(a: &StoredRun, b: &StoredRun) -> Vec<&'static str> {
    let (a, b) = (a.record(), b.record());
    let images = |data: &crate::report::Dataset| (data.images, data.images_total, data.subset.clone());
    let facts = [
        ("annotation file", a.dataset.annotations_sha256 != b.dataset.annotations_sha256),
        ("images", images(&a.dataset) != images(&b.dataset)),
        ("protocol", a.protocol != b.protocol),
    ];
    facts.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect()
}

/// Names of measured variants, in the order in which the runs first name them.
fn variants(runs: &[&StoredRun]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for run in runs {
        let measured = run.record().rows.iter().filter(|row| run.metrics(&row.variant).is_some());
        for row in measured {
            if !names.contains(&row.variant) {
                names.push(row.variant.clone());
            }
        }
    }
    names
}

fn has_other_weights(runs: &[&StoredRun], variant: &str) -> bool {
    let mut weights = runs.iter().filter_map(|run| run.metrics(variant)).map(|metrics| &metrics.weights_sha256);
    let first = weights.next();
    weights.any(|other| Some(other) != first)
}

fn variant_series(runs: &[&StoredRun], variant: &str) -> Vec<TrendSeries> {
    let measured: Vec<_> = runs.iter().map(|run| run.metrics(variant).map(values)).collect();
    let names = measured.iter().flatten().next().map(|values| values.iter().map(|(name, _)| name.clone()));
    let names: Vec<String> = names.into_iter().flatten().collect();
    let one = |(index, metric): (usize, String)| {
        let values: Vec<Option<f64>> = measured.iter().map(|run| run.as_ref().and_then(|run| run[index].1)).collect();
        let from = |to: usize, from: usize| {
            if !changes(runs[from], runs[to]).is_empty() {
                return None;
            }
            Some(values[to]? - values[from]?)
        };
        let from_first = (0..runs.len()).map(|run| from(run, 0)).collect();
        let from_previous = (0..runs.len()).map(|run| run.checked_sub(1).and_then(|before| from(run, before)));
        TrendSeries { variant: variant.to_string(), metric, from_previous: from_previous.collect(), values, from_first }
    };
    names.into_iter().enumerate().map(one).collect()
}

/// Every number of a variant, always in the same order.
fn values(metrics: &VariantMetrics) -> Vec<(String, Option<f64>)> {
    let kinds = [("segm", &metrics.results.segm), ("bbox", &metrics.results.bbox)];
    let accuracies =
        kinds.into_iter().flat_map(|(kind, found)| named(found).map(|(name, value)| (format!("{kind}/{name}"), value)));
    let detections = (metrics.images > 0).then(|| metrics.detections as f64 / metrics.images as f64);
    accuracies.chain([("detections_per_image".to_string(), detections)]).collect()
}
