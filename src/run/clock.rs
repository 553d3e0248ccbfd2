//! How long each stage of the chain worked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::report::StageTime;

/// A stage of the chain, in the order an image passes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading and decoding the image.
    Decode,
    /// Resizing and padding it to the network's input.
    Letterbox,
    /// The network.
    Network,
    /// Boxes, suppression, masks, run lengths.
    Detection,
    /// Matching against the annotations.
    Evaluation,
}

const STAGES: [(Stage, &str); 5] = [
    (Stage::Decode, "decode"),
    (Stage::Letterbox, "letterbox"),
    (Stage::Network, "network"),
    (Stage::Detection, "detection"),
    (Stage::Evaluation, "evaluation"),
];

/// Sums the time of each stage over images; shared by all threads.
#[derive(Debug, Default)]
pub struct Clock {
    nanos: [AtomicU64; STAGES.len()],
}

impl Clock {
    /// Runs `work` on the account of `stage`.
    pub fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let value = work();
        let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos[stage as usize].fetch_add(nanos, Ordering::Relaxed);
        value
    }

    /// Time of each stage, in the order of the chain.
    pub fn stages(&self) -> Vec<StageTime> {
        let seconds =
            |stage: Stage| Duration::from_nanos(self.nanos[stage as usize].load(Ordering::Relaxed)).as_secs_f64();
        STAGES.iter().map(|&(stage, name)| StageTime { name: name.to_owned(), seconds: seconds(stage) }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_to_its_stage() {
        let clock = Clock::default();
        clock.time(Stage::Network, || std::thread::sleep(Duration::from_millis(2)));
        let stages = clock.stages();
        assert_eq!(
            stages.iter().map(|stage| stage.name.as_str()).collect::<Vec<_>>(),
            ["decode", "letterbox", "network", "detection", "evaluation"]
        );
        assert!(stages[2].seconds >= 0.002);
        assert_eq!(stages[0].seconds, 0.0);
    }
}
