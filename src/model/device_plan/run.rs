//! Launches the steps of a plan.

use std::collections::BTreeMap;

use super::enhancing::{text_pitch, Enhancing};
use super::lowering::Lowered;
use super::numbers::{of_floats, to_floats, unpack};
use super::room::{of_bytes, Classes, Enhanced, Room};
use super::steps::{Attend, Convolve, FilterOf, Leaving, MapView, Parameter, Step, Target, Value};
use crate::kernels::gpu::{
    self, add_maps, attend, attend_tokens, convolve, copy_maps, expected_distances, inverse_lengths, pool_maps,
    pool_tokens, upsample_maps, write_bytes, write_planes, Accelerator, AttendTokens, Convolution, ConvolutionOutput,
    Filter, Format, Pixels, Planar, PoolTokens,
};
use crate::model::engine::{Trace, Traced};
use crate::model::network::{self, Graph, ValueId};
use crate::model::plan::TextSource;
use crate::model::{DeviceLevel, DeviceOutput, HeadOutput, InputBatch, LevelOutput, TextEmbeddings};

/// A network on a machine.
pub struct DevicePlan<A: Accelerator> {
    machine: A,
    lowered: Lowered,
    parameters: Vec<A::Buffer>,
    /// For the batch and the texts that were prepared last.
    room: Option<Room<A::Buffer>>,
}

impl<A: Accelerator> DevicePlan<A> {
    /// Uploads the parameters of a lowered graph.
    ///
    /// # Errors
    ///
    /// If the machine has not memory enough.
    pub fn new(machine: A, mut lowered: Lowered) -> Result<Self, A::Error> {
        // What has been uploaded is given back before the next.
        let parameters = std::mem::take(&mut lowered.parameters).into_iter().map(|words| machine.upload(&words));
        let parameters = parameters.collect::<Result<_, _>>()?;
        Ok(Self { machine, lowered, parameters, room: None })
    }

    /// The structure that is run.
    pub fn graph(&self) -> &Graph {
        &self.lowered.graph
    }

    /// What it runs on.
    pub fn machine(&self) -> &A {
        &self.machine
    }

    /// Makes room for batches like this one and places the texts, unless that is what was prepared last; whether it
    /// was not, so that what was recorded before is void.
    ///
    /// # Errors
    ///
    /// If the machine has not memory enough, or fails.
    ///
    /// # Panics
    ///
    /// If the texts are not as wide as the network's.
    pub fn prepare(&mut self, batch: &InputBatch, texts: &TextEmbeddings) -> Result<bool, A::Error> {
        assert_eq!(texts.width(), self.lowered.text_width, "the texts are the network's own");
        if self.is_prepared(batch, texts) {
            return Ok(false);
        }
        // Two rooms at a time may be more than fits.
        self.room = None;
        let room = Room::new(&self.machine, &self.lowered, batch, texts)?;
        let launches = Launches { plan: self, room: &room };
        for attend in &self.lowered.attentions {
            if attend.texts == TextSource::Given {
                launches.guide(attend, &room.rows, 1)?;
            }
        }
        self.room = Some(room);
        Ok(true)
    }

    /// Whether there is room for batches like this one, with these texts.
    pub fn is_prepared(&self, batch: &InputBatch, texts: &TextEmbeddings) -> bool {
        self.room.as_ref().is_some_and(|room| room.is_for(batch, texts))
    }

    /// Writes a batch for which room was prepared.
    ///
    /// # Errors
    ///
    /// If the machine fails.
    ///
    /// # Panics
    ///
    /// If another batch was prepared for.
    pub fn write(&self, batch: &InputBatch) -> Result<(), A::Error> {
        let room = self.room();
        assert_eq!((batch.images(), batch.pixels().is_some()), (room.images, room.bytes), "room for such a batch");
        match batch.pixels() {
            Some(pixels) => self.machine.write(&room.input, &of_bytes(pixels)),
            None => self.machine.write(&room.input, &of_floats(&batch.data())),
        }
    }

    /// Launches the network on the batch that was written. Nothing is allocated, uploaded or read.
    ///
    /// # Errors
    ///
    /// If the machine fails.
    ///
    /// # Panics
    ///
    /// If nothing was prepared.
    pub fn launch(&self) -> Result<(), A::Error> {
        let launches = self.launches();
        self.lowered.steps.iter().flatten().try_for_each(|step| launches.step(step))
    }

    /// What the network leaves of each image, overwritten by each launch. None before anything is prepared.
    pub fn outputs(&self) -> &[DeviceOutput<A::Buffer>] {
        self.room.as_ref().map_or(&[], |room| &room.outputs)
    }

    /// The head's outputs for each image of a batch, read back.
    ///
    /// # Errors
    ///
    /// If the machine fails.
    ///
    /// # Panics
    ///
    /// As [`DevicePlan::prepare`].
    pub fn forward(&mut self, batch: &InputBatch, texts: &TextEmbeddings) -> Result<Vec<HeadOutput>, A::Error> {
        self.prepare(batch, texts)?;
        self.write(batch)?;
        self.launch()?;
        self.read_outputs()
    }

    /// As [`DevicePlan::forward`], with values on the way, each with the names it is wanted by.
    ///
    /// # Errors
    ///
    /// As [`DevicePlan::forward`].
    ///
    /// # Panics
    ///
    /// As [`DevicePlan::prepare`].
    pub fn trace(
        &mut self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        wanted: &BTreeMap<ValueId, Vec<&str>>,
    ) -> Result<(Vec<HeadOutput>, Trace), A::Error> {
        self.prepare(batch, texts)?;
        self.write(batch)?;
        let launches = self.launches();
        let mut trace = Trace::new();
        for (index, steps) in self.lowered.steps.iter().enumerate() {
            steps.iter().try_for_each(|step| launches.step(step))?;
            if let Some(names) = wanted.get(&self.lowered.graph.value(index)) {
                launches.alone(index)?;
                let value = launches.value(index)?;
                trace.extend(names.iter().map(|&name| (name.to_owned(), value.clone())));
            }
        }
        Ok((self.read_outputs()?, trace))
    }

    /// What the last launch left, read back.
    ///
    /// # Errors
    ///
    /// If the machine fails.
    pub fn read_outputs(&self) -> Result<Vec<HeadOutput>, A::Error> {
        let floats = |buffer: &A::Buffer| read_floats(&self.machine, buffer);
        let level = |level: &DeviceLevel<A::Buffer>| {
            Ok(LevelOutput {
                stride: level.stride,
                height: level.height,
                width: level.width,
                logits: floats(&level.logits)?,
                distances: floats(&level.distances)?,
                coefficients: floats(&level.coefficients)?,
            })
        };
        let output = |output: &DeviceOutput<A::Buffer>| {
            Ok(HeadOutput {
                classes: output.classes,
                levels: output.levels.iter().map(level).collect::<Result<_, A::Error>>()?,
                prototype_height: output.prototype_height,
                prototype_width: output.prototype_width,
                prototypes: floats(&output.prototypes)?,
            })
        };
        self.outputs().iter().map(output).collect()
    }

    fn room(&self) -> &Room<A::Buffer> {
        self.room.as_ref().expect("room is prepared before it is used")
    }

    fn launches(&self) -> Launches<'_, A> {
        Launches { plan: self, room: self.room() }
    }
}

fn read_floats<A: Accelerator>(machine: &A, buffer: &A::Buffer) -> Result<Vec<f32>, A::Error> {
    Ok(to_floats(&machine.read(buffer, machine.words(buffer))?))
}

/// A plan in a room.
struct Launches<'a, A: Accelerator> {
    plan: &'a DevicePlan<A>,
    room: &'a Room<A::Buffer>,
}

impl<'a, A: Accelerator> Launches<'a, A> {
    fn step(&self, step: &Step) -> Result<(), A::Error> {
        let (machine, format) = (&self.plan.machine, self.format());
        let pixels = |view: &MapView| self.pixels(view);
        match step {
            Step::Image(output) if self.room.bytes => {
                write_bytes(machine, format, self.planar(output), &self.room.input, pixels(output))
            }
            Step::Image(output) => write_planes(machine, format, self.planar(output), &self.room.input, pixels(output)),
            Step::Copy(views) => copy_maps(machine, format, self.planar(&views[0]), views.each_ref().map(pixels)),
            Step::Convolve(convolve) => self.convolve(convolve),
            Step::Add(views) => add_maps(machine, format, self.planar(&views[2]), views.each_ref().map(pixels)),
            Step::Upsample(views) => {
                upsample_maps(machine, format, self.planar(&views[0]), views.each_ref().map(pixels))
            }
            Step::MaxPool { views, window } => {
                pool_maps(machine, format, self.planar(&views[0]), *window, views.each_ref().map(pixels))
            }
            Step::Attend(attend) => self.attend(attend),
            Step::Enhance => match (&self.plan.lowered.enhancing, &self.room.enhanced) {
                (Some(enhancing), Some(enhanced)) => self.enhance(enhancing, enhanced),
                _ => unreachable!("the step is the enhancer's"),
            },
            Step::Logits(level) => self.logits(*level),
            Step::Distances { level, bins } => self.distances(*level, *bins),
        }
    }

    fn format(&self) -> Format {
        self.plan.lowered.format
    }

    fn parameter(&self, parameter: Parameter) -> &'a A::Buffer {
        &self.plan.parameters[parameter.0]
    }

    fn planar(&self, view: &MapView) -> Planar {
        Planar { images: self.room.images, height: view.height, width: view.width }
    }

    fn pixels(&self, view: &MapView) -> Pixels<'a, A::Buffer> {
        let &MapView { slot, first, pitch, channels, .. } = view;
        Pixels { buffer: &self.room.slots[slot], first, pitch, channels }
    }

    fn filter(&self, filter: &FilterOf) -> Filter<'a, A::Buffer> {
        let &FilterOf { weights, bias, kernel, stride, in_channels, out_channels } = filter;
        let [weights, bias] = [weights, bias].map(|parameter| self.parameter(parameter));
        Filter { weights, bias, kernel, stride, in_channels, out_channels }
    }

    fn launch(&self, convolution: &Convolution<'_, A::Buffer>) -> Result<(), A::Error> {
        convolve(&self.plan.machine, self.format(), convolution, &self.room.scratch)
    }

    fn convolve(&self, step: &Convolve) -> Result<(), A::Error> {
        let &Convolve { filter, input, silu, target } = step;
        let MapView { height, width, .. } = input;
        let (filter, input, images) = (self.filter(&filter), self.pixels(&input), self.room.images);
        match target {
            Target::Map { output, residual } => {
                let residual = residual.map(|residual| self.pixels(&residual));
                let output = ConvolutionOutput::Maps { pixels: self.pixels(&output), residual };
                self.launch(&Convolution { filter, input, images, height, width, silu, output })
            }
            Target::Planes(leaving) => (0..images).try_for_each(|image| {
                let output = ConvolutionOutput::Planes { planes: self.leaving(leaving, image), factors: None };
                let input = input.behind(image * height * width);
                self.launch(&Convolution { filter, input, images: 1, height, width, silu, output })
            }),
        }
    }

    fn leaving(&self, leaving: Leaving, image: usize) -> &'a A::Buffer {
        let output = &self.room.outputs[image];
        match leaving {
            Leaving::Distributions(level) => &self.room.distributions[level][image],
            Leaving::Coefficients(level) => &output.levels[level].coefficients,
            Leaving::Prototypes => &output.prototypes,
        }
    }

    /// Projects rows of texts, those of each image apart.
    fn project(
        &self,
        filter: &FilterOf,
        [from, to]: [&A::Buffer; 2],
        (images, count): (usize, usize),
        residual: Option<&A::Buffer>,
    ) -> Result<(), A::Error> {
        let output = ConvolutionOutput::Maps {
            pixels: rows(to, filter.out_channels),
            residual: residual.map(|residual| rows(residual, filter.out_channels)),
        };
        let (filter, input) = (self.filter(filter), rows(from, filter.in_channels));
        self.launch(&Convolution { filter, input, images, height: 1, width: count, silu: false, output })
    }

    /// What an attention compares pixels with, from the rows of so many images' texts.
    fn guide(&self, attend: &Attend, texts: &A::Buffer, images: usize) -> Result<(), A::Error> {
        let guide = &self.room.guides[attend.number];
        self.project(&attend.guide, [texts, guide], (images, self.room.texts.classes()), None)
    }

    fn attend(&self, step: &Attend) -> Result<(), A::Error> {
        let enhanced = self.room.enhanced.as_ref().filter(|_| step.texts == TextSource::Enhanced);
        if let Some(enhanced) = enhanced {
            self.guide(step, &enhanced.rows, self.room.images)?;
        }
        let launch = gpu::Attend {
            maps: self.pixels(&step.input),
            output: self.pixels(&step.output),
            guides: rows(&self.room.guides[step.number], step.guide.out_channels),
            guides_by_image: enhanced.is_some(),
            classes: self.room.texts.classes(),
            heads: step.heads,
            biases: self.parameter(step.biases),
            scale: step.scale,
            images: self.room.images,
            positions: step.input.height * step.input.width,
        };
        attend(&self.plan.machine, self.format(), &launch)
    }

    fn enhance(&self, enhancing: &Enhancing, room: &Enhanced<A::Buffer>) -> Result<(), A::Error> {
        let (machine, images, classes) = (&self.plan.machine, self.room.images, self.room.texts.classes());
        let (count, channels) = (enhancing.tokens(), enhancing.channels());
        for (number, map) in enhancing.maps.iter().enumerate() {
            let pool = PoolTokens {
                map: self.pixels(map),
                planar: self.planar(map),
                tokens: &room.tokens,
                first_token: number * network::TextEnhancer::CELLS.pow(2),
                tokens_an_image: count,
                epsilon: network::TextEnhancer::EPSILON as f32,
            };
            pool_tokens(machine, self.format(), &pool)?;
        }
        let buffers = [&room.tokens, &room.keys_and_values];
        self.project(&enhancing.keys_and_values, buffers, (images, count), None)?;
        let attention = AttendTokens {
            queries: rows(&room.queries, channels),
            tokens: rows(&room.keys_and_values, 2 * channels),
            output: rows(&room.mixed, channels),
            images,
            texts: classes,
            count,
            heads: enhancing.heads,
            scale: enhancing.scale,
        };
        attend_tokens(machine, self.format(), &attention)?;
        self.project(&enhancing.out, [&room.mixed, &room.rows], (images, classes), Some(&self.room.rows))
    }

    fn logits(&self, level: usize) -> Result<(), A::Error> {
        let (logits, Classes { vectors, bias, factors }) =
            (&self.plan.lowered.logits[level], &self.room.classes[level]);
        let MapView { height, width, channels, .. } = logits.input;
        let filter = Filter {
            weights: vectors,
            bias,
            kernel: 1,
            stride: 1,
            in_channels: channels,
            out_channels: self.room.texts.classes(),
        };
        for (image, output) in self.room.outputs.iter().enumerate() {
            let input = self.pixels(&logits.input).behind(image * height * width);
            let factors = logits.contrast.divides_by_length().then_some(factors);
            if let Some(factors) = factors {
                inverse_lengths(&self.plan.machine, self.format(), height * width, input, factors)?;
            }
            let output = ConvolutionOutput::Planes { planes: &output.levels[level].logits, factors };
            self.launch(&Convolution { filter, input, images: 1, height, width, silu: false, output })?;
        }
        Ok(())
    }

    fn distances(&self, level: usize, bins: usize) -> Result<(), A::Error> {
        for (output, distributions) in self.room.outputs.iter().zip(&self.room.distributions[level]) {
            let output = &output.levels[level];
            let positions = output.height * output.width;
            expected_distances(&self.plan.machine, distributions, bins, positions, &output.distances)?;
        }
        Ok(())
    }

    /// Computes a convolution whose value is otherwise part of a sum only. The sum will overwrite it.
    fn alone(&self, index: usize) -> Result<(), A::Error> {
        let sum = self.plan.lowered.fused.iter().position(|&convolution| convolution == Some(index));
        let steps = sum.map_or(&[][..], |sum| &self.plan.lowered.steps[sum]);
        steps.iter().try_for_each(|step| match step {
            Step::Convolve(Convolve { target: Target::Map { output, .. }, filter, input, silu }) => {
                let target = Target::Map { output: *output, residual: None };
                self.convolve(&Convolve { target, filter: *filter, input: *input, silu: *silu })
            }
            _ => Ok(()),
        })
    }

    /// Shape and elements of a node's value, which has just been computed.
    fn value(&self, index: usize) -> Result<Traced, A::Error> {
        let (images, texts) = (self.room.images, &self.room.texts);
        let machine = &self.plan.machine;
        let of_images = |read: &dyn Fn(usize) -> Result<Vec<f32>, A::Error>| {
            Ok((0..images).map(read).collect::<Result<Vec<_>, A::Error>>()?.concat())
        };
        let level = |level: usize| &self.room.outputs[0].levels[level];
        Ok(match &self.plan.lowered.values[index] {
            Value::Map { view, lanes } => self.map(view, lanes)?,
            &Value::Planes { leaving, channels, height, width } => Traced {
                shape: vec![images, channels, height, width],
                data: of_images(&|image| read_floats(machine, self.leaving(leaving, image)))?,
            },
            &Value::Logits { level: number } => Traced {
                shape: vec![images, texts.classes(), level(number).height, level(number).width],
                data: of_images(&|image| read_floats(machine, &self.room.outputs[image].levels[number].logits))?,
            },
            &Value::Distances { level: number } => Traced {
                shape: vec![images, 4, level(number).height, level(number).width],
                data: of_images(&|image| read_floats(machine, &self.room.outputs[image].levels[number].distances))?,
            },
            Value::GivenTexts => Traced { shape: vec![1, texts.classes(), texts.width()], data: texts.data().to_vec() },
            Value::EnhancedTexts => {
                let enhanced = self.room.enhanced.as_ref().expect("the value is the enhancer's");
                let numbers = self.numbers(&enhanced.rows)?;
                let rows = numbers.chunks_exact(text_pitch(texts.width())).take(images * texts.classes());
                Traced {
                    shape: vec![images, texts.classes(), texts.width()],
                    data: rows.flat_map(|row| &row[..texts.width()]).copied().collect(),
                }
            }
        })
    }

    fn numbers(&self, buffer: &A::Buffer) -> Result<Vec<f32>, A::Error> {
        let machine = &self.plan.machine;
        Ok(unpack(self.format(), &machine.read(buffer, machine.words(buffer))?))
    }

    /// A map's channels, `[images][channels][height][width]`.
    fn map(&self, view: &MapView, lanes: &[Option<usize>]) -> Result<Traced, A::Error> {
        let numbers = self.numbers(&self.room.slots[view.slot])?;
        let positions = view.height * view.width;
        let lanes: Vec<usize> = (0..lanes.len()).filter(|&lane| lanes[lane].is_some()).collect();
        let mut data = Vec::with_capacity(self.room.images * lanes.len() * positions);
        for image in 0..self.room.images {
            for lane in &lanes {
                let pixels = image * positions..(image + 1) * positions;
                data.extend(pixels.map(|pixel| numbers[view.first + pixel * view.pitch + lane]));
            }
        }
        Ok(Traced { shape: vec![self.room.images, lanes.len(), view.height, view.width], data })
    }
}

/// Rows one behind the other.
fn rows<B>(buffer: &B, channels: usize) -> Pixels<'_, B> {
    Pixels { buffer, first: 0, pitch: channels, channels }
}
