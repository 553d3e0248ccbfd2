//! From head outputs to detections: boxes, non-maximum suppression, masks.
//!
//! Takes what the network says about one image ([`HeadOutput`](crate::model::HeadOutput)), how the
//! image was placed in the network's input ([`Letterbox`](crate::model::Letterbox)) and
//! [`Settings`]; gives at most 300 [`Detection`]s in the original image's pixels, best first, and
//! [`to_records`] makes LVIS results of them. Every step repeats the reference's 32-bit arithmetic,
//! its quirks included; each module names its own.
//!
//! The logits come whole, or as what is left of them that is [wanted](wanted_logits)
//! ([`SparseOutput`](crate::model::SparseOutput)); the detections are the same.
//!
//! An output that lies in a GPU's memory becomes detections there ([`detect_on_device`]), by kernels that compute to
//! the bit what the functions here do.
//!
//! Nothing is refused: an output without candidates gives no detections, which is a valid answer,
//! and values that are not finite give no candidates or no mask pixels.
//!
//! ```
//! use zoobench::detection::{detect, to_records, Settings};
//! use zoobench::model::{HeadOutput, Letterbox, LevelOutput, MASK_CHANNELS};
//!
//! let level = LevelOutput {
//!     stride: 32,
//!     height: 1,
//!     width: 1,
//!     logits: vec![2.0],
//!     distances: vec![0.5; 4],
//!     coefficients: vec![1.0; MASK_CHANNELS],
//! };
//! let output = HeadOutput {
//!     classes: 1,
//!     levels: vec![level],
//!     prototype_height: 2,
//!     prototype_width: 2,
//!     prototypes: vec![1.0; MASK_CHANNELS * 4],
//! };
//! let letterbox = Letterbox { height: 640, width: 640, top: 0, bottom: 0, left: 0, right: 0 };
//! let detections = detect(&output, &letterbox, &Settings::default());
//! assert_eq!(detections[0].bbox, [0.0, 0.0, 32.0, 32.0]);
//! assert_eq!(detections[0].mask.area(), 32 * 32);
//! let records = to_records(&detections, 139, &[7]);
//! assert_eq!((records[0].image_id, records[0].category_id), (139, 7));
//! ```
mod boxes;
mod candidates;
mod detect;
#[cfg(feature = "model")]
mod find;
mod geometry;
pub mod masks;
pub mod nms;
mod on_device;
mod records;
mod settings;
mod sigmoid;

pub use candidates::{logit_floor, wanted_logits};
pub use detect::{detect, detect_boxes, detect_sparse, detect_sparse_boxes, with_masks, DetectedBox};
#[cfg(feature = "model")]
pub use find::{find, find_boxes_on_device, Found};
pub use on_device::{copy_from_device, detect_boxes_on_device, detect_on_device, FoundOnDevice};
pub use records::to_records;
pub use settings::{Detection, Settings};
