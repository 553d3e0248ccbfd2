//! Binary instance masks as COCO run-length encodings, and the overlap of masks and of boxes.
//!
//! Takes run lengths, COCO's compressed strings, bitmaps and polygons; gives [`Rle`]s whose runs
//! cover their image exactly, their area and bounding box, their union, their boundary and their IoU.
//! Everything agrees with pycocotools to the last bit on input that pycocotools handles, and refuses,
//! with a [`MaskError`], what sends pycocotools out of bounds, into an endless loop or to wrapped values.
//!
//! ```
//! use zoobench::mask::{iou, Rle};
//!
//! let square = Rle::from_polygons(4, 4, &[vec![1.0, 1.0, 3.0, 1.0, 3.0, 3.0, 1.0, 3.0]])?;
//! assert_eq!(square.counts(), [5, 2, 2, 2, 5]);
//! assert_eq!(square.area(), 4);
//! let again = Rle::from_string(4, 4, square.to_string().as_bytes())?;
//! assert_eq!(iou(&square, &again), 1.0);
//! # Ok::<(), zoobench::mask::MaskError>(())
//! ```
mod bitmap;
mod boundary;
mod boxes;
mod error;
mod iou;
mod polygon;
mod rle;
mod string;
mod union;

pub use boundary::{boundary_width, Boundaries};
pub use boxes::box_iou;
pub use error::MaskError;
pub use iou::{iou, iou_within};
pub use polygon::Rasterizer;
pub use rle::{PixelBox, Rle, MAX_PIXELS};
