//! One embedding a class.

use std::sync::Arc;

use crate::model::ModelError;

/// Class embeddings, `[classes][width]`, row-major. A clone shares the rows.
#[derive(Debug, Clone)]
pub struct TextEmbeddings {
    width: usize,
    data: Arc<[f32]>,
}

impl PartialEq for TextEmbeddings {
    fn eq(&self, other: &Self) -> bool {
        // Whoever asks for each image mostly has a clone.
        self.width == other.width && (Arc::ptr_eq(&self.data, &other.data) || self.data == other.data)
    }
}

impl TextEmbeddings {
    /// Most classes at once: the logits of one image take 34 KB a class.
    pub const MAX_CLASSES: usize = 16_384;

    /// Rows of `width` values each, one row a class.
    ///
    /// # Errors
    ///
    /// If there is not at least one whole row, or more than [`TextEmbeddings::MAX_CLASSES`].
    pub fn new(width: usize, data: Vec<f32>) -> Result<Self, ModelError> {
        if width == 0 || data.is_empty() || !data.len().is_multiple_of(width) {
            return Err(ModelError::EmbeddingShape { found: data.len(), width });
        }
        Self::check_count(data.len() / width)?;
        Ok(Self { width, data: data.into() })
    }

    /// Whether so many classes fit.
    pub(super) fn check_count(classes: usize) -> Result<(), ModelError> {
        if classes > Self::MAX_CLASSES {
            return Err(ModelError::TooManyClasses { found: classes, limit: Self::MAX_CLASSES });
        }
        Ok(())
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
