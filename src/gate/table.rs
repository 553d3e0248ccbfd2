//! The verdict as tables, for terminals and Markdown.

use super::{CategoryCheck, Check, Judgement, LatencyCheck, Outcome, Verdict};
use crate::report::{Align, Cell, Table, Tone};

/// Categories shown as those that lost most.
const LOST_SHOWN: usize = 10;

/// The verdict, every metric, the categories that lost most, and what to look at, in lines of
/// `width` columns. ANSI colour only if asked.
pub fn terminal(judgement: &Judgement, color: bool, width: usize) -> String {
    let mut out = String::new();
    for (title, table) in tables(judgement) {
        out += &format!("{title}\n{}\n", table.fixed(width, color));
    }
    for line in remarks(judgement) {
        out += &format!("{}\n", crate::report::sanitized(&line));
    }
    let verdict = headline(judgement);
    out + &if color { tone(judgement.verdict()).paint(&verdict) } else { verdict } + "\n"
}

/// `gate shapes: FAIL (2 of 60 values, 1 of 80 categories)`.
pub(super) fn headline(judgement: &Judgement) -> String {
    let Judgement { zoo, subset, invalid, checks, categories, .. } = judgement;
    let zoo = crate::report::sanitized(&match subset {
        Some(subset) => format!("{zoo} ({subset})"),
        None => zoo.clone(),
    });
    let word = judgement.verdict().word();
    let floors = categories.iter().filter(|category| category.floor.is_some()).count();
    let method = judgement.judged_by.words();
    match judgement.verdict() {
        Verdict::Invalid => format!("gate {zoo}: {word} ({} reasons, nothing is judged)", invalid.len()),
        Verdict::Pass => {
            let latencies = match judgement.latency.len() {
                0 => String::new(),
                count => format!(", {count} latencies"),
            };
            format!(
                "gate {zoo}: {word} ({} metrics and {floors} category floors{latencies} hold; {method})",
                checks.len()
            )
        }
        Verdict::Fail => format!(
            "gate {zoo}: {word} ({} of {} metrics and {} of {floors} category floors{} do not hold; {method})",
            judgement.failed().count(),
            checks.len(),
            judgement.fallen().count(),
            slower(judgement)
        ),
    }
}

fn slower(judgement: &Judgement) -> String {
    match judgement.latency.len() {
        0 => String::new(),
        count => format!(" and {} of {count} latencies", judgement.slower().count()),
    }
}

/// Why it is invalid, what to look at, and what was not judged.
pub(super) fn remarks(judgement: &Judgement) -> Vec<String> {
    let invalid = judgement.invalid.iter().map(|reason| format!("invalid: {reason}"));
    let hints = judgement.hints().into_iter().map(|hint| format!("look at: {hint}"));
    let unchecked = judgement.unchecked.iter().map(|variant| format!("not in the baseline: {variant}"));
    invalid.chain(hints).chain(unchecked).collect()
}

/// The metrics and, where any lost, the categories that lost most.
pub(super) fn tables(judgement: &Judgement) -> Vec<(&'static str, Table)> {
    let mut tables = Vec::new();
    if !judgement.checks.is_empty() {
        tables.push(("Metrics (AP, AR and agreement in points)", metrics(&judgement.checks)));
    }
    if !judgement.latency.is_empty() {
        tables.push(("Latencies (median in ms)", latencies(&judgement.latency)));
    }
    let lost = judgement.lost_most(LOST_SHOWN);
    if !lost.is_empty() {
        tables.push(("Categories that lost most (mask AP in points)", lost_most(&lost)));
    }
    tables
}

fn metrics(checks: &[Check]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new([
        ("variant", Left),
        ("metric", Left),
        ("baseline", Right),
        ("run", Right),
        ("change", Right),
        ("allowed", Right),
        ("", Left),
    ]);
    for check in checks {
        let Check { variant, metric, target, measured, tolerance, outcome } = check;
        let number = |value: f64| if metric.is_fraction() { points(value) } else { rounded(value) };
        let change = signed(number(measured - target));
        let allowed = format!("-{} +{}", number(tolerance.max_drop), number(tolerance.max_rise));
        let texts = [variant.clone(), metric.to_string(), number(*target), number(*measured), change, allowed];
        table.push(texts.iter().map(Cell::new).chain([outcome_cell(*outcome)]).collect());
    }
    table
}

fn latencies(checks: &[LatencyCheck]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new([("row", Left), ("baseline", Right), ("run", Right), ("allowed", Right), ("", Left)]);
    for check in checks {
        let allowed = format!("+{} %", 100.0 * check.max_rise);
        let texts = [check.row.clone(), rounded(check.target_ms), rounded(check.measured_ms), allowed];
        table.push(texts.iter().map(Cell::new).chain([outcome_cell(check.outcome)]).collect());
    }
    table
}

fn lost_most(lost: &[&CategoryCheck]) -> Table {
    use Align::{Left, Right};
    let mut table = Table::new([
        ("variant", Left),
        ("category", Left),
        ("baseline", Right),
        ("run", Right),
        ("change", Right),
        ("floor", Right),
        ("", Left),
    ]);
    for check in lost {
        let floor = check.floor.map_or("-".to_string(), points);
        let change = signed(points(check.measured - check.target));
        let names = [check.variant.clone(), check.category.clone()];
        let values = [points(check.target), points(check.measured), change, floor];
        table.push(names.iter().chain(&values).map(Cell::new).chain([outcome_cell(check.outcome)]).collect());
    }
    table
}

fn outcome_cell(outcome: Outcome) -> Cell {
    let tone = match outcome {
        Outcome::Within => Tone::Good,
        Outcome::NotSignificant => Tone::Unsure,
        Outcome::Dropped | Outcome::Rose => Tone::Bad,
    };
    Cell::toned(outcome.words(), tone)
}

fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Pass => Tone::Good,
        Verdict::Fail => Tone::Bad,
        Verdict::Invalid => Tone::Unsure,
    }
}

/// A fraction in points, with a digit more than the default tolerance has.
fn points(fraction: f64) -> String {
    format!("{:.3}", 100.0 * fraction)
}

/// A count as it is, a mean with three digits.
fn rounded(value: f64) -> String {
    if value.fract() == 0.0 {
        return value.to_string();
    }
    format!("{value:.3}")
}

fn signed(number: String) -> String {
    let zero = number.chars().all(|c| matches!(c, '-' | '0' | '.'));
    match number.strip_prefix('-') {
        Some(positive) if zero => positive.to_string(),
        Some(_) => number,
        None if zero => number,
        None => format!("+{number}"),
    }
}
