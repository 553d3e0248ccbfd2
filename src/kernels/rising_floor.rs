//! A floor that rises with what is found above it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// Which scores are worth keeping: those of at least a floor, and of these the greatest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wanted {
    /// The least score.
    pub floor: f32,
    /// How many of the greatest are wanted; nobody misses others.
    pub most: usize,
    /// Below [`Wanted::flat`], a score that is smaller by more than this is surely the lesser one for whoever
    /// chooses; nearer ones may count as equal. More than a rounding error of the scores.
    pub margin: f32,
    /// Scores from here on may count as equal.
    pub flat: f32,
}

/// Steps of the count in a unit of the score, in all from the floor to 20 above it; the last has no end.
const STEPS_A_UNIT: f32 = 64.0;
const STEPS: usize = 20 * 64;
/// The floor is raised after a share of the wanted number has been found again: looking costs more than finding.
const LOOKS: usize = 32;

/// The floor of what is [`Wanted`], while scores are found: once as many as are wanted lie above it by the margin,
/// what lies below is not among them. Threads may share it.
///
/// What is found depends on when a thread asks for the floor. What is left of it above [`RisingFloor::settle`],
/// once everything has been counted, does not.
pub struct RisingFloor {
    wanted: Wanted,
    /// How many scores were found in each step above the first floor.
    counts: Vec<AtomicUsize>,
    /// Scores found since the floor was last looked at.
    fresh: AtomicUsize,
    /// Bits of the floor.
    floor: AtomicU32,
}

impl RisingFloor {
    /// The floor before anything is found.
    pub fn new(wanted: Wanted) -> Self {
        let counts = (0..STEPS).map(|_| AtomicUsize::new(0)).collect();
        Self { wanted, counts, fresh: AtomicUsize::new(0), floor: AtomicU32::new(wanted.floor.to_bits()) }
    }

    /// The floor as it is now: at least the one that was wanted.
    pub fn now(&self) -> f32 {
        f32::from_bits(self.floor.load(Ordering::Relaxed))
    }

    /// Counts scores that were found, each at least the first floor, each once.
    pub fn count(&self, scores: impl IntoIterator<Item = f32>) {
        let mut found = 0;
        for score in scores {
            let step = ((score - self.wanted.floor) * STEPS_A_UNIT) as usize;
            self.counts[step.min(STEPS - 1)].fetch_add(1, Ordering::Relaxed);
            found += 1;
        }
        if found > 0 && self.fresh.fetch_add(found, Ordering::Relaxed) + found > self.wanted.most / LOOKS {
            self.fresh.store(0, Ordering::Relaxed);
            self.settle();
        }
    }

    /// The highest floor that what was counted allows. The wanted scores lie in the fewest highest steps that hold
    /// as many; a count that another thread has yet to add only leaves the floor lower.
    pub fn settle(&self) -> f32 {
        let mut held = 0;
        let step = self.counts.iter().rposition(|count| {
            held += count.load(Ordering::Relaxed);
            held >= self.wanted.most
        });
        if let Some(step) = step {
            let start = self.wanted.floor + step as f32 / STEPS_A_UNIT;
            let raised = start.min(self.wanted.flat) - self.wanted.margin;
            let higher = |bits: u32| (raised > f32::from_bits(bits)).then_some(raised.to_bits());
            // It fails where the floor is as high already.
            let _ = self.floor.fetch_update(Ordering::Relaxed, Ordering::Relaxed, higher);
        }
        self.now()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: Wanted = Wanted { floor: -7.0, most: 100, margin: 1e-3, flat: 8.0 };

    #[test]
    fn it_rises_to_just_below_the_wanted_number() {
        let floor = RisingFloor::new(WANTED);
        floor.count((0..4000).map(|index| index as f32 * 0.001));
        assert!(floor.now() > 3.8, "{}", floor.now());
        assert!(floor.settle() <= 3.9 && floor.settle() > 3.88, "{}", floor.settle());
    }

    #[test]
    fn it_stays_while_too_little_is_found() {
        let floor = RisingFloor::new(WANTED);
        floor.count((0..99).map(|index| index as f32));
        assert_eq!(floor.settle(), -7.0);
    }

    #[test]
    fn it_stays_below_scores_that_may_count_as_equal() {
        let floor = RisingFloor::new(WANTED);
        floor.count((0..200).map(|index| 9.0 + index as f32));
        assert_eq!(floor.settle(), 8.0 - 1e-3);
    }

    #[test]
    fn without_a_first_floor_it_never_rises() {
        let floor = RisingFloor::new(Wanted { floor: f32::NEG_INFINITY, ..WANTED });
        floor.count([f32::NEG_INFINITY, f32::INFINITY].into_iter().chain((0..500).map(|index| index as f32)));
        assert_eq!(floor.settle(), f32::NEG_INFINITY);
    }

    #[test]
    fn where_it_settles_depends_on_no_order() {
        let scores: Vec<f32> = (0..20_000).map(|index| (index * 7919 % 20_000) as f32 * 5e-4 - 6.0).collect();
        let settled = |scores: &mut dyn Iterator<Item = f32>| {
            let floor = RisingFloor::new(WANTED);
            // As a kernel does: what is below the floor of the moment is not counted.
            let kept: Vec<f32> = scores
                .filter(|&score| {
                    let keep = score >= floor.now();
                    floor.count(keep.then_some(score));
                    keep
                })
                .collect();
            let floor = floor.settle();
            let mut kept: Vec<u32> = kept.into_iter().filter(|&score| score >= floor).map(f32::to_bits).collect();
            kept.sort_unstable();
            (floor, kept)
        };
        let forwards = settled(&mut scores.iter().copied());
        assert_eq!(settled(&mut scores.iter().rev().copied()), forwards);
        assert!((100..200).contains(&forwards.1.len()), "{}", forwards.1.len());
    }
}
