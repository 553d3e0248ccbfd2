//! The parameters a network needs, and whether a checkpoint holds exactly these.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::graph::{Affine, ClassNorm, Conv, Graph, Node, Op, TextAttention, TextEnhancer};
use crate::model::{ModelError, Weights};

/// A tensor the network reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Name in the `state_dict`.
    pub name: String,
    /// Dimensions; none for a scalar.
    pub shape: Vec<usize>,
    /// Whether it is trained. Running statistics are not, and do not count as parameters.
    pub trained: bool,
}

impl Parameter {
    /// A trained parameter.
    pub fn new(name: impl Into<String>, shape: impl Into<Vec<usize>>) -> Self {
        Self { name: name.into(), shape: shape.into(), trained: true }
    }

    fn statistic(name: String, channels: usize) -> Self {
        Self { name, shape: vec![channels], trained: false }
    }

    /// Weight and bias of a linear layer or a normalisation: the bias is as long as the weight's
    /// first dimension.
    pub(crate) fn pair(name: &str, shape: &[usize]) -> [Self; 2] {
        [Self::new(format!("{name}.weight"), shape), Self::new(format!("{name}.bias"), [shape[0]])]
    }

    fn batch_norm(name: &str, channels: usize) -> [Self; 4] {
        let [weight, bias] = Self::pair(name, &[channels]);
        let mean = Self::statistic(format!("{name}.running_mean"), channels);
        let variance = Self::statistic(format!("{name}.running_var"), channels);
        [weight, bias, mean, variance]
    }

    /// Number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// Reads the parameter.
    ///
    /// # Errors
    ///
    /// If it cannot be read, has another number of elements than its shape, or is not finite.
    pub(crate) fn read(&self, weights: &impl Weights) -> Result<Vec<f32>, ModelError> {
        let values = weights.f32(&self.name)?;
        if values.len() != self.elements() {
            let (name, shape) = (self.name.clone(), self.shape.clone());
            return Err(ModelError::ElementCount { name, shape, expected: self.elements(), found: values.len() });
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(ModelError::NotFinite { name: self.name.clone(), index, value: values[index] }),
            None => Ok(values),
        }
    }
}

impl Graph {
    /// Every tensor the network reads, in evaluation order.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.nodes.iter().flat_map(Node::parameters).collect()
    }

    /// Trained values of the image network.
    pub fn parameter_count(&self) -> usize {
        let parameters = self.parameters();
        parameters.iter().filter(|parameter| parameter.trained).map(Parameter::elements).sum()
    }
}

impl Node {
    /// The tensors the node reads.
    pub fn parameters(&self) -> Vec<Parameter> {
        match &self.op {
            Op::Conv(conv) => conv_parameters(&self.name, conv),
            Op::TextAttention(attention) => attention_parameters(&self.name, attention),
            Op::TextEnhancer(enhancer) => enhancer_parameters(&self.name, enhancer),
            Op::ClassContrast(contrast) => contrast_parameters(&self.name, contrast.text_width, contrast.norm),
            Op::Image | Op::Texts | Op::Slice { .. } | Op::Concat | Op::Add => vec![],
            Op::Upsample | Op::MaxPool { .. } | Op::BoxDistribution { .. } => vec![],
        }
    }
}

fn conv_parameters(name: &str, conv: &Conv) -> Vec<Parameter> {
    let shape = [conv.out_channels, conv.in_channels, conv.kernel, conv.kernel];
    match conv.affine {
        Affine::Bias => Parameter::pair(name, &shape).into(),
        Affine::BatchNorm { .. } => {
            let weight = Parameter::new(format!("{name}.conv.weight"), shape);
            let norm = Parameter::batch_norm(&format!("{name}.bn"), conv.out_channels);
            [weight].into_iter().chain(norm).collect()
        }
    }
}

fn attention_parameters(name: &str, attention: &TextAttention) -> Vec<Parameter> {
    let guide = Parameter::pair(&format!("{name}.guide_fc"), &[attention.channels, attention.text_width]);
    let bias = Parameter::new(format!("{name}.bias"), [attention.heads]);
    guide.into_iter().chain([bias]).collect()
}

fn enhancer_parameters(name: &str, enhancer: &TextEnhancer) -> Vec<Parameter> {
    let (width, text_width) = (enhancer.width, enhancer.text_width);
    let sides = [("query", text_width), ("key", width), ("value", width)];
    let projections = sides.into_iter().flat_map(|(side, from)| {
        let norm = Parameter::pair(&format!("{name}.{side}.0"), &[from]);
        let linear = Parameter::pair(&format!("{name}.{side}.1"), &[width, from]);
        norm.into_iter().chain(linear)
    });
    projections.chain(Parameter::pair(&format!("{name}.proj"), &[text_width, width])).collect()
}

fn contrast_parameters(name: &str, text_width: usize, norm: ClassNorm) -> Vec<Parameter> {
    let scalars = ["logit_scale", "bias"].map(|scalar| Parameter::new(format!("{name}.{scalar}"), []));
    let norm = match norm {
        ClassNorm::Length => vec![],
        ClassNorm::BatchNorm { .. } => Parameter::batch_norm(&format!("{name}.norm"), text_width).into(),
    };
    scalars.into_iter().chain(norm).collect()
}

/// How a checkpoint differs from what an architecture needs. Names are sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ParameterMismatch {
    /// Parameters without a tensor.
    pub missing: Vec<String>,
    /// Tensors without a use.
    pub left_over: Vec<String>,
    /// Tensors of another shape.
    pub wrong_shape: Vec<ShapeMismatch>,
}

/// A tensor of another shape than its parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShapeMismatch {
    /// Name of both.
    pub name: String,
    /// What the architecture needs.
    pub expected: Vec<usize>,
    /// What the checkpoint holds.
    pub found: Vec<usize>,
}

/// Whether the weights hold exactly the parameters: none missing, none left over, every shape right.
///
/// # Errors
///
/// What does not match.
pub fn check_parameters(weights: &impl Weights, parameters: &[Parameter]) -> Result<(), ParameterMismatch> {
    let mut expected: BTreeMap<&str, &Parameter> = parameters.iter().map(|p| (p.name.as_str(), p)).collect();
    let names: BTreeSet<&str> = weights.names().into_iter().collect();
    let mut mismatch = ParameterMismatch::default();
    for name in names {
        match expected.remove(name) {
            Some(parameter) => mismatch.wrong_shape.extend(shape_mismatch(weights, parameter)),
            None if is_bookkeeping(name) => {}
            None => mismatch.left_over.push(name.to_owned()),
        }
    }
    mismatch.missing = expected.into_keys().map(str::to_owned).collect();
    if mismatch == ParameterMismatch::default() {
        return Ok(());
    }
    Err(mismatch)
}

fn shape_mismatch(weights: &impl Weights, parameter: &Parameter) -> Option<ShapeMismatch> {
    let found = weights.shape(&parameter.name).unwrap_or_default();
    (found != parameter.shape).then(|| ShapeMismatch {
        name: parameter.name.clone(),
        expected: parameter.shape.clone(),
        found: found.to_vec(),
    })
}

/// Tensors that training and older libraries store and inference never reads.
fn is_bookkeeping(name: &str) -> bool {
    name.ends_with(".num_batches_tracked") || name.ends_with("embeddings.position_ids")
}

/// Names an error message lists before it counts the rest.
const LISTED: usize = 8;

impl fmt::Display for ParameterMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wrong: Vec<String> = self.wrong_shape.iter().map(ToString::to_string).collect();
        let groups = [("missing", &self.missing), ("left over", &self.left_over), ("of wrong shape", &wrong)];
        let texts = groups.into_iter().filter(|(_, names)| !names.is_empty());
        let texts: Vec<String> = texts.map(|(what, names)| list(what, names)).collect();
        f.write_str(&texts.join("; "))
    }
}

fn list(what: &str, names: &[String]) -> String {
    let shown = names[..names.len().min(LISTED)].join(", ");
    match names.len() - names.len().min(LISTED) {
        0 => format!("{} {what}: {shown}", names.len()),
        more => format!("{} {what}: {shown} and {more} more", names.len()),
    }
}

impl fmt::Display for ShapeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:?}, should be {:?})", self.name, self.found, self.expected)
    }
}
