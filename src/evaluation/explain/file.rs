//! The second pass over a results file, which an explanation takes.

use std::fs::File;
use std::path::Path;

use rayon::prelude::*;

use super::super::admission::AreaSource;
use super::super::{AreaRule, Evaluation, EvaluationError, Evaluator, Options};
use super::explanation::Explanation;
use super::findings::{Findings, ImageFindings};
use super::image::{Examiner, Held};
use crate::dataset::{scan_until, Annotations, DatasetError, Key, RawRecord};

/// Images that are held until they are examined together.
const BATCH: usize = 64;

/// Evaluates the results file at `path` and explains the outcome.
///
/// The file is read twice: by the evaluation, and to examine its records. Those of images whose records do not
/// stand together are then read once more. Memory holds what [`evaluate_file`](super::super::evaluate_file) holds, 40
/// bytes for every judged detection, and the records of 64 images and of those read once more.
///
/// # Errors
/// Those of [`evaluate_file`](super::super::evaluate_file), and a mask that is not well-formed of a detection
/// that is compared with instances of other categories only, which lvis-api does not look at.
pub fn explain_file(
    annotations: &Annotations,
    path: &Path,
    options: Options,
) -> Result<(Evaluation, Explanation), EvaluationError> {
    let evaluator = Evaluator::new(annotations, options)?;
    let evaluation = evaluator.finish(evaluator.file(path)?);
    let explanation = evaluator.explain(path, &evaluation)?;
    Ok((evaluation, explanation))
}

impl Evaluator<'_> {
    /// Explains the evaluation of the results file at `path`, which is read again for it: see
    /// [`explain_file`].
    ///
    /// # Errors
    /// As [`explain_file`].
    pub fn explain(&self, path: &Path, evaluation: &Evaluation) -> Result<Explanation, EvaluationError> {
        let source_name = path.display().to_string();
        let area_source = AreaSource::new(self.options.area, evaluation.area_used == AreaRule::Box);
        let examiner = Examiner { evaluator: self, area_source, source_name: &source_name };
        let images = Pass { examiner, path }.images()?;
        let findings = Findings { ground_truth: &self.ground_truth, images };
        Ok(Explanation::new(evaluation, &findings, &source_name, self.options))
    }
}

struct Pass<'a> {
    examiner: Examiner<'a>,
    path: &'a Path,
}

impl Pass<'_> {
    /// Every image of the annotation file in ascending order.
    fn images(&self) -> Result<Vec<ImageFindings>, EvaluationError> {
        let mut groups = Groups::new(self.examiner);
        self.scan(|image, index, record| groups.push(image, index, record))?;
        let Groups { examined, is_scattered, .. } = groups.finish();
        let mut held: Vec<Vec<Held>> = examined.iter().map(|_| Vec::new()).collect();
        if is_scattered.contains(&true) {
            self.scan(|image, index, record| {
                if is_scattered[image] {
                    held[image].push(hold(self.examiner, image, index, record)?);
                }
                Ok(())
            })?;
        }
        // Those without detections are among the rest: their instances are missed.
        let work = examined.into_par_iter().zip(held).zip(is_scattered).enumerate();
        let findings = work.map(|(image, ((examined, held), is_scattered))| match examined {
            Some(findings) if !is_scattered => findings,
            _ => self.examiner.examine(image, &held),
        });
        findings.collect::<Vec<_>>().into_iter().collect()
    }

    /// Reads the file, and tells the position of each record's image.
    fn scan(
        &self,
        mut each: impl FnMut(usize, usize, &RawRecord<'_>) -> Result<(), EvaluationError>,
    ) -> Result<(), EvaluationError> {
        let name = self.examiner.source_name;
        let unreadable = |error| DatasetError::Read { file: name.to_owned(), error };
        scan_until(name, File::open(self.path).map_err(unreadable)?, |index, record| {
            // None only if the file has changed since it was evaluated.
            match position(self.examiner, &record)? {
                Some(image) => each(image, index, &record),
                None => Ok(()),
            }
        })
    }
}

fn position(examiner: Examiner<'_>, record: &RawRecord<'_>) -> Result<Option<usize>, DatasetError> {
    Ok(match record.image_id()? {
        Key::Integer(id) => examiner.evaluator.ground_truth.images.position(id).map(|position| position as usize),
        Key::Other => None,
    })
}

/// What is needed of a record: its mask only if its category is verified in the image. A score that is
/// missing matters where lvis-api asks for it, and there the evaluation has refused it.
fn hold(examiner: Examiner<'_>, image: usize, index: usize, record: &RawRecord<'_>) -> Result<Held, EvaluationError> {
    let ground_truth = &examiner.evaluator.ground_truth;
    let category = match record.category_id()? {
        Key::Integer(id) => ground_truth.categories.position(id),
        Key::Other => None,
    };
    let is_verified = |category| ground_truth.cells(image).iter().any(|cell| cell.category == category);
    let record_of = |category| if is_verified(category) { record.to_record().map(Some) } else { Ok(None) };
    Ok(Held {
        index: index as u64,
        score: record.score().unwrap_or(f64::NAN),
        category,
        record: category.map_or(Ok(None), record_of)?,
    })
}

/// The records of images that stand together, until they are examined.
struct Groups<'a> {
    examiner: Examiner<'a>,
    /// Whole images but the last.
    ready: Vec<(usize, Vec<Held>)>,
    is_known: Vec<bool>,
    /// Images of which more records come after those of others.
    is_scattered: Vec<bool>,
    /// By image. Whether a failure counts is known at the end: of an image that is scattered this is a part.
    examined: Vec<Option<Result<ImageFindings, EvaluationError>>>,
}

impl<'a> Groups<'a> {
    fn new(examiner: Examiner<'a>) -> Self {
        let is_known = vec![false; examiner.evaluator.ground_truth.images.ids().len()];
        let examined = is_known.iter().map(|_| None).collect();
        Self { examiner, ready: Vec::new(), is_scattered: is_known.clone(), is_known, examined }
    }

    fn push(&mut self, image: usize, index: usize, record: &RawRecord<'_>) -> Result<(), EvaluationError> {
        let is_last = self.ready.last().is_some_and(|(last, _)| *last == image);
        if !is_last {
            self.is_scattered[image] |= self.is_known[image];
            if self.is_scattered[image] {
                return Ok(());
            }
            if self.ready.len() == BATCH {
                self.examine_ready();
            }
            self.is_known[image] = true;
            self.ready.push((image, Vec::new()));
        }
        let held = hold(self.examiner, image, index, record)?;
        self.ready.last_mut().expect("an image is under way").1.push(held);
        Ok(())
    }

    fn examine_ready(&mut self) {
        let examiner = self.examiner;
        let ready = std::mem::take(&mut self.ready);
        let examined = ready.par_iter().map(|(image, held)| (*image, examiner.examine(*image, held)));
        for (image, findings) in examined.collect::<Vec<_>>() {
            self.examined[image] = Some(findings);
        }
    }

    fn finish(mut self) -> Self {
        self.examine_ready();
        self
    }
}
