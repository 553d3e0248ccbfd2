//! Decoupled head: classes by similarity to the texts, boxes by distribution, masks by prototypes.

use super::builder::{Builder, BATCH_NORM_EPSILON};
use super::graph::{ClassNorm, LevelOutputs, Outputs, Part, ValueId};
use crate::model::{Architecture, Family, MASK_CHANNELS};

const HEAD: &str = "bbox_head.head_module";
const STRIDES: [u32; 3] = [8, 16, 32];

/// Appends the head.
pub(super) fn build(b: &mut Builder, architecture: &Architecture, pyramid: [ValueId; 3], texts: ValueId) -> Outputs {
    b.enter(Part::Head);
    // The smallest level comes first: what it finds raises the floor before the largest is searched.
    let mut levels: Vec<_> =
        (0..3).rev().map(|level| build_level(b, architecture, level, pyramid[level], texts)).collect();
    levels.reverse();
    Outputs { levels, prototypes: prototypes(b, architecture, pyramid[0]) }
}

fn build_level(b: &mut Builder, architecture: &Architecture, level: usize, x: ValueId, texts: ValueId) -> LevelOutputs {
    let head = &architecture.head;
    let embedding = branch(b, &format!("{HEAD}.cls_preds.{level}"), x, head.class_hidden, architecture.text.projection);
    let norm = match architecture.family {
        Family::V1 => ClassNorm::Length,
        Family::V2 => ClassNorm::BatchNorm { epsilon: BATCH_NORM_EPSILON },
    };
    let logits = b.class_contrast(format!("{HEAD}.cls_contrasts.{level}"), embedding, texts, norm);
    let bins = branch(b, &format!("{HEAD}.reg_preds.{level}"), x, head.box_hidden, 4 * head.box_bins);
    let distances = b.box_distribution(format!("{HEAD}.reg_preds.{level}.distances"), bins, head.box_bins);
    let coefficients = branch(b, &format!("{HEAD}.seg_preds.{level}"), x, head.mask_hidden, MASK_CHANNELS);
    LevelOutputs { stride: STRIDES[level], logits, distances, coefficients }
}

/// Two 3 x 3 convolutions and a 1 x 1 convolution with bias.
fn branch(b: &mut Builder, name: &str, x: ValueId, hidden: usize, out: usize) -> ValueId {
    let y = b.conv_bn_silu(format!("{name}.0"), x, hidden, 3, 1);
    let y = b.conv_bn_silu(format!("{name}.1"), y, hidden, 3, 1);
    b.pointwise(format!("{name}.2"), y, out)
}

/// Mask prototypes from P3, at a quarter of the input's resolution. The last convolution is
/// followed by normalisation and SiLU as well.
fn prototypes(b: &mut Builder, architecture: &Architecture, p3: ValueId) -> ValueId {
    let name = format!("{HEAD}.proto_pred");
    let hidden = architecture.head.prototype_hidden;
    let y = b.conv_bn_silu(format!("{name}.conv1"), p3, hidden, 3, 1);
    let y = b.upsample(format!("{name}.upsample"), y);
    let y = b.conv_bn_silu(format!("{name}.conv2"), y, hidden, 3, 1);
    let y = b.conv_bn_silu(format!("{name}.conv3"), y, MASK_CHANNELS, 1, 1);
    b.alias(name, y);
    y
}
