//! How long is measured: the three lengths of the protocol, and what each of them measures.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::task::{Latency, Scenario, Task};
use crate::detection::Settings;

/// Score below which a deployed detector shows nothing.
const DEPLOYED_SCORE: f32 = 0.25;

/// Batches of the offline scenario, in the order in which they are tried.
const BATCHES: [usize; 6] = [1, 2, 4, 8, 16, 32];

/// A timed series goes on for at most so many times its length.
const PATIENCE: f64 = 30.0;

/// Seconds of a quick measurement whose medians move, where it may go on.
const QUICK_EXTENDED_SECONDS: f64 = 45.0;
/// Seconds that a quick measurement of two variants is planned to take at most: half a minute below its five
/// minutes.
const QUICK_PLAN_SECONDS: f64 = 270.0;
/// Seconds that a process takes whose two series go on to the end.
const EXTENDED_PROCESS_SECONDS: f64 = 26.0;

/// How long, and so how well, is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// A fraction of a second: shows that the chain works and nothing else.
    Trial,
    /// 10 s a measurement, and up to 45 s where its medians move.
    Quick,
    /// 60 s and 1,024 queries a measurement.
    Standard,
    /// 600 s a measurement.
    Record,
}

impl Length {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Record => "record",
        }
    }

    /// Processes a variant.
    pub fn processes(self) -> usize {
        if self == Self::Trial {
            2
        } else {
            5
        }
    }

    /// What is measured of a variant: single queries, then batches in rising order.
    pub fn tasks(self) -> Vec<Task> {
        let headline = [Task::single(Latency::Forward), Task::single(Latency::Segment)];
        if matches!(self, Self::Trial | Self::Quick) {
            return headline.into();
        }
        let deployed = Task { score_threshold: DEPLOYED_SCORE, ..Task::single(Latency::Segment) };
        let apart = [Latency::Detect, Latency::Decode, Latency::Vocabulary].map(Task::single);
        let offline =
            |latency| BATCHES.map(|batch| Task { scenario: Scenario::Offline, batch, ..Task::single(latency) });
        let batches = [Latency::Forward, Latency::Segment].into_iter().flat_map(offline);
        headline.into_iter().chain([deployed]).chain(apart).chain(batches).collect()
    }

    /// Whether the series of the next process may go on while their medians move: where each of the processes
    /// that are left has the time, so that a slow machine is not measured for longer than planned.
    pub fn may_extend(self, elapsed: Duration, processes_left: usize) -> bool {
        let left = QUICK_PLAN_SECONDS - elapsed.as_secs_f64();
        self == Self::Quick && left >= EXTENDED_PROCESS_SECONDS * processes_left as f64
    }

    /// The rules of one task in one process, whose series may go on while its median moves or may not.
    pub fn limits(self, task: &Task, extended: bool) -> Limits {
        // Encoding a vocabulary takes minutes on a CPU and is done once: one sample a process.
        if task.latency == Latency::Vocabulary {
            let (warm_up, queries) = (WarmUp::NONE, 1);
            return Limits { warm_up, seconds: 0.0, queries, most_seconds: 0.0, patience_seconds: 0.0 };
        }
        let processes = self.processes() as f64;
        let (seconds, queries) = match self {
            Self::Trial => (0.1, 2),
            Self::Quick => (10.0, 50),
            Self::Standard => (60.0, 1024),
            Self::Record => (600.0, 1024),
        };
        let queries = (queries as f64 / processes / task.batch as f64).ceil() as usize;
        let seconds = seconds / processes;
        let most_seconds = if extended { QUICK_EXTENDED_SECONDS / processes } else { seconds };
        Limits { warm_up: self.warm_up(), seconds, queries, most_seconds, patience_seconds: PATIENCE * seconds }
    }

    fn warm_up(self) -> WarmUp {
        match self {
            Self::Trial => WarmUp { seconds: 0.0, images: 1, steady: false },
            Self::Quick | Self::Standard | Self::Record => WarmUp { seconds: 3.0, images: 50, steady: true },
        }
    }
}

/// The rules of one timed series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// What comes before.
    pub warm_up: WarmUp,
    /// Least seconds of timed calls.
    pub seconds: f64,
    /// Least number of timed calls.
    pub queries: usize,
    /// Seconds of timed calls up to which a series goes on while its median moves; `seconds` for not at all.
    pub most_seconds: f64,
    /// Seconds after which the series ends whatever it has.
    pub patience_seconds: f64,
}

/// When a series counts as warm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WarmUp {
    /// Least seconds of its own calls.
    pub seconds: f64,
    /// Least images of its process, whichever calls they went through.
    pub images: usize,
    /// Whether the median of the last 20 calls must have come to rest: moved by less than 1 %.
    pub steady: bool,
}

impl WarmUp {
    /// Nothing comes before.
    pub const NONE: Self = Self { seconds: 0.0, images: 0, steady: false };

    /// What is left of it in a process that has computed `images`.
    pub fn after(self, images: usize) -> Self {
        Self { images: self.images.saturating_sub(images), ..self }
    }
}

impl Task {
    /// One image at a time, under the thresholds of the accuracy run.
    pub fn single(latency: Latency) -> Self {
        let score_threshold = Settings::default().score_threshold;
        Self { latency, scenario: Scenario::Single, batch: 1, score_threshold }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_measures_the_headline_first() {
        for length in [Length::Trial, Length::Quick, Length::Standard, Length::Record] {
            let tasks = length.tasks();
            let names: Vec<_> = tasks.iter().take(2).map(|task| task.latency).collect();
            assert_eq!(names, [Latency::Forward, Latency::Segment], "{}", length.name());
        }
        assert_eq!(Length::Quick.tasks().len(), 2);
        assert_eq!(Length::Standard.tasks().len(), 18);
    }

    #[test]
    fn every_length_that_counts_is_warmed_up_by_the_protocol_and_runs_in_five_processes() {
        for (length, seconds) in [(Length::Quick, 10.0), (Length::Standard, 60.0), (Length::Record, 600.0)] {
            let limits = length.limits(&Task::single(Latency::Segment), false);
            assert_eq!(limits.warm_up, WarmUp { seconds: 3.0, images: 50, steady: true }, "{}", length.name());
            assert_eq!((length.processes(), 5.0 * limits.seconds), (5, seconds), "{}", length.name());
        }
    }

    #[test]
    fn the_longer_lengths_have_a_deployment_row_and_rising_batches() {
        for length in [Length::Standard, Length::Record] {
            let tasks = length.tasks();
            let deployed: Vec<_> = tasks.iter().filter(|task| task.score_threshold == DEPLOYED_SCORE).collect();
            assert!(matches!(deployed[..], [Task { latency: Latency::Segment, batch: 1, .. }]), "{deployed:?}");
            for latency in [Latency::Forward, Latency::Segment] {
                let offline = tasks.iter().filter(|task| task.scenario == Scenario::Offline && task.latency == latency);
                assert_eq!(offline.map(|task| task.batch).collect::<Vec<_>>(), BATCHES);
            }
        }
    }

    #[test]
    fn the_processes_share_the_length() {
        let limits = Length::Standard.limits(&Task::single(Latency::Segment), false);
        assert_eq!((limits.seconds, limits.queries), (12.0, 205));
        assert!(5 * limits.queries >= 1024);
        let batch = Task { scenario: Scenario::Offline, batch: 32, ..Task::single(Latency::Forward) };
        assert_eq!(Length::Standard.limits(&batch, false).queries, 7);
        assert_eq!(Length::Record.limits(&Task::single(Latency::Vocabulary), false).queries, 1);
    }

    #[test]
    fn a_quick_measurement_goes_on_for_as_long_as_its_five_minutes_allow() {
        let segment = Task::single(Latency::Segment);
        assert_eq!(Length::Quick.limits(&segment, false).most_seconds, 2.0);
        let extended = Length::Quick.limits(&segment, true);
        assert_eq!((extended.seconds, extended.most_seconds, extended.queries), (2.0, 9.0, 10));
        // Ten processes, each with a start and two series that go on wherever they may.
        let quick = |warm_up_seconds: f64| {
            let (mut elapsed, mut went_on) = (0.0, 0);
            for left in (1..=10).rev() {
                let extended = Length::Quick.may_extend(Duration::from_secs_f64(elapsed), left);
                let most = Length::Quick.limits(&segment, extended).most_seconds;
                elapsed += 1.0 + 2.0 * (warm_up_seconds + most);
                went_on += usize::from(extended);
            }
            (elapsed, went_on)
        };
        assert_eq!(quick(3.0), (250.0, 10));
        let (elapsed, went_on) = quick(2.0 * extended.warm_up.seconds);
        assert!(elapsed < 300.0 && (5..10).contains(&went_on), "{elapsed} {went_on}");
        assert!(!Length::Quick.may_extend(Duration::ZERO, 40), "eight variants have no time to spare");
        assert!(!Length::Standard.may_extend(Duration::ZERO, 1) && !Length::Trial.may_extend(Duration::ZERO, 1));
    }
}
