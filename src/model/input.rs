//! A batch of images as the network reads it.

use super::{Letterbox, ModelError};

/// Letterboxed images, `[images][3][640][640]`: planes R, G, B, values in 0..=1.
#[derive(Debug, Clone, PartialEq)]
pub struct InputBatch {
    images: usize,
    data: Vec<f32>,
}

impl InputBatch {
    /// Values of one image.
    pub const IMAGE: usize = 3 * (Letterbox::SIZE * Letterbox::SIZE) as usize;

    /// Of at least one image.
    ///
    /// # Errors
    ///
    /// If there are not [`InputBatch::IMAGE`] values for each image.
    pub fn new(images: usize, data: Vec<f32>) -> Result<Self, ModelError> {
        let expected = images.saturating_mul(Self::IMAGE);
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
