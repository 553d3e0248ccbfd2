//! The accuracy result that a latency is tied to.

use std::collections::BTreeMap;
use std::path::Path;

use super::record::Measurement;
use super::verdict::Reason;
use super::LatencyError;
use crate::report::StoredRun;

/// An accuracy run, and how one like it is made.
pub(super) struct Accuracy {
    folder: String,
    run: Option<StoredRun>,
    command: String,
}

impl Accuracy {
    /// # Errors
    /// A folder that holds no run.
    pub(super) fn read(folder: Option<&Path>, command: String) -> Result<Self, LatencyError> {
        let run = folder.map(StoredRun::read).transpose()?;
        Ok(Self { folder: folder.map_or_else(String::new, |folder| folder.display().to_string()), run, command })
    }

    /// What keeps the measured weights from being tied to the run.
    pub(super) fn reasons(&self, rows: &[Measurement]) -> Vec<Reason> {
        let weights: BTreeMap<&str, &Measurement> = rows.iter().map(|row| (row.variant.as_str(), row)).collect();
        let random = |row: &&Measurement| row.random_weights;
        let mut reasons: Vec<Reason> = weights
            .values()
            .copied()
            .filter(random)
            .map(|row| Reason::RandomWeights { variant: row.variant.clone() })
            .collect();
        let tied: Vec<&Measurement> = weights.into_values().filter(|row| !row.random_weights).collect();
        match &self.run {
            _ if tied.is_empty() => {}
            None => reasons.push(Reason::NoAccuracy { command: self.command.clone() }),
            Some(run) => {
                reasons.extend(self.run_reason(run));
                reasons.extend(tied.into_iter().filter_map(|row| self.weights_reason(run, row)));
            }
        }
        reasons
    }

    /// Mask AP of a variant in points, where the run has it.
    pub(super) fn ap(&self, variant: &str) -> Option<f64> {
        Some(100.0 * self.run.as_ref()?.metrics(variant)?.results.segm.ap?)
    }

    fn run_reason(&self, run: &StoredRun) -> Option<Reason> {
        let (theirs, ours) = (&run.record().zoobench_version, env!("CARGO_PKG_VERSION"));
        if theirs != ours {
            let (theirs, ours) = (theirs.clone(), ours.to_owned());
            return Some(Reason::AccuracyVersion { run: self.folder.clone(), theirs, ours });
        }
        run.caveat().map(|why| Reason::AccuracyPartial { run: self.folder.clone(), why })
    }

    fn weights_reason(&self, run: &StoredRun, row: &Measurement) -> Option<Reason> {
        let (folder, variant) = (self.folder.clone(), row.variant.clone());
        match run.metrics(&row.variant) {
            None => Some(Reason::AccuracyVariant { run: folder, variant, command: self.command.clone() }),
            Some(metrics) if metrics.weights_sha256 != row.weights_sha256 => {
                let (theirs, ours) = (metrics.weights_sha256.clone(), row.weights_sha256.clone());
                Some(Reason::AccuracyWeights { run: folder, variant, theirs, ours })
            }
            Some(metrics) if metrics.engine != row.engine => {
                let (theirs, ours) = (metrics.engine.clone(), row.engine.clone());
                Some(Reason::AccuracyEngine { run: folder, variant, theirs, ours })
            }
            Some(_) => None,
        }
    }
}
