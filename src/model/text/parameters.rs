//! The text encoder's tensors.

use super::Tokenizer;
use crate::model::architecture::TextSize;
use crate::model::network::Parameter;

/// Module path of the transformer.
pub(crate) const TRANSFORMER: &str = "backbone.text_model.model.text_model";
/// The matrix from hidden state to embedding.
pub(crate) const PROJECTION: &str = "backbone.text_model.model.text_projection.weight";

/// Every tensor the text encoder reads.
pub(crate) fn parameters(size: &TextSize) -> Vec<Parameter> {
    let mut parameters = embeddings(size).to_vec();
    parameters.extend((0..size.layers).flat_map(|layer| self::layer(size, layer)));
    parameters.extend(final_norm(size));
    parameters.push(projection(size));
    parameters
}

/// Token and position embedding.
pub(super) fn embeddings(size: &TextSize) -> [Parameter; 2] {
    let embedding =
        |of: &str, rows| Parameter::new(format!("{TRANSFORMER}.embeddings.{of}_embedding.weight"), [rows, size.width]);
    [embedding("token", Tokenizer::VOCABULARY), embedding("position", Tokenizer::MAX_TOKENS)]
}

pub(super) fn final_norm(size: &TextSize) -> [Parameter; 2] {
    Parameter::pair(&format!("{TRANSFORMER}.final_layer_norm"), &[size.width])
}

pub(super) fn projection(size: &TextSize) -> Parameter {
    Parameter::new(PROJECTION, [size.projection, size.width])
}

/// A linear layer or normalisation of layer `layer`, by its path within.
pub(super) fn part(layer: usize, path: &str, shape: &[usize]) -> [Parameter; 2] {
    Parameter::pair(&format!("{TRANSFORMER}.encoder.layers.{layer}.{path}"), shape)
}

fn layer(size: &TextSize, layer: usize) -> Vec<Parameter> {
    let (width, mlp) = (size.width, size.mlp);
    let norms = ["layer_norm1", "layer_norm2"].map(|path| part(layer, path, &[width]));
    let projections = ATTENTION.map(|path| part(layer, path, &[width, width]));
    let perceptron = [part(layer, "mlp.fc1", &[mlp, width]), part(layer, "mlp.fc2", &[width, mlp])];
    norms.into_iter().chain(projections).chain(perceptron).flatten().collect()
}

/// Linear layers of the self-attention: query, key, value, output.
pub(super) const ATTENTION: [&str; 4] =
    ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj"];
