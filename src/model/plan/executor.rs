//! Runs the steps of a plan, image by image.

use super::doubling::Instead;
use super::layout::Layout;
use super::lowering::{Arithmetic, Lowering, Step, TextSource};
use super::prepared::{LastTexts, PreparedTexts};
use super::rows::read_rows;
use super::workspace::{Room, Workspace, Workspaces};
use crate::kernels::{
    add, copy, max_pool, upsample, ClassScore, InstructionSet, Maps, Operands, RisingFloor, Wanted, LANES,
};
use crate::model::engine::{wanted_values, Trace, Traced};
use crate::model::input::InputImage;
use crate::model::letterbox::FRACTIONS;
use crate::model::network::{Graph, LevelOutputs, Op, Shape, ValueId};
use crate::model::{HeadOutput, InputBatch, LevelOutput, ModelError, PairLogit, SparseOutput, TextEmbeddings, Weights};

/// A graph lowered onto the kernels of an instruction set.
pub struct Plan {
    graph: Graph,
    layout: Layout,
    steps: Vec<Step>,
    texts: LastTexts,
    workspaces: Workspaces,
}

/// One image under way.
struct Run<'a> {
    workspace: &'a mut Workspace,
    texts: &'a PreparedTexts,
    image: InputImage<'a>,
    /// By node: what leaves the network.
    outputs: Vec<Option<Vec<f32>>>,
    /// The least logit to keep; all if `None`.
    floor: Option<RisingFloor>,
    /// The logits from the floor on, and some that were found before it rose above them.
    pairs: Vec<PairLogit>,
}

impl Plan {
    /// Lowers a graph onto the best kernels that this machine has. The weights are given up once they
    /// are read, before their packed form takes its memory.
    ///
    /// # Errors
    ///
    /// If a parameter cannot be read or is not finite.
    pub fn lower(graph: Graph, weights: impl Weights, arithmetic: Arithmetic) -> Result<Self, ModelError> {
        Self::lower_for(graph, weights, arithmetic, InstructionSet::detect())
    }

    /// As [`Plan::lower`], onto the kernels of an instruction set that the machine has.
    ///
    /// # Errors
    ///
    /// As [`Plan::lower`].
    pub fn lower_for(
        graph: Graph,
        weights: impl Weights,
        arithmetic: Arithmetic,
        set: InstructionSet,
    ) -> Result<Self, ModelError> {
        let layout = match arithmetic.winograd {
            true => Layout::doubling(&graph),
            false => Layout::new(&graph),
        };
        let lowering = Lowering { graph: &graph, layout: &layout, set, arithmetic };
        let read = lowering.read(&weights)?;
        drop(weights);
        let steps = lowering.pack(read);
        Ok(Self { graph, layout, steps, texts: LastTexts::default(), workspaces: Workspaces::default() })
    }

    /// The structure that is run.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The head's outputs for each image of a batch.
    pub fn forward(&self, batch: &InputBatch, texts: &TextEmbeddings) -> Vec<HeadOutput> {
        self.run(batch, texts, None, &mut |_, _| {}).into_iter().map(|sparse| sparse.head).collect()
    }

    /// As [`Plan::forward`], without storing logits that are not wanted.
    pub fn forward_above(&self, batch: &InputBatch, texts: &TextEmbeddings, wanted: Wanted) -> Vec<SparseOutput> {
        self.run(batch, texts, Some(wanted), &mut |_, _| {})
    }

    /// The head's outputs, and the values of named stages on the way.
    ///
    /// # Errors
    ///
    /// If the network has no stage of a name.
    pub fn trace(
        &self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        stages: &[&str],
    ) -> Result<(Vec<HeadOutput>, Trace), ModelError> {
        let wanted = wanted_values(&self.graph, stages)?;
        let mut trace = Trace::new();
        let outputs = self.run(batch, texts, None, &mut |index, run| {
            let Some(names) = wanted.get(&self.graph.value(index)) else { return };
            let (shape, values) = self.value(index, run);
            for name in names {
                let empty = || Traced { shape: [&[0], shape.as_slice()].concat(), data: vec![] };
                let traced = trace.entry((*name).to_owned()).or_insert_with(empty);
                // Texts as given are one value that all images share.
                if !matches!(self.graph.nodes[index].op, Op::Texts) || traced.shape[0] == 0 {
                    traced.shape[0] += 1;
                    traced.data.extend_from_slice(&values);
                }
            }
        });
        Ok((outputs.into_iter().map(|sparse| sparse.head).collect(), trace))
    }

    /// Computes a batch and shows each node's value to `see` as soon as it is there.
    fn run(
        &self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        wanted: Option<Wanted>,
        see: &mut dyn FnMut(usize, &mut Run<'_>),
    ) -> Vec<SparseOutput> {
        let texts = self.texts.prepare(&self.steps, texts);
        let mut loan = self.workspaces.borrow(self.layout.maps);
        let outputs = batch.each().into_iter().map(|image| {
            let mut run = self.start(loan.get(), &texts, image, wanted);
            for index in 0..self.steps.len() {
                self.node(index, &mut run);
                see(index, &mut run);
            }
            let output = self.sparse_output(run, wanted);
            match wanted {
                // A position without a box is no candidate: what its logits crowded out is wanted after all.
                Some(wanted) if output.most < usize::MAX && !has_whole_boxes(&output.head) => {
                    let wanted = Some(Wanted { most: usize::MAX, ..wanted });
                    let mut run = self.start(loan.get(), &texts, image, wanted);
                    (0..self.steps.len()).for_each(|index| self.node(index, &mut run));
                    self.sparse_output(run, wanted)
                }
                _ => output,
            }
        });
        outputs.collect()
    }

    fn start<'a>(
        &self,
        workspace: &'a mut Workspace,
        texts: &'a PreparedTexts,
        image: InputImage<'a>,
        wanted: Option<Wanted>,
    ) -> Run<'a> {
        let (outputs, floor) = (vec![None; self.steps.len()], wanted.map(RisingFloor::new));
        Run { workspace, texts, image, outputs, floor, pairs: vec![] }
    }

    /// Computes a node's value.
    fn node(&self, index: usize, run: &mut Run<'_>) {
        for &(maps, shape) in &self.layout.reshapes[index] {
            run.workspace.maps[maps].reshape(shape);
        }
        for &(from, to) in &self.layout.copies[index] {
            copy(&mut run.workspace.maps, from, to, self.workspaces.has_idle_threads());
        }
        self.step(index, run);
        let is_output = self.graph.outputs.values().any(|output| output.index() == index);
        if is_output && run.outputs[index].is_none() {
            run.outputs[index] = Some(self.map(index, run));
        }
    }

    fn step(&self, index: usize, run: &mut Run<'_>) {
        let spread = self.workspaces.has_idle_threads();
        let Workspace { maps, scratch } = &mut *run.workspace;
        match &self.steps[index] {
            Step::Nothing => {}
            Step::Image(view) => write_image(&mut maps[view.maps], view.block, run.image),
            Step::Convolve { convolution, operands } => convolution.run(maps, scratch, *operands, spread),
            Step::Add { inputs, output } => add(maps, *inputs, *output, spread),
            Step::Upsample { input, output } => upsample(maps, *input, *output, spread),
            Step::MaxPool { input, output, kernel } => max_pool(maps, *input, *output, *kernel, spread),
            Step::Attend { attention, texts: TextSource::Given } => {
                attention.run(maps, &run.texts.guides[&index], spread);
            }
            Step::Attend { attention, texts: TextSource::Enhanced } => {
                let guides = attention.guides(maps, self.room(Room::Enhanced), self.room(Room::Guides), spread);
                attention.run(maps, &guides, spread);
            }
            Step::Enhance(enhancer) => {
                let PreparedTexts { texts, queries, .. } = run.texts;
                enhancer.run(maps, self.layout.maps, texts, &queries[&index], spread);
            }
            Step::Contrast { contrast, texts } => {
                let width = run.texts.texts.width();
                let enhanced = (*texts == TextSource::Enhanced)
                    .then(|| contrast.vectors(&read_rows(&maps[self.room(Room::Enhanced)], width), width));
                let vectors = enhanced.as_ref().unwrap_or_else(|| &run.texts.vectors[&index]);
                let Some(floor) = &run.floor else {
                    run.outputs[index] = Some(contrast.run(maps, vectors, spread));
                    return;
                };
                let first = self.first_position(index) as u32;
                let scores = contrast.run_above(maps, vectors, floor, spread);
                run.outputs[index] = Some(vec![]);
                run.pairs.reserve(scores.iter().map(Vec::len).sum());
                for scores in scores {
                    run.pairs.extend(scores.into_iter().map(|ClassScore { score, pixel, class }| PairLogit {
                        logit: score,
                        position: first + pixel,
                        class,
                    }));
                }
            }
            Step::Distances(distances) => run.outputs[index] = Some(distances.run(maps, spread)),
        }
    }

    fn room(&self, room: Room) -> usize {
        self.layout.maps + room as usize
    }

    /// A map, `[channels][height][width]`.
    fn map(&self, index: usize, run: &Run<'_>) -> Vec<f32> {
        let place = self.layout.place(index);
        run.workspace.maps[place.view.maps].read_channels(&place.channels())
    }

    /// As [`Plan::map`], of what has no place too.
    fn whole_map(&self, index: usize, run: &Run<'_>) -> Vec<f32> {
        let node = &self.graph.nodes[index];
        let inputs = node.inputs.iter().map(|input| self.whole_map(input.index(), run));
        match self.layout.doubling.instead(index) {
            None => self.map(index, run),
            Some(Instead::OtherPart) => inputs.flatten().collect(),
            Some(Instead::OnTheWay | Instead::Sums) => {
                let (_, width) = node.shape.sides();
                inputs.flat_map(|halved| doubled(&halved, width / 2)).collect()
            }
        }
    }

    /// Shape and elements of a node's value, which has just been computed.
    fn value(&self, index: usize, run: &mut Run<'_>) -> (Vec<usize>, Vec<f32>) {
        self.compute_alone(index, run);
        let classes = run.texts.texts.classes();
        match (&self.graph.nodes[index].op, self.graph.nodes[index].shape) {
            (Op::Texts, Shape::Texts { width }) => (vec![classes, width], run.texts.texts.data().to_vec()),
            (_, Shape::Texts { width }) => {
                (vec![classes, width], read_rows(&run.workspace.maps[self.room(Room::Enhanced)], width))
            }
            (_, Shape::Logits { height, width }) => (vec![classes, height, width], self.output(index, run)),
            (Op::BoxDistribution { .. }, Shape::Map { channels, height, width }) => {
                (vec![channels, height, width], self.output(index, run))
            }
            (_, Shape::Map { channels, height, width }) => (vec![channels, height, width], self.whole_map(index, run)),
        }
    }

    fn output(&self, index: usize, run: &Run<'_>) -> Vec<f32> {
        run.outputs[index].clone().expect("the value has just been computed")
    }

    /// Computes a convolution whose value is otherwise part of a sum only. The sum will overwrite it.
    fn compute_alone(&self, index: usize, run: &mut Run<'_>) {
        let sum = self.layout.fused.iter().position(|&convolution| convolution == Some(index));
        if let Some(Step::Convolve { convolution, operands }) = sum.map(|sum| &self.steps[sum]) {
            let Workspace { maps, scratch } = &mut *run.workspace;
            convolution.run(maps, scratch, Operands { residual: None, ..*operands }, false);
        }
    }

    /// Positions of the levels before the one whose logits a node computes.
    fn first_position(&self, index: usize) -> usize {
        let levels = self.graph.outputs.levels.iter().take_while(|level| level.logits.index() != index);
        levels.map(|level| self.graph.node(level.logits).shape.positions()).sum()
    }

    fn sparse_output(&self, mut run: Run<'_>, wanted: Option<Wanted>) -> SparseOutput {
        let outputs = &self.graph.outputs;
        let (prototype_height, prototype_width) = self.graph.node(outputs.prototypes).shape.sides();
        let head = HeadOutput {
            classes: run.texts.texts.classes(),
            levels: outputs.levels.iter().map(|level| self.level_output(level, &mut run)).collect(),
            prototype_height,
            prototype_width,
            prototypes: take(&mut run, outputs.prototypes),
        };
        let (mut most, mut pairs) = (usize::MAX, run.pairs);
        if let (Some(wanted), Some(floor)) = (wanted, run.floor) {
            let settled = floor.settle();
            pairs.retain(|pair| pair.logit >= settled);
            if settled > wanted.floor {
                most = wanted.most;
            }
        }
        SparseOutput { head, floor: wanted.map_or(f32::NEG_INFINITY, |wanted| wanted.floor), most, pairs }
    }

    fn level_output(&self, level: &LevelOutputs, run: &mut Run<'_>) -> LevelOutput {
        let (height, width) = self.graph.node(level.logits).shape.sides();
        LevelOutput {
            stride: level.stride,
            height,
            width,
            logits: take(run, level.logits),
            distances: take(run, level.distances),
            coefficients: take(run, level.coefficients),
        }
    }
}

/// Rows of so many values, each value and each row twice.
fn doubled(values: &[f32], width: usize) -> Vec<f32> {
    let rows = values.chunks_exact(width).flat_map(|row| [row; 2]);
    rows.flat_map(|row| row.iter().flat_map(|&value| [value; 2])).collect()
}

/// Writes an image's channels into the first lanes of a block.
fn write_image(maps: &mut Maps, block: usize, image: InputImage<'_>) {
    match image {
        InputImage::Planes(planes) => maps.write_channels(block * LANES, planes),
        InputImage::Pixels(pixels) => {
            for (row, pixels) in pixels.chunks_exact(3 * maps.shape().width).enumerate() {
                let to = maps.row_mut(block, row).chunks_exact_mut(LANES);
                for (lanes, pixel) in to.zip(pixels.chunks_exact(3)) {
                    lanes.iter_mut().zip(pixel).for_each(|(lane, &byte)| *lane = FRACTIONS[usize::from(byte)]);
                }
            }
        }
    }
}

fn has_whole_boxes(head: &HeadOutput) -> bool {
    head.levels.iter().flat_map(|level| &level.distances).all(|distance| distance.is_finite())
}

fn take(run: &mut Run<'_>, value: ValueId) -> Vec<f32> {
    run.outputs[value.index()].take().expect("every output has been computed")
}
