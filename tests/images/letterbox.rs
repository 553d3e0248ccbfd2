//! The network's input, against OpenCV 4.9's bytes.

use crate::common::fixture;
use crate::paramgen::{fnv1a64, splitmix64, swap_red_and_blue, synth_bgr};
use crate::sha256;
use serde::Deserialize;
use zoobench::dataset::RgbView;
use zoobench::model::{letterbox_chw, letterbox_rgb, Letterbox, LetterboxError};

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    h: u32,
    w: u32,
    seed: u64,
    src_sha256: String,
    resized_hw: [u32; 2],
    pad_tblr: [u32; 4],
    out_sha256: String,
    samples: Vec<u8>,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(fixture("images/preprocess.json")).expect("fixture");
    serde_json::from_str::<Golden>(&text).expect("fixture").cases
}

fn letterboxed(height: u32, width: u32, rgb: &[u8]) -> (Letterbox, Vec<u8>) {
    let mut out = vec![0; Letterbox::VALUES];
    let letterbox = letterbox_rgb(RgbView { height, width, rgb }, &mut out).expect("a valid image");
    (letterbox, out)
}

#[test]
fn every_golden_case_is_equal_to_the_byte() {
    let cases = cases();
    assert_eq!(cases.len(), 38);
    for case in cases {
        let name = format!("{}x{} seed {}", case.h, case.w, case.seed);
        let source = synth_bgr(case.h as usize, case.w as usize, case.seed);
        assert_eq!(sha256(&source), case.src_sha256, "source of {name}");
        let (letterbox, rgb) = letterboxed(case.h, case.w, &swap_red_and_blue(&source));
        let bgr = swap_red_and_blue(&rgb);
        let Letterbox { top, bottom, left, right, .. } = letterbox;
        assert_eq!([top, bottom, left, right], case.pad_tblr, "padding of {name}");
        assert_eq!([letterbox.resized_height(), letterbox.resized_width()], case.resized_hw, "{name}");
        assert_eq!(samples(&bgr, case.seed), case.samples, "sampled bytes of {name}");
        assert_eq!(sha256(&bgr), case.out_sha256, "bytes of {name}");
    }
}

fn samples(bgr: &[u8], seed: u64) -> Vec<u8> {
    let generator = fnv1a64(&format!("pos:prep:{seed}"));
    (0..64).map(|index| bgr[(splitmix64(generator, index) % bgr.len() as u64) as usize]).collect()
}

#[test]
fn planes_are_the_bytes_divided_by_255() {
    let rgb = swap_red_and_blue(&synth_bgr(37, 100, 15));
    let (letterbox, bytes) = letterboxed(37, 100, &rgb);
    let mut planes = vec![f32::NAN; Letterbox::VALUES];
    let view = RgbView { height: 37, width: 100, rgb: &rgb };
    assert_eq!(letterbox_chw(view, &mut planes), Ok(letterbox));
    let plane = Letterbox::VALUES / 3;
    for (index, byte) in bytes.iter().enumerate() {
        let value = planes[index % 3 * plane + index / 3];
        assert_eq!(value.to_bits(), (f32::from(*byte) / 255.0).to_bits(), "value {index}");
    }
}

#[test]
fn a_used_buffer_leaves_no_trace() {
    let rgb = swap_red_and_blue(&synth_bgr(64, 48, 3));
    let (_, fresh) = letterboxed(64, 48, &rgb);
    let mut used = vec![7; Letterbox::VALUES];
    letterbox_rgb(RgbView { height: 64, width: 48, rgb: &rgb }, &mut used).expect("a valid image");
    assert_eq!(used, fresh);
}

#[test]
fn truncation_makes_some_long_sides_639() {
    for side in [77, 154, 303, 308, 319, 581, 606, 616, 623, 638] {
        let letterbox = Letterbox::of(side, side).expect("not empty");
        assert_eq!((letterbox.resized_height(), letterbox.bottom, letterbox.top), (639, 1, 0), "{side}");
    }
    for side in 1..=640 {
        let height = Letterbox::of(side, 1).map(|letterbox| letterbox.resized_height());
        assert!(matches!(height, Ok(639 | 640)), "{side}: {height:?}");
    }
}

#[test]
fn extremes_are_placed_or_refused() {
    assert_eq!(Letterbox::of(0, 5), Err(LetterboxError::Empty { height: 0, width: 5 }));
    assert_eq!(Letterbox::of(5, 0), Err(LetterboxError::Empty { height: 5, width: 0 }));
    assert_eq!(Letterbox::of(1, 641), Err(LetterboxError::TooThin { height: 1, width: 641 }));
    assert_eq!(Letterbox::of(u32::MAX, 1), Err(LetterboxError::TooThin { height: u32::MAX, width: 1 }));
    let thin = Letterbox::of(1, 640).expect("one row is left");
    assert_eq!((thin.top, thin.bottom, thin.resized_height()), (319, 320, 1));
    assert!(Letterbox::of(u32::MAX, u32::MAX).is_ok());
}

#[test]
fn one_pixel_and_very_large_images_are_letterboxed() {
    let (_, one) = letterboxed(1, 1, &[10, 20, 30]);
    assert!(one.chunks_exact(3).all(|pixel| pixel == [10, 20, 30]));
    let (_, large) = letterboxed(6400, 6400, &vec![77; 6400 * 6400 * 3]);
    assert!(large.iter().all(|&value| value == 77));
    let (letterbox, _) = letterboxed(20_000, 40, &vec![9; 20_000 * 40 * 3]);
    assert_eq!(letterbox.resized_width(), 1);
}

#[test]
fn sides_that_disagree_with_the_bytes_are_refused() {
    let mut out = vec![7; Letterbox::VALUES];
    let short = RgbView { height: 2, width: 2, rgb: &[0; 11] };
    let expected = LetterboxError::ByteCount { height: 2, width: 2, expected: 12, actual: 11 };
    assert_eq!(letterbox_rgb(short, &mut out), Err(expected));
    let huge = RgbView { height: 1 << 16, width: 1 << 16, rgb: &[] };
    assert_eq!(letterbox_rgb(huge, &mut out), Err(LetterboxError::TooLarge { height: 1 << 16, width: 1 << 16 }));
    assert!(out.iter().all(|&byte| byte == 7), "nothing is written of a refused image");
}

#[test]
fn an_output_of_the_wrong_length_is_refused() {
    let (pixel, refused) = (
        RgbView { height: 1, width: 1, rgb: &[0; 3] },
        LetterboxError::OutputLength { expected: Letterbox::VALUES, actual: 5 },
    );
    assert_eq!(letterbox_chw(pixel, &mut [0.0; 5]), Err(refused.clone()));
    assert_eq!(letterbox_rgb(pixel, &mut [0; 5]), Err(refused));
}
