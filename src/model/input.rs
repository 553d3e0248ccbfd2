//! A batch of images as the network reads it.

use std::borrow::Cow;

use super::letterbox::write_planes;
use super::{Letterbox, ModelError};

/// Letterboxed images: as planes R, G, B of values in 0..=1, or as the bytes of the same, which an engine
/// divides by 255 where it needs them.
#[derive(Debug, Clone, PartialEq)]
pub struct InputBatch {
    images: usize,
    values: Values,
}

#[derive(Debug, Clone, PartialEq)]
enum Values {
    /// `[images][3][640][640]`.
    Planes(Vec<f32>),
    /// `[images][640][640][3]`.
    Pixels(Vec<u8>),
}

/// One image of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum InputImage<'a> {
    /// `[3][640][640]` in 0..=1.
    Planes(&'a [f32]),
    /// `[640][640][3]`.
    Pixels(&'a [u8]),
}

impl InputBatch {
    /// Of at least one image, `[images][3][640][640]`: planes R, G, B, values in 0..=1.
    ///
    /// # Errors
    ///
    /// If there are not [`Letterbox::VALUES`] values for each image.
    pub fn new(images: usize, data: Vec<f32>) -> Result<Self, ModelError> {
        check_size(images, data.len())?;
        Ok(Self { images, values: Values::Planes(data) })
    }

    /// Of at least one image, `[images][640][640][3]`: what
    /// [`letterbox_rgb`](super::letterbox_rgb) writes.
    ///
    /// # Errors
    ///
    /// As [`InputBatch::new`].
    pub fn of_pixels(images: usize, pixels: Vec<u8>) -> Result<Self, ModelError> {
        check_size(images, pixels.len())?;
        Ok(Self { images, values: Values::Pixels(pixels) })
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.images
    }

    /// All values as planes, `[images][3][640][640]` in 0..=1.
    pub fn data(&self) -> Cow<'_, [f32]> {
        match &self.values {
            Values::Planes(planes) => Cow::Borrowed(planes),
            Values::Pixels(pixels) => {
                let mut planes = vec![0.0; pixels.len()];
                let images = pixels.chunks_exact(Letterbox::VALUES).zip(planes.chunks_exact_mut(Letterbox::VALUES));
                images.for_each(|(pixels, planes)| write_planes(pixels, planes));
                Cow::Owned(planes)
            }
        }
    }

    /// The bytes of all images, `[images][640][640][3]`, if that is what they are.
    pub(super) fn pixels(&self) -> Option<&[u8]> {
        match &self.values {
            Values::Planes(_) => None,
            Values::Pixels(pixels) => Some(pixels),
        }
    }

    /// The images in order.
    pub(super) fn each(&self) -> Vec<InputImage<'_>> {
        match &self.values {
            Values::Planes(planes) => planes.chunks_exact(Letterbox::VALUES).map(InputImage::Planes).collect(),
            Values::Pixels(pixels) => pixels.chunks_exact(Letterbox::VALUES).map(InputImage::Pixels).collect(),
        }
    }
}

fn check_size(images: usize, found: usize) -> Result<(), ModelError> {
    let expected = images.saturating_mul(Letterbox::VALUES);
    if images == 0 || found != expected {
        return Err(ModelError::InputSize { images, expected, found });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_the_same_images_as_planes() {
        let pixels: Vec<u8> = (0..2 * Letterbox::VALUES).map(|index| (index * 7 % 256) as u8).collect();
        let batch = InputBatch::of_pixels(2, pixels.clone()).expect("two images");
        let planes = batch.data().into_owned();
        let at = |image: usize, channel: usize, pixel: usize| {
            f32::from(pixels[image * Letterbox::VALUES + pixel * 3 + channel]) / 255.0
        };
        let plane = Letterbox::VALUES / 3;
        for (index, value) in planes.iter().enumerate().step_by(997) {
            let (image, rest) = (index / Letterbox::VALUES, index % Letterbox::VALUES);
            assert_eq!(*value, at(image, rest / plane, rest % plane));
        }
        assert_eq!(batch.each()[1], InputImage::Pixels(&pixels[Letterbox::VALUES..]));
        let batch = InputBatch::new(2, planes.clone()).expect("two images");
        assert_eq!((batch.images(), batch.each()[0]), (2, InputImage::Planes(&planes[..Letterbox::VALUES])));
    }

    #[test]
    fn a_batch_of_another_size_is_refused() {
        for bytes in [0, Letterbox::VALUES - 1, 2 * Letterbox::VALUES] {
            assert!(matches!(InputBatch::of_pixels(1, vec![0; bytes]), Err(ModelError::InputSize { images: 1, .. })));
        }
        assert!(matches!(InputBatch::of_pixels(0, vec![]), Err(ModelError::InputSize { images: 0, .. })));
    }
}
