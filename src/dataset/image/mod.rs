//! Image decoding, equal to the last bit to what OpenCV's `imread` gives (there BGR, here RGB).
//!
//! Takes the bytes of a JPEG (any colour space, subsampling or scan order that libjpeg reads) or a
//! PNG (any colour type and depth), and gives 8-bit interleaved RGB with the EXIF orientation
//! applied. Refuses other formats, more pixels than [`MAX_PIXELS`], headers that declare more
//! pixels than the bytes can hold, and files that end early or are damaged: libjpeg would fill in
//! grey, and a metric computed on invented pixels is no measurement.
//!
//! ```no_run
//! let bytes = std::fs::read("val2017/000000000139.jpg")?;
//! let image = zoobench::dataset::decode_image("val2017/000000000139.jpg", &bytes)?;
//! assert_eq!(image.rgb.len(), image.height as usize * image.width as usize * 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
mod decode;
mod exif;
mod jpeg;
mod limits;
mod png;

pub use decode::{decode_image, load_image};
pub use limits::MAX_PIXELS;
