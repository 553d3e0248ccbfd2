//! The images the goldens were made with.

use std::path::PathBuf;

use zoobench::dataset::{decode_image, Image, RgbView};
use zoobench::model::{letterbox_chw, InputBatch, Letterbox};

use super::paramgen::{swap_red_and_blue, synth_bgr};

/// One of the recorded inputs, or `None` with a word on stderr where it is not to be had.
pub fn input(name: &str) -> Option<InputBatch> {
    match name {
        "synth" => Some(batch(synthetic(640, 640, 1).view())),
        "odd" => Some(batch(synthetic(427, 640, 2).view())),
        "photo" => photo().map(|bytes| jpeg(&bytes)),
        _ => panic!("an unknown input: {name}"),
    }
}

/// A JPEG file as a batch of one.
pub fn jpeg(bytes: &[u8]) -> InputBatch {
    batch(decode_image("photo.jpg", bytes).expect("the photo is a JPEG").view())
}

fn batch(image: RgbView<'_>) -> InputBatch {
    let mut data = vec![0.0; Letterbox::VALUES];
    letterbox_chw(image, &mut data).expect("the recorded inputs fit");
    InputBatch::new(1, data).expect("one image")
}

/// candle's `bike.jpg`, from where `ZOOBENCH_PHOTO` says.
fn photo() -> Option<Vec<u8>> {
    let Some(path) = std::env::var_os("ZOOBENCH_PHOTO").map(PathBuf::from) else {
        eprintln!("skipped: ZOOBENCH_PHOTO does not name candle's yolo-v8 bike.jpg");
        return None;
    };
    Some(std::fs::read(path).expect("ZOOBENCH_PHOTO names a file"))
}

/// The synthetic image of a seed, in RGB.
pub fn synthetic(height: u32, width: u32, seed: u64) -> Image {
    Image { height, width, rgb: swap_red_and_blue(&synth_bgr(height as usize, width as usize, seed)) }
}
