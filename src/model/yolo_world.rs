//! The model: text encoder and image network of one checkpoint.

use super::engine::{Network, Place, Trace};
use super::network::{check_parameters, Graph};
use super::plan::Plan;
use super::text::{TextCache, TextEmbeddings, TextEncoder};
use super::{Architecture, Device, Engine, Execution, HeadOutput, InputBatch, ModelError, Weights};

/// A loaded checkpoint, ready to run from any number of threads.
pub struct Model {
    architecture: Architecture,
    text: TextEncoder,
    network: Executor,
    engine: Engine,
    weights_sha256: String,
}

/// The image network as an engine has it.
enum Executor {
    Candle(Box<Network>),
    Fast(Box<Plan>),
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
        let architecture = Architecture::detect(weights)?;
        check_parameters(weights, &architecture.parameters())
            .map_err(|mismatch| ModelError::Parameters { architecture: architecture.to_string(), mismatch })?;
        Ok(Self {
            text: TextEncoder::load(weights, &architecture.text, &Place::cpu())?,
            network: Executor::load(Graph::new(&architecture), weights, execution)?,
            engine: execution.engine,
            weights_sha256: weights.sha256().to_owned(),
            architecture,
        })
    }

    /// What was detected.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// What computes the image network.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The image network's structure: parameter counts, costs, stages.
    pub fn graph(&self) -> &Graph {
        match &self.network {
            Executor::Candle(network) => network.graph(),
            Executor::Fast(plan) => plan.graph(),
        }
    }

    /// Class embeddings of prompts: unit rows in the prompts' order.
    ///
    /// # Errors
    ///
    /// If there are no prompts or one is too long.
    pub fn encode_text(&self, prompts: &[String]) -> Result<TextEmbeddings, ModelError> {
        self.text.encode(prompts)
    }

    /// Class embeddings of prompts from a cache, or encoded and kept there.
    ///
    /// # Errors
    ///
    /// As [`Model::encode_text`]; a cache that cannot be read or written is none.
    pub fn encode_text_cached(&self, prompts: &[String], cache: &TextCache) -> Result<TextEmbeddings, ModelError> {
        if let Some(kept) = cache.get(&self.encoder_id(), prompts, self.architecture.text.projection) {
            return Ok(kept);
        }
        let embeddings = self.encode_text(prompts)?;
        cache.put(&self.encoder_id(), prompts, &embeddings);
        Ok(embeddings)
    }

    /// What class embeddings depend on besides the prompts. The number of heads is read from no
    /// tensor, so the weights alone do not tell it.
    fn encoder_id(&self) -> String {
        format!("{} with {} heads", self.weights_sha256, self.architecture.text.heads)
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
    fn load(graph: Graph, weights: &impl Weights, execution: Execution) -> Result<Self, ModelError> {
        let place = Place::open(execution.device, execution.precision)?;
        if execution.engine != Engine::Candle && execution.device != Device::Cpu {
            return Err(ModelError::NoSuchEngine { engine: execution.engine.name(), device: execution.device });
        }
        Ok(match execution.engine {
            Engine::Candle => Self::Candle(Box::new(Network::load(graph, weights, place)?)),
            Engine::Fast => Self::Fast(Box::new(Plan::lower(graph, weights, true)?)),
            Engine::FastExact => Self::Fast(Box::new(Plan::lower(graph, weights, false)?)),
        })
    }
}
