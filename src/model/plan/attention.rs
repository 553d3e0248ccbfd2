//! Max-sigmoid attention; see [`network::TextAttention`].

use super::layout::Place;
use super::rows::{rows_shape, whole, Linear};
use crate::kernels::{best_scores, scale_pixels, Guide, InstructionSet, Maps, View, LANES};
use crate::model::network::{self, Node, Parameter};
use crate::model::{ModelError, Weights};

/// The attention of one layer. What it multiplies already lies where its result belongs.
pub(super) struct Attention {
    set: InstructionSet,
    heads: Vec<Head>,
    head_width: usize,
    guide: Linear,
    /// Whether pixels and guides are rounded to bfloat16 before they are multiplied.
    bf16: bool,
}

/// Channels that attend on their own.
struct Head {
    input: View,
    output: View,
    bias: f32,
}

impl Attention {
    /// Reads the parameters; `input` is the map that is compared with the texts, `output` the one that
    /// is scaled.
    pub fn load(
        weights: &impl Weights,
        node: &Node,
        attention: &network::TextAttention,
        [input, output]: [&Place; 2],
        set: InstructionSet,
        bf16: bool,
    ) -> Result<Self, ModelError> {
        let [weight, bias, head_bias]: [Parameter; 3] =
            node.parameters().try_into().expect("the graph lists three parameters");
        let head_width = attention.channels / attention.heads;
        let blocks = head_width.div_ceil(LANES);
        let head = |(index, bias): (usize, f32)| {
            let of = |place: &Place| View { block: place.view.block + index * blocks, blocks, ..place.view };
            Head { input: of(input), output: of(output), bias }
        };
        let parts = vec![head_width; attention.heads];
        Ok(Self {
            set,
            heads: head_bias.read(weights)?.into_iter().enumerate().map(head).collect(),
            head_width,
            bf16,
            guide: Linear::load(weights, &[weight, bias], &[attention.text_width], &parts, set)?,
        })
    }

    /// What each head compares pixels with, from the texts in `maps[texts]`; `maps[room]` is for what
    /// comes in between.
    pub fn guides(&self, maps: &mut [Maps], texts: usize, room: usize, spread: bool) -> Vec<Guide> {
        let classes = maps[texts].shape().width;
        let blocks = self.head_width.div_ceil(LANES);
        maps[room].reshape(rows_shape(classes, self.heads.len() * blocks));
        let [from, to] = [texts, room].map(|index| whole(maps, index));
        self.guide.run(maps, from, to, spread);
        let guide = |head: usize| {
            let rows: Vec<&[f32]> = (0..blocks).map(|block| maps[room].row(head * blocks + block, 0)).collect();
            let value = |class: usize, lane: usize| rows[lane / LANES][class * LANES + lane % LANES];
            match self.bf16 {
                true => Guide::bf16(self.set, classes, blocks, value),
                false => Guide::new(self.set, classes, blocks, value),
            }
        };
        (0..self.heads.len()).map(guide).collect()
    }

    /// Scales the output's heads.
    pub fn run(&self, maps: &mut [Maps], guides: &[Guide], spread: bool) {
        let scale = (self.head_width as f32).sqrt();
        for (head, guide) in self.heads.iter().zip(guides) {
            let mut factors = best_scores(maps, head.input, guide, spread);
            factors.iter_mut().for_each(|best| *best = 1.0 / (1.0 + (-(*best / scale + head.bias)).exp()));
            scale_pixels(maps, head.output, &factors, spread);
        }
    }
}
