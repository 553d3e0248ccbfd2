//! From a graph's nodes to steps on maps.

use super::attention::Attention;
use super::contrast::Contrast;
use super::distances::Distances;
use super::enhancer::Enhancer;
use super::layout::Layout;
use crate::kernels::{Convolution, ConvolutionSpec, InstructionSet, View};
use crate::model::network::{self, Activation, FoldedConv, Graph, Node, Op};
use crate::model::{ModelError, Weights};

/// Where a layer's texts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TextSource {
    /// They are the network's input.
    Given,
    /// The image has enhanced them.
    Enhanced,
}

/// What is computed for a node.
pub(super) enum Step {
    /// Nothing: the value lies in others already, or comes with a later one.
    Nothing,
    /// The image is written.
    Image(View),
    /// A convolution, and what is added to its result.
    Convolve {
        convolution: Convolution,
        input: View,
        output: View,
        residual: Option<View>,
    },
    Add {
        inputs: [View; 2],
        output: View,
    },
    Upsample {
        input: View,
        output: View,
    },
    MaxPool {
        input: View,
        output: View,
        kernel: usize,
    },
    Attend {
        attention: Attention,
        texts: TextSource,
    },
    Enhance(Box<Enhancer>),
    Contrast {
        contrast: Contrast,
        texts: TextSource,
    },
    Distances(Distances),
}

/// Reads parameters and makes steps of nodes.
pub(super) struct Lowering<'a, W> {
    pub graph: &'a Graph,
    pub layout: &'a Layout,
    pub weights: &'a W,
    pub set: InstructionSet,
    /// Whether convolutions may be computed by minimal filtering.
    pub winograd: bool,
}

impl<W: Weights> Lowering<'_, W> {
    /// The step of each node.
    ///
    /// # Errors
    ///
    /// If a parameter cannot be read or is not finite.
    pub fn steps(&self) -> Result<Vec<Step>, ModelError> {
        (0..self.graph.nodes.len()).map(|index| self.step(index)).collect()
    }

    fn step(&self, index: usize) -> Result<Step, ModelError> {
        let (node, layout) = (&self.graph.nodes[index], self.layout);
        let input = |number: usize| layout.place(node.inputs[number].index());
        let output = || layout.place(index);
        Ok(match &node.op {
            Op::Image => Step::Image(output().view),
            Op::Texts | Op::Slice { .. } | Op::Concat => Step::Nothing,
            // It comes with the sum.
            Op::Conv(_) if layout.fused.contains(&Some(index)) => Step::Nothing,
            Op::Conv(conv) => self.convolution(index, conv, None)?,
            Op::Add => self.sum(index, node)?,
            Op::Upsample => Step::Upsample { input: input(0).view, output: output().view },
            Op::MaxPool { kernel } => Step::MaxPool { input: input(0).view, output: output().view, kernel: *kernel },
            Op::TextAttention(attention) => {
                let places = [input(0), output()];
                let attention = Attention::load(self.weights, node, attention, places, self.set)?;
                Step::Attend { attention, texts: self.text_source(node, 2) }
            }
            Op::TextEnhancer(enhancer) => {
                let maps = (1..node.inputs.len()).map(|number| input(number).clone()).collect();
                Step::Enhance(Box::new(Enhancer::load(self.weights, node, enhancer, maps, self.set)?))
            }
            Op::ClassContrast(contrast) => {
                let contrast = Contrast::load(self.weights, node, contrast, input(0).clone(), self.set)?;
                Step::Contrast { contrast, texts: self.text_source(node, 1) }
            }
            Op::BoxDistribution { bins } => Step::Distances(Distances { input: input(0).clone(), bins: *bins }),
        })
    }

    fn text_source(&self, node: &Node, number: usize) -> TextSource {
        match self.graph.node(node.inputs[number]).op {
            Op::Texts => TextSource::Given,
            _ => TextSource::Enhanced,
        }
    }

    fn sum(&self, index: usize, node: &Node) -> Result<Step, ModelError> {
        let view = |number: usize| self.layout.place(node.inputs[number].index()).view;
        let Some(fused) = self.layout.fused[index] else {
            return Ok(Step::Add { inputs: [view(0), view(1)], output: self.layout.place(index).view });
        };
        let Op::Conv(conv) = &self.graph.nodes[fused].op else { unreachable!("only convolutions are fused") };
        let other = (0..2).find(|&number| node.inputs[number].index() != fused);
        self.convolution(fused, conv, other.map(view))
    }

    fn convolution(&self, index: usize, conv: &network::Conv, residual: Option<View>) -> Result<Step, ModelError> {
        let node = &self.graph.nodes[index];
        let (input, output) = (self.layout.place(node.inputs[0].index()), self.layout.place(index));
        let FoldedConv { kernel, bias } = FoldedConv::load(self.weights, node, conv)?;
        let spec = ConvolutionSpec {
            weights: &kernel,
            bias: &bias,
            kernel: conv.kernel,
            stride: conv.stride,
            silu: conv.activation == Activation::Silu,
            input: &input.lanes(),
            output: &output.lanes(),
        };
        let convolution = Convolution::new(&spec, self.set, self.winograd);
        Ok(Step::Convolve { convolution, input: input.view, output: output.view, residual })
    }
}
