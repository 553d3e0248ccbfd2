//! A checkpoint in memory.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::contents::{Contents, Tensors, EMA, STATE};
use super::tensor::Placement;
use super::{archive, legacy, safetensors, CheckpointError, Container, Rejection, TensorView};
use crate::dataset::hash::sha256;

/// A checkpoint: its file in memory, and the names and places of its weights in it.
///
/// The weights are those under `state_dict`, into which a training run with averaging writes the
/// averaged ones. Reads of the sections of [`Checkpoint::section`] copy nothing until asked to.
#[derive(Debug)]
pub struct Checkpoint {
    container: Container,
    sha256: String,
    state: Section,
    ema: Option<Section>,
}

impl Checkpoint {
    /// Reads a file; which container it is shows in its bytes.
    ///
    /// # Errors
    /// If it cannot be read or breaks one of the rules in [`Rejection`].
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let name = path.display().to_string();
        match read_file(path) {
            Ok(bytes) => Self::from_bytes(&name, bytes),
            Err(rejection) => Err(CheckpointError { file: name, rejection }),
        }
    }

    /// Reads a file's bytes; `name` is what errors call it.
    ///
    /// # Errors
    /// If they break one of the rules in [`Rejection`].
    pub fn from_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, CheckpointError> {
        let refused = |rejection| CheckpointError { file: name.to_owned(), rejection };
        let (container, contents) = parse(&bytes).map_err(refused)?;
        let sha256 = sha256(&bytes);
        let source = Arc::new(Source { name: name.to_owned(), bytes });
        let section = |tensors| Section::new(Arc::clone(&source), tensors);
        Ok(Self { container, sha256, state: section(contents.state), ema: contents.ema.map(section) })
    }

    /// The kind of file it was read from.
    pub fn container(&self) -> Container {
        self.container
    }

    /// SHA-256 of the file's bytes, lower-case hex. The names of OpenMMLab's published files end
    /// in its first eight digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The section called `state_dict` (always there) or `ema_state_dict` (the weights before
    /// averaging, in checkpoints of a training run; its names start with `module.`).
    pub fn section(&self, name: &str) -> Option<&Section> {
        match name {
            STATE => Some(&self.state),
            EMA => self.ema.as_ref(),
            _ => None,
        }
    }

    /// The names of its weights, in the order of the file.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.state.names()
    }

    /// The number of its weights; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.state.len()
    }

    /// One of its weights.
    pub fn get(&self, name: &str) -> Option<TensorView<'_>> {
        self.state.get(name)
    }

    /// One of its weights as float32; see [`Section::f32`].
    pub fn f32(&self, name: &str) -> Option<Result<Vec<f32>, CheckpointError>> {
        self.state.f32(name)
    }
}

/// A mapping from names to tensors.
#[derive(Debug)]
pub struct Section {
    source: Arc<Source>,
    tensors: Tensors,
    index: HashMap<String, usize>,
}

#[derive(Debug)]
struct Source {
    name: String,
    bytes: Vec<u8>,
}

impl Section {
    fn new(source: Arc<Source>, tensors: Tensors) -> Self {
        let index = tensors.iter().enumerate().map(|(position, (name, _))| (name.clone(), position)).collect();
        Self { source, tensors, index }
    }

    /// The names of its tensors, in the order of the file.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tensors.iter().map(|(name, _)| name.as_str())
    }

    /// The number of its tensors; never 0.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// The tensor of that name.
    pub fn get(&self, name: &str) -> Option<TensorView<'_>> {
        let (name, placement): &(String, Placement) = &self.tensors[*self.index.get(name)?];
        Some(TensorView::new(name, placement, &self.source.bytes))
    }

    /// The elements of the tensor of that name in row-major order: float16 and bfloat16 exactly,
    /// float64 rounded to nearest.
    ///
    /// # Errors
    /// If the tensor does not hold floating-point numbers.
    pub fn f32(&self, name: &str) -> Option<Result<Vec<f32>, CheckpointError>> {
        let elements = self.get(name)?.f32();
        Some(elements.map_err(|rejection| CheckpointError { file: self.source.name.clone(), rejection }))
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Rejection> {
    let unreadable = |source| Rejection::Unreadable { source };
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(Rejection::NotAFile);
    }
    std::fs::read(path).map_err(unreadable)
}

fn parse(bytes: &[u8]) -> Result<(Container, Contents), Rejection> {
    let container = Container::detect(bytes)?;
    let contents = match container {
        Container::Zip => archive::read(bytes),
        Container::Legacy => legacy::read(bytes),
        Container::Safetensors => safetensors::read(bytes),
    };
    Ok((container, contents?))
}
