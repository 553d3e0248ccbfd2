//! Texts that have seen the image; see [`network::TextEnhancer`].
//!
//! The normalisations of tokens are folded into what projects them to keys and values, which is one projection; the
//! queries depend on the texts alone and are computed on the processor.

use super::steps::{FilterOf, MapView};
use crate::kernels::gpu::Format;
use crate::kernels::{lane_map, InstructionSet, Maps, LANES};
use crate::model::network::{self, Node, Parameter};
use crate::model::plan::{rows_shape, whole, write_rows, LayerNorm, Linear};
use crate::model::{ModelError, TextEmbeddings, Weights};

/// The enhancer with its parameters and the maps it pools.
pub(super) struct Enhancing {
    pub maps: Vec<MapView>,
    pub heads: usize,
    /// Channels of a head in whole blocks of lanes.
    pub head_channels: usize,
    /// One over the root of a head's channels.
    pub scale: f32,
    /// From tokens to keys, then values.
    pub keys_and_values: FilterOf,
    /// From the heads' means to what is added to the texts.
    pub out: FilterOf,
    query: (LayerNorm, Linear),
}

/// The weights of the projections, as a convolution takes them: `[out][in]`, biases, and the channels of the lanes.
pub(super) struct Projection {
    pub weights: Vec<f32>,
    pub bias: Vec<f32>,
    pub input: Vec<Option<usize>>,
    pub output: Vec<Option<usize>>,
}

impl Enhancing {
    /// Reads the parameters; `filter` packs projections.
    pub fn load(
        weights: &impl Weights,
        node: &Node,
        enhancer: &network::TextEnhancer,
        maps: Vec<MapView>,
        mut filter: impl FnMut(&Projection) -> FilterOf,
    ) -> Result<Self, ModelError> {
        let head_width = enhancer.width / enhancer.heads;
        let heads = vec![head_width; enhancer.heads];
        let mut parameters = node.parameters().into_iter();
        let mut pair = || -> [Parameter; 2] {
            std::array::from_fn(|_| parameters.next().expect("the graph lists weight and bias of every layer"))
        };
        let query = {
            let norm = LayerNorm::load(weights, &pair(), network::TextEnhancer::EPSILON)?;
            (norm, Linear::load(weights, &pair(), &[enhancer.text_width], &heads, InstructionSet::detect())?)
        };
        let mut side = || -> Result<_, ModelError> {
            let [norm, linear] = [pair(), pair()].map(|pair| pair.map(|parameter| parameter.read(weights)));
            let ([norm_weight, norm_bias], [weight, bias]) = (norm, linear);
            Ok(folded([&norm_weight?, &norm_bias?], [&weight?, &bias?]))
        };
        let (key, value) = (side()?, side()?);
        let lanes = lane_map(&heads);
        let shifted = lanes.iter().map(|lane| lane.map(|channel| channel + enhancer.width));
        let keys_and_values = filter(&Projection {
            weights: [key.0, value.0].concat(),
            bias: [key.1, value.1].concat(),
            input: lane_map(&[enhancer.width]),
            output: lanes.iter().copied().chain(shifted).collect(),
        });
        let [out_weights, out_bias] = pair();
        let out = filter(&Projection {
            weights: out_weights.read(weights)?,
            bias: out_bias.read(weights)?,
            input: lanes,
            output: lane_map(&[enhancer.text_width]),
        });
        Ok(Self {
            maps,
            heads: enhancer.heads,
            head_channels: head_width.div_ceil(LANES) * LANES,
            scale: 1.0 / (head_width as f32).sqrt(),
            keys_and_values,
            out,
            query,
        })
    }

    /// Tokens of an image.
    pub fn tokens(&self) -> usize {
        self.maps.len() * network::TextEnhancer::CELLS.pow(2)
    }

    /// Numbers of all heads.
    pub fn channels(&self) -> usize {
        self.heads * self.head_channels
    }

    /// `[texts][heads][head_channels]`.
    pub fn queries(&self, texts: &TextEmbeddings) -> Vec<f32> {
        let (norm, linear) = &self.query;
        let blocks = self.channels() / LANES;
        let mut maps = [0; 2].map(|_| Maps::new(rows_shape(1, 1)));
        write_rows(&mut maps[0], &norm.forward(texts.data()), texts.width());
        maps[1].reshape(rows_shape(texts.classes(), blocks));
        let [from, to] = [0, 1].map(|index| whole(&maps, index));
        linear.run(&mut maps, from, to, true);
        let row = |text: usize| (0..blocks).map(move |block| (block, text));
        (0..texts.classes()).flat_map(row).flat_map(|(block, text)| maps[1].pixel(block, 0, text).to_vec()).collect()
    }
}

/// A projection `[out][in]` of what a normalisation's weight and bias make of numbers, as one of those numbers.
fn folded([norm_weight, norm_bias]: [&[f32]; 2], [weight, bias]: [&[f32]; 2]) -> (Vec<f32>, Vec<f32>) {
    let rows = || weight.chunks_exact(norm_weight.len());
    let scaled = |row: &[f32]| -> Vec<f32> {
        row.iter().zip(norm_weight).map(|(tap, scale)| (f64::from(*tap) * f64::from(*scale)) as f32).collect()
    };
    let shifted = |(row, bias): (&[f32], &f32)| {
        let shift: f64 = row.iter().zip(norm_bias).map(|(tap, shift)| f64::from(*tap) * f64::from(*shift)).sum();
        (f64::from(*bias) + shift) as f32
    };
    (rows().flat_map(scaled).collect(), rows().zip(bias).map(shifted).collect())
}

/// Numbers of a text's row: whole blocks of lanes.
pub(super) fn text_pitch(width: usize) -> usize {
    width.div_ceil(LANES) * LANES
}

/// Rows of texts, each in whole blocks, as words of a format.
pub(super) fn text_rows(format: Format, texts: &TextEmbeddings) -> Vec<u32> {
    let pitch = text_pitch(texts.width());
    let padded = texts.data().chunks_exact(texts.width()).flat_map(|row| {
        let padding = std::iter::repeat_n(0.0, pitch - texts.width());
        row.iter().copied().chain(padding)
    });
    super::numbers::pack(format, &padded.collect::<Vec<f32>>())
}
