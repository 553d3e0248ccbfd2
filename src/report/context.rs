//! What others published: context for a table, never compared with ours.

use serde::{Deserialize, Serialize};

/// Published values of other models, or of these on other machines.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Context {
    /// Speeds.
    pub speeds: Vec<SpeedRow>,
    /// Mask AP.
    pub mask_ap: Vec<ContextRow>,
}

impl Context {
    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.speeds.is_empty() && self.mask_ap.is_empty()
    }
}

/// Mask AP of one model as its authors published it, in AP points (0 to 100).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContextRow {
    /// Model, with its prompt kind where it has several.
    pub model: String,
    /// Mask AP.
    #[serde(rename = "AP")]
    pub ap: f64,
    /// Upper end where the source gives one value per training recipe.
    #[serde(rename = "AP_to")]
    pub ap_to: Option<f64>,
    /// Mask AP of rare categories; of novel ones where `setting` says open-vocabulary LVIS.
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
    /// How it was trained and tested: which AP this is.
    pub setting: String,
    /// The split.
    pub split: String,
    /// Where the values stand.
    pub source: String,
}

/// A published speed. Machines and methods differ: never to be divided by ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpeedRow {
    /// Model.
    pub model: String,
    /// Frames a second.
    pub fps: f64,
    /// GPU.
    pub gpu: String,
    /// What was timed and how.
    pub how: String,
    /// Where the value stands.
    pub source: String,
}
