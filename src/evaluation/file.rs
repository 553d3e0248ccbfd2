//! Results files of any size: images are compared while the file is read, and forgotten.

use std::fs::File;
use std::path::Path;

use super::image::ImageMatches;
use super::passes::{FirstPass, Halt, Pass, SecondPass};
use super::streaming::{Comparisons, Dispatch};
use super::{Evaluation, EvaluationError, Evaluator, Options};
use crate::dataset::{scan_results, Annotations, DatasetError};

/// Evaluates the results file at `path`.
///
/// Memory holds the ground truth, what became of the detections that count, and the images being
/// compared; of the file only a chunk at a time. A file in which the records of an image do not
/// stand together is read twice, and the detections that count of such images are held in memory.
///
/// # Errors
/// Where lvis-api raises an exception or does not end: those of [`Evaluator::new`] and
/// [`Evaluator::image`], records of unknown images, and a file that is no list of detections.
pub fn evaluate_file(annotations: &Annotations, path: &Path, options: Options) -> Result<Evaluation, EvaluationError> {
    let evaluator = Evaluator::new(annotations, options)?;
    let matches = evaluator.file(path)?;
    Ok(evaluator.finish(matches))
}

impl Evaluator<'_> {
    /// Compares all detections of a results file, image by image.
    ///
    /// # Errors
    /// As [`evaluate_file`].
    pub fn file(&self, path: &Path) -> Result<Vec<ImageMatches>, EvaluationError> {
        let source_name = path.display().to_string();
        // Decided at most twice: what a second pass finds is final.
        let mut decided = None;
        loop {
            let attempt = Attempt { evaluator: self, path, source_name: &source_name, decided };
            match attempt.run() {
                Ok(matches) => return Ok(matches),
                Err(Halt::Refused(error)) => return Err(error),
                Err(Halt::FirstHasBox(other)) => decided = Some(other),
            }
        }
    }
}

/// An evaluation of the file under one assumption about boxes.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    evaluator: &'a Evaluator<'a>,
    path: &'a Path,
    source_name: &'a str,
    /// Whether lvis-api's first record has a box, if an earlier attempt found it out.
    decided: Option<bool>,
}

impl Attempt<'_> {
    fn run(self) -> Result<Vec<ImageMatches>, Halt> {
        let mut first = FirstPass::new(self.evaluator, self.source_name, self.decided);
        let mut matches = self.pass(&mut first)?;
        let Some(mut second) = SecondPass::after(first) else { return Ok(matches) };
        matches.retain(|image| !second.takes(image.image as usize));
        matches.extend(self.pass(&mut second)?);
        Ok(matches)
    }

    /// Reads the file once; comparisons go on meanwhile.
    fn pass(self, pass: &mut (impl Pass + Send)) -> Result<Vec<ImageMatches>, Halt> {
        let comparisons = Comparisons::new(self.evaluator, self.source_name);
        let scanned = rayon::scope(|scope| self.scan(pass, &mut Dispatch::new(&comparisons, scope)));
        match (scanned, comparisons.finish()) {
            (Err(Halt::FirstHasBox(other)), _) => Err(Halt::FirstHasBox(other)),
            // What is compared comes before what is being read.
            (_, Err(failure)) => Err(failure.into()),
            (Err(halt), Ok(_)) => Err(halt),
            (Ok(()), Ok(matches)) => Ok(matches),
        }
    }

    fn scan(self, pass: &mut impl Pass, dispatch: &mut Dispatch<'_, '_>) -> Result<(), Halt> {
        let file = File::open(self.path);
        let file = file.map_err(|error| DatasetError::Read { file: self.source_name.to_owned(), error })?;
        let scanned = scan_results(self.source_name, file, |_, record| match dispatch.has_failed() {
            // The rest of the file cannot change which failure is told.
            true => Ok(()),
            false => pass.visit(&record, dispatch),
        });
        scanned.and_then(|()| pass.end(dispatch))?;
        dispatch.flush();
        Ok(())
    }
}
