//! Token sequences as a tree of their prefixes.
//!
//! Under a causal mask a token's hidden state follows from the tokens up to it alone. Sequences that begin
//! alike therefore share the states of what they share: the begin mark at least, which for short prompts is
//! a quarter of all tokens. Nothing after a sequence's end mark exists.

use crate::kernels::Seen;

/// Some sequences, every prefix of them once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Prefixes {
    /// Token and position of each prefix's last token; a prefix comes after all of its own prefixes.
    pub tokens: Vec<(u32, usize)>,
    /// For each prefix itself and those it continues, the shortest first.
    pub seen: Seen,
    /// For each sequence the prefix that it is.
    pub ends: Vec<u32>,
}

impl Prefixes {
    /// Of sequences in ascending order, as many of the first as have at most `limit` prefixes together, and
    /// at least one.
    pub fn of_first(sequences: &[&[u32]], limit: usize) -> Self {
        let mut prefixes = Self { tokens: Vec::new(), seen: Seen::default(), ends: Vec::new() };
        let (mut before, mut path): (&[u32], Vec<u32>) = (&[], Vec::new());
        for &sequence in sequences {
            let shared = before.iter().zip(sequence).take_while(|(a, b)| a == b).count();
            if !path.is_empty() && prefixes.tokens.len() + sequence.len() - shared > limit {
                break;
            }
            path.truncate(shared);
            prefixes.extend(&mut path, sequence);
            before = sequence;
        }
        prefixes
    }

    /// Adds the prefixes of a sequence that are longer than a path of those it begins with.
    fn extend(&mut self, path: &mut Vec<u32>, sequence: &[u32]) {
        for (position, &token) in sequence.iter().enumerate().skip(path.len()) {
            path.push(self.tokens.len() as u32);
            self.tokens.push((token, position));
            self.seen.push(path.iter().copied());
        }
        self.ends.extend(path.last());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEQUENCES: [&[u32]; 4] = [&[1, 5, 9], &[1, 5, 7, 9], &[1, 6, 9], &[2, 9]];

    #[test]
    fn what_sequences_begin_with_is_there_once() {
        let prefixes = Prefixes::of_first(&SEQUENCES, 100);
        let tokens = [(1, 0), (5, 1), (9, 2), (7, 2), (9, 3), (6, 1), (9, 2), (2, 0), (9, 1)];
        assert_eq!(prefixes.tokens, tokens);
        assert_eq!(prefixes.ends, [2, 4, 6, 8]);
        assert_eq!(prefixes.seen.of(4), [0, 1, 3, 4]);
        assert_eq!(prefixes.seen.of(8), [7, 8]);
    }

    #[test]
    fn as_many_sequences_are_taken_as_the_limit_allows() {
        let taken = |limit| Prefixes::of_first(&SEQUENCES, limit).ends.len();
        assert_eq!([1, 3, 5, 6, 7, 9].map(taken), [1, 1, 2, 2, 3, 4]);
        let second = Prefixes::of_first(&SEQUENCES[1..], 4);
        assert_eq!(second.ends, [3], "a later batch begins anew");
    }
}
