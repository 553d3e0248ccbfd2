//! The whole network: backbone, neck, head.

use super::builder::Builder;
use super::{backbone, head, neck, Graph};
use crate::model::Architecture;

impl Graph {
    /// The image network of an architecture.
    pub fn new(architecture: &Architecture) -> Self {
        let mut b = Builder::new();
        let image = b.image();
        let texts = b.texts(architecture.text.projection);
        let pyramid = backbone::build(&mut b, architecture, image);
        let guided = neck::build(&mut b, architecture, pyramid, texts);
        let outputs = head::build(&mut b, architecture, guided, texts);
        b.finish(outputs)
    }
}
