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
    /// Time of the process's threads; only kept where one image is under way at a time.
    cpu: Option<[AtomicU64; STAGES.len()]>,
}

/// What one stage took, all images together.
#[derive(Debug, Clone, PartialEq)]
pub struct StageCost {
    /// The stage.
    pub name: &'static str,
    /// Time by the clock.
    pub wall: Duration,
    /// Time of all threads; `None` where the system does not tell.
    pub cpu: Option<Duration>,
}

impl StageCost {
    /// Runs `work`, which is no stage of an image, and tells what it took.
    pub fn of<T>(name: &'static str, work: impl FnOnce() -> T) -> (T, Self) {
        let (started, before) = (Instant::now(), thread_nanos());
        let value = work();
        let spent = before.zip(thread_nanos()).map(|(before, now)| now.saturating_sub(before));
        (value, Self { name, wall: started.elapsed(), cpu: spent.map(Duration::from_nanos) })
    }
}

impl Clock {
    /// One that keeps the processor's time too. The time of the whole process goes to the stage under
    /// way: there may be one at a time.
    pub fn with_cpu() -> Self {
        let cpu = thread_nanos().map(|_| Default::default());
        Self { cpu, ..Self::default() }
    }

    /// Runs `work` on the account of `stage`.
    pub fn time<T>(&self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let cpu = self.cpu.as_ref().map(|cpu| (cpu, thread_nanos()));
        let started = Instant::now();
        let value = work();
        let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos[stage as usize].fetch_add(nanos, Ordering::Relaxed);
        if let Some((cpu, Some(before))) = cpu {
            let spent = thread_nanos().map_or(0, |now| now.saturating_sub(before));
            cpu[stage as usize].fetch_add(spent, Ordering::Relaxed);
        }
        value
    }

    /// What each stage took, in the order of the chain.
    pub fn costs(&self) -> Vec<StageCost> {
        let of =
            |nanos: &[AtomicU64], stage: Stage| Duration::from_nanos(nanos[stage as usize].load(Ordering::Relaxed));
        let cost = |&(stage, name): &(Stage, &'static str)| {
            let cpu = self.cpu.as_ref().map(|cpu| of(cpu, stage));
            StageCost { name, wall: of(&self.nanos, stage), cpu }
        };
        STAGES.iter().map(cost).collect()
    }

    /// Time and share of each stage, in the order of the chain.
    pub fn stages(&self) -> Vec<StageTime> {
        StageTime::of(self.costs().into_iter().map(|cost| (cost.name.to_owned(), cost.wall.as_secs_f64())))
    }
}

/// Nanoseconds that this process's threads have computed, as Linux counts them.
fn thread_nanos() -> Option<u64> {
    let threads = std::fs::read_dir("/proc/self/task").ok()?;
    let nanos = threads.map(|thread| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    // A thread may end between its listing and its reading.
    let nanos: Vec<u64> = nanos.flatten().collect();
    (!nanos.is_empty()).then(|| nanos.iter().sum())
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
        assert!(clock.costs().iter().all(|cost| cost.cpu.is_none()), "it was not asked for");
    }

    #[test]
    fn the_processors_time_is_kept_where_it_is_known() {
        let clock = Clock::with_cpu();
        clock.time(Stage::Network, || std::hint::black_box((0..1000).sum::<u64>()));
        let known = std::path::Path::new("/proc/self/schedstat").exists();
        assert!(clock.costs().iter().all(|cost| cost.cpu.is_some() == known));
    }
}
