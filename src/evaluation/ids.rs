//! From the ids of a file to dense positions.

/// A table is used where it is at most this many times longer than the list of ids.
const MAX_SPARSENESS: u64 = 64;

/// Marks an id that is not in the list.
const ABSENT: u32 = u32::MAX;

/// Distinct ids in ascending order, the last record of each, and the way back from id to position.
pub(super) struct IdIndex {
    ids: Vec<i64>,
    records: Vec<u32>,
    /// Position of `ids[0] + i` at `i`; empty where the ids are too far apart.
    table: Vec<u32>,
}

impl IdIndex {
    /// Of several records with the same id the last one counts, as in a Python dict.
    pub(super) fn new(ids: impl Iterator<Item = i64>) -> Self {
        let mut last: Vec<(i64, u32)> = ids.zip(0u32..).collect();
        last.sort_unstable_by_key(|&(id, record)| (id, std::cmp::Reverse(record)));
        last.dedup_by_key(|&mut (id, _)| id);
        let (ids, records): (Vec<i64>, Vec<u32>) = last.into_iter().unzip();
        let table = position_table(&ids);
        Self { ids, records, table }
    }

    /// The ids in ascending order.
    pub(super) fn ids(&self) -> &[i64] {
        &self.ids
    }

    /// Index of the last record with the id at `position`.
    pub(super) fn record(&self, position: usize) -> usize {
        self.records[position] as usize
    }

    /// Position of `id` in [`IdIndex::ids`].
    #[inline]
    pub(super) fn position(&self, id: i64) -> Option<u32> {
        if self.table.is_empty() {
            return self.ids.binary_search(&id).ok().map(|position| position as u32);
        }
        let offset = usize::try_from(id.checked_sub(self.ids[0])?).ok()?;
        self.table.get(offset).copied().filter(|&position| position != ABSENT)
    }
}

fn position_table(ids: &[i64]) -> Vec<u32> {
    let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Vec::new() };
    let span = last.abs_diff(*first);
    if span >= MAX_SPARSENESS * ids.len() as u64 {
        return Vec::new();
    }
    let mut table = vec![ABSENT; span as usize + 1];
    for (&id, position) in ids.iter().zip(0u32..) {
        table[id.abs_diff(*first) as usize] = position;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_record_wins() {
        let index = IdIndex::new([5, 3, 5, 4].into_iter());
        assert_eq!(index.ids(), [3, 4, 5]);
        assert_eq!(index.record(2), 2);
    }

    #[test]
    fn positions_are_found_with_and_without_a_table() {
        for ids in [vec![-2, 0, 7], vec![i64::MIN, 0, i64::MAX], vec![0, 1 << 40], vec![9], vec![]] {
            let index = IdIndex::new(ids.iter().copied());
            for (position, &id) in ids.iter().enumerate() {
                assert_eq!(index.position(id), Some(position as u32));
            }
            for id in [i64::MIN + 1, -3, 1, 8, 10, i64::MAX - 1] {
                assert_eq!(index.position(id), None, "{id} in {ids:?}");
            }
        }
    }

    #[test]
    fn far_ids_ask_for_no_table() {
        assert!(IdIndex::new([0, 1 << 40].into_iter()).table.is_empty());
        assert!(!IdIndex::new([1, 2, 3].into_iter()).table.is_empty());
    }
}
