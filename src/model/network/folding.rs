//! Batch normalisations with fixed statistics, folded into what comes before or after them.
//!
//! Every engine folds by this code. Computed in f64: a fold stands for several roundings of the
//! reference.

use super::graph::{Affine, Conv, Node};
use super::parameters::Parameter;
use crate::model::{ModelError, Weights};

/// A batch normalisation as one scale and one shift a channel.
pub(crate) struct ChannelAffine {
    /// `[channels]`.
    pub scale: Vec<f64>,
    /// `[channels]`.
    pub shift: Vec<f64>,
}

impl ChannelAffine {
    fn fold([weight, bias, mean, variance]: [Vec<f32>; 4], epsilon: f64) -> Self {
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from);
        let scale: Vec<f64> = wide(weight).zip(wide(variance)).map(|(w, v)| w / (v + epsilon).sqrt()).collect();
        let shift = wide(bias).zip(wide(mean)).zip(&scale).map(|((b, m), s)| b - m * s).collect();
        Self { scale, shift }
    }

    /// Reads the parameters `weight`, `bias`, `running_mean`, `running_var`, in this order.
    ///
    /// # Errors
    ///
    /// If one cannot be read or is not finite.
    pub fn load(weights: &impl Weights, parameters: &[Parameter], epsilon: f64) -> Result<Self, ModelError> {
        let [weight, bias, mean, variance] = parameters else {
            unreachable!("a batch normalisation has four parameters");
        };
        let read = |parameter: &Parameter| parameter.read(weights);
        Ok(Self::fold([read(weight)?, read(bias)?, read(mean)?, read(variance)?], epsilon))
    }
}

/// A convolution's kernel and bias with its normalisation folded in.
pub(crate) struct FoldedConv {
    /// `[out][in][kernel][kernel]`.
    pub kernel: Vec<f32>,
    /// `[out]`.
    pub bias: Vec<f32>,
}

impl FoldedConv {
    /// Reads the parameters of a convolution's node.
    ///
    /// # Errors
    ///
    /// If one cannot be read or is not finite.
    pub fn load(weights: &impl Weights, node: &Node, conv: &Conv) -> Result<Self, ModelError> {
        let parameters = node.parameters();
        let kernel = parameters[0].read(weights)?;
        match conv.affine {
            Affine::Bias => Ok(Self { kernel, bias: parameters[1].read(weights)? }),
            Affine::BatchNorm { epsilon } => {
                Ok(Self::fold(kernel, ChannelAffine::load(weights, &parameters[1..], epsilon)?))
            }
        }
    }

    /// What reads some of the input channels, of all `in_channels`, with the same bias.
    pub fn of_inputs(&self, channels: std::ops::Range<usize>, in_channels: usize) -> Self {
        let taps = self.kernel.len() / (self.bias.len() * in_channels).max(1);
        let of_output = |kernel: &[f32]| kernel[channels.start * taps..channels.end * taps].to_vec();
        let kernel = self.kernel.chunks_exact((in_channels * taps).max(1)).flat_map(of_output).collect();
        Self { kernel, bias: self.bias.clone() }
    }

    /// Multiplies each output channel's kernel by its scale; the shift becomes the bias.
    fn fold(mut kernel: Vec<f32>, norm: ChannelAffine) -> Self {
        let taps = kernel.len() / norm.scale.len();
        for (channel, scale) in kernel.chunks_exact_mut(taps).zip(&norm.scale) {
            channel.iter_mut().for_each(|tap| *tap = (f64::from(*tap) * scale) as f32);
        }
        Self { kernel, bias: norm.shift.into_iter().map(|shift| shift as f32).collect() }
    }
}
