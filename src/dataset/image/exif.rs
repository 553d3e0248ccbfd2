//! EXIF orientation: found as OpenCV finds it, and applied.

use crate::dataset::Image;

/// One of EXIF's eight orientations, by its number 1 to 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Orientation(u16);

const ORIENTATION_TAG: u16 = 0x0112;
const ENTRY_BYTES: usize = 12;

impl Orientation {
    /// Rows and columns as stored.
    pub(super) const UPRIGHT: Self = Self(1);

    /// Reads the orientation tag of a TIFF structure (EXIF less its `Exif\0\0`). Anything missing
    /// or malformed means upright, as does a number beyond 8.
    pub(super) fn of_tiff(tiff: &[u8]) -> Self {
        match orientation_entry(tiff) {
            Some(number @ 1..=8) => Self(number),
            _ => Self::UPRIGHT,
        }
    }

    /// Brings the image upright.
    pub(super) fn apply(self, image: Image) -> Image {
        let (height, width) = (image.height as usize, image.width as usize);
        let (last_row, last_column) = (height.wrapping_sub(1), width.wrapping_sub(1));
        // Each closure: the stored (row, column) that lands on upright (y, x).
        match self.0 {
            2 => gather(&image, false, |y, x| (y, last_column - x)),
            3 => gather(&image, false, |y, x| (last_row - y, last_column - x)),
            4 => gather(&image, false, |y, x| (last_row - y, x)),
            5 => gather(&image, true, |y, x| (x, y)),
            6 => gather(&image, true, |y, x| (last_row - x, y)),
            7 => gather(&image, true, |y, x| (last_row - x, last_column - y)),
            8 => gather(&image, true, |y, x| (x, last_column - y)),
            _ => image,
        }
    }
}

fn orientation_entry(tiff: &[u8]) -> Option<u16> {
    let order = match tiff.get(..2)? {
        b"II" => u16::from_le_bytes,
        b"MM" => u16::from_be_bytes,
        _ => return None,
    };
    let word = |at: usize| Some(order([*tiff.get(at)?, *tiff.get(at.checked_add(1)?)?]));
    let double_word = |at: usize| {
        let (first, second) = (u32::from(word(at)?), u32::from(word(at.checked_add(2)?)?));
        let little = tiff[0] == b'I';
        Some(if little { second << 16 | first } else { first << 16 | second })
    };
    if word(2)? != 42 {
        return None;
    }
    let directory = double_word(4)? as usize;
    let entries = word(directory)? as usize;
    let first = directory.checked_add(2)?;
    for at in (first..).step_by(ENTRY_BYTES).take(entries) {
        if word(at)? == ORIENTATION_TAG {
            return word(at.checked_add(8)?);
        }
    }
    None
}

fn gather(image: &Image, swap_sides: bool, source: impl Fn(usize, usize) -> (usize, usize)) -> Image {
    let (height, width) = if swap_sides { (image.width, image.height) } else { (image.height, image.width) };
    let stored_width = image.width as usize;
    let mut rgb = Vec::with_capacity(image.rgb.len());
    for y in 0..height as usize {
        for x in 0..width as usize {
            let (row, column) = source(y, x);
            let pixel = (row * stored_width + column) * 3;
            rgb.extend_from_slice(&image.rgb[pixel..pixel + 3]);
        }
    }
    Image { height, width, rgb }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A TIFF header and one directory entry.
    fn tiff(little: bool, tag: u16, value: u16) -> Vec<u8> {
        let word = |value: u16| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let double_word = |value: u32| if little { value.to_le_bytes() } else { value.to_be_bytes() };
        let mut bytes = if little { b"II".to_vec() } else { b"MM".to_vec() };
        bytes.extend(word(42));
        bytes.extend(double_word(8));
        bytes.extend(word(1));
        bytes.extend(word(tag));
        bytes.extend(word(3));
        bytes.extend(double_word(1));
        bytes.extend(word(value));
        bytes.extend(word(0));
        bytes
    }

    #[test]
    fn both_byte_orders_are_read() {
        for number in 1..=8 {
            for little in [false, true] {
                assert_eq!(Orientation::of_tiff(&tiff(little, ORIENTATION_TAG, number)), Orientation(number));
            }
        }
    }

    #[test]
    fn malformed_structures_mean_upright() {
        let good = tiff(true, ORIENTATION_TAG, 6);
        for length in 0..good.len() - 2 {
            assert_eq!(Orientation::of_tiff(&good[..length]), Orientation::UPRIGHT, "cut at {length}");
        }
        for bad in [tiff(true, ORIENTATION_TAG, 0), tiff(true, ORIENTATION_TAG, 9), tiff(true, 0x0111, 6)] {
            assert_eq!(Orientation::of_tiff(&bad), Orientation::UPRIGHT);
        }
        let mut far = good.clone();
        far[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Orientation::of_tiff(&far), Orientation::UPRIGHT);
    }

    /// The letters of `AB / CD / EF` after each orientation.
    #[test]
    fn the_eight_orientations() {
        let stored = Image { height: 3, width: 2, rgb: b"ABCDEF".iter().flat_map(|&letter| [letter; 3]).collect() };
        let table = [
            (1, 3, "ABCDEF"),
            (2, 3, "BADCFE"),
            (3, 3, "FEDCBA"),
            (4, 3, "EFCDAB"),
            (5, 2, "ACEBDF"),
            (6, 2, "ECAFDB"),
            (7, 2, "FDBECA"),
            (8, 2, "BDFACE"),
        ];
        for (number, height, letters) in table {
            let upright = Orientation(number).apply(stored.clone());
            assert_eq!((upright.height, upright.width), (height, 6 / height));
            assert!(upright.rgb.iter().step_by(3).eq(letters.as_bytes()), "orientation {number}");
        }
    }
}
