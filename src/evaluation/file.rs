//! Results files of any size: images are compared while the file is read, and forgotten.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::admission::AreaSource;
use super::image::ImageMatches;
use super::open_image::Reading;
use super::runs::{Joined, Runs, Scattered};
use super::score::descending_key;
use super::spool::Spool;
use super::{AreaRule, Evaluation, EvaluationError, Evaluator, Limit, Options, Ranks};
use crate::dataset::{scan_results, scan_stretches, scan_until, Annotations, DatasetError, Key, Records};

/// Evaluates the results file at `path`.
///
/// Memory holds the ground truth, what became of the detections that count, and the images being
/// compared; of the file only a stretch at a time. A file in which the records of an image do not
/// stand together is read twice, and the detections that count of such images are held in memory. Under
/// a protocol that limits categories the file is read once more, first: see
/// [`Ranking`](super::Ranking).
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
    /// Compares all detections of a results file, image by image, on the threads of the current rayon
    /// pool. What is no regular file, such as a named pipe, is read as [`Evaluator::pipe`] does.
    ///
    /// # Errors
    /// As [`evaluate_file`].
    pub fn file(&self, path: &Path) -> Result<Vec<ImageMatches>, EvaluationError> {
        let source_name = path.display().to_string();
        match File::open(path).and_then(|file| Ok((file.metadata()?.is_file(), file))) {
            Ok((true, _)) => self.results(Source::Path(path), &source_name),
            Ok((false, pipe)) => self.pipe(&source_name, pipe),
            Err(error) => Err(DatasetError::Read { file: source_name, error }.into()),
        }
    }

    /// [`Evaluator::file`] of results that can be read once only, such as a pipe, which messages call
    /// `source_name`. They are copied to a temporary file first: memory stays bounded, disk is needed.
    ///
    /// # Errors
    /// As [`evaluate_file`], and where the copy cannot be written.
    pub fn pipe(&self, source_name: &str, reader: impl Read) -> Result<Vec<ImageMatches>, EvaluationError> {
        let spool = Spool::fill(source_name, reader)?;
        self.results(Source::Spool(&spool), source_name)
    }

    fn results(&self, source: Source<'_>, source_name: &str) -> Result<Vec<ImageMatches>, EvaluationError> {
        let file = ResultsFile { evaluator: self, source, source_name };
        match (self.options.limit(), self.options.area) {
            (Limit::Category(_), _) => file.compare_ranked(),
            (Limit::Image(_), AreaRule::Auto) => file.compare_automatically(),
            (Limit::Image(_), rule) => file.compare(AreaSource::new(rule, false), None),
        }
    }
}

/// Where results are read from, perhaps twice.
#[derive(Clone, Copy)]
enum Source<'a> {
    Path(&'a Path),
    Spool(&'a Spool),
}

/// A results file under evaluation.
#[derive(Clone, Copy)]
struct ResultsFile<'a> {
    evaluator: &'a Evaluator<'a>,
    source: Source<'a>,
    source_name: &'a str,
}

/// The record that decides about boxes.
struct FirstRecord {
    image_id: Key,
    has_box: bool,
}

/// Stops a scan at what was looked for.
enum Stop {
    Found(FirstRecord),
    Refused(DatasetError),
}

impl From<DatasetError> for Stop {
    fn from(error: DatasetError) -> Self {
        Self::Refused(error)
    }
}

impl ResultsFile<'_> {
    /// Compares all images under one area rule.
    fn compare(self, area_source: AreaSource, ranks: Option<&Ranks>) -> Result<Vec<ImageMatches>, EvaluationError> {
        let reading = Reading { evaluator: self.evaluator, source_name: self.source_name, area_source, ranks };
        let mut joined = Joined::new(reading);
        let take = |records: &mut Records<'_>| Runs::take(reading, records);
        scan_stretches(self.source_name, &self.open()?, take, |runs, count| joined.add(runs, count))?;
        let (mut matches, is_scattered) = joined.finish()?;
        if is_scattered.contains(&true) {
            matches.extend(self.compare_scattered(reading, &is_scattered)?);
        }
        Ok(matches)
    }

    fn compare_scattered(
        self,
        reading: Reading<'_>,
        is_scattered: &[bool],
    ) -> Result<Vec<ImageMatches>, EvaluationError> {
        let mut scattered = Scattered::default();
        let take = |records: &mut Records<'_>| Scattered::take(reading, is_scattered, records);
        scan_stretches(self.source_name, &self.open()?, take, |images, count| scattered.add(reading, images, count))?;
        scattered.compare(reading)
    }

    /// Compares the detections that are among the highest of their category.
    fn compare_ranked(self) -> Result<Vec<ImageMatches>, EvaluationError> {
        let ranks = self.evaluator.rank_file(self.source_name, &self.open()?)?;
        let area_source = AreaSource::new(self.evaluator.options.area, ranks.first_has_box());
        self.compare(area_source, Some(&ranks))
    }

    /// Compares all images under the rule that lvis-api's first record decides about: the file's
    /// first one, unless its image has more detections than count and so is ranked.
    fn compare_automatically(self) -> Result<Vec<ImageMatches>, EvaluationError> {
        let first = self.first_record()?;
        let outcome = self.compare(AreaSource::new(AreaRule::Auto, first.has_box), None);
        if outcome.as_ref().is_ok_and(|matches| self.is_unranked(first.image_id, matches)) {
            return outcome;
        }
        // A refusal may be that of the wrong rule.
        match self.highest_has_box(first.image_id) {
            Ok(Some(has_box)) if has_box != first.has_box => {
                self.compare(AreaSource::new(AreaRule::Auto, has_box), None)
            }
            _ => outcome,
        }
    }

    fn first_record(self) -> Result<FirstRecord, EvaluationError> {
        let scan = scan_until(self.source_name, self.open()?, |_, record| {
            Err(Stop::Found(FirstRecord { image_id: record.image_id()?, has_box: record.has_bbox() }))
        });
        match scan {
            Err(Stop::Found(first)) => Ok(first),
            Err(Stop::Refused(error)) => Err(error.into()),
            Ok(()) => Err(DatasetError::EmptyResults { file: self.source_name.to_owned() }.into()),
        }
    }

    /// Whether an image is known to have no more detections than count.
    fn is_unranked(self, image_id: Key, matches: &[ImageMatches]) -> bool {
        let position = match image_id {
            Key::Integer(id) => self.evaluator.ground_truth.images.position(id),
            Key::Other => None,
        };
        let is_ranked = |image: &ImageMatches| image.swallowed.over_limit_detections > 0;
        let is_counted = position.is_some_and(|position| self.evaluator.is_selected(position as usize));
        is_counted && !matches.iter().any(|image| Some(image.image) == position && is_ranked(image))
    }

    /// Whether the first record of the highest score of an image has a box; `None` if the image has no
    /// more detections than count.
    fn highest_has_box(self, image_id: Key) -> Result<Option<bool>, EvaluationError> {
        let (mut count, mut highest) = (0, None);
        scan_results(self.source_name, self.open()?, |_, record| {
            if record.image_id()? == image_id {
                count += 1;
                let key = descending_key(record.score()?);
                if highest.is_none_or(|(best, _)| key < best) {
                    highest = Some((key, record.has_bbox()));
                }
            }
            Ok(())
        })?;
        let is_ranked = count > self.evaluator.options.max_detections;
        Ok(highest.filter(|_| is_ranked).map(|(_, has_box)| has_box))
    }

    fn open(self) -> Result<File, DatasetError> {
        let opened = match self.source {
            Source::Path(path) => File::open(path),
            Source::Spool(spool) => spool.open(),
        };
        opened.map_err(|error| DatasetError::Read { file: self.source_name.to_owned(), error })
    }
}
