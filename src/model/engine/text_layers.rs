//! The layers in which image and texts meet.
//!
//! Maps are `[images][channels][rows][columns]`. Texts are `[1][classes][width]`, shared by all
//! images, or `[images][classes][width]` once images have enhanced them.

use candle_core::{IndexOp, Result as Candle, Tensor, D};
use candle_nn::ops::{sigmoid, softmax_last_dim};

use super::layers::{tensor, unit, EmbeddingNorm, LayerNorm, Linear};
use super::Place;
use crate::model::network::{self, Node, Parameter};
use crate::model::{ModelError, Weights};

/// Classes whose attention scores exist at the same time. Only the maximum over classes is needed:
/// heads x positions x classes at once would be gigabytes.
const CLASSES_AT_ONCE: usize = 64;

/// The texts an image sees.
fn texts_of(texts: &Tensor, image: usize) -> Candle<Tensor> {
    texts.i(if texts.dim(0)? == 1 { 0 } else { image })
}

fn pairs<const N: usize>(parameters: Vec<Parameter>) -> [[Parameter; 2]; N] {
    let mut all = parameters.into_iter();
    std::array::from_fn(|_| {
        std::array::from_fn(|_| all.next().expect("the graph lists weight and bias of every layer"))
    })
}

/// See [`network::TextAttention`].
pub(super) struct TextAttention {
    heads: usize,
    guide: Linear,
    bias: Tensor,
}

impl TextAttention {
    pub fn load(
        weights: &impl Weights,
        node: &Node,
        attention: &network::TextAttention,
        place: &Place,
    ) -> Result<Self, ModelError> {
        let heads = attention.heads;
        let parameters = node.parameters();
        let bias = tensor(weights, &parameters[2], place)?.reshape((heads, 1))?;
        let [guide] = pairs(parameters);
        Ok(Self { heads, guide: Linear::load(weights, &guide, place)?, bias })
    }

    pub fn forward(&self, x: &Tensor, projected: &Tensor, texts: &Tensor) -> Candle<Tensor> {
        let images = 0..x.dim(0)?;
        let weighted: Vec<Tensor> = images
            .map(|image| self.forward_image(&x.i(image)?, &projected.i(image)?, &texts_of(texts, image)?))
            .collect::<Candle<_>>()?;
        Tensor::stack(&weighted, 0)
    }

    fn forward_image(&self, x: &Tensor, projected: &Tensor, texts: &Tensor) -> Candle<Tensor> {
        let (channels, rows, columns) = x.dims3()?;
        let head_width = channels / self.heads;
        let best = self.best_scores(&x.reshape((self.heads, head_width, rows * columns))?, texts)?;
        let scores = (best / (head_width as f64).sqrt())?.broadcast_add(&self.bias)?;
        let scores = sigmoid(&scores)?.reshape((self.heads, 1, rows, columns))?;
        let grouped = projected.reshape((self.heads, head_width, rows, columns))?;
        grouped.broadcast_mul(&scores)?.reshape((channels, rows, columns))
    }

    /// `[heads][positions]`: the best of all classes' dot products, by blocks of classes.
    fn best_scores(&self, x: &Tensor, texts: &Tensor) -> Candle<Tensor> {
        let (heads, head_width, positions) = x.dims3()?;
        let classes = texts.dim(0)?;
        let guide = self.guide.forward(texts)?.reshape((classes, heads, head_width))?.permute((1, 2, 0))?;
        let by_position = x.t()?.contiguous()?;
        let mut best = Tensor::full(f32::NEG_INFINITY, (heads, positions), x.device())?.to_dtype(x.dtype())?;
        for first in (0..classes).step_by(CLASSES_AT_ONCE) {
            let block = guide.narrow(2, first, CLASSES_AT_ONCE.min(classes - first))?.contiguous()?;
            best = best.maximum(&by_position.matmul(&block)?.max(D::Minus1)?)?;
        }
        Ok(best)
    }
}

/// See [`network::TextEnhancer`].
pub(super) struct TextEnhancer {
    heads: usize,
    query: (LayerNorm, Linear),
    key: (LayerNorm, Linear),
    value: (LayerNorm, Linear),
    out: Linear,
}

impl TextEnhancer {
    pub fn load(
        weights: &impl Weights,
        node: &Node,
        enhancer: &network::TextEnhancer,
        place: &Place,
    ) -> Result<Self, ModelError> {
        let [query_norm, query, key_norm, key, value_norm, value, out] = pairs(node.parameters());
        let linear = |parameters| Linear::load(weights, parameters, place);
        let side =
            |norm, parameters| Ok::<_, ModelError>((LayerNorm::load(weights, norm, place)?, linear(parameters)?));
        Ok(Self {
            heads: enhancer.heads,
            query: side(&query_norm, &query)?,
            key: side(&key_norm, &key)?,
            value: side(&value_norm, &value)?,
            out: linear(&out)?,
        })
    }

    /// Texts `[images][classes][width]`, each image's own.
    pub fn forward(&self, texts: &Tensor, maps: &[&Tensor]) -> Candle<Tensor> {
        let tokens: Vec<Tensor> = maps.iter().map(|map| pool(map)).collect::<Candle<_>>()?;
        let tokens = Tensor::cat(&tokens, 1)?;
        let images = 0..tokens.dim(0)?;
        let enhanced: Vec<Tensor> = images
            .map(|image| self.forward_image(&texts_of(texts, image)?, &tokens.i(image)?))
            .collect::<Candle<_>>()?;
        Tensor::stack(&enhanced, 0)
    }

    fn forward_image(&self, texts: &Tensor, tokens: &Tensor) -> Candle<Tensor> {
        let (query, key, value) =
            (self.split(&self.query, texts)?, self.split(&self.key, tokens)?, self.split(&self.value, tokens)?);
        let head_width = query.dim(2)? as f64;
        let scores = (query.matmul(&key.t()?)? / head_width.sqrt())?;
        let mixed = softmax_last_dim(&scores)?.matmul(&value)?;
        self.out.forward(&mixed.transpose(0, 1)?.flatten_from(1)?)? + texts
    }

    /// `[heads][rows][head width]`.
    fn split(&self, (norm, linear): &(LayerNorm, Linear), rows: &Tensor) -> Candle<Tensor> {
        let projected = linear.forward(&norm.forward(rows)?)?;
        let (count, width) = projected.dims2()?;
        projected.reshape((count, self.heads, width / self.heads))?.transpose(0, 1)?.contiguous()
    }
}

/// `[images][cells][channels]`: the maxima of a map's cells, row-major.
fn pool(map: &Tensor) -> Candle<Tensor> {
    let (_, _, rows, columns) = map.dims4()?;
    let cells = 0..network::TextEnhancer::CELLS;
    let mut tokens = Vec::new();
    for row in cells.clone() {
        let band = network::TextEnhancer::cell(row, rows);
        let strip = map.narrow(2, band.start, band.len())?.max(2)?;
        for column in cells.clone() {
            let band = network::TextEnhancer::cell(column, columns);
            tokens.push(strip.narrow(2, band.start, band.len())?.max(2)?);
        }
    }
    Tensor::stack(&tokens, 1)
}

/// See [`network::ClassContrast`].
pub(super) struct ClassContrast {
    norm: EmbeddingNorm,
    scale: f64,
    bias: f64,
}

impl ClassContrast {
    pub fn load(
        weights: &impl Weights,
        node: &Node,
        contrast: &network::ClassContrast,
        place: &Place,
    ) -> Result<Self, ModelError> {
        let parameters = node.parameters();
        let scalar = |parameter: &Parameter| Ok::<f32, ModelError>(parameter.read(weights)?[0]);
        let norm = EmbeddingNorm::load(weights, contrast.norm, &parameters[2..], place)?;
        let (scale, bias) = (scalar(&parameters[0])?.exp(), scalar(&parameters[1])?);
        Ok(Self { norm, scale: scale.into(), bias: bias.into() })
    }

    /// `[images][classes][rows][columns]`.
    pub fn forward(&self, embedding: &Tensor, texts: &Tensor) -> Candle<Tensor> {
        let (images, width, rows, columns) = embedding.dims4()?;
        let embedding = self.norm.forward(embedding)?.reshape((images, width, rows * columns))?;
        let logits: Vec<Tensor> = (0..images)
            .map(|image| {
                let texts = unit(&texts_of(texts, image)?, 1)?;
                texts.matmul(&embedding.i(image)?)?.affine(self.scale, self.bias)?.reshape(((), rows, columns))
            })
            .collect::<Candle<_>>()?;
        Tensor::stack(&logits, 0)
    }
}
