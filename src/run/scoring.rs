//! Scores images as they come and collects what is kept of them.

use std::io;
use std::path::{Path, PathBuf};

use super::clock::{Clock, Stage};
use super::events::{Event, Observer};
use super::folder::RESULTS_FILE;
use super::job::ResultsFile;
use super::reference::Reference;
use super::RunError;
use crate::dataset::{Record, ResultsWriter, WholeFile};
use crate::evaluation::{AgreementBuilder, Evaluator, ImageAgreement, ImageMatches};

/// Matches an image's records against the annotations, and against the reference where there is one.
pub struct Scorer<'a> {
    /// Compares masks.
    pub segm: &'a Evaluator<'a>,
    /// Compares boxes.
    pub bbox: &'a Evaluator<'a>,
    /// What the reference pipeline found.
    pub reference: Option<&'a Reference>,
    /// Time of each stage.
    pub clock: &'a Clock,
}

/// What is kept of an image until it is its turn.
pub struct Scored {
    records: Vec<Record>,
    segm: ImageMatches,
    bbox: ImageMatches,
    agreement: Option<ImageAgreement>,
}

impl Scorer<'_> {
    /// Scores one image.
    ///
    /// # Errors
    /// Ground truth that cannot be compared.
    pub fn image(&self, image_id: i64, records: Vec<Record>) -> Result<Scored, RunError> {
        self.clock.time(Stage::Evaluation, || {
            let segm = self.segm.image(image_id, &records)?;
            let bbox = self.bbox.image(image_id, &records)?;
            let agreement = self.reference.map(|reference| reference.compare(image_id, &records)).transpose()?;
            Ok(Scored { records, segm, bbox, agreement })
        })
    }
}

/// Takes scored images in order: writes their records where they are kept, keeps their matches.
pub struct Collector<'a> {
    output: Option<Output>,
    collected: Collected,
    images: u64,
    done: u64,
    observer: &'a dyn Observer,
}

/// What a variant's images came to.
#[derive(Default)]
pub struct Collected {
    /// Detections submitted.
    pub detections: u64,
    /// Matches of masks, in image order.
    pub segm: Vec<ImageMatches>,
    /// Matches of boxes, in image order.
    pub bbox: Vec<ImageMatches>,
    /// Agreement with the reference, image by image.
    pub agreement: AgreementBuilder,
}

impl<'a> Collector<'a> {
    /// Starts a results file in `folder`, if there is to be one.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn create(
        folder: &Path,
        results: ResultsFile,
        images: usize,
        observer: &'a dyn Observer,
    ) -> Result<Self, RunError> {
        let output = match results {
            ResultsFile::Json => Some(Output::create(folder.join(RESULTS_FILE))?),
            ResultsFile::None => None,
        };
        Ok(Self { output, collected: Collected::default(), images: images as u64, done: 0, observer })
    }

    /// Takes the next images.
    ///
    /// # Errors
    /// Where their records cannot be written.
    pub fn take(&mut self, images: Vec<Scored>) -> Result<(), RunError> {
        self.done += images.len() as u64;
        for image in images {
            if let Some(output) = &mut self.output {
                output.write(&image.records)?;
            }
            self.collected.detections += image.records.len() as u64;
            self.collected.segm.push(image.segm);
            self.collected.bbox.push(image.bbox);
            if let Some(agreement) = image.agreement {
                self.collected.agreement.add(agreement);
            }
        }
        self.observer.event(&Event::Progress { done: self.done, images: self.images });
        Ok(())
    }

    /// Completes the results file.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(self) -> Result<Collected, RunError> {
        self.output.map_or(Ok(()), Output::finish)?;
        Ok(self.collected)
    }
}

/// A results file under way.
struct Output {
    path: PathBuf,
    writer: ResultsWriter<WholeFile>,
}

impl Output {
    fn create(path: PathBuf) -> Result<Self, RunError> {
        let file = WholeFile::create(&path).map_err(|error| unwritable(&path, error))?;
        Ok(Self { path, writer: ResultsWriter::new(file) })
    }

    fn write(&mut self, records: &[Record]) -> Result<(), RunError> {
        records.iter().try_for_each(|record| self.writer.write(record)).map_err(|error| unwritable(&self.path, error))
    }

    fn finish(self) -> Result<(), RunError> {
        self.writer.finish().and_then(WholeFile::publish).map_err(|error| unwritable(&self.path, error))?;
        Ok(())
    }
}

fn unwritable(path: &Path, error: io::Error) -> RunError {
    RunError::Output { path: path.to_owned(), error }
}
