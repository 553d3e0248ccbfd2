//! The stored form of a run: `run.json` and each variant's `metrics.json`.
//!
//! `report` renders from these alone, so whatever a table or plot shows is in them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Context, VariantLatency};
use crate::evaluation::{Agreement, AreaRule, CategoryMetrics, Curves, Metrics, Swallowed};

/// Version of the stored forms that this version reads and writes.
pub const RUN_SCHEMA_VERSION: u32 = 1;

/// Half a unit of the last digit that model zoos print, in AP points: a published 16.7 is the
/// interval [16.65, 16.75].
pub const ROUNDING_TOLERANCE_AP: f64 = 0.05;

/// Whether `name` can name a variant, whose results stand in a folder of that name: 1 to 200 of
/// `A-Z a-z 0-9 . _ -`, beginning with a letter or digit, not ending in a dot, and no device name
/// of Windows.
pub fn is_folder_name(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().to_ascii_lowercase();
    name.len() <= 200
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && !name.ends_with('.')
        && !["con", "prn", "aux", "nul"].contains(&stem.as_str())
}

/// What computed every run that does not say what did.
fn first_engine() -> String {
    "candle".to_owned()
}

fn first_dtype() -> String {
    "f32".to_owned()
}

fn rounding_tolerance_ap() -> f64 {
    ROUNDING_TOLERANCE_AP
}

/// Published values of a model-zoo row, in AP points (0 to 100) as printed at the source.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// Mask AP.
    #[serde(rename = "AP")]
    pub ap: Option<f64>,
    /// Mask AP of rare categories.
    #[serde(rename = "APr")]
    pub ap_rare: Option<f64>,
    /// Mask AP of common categories.
    #[serde(rename = "APc")]
    pub ap_common: Option<f64>,
    /// Mask AP of frequent categories.
    #[serde(rename = "APf")]
    pub ap_frequent: Option<f64>,
    /// Box AP.
    #[serde(rename = "box_AP")]
    pub box_ap: Option<f64>,
    /// Box AP of rare categories.
    #[serde(rename = "box_APr")]
    pub box_ap_rare: Option<f64>,
    /// Where the values stand.
    pub source: String,
}

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowStatus {
    /// Evaluated: its `metrics.json` stands in the variant's folder.
    Done,
    /// It was tried and failed; `detail` says why.
    Failed,
    /// No weights file was found; `detail` says where one comes from, or that none is public.
    NoWeights,
    /// Not asked for.
    Skipped,
    /// Not reached before the run was interrupted.
    Pending,
}

impl RowStatus {
    /// The word used in tables, as the stored form spells it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::NoWeights => "no_weights",
            Self::Skipped => "skipped",
            Self::Pending => "pending",
        }
    }
}

/// One row of the model-zoo table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Name of the variant, also of its folder.
    pub variant: String,
    /// Title in tables, for example `YOLO-World-Seg-M`.
    pub title: String,
    /// `v1` or `v2`.
    pub family: String,
    /// `M`, `L`, or another name of width and depth.
    pub size: String,
    /// Which modules were fine-tuned, for example `all modules`.
    pub tuned: String,
    /// What became of it.
    pub status: RowStatus,
    /// Why it failed or has no weights.
    pub detail: Option<String>,
    /// Published values.
    pub published: Option<Published>,
    /// Footnotes: facts that belong beside the row.
    pub footnotes: Vec<String>,
}

/// How the numbers were made: what a metric means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// `lvis`: lvis-api's standard AP.
    pub id: String,
    /// Name of the split, for example `lvis_v1_val`.
    pub split: String,
    /// Detections an image at most.
    pub detections_per_image: u32,
    /// Area rule of detections.
    pub area: AreaRule,
    /// Side of the square input in pixels.
    pub input_size: u32,
    /// Scores at or below this are no candidates.
    pub score_threshold: f32,
    /// Suppression threshold.
    pub nms_iou: f32,
}

/// The data set of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dataset {
    /// Annotation file as given.
    pub annotations: String,
    /// SHA-256 of its bytes.
    pub annotations_sha256: String,
    /// Images in the annotation file.
    pub images_total: u64,
    /// Images evaluated.
    pub images: u64,
    /// Categories.
    pub categories: u64,
    /// Whether the subset is named by `--images` or cut by `--limit`: such a run is not comparable.
    pub subset: Option<String>,
    /// Which images a list named, where one did and nothing was cut from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_list: Option<ImageList>,
}

/// A list of images by its content: two lists of the same images are equal, whatever their path,
/// order and form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageList {
    /// SHA-256 of the ids in ascending order, in decimal, each followed by a line feed.
    pub sha256: String,
    /// Number of images.
    pub count: u64,
}

/// The machine a run was made on.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Machine {
    /// CPU model.
    pub cpu: String,
    /// Logical cores.
    pub cores: u32,
    /// Operating system and architecture.
    pub os: String,
    /// Threads used.
    pub threads: u32,
    /// Device of the network, for example `cpu`.
    pub device: String,
    /// What computed the network there, for example `fast`.
    #[serde(default = "first_engine")]
    pub engine: String,
    /// Its arithmetic, for example `f32`.
    #[serde(default = "first_dtype")]
    pub dtype: String,
}

/// `run.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this form.
    pub schema_version: u32,
    /// Version of zoobench.
    pub zoobench_version: String,
    /// SHA-256 of the program that made it, which ties a latency to it; absent where unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_sha256: Option<String>,
    /// Name of the zoo.
    pub zoo: String,
    /// Title of the zoo in tables.
    pub title: String,
    /// `complete` or `partial`.
    pub status: String,
    /// Whether the numbers may be compared with published ones.
    pub comparable: bool,
    /// What the published values are called: `published`, or `reference` where the reference
    /// pipeline measured them on the same data.
    pub published_label: String,
    /// |ours - published| up to which a value counts as reproduced, in AP points.
    #[serde(default = "rounding_tolerance_ap")]
    pub tolerance_ap: f64,
    /// How the numbers were made.
    pub protocol: Protocol,
    /// On which data.
    pub dataset: Dataset,
    /// Rows in the zoo's order.
    pub rows: Vec<Row>,
    /// Footnotes of the zoo as a whole.
    pub footnotes: Vec<String>,
    /// What others published on the same split; absent where there is nothing, or the run is older than this key.
    #[serde(default, skip_serializing_if = "Context::is_empty")]
    pub context: Context,
    /// On which machine.
    pub machine: Machine,
}

/// Time of one stage, summed over images.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StageTime {
    /// Name: `decode`, `letterbox`, `network`, `detection`, `evaluation`.
    pub name: String,
    /// Seconds of work, summed over images and threads.
    pub seconds: f64,
    /// Its share of the time that all stages took, 0 to 1; absent in a run older than this key, and where
    /// they took none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
}

impl StageTime {
    /// Stages by name and seconds, with their shares.
    pub fn of(stages: impl IntoIterator<Item = (String, f64)>) -> Vec<Self> {
        let stages: Vec<_> = stages.into_iter().collect();
        let all: f64 = stages.iter().map(|(_, seconds)| seconds).sum();
        let share = |seconds| (all > 0.0).then(|| seconds / all);
        stages.into_iter().map(|(name, seconds)| Self { name, seconds, share: share(seconds) }).collect()
    }
}

/// Where the time went. With `latency` the only part of `metrics.json` that differs between two equal runs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Timing {
    /// Seconds from first image to last record.
    pub wall_seconds: f64,
    /// Seconds spent on encoding the prompts; 0 where the cache had them.
    pub text_seconds: f64,
    /// Images a second.
    pub images_per_second: f64,
    /// Stages in the order of the chain.
    pub stages: Vec<StageTime>,
}

/// Results by what was compared.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VariantResults {
    /// Masks.
    pub segm: Metrics,
    /// Boxes.
    pub bbox: Metrics,
}

/// `<variant>/metrics.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantMetrics {
    /// Version of this form.
    pub schema_version: u32,
    /// Name of the variant.
    pub variant: String,
    /// `complete` or `partial`.
    pub status: String,
    /// Whether the numbers may be compared with published ones.
    pub comparable: bool,
    /// How the numbers were made.
    pub protocol: Protocol,
    /// SHA-256 of the annotation file.
    pub annotations_sha256: String,
    /// SHA-256 of the weights file.
    pub weights_sha256: String,
    /// What computed the network, for example `fast`.
    #[serde(default = "first_engine")]
    pub engine: String,
    /// Its arithmetic, for example `f32`.
    #[serde(default = "first_dtype")]
    pub dtype: String,
    /// Images evaluated.
    pub images: u64,
    /// Detections submitted.
    pub detections: u64,
    /// Parameters of the checkpoint by part: `image`, `text`, `total`.
    pub parameters: BTreeMap<String, u64>,
    /// Multiply-accumulates of one image under the run's prompts, by part of the network: `backbone`,
    /// `neck`, `head`, `total`. FLOPs are twice as many. Empty in a run older than this key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub macs: BTreeMap<String, u64>,
    /// The 13 numbers each for masks and boxes.
    pub results: VariantResults,
    /// Per category, masks.
    pub per_category: Vec<CategoryMetrics>,
    /// Precision-recall curves, masks.
    pub curves: Curves,
    /// What lvis-api swallows without a word, counted (masks).
    pub swallowed: Swallowed,
    /// Images whose decoded size is not the annotation's.
    pub image_size_mismatches: u64,
    /// Agreement with the reference's detections, where the zoo holds them.
    pub agreement: Option<Agreement>,
    /// Where the time went.
    pub timing: Timing,
    /// What `run --latency` measured of these weights; absent in a run without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<VariantLatency>,
}
