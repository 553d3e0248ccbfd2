//! Whether the timed program finds what the accuracy run found.

use std::fs::File;
use std::path::Path;

use super::order::OutputChecksum;
use super::task::{Latency, Task};
use super::workload::{Subject, Timed};
use super::LatencyError;
use crate::dataset::hash::sha256;
use crate::dataset::{scan_until, write_results, DatasetError, Key, Record};

/// Images that are compared: the data set's first, which stand first in a results file.
const CHECKED: usize = 8;

/// Checksums of what `subject` finds in the first images. Not timed.
///
/// # Errors
/// Whatever fails in the chain.
pub(super) fn checksums(subject: &Subject<'_>) -> Result<Vec<OutputChecksum>, LatencyError> {
    let timed = Timed { subject, task: Task::single(Latency::Segment) };
    let one = |index: usize| -> Result<OutputChecksum, LatencyError> {
        Ok(OutputChecksum { image_id: subject.images.id(index), sha256: checksum(&timed.records(index)?)? })
    };
    (0..subject.images.len().min(CHECKED)).map(one).collect()
}

/// Of an image's records, as a results file spells them.
fn checksum(records: &[Record]) -> Result<String, LatencyError> {
    let mut text = Vec::new();
    write_results(&mut text, records.iter()).map_err(|error| LatencyError::Run(Box::new(error.into())))?;
    Ok(sha256(&text))
}

/// The first image of `found` of which the results file at `path` has other records; `None` where it
/// has the same of all.
///
/// # Errors
/// A file that cannot be read or is no results file.
pub(super) fn first_other_image(path: &Path, found: &[OutputChecksum]) -> Result<Option<i64>, LatencyError> {
    let known = records_of(path, found)?;
    for output in found {
        let records: Vec<Record> = known.iter().filter(|record| record.image_id == output.image_id).cloned().collect();
        if checksum(&records)? != output.sha256 {
            return Ok(Some(output.image_id));
        }
    }
    Ok(None)
}

/// Why the scan of a results file ends.
enum End {
    /// The images that are asked for are through: records stand in the order of the images.
    Through,
    Fault(Box<DatasetError>),
}

impl From<DatasetError> for End {
    fn from(error: DatasetError) -> Self {
        Self::Fault(Box::new(error))
    }
}

fn records_of(path: &Path, found: &[OutputChecksum]) -> Result<Vec<Record>, LatencyError> {
    let file = File::open(path).map_err(|error| LatencyError::Unreadable { path: path.to_owned(), error })?;
    let asked = |id: Key| found.iter().any(|output| Key::Integer(output.image_id) == id);
    let mut records = Vec::new();
    let scanned = scan_until(&path.display().to_string(), file, |_, record| {
        if !asked(record.image_id()?) {
            return Err(End::Through);
        }
        records.push(record.to_record()?);
        Ok(())
    });
    match scanned {
        Ok(()) | Err(End::Through) => Ok(records),
        Err(End::Fault(error)) if matches!(*error, DatasetError::EmptyResults { .. }) => Ok(records),
        Err(End::Fault(error)) => Err(LatencyError::Run(Box::new((*error).into()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(image_id: i64, score: f64) -> Record {
        Record { image_id, category_id: 1, score, bbox: Some([1.0, 2.0, 3.0, 4.5]), segmentation: None }
    }

    fn found(image_id: i64, records: &[Record]) -> OutputChecksum {
        OutputChecksum { image_id, sha256: checksum(records).expect("records") }
    }

    #[test]
    fn equal_records_agree_and_a_changed_score_is_found() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("results.json");
        let stored = [record(1, 0.1 + 0.2), record(1, 0.3), record(3, 0.5), record(9, 0.7)];
        write_results(File::create(&path).expect("a file"), stored.iter()).expect("written");
        let same = [found(1, &stored[..2]), found(2, &[]), found(3, &stored[2..3])];
        assert_eq!(first_other_image(&path, &same).expect("a results file"), None);
        let other = [found(1, &stored[..2]), found(3, &[record(3, 0.5f64.next_up())])];
        assert_eq!(first_other_image(&path, &other).expect("a results file"), Some(3));
        let more = [found(1, &stored[..1])];
        assert_eq!(first_other_image(&path, &more).expect("a results file"), Some(1));
    }

    #[test]
    fn a_results_file_that_is_none_is_refused() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("results.json");
        assert!(matches!(first_other_image(&path, &[]), Err(LatencyError::Unreadable { .. })));
        std::fs::write(&path, "{}").expect("a file");
        assert!(matches!(first_other_image(&path, &[]), Err(LatencyError::Run(_))));
    }
}
