//! The table that `latency` prints.

use crate::latency::{LatencyRecord, Measurement};
use crate::report::{threads, Align, Cell, Table};

/// Rows, stages, comparison, notes and verdict.
pub fn table(record: &LatencyRecord, width: usize) -> String {
    let mut text = rows(record).fixed(width, false);
    for row in &record.measurements {
        text += &format!("{}: {}\n", row.describe(), stages(row));
    }
    for comparison in &record.comparisons {
        let row = record.measurements[comparison.measurement].describe();
        let (word, share) = (comparison.change.as_str(), 100.0 * comparison.difference);
        text += &format!("{row}: {word} ({share:+.1} % of {:.2} ms)\n", comparison.base_p50_ms);
    }
    let machine = &record.machine;
    text += &format!("\n{}, {}; GPU: {}\n", machine.cpu, threads(machine.threads), machine.gpu);
    text += &record.notes.iter().map(|note| format!("note: {note}\n")).collect::<String>();
    text += &record.reasons.iter().map(|reason| format!("  {reason}\n")).collect::<String>();
    format!("{text}{}\n", record.verdict.as_str())
}

fn rows(record: &LatencyRecord) -> Table {
    let names = ["variant", "latency", "scenario"].map(|name| (name, Align::Left));
    let numbers = ["batch", "samples", "p50 ms", "95 % interval", "p90", "p95", "p99", "max", "images/s", "outliers"];
    let mut table = Table::new(names.into_iter().chain(numbers.map(|name| (name, Align::Right))));
    for row in &record.measurements {
        table.push(cells(row).into_iter().map(Cell::new).collect());
    }
    table
}

fn cells(row: &Measurement) -> Vec<String> {
    let ms = |value: f64| format!("{value:.2}");
    let latency = match row.is_deployed() {
        true => format!("{} (scores above {})", row.latency.name(), row.score_threshold),
        false => row.latency.name().to_owned(),
    };
    let [low, high] = row.p50_ci95_ms;
    let rate = row.images_per_second.map_or_else(|| "-".to_owned(), ms);
    let mut cells = vec![row.variant.clone(), latency, row.scenario.name().to_owned()];
    cells.extend([row.batch.to_string(), row.samples.to_string(), ms(row.p50_ms), format!("{low:.2}..{high:.2}")]);
    cells.extend([row.p90_ms, row.p95_ms, row.p99_ms, row.max_ms].map(ms));
    cells.extend([rate, row.outliers.to_string()]);
    cells
}

/// `letterbox 1.20 + network 80.00 = 81.20 of 81.21 ms mean`.
fn stages(row: &Measurement) -> String {
    let parts: Vec<String> = row.stages.iter().map(|stage| format!("{} {:.2}", stage.name, stage.mean_ms)).collect();
    let sum: f64 = row.stages.iter().map(|stage| stage.mean_ms).sum();
    format!("{} = {sum:.2} of {:.2} ms mean", parts.join(" + "), row.mean_ms)
}
