//! The nodes a network is made of.

/// An image network: nodes in evaluation order.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Every node comes after those it reads.
    pub nodes: Vec<Node>,
    /// Further names of values: modules of the reference that end in a node of another name.
    pub aliases: Vec<(String, ValueId)>,
    /// What the network is for.
    pub outputs: Outputs,
}

/// The value a node computes, by the node's position in [`Graph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub(super) usize);

impl ValueId {
    /// Position of the node in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// One operation and its place in the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Module path in the reference, unique; parameters are named after it.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// What it is computed from, in the order [`Op`] says.
    pub inputs: Vec<ValueId>,
    /// Shape of the result for one image of 640 x 640.
    pub shape: Shape,
    /// Where costs are booked.
    pub part: Part,
}

/// Shape of a value for one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Feature maps, `[channels][height][width]`.
    Map {
        /// Number of maps.
        channels: usize,
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
    /// One row a class, `[K][width]`.
    Texts {
        /// Length of a row.
        width: usize,
    },
    /// One map a class, `[K][height][width]`.
    Logits {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

impl Shape {
    /// Channels of a map: 0 for what is none.
    pub fn channels(self) -> usize {
        match self {
            Self::Map { channels, .. } => channels,
            Self::Texts { .. } | Self::Logits { .. } => 0,
        }
    }

    /// Rows and columns of a map or of logits: 0 for texts.
    pub fn sides(self) -> (usize, usize) {
        match self {
            Self::Map { height, width, .. } | Self::Logits { height, width } => (height, width),
            Self::Texts { .. } => (0, 0),
        }
    }

    /// Positions of a map: 0 for texts.
    pub fn positions(self) -> usize {
        let (height, width) = self.sides();
        height * width
    }
}

/// The parts of a network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Image to feature pyramid.
    Backbone,
    /// Feature pyramid and texts to text-guided feature pyramid.
    Neck,
    /// Feature pyramid and texts to logits, distances, coefficients, prototypes.
    Head,
}

/// What a node computes from its inputs.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The network's image input: RGB in 0..=1.
    Image,
    /// The network's text input: one unit row a class.
    Texts,
    /// Convolution of one map, padded with `kernel / 2` zeros on each side.
    Conv(Conv),
    /// The channels `first..first + shape.channels` of one map.
    Slice {
        /// First channel taken.
        first: usize,
    },
    /// All inputs' channels, in order.
    Concat,
    /// Sum of two maps.
    Add,
    /// One map, each pixel repeated twice in both directions.
    Upsample,
    /// Maximum over a square window of stride 1. Positions outside the map count as -infinity.
    MaxPool {
        /// Side of the window.
        kernel: usize,
    },
    /// Text-guided attention; inputs: a map, its projection, the texts.
    TextAttention(TextAttention),
    /// Image-aware texts; inputs: the texts, then one projected map a level.
    TextEnhancer(TextEnhancer),
    /// Similarity of every position to every class; inputs: a map of embeddings, the texts.
    ClassContrast(ClassContrast),
    /// Expectation of the softmax over `bins` (0, 1, ..) for each of four sides, of one map of
    /// `[4][bins]` channels.
    BoxDistribution {
        /// Bins a side.
        bins: usize,
    },
}

/// A convolution with what follows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv {
    /// Channels read.
    pub in_channels: usize,
    /// Channels written.
    pub out_channels: usize,
    /// Side of the square kernel, odd.
    pub kernel: usize,
    /// Step in both directions.
    pub stride: usize,
    /// What is added per channel.
    pub affine: Affine,
    /// What is applied last.
    pub activation: Activation,
}

/// Per-channel scale and shift after a convolution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Affine {
    /// Batch normalisation with fixed statistics (`bn.*`).
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
    },
    /// The convolution's own bias.
    Bias,
}

/// The function applied to a convolution's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    Identity,
    /// `x * sigmoid(x)`.
    Silu,
}

/// Max-sigmoid attention: each head's channels of the projected map are scaled, per pixel, by
/// `sigmoid(max over classes of <x, guide(text)> / sqrt(channels / heads) + bias)`, the dot product
/// over the head's channels of the map.
#[derive(Debug, Clone, PartialEq)]
pub struct TextAttention {
    /// Channels of the map, of its projection and of the guide.
    pub channels: usize,
    /// Groups of channels that attend on their own.
    pub heads: usize,
    /// Width of a text row.
    pub text_width: usize,
}

/// Image-pooling attention: texts attend to 3 x 3 max-pooled cells of every level, and the result is
/// added to them.
#[derive(Debug, Clone, PartialEq)]
pub struct TextEnhancer {
    /// Channels of the projected maps, queries, keys and values.
    pub width: usize,
    /// Heads of the attention.
    pub heads: usize,
    /// Width of a text row.
    pub text_width: usize,
}

impl TextEnhancer {
    /// Cells a side into which a map is pooled. Cell k of S rows covers `floor(k S / 3)` to
    /// `ceil((k + 1) S / 3)`, so that neighbours overlap where 3 does not divide S.
    pub const CELLS: usize = 3;
    /// Added to the variance of its layer normalisations.
    pub const EPSILON: f64 = 1e-5;

    /// Rows (or columns) of a map of `size` that cell `cell` covers.
    pub fn cell(cell: usize, size: usize) -> std::ops::Range<usize> {
        cell * size / Self::CELLS..((cell + 1) * size).div_ceil(Self::CELLS)
    }
}

/// Class logits: `<norm(embedding), text / |text|> * exp(logit_scale) + bias`.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassContrast {
    /// Channels of the embedding and width of a text row.
    pub text_width: usize,
    /// What the embedding goes through first.
    pub norm: ClassNorm,
}

impl ClassContrast {
    /// Least length a vector is divided by.
    pub const MIN_LENGTH: f64 = 1e-12;
}

/// Normalisation of the class branch's embedding.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ClassNorm {
    /// Division by the Euclidean length per pixel (v1).
    Length,
    /// Batch normalisation with fixed statistics (v2).
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
    },
}

/// The values that leave the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Outputs {
    /// P3, P4, P5.
    pub levels: Vec<LevelOutputs>,
    /// Prototype maps.
    pub prototypes: ValueId,
}

/// Outputs of one pyramid level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelOutputs {
    /// Pixels of the input between neighbouring positions.
    pub stride: u32,
    /// `[K][positions]`.
    pub logits: ValueId,
    /// `[4][positions]`, in units of the stride.
    pub distances: ValueId,
    /// `[MASK_CHANNELS][positions]`.
    pub coefficients: ValueId,
}

impl Graph {
    /// The node that computes a value.
    pub fn node(&self, value: ValueId) -> &Node {
        &self.nodes[value.0]
    }

    /// The value that the node at a position computes.
    pub fn value(&self, index: usize) -> ValueId {
        debug_assert!(index < self.nodes.len());
        ValueId(index)
    }

    /// The value of a module of the reference, by its path.
    pub fn find(&self, name: &str) -> Option<ValueId> {
        let alias = self.aliases.iter().find(|(alias, _)| alias == name).map(|&(_, value)| value);
        alias.or_else(|| self.nodes.iter().position(|node| node.name == name).map(ValueId))
    }

    /// For each node, the position of the last node that reads its value; `None` for outputs, which
    /// live on, and for values that nobody reads.
    pub fn last_readers(&self) -> Vec<Option<usize>> {
        let mut last = vec![None; self.nodes.len()];
        for (reader, node) in self.nodes.iter().enumerate() {
            node.inputs.iter().for_each(|input| last[input.0] = Some(reader));
        }
        self.outputs.values().for_each(|output| last[output.0] = None);
        last
    }
}

impl Outputs {
    /// Every value that leaves the network.
    pub fn values(&self) -> impl Iterator<Item = ValueId> + '_ {
        let levels = self.levels.iter().flat_map(|level| [level.logits, level.distances, level.coefficients]);
        levels.chain([self.prototypes])
    }
}
