//! Why a baseline was refused.

use std::path::PathBuf;

use super::Invalid;

/// Why a baseline was refused: each variant names the file, the rule and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The file could not be read.
    #[error("cannot read the baseline {}: {source}; write one with `zoobench baseline RUN > FILE`", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than any baseline.
    #[error("{}: larger than {limit} bytes, which no baseline needs; is this the right file?", .file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Bytes allowed.
        limit: u64,
    },
    /// The file is not text.
    #[error("{}: not UTF-8 from byte {offset} on; a baseline is TOML in UTF-8", .file.display())]
    NotUtf8 {
        /// The file.
        file: PathBuf,
        /// First byte that is not.
        offset: usize,
    },
    /// The file is not TOML.
    #[error("{file}:{line}: not TOML: {reason}; correct the line")]
    Syntax {
        /// The file as given.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// What the parser said.
        reason: String,
    },
    /// The file is of another version, or no baseline.
    #[error("{file}: schema_version is {found}, this version reads {expected}; write the baseline again with `zoobench baseline RUN > FILE`")]
    ForeignSchema {
        /// The file as given.
        file: String,
        /// What stands there.
        found: String,
        /// What this version reads.
        expected: u32,
    },
    /// A key is unknown or missing, or its value has the wrong type.
    #[error("{file}:{line}: {reason}; `zoobench baseline RUN` writes every key there is")]
    Shape {
        /// The file as given.
        file: String,
        /// Line, counted from 1.
        line: usize,
        /// Which key.
        reason: String,
    },
    /// A checksum is not one.
    #[error("{file}: {key} = {value:?} is no SHA-256; copy the 64 lower-case hex digits from the run")]
    BadChecksum {
        /// The file as given.
        file: String,
        /// The key.
        key: String,
        /// Its value.
        value: String,
    },
    /// A number outside its range.
    #[error("{file}: {key} = {value} is outside 0 to {max}; accuracies and tolerances are fractions, not AP points")]
    OutOfRange {
        /// The file as given.
        file: String,
        /// The key.
        key: String,
        /// Its value.
        value: f64,
        /// Largest value allowed.
        max: f64,
    },
    /// A variant that no run can have.
    #[error("{file}: variant {variant:?} cannot name a row of a run; correct its name")]
    BadVariant {
        /// The file as given.
        file: String,
        /// The name.
        variant: String,
    },
    /// A variant, or the whole file, under which nothing is checked.
    #[error(
        "{file}: {what} checks nothing; give it a metric with a target or a category with a floor, or take it out"
    )]
    ChecksNothing {
        /// The file as given.
        file: String,
        /// The file as a whole or one variant.
        what: String,
    },
    /// A latency measurement that cannot be read.
    #[error("{}: no latency measurement: {reason}; give the JSON file of `zoobench latency --json FILE`", .file.display())]
    BadLatency {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A run from which no baseline can be made.
    #[error("no baseline can be made of this run: {reason}")]
    NothingToRecord {
        /// Why.
        reason: Invalid,
    },
}
