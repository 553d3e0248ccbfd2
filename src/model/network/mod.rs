//! The structure of YOLO-World-Seg's image network, as data.
//!
//! Takes an [`Architecture`](super::Architecture); gives a [`Graph`]: a list of [`Node`]s in the order
//! in which they can be evaluated, from the image and the class texts to the outputs of the head.
//! The graph belongs to no executor: an engine lowers it, and from the same graph follow the list of
//! parameters a checkpoint must hold and what the network costs. It refuses nothing; an
//! architecture that makes no sense was refused when it was detected.
//!
//! `backbone`, `neck` and `head` read top to bottom as the paper does (Cheng et al., YOLO-World:
//! Real-Time Open-Vocabulary Object Detection, 2024). Names are module paths of the reference, so
//! that a node's parameters are found in a `state_dict` by its name.
//!
//! ```
//! use zoobench::model::network::{Part, Graph};
//! # use zoobench::model::{Architecture, Family, Size};
//! let graph = Graph::new(&Architecture::reference(Family::V1, Size::L));
//! assert_eq!(graph.parameter_count(), 49_597_762);
//! assert_eq!(graph.macs(Part::Backbone, 80) / 1_000_000_000, 42);
//! ```
mod assembly;
mod backbone;
mod builder;
mod cost;
mod folding;
mod graph;
mod head;
mod neck;
mod parameters;

pub(crate) use folding::{ChannelAffine, FoldedConv};
pub use graph::{
    Activation, Affine, ClassContrast, ClassNorm, Conv, Graph, LevelOutputs, Node, Op, Outputs, Part, Shape,
    TextAttention, TextEnhancer, ValueId,
};
pub use parameters::{check_parameters, Parameter, ParameterMismatch, ShapeMismatch};
