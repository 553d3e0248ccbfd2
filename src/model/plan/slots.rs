//! Which memory a buffer gets, and when: buffers that are not needed at the same time share it.

use crate::kernels::MapsShape;

/// Maps that live from one node to another.
pub(super) struct Buffer {
    /// The node whose value it is.
    pub root: usize,
    /// Its sizes.
    pub shape: MapsShape,
    /// The first node that writes into it.
    pub born: usize,
    /// The last node that needs it.
    pub dies: usize,
}

/// A piece of memory.
struct Slot {
    values: usize,
    free_after: usize,
}

/// Gives each buffer a slot, in the order in which they are born: the smallest free one that is
/// large enough, else the largest free one, which grows, else a new one. Returns the slots of the
/// buffers in their order, and how many slots there are.
pub(super) fn assign(buffers: &[Buffer]) -> (Vec<usize>, usize) {
    let mut slots: Vec<Slot> = Vec::new();
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|&buffer| buffers[buffer].born);
    let mut assigned = vec![0; buffers.len()];
    for index in order {
        let buffer = &buffers[index];
        let slot = find(&slots, buffer).unwrap_or_else(|| {
            slots.push(Slot { values: 0, free_after: 0 });
            slots.len() - 1
        });
        slots[slot] = Slot { values: slots[slot].values.max(buffer.shape.values()), free_after: buffer.dies };
        assigned[index] = slot;
    }
    (assigned, slots.len())
}

fn find(slots: &[Slot], buffer: &Buffer) -> Option<usize> {
    let free = || (0..slots.len()).filter(|&slot| slots[slot].free_after < buffer.born);
    let large_enough = free().filter(|&slot| slots[slot].values >= buffer.shape.values());
    large_enough.min_by_key(|&slot| slots[slot].values).or_else(|| free().max_by_key(|&slot| slots[slot].values))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buffer(blocks: usize, born: usize, dies: usize) -> Buffer {
        let shape = MapsShape { blocks, height: 4, width: 4, border: 1 };
        Buffer { root: born, shape, born, dies }
    }

    #[test]
    fn buffers_that_live_at_the_same_time_share_no_memory() {
        let buffers = [buffer(2, 0, 3), buffer(1, 1, 2), buffer(4, 3, 5), buffer(1, 4, 6), buffer(2, 6, 7)];
        let (slots, count) = assign(&buffers);
        for (a, b) in (0..buffers.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
            let together = buffers[a].born <= buffers[b].dies && buffers[b].born <= buffers[a].dies;
            assert!(!together || slots[a] != slots[b], "{a} and {b}");
        }
        assert!(count < buffers.len(), "memory is used again");
    }

    #[test]
    fn the_smallest_memory_that_is_large_enough_is_taken() {
        let buffers = [buffer(8, 0, 1), buffer(2, 0, 1), buffer(4, 0, 1), buffer(3, 2, 3)];
        let (slots, count) = assign(&buffers);
        assert_eq!((slots[3], count), (slots[2], 3));
    }
}
