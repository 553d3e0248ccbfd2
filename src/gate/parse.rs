//! A baseline from TOML.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::{Baseline, GateError, LatencyBaseline, Metric, Target, Tolerance, VariantBaseline};
use crate::report::is_folder_name;

/// Version of the baseline's form.
pub const BASELINE_SCHEMA_VERSION: u32 = 1;

/// Eight variants of 1203 categories make some 800 kB; this bounds what a mistaken path can make us read.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// Counts are compared as numbers that hold every integer up to here.
const MAX_COUNT: f64 = 9_007_199_254_740_992.0;

impl Baseline {
    /// A baseline from a TOML file.
    ///
    /// # Errors
    /// Whatever [`Baseline::parse`] refuses, and a file that is unreadable, over 16 MiB, or not UTF-8.
    pub fn read(path: &Path) -> Result<Self, GateError> {
        let unreadable = |source| GateError::Unreadable { file: path.to_path_buf(), source };
        let mut bytes = Vec::new();
        File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(GateError::TooLarge { file: path.to_path_buf(), limit: MAX_FILE_BYTES });
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let offset = error.utf8_error().valid_up_to();
            GateError::NotUtf8 { file: path.to_path_buf(), offset }
        })?;
        Self::parse(&text, &path.display().to_string())
    }

    /// A baseline from TOML text; `file` is the name used in errors.
    ///
    /// # Errors
    /// A [`GateError`] for what is no TOML, of another version, of another shape, out of range, or
    /// checks nothing.
    pub fn parse(text: &str, file: &str) -> Result<Self, GateError> {
        let check = Check { text, file };
        let table: toml::Table = toml::from_str(text).map_err(|error| check.syntax(&error))?;
        check.version(table.get("schema_version"))?;
        let baseline: Self = toml::from_str(text).map_err(|error| check.shape(&error))?;
        check.baseline(&baseline)?;
        Ok(baseline)
    }
}

/// Checks values and knows in which file they stand.
struct Check<'a> {
    text: &'a str,
    file: &'a str,
}

impl Check<'_> {
    fn line(&self, error: &toml::de::Error) -> usize {
        let offset = error.span().map_or(0, |span| span.start);
        1 + self.text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
    }

    fn syntax(&self, error: &toml::de::Error) -> GateError {
        let reason = error.message().replace('\n', " ");
        GateError::Syntax { file: self.file.to_string(), line: self.line(error), reason }
    }

    fn shape(&self, error: &toml::de::Error) -> GateError {
        let reason = error.message().replace('\n', " ");
        GateError::Shape { file: self.file.to_string(), line: self.line(error), reason }
    }

    /// The version goes first: the keys of another version are no mistakes.
    fn version(&self, found: Option<&toml::Value>) -> Result<(), GateError> {
        if found.and_then(toml::Value::as_integer) == Some(i64::from(BASELINE_SCHEMA_VERSION)) {
            return Ok(());
        }
        let found = found.map_or_else(|| "absent".to_string(), ToString::to_string);
        Err(GateError::ForeignSchema { file: self.file.to_string(), found, expected: BASELINE_SCHEMA_VERSION })
    }

    fn baseline(&self, baseline: &Baseline) -> Result<(), GateError> {
        self.checksum("annotations_sha256", &baseline.annotations_sha256)?;
        self.tolerance(baseline.tolerance)?;
        if let Some(list) = &baseline.image_list {
            self.checksum("image_list.sha256", &list.sha256)?;
        }
        if let Some(latency) = &baseline.latency {
            self.latency(latency)?;
        }
        if baseline.variants.is_empty() {
            return Err(self.checks_nothing("the file"));
        }
        baseline.variants.iter().try_for_each(|(name, variant)| self.variant(name, variant))
    }

    fn latency(&self, latency: &LatencyBaseline) -> Result<(), GateError> {
        self.checksum("latency.fingerprint", &latency.fingerprint)?;
        self.range("latency.max_rise", latency.max_rise, 10.0)?;
        latency.p50_ms.iter().try_for_each(|(row, &ms)| self.range(&format!("latency.p50_ms.{row:?}"), ms, MAX_COUNT))
    }

    fn tolerance(&self, tolerance: Tolerance) -> Result<(), GateError> {
        self.range("tolerance.max_drop", tolerance.max_drop, 1.0)?;
        self.range("tolerance.max_rise", tolerance.max_rise, 1.0)
    }

    fn variant(&self, name: &str, variant: &VariantBaseline) -> Result<(), GateError> {
        if !is_folder_name(name) {
            return Err(GateError::BadVariant { file: self.file.to_string(), variant: name.to_string() });
        }
        self.checksum(&format!("{name}.weights_sha256"), &variant.weights_sha256)?;
        if variant.metrics.is_empty() && variant.categories.values().all(|category| category.floor.is_none()) {
            return Err(self.checks_nothing(&format!("variant {name}")));
        }
        for (&metric, target) in &variant.metrics {
            self.target(name, metric, target)?;
        }
        for (category, found) in &variant.categories {
            self.range(&format!("{name}.{category:?}.AP"), found.ap, 1.0)?;
            self.range(&format!("{name}.{category:?}.floor"), found.floor.unwrap_or_default(), 1.0)?;
        }
        Ok(())
    }

    fn target(&self, variant: &str, metric: Metric, target: &Target) -> Result<(), GateError> {
        let max = if metric.is_fraction() { 1.0 } else { MAX_COUNT };
        let values = [("target", Some(target.target)), ("max_drop", target.max_drop), ("max_rise", target.max_rise)];
        for (key, value) in values {
            self.range(&format!("{variant}.{metric}.{key}"), value.unwrap_or_default(), max)?;
        }
        Ok(())
    }

    /// Refuses what is not a number too.
    fn range(&self, key: &str, value: f64, max: f64) -> Result<(), GateError> {
        if (0.0..=max).contains(&value) {
            return Ok(());
        }
        Err(GateError::OutOfRange { file: self.file.to_string(), key: key.to_string(), value, max })
    }

    fn checksum(&self, key: &str, value: &str) -> Result<(), GateError> {
        if value.len() == 64 && value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Ok(());
        }
        let (file, key, value) = (self.file.to_string(), key.to_string(), value.to_string());
        Err(GateError::BadChecksum { file, key, value })
    }

    fn checks_nothing(&self, what: &str) -> GateError {
        GateError::ChecksNothing { file: self.file.to_string(), what: what.to_string() }
    }
}
