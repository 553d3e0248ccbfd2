//! A baseline as TOML.

use super::{Baseline, CategoryTarget, LatencyBaseline, Metric, Target, VariantBaseline};
use crate::report::{ImageList, Protocol};

const HEAD: &str = "\
# What `zoobench gate RUN --baseline FILE` holds a run against.
# AP and AR are fractions in full precision. A value passes from target - max_drop to
# target + max_rise; a metric may name its own: { target = 0.4, max_drop = 0.001, max_rise = 0.01 }.
# Lines may be taken out: what is not here is not checked. `gate --accept` rewrites this file from a
# run, keeping tolerances and which values are checked, but not comments of your own.
";

impl Baseline {
    /// The commented TOML file; [`Baseline::parse`] reads back what this holds.
    pub fn to_toml(&self) -> String {
        let mut out = format!("{HEAD}\nschema_version = {}\nzoo = {}\n", self.schema_version, quoted(&self.zoo));
        out += "\n# A run on another annotation file, on other images or under another protocol is INVALID.\n";
        out += &format!("annotations_sha256 = {}\nimages = {}\n", quoted(&self.annotations_sha256), self.images);
        if let Some(subset) = &self.subset {
            out += "# Part of the data: only this very subset is judged, and it says nothing about the whole.\n";
            out += &format!("subset = {}\n", quoted(subset));
        }
        if let Some(ImageList { sha256, count }) = &self.image_list {
            out += "# The images of the list, whatever its path; another list is INVALID.\n";
            out += &format!("image_list = {{ sha256 = {}, count = {count} }}\n", quoted(sha256));
        }
        out += "\n# Of every AP and AR that names none: 0.0005 is 0.05 AP.\n[tolerance]\n";
        out += &format!("max_drop = {}\nmax_rise = {}\n", self.tolerance.max_drop, self.tolerance.max_rise);
        out += &protocol(&self.protocol);
        out += &self.latency.as_ref().map(latency).unwrap_or_default();
        let variants = self.variants.iter().map(|(name, expected)| variant(name, expected));
        out + &variants.collect::<String>()
    }

    /// The same keys and values as JSON, for programs that look at a baseline; the gate reads TOML.
    pub fn to_json(&self) -> String {
        let value: serde_json::Value = toml::from_str(&self.to_toml()).expect("our own TOML");
        format!("{value:#}\n")
    }
}

fn protocol(protocol: &Protocol) -> String {
    let Protocol { id, split, detections_per_image, area, input_size, score_threshold, nms_iou } = protocol;
    let area = crate::report::area_rule(*area);
    format!(
        "\n[protocol]\nid = {}\nsplit = {}\ndetections_per_image = {detections_per_image}\narea = {}\n\
         input_size = {input_size}\nscore_threshold = {score_threshold}\nnms_iou = {nms_iou}\n",
        quoted(id),
        quoted(split),
        quoted(area)
    )
}

fn latency(latency: &LatencyBaseline) -> String {
    let LatencyBaseline { fingerprint, max_rise, p50_ms } = latency;
    let rows = p50_ms.iter().map(|(row, ms)| format!("{} = {ms}\n", quoted(row)));
    format!(
        "\n# Medians in ms on one machine: a measurement of another one is INVALID.\n[latency]\n\
         fingerprint = {}\n# 0.1 lets a median rise by 10 %; a faster one always passes.\nmax_rise = {max_rise}\n\n\
         [latency.p50_ms]\n{}",
        quoted(fingerprint),
        rows.collect::<String>()
    )
}

fn variant(name: &str, expected: &VariantBaseline) -> String {
    let name = quoted(name);
    let mut out = format!("\n[variants.{name}]\nweights_sha256 = {}\n", quoted(&expected.weights_sha256));
    if !expected.metrics.is_empty() {
        out += &format!("\n[variants.{name}.metrics]\n");
        out += &expected.metrics.iter().map(|(&metric, value)| target(metric, value)).collect::<String>();
    }
    if !expected.categories.is_empty() {
        out += &format!("\n# Mask AP by category; below its floor it fails.\n[variants.{name}.categories]\n");
        out += &expected.categories.iter().map(|(name, value)| category(name, value)).collect::<String>();
    }
    out
}

fn target(metric: Metric, value: &Target) -> String {
    let tolerance = |key: &str, value: Option<f64>| value.map(|value| format!(", {key} = {value}")).unwrap_or_default();
    let own = tolerance("max_drop", value.max_drop) + &tolerance("max_rise", value.max_rise);
    format!("\"{metric}\" = {{ target = {}{own} }}\n", value.target)
}

fn category(name: &str, value: &CategoryTarget) -> String {
    let floor = value.floor.map(|floor| format!(", floor = {floor}")).unwrap_or_default();
    format!("{} = {{ AP = {}{floor} }}\n", quoted(name), value.ap)
}

/// A basic string of TOML, which is also a quoted key.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out += &format!("\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn any_text_survives_as_a_key() {
        for text in ["plain", "a \"b\" \\ c", "line\nbreak\u{7f}", "実測", ""] {
            let table: toml::Table = toml::from_str(&format!("{} = 1", quoted(text))).expect("TOML");
            assert_eq!(table.keys().collect::<Vec<_>>(), [text]);
        }
    }
}
