//! A batch of images as the network reads it.

use super::{Letterbox, ModelError};

/// Letterboxed images, `[images][3][640][640]`: planes R, G, B, values in 0..=1.
#[derive(Debug, Clone, PartialEq)]
pub struct InputBatch {
    images: usize,
    data: Vec<f32>,
}

impl InputBatch {
    /// Of at least one image.
    ///
    /// # Errors
    ///
    /// If there are not [`Letterbox::VALUES`] values for each image.
    pub fn new(images: usize, data: Vec<f32>) -> Result<Self, ModelError> {
        let expected = images.saturating_mul(Letterbox::VALUES);
        if images == 0 || data.len() != expected {
            return Err(ModelError::InputSize { images, expected, found: data.len() });
        }
        Ok(Self { images, data })
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.images
    }

    /// All values.
    pub fn data(&self) -> &[f32] {
        &self.data
    }
}
