//! Warming up, and timing one call after the other.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::clock::{Clock, Laps, Sample};
use super::length::{Limits, WarmUp};
use super::random::Draws;
use super::statistics::{median, relative_deviation};
use super::LatencyError;

/// Calls of a warm-up whose median must come to rest.
const WINDOW: usize = 20;
/// By how many calls earlier the median is that theirs is compared with.
const BACK: usize = WINDOW / 2;
/// By how much a median at rest may still move.
const REST: f64 = 0.01;
/// A warm-up that does not come to rest ends at so many times its seconds and images.
const WARM_UP_PATIENCE: usize = 2;
/// nvbench's stdrel criterion: fewest samples, seconds, and the noise below which more tell nothing.
const STEADY_SAMPLES: usize = 64;
const STEADY_SECONDS: f64 = 0.5;
const STEADY_DEVIATION: f64 = 0.005;

/// Something to be timed.
pub trait Workload {
    /// What a call works on.
    type Input;

    /// Makes the input of one call from images by their position in the pinned list. Not timed.
    ///
    /// # Errors
    /// An image that cannot be read.
    fn prepare(&self, images: &[usize]) -> Result<Self::Input, LatencyError>;

    /// The timed call. Gives the number of detections.
    ///
    /// # Errors
    /// Whatever fails.
    fn run(&self, input: &Self::Input, laps: &mut Laps<'_>) -> Result<usize, LatencyError>;
}

/// What the calls work on.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Images to draw from, at least one.
    pub images: usize,
    /// Images a call.
    pub batch: usize,
    /// Of the draws, with replacement: equal for all variants.
    pub seed: u64,
}

/// Why a series ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It has its seconds and queries.
    Complete,
    /// It has its seconds and queries and went on to its most seconds, as its median still moved.
    Restless,
    /// Its samples agree so well that more would tell nothing (nvbench's stdrel criterion).
    Steady,
    /// Its patience ended first.
    Patience {
        /// Whether it had its queries.
        queries_met: bool,
        /// Whether it had its seconds.
        seconds_met: bool,
    },
}

/// How the warm-up went.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WarmedUp {
    /// Its seconds.
    pub seconds: f64,
    /// Its images.
    pub images: usize,
    /// Whether it came to rest, where it had to.
    pub settled: bool,
}

/// A timed series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// What came before.
    pub warm_up: WarmedUp,
    /// One a call, in order.
    pub samples: Vec<Sample>,
    /// Detections of all calls.
    pub detections: usize,
    /// Why it ended.
    pub stop: Stop,
}

/// Warms `workload` up and times it.
///
/// # Errors
/// Whatever fails in it.
pub fn measure<W: Workload>(
    workload: &W,
    inputs: &Inputs,
    limits: &Limits,
    clock: &dyn Clock,
) -> Result<Series, LatencyError> {
    let mut caller = Caller { workload, inputs, clock, draws: Draws::new(inputs.seed) };
    let warm_up = caller.warm_up(&limits.warm_up)?;
    caller.timed(limits, warm_up)
}

struct Caller<'a, W> {
    workload: &'a W,
    inputs: &'a Inputs,
    clock: &'a dyn Clock,
    draws: Draws,
}

impl<W: Workload> Caller<'_, W> {
    fn call(&mut self) -> Result<(Sample, usize), LatencyError> {
        let images: Vec<usize> = (0..self.inputs.batch).map(|_| self.draws.below(self.inputs.images)).collect();
        let input = self.workload.prepare(&images)?;
        let mut laps = Laps::start(self.clock);
        let detections = self.workload.run(&input, &mut laps)?;
        Ok((laps.finish(), detections))
    }

    fn warm_up(&mut self, rule: &WarmUp) -> Result<WarmedUp, LatencyError> {
        let (mut times, mut busy_ms) = (Vec::new(), 0.0);
        loop {
            let warmed = WarmedUp {
                seconds: busy_ms / 1e3,
                images: times.len() * self.inputs.batch,
                settled: !rule.steady || at_rest(&times),
            };
            let long = warmed.seconds >= rule.seconds && warmed.images >= rule.images;
            let too_long = warmed.seconds >= WARM_UP_PATIENCE as f64 * rule.seconds
                && warmed.images >= WARM_UP_PATIENCE * rule.images.max(WINDOW + BACK);
            if long && (warmed.settled || too_long) {
                return Ok(warmed);
            }
            let (sample, _) = self.call()?;
            busy_ms += sample.ms;
            times.push(sample.ms);
        }
    }

    fn timed(&mut self, limits: &Limits, warm_up: WarmedUp) -> Result<Series, LatencyError> {
        let began = self.clock.now();
        let (mut samples, mut times, mut detections) = (Vec::new(), Vec::new(), 0);
        let mut rule = StopRule { limits, busy_seconds: 0.0, next_look_seconds: limits.seconds };
        loop {
            let (sample, found) = self.call()?;
            detections += found;
            times.push(sample.ms);
            samples.push(sample);
            if let Some(stop) = rule.stop(&times, self.clock.now() - began) {
                return Ok(Series { warm_up, samples, detections, stop });
            }
        }
    }
}

/// When a series ends.
struct StopRule<'a> {
    limits: &'a Limits,
    /// Of the timed calls.
    busy_seconds: f64,
    /// When it is looked next whether the median moves. A look after every call would find rest by chance.
    next_look_seconds: f64,
}

impl StopRule<'_> {
    /// Whether the series ends with the last of `times`. `wall` is all the time that passed.
    fn stop(&mut self, times: &[f64], wall: Duration) -> Option<Stop> {
        self.busy_seconds += times.last().copied().unwrap_or_default() / 1e3;
        let enough = times.len() >= self.limits.queries;
        if enough && self.busy_seconds >= self.next_look_seconds {
            if self.busy_seconds >= self.limits.most_seconds {
                let extended = self.limits.most_seconds > self.limits.seconds;
                return Some(if extended && moves(times) { Stop::Restless } else { Stop::Complete });
            }
            if !moves(times) {
                return Some(Stop::Complete);
            }
            self.next_look_seconds = (self.next_look_seconds + self.limits.seconds).min(self.limits.most_seconds);
        }
        // The deviation is looked at now and then: each look goes over all samples.
        let look = times.len().is_multiple_of(STEADY_SAMPLES) && self.busy_seconds >= STEADY_SECONDS;
        if enough && look && relative_deviation(times) < STEADY_DEVIATION {
            return Some(Stop::Steady);
        }
        let patience = self.limits.patience_seconds;
        let unmet = Stop::Patience { queries_met: enough, seconds_met: self.busy_seconds >= self.limits.seconds };
        (wall.as_secs_f64() >= patience && patience > 0.0).then_some(unmet)
    }
}

/// Whether the medians of both halves of a series are more than [`REST`] apart.
fn moves(times: &[f64]) -> bool {
    let (first, second) = times.split_at(times.len() / 2);
    (median(second) - median(first)).abs() > REST * median(times)
}

/// Whether the median of the last [`WINDOW`] calls is that of half a window before, to 1 %.
fn at_rest(times: &[f64]) -> bool {
    if times.len() < WINDOW + BACK {
        return false;
    }
    let window = |end: usize| median(&times[end - WINDOW..end]);
    let (before, last) = (window(times.len() - BACK), window(times.len()));
    (last - before).abs() <= REST * before
}

#[cfg(test)]
mod tests {
    use super::super::clock::SimulatedClock;
    use super::*;

    /// Calls whose milliseconds are a function of their number, in two stages.
    struct Scripted<'a> {
        clock: &'a SimulatedClock,
        ms: fn(usize) -> f64,
        calls: std::cell::RefCell<Vec<Vec<usize>>>,
    }

    impl<'a> Scripted<'a> {
        fn new(clock: &'a SimulatedClock, ms: fn(usize) -> f64) -> Self {
            Self { clock, ms, calls: Default::default() }
        }
    }

    impl Workload for Scripted<'_> {
        type Input = f64;

        fn prepare(&self, images: &[usize]) -> Result<f64, LatencyError> {
            self.clock.advance(Duration::from_millis(500));
            let mut calls = self.calls.borrow_mut();
            calls.push(images.to_vec());
            Ok((self.ms)(calls.len() - 1))
        }

        fn run(&self, &ms: &f64, laps: &mut Laps<'_>) -> Result<usize, LatencyError> {
            let pass = |share: f64| self.clock.advance(Duration::from_secs_f64(share * ms / 1e3));
            laps.lap("network", || pass(0.75));
            laps.lap("masks", || pass(0.25));
            Ok(3)
        }
    }

    const INPUTS: Inputs = Inputs { images: 5, batch: 1, seed: 7 };
    const RULE: WarmUp = WarmUp { seconds: 1.0, images: 30, steady: true };

    fn limits(warm_up: WarmUp, seconds: f64, queries: usize) -> Limits {
        Limits { warm_up, seconds, queries, most_seconds: seconds, patience_seconds: 1e4 }
    }

    #[test]
    fn a_series_has_its_seconds_and_its_queries() {
        let clock = SimulatedClock::default();
        let workload = Scripted::new(&clock, |call| 100.0 + (call % 3) as f64 * 10.0);
        let series = measure(&workload, &INPUTS, &limits(WarmUp::NONE, 2.2, 5), &clock).expect("nothing fails");
        assert_eq!((series.samples.len(), series.stop, series.detections), (21, Stop::Complete, 63));
        assert!((series.samples[1].ms - 110.0).abs() < 1e-6, "preparation is not timed");
        assert_eq!(series.samples[1].stages.iter().map(|stage| stage.0).collect::<Vec<_>>(), ["network", "masks"]);
        let many = measure(&workload, &INPUTS, &limits(WarmUp::NONE, 0.1, 50), &clock).expect("nothing fails");
        assert_eq!(many.samples.len(), 50);
    }

    #[test]
    fn steady_samples_end_a_series_early() {
        let clock = SimulatedClock::default();
        let steady = Scripted::new(&clock, |_| 100.0);
        let series = measure(&steady, &INPUTS, &limits(WarmUp::NONE, 60.0, 10), &clock).expect("nothing fails");
        assert_eq!((series.samples.len(), series.stop), (64, Stop::Steady));
        let noisy = Scripted::new(&clock, |call| 100.0 + (call % 7) as f64);
        let series = measure(&noisy, &INPUTS, &limits(WarmUp::NONE, 60.0, 10), &clock).expect("nothing fails");
        assert_eq!(series.stop, Stop::Complete);
    }

    #[test]
    fn a_series_whose_median_moves_goes_on_until_it_rests_or_its_most_seconds_end() {
        let clock = SimulatedClock::default();
        let extended = |seconds| Limits { most_seconds: 3.0 * seconds, ..limits(WarmUp::NONE, seconds, 10) };
        let run = |ms: fn(usize) -> f64, limits: &Limits| {
            let series = measure(&Scripted::new(&clock, ms), &INPUTS, limits, &clock).expect("nothing fails");
            (series.samples.len(), series.stop)
        };
        // 1 s of slow calls, then fast ones: at 2 s the halves differ, at 4 s the median is that of the fast ones.
        let slow_first = |call: usize| if call < 5 { 200.0 } else { 100.0 } + 0.1 * (call % 3) as f64;
        assert_eq!(run(slow_first, &extended(2.0)), (35, Stop::Complete));
        assert_eq!(run(slow_first, &limits(WarmUp::NONE, 2.0, 10)), (15, Stop::Complete), "where it may not go on");
        let rising = |call: usize| 100.0 + call as f64;
        assert_eq!(run(rising, &extended(2.0)), (49, Stop::Restless));
        let resting = |call: usize| 100.0 + (call % 3) as f64;
        assert_eq!(run(resting, &extended(2.0)), (20, Stop::Complete));
    }

    #[test]
    fn patience_ends() {
        let clock = SimulatedClock::default();
        let slow = Scripted::new(&clock, |call| 1e4 + call as f64 * 1e3);
        let limits = Limits { patience_seconds: 60.0, ..limits(WarmUp::NONE, 2.0, 1000) };
        let series = measure(&slow, &INPUTS, &limits, &clock).expect("nothing fails");
        assert_eq!(series.stop, Stop::Patience { queries_met: false, seconds_met: true });
        assert!(series.samples.len() < 10);
    }

    #[test]
    fn the_warm_up_is_as_long_as_the_rule_and_until_it_rests() {
        let clock = SimulatedClock::default();
        let steady = Scripted::new(&clock, |_| 100.0);
        let series = measure(&steady, &INPUTS, &limits(RULE, 1.0, 1), &clock).expect("nothing fails");
        assert_eq!((series.warm_up.images, series.warm_up.settled), (30, true));
        let falling = Scripted::new(&clock, |call| if call < 30 { 500.0 - 10.0 * call as f64 } else { 200.0 });
        let series = measure(&falling, &INPUTS, &limits(RULE, 1.0, 1), &clock).expect("nothing fails");
        assert!(series.warm_up.settled && (45..60).contains(&series.warm_up.images), "{:?}", series.warm_up);
    }

    #[test]
    fn a_warm_up_that_never_rests_ends_and_says_so() {
        let clock = SimulatedClock::default();
        let rising = Scripted::new(&clock, |call| 100.0 * 1.05f64.powi(call as i32 % 300));
        let series = measure(&rising, &INPUTS, &limits(RULE, 1.0, 1), &clock).expect("nothing fails");
        assert_eq!((series.warm_up.images, series.warm_up.settled), (60, false));
    }

    #[test]
    fn a_process_that_is_warm_has_its_seconds_and_its_rest_left_to_wait_for() {
        let clock = SimulatedClock::default();
        let warm_up = |ms: fn(usize) -> f64, images| {
            let limits = limits(RULE.after(images), 1.0, 1);
            measure(&Scripted::new(&clock, ms), &INPUTS, &limits, &clock).expect("nothing fails").warm_up
        };
        assert_eq!(warm_up(|_| 10.0, 25).images, 100, "its seconds");
        assert_eq!(warm_up(|_| 200.0, 25).images, 30, "calls that tell of rest");
        let unsettled = warm_up(|call| 200.0 * 1.05f64.powi(call as i32), 300);
        assert_eq!((unsettled.images, unsettled.settled), (60, false));
    }

    #[test]
    fn inputs_are_drawn_with_replacement_by_the_seed() {
        let clock = SimulatedClock::default();
        let drawn = |seed| {
            let workload = Scripted::new(&clock, |_| 1.0);
            let inputs = Inputs { images: 5, batch: 2, seed };
            measure(&workload, &inputs, &limits(WarmUp::NONE, 0.0, 40), &clock).expect("nothing fails");
            workload.calls.into_inner()
        };
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
        assert!(drawn(7).iter().all(|images| images.len() == 2 && images.iter().all(|&image| image < 5)));
    }
}
