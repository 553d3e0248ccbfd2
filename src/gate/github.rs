//! Annotations in the form of GitHub's workflow commands.

use super::table::headline;
use super::{CategoryCheck, Check, Judgement, LatencyCheck, Verdict};

/// GitHub shows ten annotations of a kind per step and drops the rest in silence.
pub const MAX_ANNOTATIONS: usize = 10;

/// Workflow commands, one a line: the verdict first, then what is wrong, at most
/// [`MAX_ANNOTATIONS`]. A run that passes yields one notice.
pub fn annotations(judgement: &Judgement) -> Vec<String> {
    if judgement.verdict() == Verdict::Pass {
        return vec![command("notice", &headline(judgement))];
    }
    let invalid = judgement.invalid.iter().map(ToString::to_string);
    let failed = judgement.failed().map(check);
    let fallen = judgement.fallen().map(category);
    let slower = judgement.slower().map(latency);
    let wrong = invalid.chain(failed).chain(fallen).chain(slower);
    let lines = std::iter::once(headline(judgement)).chain(wrong);
    lines.take(MAX_ANNOTATIONS).map(|line| command("error", &line)).collect()
}

pub(super) fn check(check: &Check) -> String {
    let Check { variant, metric, target, measured, tolerance, outcome } = check;
    format!(
        "{variant} {metric} {}: {measured}, baseline {target} (allowed -{} +{})",
        outcome.words(),
        tolerance.max_drop,
        tolerance.max_rise
    )
}

pub(super) fn category(check: &CategoryCheck) -> String {
    let CategoryCheck { variant, category, target, measured, floor, outcome } = check;
    let floor = floor.map_or_else(|| "none".to_string(), |floor| floor.to_string());
    format!("{variant} category {category:?} {}: AP {measured}, baseline {target} (floor {floor})", outcome.words())
}

pub(super) fn latency(check: &LatencyCheck) -> String {
    let LatencyCheck { row, target_ms, measured_ms, max_rise, outcome } = check;
    let allowed = 100.0 * max_rise;
    format!("latency {row} {}: {measured_ms:.3} ms, baseline {target_ms:.3} ms (allowed +{allowed} %)", outcome.words())
}

/// A workflow command whose message cannot begin another one.
fn command(kind: &str, message: &str) -> String {
    let message = message.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    format!("::{kind} title=zoobench gate::{message}")
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn a_message_stays_on_its_line() {
        let line = command("error", "100 %\n::error::forged\r");
        assert_eq!(line, "::error title=zoobench gate::100 %25%0A::error::forged%0D");
    }
}
