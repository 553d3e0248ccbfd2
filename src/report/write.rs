//! The report's files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::{csv, json, markdown, plots, ReportError, StoredRun};

/// Writes `report.md`, `report.csv`, `report.json` and `plots/` into `folder` and returns their
/// paths. Each file appears whole or not at all: it is written beside its place and then renamed.
///
/// # Errors
/// [`ReportError::Unwritable`] naming the file, [`ReportError::Drawing`] naming the plot.
pub fn write(run: &StoredRun, folder: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut files = vec![
        ("report.md".to_string(), markdown(run).into_bytes()),
        ("report.csv".to_string(), csv(run).into_bytes()),
        ("report.json".to_string(), json(run).into_bytes()),
    ];
    files.extend(plots(run)?.into_iter().map(|plot| (format!("plots/{}", plot.name), plot.bytes)));
    files.iter().map(|(name, bytes)| write_whole(&folder.join(name), bytes)).collect()
}

fn write_whole(file: &Path, bytes: &[u8]) -> Result<PathBuf, ReportError> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let unwritable = |source| ReportError::Unwritable { file: file.to_path_buf(), source };
    fs::create_dir_all(folder).map_err(unwritable)?;
    let mut temporary = beside(folder).map_err(unwritable)?;
    temporary.write_all(bytes).map_err(unwritable)?;
    temporary.persist(file).map_err(|error| unwritable(error.error))?;
    Ok(file.to_path_buf())
}

/// A temporary file with the permissions of any other new file, not those of a secret.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(".report-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}
