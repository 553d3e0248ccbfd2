//! What time it is, for real or in a test.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// A clock that never goes back.
pub trait Clock {
    /// Time since some fixed moment.
    fn now(&self) -> Duration;
}

/// The system's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct MonotonicClock(Instant);

impl MonotonicClock {
    /// Counts from now.
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for MonotonicClock {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

/// A clock that goes only when it is told to: time as a test wants it.
#[derive(Debug, Default)]
pub struct SimulatedClock(Cell<Duration>);

impl SimulatedClock {
    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        self.0.set(self.0.get() + time);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Duration {
        self.0.get()
    }
}

/// Measures one call, stage by stage. The total runs from here to the end of the last stage.
pub struct Laps<'c> {
    clock: &'c dyn Clock,
    start: Duration,
    end: Duration,
    stages: Vec<(&'static str, Duration)>,
}

impl<'c> Laps<'c> {
    /// The call begins now.
    pub fn start(clock: &'c dyn Clock) -> Self {
        let start = clock.now();
        Self { clock, start, end: start, stages: Vec::new() }
    }

    /// Runs a stage; one that runs again adds to its time.
    pub fn lap<T>(&mut self, name: &'static str, work: impl FnOnce() -> T) -> T {
        let began = self.clock.now();
        let value = work();
        self.end = self.clock.now();
        let time = self.end - began;
        match self.stages.iter_mut().find(|stage| stage.0 == name) {
            Some(stage) => stage.1 += time,
            None => self.stages.push((name, time)),
        }
        value
    }

    /// Takes a stage's milliseconds from another clock, as a GPU's. The call, which has no other stages, takes as long.
    pub fn measured(&mut self, name: &'static str, ms: f64) {
        let time = Duration::from_secs_f64(ms / 1e3);
        self.start = self.clock.now();
        self.end = self.start + time;
        self.stages.push((name, time));
    }

    /// Milliseconds in all, and of each stage in the order of its first run.
    pub fn finish(self) -> Sample {
        let ms = |time: Duration| 1e3 * time.as_secs_f64();
        let stages = self.stages.into_iter().map(|(name, time)| (name, ms(time))).collect();
        Sample { ms: ms(self.end - self.start), stages }
    }
}

/// One timed call.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Milliseconds from start to end.
    pub ms: f64,
    /// Milliseconds of each stage, measured apart from the total.
    pub stages: Vec<(&'static str, f64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laps_add_up_and_what_lies_between_shows_in_the_total_alone() {
        let clock = SimulatedClock::default();
        let pass = |ms| clock.advance(Duration::from_millis(ms));
        pass(100);
        let mut laps = Laps::start(&clock);
        laps.lap("letterbox", || pass(2));
        laps.lap("network", || pass(10));
        pass(3);
        laps.lap("letterbox", || pass(1));
        pass(50);
        assert_eq!(laps.finish(), Sample { ms: 16.0, stages: vec![("letterbox", 3.0), ("network", 10.0)] });
    }

    #[test]
    fn what_another_clock_measured_is_the_call() {
        let clock = SimulatedClock::default();
        let mut laps = Laps::start(&clock);
        clock.advance(Duration::from_millis(7));
        laps.measured("network", 2.5);
        assert_eq!(laps.finish(), Sample { ms: 2.5, stages: vec![("network", 2.5)] });
    }

    #[test]
    fn the_real_clock_does_not_go_back() {
        let clock = MonotonicClock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
