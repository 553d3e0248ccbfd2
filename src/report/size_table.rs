//! The table of sizes and latencies.

use std::collections::BTreeMap;

use super::document::Detail;
use super::table::Align::{Left, Right};
use super::table::{Cell, Table, Tone};
use super::tables::measured;
use super::text::ABSENT;
use super::{LatencySummary, RowComparison, VariantLatency, VariantMetrics};

/// Parameters, FLOPs and latencies of every measured row; `None` where nothing was measured.
pub(super) fn size_and_speed(rows: &[RowComparison], detail: Detail) -> Option<Table> {
    let full = detail == Detail::Full;
    let timed = measured(rows).any(|(_, metrics)| metrics.latency.is_some());
    let mut header = vec![("Model", Left)];
    if full {
        header.extend([("Fine-tuned", Left), ("image part, M", Right)]);
    }
    header.extend([("params, M", Right), ("GFLOPs", Right)]);
    if timed {
        header.extend([("Latency", Left), ("p50 ms", Right), ("p90 ms", Right)]);
        if full {
            header.push(("95 % interval of p50", Right));
        }
        header.push(("Verdict", Left));
    }
    let mut table = Table::new(header);
    let mut any = false;
    for (row, metrics) in measured(rows) {
        any = true;
        for line in size_lines(row, metrics, full) {
            table.push(line);
        }
    }
    any.then_some(table)
}

/// A line a latency; the row's own numbers stand in the first.
fn size_lines(row: &RowComparison, metrics: &VariantMetrics, full: bool) -> Vec<Vec<Cell>> {
    let count = |counts: &BTreeMap<String, u64>, part: &str, scale: f64| {
        counts.get(part).map_or_else(|| ABSENT.to_string(), |&count| format!("{:.2}", scale * count as f64))
    };
    let total = count(&metrics.parameters, "total", 1e-6);
    let flops = count(&metrics.macs, "total", 2e-9);
    let (title, tuned) = (row.row.title.clone(), row.row.tuned.clone());
    let firsts = match full {
        true => vec![vec![title, tuned, count(&metrics.parameters, "image", 1e-6), total, flops]],
        false => vec![vec![title, total, flops], vec![format!("  {tuned}")]],
    };
    let width = firsts[0].len();
    let latencies = metrics.latency.as_ref().map(|latency| latency_lines(latency, full)).unwrap_or_default();
    let line = |index: usize| {
        let mut cells = firsts.get(index).cloned().unwrap_or_default();
        cells.resize(width, String::new());
        let latency = latencies.get(index).cloned().unwrap_or_default();
        cells.into_iter().map(Cell::new).chain(latency).collect()
    };
    (0..firsts.len().max(latencies.len())).map(line).collect()
}

fn latency_lines(latency: &VariantLatency, full: bool) -> Vec<Vec<Cell>> {
    let (verdict, tone) = (latency.verdict(), if latency.reasons.is_empty() { Tone::Good } else { Tone::Bad });
    let line = |row: &LatencySummary| {
        let [low, high] = row.p50_ci95_ms;
        let numbers = [row.latency.clone(), format!("{:.2}", row.p50_ms), format!("{:.2}", row.p90_ms)];
        let interval = full.then(|| format!("{low:.2} to {high:.2}"));
        numbers.into_iter().chain(interval).map(Cell::new).chain([Cell::toned(verdict, tone)]).collect()
    };
    latency.measurements.iter().map(line).collect()
}
