//! YOLOv8's CSPDarknet: image to feature pyramid.

use super::builder::Builder;
use super::graph::{Part, ValueId};
use crate::model::Architecture;

const BACKBONE: &str = "backbone.image_model";

/// Appends the backbone; returns P3, P4, P5 (strides 8, 16, 32).
pub(super) fn build(b: &mut Builder, architecture: &Architecture, image: ValueId) -> [ValueId; 3] {
    b.enter(Part::Backbone);
    let [stem, widths @ ..] = architecture.widths;
    let mut x = b.conv_bn_silu(format!("{BACKBONE}.stem"), image, stem, 3, 2);
    let stages = widths.into_iter().zip(architecture.backbone_blocks).zip(1..);
    let features: Vec<ValueId> = stages
        .map(|((width, blocks), number)| {
            let name = format!("{BACKBONE}.stage{number}");
            x = b.conv_bn_silu(format!("{name}.0"), x, width, 3, 2);
            x = b.csp(&format!("{name}.1"), x, width, blocks, true, None);
            x
        })
        .collect();
    [features[1], features[2], pyramid_pooling(b, &format!("{BACKBONE}.stage4.2"), features[3])]
}

/// SPPF: the map and three chained 5 x 5 max-poolings of it, side by side.
fn pyramid_pooling(b: &mut Builder, name: &str, x: ValueId) -> ValueId {
    let channels = b.channels(x);
    let mut pooled = vec![b.conv_bn_silu(format!("{name}.conv1"), x, channels / 2, 1, 1)];
    for step in 0..3 {
        let next = b.max_pool(format!("{name}.poolings.{step}"), pooled[step], 5);
        pooled.push(next);
    }
    let all = b.concat(format!("{name}.concat"), pooled);
    let y = b.conv_bn_silu(format!("{name}.conv2"), all, channels, 1, 1);
    b.alias(name, y);
    y
}
