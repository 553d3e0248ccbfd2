//! From prompts to embeddings: tokens, the distinct ones among them, and a tower that encodes those.

use std::collections::HashMap;

use super::fast_tower::FastTower;
use super::reference_tower::ReferenceTower;
use super::{TextEmbeddings, Tokenizer};
use crate::kernels::InstructionSet;
use crate::model::architecture::TextSize;
use crate::model::{Engine, Excerpt, ModelError, Weights};

/// Prompts to embeddings (Radford et al., Learning Transferable Visual Models From Natural Language
/// Supervision, 2021): pre-normalised causal transformer, pooled at the first end mark. Always on the
/// processor, in float32.
pub struct TextEncoder {
    tokenizer: Tokenizer,
    width: usize,
    tower: Tower,
}

/// The transformer as an engine has it.
enum Tower {
    Reference(Box<ReferenceTower>),
    Fast(Box<FastTower>),
}

impl TextEncoder {
    /// Reads the transformer's parameters: candle's for [`Engine::Candle`] and the engines of a GPU, else for the best kernels that
    /// this machine has.
    ///
    /// # Errors
    ///
    /// If a parameter cannot be read or is not finite.
    pub fn load(weights: &impl Weights, size: &TextSize, engine: Engine) -> Result<Self, ModelError> {
        match engine {
            Engine::Candle | Engine::Device | Engine::Graph => {
                let tower = Tower::Reference(Box::new(ReferenceTower::load(weights, size)?));
                Ok(Self { tokenizer: Tokenizer::new(), width: size.projection, tower })
            }
            Engine::Fast | Engine::FastExact => Self::load_for(weights, size, InstructionSet::detect()),
        }
    }

    /// As [`TextEncoder::load`], for the kernels of an instruction set that the machine has.
    ///
    /// # Errors
    ///
    /// As [`TextEncoder::load`].
    pub fn load_for(weights: &impl Weights, size: &TextSize, set: InstructionSet) -> Result<Self, ModelError> {
        let tower = Tower::Fast(Box::new(FastTower::load(weights, size, set)?));
        Ok(Self { tokenizer: Tokenizer::new(), width: size.projection, tower })
    }

    /// What computes the texts of an engine on this machine: encoders of the same name and weights give
    /// the same bits.
    pub(crate) fn name(engine: Engine) -> String {
        // candle's products choose their instructions at run time as well.
        let set = InstructionSet::detect().name();
        match engine {
            Engine::Candle | Engine::Device | Engine::Graph => format!("candle on {} {set}", std::env::consts::ARCH),
            Engine::Fast | Engine::FastExact => format!("kernels on {} {set}", std::env::consts::ARCH),
        }
    }

    /// One unit row a prompt. Each distinct prompt is encoded once, so that equal prompts have
    /// bit-identical rows.
    ///
    /// # Errors
    ///
    /// If there are no prompts or too many, or one is too long.
    pub fn encode(&self, prompts: &[String]) -> Result<TextEmbeddings, ModelError> {
        if prompts.is_empty() {
            return Err(ModelError::NoPrompts);
        }
        TextEmbeddings::check_count(prompts.len())?;
        let sequences = self.tokenize(prompts)?;
        let rows = self.encode_distinct(&sequences)?;
        let data = sequences.iter().flat_map(|sequence| &rows[sequence.as_slice()]).copied().collect();
        TextEmbeddings::new(self.width, data)
    }

    fn tokenize(&self, prompts: &[String]) -> Result<Vec<Vec<u32>>, ModelError> {
        let limit = Tokenizer::MAX_TOKENS;
        let tokenize = |(index, prompt): (usize, &String)| {
            let sequence = self.tokenizer.encode(prompt);
            if sequence.len() > limit {
                let (prompt, tokens) = (Excerpt::of(prompt), sequence.len());
                return Err(ModelError::PromptTooLong { index, prompt, tokens, limit });
            }
            Ok(sequence)
        };
        prompts.iter().enumerate().map(tokenize).collect()
    }

    /// The unit row of each distinct sequence.
    fn encode_distinct<'a>(&self, sequences: &'a [Vec<u32>]) -> Result<HashMap<&'a [u32], Vec<f32>>, ModelError> {
        let mut distinct: Vec<&[u32]> = sequences.iter().map(Vec::as_slice).collect();
        distinct.sort_unstable();
        distinct.dedup();
        match &self.tower {
            Tower::Reference(tower) => Ok(tower.encode(&distinct)?),
            Tower::Fast(tower) => Ok(distinct.iter().copied().zip(tower.encode(&distinct)).collect()),
        }
    }
}
