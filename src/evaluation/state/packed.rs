//! Numbers in few bytes: LEB128, seven bits a byte, the lowest first.

/// Appends a number.
pub(super) fn push(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Takes what was pushed from the front; `None` where the bytes end or are none that `push` makes.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    pub(super) fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (value, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*value)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.bytes()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(super) fn small(&mut self) -> Option<u32> {
        self.number()?.try_into().ok()
    }

    /// A place above `last` and below `end`, as its distance from the first that it can be.
    pub(super) fn place_after(&mut self, last: Option<u32>, end: usize) -> Option<u32> {
        let first = last.map_or(0, |last| u64::from(last) + 1);
        let place = first.checked_add(self.number()?)?;
        (place < end as u64).then_some(place as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back() {
        let numbers = [0, 1, 127, 128, 300, 1 << 35, u64::MAX - 1, u64::MAX];
        let mut bytes = Vec::new();
        numbers.iter().for_each(|&number| push(&mut bytes, number));
        let mut reader = Reader(&bytes);
        assert!(numbers.iter().all(|&number| reader.number() == Some(number)));
        assert!(reader.0.is_empty() && reader.number().is_none());
    }

    #[test]
    fn too_large_a_number_is_none() {
        assert_eq!(Reader(&[0xff; 12]).number(), None);
        assert_eq!(Reader(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).number(), None);
        assert_eq!(Reader(&[0xff, 0xff, 0xff, 0xff, 0x7f]).small(), None);
    }

    #[test]
    fn a_place_is_within_its_bounds() {
        assert_eq!(Reader(&[2]).place_after(None, 3), Some(2));
        assert_eq!(Reader(&[2]).place_after(Some(0), 3), None);
        assert_eq!(Reader(&[0]).place_after(Some(1), 3), Some(2));
    }
}
