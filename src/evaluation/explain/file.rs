//! The second pass over a results file.

use std::fs::File;
use std::path::Path;

use rayon::prelude::*;

use super::super::admission::AreaSource;
use super::super::{AreaRule, Evaluation, EvaluationError, Evaluator, Options};
use super::explanation::Explanation;
use super::findings::{Findings, ImageFindings};
use super::image::{Examiner, Held};
use crate::dataset::{scan_results, scan_until, Annotations, DatasetError, Key, RawRecord};

/// Images that are held until they are examined together.
const BATCH: usize = 64;

/// Evaluates the results file at `path` and explains the outcome.
///
/// The file is read three times: by the evaluation, to see whether the records of each image stand
/// together, and to examine them. Memory holds what [`evaluate_file`](super::super::evaluate_file) holds, 40
/// bytes for every judged detection, and the records of 64 images; those of an image whose records do not
/// stand together are held to the end of the file.
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
    /// Explains the evaluation of the results file at `path`, which is read twice for it: see
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
        let mut groups = Groups::new(self.examiner, self.scattered()?);
        scan_until(self.examiner.source_name, self.open()?, |index, record| groups.push(index, &record))?;
        groups.finish()
    }

    /// Which images have records that do not stand together.
    fn scattered(&self) -> Result<Vec<bool>, EvaluationError> {
        let images = &self.examiner.evaluator.ground_truth.images;
        let mut is_known = vec![false; images.ids().len()];
        let mut is_scattered = is_known.clone();
        let mut last = None;
        scan_results(self.examiner.source_name, self.open()?, |_, record| {
            let position = position(self.examiner, &record)?;
            if position != last {
                if let Some(position) = position {
                    is_scattered[position] |= is_known[position];
                    is_known[position] = true;
                }
            }
            last = position;
            Ok(())
        })?;
        Ok(is_scattered)
    }

    fn open(&self) -> Result<File, DatasetError> {
        let file = self.examiner.source_name.to_owned();
        File::open(self.path).map_err(|error| DatasetError::Read { file, error })
    }
}

/// Position of a record's image; none only if the file has changed since it was evaluated.
fn position(examiner: Examiner<'_>, record: &RawRecord<'_>) -> Result<Option<usize>, DatasetError> {
    Ok(match record.image_id()? {
        Key::Integer(id) => examiner.evaluator.ground_truth.images.position(id).map(|position| position as usize),
        Key::Other => None,
    })
}

/// The records of each image, until they are examined.
struct Groups<'a> {
    examiner: Examiner<'a>,
    is_scattered: Vec<bool>,
    /// Whole images but the last.
    ready: Vec<(usize, Vec<Held>)>,
    /// Of every image whose records do not stand together.
    scattered: Vec<Vec<Held>>,
    examined: Vec<ImageFindings>,
}

impl<'a> Groups<'a> {
    fn new(examiner: Examiner<'a>, is_scattered: Vec<bool>) -> Self {
        let scattered = is_scattered.iter().map(|_| Vec::new()).collect();
        Self { examiner, is_scattered, ready: Vec::new(), scattered, examined: Vec::new() }
    }

    fn push(&mut self, index: usize, record: &RawRecord<'_>) -> Result<(), EvaluationError> {
        let Some(image) = position(self.examiner, record)? else { return Ok(()) };
        let held = self.held(image, index, record)?;
        if self.is_scattered[image] {
            self.scattered[image].push(held);
            return Ok(());
        }
        match self.ready.last_mut() {
            Some((last, records)) if *last == image => records.push(held),
            _ => {
                if self.ready.len() == BATCH {
                    self.examine_ready()?;
                }
                self.ready.push((image, vec![held]));
            }
        }
        Ok(())
    }

    /// What is needed of a record: its mask only if its category is verified in the image. A score that is
    /// missing matters where lvis-api asks for it, and there the evaluation has refused it.
    fn held(&self, image: usize, index: usize, record: &RawRecord<'_>) -> Result<Held, EvaluationError> {
        let ground_truth = &self.examiner.evaluator.ground_truth;
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

    fn examine_ready(&mut self) -> Result<(), EvaluationError> {
        let examiner = self.examiner;
        let ready = std::mem::take(&mut self.ready);
        let examined = ready.par_iter().map(|(image, held)| examiner.examine(*image, held));
        self.examined.extend(examined.collect::<Result<Vec<_>, _>>()?);
        Ok(())
    }

    fn finish(mut self) -> Result<Vec<ImageFindings>, EvaluationError> {
        self.examine_ready()?;
        let mut is_examined = vec![false; self.is_scattered.len()];
        self.examined.iter().for_each(|findings| is_examined[findings.image as usize] = true);
        let scattered = std::mem::take(&mut self.scattered);
        // Those without detections too: their instances are missed.
        let rest = scattered.into_iter().enumerate().filter(|(image, _)| !is_examined[*image]).collect();
        self.ready = rest;
        self.examine_ready()?;
        self.examined.sort_by_key(|findings| findings.image);
        Ok(self.examined)
    }
}
