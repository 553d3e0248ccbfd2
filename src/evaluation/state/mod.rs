//! What became of the images of a data set: all that its metrics need, without its annotations.
//!
//! A [`State`] is taken of an [`Evaluator`](super::Evaluator) after some images or all, written as a
//! small file, and merged with the states of the other images; metrics, intervals and comparisons are
//! functions of it. A file is refused, with a [`StateError`], unless it is whole and of this version.
//!
//! ```no_run
//! use std::path::Path;
//! use zoobench::evaluation::State;
//!
//! let parts = ["first.zbstate", "second.zbstate"].map(Path::new);
//! let parts = parts.into_iter().map(State::read).collect::<Result<Vec<_>, _>>()?;
//! println!("AP {:?}", State::merge(parts)?.evaluation().results.ap);
//! # Ok::<(), zoobench::evaluation::StateError>(())
//! ```
//!
//! # The file
//!
//! `zbstate2`, the length of the header (u32, little-endian), the header as JSON, the packed body and the
//! SHA-256 of all before. The header holds what states must have in common, and names. The body's
//! numbers are LEB128: the ids of all images of the annotation file as differences, then the distinct
//! outcomes of detections, then the evaluated images, each with its tally, its cells and its detections.
//! A detection is the number of its outcome and its score, four bytes where that is a 32-bit float, as
//! models yield, and else eight. One that counts nowhere is left out.
mod about;
mod error;
mod merge;
mod packed;
mod read;
mod take;
mod write;

pub use error::StateError;

pub(super) use about::About;

use super::image::ImageMatches;
use super::vocabulary::CategoryRow;

/// What became of some or all images of a data set.
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// What it is called in messages.
    pub(super) source: String,
    pub(super) about: About,
    /// In ascending id.
    pub(super) categories: Vec<CategoryRow>,
    /// Ids of all images of the annotation file, ascending.
    pub(super) image_ids: Vec<i64>,
    /// What was evaluated, in ascending image.
    pub(super) images: Vec<ImageMatches>,
}
