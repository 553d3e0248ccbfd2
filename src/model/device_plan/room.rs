//! The memory in which a batch is computed, and what its texts are on the machine.

use super::enhancing::{text_pitch, text_rows, Enhancing};
use super::lowering::{pack_weights, Lowered};
use super::numbers::{of_floats, pack};
use super::steps::{Convolve, FilterOf, Logits, MapView, Step, Target};
use crate::kernels::gpu::{Accelerator, ConvolutionScratch, Format};
use crate::model::network::{LevelOutputs, Shape};
use crate::model::plan::TextSource;
use crate::model::{DeviceLevel, DeviceOutput, InputBatch, Letterbox, TextEmbeddings};

/// Buffers for batches of one size and one list of texts.
pub(super) struct Room<B> {
    pub images: usize,
    /// Whether images come as bytes, or as planes.
    pub bytes: bool,
    pub texts: TextEmbeddings,
    /// The batch.
    pub input: B,
    /// The layout's maps.
    pub slots: Vec<B>,
    pub scratch: ConvolutionScratch<B>,
    /// `[images][classes][text pitch]`: the same rows for each image.
    pub rows: B,
    /// By attention: `[images or 1][classes][channels]`.
    pub guides: Vec<B>,
    /// By level.
    pub classes: Vec<Classes<B>>,
    /// By level and image: `[4][bins][positions]` float32.
    pub distributions: Vec<Vec<B>>,
    pub enhanced: Option<Enhanced<B>>,
    /// One of each image.
    pub outputs: Vec<DeviceOutput<B>>,
}

/// What embeddings of a level are compared with.
pub(super) struct Classes<B> {
    /// `[classes]` rows of weights.
    pub vectors: B,
    /// `[classes]` float32.
    pub bias: B,
    /// `[positions]` float32, of one image after the other.
    pub factors: B,
}

/// Texts that have seen the image, and what comes in between.
pub(super) struct Enhanced<B> {
    /// `[classes][channels]`.
    pub queries: B,
    /// `[images][tokens][width]`.
    pub tokens: B,
    /// `[images][tokens][2][channels]`.
    pub keys_and_values: B,
    /// `[images][classes][channels]`.
    pub mixed: B,
    /// `[images][classes][text pitch]`.
    pub rows: B,
}

impl<B> Room<B> {
    /// Whether it is for such a batch and these texts.
    pub fn is_for(&self, batch: &InputBatch, texts: &TextEmbeddings) -> bool {
        (self.images, self.bytes) == (batch.images(), batch.pixels().is_some()) && self.texts == *texts
    }

    /// Allocates all of it, and uploads the texts.
    pub fn new<A: Accelerator<Buffer = B>>(
        machine: &A,
        lowered: &Lowered,
        batch: &InputBatch,
        texts: &TextEmbeddings,
    ) -> Result<Self, A::Error> {
        let (images, classes, format) = (batch.images(), texts.classes(), lowered.format);
        let numbers = |count: usize| machine.zeroed(words(format, count));
        let bytes = batch.pixels().is_some();
        let input = machine.zeroed((images * Letterbox::VALUES).div_ceil(if bytes { 4 } else { 1 }))?;
        let slots = lowered.slots.iter().map(|&count| numbers(images * count)).collect::<Result<_, _>>()?;
        let guides = lowered.attentions.iter().map(|attend| {
            let owners = if attend.texts == TextSource::Enhanced { images } else { 1 };
            numbers(owners * classes * attend.guide.out_channels)
        });
        let enhanced = lowered.enhancing.as_ref();
        let enhanced =
            enhanced.map(|enhancing| Enhanced::new(machine, format, enhancing, images, texts)).transpose()?;
        let distributions = lowered.logits.iter().map(|logits| {
            let words = distribution_words(lowered, logits);
            (0..images).map(|_| machine.zeroed(words)).collect::<Result<Vec<_>, _>>()
        });
        Ok(Self {
            images,
            bytes,
            texts: texts.clone(),
            input,
            slots,
            scratch: scratch(machine, lowered, images, classes)?,
            rows: machine.upload(&text_rows(format, texts).repeat(images))?,
            guides: guides.collect::<Result<_, _>>()?,
            classes: lowered
                .logits
                .iter()
                .map(|logits| Classes::new(machine, format, logits, texts))
                .collect::<Result<_, _>>()?,
            distributions: distributions.collect::<Result<_, _>>()?,
            enhanced,
            outputs: (0..images).map(|_| output(machine, lowered, classes)).collect::<Result<_, _>>()?,
        })
    }
}

fn words(format: Format, numbers: usize) -> usize {
    numbers.div_ceil(format.numbers_a_word())
}

/// Words of a level's distributions in one image.
fn distribution_words(lowered: &Lowered, logits: &Logits) -> usize {
    let distances = lowered.graph.outputs.levels[logits.level].distances;
    let input = lowered.graph.node(distances).inputs[0];
    match lowered.graph.node(input).shape {
        Shape::Map { channels, height, width } => channels * height * width,
        Shape::Texts { .. } | Shape::Logits { .. } => 0,
    }
}

impl<B> Classes<B> {
    fn new<A: Accelerator<Buffer = B>>(
        machine: &A,
        format: Format,
        logits: &Logits,
        texts: &TextEmbeddings,
    ) -> Result<Self, A::Error> {
        let rows = texts.data().chunks_exact(texts.width()).map(|row| logits.contrast.vector(row));
        let (rows, biases): (Vec<Vec<f32>>, Vec<f32>) = rows.unzip();
        let classes: Vec<Option<usize>> = (0..texts.classes()).map(Some).collect();
        Ok(Self {
            vectors: machine.upload(&pack_weights(format, &rows.concat(), 1, [&logits.lanes, &classes]))?,
            bias: machine.upload(&of_floats(&biases))?,
            factors: machine.zeroed(logits.input.height * logits.input.width)?,
        })
    }
}

impl<B> Enhanced<B> {
    fn new<A: Accelerator<Buffer = B>>(
        machine: &A,
        format: Format,
        enhancing: &Enhancing,
        images: usize,
        texts: &TextEmbeddings,
    ) -> Result<Self, A::Error> {
        let numbers = |count: usize| machine.zeroed(words(format, count));
        let (tokens, classes, channels) = (enhancing.tokens(), texts.classes(), enhancing.channels());
        Ok(Self {
            queries: machine.upload(&pack(format, &enhancing.queries(texts)))?,
            tokens: numbers(images * tokens * enhancing.keys_and_values.in_channels)?,
            keys_and_values: numbers(images * tokens * 2 * channels)?,
            mixed: numbers(images * classes * channels)?,
            rows: numbers(images * classes * text_pitch(texts.width()))?,
        })
    }
}

/// One pair of buffers for all convolutions, which are launched one after the other.
fn scratch<A: Accelerator>(
    machine: &A,
    lowered: &Lowered,
    images: usize,
    classes: usize,
) -> Result<ConvolutionScratch<A::Buffer>, A::Error> {
    let need = |filter: &FilterOf, pixels: usize, out_channels: usize| {
        let slices = lowered.format.slices(filter.kernel * filter.kernel * filter.in_channels);
        ConvolutionScratch::<A::Buffer>::words(pixels, out_channels, slices)
    };
    let of_step = |step: &Step| match step {
        Step::Convolve(Convolve { filter, input, target, .. }) => {
            let planes = matches!(target, Target::Planes(_));
            let positions = input.height.div_ceil(filter.stride) * input.width.div_ceil(filter.stride);
            vec![need(filter, if planes { positions } else { images * positions }, filter.out_channels)]
        }
        Step::Logits(level) => {
            let MapView { height, width, channels, .. } = lowered.logits[*level].input;
            let slices = lowered.format.slices(channels);
            vec![ConvolutionScratch::<A::Buffer>::words(height * width, classes, slices)]
        }
        Step::Attend(attend) => {
            let owners = if attend.texts == TextSource::Enhanced { images } else { 1 };
            vec![need(&attend.guide, owners * classes, attend.guide.out_channels)]
        }
        Step::Enhance => {
            let enhancing = lowered.enhancing.as_ref().expect("whose step it is");
            let (pairs, out) = (&enhancing.keys_and_values, &enhancing.out);
            vec![
                need(pairs, images * enhancing.tokens(), pairs.out_channels),
                need(out, images * classes, out.out_channels),
            ]
        }
        _ => vec![],
    };
    let needs = lowered.steps.iter().flatten().flat_map(of_step);
    let [parts, arrived] = needs.fold([0, 0], |[a, b], [c, d]| [a.max(c), b.max(d)]);
    Ok(ConvolutionScratch { parts: machine.zeroed(parts)?, arrived: machine.zeroed(arrived)? })
}

fn output<A: Accelerator>(machine: &A, lowered: &Lowered, classes: usize) -> Result<DeviceOutput<A::Buffer>, A::Error> {
    let outputs = &lowered.graph.outputs;
    let level = |(level, logits): (&LevelOutputs, &Logits)| {
        let MapView { height, width, .. } = logits.input;
        Ok(DeviceLevel {
            stride: level.stride,
            height,
            width,
            logits: machine.zeroed(classes * height * width)?,
            distances: machine.zeroed(4 * height * width)?,
            coefficients: machine.zeroed(lowered.graph.node(level.coefficients).shape.channels() * height * width)?,
        })
    };
    let (prototype_height, prototype_width) = lowered.graph.node(outputs.prototypes).shape.sides();
    let prototypes = lowered.graph.node(outputs.prototypes).shape.channels() * prototype_height * prototype_width;
    Ok(DeviceOutput {
        classes,
        levels: outputs.levels.iter().zip(&lowered.logits).map(level).collect::<Result<_, _>>()?,
        prototype_height,
        prototype_width,
        prototypes: machine.zeroed(prototypes)?,
    })
}

/// Bytes as words, the first in the lowest bits.
pub(super) fn of_bytes(bytes: &[u8]) -> Vec<u32> {
    let whole = bytes.chunks_exact(4);
    let mut rest = [0; 4];
    rest[..whole.remainder().len()].copy_from_slice(whole.remainder());
    let rest = (!whole.remainder().is_empty()).then_some(u32::from_le_bytes(rest));
    whole.map(|four| u32::from_le_bytes(four.try_into().expect("four bytes"))).chain(rest).collect()
}
