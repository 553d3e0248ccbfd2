//! Rows of text values (or of any tokens) as maps of one row, with a column a text.

use crate::kernels::{
    lane_map, Convolution, ConvolutionSpec, InstructionSet, Maps, MapsShape, Operands, Scratch, View, LANES,
};
use crate::model::network::Parameter;
use crate::model::{ModelError, Weights};

/// The shape of `count` rows of so many blocks of lanes.
pub(in crate::model) fn rows_shape(count: usize, blocks: usize) -> MapsShape {
    MapsShape { blocks, height: 1, width: count, border: 0 }
}

/// All of one map in a list.
pub(in crate::model) fn whole(maps: &[Maps], index: usize) -> View {
    View { maps: index, block: 0, blocks: maps[index].shape().blocks }
}

/// Writes rows of `width` values, whose channels lie in one piece.
pub(in crate::model) fn write_rows(maps: &mut Maps, rows: &[f32], width: usize) {
    maps.reshape(rows_shape(rows.len() / width, width.div_ceil(LANES)));
    for block in 0..width.div_ceil(LANES) {
        let channels = block * LANES..width.min((block + 1) * LANES);
        let pixels = maps.row_mut(block, 0).chunks_exact_mut(LANES);
        for (pixel, row) in pixels.zip(rows.chunks_exact(width)) {
            let (filled, empty) = pixel.split_at_mut(channels.len());
            filled.copy_from_slice(&row[channels.clone()]);
            empty.fill(0.0);
        }
    }
}

/// Adds rows to those in maps.
pub(super) fn add_rows(maps: &mut Maps, rows: &[f32], width: usize) {
    for block in 0..width.div_ceil(LANES) {
        let channels = block * LANES..width.min((block + 1) * LANES);
        let pixels = maps.row_mut(block, 0).chunks_exact_mut(LANES);
        for (pixel, row) in pixels.zip(rows.chunks_exact(width)) {
            pixel.iter_mut().zip(&row[channels.clone()]).for_each(|(lane, value)| *lane += value);
        }
    }
}

/// Reads rows of `width` values, whose channels lie in one piece.
pub(super) fn read_rows(maps: &Maps, width: usize) -> Vec<f32> {
    let mut rows = vec![0.0; maps.shape().width * width];
    for block in 0..width.div_ceil(LANES) {
        let channels = block * LANES..width.min((block + 1) * LANES);
        let pixels = maps.row(block, 0).chunks_exact(LANES);
        for (pixel, row) in pixels.zip(rows.chunks_exact_mut(width)) {
            row[channels.clone()].copy_from_slice(&pixel[..channels.len()]);
        }
    }
    rows
}

/// `x W^T + b` on rows: a 1 x 1 convolution.
pub(in crate::model) struct Linear(Convolution);

impl Linear {
    /// Reads weight and bias; the parts of the inputs and of the outputs start a block each.
    pub fn load(
        weights: &impl Weights,
        [weight, bias]: &[Parameter; 2],
        input: &[usize],
        output: &[usize],
        set: InstructionSet,
    ) -> Result<Self, ModelError> {
        Ok(Self::new(&weight.read(weights)?, &bias.read(weights)?, input, output, set))
    }

    /// Of weights `[out][in]`.
    pub fn new(weights: &[f32], bias: &[f32], input: &[usize], output: &[usize], set: InstructionSet) -> Self {
        let (input, output) = (lane_map(input), lane_map(output));
        let spec = ConvolutionSpec {
            weights,
            bias,
            kernel: 1,
            stride: 1,
            doubled: false,
            silu: false,
            input: &input,
            output: &output,
        };
        Self(Convolution::new(&spec, set, false))
    }

    /// From one view to another of as many rows.
    pub fn run(&self, maps: &mut [Maps], input: View, output: View, spread: bool) {
        self.0.run(maps, &mut Scratch::default(), Operands::new(input, output), spread);
    }
}

/// Layer normalisation of rows, the variance about the mean (not as a difference of squares, which
/// would lose digits).
pub(in crate::model) struct LayerNorm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    epsilon: f32,
}

impl LayerNorm {
    pub fn load(weights: &impl Weights, [weight, bias]: &[Parameter; 2], epsilon: f64) -> Result<Self, ModelError> {
        Ok(Self { weight: weight.read(weights)?, bias: bias.read(weights)?, epsilon: epsilon as f32 })
    }

    /// The rows normalised.
    pub fn forward(&self, rows: &[f32]) -> Vec<f32> {
        let width = self.weight.len();
        let mut normal = rows.to_vec();
        for row in normal.chunks_exact_mut(width) {
            let mean = row.iter().sum::<f32>() / width as f32;
            row.iter_mut().for_each(|value| *value -= mean);
            let variance = row.iter().map(|value| value * value).sum::<f32>() / width as f32;
            let length = (variance + self.epsilon).sqrt();
            let affine = self.weight.iter().zip(&self.bias);
            row.iter_mut().zip(affine).for_each(|(value, (weight, bias))| *value = *value / length * weight + bias);
        }
        normal
    }
}
