//! Head outputs of the post-processing goldens, regenerated: nothing of them is stored.
#![allow(dead_code)]

use serde::Deserialize;
use zoobench::model::{HeadOutput, Letterbox, LevelOutput, MASK_CHANNELS};

/// One case of `postprocess.json`: how its input is made and what the reference answered.
#[derive(Debug, Deserialize)]
pub struct Case {
    #[serde(rename = "K")]
    pub classes: usize,
    pub logit_lo: Option<f32>,
    pub logit_hi: Option<f32>,
    pub dmax: Option<f32>,
    pub quant: Option<f32>,
    pub ori_shape: [u32; 2],
    pub pad_param: [f32; 4],
    pub n_after_nms: usize,
    pub scores: Vec<f32>,
    pub labels: Vec<usize>,
    pub boxes: Vec<f32>,
    pub areas: Vec<u32>,
    pub rle: Vec<String>,
}

impl Case {
    pub fn letterbox(&self) -> Letterbox {
        let ([height, width], [top, bottom, left, right]) = (self.ori_shape, self.pad_param.map(|pad| pad as u32));
        Letterbox { height, width, top, bottom, left, right }
    }

    /// The head output called `name`.
    pub fn output(&self, name: &str) -> HeadOutput {
        match (self.logit_lo, self.logit_hi, self.dmax) {
            (Some(low), Some(high), Some(reach)) => generated(name, self.classes, [low, high], reach, self.quant),
            _ => crafted(),
        }
    }
}

/// Random logits in `low..high`, distances in `0..reach`, coefficients in `-0.5..0.5`.
pub fn generated(name: &str, classes: usize, logits: [f32; 2], reach: f32, quant: Option<f32>) -> HeadOutput {
    let [low, high] = logits;
    let level = |index: usize, side: usize, stride: u32| {
        let positions = side * side;
        let tensor = |kind: &str, channels: usize, centre: f32, amplitude: f32| {
            uniform(&format!("pp.{name}.{kind}{index}"), channels * positions, centre, amplitude)
        };
        let mut logits = tensor("cls", classes, (low + high) / 2.0, (high - low) / 2.0);
        if let Some(quant) = quant {
            logits.iter_mut().for_each(|logit| *logit = (*logit * quant).floor() / quant);
        }
        LevelOutput {
            stride,
            height: side,
            width: side,
            logits,
            distances: tensor("ltrb", 4, reach / 2.0, reach / 2.0),
            coefficients: tensor("coeff", MASK_CHANNELS, 0.0, 0.5),
        }
    };
    head(classes, vec![level(0, 80, 8), level(1, 40, 16), level(2, 20, 32)])
}

/// Two boxes of different classes that the class shift places on one another: the second lies at
/// negative coordinates.
fn crafted() -> HeadOutput {
    let level = |side: usize, stride: u32| LevelOutput {
        stride,
        height: side,
        width: side,
        logits: vec![-20.0; 2 * side * side],
        distances: vec![1.0; 4 * side * side],
        coefficients: vec![1.0; MASK_CHANNELS * side * side],
    };
    let mut levels = vec![level(80, 8), level(40, 16), level(20, 32)];
    // Class 0 at (632, 632): 624..640 on either axis.
    set(&mut levels[1].distances, 1600, 1599, [0.5; 4]);
    levels[1].logits[1599] = 2.0;
    // Class 1 at (4, 4): -17..-1 on either axis, 641 further with the shift.
    set(&mut levels[0].distances, 6400, 0, [21.0 / 8.0, 21.0 / 8.0, -5.0 / 8.0, -5.0 / 8.0]);
    levels[0].logits[6400] = 1.0;
    head(2, levels)
}

fn set(distances: &mut [f32], positions: usize, position: usize, values: [f32; 4]) {
    for (side, value) in values.into_iter().enumerate() {
        distances[side * positions + position] = value;
    }
}

fn head(classes: usize, levels: Vec<LevelOutput>) -> HeadOutput {
    HeadOutput { classes, levels, prototype_height: 160, prototype_width: 160, prototypes: waves(160) }
}

/// Triangle waves of different slope in every channel: smooth masks with straight edges.
pub fn waves(side: usize) -> Vec<f32> {
    let wave = |channel: usize, row: usize, column: usize| {
        let ramp = (2 * (1 + channel % 7) * column + 3 * (1 + channel % 5) * row + 31 * channel) % 512;
        ramp.min(511 - ramp) as f32 / 128.0 - 1.0
    };
    let pixels = move |channel| (0..side * side).map(move |pixel| wave(channel, pixel / side, pixel % side));
    (0..MASK_CHANNELS).flat_map(pixels).collect()
}

/// The goldens' parameter generator: splitmix64 from the FNV-1a hash of the tensor's name, 24 bits a
/// value, uniform in `centre - amplitude .. centre + amplitude`.
fn uniform(name: &str, count: usize, centre: f32, amplitude: f32) -> Vec<f32> {
    let hash = |seed: u64, byte: u8| (seed ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    let value = |index: u64| {
        let state = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let unit = (splitmix(state) >> 40) as f32 / 8_388_608.0 - 1.0;
        centre + amplitude * unit
    };
    (0..count as u64).map(value).collect()
}

fn splitmix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}
