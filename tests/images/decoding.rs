//! JPEG and PNG decoding, against OpenCV 4.9's bytes, and what is refused.

use crate::common::fixture;
use crate::sha256;
use proptest::prelude::*;
use serde::Deserialize;
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Once;
use zoobench::dataset::{decode_image, Image, ImageError};

/// One file, and SHA-256 of the RGB bytes that OpenCV decodes it to.
#[derive(Deserialize)]
struct Golden {
    file: String,
    h: u32,
    w: u32,
    rgb_sha256: String,
}

const PHOTO: &str = "(candle) candle-examples/examples/yolo-v8/assets/bike.jpg";

fn goldens(list: &str) -> Vec<Golden> {
    let text = std::fs::read_to_string(fixture("images").join(list)).expect("fixture");
    serde_json::from_str(&text).expect("fixture")
}

fn bytes_of(path: &str) -> Vec<u8> {
    std::fs::read(fixture("images").join(path)).expect("fixture")
}

fn check(golden: &Golden, bytes: &[u8]) {
    let image = decode_image(&golden.file, bytes).expect("a valid image");
    assert_eq!((image.height, image.width), (golden.h, golden.w), "{}", golden.file);
    assert_eq!(sha256(&image.rgb), golden.rgb_sha256, "{}", golden.file);
}

#[test]
fn every_golden_jpeg_is_equal_to_the_byte() {
    let goldens: Vec<Golden> = goldens("jpeg/jpeg.json").into_iter().filter(|golden| golden.file != PHOTO).collect();
    assert_eq!(goldens.len(), 16);
    for golden in goldens {
        check(&golden, &bytes_of(&format!("jpeg/{}", golden.file)));
    }
}

#[test]
fn the_photo_is_equal_to_the_byte() {
    let Some(path) = std::env::var_os("ZOOBENCH_PHOTO").map(PathBuf::from) else {
        eprintln!("skipped: ZOOBENCH_PHOTO does not name candle's bike.jpg");
        return;
    };
    let golden = goldens("jpeg/jpeg.json").into_iter().find(|golden| golden.file == PHOTO).expect("fixture");
    check(&golden, &std::fs::read(path).expect("the photo"));
}

#[test]
fn every_golden_png_is_equal_to_the_byte() {
    let goldens = goldens("png/png.json");
    assert_eq!(goldens.len(), 29);
    for golden in goldens {
        check(&golden, &bytes_of(&format!("png/{}", golden.file)));
    }
}

/// A JPEG with an APP1 segment put in front.
fn with_app1(jpeg: &[u8], data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, data, &jpeg[2..]].concat()
}

fn exif(orientation: u8) -> Vec<u8> {
    let entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
    [b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01".as_slice(), &entry, &[0; 4]].concat()
}

#[test]
fn the_eight_exif_orientations_are_applied() {
    let stored = bytes_of("jpeg/420_q30_odd.jpg");
    let upright = decode_image("stored", &stored).expect("a valid image");
    for orientation in 0..=9 {
        let turned = decode_image("turned", &with_app1(&stored, &exif(orientation))).expect("a valid image");
        assert_eq!(turned, oriented(&upright, orientation), "orientation {orientation}");
    }
}

/// What EXIF's definition says: where row 0 and column 0 of the stored image are seen.
fn oriented(stored: &Image, orientation: u8) -> Image {
    let (height, width) = (stored.height as usize, stored.width as usize);
    let swap = (5..=8).contains(&orientation);
    let (rows, columns) = if swap { (width, height) } else { (height, width) };
    let mut rgb = vec![0; stored.rgb.len()];
    for row in 0..height {
        for column in 0..width {
            let (far_row, far_column) = (height - 1 - row, width - 1 - column);
            let (y, x) = match orientation {
                2 => (row, far_column),
                3 => (far_row, far_column),
                4 => (far_row, column),
                5 => (column, row),
                6 => (column, far_row),
                7 => (far_column, far_row),
                8 => (far_column, row),
                _ => (row, column),
            };
            let (from, to) = ((row * width + column) * 3, (y * columns + x) * 3);
            rgb[to..to + 3].copy_from_slice(&stored.rgb[from..from + 3]);
        }
    }
    Image { height: rows as u32, width: columns as u32, rgb }
}

#[test]
fn only_the_first_app1_segment_counts() {
    let stored = bytes_of("jpeg/420_q30_odd.jpg");
    let upright = decode_image("stored", &stored).expect("a valid image");
    let xmp_first = with_app1(&with_app1(&stored, &exif(6)), b"http://ns.adobe.com/xap/1.0/\0<x/>");
    assert_eq!(decode_image("xmp first", &xmp_first).expect("a valid image"), upright);
}

/// A file cut short gives an error or, where only its end marker is lost, the whole image: never
/// invented pixels.
#[test]
fn files_that_end_early_are_refused_wherever_they_end() {
    for path in ["jpeg/420_prog.jpg", "jpeg/440_rst.jpg", "jpeg/gray.jpg", "png/rgb8.png", "png/grey4_interlaced.png"] {
        let bytes = bytes_of(path);
        let whole = decode_image(path, &bytes).expect("a valid image");
        let mut forgiven = 0;
        for length in 0..bytes.len() {
            if let Ok(image) = decode_image(path, &bytes[..length]) {
                assert_eq!(image, whole, "{path} cut to {length} bytes");
                forgiven += 1;
            }
        }
        assert!(forgiven <= 16, "{path}: {forgiven} lengths are forgiven");
    }
}

#[test]
fn truncated_files_are_named() {
    let jpeg = bytes_of("jpeg/444_q95.jpg");
    let error = decode_image("val2017/1.jpg", &jpeg[..jpeg.len() / 2]).expect_err("truncated");
    assert!(matches!(error, ImageError::JpegDamaged { .. }), "{error:?}");
    assert_eq!(error.to_string(), "val2017/1.jpg: the JPEG data end early or are damaged; get the file again");
    let png = bytes_of("png/rgb8.png");
    let error = decode_image("val2017/1.png", &png[..png.len() / 2]).expect_err("truncated");
    assert!(error.to_string().starts_with("val2017/1.png: not a valid PNG: "), "{error}");
}

#[test]
fn a_lost_end_marker_is_forgiven_to_a_single_scan_only() {
    let single = bytes_of("jpeg/444_q95.jpg");
    assert!(decode_image("single", &single[..single.len() - 2]).is_ok());
    assert!(decode_image("trailing", &[single.as_slice(), b"trailing bytes"].concat()).is_ok());
    let progressive = bytes_of("jpeg/420_prog.jpg");
    assert!(decode_image("progressive", &progressive[..progressive.len() - 2]).is_err());
}

#[test]
fn damage_in_the_middle_is_refused() {
    let mut bytes = bytes_of("jpeg/444_q95.jpg");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 2].copy_from_slice(&[0xff, 0xd9]);
    assert!(matches!(decode_image("damaged", &bytes), Err(ImageError::JpegDamaged { .. })));
}

#[test]
fn libjpegs_reason_is_told() {
    let reason = |bytes: &[u8]| decode_image("1.jpg", bytes).expect_err("invalid").to_string();
    assert_eq!(reason(&[0xff, 0xd8, 0xff, 0xd9]), "1.jpg: not a valid JPEG: no image in the JPEG file");
    assert_eq!(
        reason(&bytes_of("jpeg/444_q95.jpg")[..300]),
        "1.jpg: not a valid JPEG: Invalid JPEG file structure: missing SOS marker"
    );
}

#[test]
fn other_formats_are_refused() {
    for bytes in [b"".as_slice(), b"GIF89a", b"\xff\xd8", b"BM....", b"<html>not found</html>"] {
        let error = decode_image("1.jpg", bytes).expect_err("no image");
        assert_eq!(error.to_string(), format!("1.jpg: neither a JPEG nor a PNG file ({} bytes)", bytes.len()));
    }
}

/// The fixture with other sides in its frame header.
fn jpeg_declaring(height: u16, width: u16) -> Vec<u8> {
    let mut bytes = bytes_of("jpeg/444_q95.jpg");
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).expect("a frame header");
    bytes[frame + 5..frame + 7].copy_from_slice(&height.to_be_bytes());
    bytes[frame + 7..frame + 9].copy_from_slice(&width.to_be_bytes());
    bytes
}

/// The fixture with other sides in its header, and the header's checksum set right.
fn png_declaring(height: u32, width: u32) -> Vec<u8> {
    let mut bytes = bytes_of("png/rgb8.png");
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    let mut checksum = flate2::Crc::new();
    checksum.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    bytes
}

#[test]
fn headers_that_declare_too_much_are_refused_before_allocating() {
    for bytes in [jpeg_declaring(65_500, 65_500), png_declaring(1 << 31, 1 << 31), png_declaring(10_001, 10_000)] {
        assert!(matches!(decode_image("forged", &bytes), Err(ImageError::TooManyPixels { .. })));
    }
    for bytes in [jpeg_declaring(9_000, 9_000), png_declaring(9_000, 9_000)] {
        let error = decode_image("forged", &bytes).expect_err("too few bytes");
        assert!(error.to_string().contains("declares 9000x9000 pixels"), "{error}");
    }
    assert!(matches!(decode_image("tall", &jpeg_declaring(130, 160)), Err(ImageError::JpegDamaged { .. })));
    assert!(decode_image("flat", &png_declaring(0, 5)).is_err());
}

/// 2000x2000 pixels of one bit fit the fixture's bytes, of 24 bits they do not.
#[test]
fn what_bytes_can_hold_depends_on_the_bits_of_a_pixel() {
    let rgb = png_declaring(2_000, 2_000);
    assert!(matches!(decode_image("forged", &rgb), Err(ImageError::TooFewBytes { .. })));
    let mut bilevel = rgb;
    bilevel[24..26].copy_from_slice(&[1, 0]);
    assert!(matches!(decode_image("forged", &bilevel), Err(ImageError::Png { .. })));
}

#[test]
fn a_bomb_of_scans_is_refused() {
    let jpeg = bytes_of("jpeg/420_prog.jpg");
    let bomb = [&jpeg[..jpeg.len() - 2], &[0xff, 0xda, 0, 2].repeat(200)].concat();
    let error = decode_image("bomb", &bomb).expect_err("too many scans");
    assert!(matches!(error, ImageError::TooManyScans { limit: 100, .. }), "{error:?}");
}

thread_local! {
    /// Panics of this thread that reached the hook, that is, those that print.
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

fn count_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            PANICS.set(PANICS.get() + 1);
            hook(panic);
        }));
    });
}

#[test]
fn errors_do_not_pass_through_the_panic_hook() {
    count_panics();
    let jpeg = bytes_of("jpeg/444_q95.jpg");
    assert!(decode_image("cut in its header", &jpeg[..300]).is_err());
    assert_eq!(PANICS.get(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(ProptestConfig::default().cases.max(400)) })]

    /// Damaged files are decoded or refused, in silence, and what is decoded is whole.
    #[test]
    fn damaged_files_never_panic(
        path in prop::sample::select(vec![
            "jpeg/420_prog.jpg", "jpeg/440_rst.jpg", "jpeg/cmyk.jpg", "jpeg/exif6.jpg", "jpeg/gray.jpg",
            "png/palette8_transparent.png", "png/rgba16_interlaced.png", "png/rgb8_exif6.png",
        ]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        count_panics();
        let mut bytes = bytes_of(path);
        for (index, value) in damage {
            let place = index.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(image) = decode_image(path, &bytes) {
            prop_assert_eq!(image.rgb.len() as u64, u64::from(image.height) * u64::from(image.width) * 3);
        }
        prop_assert_eq!(PANICS.get(), 0);
    }
}
