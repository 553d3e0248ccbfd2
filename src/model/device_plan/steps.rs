//! What a plan does, one step after the other.

use crate::model::plan::{Contrast, TextSource};

/// A map's place: pixels in a buffer of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MapView {
    /// The buffer.
    pub slot: usize,
    /// Its first number.
    pub first: usize,
    /// Numbers from a pixel to the next.
    pub pitch: usize,
    /// Numbers of a pixel: lanes of blocks.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// A packed parameter, by its place in the list of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parameter(pub usize);

/// A convolution's weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FilterOf {
    pub weights: Parameter,
    pub bias: Parameter,
    pub kernel: usize,
    pub stride: usize,
    pub in_channels: usize,
    pub out_channels: usize,
}

/// What leaves the network as planes of float32, or is on the way there; levels by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    Distributions(usize),
    Coefficients(usize),
    Prototypes,
}

/// Where a convolution's result goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    Map { output: MapView, residual: Option<MapView> },
    Planes(Leaving),
}

/// A convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Convolve {
    pub filter: FilterOf,
    pub input: MapView,
    pub silu: bool,
    pub target: Target,
}

/// An attention to texts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Attend {
    /// Which of the plan's attentions.
    pub number: usize,
    pub input: MapView,
    pub output: MapView,
    pub heads: usize,
    pub biases: Parameter,
    pub scale: f32,
    /// From texts to what pixels are compared with.
    pub guide: FilterOf,
    pub texts: TextSource,
}

/// The logits of a level.
pub(super) struct Logits {
    /// Which level.
    pub level: usize,
    pub contrast: Contrast,
    pub input: MapView,
    /// The channel of each of the input's lanes.
    pub lanes: Vec<Option<usize>>,
}

pub(super) enum Step {
    Image(MapView),
    Copy([MapView; 2]),
    Convolve(Convolve),
    Add([MapView; 3]),
    Upsample([MapView; 2]),
    MaxPool { views: [MapView; 2], window: usize },
    Attend(Attend),
    Enhance,
    Logits(usize),
    Distances { level: usize, bins: usize },
}

/// Where a node's value is when its steps have run.
pub(super) enum Value {
    /// In a map, whose lanes hold channels.
    Map {
        view: MapView,
        lanes: Vec<Option<usize>>,
    },
    /// In planes of float32.
    Planes {
        leaving: Leaving,
        channels: usize,
        height: usize,
        width: usize,
    },
    Logits {
        level: usize,
    },
    Distances {
        level: usize,
    },
    GivenTexts,
    EnhancedTexts,
}
