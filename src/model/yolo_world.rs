//! The model: text encoder and image network of one checkpoint.

use super::engine::{Device, Network, Trace};
use super::network::{check_parameters, Graph};
use super::text::{TextCache, TextEmbeddings, TextEncoder};
use super::{Architecture, HeadOutput, InputBatch, ModelError, Weights};

/// A loaded checkpoint, ready to run from any number of threads.
pub struct Model {
    architecture: Architecture,
    text: TextEncoder,
    network: Network,
    weights_sha256: String,
}

impl Model {
    /// Detects the architecture, checks that the weights hold exactly its parameters, and reads them.
    ///
    /// # Errors
    ///
    /// If the weights are not those of a YOLO-World-Seg with its text encoder, if a parameter is
    /// missing, left over, wrongly shaped or not finite, or if one cannot be read.
    pub fn load(weights: &impl Weights, device: Device) -> Result<Self, ModelError> {
        let architecture = Architecture::detect(weights)?;
        check_parameters(weights, &architecture.parameters())
            .map_err(|mismatch| ModelError::Parameters { architecture: architecture.to_string(), mismatch })?;
        Ok(Self {
            text: TextEncoder::load(weights, &architecture.text, &device.candle())?,
            network: Network::load(Graph::new(&architecture), weights, device)?,
            weights_sha256: weights.sha256().to_owned(),
            architecture,
        })
    }

    /// What was detected.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The image network's structure: parameter counts, costs, stages.
    pub fn graph(&self) -> &Graph {
        self.network.graph()
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
        if let Some(kept) = cache.get(&self.weights_sha256, prompts, self.architecture.text.projection) {
            return Ok(kept);
        }
        let embeddings = self.encode_text(prompts)?;
        cache.put(&self.weights_sha256, prompts, &embeddings);
        Ok(embeddings)
    }

    /// The head's outputs for each image of a batch.
    ///
    /// # Errors
    ///
    /// If the embeddings are not as wide as this model's, or if there is not memory enough.
    pub fn forward(&self, batch: &InputBatch, texts: &TextEmbeddings) -> Result<Vec<HeadOutput>, ModelError> {
        self.check_width(texts)?;
        self.network.forward(batch, texts)
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
        self.network.trace(batch, texts, stages)
    }

    fn check_width(&self, texts: &TextEmbeddings) -> Result<(), ModelError> {
        let (found, expected) = (texts.width(), self.architecture.text.projection);
        if found != expected {
            return Err(ModelError::EmbeddingWidth { found, expected });
        }
        Ok(())
    }
}
