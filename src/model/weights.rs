//! What the model asks of a checkpoint.

use super::checkpoint::Checkpoint;
use super::ModelError;

/// Named tensors: a checkpoint, or a generator of parameters in tests.
///
/// Names are those of the reference's `state_dict`, without its `module.` prefix.
pub trait Weights {
    /// Every tensor's name, buffers included, in any order.
    fn names(&self) -> Vec<&str>;

    /// The dimensions of a tensor, or `None` where there is no such tensor. A scalar has none: `[]`.
    fn shape(&self, name: &str) -> Option<&[usize]>;

    /// The tensor's elements as f32, row-major.
    ///
    /// # Errors
    ///
    /// If there is no such tensor, if it cannot be read, or if it is not floating-point.
    fn f32(&self, name: &str) -> Result<Vec<f32>, ModelError>;

    /// SHA-256 of the file the tensors come from, in hexadecimal: what caches are keyed by.
    fn sha256(&self) -> &str;
}

impl<W: Weights> Weights for &W {
    fn names(&self) -> Vec<&str> {
        W::names(self)
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        W::shape(self, name)
    }

    fn f32(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        W::f32(self, name)
    }

    fn sha256(&self) -> &str {
        W::sha256(self)
    }
}

/// The weights a checkpoint is used for: its `state_dict`, which holds the averaged ones.
impl Weights for Checkpoint {
    fn names(&self) -> Vec<&str> {
        Checkpoint::names(self).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.get(name).map(|tensor| tensor.shape())
    }

    fn f32(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        match Checkpoint::f32(self, name) {
            Some(values) => Ok(values?),
            None => Err(ModelError::NoTensor { name: name.to_owned() }),
        }
    }

    fn sha256(&self) -> &str {
        Checkpoint::sha256(self)
    }
}
