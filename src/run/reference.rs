//! The reference pipeline's records of a variant, where the zoo has them.

use std::collections::BTreeMap;

use super::RunError;
use crate::dataset::{scan_results, DatasetError, FileSource, Record};
use crate::evaluation::{compare_image, ImageAgreement};

/// What the reference pipeline found, by image.
#[derive(Debug)]
pub struct Reference {
    by_image: BTreeMap<i64, Vec<Record>>,
}

impl Reference {
    /// Reads the reference's results file; `None` where the data root has none.
    ///
    /// # Errors
    /// A file that cannot be read or is no results file.
    pub fn read(files: &dyn FileSource, path: &str) -> Result<Option<Self>, RunError> {
        if !files.exists(path) {
            return Ok(None);
        }
        let name = files.describe(path);
        let bytes = files.read(path).map_err(|error| RunError::Read { path: name.clone(), error })?;
        let mut by_image: BTreeMap<i64, Vec<Record>> = BTreeMap::new();
        scan_results(&name, bytes.as_slice(), |_, record| -> Result<(), DatasetError> {
            let record = record.to_record()?;
            by_image.entry(record.image_id).or_default().push(record);
            Ok(())
        })?;
        Ok(Some(Self { by_image }))
    }

    /// How closely our records of an image agree with the reference's.
    ///
    /// # Errors
    /// A reference mask that is not well-formed.
    pub fn compare(&self, image_id: i64, records: &[Record]) -> Result<ImageAgreement, RunError> {
        let reference = self.by_image.get(&image_id).map_or(&[][..], Vec::as_slice);
        Ok(compare_image(records, reference)?)
    }
}
