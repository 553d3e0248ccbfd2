//! COCO's compressed run-length strings: every count, from the fourth on as its difference to the
//! count before the last, in groups of five bits from the lowest, one character a group.

use std::fmt;

use super::rle::pixel_count;
use super::{MaskError, Rle};

/// First character of the alphabet; a character's distance to it is its six-bit value.
const FIRST_CHARACTER: u8 = b'0';
/// Set when another group follows.
const MORE: u8 = 0x20;
/// The five bits a group carries.
const PAYLOAD: u8 = 0x1f;
/// The sign, in a count's last group.
const SIGN: u8 = 0x10;
/// A count of at most this many bits before its last group fits 32 bits and its sign.
const SOUND_SHIFT: u32 = 25;
/// Groups of five bits in a 64-bit count.
const MAX_GROUPS: usize = 13;

impl Rle {
    /// A mask from COCO's compressed string.
    ///
    /// # Errors
    /// A [`MaskError`] for anything that is not the string of a mask of exactly this size: a
    /// character outside `'0'..='o'`, a count of more than 13 characters or cut short, a negative
    /// run, or runs that do not sum to `height * width`.
    pub fn from_string(height: u32, width: u32, text: &[u8]) -> Result<Self, MaskError> {
        Self::from_string_in(height, width, text, Vec::new())
    }

    /// [`Rle::from_string`] into memory that is already there.
    ///
    /// # Errors
    /// As [`Rle::from_string`].
    pub fn from_string_in(height: u32, width: u32, text: &[u8], mut counts: Vec<u32>) -> Result<Self, MaskError> {
        decode(height, width, text, &mut counts)?;
        Ok(Self::from_exact(height, width, counts))
    }
}

/// COCO's compressed string, character for character what pycocotools writes.
impl fmt::Display for Rle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        for (index, &run) in counts.iter().enumerate() {
            let base = if index > 2 { counts[index - 2] } else { 0 };
            write_count(f, i64::from(run) - i64::from(base))?;
        }
        Ok(())
    }
}

fn write_count(f: &mut fmt::Formatter<'_>, mut count: i64) -> fmt::Result {
    use fmt::Write;
    loop {
        let payload = (count & i64::from(PAYLOAD)) as u8;
        count >>= 5;
        let last = count == if payload & SIGN != 0 { -1 } else { 0 };
        let value = if last { payload } else { payload + MORE };
        f.write_char(char::from(FIRST_CHARACTER + value))?;
        if last {
            return Ok(());
        }
    }
}

fn decode(height: u32, width: u32, text: &[u8], counts: &mut Vec<u32>) -> Result<(), MaskError> {
    let pixels = pixel_count(height, width)?;
    counts.clear();
    counts.reserve(text.len());
    if decode_sound(pixels, text, counts).is_some() {
        return Ok(());
    }
    counts.clear();
    let (mut at, mut covered) = (0, 0u64);
    while at < text.len() {
        let (value, next) = read_count(text, at)?;
        let run = run_length(value, counts)?;
        covered += u64::from(run);
        if covered > u64::from(pixels) {
            return Err(MaskError::Coverage { covered, height, width });
        }
        counts.push(run);
        if counts.len() > pixels as usize + 1 {
            return Err(MaskError::TooManyRuns { runs: counts.len(), pixels });
        }
        at = next;
    }
    if covered != u64::from(pixels) {
        return Err(MaskError::Coverage { covered, height, width });
    }
    Ok(())
}

/// Decodes a string in which nothing is wrong; what is wrong with any other is for [`decode`] to say.
fn decode_sound(pixels: u32, text: &[u8], counts: &mut Vec<u32>) -> Option<()> {
    let (mut value, mut shift) = (0i32, 0);
    // The last run and the one before it, to which the next one is given as a difference.
    let (mut last, mut base) = (0, 0);
    let mut left = pixels as i32;
    for &byte in text {
        let bits = byte.wrapping_sub(FIRST_CHARACTER);
        if bits >= 2 * MORE || shift > SOUND_SHIFT {
            return None;
        }
        value |= i32::from(bits & PAYLOAD) << shift;
        shift += 5;
        if bits & MORE != 0 {
            continue;
        }
        // Repeats the sign bit upwards.
        let difference = value << (32 - shift) >> (32 - shift);
        let run = difference + if counts.len() > 2 { base } else { 0 };
        if run < 0 || run > left {
            return None;
        }
        left -= run;
        counts.push(run as u32);
        (base, last) = (last, run);
        (value, shift) = (0, 0);
    }
    let is_whole = left == 0 && shift == 0 && counts.len() <= pixels as usize + 1;
    is_whole.then_some(())
}

/// The next run, from its stored value and the runs before it.
fn run_length(value: i64, counts: &[u32]) -> Result<u32, MaskError> {
    let index = counts.len();
    let base = if index > 2 { counts[index - 2] } else { 0 };
    let length = value.saturating_add(i64::from(base));
    if length < 0 {
        return Err(MaskError::NegativeRun { index, length });
    }
    // A longer run is refused by the coverage check, which a saturated one cannot pass either.
    Ok(u32::try_from(length).unwrap_or(u32::MAX))
}

/// The count that starts at `at`, and where the next one starts.
fn read_count(text: &[u8], at: usize) -> Result<(i64, usize), MaskError> {
    let mut value = 0i64;
    for (group, &byte) in text[at..].iter().enumerate() {
        let bits = byte.wrapping_sub(FIRST_CHARACTER);
        if bits >= 2 * MORE {
            return Err(MaskError::Character { offset: at + group, byte });
        }
        if group + 1 >= MAX_GROUPS && !fits_last_group(bits) {
            return Err(MaskError::CountTooLong { offset: at });
        }
        value |= i64::from(bits & PAYLOAD) << (5 * group);
        if bits & MORE == 0 {
            if bits & SIGN != 0 && group + 1 < MAX_GROUPS {
                value |= -1 << (5 * (group + 1));
            }
            return Ok((value, at + group + 1));
        }
    }
    Err(MaskError::Truncated { offset: at })
}

/// Whether a thirteenth group ends the count and leaves it within 64 bits: bit 64 must repeat bit 63.
fn fits_last_group(bits: u8) -> bool {
    bits & MORE == 0 && (bits & SIGN != 0) == (bits & (SIGN >> 1) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(height: u32, width: u32, text: &[u8]) -> MaskError {
        Rle::from_string(height, width, text).unwrap_err()
    }

    #[test]
    fn known_string_decodes() {
        // pycocotools: encode of a 4 x 4 mask whose inner 2 x 2 pixels are set.
        let mask = Rle::from_string(4, 4, b"52203").unwrap();
        assert_eq!(mask.counts(), [5, 2, 2, 2, 5]);
        assert_eq!(mask.to_string(), "52203");
    }

    /// What the quick way makes of a string, if it takes it.
    fn quickly(pixels: u32, text: &str) -> Option<Vec<u32>> {
        let mut counts = Vec::new();
        decode_sound(pixels, text.as_bytes(), &mut counts).map(|()| counts)
    }

    #[test]
    fn what_is_written_is_read_the_quick_way() {
        let masks: [(u32, &[u32]); 9] = [
            (4, &[4]),
            (4, &[0, 4]),
            (1, &[0, 1]),
            (3, &[0, 1, 1, 1]),
            (16, &[5, 2, 2, 2, 5]),
            // Differences of both signs, of one group to six, and runs that are empty.
            (5000, &[0, 1, 0, 31, 32, 15, 16, 1000, 3000, 4, 901]),
            (2100, &[1, 1000, 17, 2, 1080]),
            (1 << 28, &[1 << 27, 1, 3, (1 << 27) - 4]),
            (1 << 28, &[0, 1 << 28]),
        ];
        for (pixels, counts) in masks {
            let text = Rle::from_counts(1, pixels, counts.to_vec()).unwrap().to_string();
            assert_eq!(quickly(pixels, &text).as_deref(), Some(counts), "{text}");
        }
        let counts: Vec<u32> = (1..400u32).map(|place| place.wrapping_mul(2_654_435_761) >> 18).collect();
        let pixels = counts.iter().sum();
        let text = Rle::from_counts(1, pixels, counts.to_vec()).unwrap().to_string();
        assert_eq!(quickly(pixels, &text).as_deref(), Some(&counts[..]));
    }

    #[test]
    fn what_is_wrong_is_not_read_the_quick_way() {
        for (pixels, text) in
            [(4, "5"), (4, "3"), (4, "4P"), (4, "O"), (8, "121M"), (2, "0000"), (0, "00"), (4, "/"), (4, "p")]
        {
            assert_eq!(quickly(pixels, text), None, "{text}");
        }
    }

    #[test]
    fn characters_outside_the_alphabet_are_refused() {
        for byte in [0u8, b'/', b'p', 0x7f, 0xff, b' '] {
            assert_eq!(refusal(2, 2, &[byte]), MaskError::Character { offset: 0, byte });
        }
    }

    #[test]
    fn count_cut_short_is_refused() {
        assert_eq!(refusal(2, 2, b"4P"), MaskError::Truncated { offset: 1 });
    }

    #[test]
    fn count_of_more_than_thirteen_groups_is_refused() {
        let mut text = [b'P'; 20];
        assert_eq!(refusal(2, 2, &text), MaskError::CountTooLong { offset: 0 });
        text[13] = b'0';
        assert_eq!(refusal(2, 2, &text[..14]), MaskError::CountTooLong { offset: 0 });
    }

    #[test]
    fn count_padded_to_thirteen_groups_is_read() {
        let mut text = [b'P'; 13];
        (text[0], text[12]) = (b'T', b'0');
        assert_eq!(Rle::from_string(2, 2, &text).unwrap().counts(), [4]);
        text[12] = b'8';
        assert_eq!(refusal(2, 2, &text), MaskError::CountTooLong { offset: 0 });
    }

    #[test]
    fn run_beyond_32_bits_is_not_wrapped() {
        // 2^32 + 4, which a cast to 32 bits turns into the right answer.
        assert!(matches!(refusal(2, 2, b"TPPPPP4"), MaskError::Coverage { .. }));
    }

    #[test]
    fn negative_run_is_refused() {
        assert_eq!(refusal(2, 2, b"O"), MaskError::NegativeRun { index: 0, length: -1 });
        assert_eq!(refusal(2, 4, b"121M"), MaskError::NegativeRun { index: 3, length: -1 });
    }

    #[test]
    fn runs_must_sum_to_the_size() {
        assert!(matches!(refusal(100, 100, b"1"), MaskError::Coverage { covered: 1, .. }));
        assert!(matches!(refusal(2, 2, b""), MaskError::Coverage { covered: 0, .. }));
        assert!(matches!(refusal(2, 2, b"5"), MaskError::Coverage { covered: 5, .. }));
    }

    #[test]
    fn endless_empty_runs_are_refused() {
        assert_eq!(refusal(1, 2, b"0000"), MaskError::TooManyRuns { runs: 4, pixels: 2 });
    }

    #[test]
    fn hostile_size_is_refused_before_reading() {
        assert!(matches!(refusal(u32::MAX, u32::MAX, b"0"), MaskError::TooLarge { .. }));
    }
}
