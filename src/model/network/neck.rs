//! The re-parameterisable vision-language path aggregation network (RepVL-PAN).

use super::builder::{Builder, Chain};
use super::graph::{Part, ValueId};
use crate::model::Architecture;

/// Appends the neck; returns the text-guided P3, P4, P5.
///
/// The enhanced texts guide the bottom-up path only: the head receives the original ones.
pub(super) fn build(
    b: &mut Builder,
    architecture: &Architecture,
    [p3, p4, p5]: [ValueId; 3],
    texts: ValueId,
) -> [ValueId; 3] {
    b.enter(Part::Neck);
    let [heads3, heads4, heads5] = architecture.attention_heads;
    let [c3, c4, c5] = architecture.pyramid_widths();
    let blocks = architecture.neck_blocks;
    let layer = |b: &mut Builder, name: &str, parts: [ValueId; 2], out, texts, heads| {
        let x = b.concat(format!("{name}.input"), parts.to_vec());
        b.csp(name, x, out, blocks, Chain::Guided { texts, heads })
    };

    let up = b.upsample("neck.upsample_layers.0".into(), p5);
    let t4 = layer(b, "neck.top_down_layers.0", [up, p4], c4, texts, heads4);
    let up = b.upsample("neck.upsample_layers.1".into(), t4);
    let t3 = layer(b, "neck.top_down_layers.1", [up, p3], c3, texts, heads3);

    let texts = enhance_texts(b, architecture, texts, [t3, t4, p5]);

    let down = b.conv_bn_silu("neck.downsample_layers.0".into(), t3, c3, 3, 2);
    let b4 = layer(b, "neck.bottom_up_layers.0", [down, t4], c4, texts, heads4);
    let down = b.conv_bn_silu("neck.downsample_layers.1".into(), b4, c4, 3, 2);
    let b5 = layer(b, "neck.bottom_up_layers.1", [down, p5], c5, texts, heads5);
    [t3, b4, b5]
}

/// Texts that have seen the image (v1); v2 passes them through.
fn enhance_texts(b: &mut Builder, architecture: &Architecture, texts: ValueId, maps: [ValueId; 3]) -> ValueId {
    let Some(enhancer) = architecture.enhancer else {
        return texts;
    };
    let name = "neck.text_enhancer";
    let mut projected = Vec::new();
    for (level, map) in maps.into_iter().enumerate() {
        let module = format!("{name}.projections.{level}");
        let y = b.pointwise(format!("{module}.conv"), map, enhancer.width);
        b.alias(module, y);
        projected.push(y);
    }
    b.text_enhancer(name.into(), texts, projected, enhancer.heads)
}
