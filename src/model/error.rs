//! Everything the model refuses.

use std::fmt;

use super::checkpoint::CheckpointError;
use super::engine::Device;
use super::network::ParameterMismatch;

/// Why a model could not be loaded or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The checkpoint's file was refused.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),

    /// A tensor that every YOLO-World-Seg has is not there.
    #[error(
        "not a YOLO-World-Seg checkpoint: there is no tensor `{name}` ({role}); \
         give a checkpoint of a segmentation config of YOLO-World"
    )]
    NotYoloWorldSeg {
        /// The tensor looked for.
        name: String,
        /// What it would have been.
        role: &'static str,
    },

    /// The checkpoint holds an image network only.
    #[error(
        "the checkpoint holds no text encoder (no tensor under `backbone.text_model.`), and class \
         embeddings of another encoder would be wrong for it; give the checkpoint as it was \
         published or saved by training, not one stripped of `backbone.text_model.*`"
    )]
    NoTextEncoder,

    /// Prompts for a model that was loaded without its text encoder.
    #[error("the model was loaded without its text encoder: load it whole, or take the texts from `Model::texts_of`")]
    TextEncoderLeftOut,

    /// A tensor from which the architecture is read has another number of dimensions.
    #[error("tensor `{name}` has shape {found:?}; the architecture is read from it and needs {rank} dimensions")]
    Rank {
        /// The tensor.
        name: String,
        /// Dimensions a YOLO-World-Seg has there.
        rank: usize,
        /// The shape in the checkpoint.
        found: Vec<usize>,
    },

    /// A size of the architecture is out of range.
    #[error("the checkpoint's {what} is {value}, read from `{name}`; supported are {min} to {max}")]
    Size {
        /// What is sized.
        what: &'static str,
        /// The tensor it was read from.
        name: String,
        /// The size found.
        value: usize,
        /// Least supported.
        min: usize,
        /// Most supported.
        max: usize,
    },

    /// Heads of an attention do not divide its channels.
    #[error(
        "`{name}`: {heads} heads do not divide {channels} channels evenly; the checkpoint is not a YOLO-World-Seg's"
    )]
    Heads {
        /// The attention module.
        name: String,
        /// Its heads.
        heads: usize,
        /// Its channels.
        channels: usize,
    },

    /// Tensors do not match the architecture one to one.
    #[error("the checkpoint does not match the architecture {architecture} that its tensors describe: {mismatch}")]
    Parameters {
        /// The architecture as detected.
        architecture: String,
        /// What is missing, left over or wrongly shaped.
        mismatch: ParameterMismatch,
    },

    /// A parameter is NaN or infinite.
    #[error("tensor `{name}` holds {value} at element {index}; parameters must be finite (was the checkpoint of a diverged run?)")]
    NotFinite {
        /// The tensor.
        name: String,
        /// Row-major index of the first such element.
        index: usize,
        /// The element.
        value: f32,
    },

    /// A tensor has fewer or more elements than its shape says.
    #[error("tensor `{name}` has {found} elements but its shape {shape:?} needs {expected}")]
    ElementCount {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Elements by shape.
        expected: usize,
        /// Elements found.
        found: usize,
    },

    /// There is no tensor of this name.
    #[error("there is no tensor `{name}`")]
    NoTensor {
        /// The name.
        name: String,
    },

    /// No prompts were given.
    #[error("no class prompts: give at least one")]
    NoPrompts,

    /// More classes than one image's logits may be kept for.
    #[error("{found} classes; at most {limit} are supported at once")]
    TooManyClasses {
        /// Classes given.
        found: usize,
        /// Classes there may be.
        limit: usize,
    },

    /// A prompt has more tokens than the text encoder has positions.
    #[error("prompt {index} ({prompt}) has {tokens} tokens with its begin and end marks, the text encoder reads at most {limit}; shorten it")]
    PromptTooLong {
        /// Position in the list of prompts.
        index: usize,
        /// The prompt, shortened for display.
        prompt: Excerpt,
        /// Tokens it has.
        tokens: usize,
        /// Tokens there may be.
        limit: usize,
    },

    /// Class embeddings do not fit together or to the network.
    #[error("class embeddings: {found} values do not make rows of width {width}, at least one")]
    EmbeddingShape {
        /// Values given.
        found: usize,
        /// Width of a row.
        width: usize,
    },

    /// Class embeddings come from a text encoder of another width.
    #[error("class embeddings are {found} wide, the network reads {expected}; encode the prompts with this model's own text encoder")]
    EmbeddingWidth {
        /// Width of the rows given.
        found: usize,
        /// Width the network reads.
        expected: usize,
    },

    /// The input's size is not that of its images.
    #[error(
        "an input of {images} images needs {expected} values (3 x 640 x 640 each, at least one image), found {found}"
    )]
    InputSize {
        /// Images the input is said to hold.
        images: usize,
        /// Values that many images have.
        expected: usize,
        /// Values found.
        found: usize,
    },

    /// No device is called so.
    #[error("device `{name}`: no device is called so; give `cpu`, `cuda` or `cuda:N`")]
    UnknownDevice {
        /// The name given.
        name: String,
    },

    /// A device that is not there.
    #[error("device {device}: {reason}")]
    NoDevice {
        /// The device.
        device: Device,
        /// What this build or this machine lacks.
        reason: String,
    },

    /// Arithmetic that an engine of the processor does not have.
    #[error(
        "dtype {precision} is not there by engine {engine} on device cpu: the processor computes in f32, and by engine \
         fast in bf16; anything else needs --device cuda"
    )]
    NoSuchPrecision {
        /// The arithmetic asked for.
        precision: &'static str,
        /// The engine.
        engine: &'static str,
    },

    /// An engine that a device does not have.
    #[error(
        "engine {engine} is not there on device {device}: --exact is the processor's, `device` and `graph` are a \
         GPU's; give --engine fast or candle, and no --exact"
    )]
    NoSuchEngine {
        /// The engine asked for.
        engine: &'static str,
        /// The device.
        device: Device,
    },

    /// A node that the kernels of a GPU do not compute.
    #[error("engine fast has no kernel on a GPU for `{node}`: {reason}; give --engine candle, device or graph")]
    NoKernel {
        /// The node.
        node: String,
        /// What about it.
        reason: String,
    },

    /// The environment would change the arithmetic asked for.
    #[error("dtype {precision} needs the environment variable NVIDIA_TF32_OVERRIDE {needed}: NVIDIA's libraries, which compute float32 as tf32 unless it is 0, read it when they are loaded")]
    Tf32Override {
        /// The arithmetic asked for.
        precision: &'static str,
        /// What it has to be.
        needed: &'static str,
    },

    /// A stage was asked for that the network does not have.
    #[error("the network has no stage `{name}`; stages are named by their module path, as `neck.top_down_layers.0`")]
    NoStage {
        /// The name asked for.
        name: String,
    },

    /// The tensor library failed.
    #[error("the network could not be evaluated: {0}")]
    Engine(#[from] candle_core::Error),
}

/// A user's text, quoted and cut for an error message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt(String);

impl Excerpt {
    const CHARACTERS: usize = 40;

    /// Of a text of any length.
    pub fn of(text: &str) -> Self {
        match text.char_indices().nth(Self::CHARACTERS) {
            Some((end, _)) => Self(format!("{}...", &text[..end])),
            None => Self(text.to_owned()),
        }
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
