//! Which bytes of a block belong to a class, as one bit a byte.

/// Bytes of a block.
pub const BLOCK: usize = 32;

/// Marks the bytes other than `0` to `9`: bit `i` is byte `i`.
#[inline]
pub fn non_digits(block: &[u8; BLOCK]) -> u32 {
    halves(block, sixteen::non_digits)
}

/// Marks the bytes that end or interrupt plain ASCII text in quotes: `"`, `\`, control characters and
/// bytes of longer characters.
#[inline]
pub fn text_marks(block: &[u8; BLOCK]) -> u32 {
    halves(block, sixteen::text_marks)
}

/// Marks the bytes in which two blocks differ.
#[inline]
pub fn differences(one: &[u8; BLOCK], other: &[u8; BLOCK]) -> u32 {
    let (one, other) = (one.as_chunks::<16>().0, other.as_chunks::<16>().0);
    u32::from(sixteen::differences(&one[0], &other[0])) | u32::from(sixteen::differences(&one[1], &other[1])) << 16
}

#[inline]
fn halves(block: &[u8; BLOCK], marks: impl Fn(&[u8; 16]) -> u16) -> u32 {
    let halves = block.as_chunks::<16>().0;
    u32::from(marks(&halves[0])) | u32::from(marks(&halves[1])) << 16
}

#[cfg(target_arch = "x86_64")]
mod sixteen {
    use std::arch::x86_64::*;

    #[inline]
    pub fn non_digits(block: &[u8; 16]) -> u16 {
        // SAFETY: SSE2 belongs to every x86-64 processor; the load reads the block's sixteen bytes.
        unsafe {
            let values = _mm_sub_epi8(_mm_loadu_si128(block.as_ptr().cast()), _mm_set1_epi8(b'0' as i8));
            let digits = _mm_cmpeq_epi8(_mm_min_epu8(values, _mm_set1_epi8(9)), values);
            !_mm_movemask_epi8(digits) as u16
        }
    }

    #[inline]
    pub fn differences(one: &[u8; 16], other: &[u8; 16]) -> u16 {
        // SAFETY: SSE2 belongs to every x86-64 processor; the loads read the blocks' sixteen bytes.
        unsafe {
            let [one, other] = [one, other].map(|block| _mm_loadu_si128(block.as_ptr().cast()));
            !_mm_movemask_epi8(_mm_cmpeq_epi8(one, other)) as u16
        }
    }

    #[inline]
    pub fn text_marks(block: &[u8; 16]) -> u16 {
        // SAFETY: SSE2 belongs to every x86-64 processor; the load reads the block's sixteen bytes.
        unsafe {
            let bytes = _mm_loadu_si128(block.as_ptr().cast());
            let is = |byte: u8| _mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte as i8));
            // As signed numbers, bytes of longer characters are below the control characters.
            let control_or_long = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
            _mm_movemask_epi8(_mm_or_si128(control_or_long, _mm_or_si128(is(b'"'), is(b'\\')))) as u16
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod sixteen {
    #[inline]
    pub fn non_digits(block: &[u8; 16]) -> u16 {
        gather(block, |byte| !byte.is_ascii_digit())
    }

    #[inline]
    pub fn differences(one: &[u8; 16], other: &[u8; 16]) -> u16 {
        gather(&std::array::from_fn(|at| one[at] ^ other[at]), |byte| byte != 0)
    }

    #[inline]
    pub fn text_marks(block: &[u8; 16]) -> u16 {
        gather(block, |byte| (byte as i8) < 0x20 || byte == b'"' || byte == b'\\')
    }

    #[inline]
    fn gather(block: &[u8; 16], class: impl Fn(u8) -> bool) -> u16 {
        block.iter().rev().fold(0, |marks, &byte| marks << 1 | u16::from(class(byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks in which one byte of every value stands at every place among plain ones.
    fn with_every_byte(plain: u8, check: impl Fn(&[u8; BLOCK], usize, u8)) {
        for place in 0..BLOCK {
            for byte in 0..=255 {
                let mut block = [plain; BLOCK];
                block[place] = byte;
                check(&block, place, byte);
            }
        }
    }

    #[test]
    fn digits_are_told_from_the_rest() {
        with_every_byte(b'7', |block, place, byte| {
            assert_eq!(non_digits(block), u32::from(!byte.is_ascii_digit()) << place, "byte {byte} at {place}");
        });
    }

    #[test]
    fn text_is_marked_where_it_needs_a_look() {
        with_every_byte(b'x', |block, place, byte| {
            let is_marked = !(0x20..0x80).contains(&byte) || byte == b'"' || byte == b'\\';
            assert_eq!(text_marks(block), u32::from(is_marked) << place, "byte {byte} at {place}");
        });
    }

    #[test]
    fn blocks_differ_where_their_bytes_do() {
        with_every_byte(b'x', |block, place, byte| {
            let is_marked = u32::from(byte != b'x') << place;
            assert_eq!(differences(block, &[b'x'; BLOCK]), is_marked, "byte {byte} at {place}");
            assert_eq!(differences(&[b'x'; BLOCK], block), is_marked, "byte {byte} at {place}");
        });
    }

    #[test]
    fn neighbours_do_not_disturb_each_other() {
        let mut block = [b'"'; BLOCK];
        assert_eq!((non_digits(&block), text_marks(&block)), (u32::MAX, u32::MAX));
        block[8..24].fill(b'0');
        assert_eq!((non_digits(&block), text_marks(&block)), (0xff00_00ff, 0xff00_00ff));
    }
}
