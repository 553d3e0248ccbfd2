//! A trend as table, Markdown, CSV and JSON.

use serde::Serialize;

use super::{Trend, TrendRun, TrendSeries};
use crate::report::table::{escaped, Align, Cell, Table, Tone};
use crate::report::text::{difference, fraction, sanitized};

/// Version of `trend.json`.
pub const TREND_SCHEMA_VERSION: u32 = 1;

/// JSON Schema (draft 2020-12) of what [`trend_json`] gives.
pub const TREND_JSON_SCHEMA: &str = include_str!("../schema/trend.schema.json");

/// What the table shows; CSV and JSON have every metric.
const SHOWN: [&str; 5] = ["segm/AP", "segm/APr", "segm/APc", "segm/APf", "bbox/AP"];

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    runs: &'a [TrendRun],
    /// Oldest run first, as `runs`.
    series: &'a [TrendSeries],
    other_weights: &'a [String],
}

/// The trend as lines of `width` columns. ANSI colour only if asked.
pub fn trend_terminal(trend: &Trend, color: bool, width: usize) -> String {
    let mut out = "Trend in AP points, oldest run first\n\n".to_string();
    out += &table(trend).fixed(width, color);
    let notes = notes(trend);
    if !notes.is_empty() {
        out += "\n";
    }
    out + &notes.iter().map(|note| format!("{}\n", sanitized(note))).collect::<String>()
}

/// The trend in GitHub's Markdown. Pictures are linked at `plots/`.
pub fn trend_markdown(trend: &Trend) -> String {
    let mut out = format!("# Trend in AP points, oldest run first\n\n{}", table(trend).markdown());
    let notes = notes(trend);
    if !notes.is_empty() {
        out += "\n";
    }
    out += &notes.iter().map(|note| format!("- {}\n", escaped(&sanitized(note)))).collect::<String>();
    out + "\n![Mask AP over the runs](plots/trend.svg)\n"
}

/// One line per variant, metric and run, at full precision (AP and AR as fractions).
pub fn trend_csv(trend: &Trend) -> String {
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let mut out = "variant,metric,run,value,from_first,from_previous\n".to_string();
    for series in &trend.series {
        for (index, run) in trend.runs.iter().enumerate() {
            let numbers = [series.values[index], series.from_first[index], series.from_previous[index]].map(number);
            let name = format!("\"{}\"", run.run.replace('"', "\"\""));
            out += &format!("{},{},{name},{}\n", series.variant, series.metric, numbers.join(","));
        }
    }
    out
}

/// `trend.json`: every series at full precision.
pub fn trend_json(trend: &Trend) -> String {
    let Trend { runs, series, other_weights } = trend;
    let document = Document { schema_version: TREND_SCHEMA_VERSION, runs, series, other_weights };
    serde_json::to_string_pretty(&document).expect("string keys and finite numbers, checked on reading") + "\n"
}

fn table(trend: &Trend) -> Table {
    let columns = ["run", "value", "to first", "to previous"];
    let names = [("variant", Align::Left), ("metric", Align::Left), (columns[0], Align::Left)];
    let mut table = Table::new(names.into_iter().chain(columns[1..].iter().map(|name| (*name, Align::Right))));
    for series in trend.series.iter().filter(|series| SHOWN.contains(&series.metric.as_str())) {
        for (index, run) in trend.runs.iter().enumerate() {
            table.push(line(series, index, run));
        }
    }
    table
}

/// The names stand in a series' first line alone.
fn line(series: &TrendSeries, index: usize, run: &TrendRun) -> Vec<Cell> {
    let names = if index == 0 { [series.variant.as_str(), series.metric.as_str()] } else { [""; 2] };
    let names =
        names.into_iter().map(Cell::new).chain([Cell::new(&run.run), Cell::new(fraction(series.values[index]))]);
    let changes = [series.from_first[index].filter(|_| index > 0), series.from_previous[index]].map(change);
    names.chain(changes).collect()
}

fn change(fraction: Option<f64>) -> Cell {
    let text = difference(fraction.map(|fraction| 100.0 * fraction));
    let tone = match text.chars().next() {
        Some('-') if text.len() > 1 => Tone::Bad,
        Some('+') => Tone::Good,
        _ => Tone::Plain,
    };
    Cell::toned(text, tone)
}

fn notes(trend: &Trend) -> Vec<String> {
    let changed = trend.runs.iter().filter(|run| !run.changed.is_empty()).map(|run| {
        let what = run.changed.join(" and ");
        format!("{}: another {what} than the run before; no difference is given across it", run.run)
    });
    let caveats = trend.runs.iter().filter_map(|run| Some(format!("{}: {}", run.run, run.caveat.as_ref()?)));
    let weights = trend.other_weights.iter().map(|variant| format!("{variant}: not every run had the same weights"));
    changed.chain(caveats).chain(weights).collect()
}
