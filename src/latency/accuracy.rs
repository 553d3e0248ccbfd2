//! The accuracy result that a latency is tied to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::order::WorkReport;
use super::outputs::first_other_image;
use super::record::Measurement;
use super::verdict::Reason;
use super::LatencyError;
use crate::report::StoredRun;

/// An accuracy run, and how one like it is made.
pub(super) struct Accuracy {
    folder: PathBuf,
    run: Option<StoredRun>,
    command: String,
}

impl Accuracy {
    /// # Errors
    /// A folder that holds no run.
    pub(super) fn read(folder: Option<&Path>, command: String) -> Result<Self, LatencyError> {
        let run = folder.map(StoredRun::read).transpose()?;
        Ok(Self { folder: folder.unwrap_or(Path::new("")).to_owned(), run, command })
    }

    /// Refuses a run that keeps no detections of one of `variants`: what was timed is compared with them.
    ///
    /// # Errors
    /// [`LatencyError::NoResults`].
    pub(super) fn check_results<'a>(&self, variants: impl Iterator<Item = &'a str>) -> Result<(), LatencyError> {
        let Some(run) = &self.run else { return Ok(()) };
        let mut paths = variants.filter(|variant| run.metrics(variant).is_some()).map(|variant| self.results(variant));
        match paths.find(|path| !path.exists()) {
            Some(path) => Err(LatencyError::NoResults { path, command: self.command.clone() }),
            None => Ok(()),
        }
    }

    /// The results file of a variant.
    fn results(&self, variant: &str) -> PathBuf {
        self.folder.join(variant).join("results.json")
    }

    /// What keeps the measured weights from being tied to the run.
    ///
    /// # Errors
    /// A results file of the run that cannot be read.
    pub(super) fn reasons(
        &self,
        rows: &[Measurement],
        reports: &BTreeMap<String, Vec<WorkReport>>,
    ) -> Result<Vec<Reason>, LatencyError> {
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
                let all: Vec<&WorkReport> = reports.values().flatten().collect();
                reasons.extend(self.run_reason(run, &all));
                for row in tied {
                    let reports = reports.get(&row.variant).map_or(&[][..], Vec::as_slice);
                    let reason = match self.weights_reason(run, row) {
                        None => self.outputs_reason(&row.variant, reports)?,
                        reason => reason,
                    };
                    reasons.extend(reason);
                }
            }
        }
        Ok(reasons)
    }

    /// Mask AP of a row's weights and engine on the whole data set, where the run has it.
    pub(super) fn mask_ap(&self, row: &Measurement) -> Option<f64> {
        let run = self.run.as_ref().filter(|run| run.caveat().is_none())?;
        let metrics = run.metrics(&row.variant).filter(|_| self.weights_reason(run, row).is_none())?;
        metrics.results.segm.ap
    }

    fn folder(&self) -> String {
        self.folder.display().to_string()
    }

    fn run_reason(&self, run: &StoredRun, reports: &[&WorkReport]) -> Option<Reason> {
        let (theirs, ours) = (&run.record().zoobench_version, env!("CARGO_PKG_VERSION"));
        if theirs != ours {
            let (theirs, ours) = (theirs.clone(), ours.to_owned());
            return Some(Reason::AccuracyVersion { run: self.folder(), theirs, ours });
        }
        if let Some(why) = run.caveat() {
            return Some(Reason::AccuracyPartial { run: self.folder(), why });
        }
        let theirs = run.record().program_sha256.as_ref();
        let other = reports.iter().find(|report| theirs.is_none() || report.program_sha256.as_ref() != theirs)?;
        let name = |program: Option<&String>| program.map_or_else(|| "unknown".to_owned(), Clone::clone);
        Some(Reason::AccuracyProgram {
            run: self.folder(),
            theirs: name(theirs),
            ours: name(other.program_sha256.as_ref()),
            command: self.command.clone(),
        })
    }

    /// Every process of a variant must find what the run found.
    fn outputs_reason(&self, variant: &str, reports: &[WorkReport]) -> Result<Option<Reason>, LatencyError> {
        let path = self.results(variant);
        for report in reports {
            if let Some(image_id) = first_other_image(&path, &report.outputs)? {
                let (run, variant, command) = (self.folder(), variant.to_owned(), self.command.clone());
                return Ok(Some(Reason::AccuracyOutputs { run, variant, image_id, command }));
            }
        }
        Ok(None)
    }

    fn weights_reason(&self, run: &StoredRun, row: &Measurement) -> Option<Reason> {
        let (folder, variant) = (self.folder(), row.variant.clone());
        match run.metrics(&row.variant) {
            None => Some(Reason::AccuracyVariant { run: folder, variant, command: self.command.clone() }),
            Some(metrics) if metrics.weights_sha256 != row.weights_sha256 => {
                let (theirs, ours) = (metrics.weights_sha256.clone(), row.weights_sha256.clone());
                Some(Reason::AccuracyWeights { run: folder, variant, theirs, ours })
            }
            Some(metrics) => {
                let theirs = computed(&metrics.engine, &run.record().machine.device, &metrics.dtype);
                let ours = computed(&row.engine, &row.device, &row.dtype);
                (theirs != ours).then_some(Reason::AccuracyEngine { run: folder, variant, theirs, ours })
            }
        }
    }
}

/// How a network was computed, in words.
fn computed(engine: &str, device: &str, dtype: &str) -> String {
    format!("{engine} on {device} in {dtype}")
}
