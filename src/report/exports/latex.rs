//! The model-zoo table in LaTeX.

use crate::report::text::{difference, points, protocol_short, published, sanitized};
use crate::report::{compare, Comparison, RowComparison, StoredRun};

/// A `table` for the package `booktabs`: ours above published, mask
/// AP and its three groups and box AP, with the protocol in the caption.
pub fn latex(run: &StoredRun) -> String {
    let record = run.record();
    let caveat = run.caveat().map(|caveat| format!(" Not comparable: {caveat}.")).unwrap_or_default();
    let caption = format!("{}. {}.{caveat}", record.title, protocol_short(&record.protocol));
    let rows: String = compare(run).iter().map(|row| lines(row, &record.published_label)).collect();
    format!(
        "% Needs \\usepackage{{booktabs}}.\n\\begin{{table}}\n  \\centering\n  \\caption{{{}}}\n\
         \x20 \\begin{{tabular}}{{lllrrrrrl}}\n    \\toprule\n\
         \x20   Model & Tuned & & AP & AP$_r$ & AP$_c$ & AP$_f$ & AP$^b$ & Verdict \\\\\n    \\midrule\n\
         {rows}    \\bottomrule\n  \\end{{tabular}}\n\\end{{table}}\n",
        escaped(&caption)
    )
}

fn lines(row: &RowComparison, label: &str) -> String {
    let values: Vec<&Comparison> = row.mask.iter().chain(&row.boxes[..1]).collect();
    let cells =
        |text: fn(&Comparison) -> String| values.iter().map(|value| text(value)).collect::<Vec<_>>().join(" & ");
    let names = format!("{} & {}", escaped(&row.row.title), escaped(&row.row.tuned));
    let verdict = escaped(row.verdict.words());
    let known = format!("    & & {} & {} & \\\\\n", escaped(label), cells(|value| published(value.published)));
    let ours = format!("    {names} & ours & {} & {verdict} \\\\\n", cells(|value| points(value.ours)));
    let delta = format!("    & & $\\Delta$ & {} & \\\\\n", cells(|value| difference(value.delta)));
    ours + &known + &delta
}

/// `text` with LaTeX's special characters made literal.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in sanitized(text).chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', c]),
            '~' => out += "\\textasciitilde{}",
            '^' => out += "\\textasciicircum{}",
            '\\' => out += "\\textbackslash{}",
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn special_characters_are_literal() {
        assert_eq!(escaped("a_b & 5% \\input{x}"), "a\\_b \\& 5\\% \\textbackslash{}input\\{x\\}");
    }
}
