//! Runs a graph node by node.

use std::collections::BTreeMap;

use candle_core::{DType, IndexOp, Result as Candle, Tensor};
use candle_nn::ops::softmax;

use super::layers::Conv;
use super::text_layers::{ClassContrast, TextAttention, TextEnhancer};
use super::Place;
use crate::model::network::{Graph, LevelOutputs, Node, Op, Shape, ValueId};
#[cfg(feature = "cuda")]
use crate::model::{DeviceLevel, DeviceOutput};
use crate::model::{HeadOutput, InputBatch, Letterbox, LevelOutput, ModelError, TextEmbeddings, Weights};

/// A graph with its parameters on a device.
pub struct Network {
    graph: Graph,
    layers: Vec<Layer>,
    last_readers: Vec<Option<usize>>,
    place: Place,
}

/// A node's parameters; most operations have none.
enum Layer {
    Plain,
    Conv(Conv),
    TextAttention(TextAttention),
    TextEnhancer(TextEnhancer),
    ClassContrast(ClassContrast),
}

/// Computes a node otherwise than by its layer, or leaves it to that.
pub(super) type Instead<'a> = dyn Fn(&Node, &[&Tensor]) -> Option<Candle<Tensor>> + 'a;

/// Values of some stages, by the names they were asked for.
pub type Trace = BTreeMap<String, Traced>;

/// The values of named stages, each with the names it was asked for by.
///
/// # Errors
///
/// If the network has no stage of a name.
pub(crate) fn wanted_values<'a>(
    graph: &Graph,
    stages: &[&'a str],
) -> Result<BTreeMap<ValueId, Vec<&'a str>>, ModelError> {
    let mut wanted: BTreeMap<ValueId, Vec<&str>> = BTreeMap::new();
    for &name in stages {
        let value = graph.find(name).ok_or_else(|| ModelError::NoStage { name: name.to_owned() })?;
        wanted.entry(value).or_default().push(name);
    }
    Ok(wanted)
}

/// The value of one stage for a batch.
#[derive(Debug, Clone, PartialEq)]
pub struct Traced {
    /// Dimensions, the first of which counts images (1 for what all images share).
    pub shape: Vec<usize>,
    /// Elements, row-major.
    pub data: Vec<f32>,
}

impl Network {
    /// Reads the graph's parameters; batch normalisations are folded into convolutions.
    ///
    /// # Errors
    ///
    /// If a parameter cannot be read or is not finite.
    pub(crate) fn load(graph: Graph, weights: &impl Weights, place: Place) -> Result<Self, ModelError> {
        let layers = graph.nodes.iter().map(|node| Layer::load(weights, node, &place));
        let layers = layers.collect::<Result<_, _>>()?;
        Ok(Self { layers, last_readers: graph.last_readers(), graph, place })
    }

    /// The structure that is run.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The head's outputs for each image of a batch.
    ///
    /// # Errors
    ///
    /// If candle fails, as for want of memory.
    pub fn forward(&self, batch: &InputBatch, texts: &TextEmbeddings) -> Result<Vec<HeadOutput>, ModelError> {
        Ok(self.run(batch, texts, &BTreeMap::new())?.0)
    }

    /// The head's outputs, and the values of named stages on the way.
    ///
    /// # Errors
    ///
    /// As [`Network::forward`], and if the network has no stage of a name.
    pub fn trace(
        &self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        stages: &[&str],
    ) -> Result<(Vec<HeadOutput>, Trace), ModelError> {
        Ok(self.run(batch, texts, &wanted_values(&self.graph, stages)?)?)
    }

    fn run(
        &self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        wanted: &BTreeMap<ValueId, Vec<&str>>,
    ) -> Candle<(Vec<HeadOutput>, Trace)> {
        let side = Letterbox::SIZE as usize;
        let image = self.place.tensor(&batch.data(), (batch.images(), 3, side, side))?;
        let rows = self.place.tensor(texts.data(), (1, texts.classes(), texts.width()))?;
        let mut trace = Trace::new();
        let values = self.evaluate(&image, &rows, &|_, _| None, |position, value| {
            for name in wanted.get(&position).into_iter().flatten() {
                trace.insert((*name).to_owned(), Traced::of(value)?);
            }
            Ok(())
        })?;
        let outputs = (0..batch.images()).map(|image| self.head_output(&values, image)).collect::<Candle<_>>()?;
        Ok((outputs, trace))
    }

    /// The values of the outputs. Each value is shown to `see`; `instead` may compute a node in its layer's place.
    fn evaluate(
        &self,
        image: &Tensor,
        rows: &Tensor,
        instead: &Instead<'_>,
        mut see: impl FnMut(ValueId, &Tensor) -> Candle<()>,
    ) -> Candle<Values> {
        let mut values = Values::new(self.graph.nodes.len());
        for (index, (node, layer)) in self.graph.nodes.iter().zip(&self.layers).enumerate() {
            let inputs = values.get(&node.inputs);
            let value = match node.op {
                Op::Image => image.clone(),
                Op::Texts => rows.clone(),
                _ => instead(node, &inputs).unwrap_or_else(|| layer.evaluate(node, &inputs))?,
            };
            let position = self.graph.value(index);
            see(position, &value)?;
            values.set(position, value);
            values.free(node.inputs.iter().filter(|input| self.last_readers[input.index()] == Some(index)));
        }
        Ok(values)
    }

    fn head_output(&self, values: &Values, image: usize) -> Candle<HeadOutput> {
        let outputs = &self.graph.outputs;
        let prototypes = values.image(outputs.prototypes, image)?;
        let levels = outputs.levels.iter().map(|level| level_output(values, level, image));
        Ok(HeadOutput {
            classes: values.image(outputs.levels[0].logits, image)?.dim(0)?,
            levels: levels.collect::<Candle<_>>()?,
            prototype_height: prototypes.dim(1)?,
            prototype_width: prototypes.dim(2)?,
            prototypes: flat(&prototypes)?,
        })
    }
}

#[cfg(feature = "cuda")]
impl Network {
    /// Where its values are.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// The head's outputs for each image, in float32, where the network has computed them.
    pub(super) fn device_outputs(
        &self,
        image: &Tensor,
        rows: &Tensor,
        instead: &Instead<'_>,
    ) -> Candle<Vec<DeviceOutput<Tensor>>> {
        let values = self.evaluate(image, rows, instead, |_, _| Ok(()))?;
        (0..image.dim(0)?).map(|image| self.device_output(&values, image)).collect()
    }

    fn device_output(&self, values: &Values, image: usize) -> Candle<DeviceOutput<Tensor>> {
        let outputs = &self.graph.outputs;
        let value = |id| values.image(id, image)?.to_dtype(DType::F32)?.contiguous();
        let level = |level: &LevelOutputs| {
            let logits = value(level.logits)?;
            Ok(DeviceLevel {
                stride: level.stride,
                height: logits.dim(1)?,
                width: logits.dim(2)?,
                logits,
                distances: value(level.distances)?,
                coefficients: value(level.coefficients)?,
            })
        };
        let levels = outputs.levels.iter().map(level).collect::<Candle<Vec<_>>>()?;
        let prototypes = value(outputs.prototypes)?;
        let (_, prototype_height, prototype_width) = prototypes.dims3()?;
        Ok(DeviceOutput { classes: levels[0].logits.dim(0)?, levels, prototype_height, prototype_width, prototypes })
    }
}

fn level_output(values: &Values, level: &LevelOutputs, image: usize) -> Candle<LevelOutput> {
    let logits = values.image(level.logits, image)?;
    Ok(LevelOutput {
        stride: level.stride,
        height: logits.dim(1)?,
        width: logits.dim(2)?,
        logits: flat(&logits)?,
        distances: flat(&values.image(level.distances, image)?)?,
        coefficients: flat(&values.image(level.coefficients, image)?)?,
    })
}

fn flat(value: &Tensor) -> Candle<Vec<f32>> {
    value.flatten_all()?.to_dtype(DType::F32)?.to_vec1()
}

/// The values that are still needed.
struct Values(Vec<Option<Tensor>>);

impl Values {
    fn new(nodes: usize) -> Self {
        Self(vec![None; nodes])
    }

    fn get(&self, ids: &[ValueId]) -> Vec<&Tensor> {
        let get = |id: &ValueId| self.0[id.index()].as_ref();
        ids.iter().map(|id| get(id).expect("a value lives until its last reader has run")).collect()
    }

    fn set(&mut self, id: ValueId, value: Tensor) {
        self.0[id.index()] = Some(value);
    }

    fn free<'a>(&mut self, ids: impl Iterator<Item = &'a ValueId>) {
        ids.for_each(|id| self.0[id.index()] = None);
    }

    /// One image's part of a value.
    fn image(&self, id: ValueId, image: usize) -> Candle<Tensor> {
        self.get(&[id])[0].i(image)
    }
}

impl Traced {
    fn of(value: &Tensor) -> Candle<Self> {
        Ok(Self { shape: value.dims().to_vec(), data: flat(value)? })
    }
}

impl Layer {
    fn load(weights: &impl Weights, node: &Node, place: &Place) -> Result<Self, ModelError> {
        Ok(match &node.op {
            Op::Conv(conv) => Self::Conv(Conv::load(weights, node, conv, place)?),
            Op::TextAttention(op) => Self::TextAttention(TextAttention::load(weights, node, op, place)?),
            Op::TextEnhancer(op) => Self::TextEnhancer(TextEnhancer::load(weights, node, op, place)?),
            Op::ClassContrast(op) => Self::ClassContrast(ClassContrast::load(weights, node, op, place)?),
            _ => Self::Plain,
        })
    }

    fn evaluate(&self, node: &Node, inputs: &[&Tensor]) -> Candle<Tensor> {
        match self {
            Layer::Conv(conv) => conv.forward(inputs[0]),
            Layer::TextAttention(attention) => attention.forward(inputs[0], inputs[1], inputs[2]),
            Layer::TextEnhancer(enhancer) => enhancer.forward(inputs[0], &inputs[1..]),
            Layer::ClassContrast(contrast) => contrast.forward(inputs[0], inputs[1]),
            Layer::Plain => evaluate_plain(node, inputs),
        }
    }
}

fn evaluate_plain(node: &Node, inputs: &[&Tensor]) -> Candle<Tensor> {
    match (&node.op, node.shape) {
        (Op::Slice { first }, Shape::Map { channels, .. }) => inputs[0].narrow(1, *first, channels),
        (Op::Concat, _) => Tensor::cat(inputs, 1),
        (Op::Add, _) => inputs[0] + inputs[1],
        (Op::Upsample, Shape::Map { height, width, .. }) => inputs[0].upsample_nearest2d(height, width),
        (Op::MaxPool { kernel }, _) => max_pool(inputs[0], *kernel),
        (Op::BoxDistribution { bins }, _) => expected_distances(inputs[0], *bins),
        (op, shape) => unreachable!("{op:?} of shape {shape:?} is an input or has a layer of its own"),
    }
}

/// Padding repeats the border: its pixels are in the window anyway, so that the maximum is the same
/// as with -infinity outside, which candle's pooling does not offer.
fn max_pool(x: &Tensor, kernel: usize) -> Candle<Tensor> {
    let margin = kernel / 2;
    let padded = x.pad_with_same(2, margin, margin)?.pad_with_same(3, margin, margin)?;
    padded.max_pool2d_with_stride(kernel, 1)
}

/// `[images][4][rows][columns]`: for each side the mean of 0, 1, .. under the softmax of its bins.
fn expected_distances(x: &Tensor, bins: usize) -> Candle<Tensor> {
    let (images, _, rows, columns) = x.dims4()?;
    let probabilities = softmax(&x.reshape((images, 4, bins, rows * columns))?, 2)?;
    let distances = Tensor::arange(0.0, bins as f32, x.device())?.to_dtype(x.dtype())?.reshape((1, 1, bins, 1))?;
    probabilities.broadcast_mul(&distances)?.sum(2)?.reshape((images, 4, rows, columns))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::model::checkpoint::Checkpoint;
    use crate::model::Architecture;

    /// A small trained network.
    fn shapes() -> Checkpoint {
        let archive = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/shapes.zip"));
        let mut archive = zip::ZipArchive::new(archive.expect("a file of the repository")).expect("an archive");
        let mut bytes = Vec::new();
        let mut entry = archive.by_name("weights/shapes_v2-bd8e3ecd.pth").expect("the weights");
        entry.read_to_end(&mut bytes).expect("they can be unpacked");
        Checkpoint::from_bytes("shapes_v2", bytes).expect("a checkpoint")
    }

    /// Head outputs of one image, all values in one row.
    fn outputs(checkpoint: &Checkpoint, dtype: DType) -> Vec<f32> {
        let architecture = Architecture::detect(checkpoint).expect("an architecture");
        let place = Place { dtype, ..Place::cpu() };
        let network = Network::load(Graph::new(&architecture), checkpoint, place).expect("the weights are complete");
        let width = architecture.text.projection;
        let row =
            |class| (0..width).map(move |column| if column % 5 == class { (5.0 / width as f32).sqrt() } else { 0.0 });
        let texts = TextEmbeddings::new(width, (0..5).flat_map(row).collect()).expect("rows");
        let pixels = (0..Letterbox::VALUES).map(|index| (index / 40 % 7) as f32 / 6.0).collect();
        let batch = InputBatch::new(1, pixels).expect("an image");
        let output = network.forward(&batch, &texts).expect("the network runs").remove(0);
        let levels = output.levels.into_iter().flat_map(|level| [level.logits, level.distances, level.coefficients]);
        levels.flatten().chain(output.prototypes).collect()
    }

    /// A GPU runs the same operations in types that the processor is not offered in: each of them must take its
    /// operands in one type, from the first to the last. candle multiplies no bfloat16 on the processor.
    #[test]
    fn the_whole_network_runs_in_half_precision() {
        let checkpoint = shapes();
        let (exact, rounded) = (outputs(&checkpoint, DType::F32), outputs(&checkpoint, DType::F16));
        let size = exact.iter().map(|value| f64::from(value * value)).sum::<f64>().sqrt();
        let difference = exact.iter().zip(&rounded).map(|(a, b)| f64::from((a - b).powi(2))).sum::<f64>().sqrt();
        let share = difference / size;
        assert!(share > 1e-5 && share < 0.01, "float16 has 11 bits: {share}");
    }
}
