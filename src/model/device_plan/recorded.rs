//! A plan on an NVIDIA GPU, launched by a thread of its own: recorded once for a batch size and its texts, and replayed.

use candle_core::Result as Candle;

use super::{DevicePlan, Lowered};
use crate::kernels::gpu::{CudaAccelerator, Recorded};
use crate::model::engine::{wanted_values, DeviceOutputs, GpuThread, Place, Trace};
use crate::model::network::Graph;
use crate::model::{HeadOutput, InputBatch, ModelError, TextEmbeddings};

/// A plan with its thread.
pub(crate) struct PlannedNetwork {
    graph: Graph,
    thread: GpuThread<Worker>,
}

/// What the thread has.
struct Worker {
    machine: CudaAccelerator,
    plan: DevicePlan<CudaAccelerator>,
    /// The launches for what the plan was prepared for last.
    recording: Option<Recorded>,
}

impl PlannedNetwork {
    /// Uploads a lowered graph and starts the thread.
    pub fn start(lowered: Lowered, place: &Place) -> Result<Self, ModelError> {
        let machine = CudaAccelerator::new(&place.device)?;
        let graph = lowered.graph.clone();
        let plan = DevicePlan::new(machine.clone(), lowered)?;
        Ok(Self { graph, thread: GpuThread::start(Worker { machine, plan, recording: None })? })
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Runs something with the GPU alone on its thread.
    pub fn with_machine<T: Send + 'static>(
        &self,
        work: impl FnOnce(&CudaAccelerator) -> Candle<T> + Send + 'static,
    ) -> Result<T, ModelError> {
        self.thread.request(move |worker| Ok(work(&worker.machine)?))
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

    /// The head's outputs for each image of a batch, read back.
    pub fn forward(&self, batch: &InputBatch, texts: &TextEmbeddings) -> Result<Vec<HeadOutput>, ModelError> {
        let (batch, texts) = (batch.clone(), texts.clone());
        self.thread.request(move |worker| {
            worker.replay(&batch, &texts, false)?;
            Ok(worker.plan.read_outputs()?)
        })
    }

    /// The same with the values of named stages, launched node by node.
    pub fn trace(
        &self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        stages: &[&str],
    ) -> Result<(Vec<HeadOutput>, Trace), ModelError> {
        wanted_values(&self.graph, stages)?;
        let (batch, texts) = (batch.clone(), texts.clone());
        let stages: Vec<String> = stages.iter().map(|&stage| stage.to_owned()).collect();
        self.thread.request(move |worker| {
            worker.prepare(&batch, &texts)?;
            let stages: Vec<&str> = stages.iter().map(String::as_str).collect();
            let wanted = wanted_values(worker.plan.graph(), &stages)?;
            Ok(worker.plan.trace(&batch, &texts, &wanted)?)
        })
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
        let network_ms = self.replay(batch, texts, timed)?;
        take(DeviceOutputs { machine: &self.machine, outputs: self.plan.outputs(), network_ms })
    }

    /// Makes room for a batch; what was recorded for another is void, and goes first.
    fn prepare(&mut self, batch: &InputBatch, texts: &TextEmbeddings) -> Candle<()> {
        if !self.plan.is_prepared(batch, texts) {
            self.recording = None;
        }
        self.plan.prepare(batch, texts).map(drop)
    }

    /// Runs the network on a batch; gives the milliseconds it took, if asked for.
    fn replay(&mut self, batch: &InputBatch, texts: &TextEmbeddings, timed: bool) -> Candle<Option<f64>> {
        self.prepare(batch, texts)?;
        self.plan.write(batch)?;
        if self.recording.is_none() {
            // Kernels are loaded at their first launch, which cannot be recorded.
            self.plan.launch()?;
            self.machine.device().cuda_stream().synchronize().map_err(candle_core::Error::wrap)?;
            self.recording = Some(self.machine.record(|| self.plan.launch())?);
        }
        let recording = self.recording.as_mut().expect("it has just been made");
        match timed {
            true => self.machine.timed(|| recording.replay()).map(|((), ms)| Some(ms)),
            false => recording.replay().map(|()| None),
        }
    }
}
