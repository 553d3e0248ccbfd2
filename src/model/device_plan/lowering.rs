//! From a graph's nodes to steps on buffers.

use std::collections::BTreeMap;

use super::enhancing::{Enhancing, Projection};
use super::numbers::{of_floats, pack};
use super::steps::{Attend, Convolve, FilterOf, Leaving, Logits, MapView, Parameter, Step, Target, Value};
use crate::kernels::gpu::{self, Format, WeightPlaces};
use crate::kernels::{lane_map, InstructionSet, MapsShape, View, LANES};
use crate::model::network::{self, Activation, Conv, FoldedConv, Graph, Node, Op, Shape};
use crate::model::plan::{readers, Contrast, Layout, TextSource};
use crate::model::{ModelError, Weights};

/// A graph's steps and packed parameters, in the host's memory.
pub struct Lowered {
    pub(super) graph: Graph,
    pub(super) format: Format,
    /// By node.
    pub(super) steps: Vec<Vec<Step>>,
    /// By node.
    pub(super) values: Vec<Value>,
    /// By node: the convolution that is computed with this sum.
    pub(super) fused: Vec<Option<usize>>,
    /// Words of packed parameters.
    pub(super) parameters: Vec<Vec<u32>>,
    /// Numbers of each of the layout's buffers for an image.
    pub(super) slots: Vec<usize>,
    /// The attentions in order.
    pub(super) attentions: Vec<Attend>,
    /// The logits of each level.
    pub(super) logits: Vec<Logits>,
    pub(super) enhancing: Option<Enhancing>,
    pub(super) text_width: usize,
}

impl Lowered {
    /// Lowers a graph for a format of numbers.
    ///
    /// # Errors
    ///
    /// If a parameter cannot be read or is not finite, and if the kernels do not compute a node.
    pub fn new(graph: Graph, weights: &impl Weights, format: Format) -> Result<Self, ModelError> {
        let layout = Layout::new(&graph);
        let mut lowering = Lowering {
            graph: &graph,
            layout: &layout,
            weights,
            format,
            leaving: leaving(&graph)?,
            shapes: vec![None; layout.maps],
            slots: vec![0; layout.maps],
            parameters: vec![],
            attentions: vec![],
            logits: vec![],
            enhancing: None,
        };
        let (mut steps, mut values) = (vec![], vec![]);
        for index in 0..graph.nodes.len() {
            steps.push(lowering.steps(index)?);
            values.push(lowering.value(index));
        }
        let Lowering { parameters, slots, attentions, mut logits, enhancing, .. } = lowering;
        logits.sort_by_key(|logits| logits.level);
        let text_width = graph.nodes.iter().find_map(|node| match (&node.op, node.shape) {
            (Op::Texts, Shape::Texts { width }) => Some(width),
            _ => None,
        });
        let text_width = text_width.expect("a network has texts");
        let fused = layout.fused.clone();
        Ok(Self { format, steps, values, fused, parameters, slots, attentions, logits, enhancing, text_width, graph })
    }
}

/// What leaves the network, or is on the way there, by node.
fn leaving(graph: &Graph) -> Result<BTreeMap<usize, Leaving>, ModelError> {
    let mut leaving = BTreeMap::from([(graph.outputs.prototypes.index(), Leaving::Prototypes)]);
    for (number, level) in graph.outputs.levels.iter().enumerate() {
        leaving.insert(level.coefficients.index(), Leaving::Coefficients(number));
        let (distances, logits) = (graph.node(level.distances), graph.node(level.logits));
        if !matches!(distances.op, Op::BoxDistribution { .. }) {
            return Err(no_kernel(distances, "distances are those of a distribution"));
        }
        if !matches!(logits.op, Op::ClassContrast(_)) {
            return Err(no_kernel(logits, "logits are those of a contrast"));
        }
        leaving.insert(distances.inputs[0].index(), Leaving::Distributions(number));
    }
    match leaving.keys().find(|&&index| !matches!(graph.nodes[index].op, Op::Conv(_))) {
        Some(&index) => Err(no_kernel(&graph.nodes[index], "only convolutions leave the network")),
        None => Ok(leaving),
    }
}

fn no_kernel(node: &Node, reason: impl Into<String>) -> ModelError {
    ModelError::NoKernel { node: node.name.clone(), reason: reason.into() }
}

/// Makes steps of nodes, in their order.
struct Lowering<'a, W> {
    graph: &'a Graph,
    layout: &'a Layout,
    weights: &'a W,
    format: Format,
    leaving: BTreeMap<usize, Leaving>,
    /// The sizes of each of the layout's maps in its present life.
    shapes: Vec<Option<MapsShape>>,
    slots: Vec<usize>,
    parameters: Vec<Vec<u32>>,
    attentions: Vec<Attend>,
    logits: Vec<Logits>,
    enhancing: Option<Enhancing>,
}

impl<W: Weights> Lowering<'_, W> {
    fn steps(&mut self, index: usize) -> Result<Vec<Step>, ModelError> {
        let (graph, layout) = (self.graph, self.layout);
        for &(slot, shape) in &layout.reshapes[index] {
            self.shapes[slot] = Some(shape);
            self.slots[slot] = self.slots[slot].max(shape.blocks * LANES * shape.height * shape.width);
        }
        let mut steps = vec![];
        for &(from, to) in &layout.copies[index] {
            steps.push(Step::Copy([from, to].map(|view| self.view(view))));
        }
        let node = &graph.nodes[index];
        let input = |number: usize| node.inputs[number].index();
        match &node.op {
            Op::Texts | Op::Slice { .. } | Op::Concat => {}
            Op::Image => steps.push(Step::Image(self.place(index))),
            Op::Conv(conv) => match layout.fused.contains(&Some(index)) {
                // It is computed with the sum, which comes later.
                true => {}
                false => steps.extend(self.convolutions(index, conv)?),
            },
            Op::Add => match layout.fused[index] {
                Some(convolution) => steps.push(self.sum(index, convolution)?),
                None => steps.push(Step::Add([input(0), input(1), index].map(|index| self.place(index)))),
            },
            Op::Upsample => steps.push(Step::Upsample([input(0), index].map(|index| self.place(index)))),
            Op::MaxPool { kernel } => {
                let views = [input(0), index].map(|index| self.place(index));
                steps.push(Step::MaxPool { views, window: *kernel });
            }
            Op::TextAttention(attention) => {
                let attend = self.attention(index, attention)?;
                self.attentions.push(attend);
                steps.push(Step::Attend(attend));
            }
            Op::TextEnhancer(enhancer) => {
                self.enhance(node, enhancer)?;
                steps.push(Step::Enhance);
            }
            Op::ClassContrast(contrast) => steps.push(self.contrast(index, contrast)?),
            Op::BoxDistribution { bins } => {
                let Some(Leaving::Distributions(level)) = self.leaving.get(&input(0)).copied() else {
                    return Err(no_kernel(node, "it does not leave the network"));
                };
                steps.push(Step::Distances { level, bins: *bins });
            }
        }
        Ok(steps)
    }

    /// Where a node's value is, once its steps have run.
    fn value(&self, index: usize) -> Value {
        let node = &self.graph.nodes[index];
        let level = |of: fn(&network::LevelOutputs) -> network::ValueId| {
            let mut levels = self.graph.outputs.levels.iter();
            levels.position(|level| of(level).index() == index).expect("it leaves the network")
        };
        match (&node.op, node.shape) {
            (Op::Texts, _) => Value::GivenTexts,
            (Op::TextEnhancer(_), _) => Value::EnhancedTexts,
            (Op::ClassContrast(_), _) => Value::Logits { level: level(|level| level.logits) },
            (Op::BoxDistribution { .. }, _) => Value::Distances { level: level(|level| level.distances) },
            (_, Shape::Map { channels, height, width }) => match self.leaving.get(&index) {
                Some(&leaving) => Value::Planes { leaving, channels, height, width },
                None => Value::Map { view: self.place(index), lanes: self.layout.place(index).lanes() },
            },
            (_, Shape::Texts { .. } | Shape::Logits { .. }) => unreachable!("all operations on texts are above"),
        }
    }

    fn place(&self, index: usize) -> MapView {
        self.view(self.layout.place(index).view)
    }

    fn view(&self, view: View) -> MapView {
        let shape = self.shapes[view.maps].expect("a map is born before it is used");
        MapView {
            slot: view.maps,
            first: view.block * LANES,
            pitch: shape.blocks * LANES,
            channels: view.blocks * LANES,
            height: shape.height,
            width: shape.width,
        }
    }

    fn parameter(&mut self, words: Vec<u32>) -> Parameter {
        self.parameters.push(words);
        Parameter(self.parameters.len() - 1)
    }

    /// Packs weights `[out][in][kernel][kernel]` as rows of taps of lanes.
    fn filter(
        &mut self,
        weights: &[f32],
        bias: &[f32],
        [kernel, stride]: [usize; 2],
        lanes: [&[Option<usize>]; 2],
    ) -> FilterOf {
        let [input, output] = lanes;
        let words = pack_weights(self.format, weights, kernel, lanes);
        let biases: Vec<f32> = output.iter().map(|lane| lane.map_or(0.0, |channel| bias[channel])).collect();
        FilterOf {
            weights: self.parameter(words),
            bias: self.parameter(of_floats(&biases)),
            kernel,
            stride,
            in_channels: input.len(),
            out_channels: output.len(),
        }
    }

    fn projection(&mut self, projection: &Projection) -> FilterOf {
        let Projection { weights, bias, input, output } = projection;
        self.filter(weights, bias, [1, 1], [input, output])
    }

    /// A convolution into its map, and into planes if it leaves the network.
    fn convolutions(&mut self, index: usize, conv: &Conv) -> Result<Vec<Step>, ModelError> {
        let leaving = self.leaving.get(&index).copied();
        let is_map = |&reader: &usize| !matches!(self.graph.nodes[reader].op, Op::BoxDistribution { .. });
        let stays = leaving.is_none() || readers(self.graph, index).filter(is_map).count() > 0;
        let mut steps = vec![];
        if stays {
            steps.push(self.convolution(index, conv, Target::Map { output: self.place(index), residual: None })?);
        }
        if let Some(leaving) = leaving {
            steps.push(self.convolution(index, conv, Target::Planes(leaving))?);
        }
        Ok(steps)
    }

    /// The convolution that is computed with a sum.
    fn sum(&mut self, sum: usize, convolution: usize) -> Result<Step, ModelError> {
        let Op::Conv(conv) = &self.graph.nodes[convolution].op else { unreachable!("only convolutions are fused") };
        let inputs = self.graph.nodes[sum].inputs.iter().map(|input| input.index());
        let residual = inputs.filter(|&input| input != convolution).map(|input| self.place(input)).next();
        self.convolution(convolution, conv, Target::Map { output: self.place(convolution), residual })
    }

    fn convolution(&mut self, index: usize, conv: &Conv, target: Target) -> Result<Step, ModelError> {
        let node = &self.graph.nodes[index];
        let folded = FoldedConv::load(self.weights, node, conv)?;
        let input = node.inputs[0].index();
        let (in_lanes, place) = (self.layout.place(input).lanes(), self.layout.place(index));
        let out_lanes = match target {
            Target::Map { .. } => place.lanes(),
            Target::Planes(_) => (0..conv.out_channels).map(Some).collect(),
        };
        let sides = [conv.kernel, conv.stride];
        let filter = self.filter(&folded.kernel, &folded.bias, sides, [&in_lanes, &out_lanes]);
        let silu = conv.activation == Activation::Silu;
        Ok(Step::Convolve(Convolve { filter, input: self.place(input), silu, target }))
    }

    fn text_source(&self, node: &Node, number: usize) -> TextSource {
        match self.graph.node(node.inputs[number]).op {
            Op::Texts => TextSource::Given,
            _ => TextSource::Enhanced,
        }
    }

    fn attention(&mut self, index: usize, attention: &network::TextAttention) -> Result<Attend, ModelError> {
        let node = &self.graph.nodes[index];
        let head_width = attention.channels / attention.heads;
        if gpu::Attend::<()>::kernel_name(head_width).is_none() {
            return Err(no_kernel(
                node,
                format!("heads of {head_width} channels; there are kernels up to 16, 32, and 49 to 64"),
            ));
        }
        let parameters = node.parameters();
        let read = |number: usize| parameters[number].read(self.weights);
        let (weights, bias, biases) = (read(0)?, read(1)?, read(2)?);
        let [input, output] = [lane_map(&[attention.text_width]), lane_map(&vec![head_width; attention.heads])];
        Ok(Attend {
            number: self.attentions.len(),
            input: self.place(node.inputs[0].index()),
            output: self.place(index),
            heads: attention.heads,
            biases: self.parameter(of_floats(&biases)),
            scale: 1.0 / (head_width as f32).sqrt(),
            guide: self.projection(&Projection { weights, bias, input, output }),
            texts: self.text_source(node, 2),
        })
    }

    fn enhance(&mut self, node: &Node, enhancer: &network::TextEnhancer) -> Result<(), ModelError> {
        if self.enhancing.is_some() || self.text_source(node, 0) == TextSource::Enhanced {
            return Err(no_kernel(node, "texts are enhanced once"));
        }
        // Tokens are normalised over all lanes.
        if !enhancer.width.is_multiple_of(LANES) {
            return Err(no_kernel(node, format!("{} channels, not a multiple of {LANES}", enhancer.width)));
        }
        let inputs = node.inputs[1..].iter().map(|input| input.index());
        if inputs.clone().any(|input| self.layout.place(input).segments != [enhancer.width]) {
            return Err(no_kernel(node, "its maps are cut into parts"));
        }
        let maps = inputs.map(|input| self.place(input)).collect();
        let weights = self.weights;
        let enhancing = Enhancing::load(weights, node, enhancer, maps, |projection| self.projection(projection))?;
        self.enhancing = Some(enhancing);
        Ok(())
    }

    fn contrast(&mut self, index: usize, contrast: &network::ClassContrast) -> Result<Step, ModelError> {
        let node = &self.graph.nodes[index];
        if self.text_source(node, 1) == TextSource::Enhanced {
            return Err(no_kernel(node, "logits by enhanced texts"));
        }
        let mut levels = self.graph.outputs.levels.iter();
        let Some(level) = levels.position(|level| level.logits.index() == index) else {
            return Err(no_kernel(node, "it does not leave the network"));
        };
        let place = self.layout.place(node.inputs[0].index());
        let contrast = Contrast::load(self.weights, node, contrast, place.clone(), InstructionSet::detect())?;
        self.logits.push(Logits { level, contrast, input: self.view(place.view), lanes: place.lanes() });
        Ok(Step::Logits(level))
    }
}

/// Weights `[out][in][kernel][kernel]` where the kernels look for them, by the lanes of both sides, in words.
pub(super) fn pack_weights(format: Format, weights: &[f32], kernel: usize, lanes: [&[Option<usize>]; 2]) -> Vec<u32> {
    let [input, output] = lanes;
    let taps = kernel * kernel;
    let channels = input.iter().flatten().count();
    let places = WeightPlaces::new(format, input.len(), kernel);
    let mut numbers = vec![0.0; places.numbers(output.len())];
    for (row, out) in output.iter().enumerate() {
        let Some(out) = out else { continue };
        let of_out = &weights[out * channels * taps..][..channels * taps];
        for (lane, channel) in input.iter().enumerate() {
            let Some(channel) = channel else { continue };
            (0..taps).for_each(|tap| numbers[places.place(row, tap, lane)] = of_out[channel * taps + tap]);
        }
    }
    pack(format, &numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_has_a_place_of_its_own_and_the_rest_is_zeros() {
        for format in Format::ALL {
            // Two outputs in different blocks, of three inputs in two parts.
            let weights: Vec<f32> = (0..2 * 3 * 9).map(|index| index as f32 + 1.0).collect();
            let lanes = [lane_map(&[2, 1]), lane_map(&[1, 1])];
            let words = pack_weights(format, &weights, 3, [&lanes[0], &lanes[1]]);
            let places = WeightPlaces::new(format, 32, 3);
            let numbers = super::super::numbers::unpack(format, &words);
            assert_eq!(numbers.len(), places.numbers(32));
            let at = |out: usize, tap: usize, lane: usize| numbers[places.place(out, tap, lane)];
            assert_eq!((at(0, 4, 0), at(0, 4, 1), at(0, 4, 16)), (5.0, 14.0, 23.0));
            assert_eq!((at(16, 8, 16), at(16, 8, 2), at(1, 4, 0)), (54.0, 0.0, 0.0));
            assert_eq!(numbers.iter().filter(|&&number| number != 0.0).count(), 54);
        }
    }

    #[test]
    fn all_taps_of_a_slice_s_channels_come_before_the_next_slice_s() {
        let places = WeightPlaces::new(Format::F32, 40, 3);
        // The first row's vectors are in their order.
        assert_eq!((places.place(0, 0, 0), places.place(0, 0, 31)), (0, 31));
        assert_eq!(places.place(0, 1, 0), 32 * 32);
        assert_eq!((places.place(0, 0, 32), places.place(0, 4, 32)), (9 * 32 * 32, 10 * 32 * 32));
        assert_eq!((places.place(1, 0, 0), places.place(1, 0, 4)), (32 + 4, 32));
        assert_eq!(places.place(32, 0, 0), places.numbers(32));
        let mut all: Vec<usize> = (0..3 * 40 * 9).map(|at| places.place(at / 360, at / 40 % 9, at % 40)).collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 3 * 40 * 9);
    }
}
