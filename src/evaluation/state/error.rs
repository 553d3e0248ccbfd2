//! Why states are refused.

/// Why a state cannot be read, merged or compared.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read.
    #[error("{source_name}: cannot be read: {error}")]
    Read {
        /// The state.
        source_name: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Not a state of this version, or cut off, or changed since it was written.
    #[error("{source_name}: is no whole evaluation state of this version; save it again with `eval --save-state`")]
    Corrupt {
        /// The state.
        source_name: String,
    },
    /// Of another evaluation than the state before.
    #[error("{source_name}: {what} differ from those of {other}; give states of one evaluation")]
    Foreign {
        /// The state.
        source_name: String,
        /// The state before.
        other: String,
        /// What differs.
        what: &'static str,
    },
    /// One state's areas are those of boxes, another's those of masks.
    #[error(
        "{source_name}: small, medium and large were decided by another area than in {other}, as the first record of \
         a results file decides by default; evaluate all with --area box, or all with --area mask"
    )]
    OtherArea {
        /// The state.
        source_name: String,
        /// The state before.
        other: String,
    },
    /// An image is in two states, or twice in one.
    #[error("{source_name}: image {image} is in {other} too; split the images without overlap")]
    Overlapping {
        /// The later state.
        source_name: String,
        /// The earlier state.
        other: String,
        /// Image id.
        image: i64,
    },
    /// Images of the annotation file are in no state.
    #[error("{} of {total} images are in no state: {}; evaluate them too", images.len(), some(images))]
    Missing {
        /// Their ids in ascending order.
        images: Vec<i64>,
        /// Images of the annotation file.
        total: usize,
    },
    /// Nothing was given.
    #[error("there is no state to merge; give at least one")]
    Nothing,
    /// Two states of different images are compared.
    #[error(
        "{source_name}: image {image} is evaluated in one of it and {other} alone; compare states of the same images"
    )]
    OtherImages {
        /// The second state.
        source_name: String,
        /// The first state.
        other: String,
        /// The first image that only one has.
        image: i64,
    },
}

/// The first ten ids.
fn some(images: &[i64]) -> String {
    let first: Vec<String> = images.iter().take(10).map(ToString::to_string).collect();
    let rest = if images.len() > 10 { ", ..." } else { "" };
    first.join(", ") + rest
}
