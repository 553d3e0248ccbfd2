//! Appends nodes to a graph and keeps track of shapes.

use super::graph::{
    Activation, Affine, ClassContrast, ClassNorm, Conv, Graph, Node, Op, Outputs, Part, Shape, TextAttention,
    TextEnhancer, ValueId,
};
use crate::model::Letterbox;

/// Epsilon of every batch normalisation of the image network. PyTorch's default would be 1e-5.
pub(super) const BATCH_NORM_EPSILON: f64 = 1e-3;

/// A graph under construction.
pub(super) struct Builder {
    nodes: Vec<Node>,
    aliases: Vec<(String, ValueId)>,
    part: Part,
}

/// Text guidance of a [`Builder::csp`] layer.
pub(super) struct Guide {
    pub texts: ValueId,
    pub heads: usize,
}

impl Builder {
    pub fn new() -> Self {
        Self { nodes: Vec::new(), aliases: Vec::new(), part: Part::Backbone }
    }

    pub fn finish(self, outputs: Outputs) -> Graph {
        Graph { nodes: self.nodes, aliases: self.aliases, outputs }
    }

    /// Books the nodes that follow to a part.
    pub fn enter(&mut self, part: Part) {
        self.part = part;
    }

    fn push(&mut self, name: String, op: Op, inputs: Vec<ValueId>, shape: Shape) -> ValueId {
        self.nodes.push(Node { name, op, inputs, shape, part: self.part });
        ValueId(self.nodes.len() - 1)
    }

    /// Channels, rows and columns of a map.
    fn map(&self, value: ValueId) -> (usize, usize, usize) {
        match self.nodes[value.0].shape {
            Shape::Map { channels, height, width } => (channels, height, width),
            Shape::Texts { .. } | Shape::Logits { .. } => unreachable!("only maps are given to map operations"),
        }
    }

    /// Channels of a map.
    pub fn channels(&self, value: ValueId) -> usize {
        self.map(value).0
    }

    /// Gives a value a further name.
    pub fn alias(&mut self, name: impl Into<String>, value: ValueId) {
        self.aliases.push((name.into(), value));
    }

    pub fn image(&mut self) -> ValueId {
        let side = Letterbox::SIZE as usize;
        self.push("image".into(), Op::Image, vec![], Shape::Map { channels: 3, height: side, width: side })
    }

    pub fn texts(&mut self, width: usize) -> ValueId {
        self.push("texts".into(), Op::Texts, vec![], Shape::Texts { width })
    }

    fn conv(&mut self, name: String, x: ValueId, conv: Conv) -> ValueId {
        let (_, height, width) = self.map(x);
        let stride = conv.stride;
        let shape =
            Shape::Map { channels: conv.out_channels, height: height.div_ceil(stride), width: width.div_ceil(stride) };
        self.push(name, Op::Conv(conv), vec![x], shape)
    }

    /// Convolution, batch normalisation, SiLU: the network's main building block.
    pub fn conv_bn_silu(&mut self, name: String, x: ValueId, out: usize, kernel: usize, stride: usize) -> ValueId {
        let affine = Affine::BatchNorm { epsilon: BATCH_NORM_EPSILON };
        let in_channels = self.channels(x);
        let conv = Conv { in_channels, out_channels: out, kernel, stride, affine, activation: Activation::Silu };
        self.conv(name, x, conv)
    }

    /// 3 x 3 convolution and batch normalisation, without activation.
    fn conv_bn(&mut self, name: String, x: ValueId, out: usize) -> ValueId {
        let affine = Affine::BatchNorm { epsilon: BATCH_NORM_EPSILON };
        let in_channels = self.channels(x);
        let activation = Activation::Identity;
        self.conv(name, x, Conv { in_channels, out_channels: out, kernel: 3, stride: 1, affine, activation })
    }

    /// 1 x 1 convolution with bias.
    pub fn pointwise(&mut self, name: String, x: ValueId, out: usize) -> ValueId {
        let in_channels = self.channels(x);
        let (affine, activation) = (Affine::Bias, Activation::Identity);
        self.conv(name, x, Conv { in_channels, out_channels: out, kernel: 1, stride: 1, affine, activation })
    }

    fn slice(&mut self, name: String, x: ValueId, first: usize, channels: usize) -> ValueId {
        let (_, height, width) = self.map(x);
        self.push(name, Op::Slice { first }, vec![x], Shape::Map { channels, height, width })
    }

    pub fn concat(&mut self, name: String, parts: Vec<ValueId>) -> ValueId {
        let (_, height, width) = self.map(parts[0]);
        let channels = parts.iter().map(|&part| self.channels(part)).sum();
        self.push(name, Op::Concat, parts, Shape::Map { channels, height, width })
    }

    fn add(&mut self, name: String, a: ValueId, b: ValueId) -> ValueId {
        let shape = self.nodes[a.0].shape;
        self.push(name, Op::Add, vec![a, b], shape)
    }

    pub fn upsample(&mut self, name: String, x: ValueId) -> ValueId {
        let (channels, height, width) = self.map(x);
        let shape = Shape::Map { channels, height: 2 * height, width: 2 * width };
        self.push(name, Op::Upsample, vec![x], shape)
    }

    pub fn max_pool(&mut self, name: String, x: ValueId, kernel: usize) -> ValueId {
        let shape = self.nodes[x.0].shape;
        self.push(name, Op::MaxPool { kernel }, vec![x], shape)
    }

    pub fn text_enhancer(&mut self, name: String, texts: ValueId, maps: Vec<ValueId>, op: TextEnhancer) -> ValueId {
        let shape = self.nodes[texts.0].shape;
        let inputs = [vec![texts], maps].concat();
        self.push(name, Op::TextEnhancer(op), inputs, shape)
    }

    pub fn class_contrast(&mut self, name: String, embedding: ValueId, texts: ValueId, norm: ClassNorm) -> ValueId {
        let (text_width, height, width) = self.map(embedding);
        let op = Op::ClassContrast(ClassContrast { text_width, norm });
        self.push(name, op, vec![embedding, texts], Shape::Logits { height, width })
    }

    pub fn box_distribution(&mut self, name: String, x: ValueId, bins: usize) -> ValueId {
        let (_, height, width) = self.map(x);
        self.push(name, Op::BoxDistribution { bins }, vec![x], Shape::Map { channels: 4, height, width })
    }

    /// Cross-stage-partial layer (YOLOv8's C2f): half of the channels pass through a chain of
    /// `blocks` bottlenecks, and every link of the chain goes into the final convolution. With a
    /// guide, a text attention is the chain's last link.
    pub fn csp(
        &mut self,
        name: &str,
        x: ValueId,
        out: usize,
        blocks: usize,
        residual: bool,
        guide: Option<Guide>,
    ) -> ValueId {
        let half = out / 2;
        let split = self.conv_bn_silu(format!("{name}.main_conv"), x, 2 * half, 1, 1);
        let mut links = vec![
            self.slice(format!("{name}.split.0"), split, 0, half),
            self.slice(format!("{name}.split.1"), split, half, half),
        ];
        let mut last = links[1];
        for block in 0..blocks {
            last = self.bottleneck(&format!("{name}.blocks.{block}"), last, residual);
            links.push(last);
        }
        if let Some(guide) = guide {
            links.push(self.text_attention(&format!("{name}.attn_block"), last, guide));
        }
        let all = self.concat(format!("{name}.concat"), links);
        let y = self.conv_bn_silu(format!("{name}.final_conv"), all, out, 1, 1);
        self.alias(name, y);
        y
    }

    /// Two 3 x 3 convolutions, their input added if `residual`.
    fn bottleneck(&mut self, name: &str, x: ValueId, residual: bool) -> ValueId {
        let channels = self.channels(x);
        let y = self.conv_bn_silu(format!("{name}.conv1"), x, channels, 3, 1);
        let y = self.conv_bn_silu(format!("{name}.conv2"), y, channels, 3, 1);
        if residual {
            return self.add(name.to_owned(), y, x);
        }
        self.alias(name, y);
        y
    }

    fn text_attention(&mut self, name: &str, x: ValueId, guide: Guide) -> ValueId {
        let channels = self.channels(x);
        let projected = self.conv_bn(format!("{name}.project_conv"), x, channels);
        let text_width = match self.nodes[guide.texts.0].shape {
            Shape::Texts { width } => width,
            Shape::Map { .. } | Shape::Logits { .. } => unreachable!("guides are texts"),
        };
        let op = Op::TextAttention(TextAttention { channels, heads: guide.heads, text_width });
        let shape = self.nodes[x.0].shape;
        self.push(name.to_owned(), op, vec![x, projected, guide.texts], shape)
    }
}
