//! Layers with parameters that are not specific to this network.

use candle_core::{Result as Candle, Tensor, D};

use super::Place;
use crate::model::network::{self, Activation, ChannelAffine, ClassNorm, FoldedConv, Node, Parameter};
use crate::model::{ModelError, Weights};

/// Reads a parameter into a tensor.
pub(super) fn tensor(weights: &impl Weights, parameter: &Parameter, place: &Place) -> Result<Tensor, ModelError> {
    Ok(place.tensor(&parameter.read(weights)?, parameter.shape.as_slice())?)
}

/// `x W^T + b` on the last dimension.
pub(crate) struct Linear {
    /// `[in][out]`, a view of the checkpoint's `[out][in]`.
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    pub fn load(weights: &impl Weights, [weight, bias]: &[Parameter; 2], place: &Place) -> Result<Self, ModelError> {
        let weight = tensor(weights, weight, place)?.t()?;
        Ok(Self { weight, bias: tensor(weights, bias, place)? })
    }

    pub fn forward(&self, x: &Tensor) -> Candle<Tensor> {
        let (from, to) = self.weight.dims2()?;
        let mut shape = x.dims().to_vec();
        shape.pop();
        shape.push(to);
        x.reshape(((), from))?.matmul(&self.weight)?.broadcast_add(&self.bias)?.reshape(shape)
    }
}

/// Layer normalisation over the last dimension, the variance about the mean (not as a difference of
/// squares, which would lose digits).
pub(crate) struct LayerNorm {
    weight: Tensor,
    bias: Tensor,
}

impl LayerNorm {
    /// Added to the variance, in the text encoder and in the text enhancer.
    const EPSILON: f64 = 1e-5;

    pub fn load(weights: &impl Weights, [weight, bias]: &[Parameter; 2], place: &Place) -> Result<Self, ModelError> {
        Ok(Self { weight: tensor(weights, weight, place)?, bias: tensor(weights, bias, place)? })
    }

    pub fn forward(&self, x: &Tensor) -> Candle<Tensor> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let normal = centred.broadcast_div(&(variance + Self::EPSILON)?.sqrt()?)?;
        normal.broadcast_mul(&self.weight)?.broadcast_add(&self.bias)
    }
}

/// A convolution with its normalisation folded in, and its activation.
pub(super) struct Conv {
    weight: Tensor,
    bias: Tensor,
    stride: usize,
    padding: usize,
    activation: Activation,
}

impl Conv {
    pub fn load(weights: &impl Weights, node: &Node, conv: &network::Conv, place: &Place) -> Result<Self, ModelError> {
        let FoldedConv { kernel, bias } = FoldedConv::load(weights, node, conv)?;
        let shape = (conv.out_channels, conv.in_channels, conv.kernel, conv.kernel);
        Ok(Self {
            weight: place.tensor(&kernel, shape)?,
            bias: place.tensor(&bias, (1, conv.out_channels, 1, 1))?,
            stride: conv.stride,
            padding: conv.kernel / 2,
            activation: conv.activation,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Candle<Tensor> {
        let y = x.conv2d(&self.weight, self.padding, self.stride, 1, 1)?.broadcast_add(&self.bias)?;
        match self.activation {
            Activation::Identity => Ok(y),
            Activation::Silu => y.silu(),
        }
    }
}

/// The normalisation of class embeddings, on `[images][width][rows][columns]`.
pub(super) enum EmbeddingNorm {
    Length,
    Channel { scale: Tensor, shift: Tensor },
}

impl EmbeddingNorm {
    pub fn load(
        weights: &impl Weights,
        norm: ClassNorm,
        parameters: &[Parameter],
        place: &Place,
    ) -> Result<Self, ModelError> {
        let ClassNorm::BatchNorm { epsilon } = norm else {
            return Ok(Self::Length);
        };
        let ChannelAffine { scale, shift } = ChannelAffine::load(weights, parameters, epsilon)?;
        let tensor = |values: Vec<f64>| {
            let narrow: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
            place.tensor(&narrow, (1, parameters[0].elements(), 1, 1))
        };
        Ok(Self::Channel { scale: tensor(scale)?, shift: tensor(shift)? })
    }

    pub fn forward(&self, x: &Tensor) -> Candle<Tensor> {
        match self {
            Self::Length => unit(x, 1),
            Self::Channel { scale, shift } => x.broadcast_mul(scale)?.broadcast_add(shift),
        }
    }
}

/// Divides by the Euclidean length along a dimension.
pub(super) fn unit(x: &Tensor, dim: usize) -> Candle<Tensor> {
    let length = x.sqr()?.sum_keepdim(dim)?.sqrt()?;
    x.broadcast_div(&length.maximum(network::ClassContrast::MIN_LENGTH)?)
}
