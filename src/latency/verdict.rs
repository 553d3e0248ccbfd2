//! What makes a measurement invalid.

use std::fmt;

use super::record::Measurement;
use super::sampling::Stop;

/// The stages of a row must sum to its total, to this share.
const STAGE_AGREEMENT: f64 = 0.02;
/// Widest interval of a median, as a share of it.
const WIDEST_INTERVAL: f64 = 0.1;
/// Greatest deviation between processes, as a share of the median.
const GREATEST_DEVIATION: f64 = 0.05;
/// Greatest share of clock readings under throttling.
const MOST_THROTTLED: f64 = 0.1;
/// Greatest share of the machine that others may have.
const MOST_OTHER_LOAD: f64 = 0.1;

/// Why figures do not stand, and what to do about it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub enum Reason {
    DebugBuild,
    TrialLength,
    NoAccuracy { command: String },
    AccuracyPartial { run: String, why: String },
    AccuracyVersion { run: String, theirs: String, ours: String },
    AccuracyVariant { run: String, variant: String, command: String },
    AccuracyWeights { run: String, variant: String, theirs: String, ours: String },
    AccuracyEngine { run: String, variant: String, theirs: String, ours: String },
    RandomWeights { variant: String },
    Noise { row: String, width: f64 },
    BetweenRuns { row: String, deviation: f64 },
    Throttled { row: String, throttled: usize, readings: usize },
    OtherLoad { row: String, share: f64 },
    Stages { row: String, sum_ms: f64, mean_ms: f64 },
    Patience { row: String, samples: usize, unmet: String },
    AccuracyProgram { run: String, theirs: String, ours: String, command: String },
    AccuracyOutputs { run: String, variant: String, image_id: i64, command: String },
    Ambiguous { row: String, difference: f64 },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DebugBuild => write!(f, "debug build: its assertions are timed too; build with --release"),
            Self::TrialLength => {
                write!(f, "trial length: too short to say anything; use --quick, --standard or --record")
            }
            Self::NoAccuracy { command } => {
                write!(f, "no accuracy result of these weights: make one with `{command}` and name its folder with --accuracy")
            }
            Self::AccuracyPartial { run, why } => {
                write!(f, "accuracy run {run} is not complete: {why}; run it on all images")
            }
            Self::AccuracyVersion { run, theirs, ours } => {
                write!(f, "accuracy run {run} is of zoobench {theirs}, this is {ours}: run it again with this version")
            }
            Self::AccuracyVariant { run, variant, command } => {
                write!(f, "accuracy run {run} has no result of {variant}: make one with `{command}`")
            }
            Self::AccuracyWeights { run, variant, theirs, ours } => {
                write!(f, "accuracy run {run} has other weights of {variant}: {theirs}, timed were {ours}")
            }
            Self::AccuracyEngine { run, variant, theirs, ours } => {
                write!(f, "accuracy run {run} computed {variant} by {theirs}, timed was {ours}: run it again with the same --device, --engine and --dtype")
            }
            Self::RandomWeights { variant } => {
                write!(f, "{variant}: random weights have no accuracy; the figure is that of the architecture alone")
            }
            Self::Noise { row, width } => {
                write!(f, "{row}: noise: the interval of the median is {:.1} % wide, at most {:.0} % is allowed; quiet the machine or measure longer", 100.0 * width, 100.0 * WIDEST_INTERVAL)
            }
            Self::BetweenRuns { row, deviation } => {
                write!(
                    f,
                    "{row}: noise: processes differ by {:.1} % (MAD), at most {:.0} % is allowed; quiet the machine",
                    100.0 * deviation,
                    100.0 * GREATEST_DEVIATION
                )
            }
            Self::Throttled { row, throttled, readings } => {
                write!(f, "{row}: throttled: {throttled} of {readings} readings of the clock are below 75 % of the usual; cool the machine")
            }
            Self::OtherLoad { row, share } => {
                write!(
                    f,
                    "{row}: other processes had {:.0} % of the machine, at most {:.0} % is allowed; stop them",
                    100.0 * share,
                    100.0 * MOST_OTHER_LOAD
                )
            }
            Self::Stages { row, sum_ms, mean_ms } => {
                write!(f, "{row}: the stages sum to {sum_ms:.3} ms, the total is {mean_ms:.3} ms: more than 2 % apart")
            }
            Self::AccuracyProgram { run, theirs, ours, command } => {
                write!(f, "accuracy run {run} was made by another program ({theirs}; timed was {ours}): make one with this by `{command}`")
            }
            Self::AccuracyOutputs { run, variant, image_id, command } => {
                write!(f, "{variant}: image {image_id}: what was timed finds other detections than accuracy run {run}: another engine, dtype or data; make one with `{command}`")
            }
            Self::Patience { row, samples, unmet } => {
                write!(f, "{row}: too slow for its length: its patience ended at {samples} samples, without its {unmet}; measure with a shorter length")
            }
            Self::Ambiguous { row, difference } => {
                write!(
                    f,
                    "{row}: AMBG: {:+.1} % against the base, twice, and neither interval nor clock bears it out",
                    100.0 * difference
                )
            }
        }
    }
}

/// What speaks against one row by itself.
pub fn row_reasons(row: &Measurement) -> Vec<Reason> {
    let share = |value: f64| value / row.p50_ms.max(f64::MIN_POSITIVE);
    let name = || row.describe();
    let mut reasons = Vec::new();
    let sum_ms: f64 = row.stages.iter().map(|stage| stage.mean_ms).sum();
    if (sum_ms - row.mean_ms).abs() > STAGE_AGREEMENT * row.mean_ms {
        reasons.push(Reason::Stages { row: name(), sum_ms, mean_ms: row.mean_ms });
    }
    if let Some(unmet) = unmet(&row.stops) {
        reasons.push(Reason::Patience { row: name(), samples: row.samples, unmet });
    }
    if row.clock_throttled as f64 > MOST_THROTTLED * row.clock_readings as f64 {
        let (throttled, readings) = (row.clock_throttled, row.clock_readings);
        reasons.push(Reason::Throttled { row: name(), throttled, readings });
    }
    if let Some(share) = row.other_load.filter(|&load| load > MOST_OTHER_LOAD) {
        reasons.push(Reason::OtherLoad { row: name(), share });
    }
    // `decode` and `vocabulary` are reported apart, from few samples.
    if row.latency.is_headline() {
        let width = share(row.p50_ci95_ms[1] - row.p50_ci95_ms[0]);
        if width > WIDEST_INTERVAL {
            reasons.push(Reason::Noise { row: name(), width });
        }
        let deviation = share(row.between_run_mad_ms);
        if deviation > GREATEST_DEVIATION {
            reasons.push(Reason::BetweenRuns { row: name(), deviation });
        }
    }
    reasons
}

/// What some process still lacked when its patience ended; `None` where none ended so.
fn unmet(stops: &[Stop]) -> Option<String> {
    let lacking = |of: fn(&Stop) -> bool| stops.iter().any(of);
    let queries = lacking(|stop| matches!(stop, Stop::Patience { queries_met: false, .. }));
    let seconds = lacking(|stop| matches!(stop, Stop::Patience { seconds_met: false, .. }));
    let words: Vec<&str> = [(queries, "queries"), (seconds, "seconds")].iter().filter(|w| w.0).map(|w| w.1).collect();
    (!words.is_empty()).then(|| words.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::measurement;
    use super::super::task::Latency;
    use super::*;

    fn patience(queries_met: bool, seconds_met: bool) -> Stop {
        Stop::Patience { queries_met, seconds_met }
    }

    fn only(row: Measurement) -> Reason {
        let mut reasons = row_reasons(&row);
        assert_eq!(reasons.len(), 1, "{reasons:?}");
        reasons.remove(0)
    }

    #[test]
    fn a_quiet_row_stands() {
        assert_eq!(row_reasons(&measurement()), []);
    }

    #[test]
    fn each_fault_has_its_reason() {
        let noisy = Measurement { p50_ci95_ms: [90.0, 111.0], ..measurement() };
        assert!(matches!(only(noisy.clone()), Reason::Noise { width, .. } if (width - 0.21).abs() < 1e-9));
        let apart = Measurement { between_run_mad_ms: 6.0, ..measurement() };
        assert!(matches!(only(apart), Reason::BetweenRuns { .. }));
        let throttled = Measurement { clock_readings: 100, clock_throttled: 11, ..measurement() };
        assert!(matches!(only(throttled), Reason::Throttled { throttled: 11, .. }));
        let loaded = Measurement { other_load: Some(0.3), ..measurement() };
        assert!(matches!(only(loaded), Reason::OtherLoad { .. }));
        let mut stages = measurement();
        stages.stages[0].mean_ms += 2.5;
        assert!(matches!(only(stages), Reason::Stages { .. }));
        let slow = Measurement { stops: vec![Stop::Complete, patience(false, true)], ..measurement() };
        assert!(matches!(only(slow), Reason::Patience { unmet, .. } if unmet == "queries"));
        assert_eq!(unmet(&[patience(false, true), patience(true, false)]).as_deref(), Some("queries and seconds"));
        let decode = Measurement { latency: Latency::Decode, ..noisy };
        assert_eq!(row_reasons(&decode), [], "what is reported apart may be noisy");
    }

    #[test]
    fn limits_themselves_are_allowed() {
        let at = Measurement { clock_readings: 100, clock_throttled: 10, other_load: Some(0.1), ..measurement() };
        assert_eq!(row_reasons(&at), []);
    }

    #[test]
    fn a_reason_says_what_to_do() {
        let text = Reason::NoAccuracy { command: "zoobench run".to_owned() }.to_string();
        assert!(text.contains("`zoobench run`") && text.contains("--accuracy"), "{text}");
    }
}
