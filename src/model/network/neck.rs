//! The re-parameterisable vision-language path aggregation network (RepVL-PAN).

use super::builder::{Builder, Guide};
use super::graph::{Part, TextEnhancer, ValueId};
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

    let up = b.upsample("neck.upsample_layers.0".into(), p5);
    let x = b.concat("neck.top_down_layers.0.input".into(), vec![up, p4]);
    let guide = Guide { texts, heads: heads4 };
    let t4 = b.csp("neck.top_down_layers.0", x, c4, blocks, false, Some(guide));

    let up = b.upsample("neck.upsample_layers.1".into(), t4);
    let x = b.concat("neck.top_down_layers.1.input".into(), vec![up, p3]);
    let guide = Guide { texts, heads: heads3 };
    let t3 = b.csp("neck.top_down_layers.1", x, c3, blocks, false, Some(guide));

    let texts = enhance_texts(b, architecture, texts, [t3, t4, p5]);

    let down = b.conv_bn_silu("neck.downsample_layers.0".into(), t3, c3, 3, 2);
    let x = b.concat("neck.bottom_up_layers.0.input".into(), vec![down, t4]);
    let guide = Guide { texts, heads: heads4 };
    let b4 = b.csp("neck.bottom_up_layers.0", x, c4, blocks, false, Some(guide));

    let down = b.conv_bn_silu("neck.downsample_layers.1".into(), b4, c4, 3, 2);
    let x = b.concat("neck.bottom_up_layers.1.input".into(), vec![down, p5]);
    let guide = Guide { texts, heads: heads5 };
    let b5 = b.csp("neck.bottom_up_layers.1", x, c5, blocks, false, Some(guide));

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
    let text_width = architecture.text.projection;
    let op = TextEnhancer { width: enhancer.width, heads: enhancer.heads, text_width };
    b.text_enhancer(name.into(), texts, projected, op)
}
