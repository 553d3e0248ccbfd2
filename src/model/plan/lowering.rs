//! From a graph's nodes to steps on maps.

use super::attention::Attention;
use super::contrast::Contrast;
use super::distances::Distances;
use super::doubling::Instead;
use super::enhancer::Enhancer;
use super::layout::{Layout, Place};
use crate::kernels::{Convolution, ConvolutionSpec, InstructionSet, Operands, View};
use crate::model::network::{Activation, Conv, FoldedConv, Graph, Node, Op};
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
    Convolve {
        convolution: Convolution,
        operands: Operands,
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
                (Read::Convolution(folded), None) if self.doubling_before(index) == Some(Instead::OtherPart) => {
                    let parts = self.convolution_in_parts(index, &folded);
                    steps[parts.upsampling] = parts.sums;
                    parts.rest
                }
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
            // Its convolution brings the step of its sums.
            Op::Upsample if layout.doubling.instead(index).is_some() => Step::Nothing,
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

    /// What becomes of a convolution's input.
    fn doubling_before(&self, index: usize) -> Option<Instead> {
        self.layout.doubling.instead(self.graph.nodes[index].inputs[0].index())
    }

    fn convolution(&self, index: usize, folded: &FoldedConv, residual: Option<View>) -> Step {
        let input = self.graph.nodes[index].inputs[0].index();
        let doubled = self.doubling_before(index) == Some(Instead::OnTheWay);
        let input = if doubled { self.graph.nodes[input].inputs[0].index() } else { input };
        let (input, output) = (self.layout.place(input), self.layout.place(index));
        let convolution = self.packed(self.conv(index), folded, [input, output], doubled);
        let operands = Operands { residual, ..Operands::new(input.view, output.view) };
        Step::Convolve { convolution, operands }
    }

    /// A pointwise convolution of a concatenation with an upsampling: its sums over the upsampled channels, bias included,
    /// and the rest of it, which starts from them.
    fn convolution_in_parts(&self, index: usize, folded: &FoldedConv) -> Parts {
        let (graph, layout, conv) = (self.graph, self.layout, self.conv(index));
        let concatenation = graph.node(graph.nodes[index].inputs[0]);
        let mut first = 0;
        let parts = concatenation.inputs.iter().map(|&part| {
            let channels = first..first + graph.node(part).shape.channels();
            first = channels.end;
            (part.index(), folded.of_inputs(channels, conv.in_channels))
        });
        let is_upsampling = |part: &(usize, _)| layout.doubling.instead(part.0) == Some(Instead::Sums);
        let (upsampling, other): (Vec<_>, Vec<_>) = parts.partition(is_upsampling);
        let [(upsampling, of_upsampling), (other, of_other)] = [&upsampling[0], &other[0]];
        let halved = graph.nodes[*upsampling].inputs[0].index();
        let [halved, sums, other, output] = [halved, *upsampling, *other, index].map(|index| layout.place(index));
        let plain = Conv { activation: Activation::Identity, ..conv.clone() };
        let operands = Operands { halved_sums: Some(sums.view), ..Operands::new(other.view, output.view) };
        Parts {
            upsampling: *upsampling,
            sums: Step::Convolve {
                convolution: self.packed(&plain, of_upsampling, [halved, sums], false),
                operands: Operands::new(halved.view, sums.view),
            },
            rest: Step::Convolve { convolution: self.packed(conv, of_other, [other, output], false), operands },
        }
    }

    fn conv(&self, index: usize) -> &Conv {
        let Op::Conv(conv) = &self.graph.nodes[index].op else { unreachable!("only convolutions are read as such") };
        conv
    }

    fn packed(&self, conv: &Conv, folded: &FoldedConv, [input, output]: [&Place; 2], doubled: bool) -> Convolution {
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
        match bf16 {
            true => Convolution::bf16(&spec, self.set, winograd),
            false => Convolution::new(&spec, self.set, winograd),
        }
    }
}

/// The steps of a convolution that sums over an upsampling's channels before they are doubled.
struct Parts {
    /// Whose step the sums are.
    upsampling: usize,
    sums: Step,
    rest: Step,
}
