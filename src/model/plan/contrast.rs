//! Class logits; see [`network::ClassContrast`].

use super::layout::Place;
use crate::kernels::{
    class_scores, class_scores_above, squared_lengths, ClassScore, ClassVectors, InstructionSet, Maps, RisingFloor,
};
use crate::model::network::{self, ChannelAffine, ClassNorm, Node};
use crate::model::{ModelError, Weights};

/// The contrast of one level.
pub(in crate::model) struct Contrast {
    set: InstructionSet,
    input: Place,
    scale: f64,
    bias: f64,
    /// Scale and shift of the embedding; `None` where it is divided by its length.
    affine: Option<ChannelAffine>,
}

impl Contrast {
    /// Reads the parameters.
    pub fn load(
        weights: &impl Weights,
        node: &Node,
        contrast: &network::ClassContrast,
        input: Place,
        set: InstructionSet,
    ) -> Result<Self, ModelError> {
        let parameters = node.parameters();
        let scalar = |index: usize| Ok::<f32, ModelError>(parameters[index].read(weights)?[0]);
        let affine = match contrast.norm {
            ClassNorm::Length => None,
            ClassNorm::BatchNorm { epsilon } => Some(ChannelAffine::load(weights, &parameters[2..], epsilon)?),
        };
        Ok(Self { set, input, scale: scalar(0)?.exp().into(), bias: scalar(1)?.into(), affine })
    }

    /// What pixels are compared with, from texts `[classes][width]`: unit rows times the logit scale.
    /// A batch normalisation of the embedding is folded in: its scale goes into the rows, its shift
    /// into the biases.
    pub fn vectors(&self, texts: &[f32], width: usize) -> ClassVectors {
        let rows = texts.chunks_exact(width).map(|row| self.vector(row));
        let (rows, biases): (Vec<Vec<f32>>, Vec<f32>) = rows.unzip();
        let lanes = self.input.lanes();
        let value = |class: usize, lane: usize| lanes[lane].map_or(0.0, |channel| rows[class][channel]);
        ClassVectors::new(self.set, biases, self.input.view.blocks, value)
    }

    /// What pixels are compared with for a text: its unit row times the logit scale, and a bias.
    pub fn vector(&self, row: &[f32]) -> (Vec<f32>, f32) {
        let length = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt();
        let factor = self.scale / length.max(network::ClassContrast::MIN_LENGTH);
        let unit = row.iter().map(|value| f64::from(*value) * factor);
        let Some(ChannelAffine { scale, shift }) = &self.affine else {
            return (unit.map(|value| value as f32).collect(), self.bias as f32);
        };
        let shifted: f64 = unit.clone().zip(shift).map(|(value, shift)| value * shift).sum();
        let scaled = unit.zip(scale).map(|(value, scale)| (value * scale) as f32);
        (scaled.collect(), (shifted + self.bias) as f32)
    }

    /// Whether a pixel's products are divided by the length of its embedding.
    pub fn divides_by_length(&self) -> bool {
        self.affine.is_none()
    }

    /// `[classes][positions]`.
    pub fn run(&self, maps: &mut [Maps], vectors: &ClassVectors, spread: bool) -> Vec<f32> {
        let factors = self.factors(maps, spread);
        class_scores(maps, self.input.view, vectors, factors.as_deref(), spread)
    }

    /// The logits that reach the floor, in several lists; the others are never stored.
    pub fn run_above(
        &self,
        maps: &mut [Maps],
        vectors: &ClassVectors,
        floor: &RisingFloor,
        spread: bool,
    ) -> Vec<Vec<ClassScore>> {
        let factors = self.factors(maps, spread);
        class_scores_above(maps, self.input.view, vectors, factors.as_deref(), floor, spread)
    }

    /// What each pixel's embedding is multiplied by.
    fn factors(&self, maps: &mut [Maps], spread: bool) -> Option<Vec<f32>> {
        let least = network::ClassContrast::MIN_LENGTH as f32;
        let factor = |length: f32| 1.0 / length.sqrt().max(least);
        let lengths = || squared_lengths(maps, self.input.view, spread);
        self.affine.is_none().then(lengths).map(|lengths| lengths.into_iter().map(factor).collect())
    }
}
