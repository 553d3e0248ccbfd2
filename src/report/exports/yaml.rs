//! What the YAML forms share.

use crate::report::text::sanitized;
use crate::report::{Row, StoredRun, VariantMetrics};

/// A double-quoted YAML scalar: JSON's strings are also YAML's.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::String(sanitized(text)).to_string()
}

/// AP points with the digit that model zoos print and one more.
pub(super) fn points(fraction: Option<f64>) -> Option<String> {
    fraction.map(|value| format!("{:.2}", 100.0 * value))
}

/// Rows whose numbers may be published.
pub(super) fn publishable(run: &StoredRun) -> Vec<(&Row, &VariantMetrics)> {
    let rows = run.record().rows.iter().filter(|row| run.is_comparable(&row.variant));
    rows.filter_map(|row| Some((row, run.metrics(&row.variant)?))).collect()
}

/// `key:` and the items below it, or an empty list.
pub(super) fn list(key: &str, items: &[String]) -> String {
    if items.is_empty() {
        return format!("{key}: []\n");
    }
    format!("{key}:\n{}", items.concat())
}
