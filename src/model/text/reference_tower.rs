//! CLIP's text transformer in candle: the definition.

use std::collections::{BTreeMap, HashMap};

use candle_core::{IndexOp, Result as Candle, Tensor, D};
use candle_nn::ops::{sigmoid, softmax_last_dim};

use super::parameters::{self, ATTENTION};
use crate::model::architecture::TextSize;
use crate::model::engine::{LayerNorm, Linear, Place};
use crate::model::network::Parameter;
use crate::model::{ModelError, Weights};

/// Tokens that go through the transformer at once: bounds memory to tens of megabytes, not results.
const TOKENS_AT_ONCE: usize = 2048;

/// The transformer, operation by operation.
pub(super) struct ReferenceTower {
    tokens: Tensor,
    positions: Tensor,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    projection: Tensor,
    place: Place,
}

struct Layer {
    heads: usize,
    norm1: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    norm2: LayerNorm,
    fc1: Linear,
    fc2: Linear,
}

impl ReferenceTower {
    pub fn load(weights: &impl Weights, size: &TextSize) -> Result<Self, ModelError> {
        let place = Place::cpu();
        let tensor = |parameter: &Parameter| -> Result<Tensor, ModelError> {
            Ok(place.tensor(&parameter.read(weights)?, parameter.shape.as_slice())?)
        };
        let [tokens, positions] = parameters::embeddings(size);
        let layers = (0..size.layers).map(|layer| Layer::load(weights, size, layer, &place));
        Ok(Self {
            tokens: tensor(&tokens)?,
            positions: tensor(&positions)?,
            layers: layers.collect::<Result<_, _>>()?,
            final_norm: LayerNorm::load(weights, &parameters::final_norm(size), &place)?,
            projection: tensor(&parameters::projection(size))?.t()?,
            place,
        })
    }

    /// The unit row of each sequence, all of which differ. Those of equal length go together: no padding,
    /// hence no mask for it, and a row does not depend on what else was asked for.
    pub fn encode<'a>(&self, sequences: &[&'a [u32]]) -> Candle<HashMap<&'a [u32], Vec<f32>>> {
        let mut by_length: BTreeMap<usize, Vec<&[u32]>> = BTreeMap::new();
        sequences.iter().for_each(|sequence| by_length.entry(sequence.len()).or_default().push(sequence));
        let mut rows = HashMap::new();
        for (length, group) in by_length {
            for batch in group.chunks((TOKENS_AT_ONCE / length).max(1)) {
                let embeddings = self.encode_batch(batch)?.to_vec2::<f32>()?;
                rows.extend(batch.iter().copied().zip(embeddings));
            }
        }
        Ok(rows)
    }

    /// Unit rows of sequences of one length.
    fn encode_batch(&self, sequences: &[&[u32]]) -> Candle<Tensor> {
        let mut x = self.embed(sequences)?;
        let mask = self.causal_mask(x.dim(1)?)?;
        for layer in &self.layers {
            x = layer.forward(&x, &mask)?;
        }
        let last = x.i((.., x.dim(1)? - 1))?.contiguous()?;
        let rows = self.final_norm.forward(&last)?.matmul(&self.projection)?;
        rows.broadcast_div(&rows.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?)
    }

    /// `[sequences][tokens][width]`.
    fn embed(&self, sequences: &[&[u32]]) -> Candle<Tensor> {
        let (count, length) = (sequences.len(), sequences[0].len());
        let ids: Vec<u32> = sequences.iter().flat_map(|sequence| sequence.iter().copied()).collect();
        let ids = Tensor::from_vec(ids, count * length, &self.place.device)?;
        let tokens = self.tokens.index_select(&ids, 0)?.reshape((count, length, ()))?;
        tokens.broadcast_add(&self.positions.narrow(0, 0, length)?)
    }

    /// 0 where a token may look (itself and before), -infinity elsewhere.
    fn causal_mask(&self, length: usize) -> Candle<Tensor> {
        let visible = |query, key| if key <= query { 0.0 } else { f32::NEG_INFINITY };
        let mask: Vec<f32> = (0..length).flat_map(|q| (0..length).map(move |k| visible(q, k))).collect();
        Tensor::from_vec(mask, (length, length), &self.place.device)
    }
}

impl Layer {
    fn load(weights: &impl Weights, size: &TextSize, layer: usize, place: &Place) -> Result<Self, ModelError> {
        let norm = |path| LayerNorm::load(weights, &parameters::part(layer, path, &[size.width]), place);
        let linear = |path, shape: [usize; 2]| Linear::load(weights, &parameters::part(layer, path, &shape), place);
        let [query, key, value, out] = ATTENTION.map(|path| linear(path, [size.width, size.width]));
        Ok(Self {
            heads: size.heads,
            norm1: norm("layer_norm1")?,
            query: query?,
            key: key?,
            value: value?,
            out: out?,
            norm2: norm("layer_norm2")?,
            fc1: linear("mlp.fc1", [size.mlp, size.width])?,
            fc2: linear("mlp.fc2", [size.width, size.mlp])?,
        })
    }

    fn forward(&self, x: &Tensor, mask: &Tensor) -> Candle<Tensor> {
        let x = (x + self.attention(&self.norm1.forward(x)?, mask)?)?;
        let hidden = self.fc1.forward(&self.norm2.forward(&x)?)?;
        &x + self.fc2.forward(&quick_gelu(&hidden)?)?
    }

    fn attention(&self, x: &Tensor, mask: &Tensor) -> Candle<Tensor> {
        let (count, length, width) = x.dims3()?;
        let head_width = width / self.heads;
        let split = |y: Tensor| y.reshape((count, length, self.heads, head_width))?.transpose(1, 2)?.contiguous();
        let query = split((self.query.forward(x)? * (head_width as f64).powf(-0.5))?)?;
        let (key, value) = (split(self.key.forward(x)?)?, split(self.value.forward(x)?)?);
        let scores = query.matmul(&key.t()?)?.broadcast_add(mask)?;
        let mixed = softmax_last_dim(&scores)?.matmul(&value)?;
        self.out.forward(&mixed.transpose(1, 2)?.reshape((count, length, width))?)
    }
}

/// `x * sigmoid(1.702 x)`.
fn quick_gelu(x: &Tensor) -> Candle<Tensor> {
    x * sigmoid(&(x * 1.702)?)?
}
