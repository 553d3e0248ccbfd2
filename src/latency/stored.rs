//! Measurements as files: reading a base, writing what was measured.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::drive::Measured;
use super::record::{LatencyRecord, MachineRecord, LATENCY_SCHEMA_VERSION};
use super::LatencyError;
use crate::dataset::WholeFile;

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
        let name = |machine: &MachineRecord| format!("{}, {} threads", machine.cpu, machine.threads);
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
    let raw = raw_path(path);
    let unwritable = |path: &Path, error| LatencyError::Unwritable { path: path.to_owned(), error };
    let mut record = measured.record.clone();
    let name = raw.file_name().unwrap_or_default().to_string_lossy();
    record.measurements.iter_mut().for_each(|row| row.raw = name.clone().into_owned());
    // Both are written out before either gets its name, so a full disk leaves what was there.
    let samples = samples_file(&measured.samples, &raw).map_err(|error| unwritable(&raw, error))?;
    let json = json_file(&record, path).map_err(|error| unwritable(path, error))?;
    samples.publish().map_err(|error| unwritable(&raw, error))?;
    json.publish().map(drop).map_err(|error| {
        // Samples of a measurement that is not there are of no use; if even this fails, that is less to say.
        let _ = std::fs::remove_file(&raw);
        unwritable(path, error)
    })
}

fn json_file(record: &LatencyRecord, path: &Path) -> std::io::Result<WholeFile> {
    let mut file = WholeFile::create(path)?;
    serde_json::to_writer_pretty(&mut file, record)?;
    file.write_all(b"\n")?;
    file.flush()?;
    Ok(file)
}

fn raw_path(path: &Path) -> PathBuf {
    path.with_extension("samples.ndjson")
}

fn samples_file(samples: &[Vec<f64>], path: &Path) -> std::io::Result<WholeFile> {
    let mut file = WholeFile::create(path)?;
    for (measurement, samples) in samples.iter().enumerate() {
        for ms in samples {
            writeln!(file, "{}", serde_json::json!({ "measurement": measurement, "ms": ms }))?;
        }
    }
    file.flush()?;
    Ok(file)
}
