//! The network on a GPU, its outputs left in the GPU's memory.

use std::sync::Arc;

use candle_core::{DType, Result as Candle, Tensor};

use super::executor::Network;
use super::gpu_thread::GpuThread;
use crate::kernels::gpu::{expected_distances, CudaAccelerator, Recorded};
use crate::model::network::{Node, Op};
use crate::model::{DeviceLevel, DeviceOutput, InputBatch, Letterbox, ModelError, TextEmbeddings};

/// A network with a thread of its own, which alone talks to the GPU.
pub(crate) struct DeviceNetwork {
    network: Arc<Network>,
    thread: GpuThread<Worker>,
}

/// What the thread has.
struct Worker {
    network: Arc<Network>,
    machine: CudaAccelerator,
    /// Whether the network is recorded and replayed.
    records: bool,
    /// The texts on the GPU.
    texts: Option<(TextEmbeddings, Tensor)>,
    recording: Option<Recording>,
}

/// The network's launches for so many images and the texts that are on the GPU.
struct Recording {
    input: Tensor,
    outputs: Vec<DeviceOutput<Tensor>>,
    launches: Recorded,
}

/// What the network gave for a batch.
pub(crate) struct DeviceOutputs<'a> {
    /// What runs kernels on them.
    pub machine: &'a CudaAccelerator,
    /// One of each image.
    pub outputs: &'a [DeviceOutput<Tensor>],
    /// Milliseconds of the network on the GPU; none unless they were asked for.
    pub network_ms: Option<f64>,
}

impl DeviceNetwork {
    /// Starts the thread. `records` says whether the network is recorded once for a batch size and replayed.
    pub fn start(network: Network, records: bool) -> Result<Self, ModelError> {
        let machine = CudaAccelerator::new(&network.place().device)?;
        let network = Arc::new(network);
        let worker = Worker { network: network.clone(), machine, records, texts: None, recording: None };
        Ok(Self { network, thread: GpuThread::start(worker)? })
    }

    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Runs something with the GPU alone on its thread.
    pub fn with_machine<T: Send + 'static>(
        &self,
        work: impl FnOnce(&CudaAccelerator) -> Candle<T> + Send + 'static,
    ) -> Result<T, ModelError> {
        self.thread.request(move |worker| Ok(work(&worker.machine)?))
    }

    /// Runs something with the network alone on the GPU's thread.
    pub fn with_network<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Network) -> Result<T, ModelError> + Send + 'static,
    ) -> Result<T, ModelError> {
        self.thread.request(move |worker| work(&worker.network))
    }

    /// Runs the network on a batch and gives what it left in the GPU's memory to `take`, before the next batch.
    pub fn with_outputs<T: Send + 'static>(
        &self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        timed: bool,
        take: impl FnOnce(DeviceOutputs<'_>) -> Candle<T> + Send + 'static,
    ) -> Result<T, ModelError> {
        let (batch, texts) = (batch.clone(), texts.clone());
        self.thread.request(move |worker| Ok(worker.run(&batch, &texts, timed, take)?))
    }
}

impl Worker {
    fn run<T>(
        &mut self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        timed: bool,
        take: impl FnOnce(DeviceOutputs<'_>) -> Candle<T>,
    ) -> Candle<T> {
        let side = Letterbox::SIZE as usize;
        let image = self.network.place().tensor(&batch.data(), (batch.images(), 3, side, side))?;
        self.place_texts(texts)?;
        if self.records {
            self.prepare_recording(&image)?;
        }
        let machine = self.machine.clone();
        let (evaluated, network_ms) = match timed {
            true => machine.timed(|| self.launch(&image)).map(|(outputs, ms)| (outputs, Some(ms)))?,
            false => (self.launch(&image)?, None),
        };
        let recorded = self.recording.as_ref().map(|recording| recording.outputs.as_slice());
        let outputs = evaluated.as_deref().or(recorded).unwrap_or_default();
        take(DeviceOutputs { machine: &self.machine, outputs, network_ms })
    }

    /// Puts texts onto the GPU, if others are there: what was recorded is then for others, too.
    fn place_texts(&mut self, texts: &TextEmbeddings) -> Candle<()> {
        if self.texts.as_ref().is_none_or(|(there, _)| there != texts) {
            self.recording = None;
            let rows = self.network.place().tensor(texts.data(), (1, texts.classes(), texts.width()))?;
            self.texts = Some((texts.clone(), rows));
        }
        Ok(())
    }

    /// Replays the recording, whose outputs stay where they are, or gives outputs of an evaluation.
    fn launch(&mut self, image: &Tensor) -> Candle<Option<Vec<DeviceOutput<Tensor>>>> {
        match &mut self.recording {
            Some(recording) => {
                recording.input.slice_set(image, 0, 0)?;
                recording.launches.replay()?;
                Ok(None)
            }
            None => self.evaluate(image).map(Some),
        }
    }

    fn evaluate(&self, image: &Tensor) -> Candle<Vec<DeviceOutput<Tensor>>> {
        let rows = self.texts.as_ref().map(|(_, rows)| rows).expect("texts are placed before the network runs");
        self.network.device_outputs(image, rows, &|node, inputs| distances(&self.machine, node, inputs))
    }

    /// Records the network for batches of this size, unless it is.
    fn prepare_recording(&mut self, image: &Tensor) -> Candle<()> {
        if self.recording.as_ref().is_some_and(|recording| recording.input.dims() == image.dims()) {
            return Ok(());
        }
        self.recording = None;
        // Kernels' parameters go to the GPU in the runs before, and stay there.
        let _cached = self.machine.device().enable_cuda_graph_htod_cache();
        let input = image.zeros_like()?;
        let outputs = self.evaluate(&input)?.iter().map(room_for).collect::<Candle<Vec<_>>>()?;
        self.evaluate(&input)?;
        input.device().synchronize()?;
        let write = || self.evaluate(&input)?.iter().zip(&outputs).try_for_each(|(from, to)| copy(from, to));
        let launches = self.machine.record(write)?;
        self.recording = Some(Recording { input, outputs, launches });
        Ok(())
    }
}

/// The distances of a [`Op::BoxDistribution`] by our own kernel, in float32; nothing of other operations.
fn distances(machine: &CudaAccelerator, node: &Node, inputs: &[&Tensor]) -> Option<Candle<Tensor>> {
    let Op::BoxDistribution { bins } = node.op else { return None };
    let compute = || {
        let distributions = inputs[0].to_dtype(DType::F32)?.contiguous()?;
        let (images, _, rows, columns) = distributions.dims4()?;
        let distances = Tensor::zeros((images, 4, rows, columns), DType::F32, distributions.device())?;
        for image in 0..images {
            let [from, to] = [&distributions, &distances].map(|tensor| tensor.get(image));
            expected_distances(machine, &from?, bins, rows * columns, &to?)?;
        }
        Ok(distances)
    };
    Some(compute())
}

/// Tensors of the same shapes, each with memory of its own.
fn room_for(output: &DeviceOutput<Tensor>) -> Candle<DeviceOutput<Tensor>> {
    let level = |level: &DeviceLevel<Tensor>| {
        Ok(DeviceLevel {
            logits: level.logits.zeros_like()?,
            distances: level.distances.zeros_like()?,
            coefficients: level.coefficients.zeros_like()?,
            ..*level
        })
    };
    let levels = output.levels.iter().map(level).collect::<Candle<_>>()?;
    Ok(DeviceOutput { levels, prototypes: output.prototypes.zeros_like()?, ..*output })
}

fn copy(from: &DeviceOutput<Tensor>, to: &DeviceOutput<Tensor>) -> Candle<()> {
    tensors(from).into_iter().zip(tensors(to)).try_for_each(|(from, to)| to.slice_set(from, 0, 0))
}

fn tensors(output: &DeviceOutput<Tensor>) -> Vec<&Tensor> {
    let levels = output.levels.iter().flat_map(|level| [&level.logits, &level.distances, &level.coefficients]);
    levels.chain([&output.prototypes]).collect()
}
