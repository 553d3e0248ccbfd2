//! The model: text encoder and image network of one checkpoint.

#[cfg(feature = "cuda")]
use super::device_plan::{Lowered, PlannedNetwork};
#[cfg(feature = "cuda")]
use super::engine::{DeviceNetwork, DeviceOutputs};
use super::engine::{Network, Place, Trace};
use super::network::{check_parameters, Graph};
use super::plan::{Arithmetic, Plan};
use super::text::{TextCache, TextEmbeddings, TextEncoder};
use super::{
    Architecture, Device, Engine, Execution, HeadOutput, InputBatch, ModelError, Precision, SparseOutput, Weights,
};
use crate::kernels::Wanted;

/// A loaded checkpoint, ready to run from any number of threads.
pub struct Model {
    architecture: Architecture,
    /// `None` where the model was loaded without.
    text: Option<TextEncoder>,
    network: Executor,
    execution: Execution,
    weights_sha256: String,
}

/// The image network as an engine has it.
enum Executor {
    Candle(Box<Network>),
    Fast(Box<Plan>),
    #[cfg(feature = "cuda")]
    Device(DeviceNetwork),
    #[cfg(feature = "cuda")]
    Planned(PlannedNetwork),
}

impl Model {
    /// Detects the architecture, checks that the weights hold exactly its parameters, and reads them.
    /// `execution` is a [`Device`](super::Device), an [`Engine`] or both.
    ///
    /// # Errors
    ///
    /// If the weights are not those of a YOLO-World-Seg with its text encoder, if a parameter is
    /// missing, left over, wrongly shaped or not finite, or if one cannot be read.
    pub fn load(weights: &impl Weights, execution: impl Into<Execution>) -> Result<Self, ModelError> {
        let execution = execution.into();
        let architecture = checked_architecture(weights)?;
        let text = TextEncoder::load(weights, &architecture.text, execution.engine)?;
        Ok(Self { text: Some(text), ..Self::of_network(weights, architecture, execution)? })
    }

    /// As [`Model::load`], without the text encoder, which is more than half of the parameters: for
    /// whoever has the class embeddings, as from [`Model::texts_of`]. The weights are given up as soon
    /// as they are read.
    ///
    /// # Errors
    ///
    /// As [`Model::load`]; values of the text encoder are not looked at.
    pub fn load_without_text(weights: impl Weights, execution: impl Into<Execution>) -> Result<Self, ModelError> {
        let architecture = checked_architecture(&weights)?;
        Self::of_network(weights, architecture, execution.into())
    }

    /// Class embeddings of prompts under weights, from a cache or encoded by an engine and kept there. The
    /// text encoder is in memory only while it encodes.
    ///
    /// # Errors
    ///
    /// As [`Model::load`] and [`Model::encode_text`].
    pub fn texts_of(
        weights: &impl Weights,
        engine: Engine,
        prompts: &[String],
        cache: &TextCache,
    ) -> Result<TextEmbeddings, ModelError> {
        let architecture = checked_architecture(weights)?;
        let encode = || TextEncoder::load(weights, &architecture.text, engine)?.encode(prompts);
        cached(&encoder_name(&architecture, weights.sha256(), engine), &architecture, prompts, cache, encode)
    }

    fn of_network(weights: impl Weights, architecture: Architecture, execution: Execution) -> Result<Self, ModelError> {
        Ok(Self {
            text: None,
            execution,
            weights_sha256: weights.sha256().to_owned(),
            network: Executor::load(Graph::new(&architecture), weights, execution)?,
            architecture,
        })
    }

    /// What was detected.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// What computes the image network, and where.
    pub fn execution(&self) -> Execution {
        self.execution
    }

    /// The image network's structure: parameter counts, costs, stages.
    pub fn graph(&self) -> &Graph {
        match &self.network {
            Executor::Candle(network) => network.graph(),
            Executor::Fast(plan) => plan.graph(),
            #[cfg(feature = "cuda")]
            Executor::Device(device) => device.network().graph(),
            #[cfg(feature = "cuda")]
            Executor::Planned(planned) => planned.graph(),
        }
    }

    /// Class embeddings of prompts: unit rows in the prompts' order.
    ///
    /// # Errors
    ///
    /// If there are no prompts, one is too long, or the model was loaded without its text encoder.
    pub fn encode_text(&self, prompts: &[String]) -> Result<TextEmbeddings, ModelError> {
        self.text.as_ref().ok_or(ModelError::TextEncoderLeftOut)?.encode(prompts)
    }

    /// Class embeddings of prompts from a cache, or encoded and kept there.
    ///
    /// # Errors
    ///
    /// As [`Model::encode_text`]; a cache that cannot be read or written is none.
    pub fn encode_text_cached(&self, prompts: &[String], cache: &TextCache) -> Result<TextEmbeddings, ModelError> {
        let encoder = encoder_name(&self.architecture, &self.weights_sha256, self.execution.engine);
        cached(&encoder, &self.architecture, prompts, cache, || self.encode_text(prompts))
    }

    /// The head's outputs for each image of a batch.
    ///
    /// # Errors
    ///
    /// If the embeddings are not as wide as this model's, or if there is not memory enough.
    pub fn forward(&self, batch: &InputBatch, texts: &TextEmbeddings) -> Result<Vec<HeadOutput>, ModelError> {
        self.check_width(texts)?;
        match &self.network {
            Executor::Candle(network) => network.forward(batch, texts),
            Executor::Fast(plan) => Ok(plan.forward(batch, texts)),
            #[cfg(feature = "cuda")]
            Executor::Device(device) => {
                let (batch, texts) = (batch.clone(), texts.clone());
                device.with_network(move |network| network.forward(&batch, &texts))
            }
            #[cfg(feature = "cuda")]
            Executor::Planned(planned) => planned.forward(batch, texts),
        }
    }

    /// As [`Model::forward`], keeping of the logits those that are wanted, and maybe more. The fast engine never
    /// stores the others.
    ///
    /// # Errors
    ///
    /// As [`Model::forward`].
    pub fn forward_above(
        &self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        wanted: Wanted,
    ) -> Result<Vec<SparseOutput>, ModelError> {
        self.check_width(texts)?;
        match &self.network {
            Executor::Fast(plan) => Ok(plan.forward_above(batch, texts, wanted)),
            _ => {
                let outputs = self.forward(batch, texts)?;
                Ok(outputs.into_iter().map(|output| output.into_sparse(wanted.floor)).collect())
            }
        }
    }

    /// Leaves the outputs of a batch in the GPU's memory and gives them to `take`, which runs on the thread that talks
    /// to the GPU; `None` where the engine leaves none there. `timed` measures the network on the GPU.
    #[cfg(feature = "cuda")]
    pub(crate) fn with_device_outputs<T: Send + 'static>(
        &self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        timed: bool,
        take: impl FnOnce(DeviceOutputs<'_>) -> candle_core::Result<T> + Send + 'static,
    ) -> Result<Option<T>, ModelError> {
        self.check_width(texts)?;
        match &self.network {
            Executor::Device(device) => device.with_outputs(batch, texts, timed, take).map(Some),
            Executor::Planned(planned) => planned.with_outputs(batch, texts, timed, take).map(Some),
            _ => Ok(None),
        }
    }

    /// Runs the network on a batch and leaves the outputs where they are; gives the milliseconds that it took the GPU,
    /// by the GPU's own clock and without the batch's way there. `None` where the engine leaves none there.
    ///
    /// # Errors
    ///
    /// As [`Model::forward`].
    pub fn time_on_device(&self, batch: &InputBatch, texts: &TextEmbeddings) -> Result<Option<f64>, ModelError> {
        #[cfg(feature = "cuda")]
        let ms = self.with_device_outputs(batch, texts, true, |outputs| Ok(outputs.network_ms))?.flatten();
        #[cfg(not(feature = "cuda"))]
        let ms = self.check_width(texts).map(|()| batch.images()).map(|_| None)?;
        Ok(ms)
    }

    /// Most bytes of a GPU's memory that were in use since [`Model::forget_peak_device_memory`]; `None` where the engine
    /// leaves nothing there.
    ///
    /// # Errors
    ///
    /// If the driver does not tell.
    pub fn peak_device_memory(&self) -> Result<Option<u64>, ModelError> {
        match &self.network {
            #[cfg(feature = "cuda")]
            Executor::Device(device) => device.with_machine(|machine| machine.peak_memory_bytes()).map(Some),
            #[cfg(feature = "cuda")]
            Executor::Planned(planned) => planned.with_machine(|machine| machine.peak_memory_bytes()).map(Some),
            _ => Ok(None),
        }
    }

    /// Counts a GPU's memory from what is in use now.
    ///
    /// # Errors
    ///
    /// If the driver refuses.
    pub fn forget_peak_device_memory(&self) -> Result<(), ModelError> {
        match &self.network {
            #[cfg(feature = "cuda")]
            Executor::Device(device) => device.with_machine(|machine| machine.forget_peak_memory()),
            #[cfg(feature = "cuda")]
            Executor::Planned(planned) => planned.with_machine(|machine| machine.forget_peak_memory()),
            _ => Ok(()),
        }
    }

    /// As [`Model::forward`], with the values of stages on the way, named by module path.
    ///
    /// # Errors
    ///
    /// As [`Model::forward`], and if there is no stage of a name.
    pub fn trace(
        &self,
        batch: &InputBatch,
        texts: &TextEmbeddings,
        stages: &[&str],
    ) -> Result<(Vec<HeadOutput>, Trace), ModelError> {
        self.check_width(texts)?;
        match &self.network {
            Executor::Candle(network) => network.trace(batch, texts, stages),
            Executor::Fast(plan) => plan.trace(batch, texts, stages),
            #[cfg(feature = "cuda")]
            Executor::Device(device) => {
                let (batch, texts) = (batch.clone(), texts.clone());
                let stages: Vec<String> = stages.iter().map(|&stage| stage.to_owned()).collect();
                device.with_network(move |network| {
                    network.trace(&batch, &texts, &stages.iter().map(String::as_str).collect::<Vec<_>>())
                })
            }
            #[cfg(feature = "cuda")]
            Executor::Planned(planned) => planned.trace(batch, texts, stages),
        }
    }

    fn check_width(&self, texts: &TextEmbeddings) -> Result<(), ModelError> {
        let (found, expected) = (texts.width(), self.architecture.text.projection);
        if found != expected {
            return Err(ModelError::EmbeddingWidth { found, expected });
        }
        Ok(())
    }
}

impl Executor {
    fn load(graph: Graph, weights: impl Weights, execution: Execution) -> Result<Self, ModelError> {
        let place = execution.open()?;
        Ok(match execution.engine {
            Engine::Candle => Self::Candle(Box::new(Network::load(graph, &weights, place)?)),
            Engine::Fast if execution.device != Device::Cpu => Self::planned(graph, &weights, place, execution)?,
            Engine::Fast | Engine::FastExact => {
                let (winograd, bf16) = (execution.engine == Engine::Fast, execution.precision == Precision::Bf16);
                Self::Fast(Box::new(Plan::lower(graph, weights, Arithmetic { winograd, bf16 })?))
            }
            Engine::Device | Engine::Graph => Self::on_device(graph, &weights, place, execution.engine)?,
        })
    }
}

impl Executor {
    #[cfg(feature = "cuda")]
    fn on_device(graph: Graph, weights: &impl Weights, place: Place, engine: Engine) -> Result<Self, ModelError> {
        // Before the first tensor: see `CudaAccelerator::new`.
        crate::kernels::gpu::CudaAccelerator::new(&place.device)?;
        let network = Network::load(graph, weights, place)?;
        Ok(Self::Device(DeviceNetwork::start(network, engine == Engine::Graph)?))
    }

    #[cfg(feature = "cuda")]
    fn planned(graph: Graph, weights: &impl Weights, place: Place, execution: Execution) -> Result<Self, ModelError> {
        // Before the first tensor: see `CudaAccelerator::new`.
        crate::kernels::gpu::CudaAccelerator::new(&place.device)?;
        let lowered = Lowered::new(graph, weights, execution.precision.format())?;
        Ok(Self::Planned(PlannedNetwork::start(lowered, &place)?))
    }

    #[cfg(not(feature = "cuda"))]
    fn planned(_: Graph, _: &impl Weights, _: Place, _: Execution) -> Result<Self, ModelError> {
        unreachable!("a build without CUDA opens no GPU")
    }

    #[cfg(not(feature = "cuda"))]
    fn on_device(_: Graph, _: &impl Weights, _: Place, _: Engine) -> Result<Self, ModelError> {
        unreachable!("a build without CUDA opens no GPU")
    }
}

fn checked_architecture(weights: &impl Weights) -> Result<Architecture, ModelError> {
    let architecture = Architecture::detect(weights)?;
    check_parameters(weights, &architecture.parameters())
        .map_err(|mismatch| ModelError::Parameters { architecture: architecture.to_string(), mismatch })?;
    Ok(architecture)
}

/// Tells apart whatever may give other embeddings of the same prompts. The number of heads is read from
/// no tensor, so the weights alone do not tell the encoder.
fn encoder_name(architecture: &Architecture, weights_sha256: &str, engine: Engine) -> String {
    format!("{weights_sha256} with {} heads by {}", architecture.text.heads, TextEncoder::name(engine))
}

/// Embeddings out of a cache, or encoded and kept there.
fn cached(
    encoder: &str,
    architecture: &Architecture,
    prompts: &[String],
    cache: &TextCache,
    encode: impl FnOnce() -> Result<TextEmbeddings, ModelError>,
) -> Result<TextEmbeddings, ModelError> {
    if let Some(kept) = cache.get(encoder, prompts, architecture.text.projection) {
        return Ok(kept);
    }
    let embeddings = encode()?;
    cache.put(encoder, prompts, &embeddings);
    Ok(embeddings)
}
