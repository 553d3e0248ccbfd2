//! One embedding a class.

use crate::model::ModelError;

/// Class embeddings, `[classes][width]`, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct TextEmbeddings {
    width: usize,
    data: Vec<f32>,
}

impl TextEmbeddings {
    /// Rows of `width` values each, one row a class.
    ///
    /// # Errors
    ///
    /// If there is not at least one whole row.
    pub fn new(width: usize, data: Vec<f32>) -> Result<Self, ModelError> {
        if width == 0 || data.is_empty() || data.len() % width != 0 {
            return Err(ModelError::EmbeddingShape { found: data.len(), width });
        }
        Ok(Self { width, data })
    }

    /// Number of classes K, at least 1.
    pub fn classes(&self) -> usize {
        self.data.len() / self.width
    }

    /// Values a class.
    pub fn width(&self) -> usize {
        self.width
    }

    /// All rows.
    pub fn data(&self) -> &[f32] {
        &self.data
    }
}
