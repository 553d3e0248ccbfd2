//! Recorded values of the reference network, and the gate our values pass.

use std::collections::BTreeMap;
use std::path::Path;

use super::params::{fnv1a64, read_safetensors, read_safetensors_f64, splitmix64};

/// Stages of one architecture: 256 elements of each, as computed in f32 and in f64.
pub struct Golden {
    narrow: BTreeMap<String, Vec<f32>>,
    wide: BTreeMap<String, Vec<f64>>,
}

/// Most our error may exceed the reference's own f32 error.
pub const GATE: f64 = 6.0;
/// Relative error that counts as none.
const FLOOR: f64 = 1e-7;

impl Golden {
    pub fn open(folder: &Path, architecture: &str) -> Self {
        let path = folder.join(format!("model/{architecture}.safetensors"));
        Self { narrow: read_safetensors(&path), wide: read_safetensors_f64(&path) }
    }

    /// Recorded stages of an input and a number of classes, without the input's name and classes.
    pub fn stages(&self, input: &str, classes: usize) -> Vec<String> {
        let prefix = format!("{input}/");
        let suffix = format!("@{classes}");
        let stages = self.narrow.keys().filter_map(|key| key.strip_prefix(&prefix));
        let wanted = stages.filter_map(|stage| match stage.split_once('@') {
            Some(_) => stage.strip_suffix(&suffix),
            None => Some(stage),
        });
        wanted.map(str::to_owned).collect()
    }

    /// The key of a stage: what comes before the texts does not depend on their number.
    fn key(&self, input: &str, stage: &str, classes: usize) -> String {
        let key = format!("{input}/{stage}@{classes}");
        if self.narrow.contains_key(&key) {
            return key;
        }
        format!("{input}/{stage}")
    }

    /// Our error as a multiple of the reference's f32 error, both against f64.
    pub fn ratio(&self, input: &str, stage: &str, classes: usize, values: &[f32]) -> f64 {
        let key = self.key(input, stage, classes);
        let exact = &self.wide[&format!("{key}#f64")];
        let own = rms(self.narrow[&key].iter().zip(exact).map(|(a, b)| f64::from(*a) - b));
        let floor = FLOOR * rms(exact.iter().copied());
        let ours = rms(sample(&key, values).zip(exact).map(|(a, b)| f64::from(a) - b));
        ours / own.max(floor)
    }

    /// For numbers of classes recorded in f32 only: our distance to it, as a multiple of the f32 error
    /// of the same stage with `known` classes.
    pub fn distance(&self, input: &str, stage: &str, classes: usize, known: usize, values: &[f32]) -> f64 {
        let key = self.key(input, stage, classes);
        let narrow = &self.narrow[&key];
        let ours = rms(sample(&key, values).zip(narrow).map(|(a, b)| f64::from(a) - f64::from(*b)));
        let sibling = self.key(input, stage, known);
        let exact = &self.wide[&format!("{sibling}#f64")];
        let own = rms(self.narrow[&sibling].iter().zip(exact).map(|(a, b)| f64::from(*a) - b));
        ours / own.max(FLOOR * rms(exact.iter().copied()))
    }

    /// The recorded elements of a stage, beside ours.
    pub fn recorded<'a>(&'a self, key: &'a str, values: &'a [f32]) -> impl Iterator<Item = (f32, f32)> + 'a {
        self.narrow[key].iter().copied().zip(sample(key, values))
    }
}

/// The elements of a tensor that are recorded under a key.
pub fn sample<'a>(key: &str, values: &'a [f32]) -> impl Iterator<Item = f32> + 'a {
    let seed = fnv1a64(&format!("pos:{key}"));
    (0..256).map(move |index| values[(splitmix64(seed, index) % values.len() as u64) as usize])
}

fn rms(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for value in values {
        sum += value * value;
        count += 1;
    }
    (sum / f64::from(count.max(1))).sqrt()
}

/// The module path of a stage that the record calls by a short name.
pub fn module(stage: &str) -> String {
    if let Some(path) = stage.strip_prefix("mod.") {
        return path.to_owned();
    }
    match stage {
        "input" => "image".to_owned(),
        "bb.stem" => "backbone.image_model.stem".to_owned(),
        "bb.stage4" => "backbone.image_model.stage4.2".to_owned(),
        "neck.text" => "neck.text_enhancer".to_owned(),
        "head.proto" => "bbox_head.head_module.proto_pred".to_owned(),
        _ => numbered_module(stage),
    }
}

/// `bb.stage1`, `neck.td0.attn`, `head.logit2`, ..
fn numbered_module(stage: &str) -> String {
    let (outer, rest) = stage.split_at(stage.find(|c: char| c.is_ascii_digit()).expect("these stages have a number"));
    let (number, rest) = rest.split_at(1);
    let attention = if rest == ".attn" { ".attn_block" } else { "" };
    let head = "bbox_head.head_module";
    match outer {
        "bb.stage" => format!("backbone.image_model.stage{number}.1"),
        "neck.td" => format!("neck.top_down_layers.{number}{attention}"),
        "neck.bu" => format!("neck.bottom_up_layers.{number}{attention}"),
        "neck.ds" => format!("neck.downsample_layers.{number}"),
        "head.cls_embed" => format!("{head}.cls_preds.{number}.2"),
        "head.logit" => format!("{head}.cls_contrasts.{number}"),
        "head.reg" => format!("{head}.reg_preds.{number}.2"),
        "head.ltrb" => format!("{head}.reg_preds.{number}.distances"),
        "head.coeff" => format!("{head}.seg_preds.{number}.2"),
        _ => panic!("an unknown stage: {stage}"),
    }
}
