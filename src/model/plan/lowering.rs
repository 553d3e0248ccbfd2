//! From a graph's nodes to steps on maps.

use super::attention::Attention;
use super::contrast::Contrast;
use super::distances::Distances;
use super::enhancer::Enhancer;
use super::layout::Layout;
use crate::kernels::{Convolution, ConvolutionSpec, InstructionSet, View};
use crate::model::network::{Activation, FoldedConv, Graph, Node, Op};
use crate::model::{ModelError, Weights};

/// How a network is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arithmetic {
    /// Convolutions by minimal filtering where that is faster.
    pub winograd: bool,
    /// In convolutions values and weights, in text attention pixels and texts rounded to bfloat16 before they are
    /// multiplied; sums are float32. Class contrast and texts that have seen the image stay float32, and so does all
    /// that is added.
    pub bf16: bool,
}

/// Where a layer's texts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::model) enum TextSource {
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

/// A node whose parameters are read.
pub(super) enum Read {
    /// A convolution, yet to be packed.
    Convolution(FoldedConv),
    /// Anything else.
    Step(Step),
}

/// Makes steps of nodes: reads all parameters, then packs them. In between, the weights' own memory
/// can be given back: packed convolutions take up to four times the memory of what was read.
pub(super) struct Lowering<'a> {
    pub graph: &'a Graph,
    pub layout: &'a Layout,
    pub set: InstructionSet,
    pub arithmetic: Arithmetic,
}

impl Lowering<'_> {
    /// Reads the parameters of each node.
    ///
    /// # Errors
    ///
    /// If one cannot be read or is not finite.
    pub fn read(&self, weights: &impl Weights) -> Result<Vec<Read>, ModelError> {
        let read = |(index, node)| self.read_node(weights, index, node);
        self.graph.nodes.iter().enumerate().map(read).collect()
    }

    /// The step of each node; what was read of one is given back before the next is packed.
    pub fn pack(&self, read: Vec<Read>) -> Vec<Step> {
        let mut steps = Vec::with_capacity(read.len());
        for (index, read) in read.into_iter().enumerate() {
            let step = match (read, self.sum_of(index)) {
                (Read::Step(step), _) => step,
                (Read::Convolution(folded), None) => self.convolution(index, &folded, None),
                // It runs with the sum, which comes later.
                (Read::Convolution(folded), Some(sum)) => {
                    let inputs = self.graph.nodes[sum].inputs.iter().map(|input| input.index());
                    let other =
                        inputs.filter(|&input| input != index).map(|input| self.layout.place(input).view).next();
                    self.convolution(index, &folded, other)
                }
            };
            steps.push(step);
        }
        for (index, fused) in self.layout.fused.iter().enumerate() {
            if let Some(convolution) = fused {
                steps.swap(index, *convolution);
            }
        }
        steps
    }

    /// The sum that a convolution is computed with.
    fn sum_of(&self, index: usize) -> Option<usize> {
        self.layout.fused.iter().position(|&convolution| convolution == Some(index))
    }

    fn read_node(&self, weights: &impl Weights, index: usize, node: &Node) -> Result<Read, ModelError> {
        let (layout, set) = (self.layout, self.set);
        let input = |number: usize| layout.place(node.inputs[number].index());
        let output = || layout.place(index);
        Ok(Read::Step(match &node.op {
            Op::Image => Step::Image(output().view),
            Op::Texts | Op::Slice { .. } | Op::Concat => Step::Nothing,
            Op::Conv(conv) => return Ok(Read::Convolution(FoldedConv::load(weights, node, conv)?)),
            Op::Add if layout.fused[index].is_some() => Step::Nothing,
            Op::Add => Step::Add { inputs: [input(0).view, input(1).view], output: output().view },
            Op::Upsample if layout.doubling[index].is_some() => Step::Nothing,
            Op::Upsample => Step::Upsample { input: input(0).view, output: output().view },
            Op::MaxPool { kernel } => Step::MaxPool { input: input(0).view, output: output().view, kernel: *kernel },
            Op::TextAttention(attention) => {
                let attention =
                    Attention::load(weights, node, attention, [input(0), output()], set, self.arithmetic.bf16)?;
                Step::Attend { attention, texts: self.text_source(node, 2) }
            }
            Op::TextEnhancer(enhancer) => {
                let maps = (1..node.inputs.len()).map(|number| input(number).clone()).collect();
                Step::Enhance(Box::new(Enhancer::load(weights, node, enhancer, maps, set)?))
            }
            Op::ClassContrast(contrast) => {
                let contrast = Contrast::load(weights, node, contrast, input(0).clone(), set)?;
                Step::Contrast { contrast, texts: self.text_source(node, 1) }
            }
            Op::BoxDistribution { bins } => Step::Distances(Distances { input: input(0).clone(), bins: *bins }),
        }))
    }

    fn text_source(&self, node: &Node, number: usize) -> TextSource {
        match self.graph.node(node.inputs[number]).op {
            Op::Texts => TextSource::Given,
            _ => TextSource::Enhanced,
        }
    }

    fn convolution(&self, index: usize, folded: &FoldedConv, residual: Option<View>) -> Step {
        let node = &self.graph.nodes[index];
        let Op::Conv(conv) = &node.op else { unreachable!("only convolutions are read as such") };
        let input = node.inputs[0].index();
        let doubled = self.layout.doubling[input].is_some();
        let input = if doubled { self.graph.nodes[input].inputs[0].index() } else { input };
        let (input, output) = (self.layout.place(input), self.layout.place(index));
        let spec = ConvolutionSpec {
            weights: &folded.kernel,
            bias: &folded.bias,
            kernel: conv.kernel,
            stride: conv.stride,
            doubled,
            silu: conv.activation == Activation::Silu,
            input: &input.lanes(),
            output: &output.lanes(),
        };
        let Arithmetic { winograd, bf16 } = self.arithmetic;
        let convolution = match bf16 {
            true => Convolution::bf16(&spec, self.set, winograd),
            false => Convolution::new(&spec, self.set, winograd),
        };
        Step::Convolve { convolution, input: input.view, output: output.view, residual }
    }
}
