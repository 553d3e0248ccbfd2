//! What to run: model zoos, described in TOML.
//!
//! A zoo names a data set (annotation file, images, split) and lists variants: their weights,
//! checksums, and the values published for them. Two are built in, `yolo-world-seg` (the eight
//! rows of the model zoo on LVIS val 1.0) and `shapes` (120 procedural scenes and two small
//! models, all of whose files are [`embedded`]); any other is a file in the same format, which
//! `datasets/README.md` documents. [`context_rows`] and [`speed_rows`] give published values of
//! other models.
//!
//! A zoo is refused, with a [`ZooError`] that names file, line, rule and remedy, if a key is
//! unknown, a text empty, a name no safe folder name or used twice, a path leaves its root, or a
//! number is outside its range.
//!
//! ```
//! use zoobench::zoo::Zoo;
//!
//! let zoo = Zoo::builtin("yolo-world-seg")?;
//! assert_eq!(zoo.variants.len(), 8);
//! let with_weights = zoo.variants.iter().filter(|variant| variant.url.is_some());
//! assert_eq!(with_weights.count(), 4);
//! # Ok::<(), zoobench::zoo::ZooError>(())
//! ```
mod check;
mod context;
mod embedded;
mod error;
mod format;
mod variant;

pub use crate::report::{Context, ContextRow, SpeedRow};
pub use context::{context_rows, speed_rows};
pub use embedded::{embedded, EmbeddedFiles};
pub use error::{Location, ZooError};
pub use variant::{PublishedLabel, Variant, Zoo, BUILTIN_ZOOS};
