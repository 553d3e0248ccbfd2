//! The network's input geometry: an image resized and padded to a square.

/// How an image was placed in the network's square input: what post-processing has to undo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letterbox {
    /// Rows of the decoded image.
    pub height: u32,
    /// Columns of the decoded image.
    pub width: u32,
    /// Padding rows above the image.
    pub top: u32,
    /// Padding rows below.
    pub bottom: u32,
    /// Padding columns to the left.
    pub left: u32,
    /// Padding columns to the right.
    pub right: u32,
}

impl Letterbox {
    /// Side of the square input in pixels.
    pub const SIZE: u32 = 640;
}
