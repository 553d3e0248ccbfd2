//! Seeded random numbers: the same draws on every machine.

/// Output `index` of splitmix64 (Steele, Lea, Flood 2014) started at `seed`.
pub(super) fn splitmix64(seed: u64, index: u64) -> u64 {
    let state = seed.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// FNV-1a of a text, to give each name a stream of its own.
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// A stream of draws.
#[derive(Debug, Clone)]
pub(super) struct Draws {
    seed: u64,
    index: u64,
}

impl Draws {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed, index: 0 }
    }

    /// A number in 0..`count`, by multiplication: its bias of `count` / 2^64 is nothing here.
    pub(super) fn below(&mut self, count: usize) -> usize {
        let word = splitmix64(self.seed, self.index);
        self.index += 1;
        ((u128::from(word) * count as u128) >> 64) as usize
    }

    /// Puts `items` in random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_those_of_the_seed_and_in_range() {
        // The first output of the reference implementation for seed 0.
        assert_eq!(splitmix64(0, 0), 0xe220_a839_7b1d_cdaf);
        let draw = |seed| {
            let mut draws = Draws::new(seed);
            (0..1000).map(|_| draws.below(7)).collect::<Vec<_>>()
        };
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
        let seen: std::collections::BTreeSet<_> = draw(3).into_iter().collect();
        assert_eq!(seen, (0..7).collect());
    }

    #[test]
    fn a_shuffle_keeps_every_item() {
        let mut items: Vec<_> = (0..50).collect();
        Draws::new(1).shuffle(&mut items);
        assert_ne!(items, (0..50).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
    }
}
