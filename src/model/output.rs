//! What the network says about one image, before post-processing.

/// Mask coefficients a detection carries, and prototype maps.
pub const MASK_CHANNELS: usize = 32;

/// Outputs of the head on one image.
#[derive(Debug, Clone, PartialEq)]
pub struct HeadOutput {
    /// Number of classes K: the number of prompts.
    pub classes: usize,
    /// The levels P3, P4, P5 in this order.
    pub levels: Vec<LevelOutput>,
    /// Rows of a prototype map (160).
    pub prototype_height: usize,
    /// Columns of a prototype map (160).
    pub prototype_width: usize,
    /// Prototype maps, `[MASK_CHANNELS][height][width]`.
    pub prototypes: Vec<f32>,
}

/// Outputs of one pyramid level. Positions are row-major, `height * width` of them.
#[derive(Debug, Clone, PartialEq)]
pub struct LevelOutput {
    /// Pixels of the input between neighbouring positions: 8, 16 or 32.
    pub stride: u32,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Class logits, `[K][positions]`.
    pub logits: Vec<f32>,
    /// Distances from the position's centre to left, top, right, bottom in units of the stride,
    /// `[4][positions]`.
    pub distances: Vec<f32>,
    /// Mask coefficients, `[MASK_CHANNELS][positions]`.
    pub coefficients: Vec<f32>,
}
