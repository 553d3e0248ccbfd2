//! Measurements as files: reading a base, writing what was measured.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::drive::Measured;
use super::figures::figures;
use super::markdown::latency_markdown;
use super::record::{LatencyRecord, MachineRecord, LATENCY_SCHEMA_VERSION};
use super::LatencyError;
use crate::dataset::WholeFile;
use crate::report::{latency_plots, threads};

/// Eight variants make a file of some 200 kB.
const MAX_FILE_BYTES: u64 = 16 << 20;

#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

/// Reads the measurement to compare with; it must be of this machine.
///
/// # Errors
/// A file that cannot be read, is no measurement, or is of another version or machine.
pub(super) fn read_record(path: &Path, machine: &MachineRecord) -> Result<LatencyRecord, LatencyError> {
    let unreadable = |error| LatencyError::Unreadable { path: path.to_owned(), error };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(LatencyError::TooLarge { path: path.to_owned(), limit: MAX_FILE_BYTES });
    }
    let damaged = |error: serde_json::Error| LatencyError::Damaged { path: path.to_owned(), reason: error.to_string() };
    let Version { schema_version: found } = serde_json::from_slice(&bytes).map_err(damaged)?;
    if found != LATENCY_SCHEMA_VERSION {
        return Err(LatencyError::ForeignSchema { path: path.to_owned(), found, expected: LATENCY_SCHEMA_VERSION });
    }
    let record: LatencyRecord = serde_json::from_slice(&bytes).map_err(damaged)?;
    if record.machine.fingerprint != machine.fingerprint {
        let name = |machine: &MachineRecord| format!("{}, {}", machine.cpu, threads(machine.threads));
        let (theirs, ours) = (name(&record.machine), name(machine));
        return Err(LatencyError::OtherMachine { path: path.to_owned(), theirs, ours });
    }
    Ok(record)
}

/// Writes the JSON file and, beside it, every sample: `<stem>.samples.ndjson`. Both or neither.
///
/// # Errors
/// Where one of them cannot be written.
pub fn write_measured(measured: &Measured, path: &Path) -> Result<(), LatencyError> {
    let mut files = Together::default();
    add_measurement(&mut files, measured, path)?;
    files.publish()
}

/// Writes `latency.json`, every sample, `latency.md` and the plots that there are data for
/// (`plots/latency_*` and `plots/throughput_*`) into `folder`. All of them or none.
///
/// # Errors
/// Where one of them cannot be drawn or written.
pub fn write_latency(measured: &Measured, folder: &Path) -> Result<(), LatencyError> {
    let mut files = Together::default();
    for plot in latency_plots(&figures(measured))? {
        files.add(folder.join("plots").join(plot.name), |file| file.write_all(&plot.bytes))?;
    }
    files.add(folder.join("latency.md"), |file| file.write_all(latency_markdown(measured).as_bytes()))?;
    add_measurement(&mut files, measured, &folder.join("latency.json"))?;
    files.publish()
}

/// Removes what [`write_latency`] wrote into `folder` earlier, and nothing else.
///
/// # Errors
/// A file that cannot be removed.
pub fn remove_latency(folder: &Path) -> Result<(), LatencyError> {
    let named = ["latency.json", "latency.samples.ndjson", "latency.md"].map(|name| folder.join(name));
    let plots = std::fs::read_dir(folder.join("plots")).into_iter().flatten().flatten().map(|entry| entry.path());
    for path in named.into_iter().chain(plots.filter(|path| is_latency_plot(path))) {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(LatencyError::Unwritable { path, error }),
            _ => {}
        }
    }
    Ok(())
}

fn is_latency_plot(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let is_picture = path.extension().is_some_and(|extension| extension == "svg" || extension == "png");
    is_picture && (name.starts_with("latency_") || name.starts_with("throughput_"))
}

fn add_measurement(files: &mut Together, measured: &Measured, path: &Path) -> Result<(), LatencyError> {
    let raw = path.with_extension("samples.ndjson");
    let mut record = measured.record.clone();
    let name = raw.file_name().unwrap_or_default().to_string_lossy().into_owned();
    record.measurements.iter_mut().for_each(|row| row.raw.clone_from(&name));
    files.add(raw, |file| write_samples(file, &measured.samples))?;
    files.add(path.to_owned(), |file| {
        serde_json::to_writer_pretty(&mut *file, &record)?;
        file.write_all(b"\n")
    })
}

fn write_samples(file: &mut WholeFile, samples: &[Vec<f64>]) -> std::io::Result<()> {
    for (measurement, samples) in samples.iter().enumerate() {
        for ms in samples {
            writeln!(file, "{}", serde_json::json!({ "measurement": measurement, "ms": ms }))?;
        }
    }
    Ok(())
}

/// Files that belong together: all are written out beside their places before the first gets its
/// name, so a full disk leaves what was there.
#[derive(Default)]
struct Together(Vec<(PathBuf, WholeFile)>);

impl Together {
    fn add(
        &mut self,
        path: PathBuf,
        write: impl FnOnce(&mut WholeFile) -> std::io::Result<()>,
    ) -> Result<(), LatencyError> {
        let written = WholeFile::create(&path).and_then(|mut file| {
            write(&mut file)?;
            file.flush()?;
            Ok(file)
        });
        match written {
            Ok(file) => {
                self.0.push((path, file));
                Ok(())
            }
            Err(error) => Err(LatencyError::Unwritable { path, error }),
        }
    }

    fn publish(self) -> Result<(), LatencyError> {
        let mut published = Vec::new();
        for (path, file) in self.0 {
            if let Err(error) = file.publish() {
                // Part of a measurement is of no use; if even this fails, that is less to say.
                published.iter().for_each(|path| drop(std::fs::remove_file(path)));
                return Err(LatencyError::Unwritable { path, error });
            }
            published.push(path);
        }
        Ok(())
    }
}
