//! The folder of a run. Whatever stands in it is whole: files and variants appear by renaming.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::RunError;
use crate::dataset::write_whole;
use crate::evaluation::{IouType, State};
use crate::report::{state_file, RunRecord, VariantMetrics};

/// Name of the file that makes a folder a run.
pub const RUN_FILE: &str = "run.json";

/// Name of a variant's metrics, in its folder.
pub const METRICS_FILE: &str = "metrics.json";

/// Name of a variant's detections, in its folder.
pub const RESULTS_FILE: &str = "results.json";

/// A run's folder, opened for writing.
#[derive(Debug)]
pub struct RunFolder {
    root: PathBuf,
    /// The topmost folder that did not exist before, removed again if nothing is kept.
    created: Option<PathBuf>,
}

impl RunFolder {
    /// Opens or creates the folder.
    ///
    /// # Errors
    /// Where it cannot be created or written, or holds something else than a run.
    pub fn open(root: &Path) -> Result<Self, RunError> {
        let created = root.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).last();
        let created = created.map(Path::to_owned);
        let cannot = |error| RunError::Output { path: root.to_owned(), error };
        fs::create_dir_all(root).map_err(cannot)?;
        let folder = Self { root: root.to_owned(), created };
        let foreign = fs::read_dir(root).map_err(cannot)?.next().is_some() && !root.join(RUN_FILE).exists();
        if foreign {
            return Err(RunError::ForeignFolder { path: root.to_owned() });
        }
        // Found out now rather than after hours of work.
        if let Err(error) = tempfile::tempfile_in(root) {
            folder.discard();
            return Err(cannot(error));
        }
        Ok(folder)
    }

    /// Removes what opening created, where nothing was put in.
    pub fn discard(self) {
        let Some(top) = &self.created else { return };
        for path in self.root.ancestors() {
            // A folder with something in it stays: `remove_dir` refuses it.
            if fs::remove_dir(path).is_err() || path == top {
                return;
            }
        }
    }

    /// A folder to be filled for a variant, beside its final place.
    ///
    /// # Errors
    /// Where it cannot be created.
    pub fn stage(&self) -> Result<tempfile::TempDir, RunError> {
        let builder = || tempfile::Builder::new().prefix(".variant-").tempdir_in(&self.root);
        builder().map_err(|error| RunError::Output { path: self.root.clone(), error })
    }

    /// Writes the run's record.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_record(&self, record: &RunRecord) -> Result<(), RunError> {
        write_json(&self.root.join(RUN_FILE), record)
    }

    /// Writes a variant's metrics into its folder while that is being filled.
    ///
    /// # Errors
    /// Where they cannot be written.
    pub fn write_metrics(&self, staged: &Path, metrics: &VariantMetrics) -> Result<(), RunError> {
        write_json(&staged.join(METRICS_FILE), metrics)
    }

    /// Writes what became of each image into a variant's folder while that is being filled.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_state(staged: &Path, iou: IouType, state: &State) -> Result<(), RunError> {
        let path = staged.join(state_file(iou));
        write_whole(&path, &state.to_bytes()).map_err(|error| RunError::Output { path, error })
    }

    /// Puts a filled folder in its final place, over an older one.
    ///
    /// # Errors
    /// Where it cannot be moved.
    pub fn publish(&self, staged: tempfile::TempDir, variant: &str) -> Result<(), RunError> {
        let target = self.root.join(variant);
        let moved = || -> std::io::Result<()> {
            make_readable(staged.path())?;
            if target.exists() {
                fs::remove_dir_all(&target)?;
            }
            fs::rename(staged.path(), &target)
        };
        moved().map_err(|error| RunError::Output { path: target.clone(), error })?;
        // Its path is gone: there is nothing left to clean up.
        let _ = staged.keep();
        Ok(())
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), RunError> {
    let written = serde_json::to_vec_pretty(value).map_err(std::io::Error::from).and_then(|mut json| {
        json.push(b'\n');
        write_whole(path, &json)
    });
    written.map_err(|error| RunError::Output { path: path.to_owned(), error })
}

/// Temporary folders are private; a run is as readable as any other output.
#[cfg(unix)]
fn make_readable(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

#[cfg(not(unix))]
fn make_readable(_path: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_made_and_unmade() {
        let base = tempfile::tempdir().expect("a temporary folder");
        let root = base.path().join("runs/new");
        RunFolder::open(&root).expect("a new folder").discard();
        assert!(!base.path().join("runs").exists());
        assert!(base.path().exists());
    }

    #[test]
    fn a_folder_with_something_else_in_it_is_refused() {
        let base = tempfile::tempdir().expect("a temporary folder");
        fs::write(base.path().join("thesis.tex"), "years of work").expect("a file");
        let refused = RunFolder::open(base.path()).expect_err("not a run");
        assert!(matches!(refused, RunError::ForeignFolder { .. }), "{refused}");
    }

    #[test]
    fn a_variant_appears_whole_and_replaces_an_older_one() {
        let base = tempfile::tempdir().expect("a temporary folder");
        let folder = RunFolder::open(base.path()).expect("an empty folder");
        for text in ["old", "new"] {
            let staged = folder.stage().expect("a staging folder");
            fs::write(staged.path().join("metrics.json"), text).expect("a file");
            folder.publish(staged, "v1").expect("published");
        }
        assert_eq!(fs::read_to_string(base.path().join("v1/metrics.json")).expect("published"), "new");
        assert_eq!(fs::read_dir(base.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let base = tempfile::tempdir().expect("a temporary folder");
        let file = base.path().join("file");
        fs::write(&file, "").expect("a file");
        let refused = RunFolder::open(&file.join("below")).expect_err("cannot be created");
        assert!(matches!(refused, RunError::Output { .. }), "{refused}");
    }
}
