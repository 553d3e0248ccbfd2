//! Why a stored run was refused or a report could not be written.

use std::path::PathBuf;

/// Why a stored run was refused or a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file of the run is not there.
    #[error("{}: not there; a run's folder holds run.json and <variant>/metrics.json of every finished row: name such a folder or run the evaluation again", .file.display())]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read {}: {source}; check its permissions", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file is larger than any this program writes.
    #[error("{}: larger than {limit} bytes, which no run writes; evaluate the variant again", .file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Bytes allowed.
        limit: u64,
    },
    /// A file is damaged: not JSON, or keys are missing or of the wrong type.
    #[error("{}: damaged: {reason}; delete it and evaluate the variant again", .file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What the parser said, with line and column.
        reason: String,
    },
    /// A file is of another version, or of another program.
    #[error("{}: schema_version is {found}, this version reads {expected}; render it with the version of zoobench that wrote it, or run again", .file.display())]
    ForeignSchema {
        /// The file.
        file: PathBuf,
        /// What stands there.
        found: String,
        /// What this version reads.
        expected: u32,
    },
    /// A row's name cannot be the name of its folder.
    #[error("{}: variant {variant:?} cannot name a folder below the run's; correct the zoo and run again", .file.display())]
    UnsafeVariant {
        /// The file.
        file: PathBuf,
        /// The name.
        variant: String,
    },
    /// More rows than any zoo has.
    #[error("{}: {rows} rows, at most {limit} can be reported; split the zoo and run its parts", .file.display())]
    TooManyRows {
        /// The file.
        file: PathBuf,
        /// Rows in the file.
        rows: usize,
        /// Rows allowed.
        limit: usize,
    },
    /// Two rows would share a folder.
    #[error("{}: variant {variant:?} stands in two rows; correct the zoo and run again", .file.display())]
    DuplicateVariant {
        /// The file.
        file: PathBuf,
        /// The name.
        variant: String,
    },
    /// Metrics made for another run.
    #[error("{}: made under another {what} than run.json says; evaluate the variant again in this folder", .file.display())]
    ForeignMetrics {
        /// The file.
        file: PathBuf,
        /// Which part does not agree.
        what: &'static str,
    },
    /// A value outside its range.
    #[error("{}: {key} = {value} is outside {min} to {max}; the file is damaged: evaluate the variant again", .file.display())]
    OutOfRange {
        /// The file.
        file: PathBuf,
        /// The key.
        key: String,
        /// Its value.
        value: f64,
        /// Least value allowed.
        min: f64,
        /// Largest value allowed.
        max: f64,
    },
    /// A precision-recall curve without its 101 points.
    #[error("{}: curve {curve} has {points} points, not 101 (or none); the file is damaged: evaluate the variant again", .file.display())]
    BadCurve {
        /// The file.
        file: PathBuf,
        /// The curve.
        curve: &'static str,
        /// Its number of points.
        points: usize,
    },
    /// A plot could not be drawn.
    #[error("cannot draw {plot}: {reason}; the tables are not affected, please report it")]
    Drawing {
        /// The plot.
        plot: String,
        /// What the drawing library said.
        reason: String,
    },
    /// A report could not be written.
    #[error("cannot write {}: {source}; check free space and permissions of the folder", .file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
