//! What the network costs, in multiply-accumulate operations.

use super::graph::{Graph, Node, Op, Part, TextEnhancer};

impl Graph {
    /// Multiply-accumulates of a part for one image and `classes` texts: convolutions, linear
    /// layers and matrix products. Normalisation, activation and pooling are not counted.
    pub fn macs(&self, part: Part, classes: usize) -> u64 {
        self.nodes.iter().filter(|node| node.part == part).map(|node| self.node_macs(node, classes as u64)).sum()
    }

    /// Multiply-accumulates of the whole image network for one image and `classes` texts.
    pub fn total_macs(&self, classes: usize) -> u64 {
        [Part::Backbone, Part::Neck, Part::Head].into_iter().map(|part| self.macs(part, classes)).sum()
    }

    fn node_macs(&self, node: &Node, classes: u64) -> u64 {
        let positions = node.shape.positions() as u64;
        match &node.op {
            Op::Conv(conv) => {
                let taps = conv.in_channels * conv.kernel * conv.kernel;
                positions * taps as u64 * conv.out_channels as u64
            }
            Op::TextAttention(attention) => {
                let per_class = attention.text_width as u64 + positions;
                classes * attention.channels as u64 * per_class
            }
            Op::TextEnhancer(enhancer) => enhancer_macs(enhancer, node.inputs.len() - 1, classes),
            Op::ClassContrast(contrast) => classes * contrast.text_width as u64 * positions,
            Op::BoxDistribution { bins } => 4 * *bins as u64 * positions,
            Op::Image | Op::Texts | Op::Slice { .. } | Op::Concat | Op::Add => 0,
            Op::Upsample | Op::MaxPool { .. } => 0,
        }
    }
}

fn enhancer_macs(enhancer: &TextEnhancer, levels: usize, classes: u64) -> u64 {
    let (width, text_width) = (enhancer.width as u64, enhancer.text_width as u64);
    let tokens = (levels * TextEnhancer::CELLS * TextEnhancer::CELLS) as u64;
    let queries_and_output = 2 * classes * width * text_width;
    let keys_and_values = 2 * tokens * width * width;
    let attention = 2 * classes * tokens * width;
    queries_and_output + keys_and_values + attention
}
