//! One checkpoint over a data set, into an LVIS results file.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::chain::Chain;
use super::clock::Clock;
use super::events::{Event, Observer};
use super::inputs::{samples, Sample, Subset};
use super::job::Compute;
use super::timing::PredictTiming;
use super::workers::Workers;
use super::{checkpoints, pipeline, plan, RunError};
use crate::dataset::{
    check_prompt_count, class_prompts, read_prompts, Annotations, Folder, Record, ResultsWriter, WholeFile,
};
use crate::model::checkpoint::Checkpoint;

/// What to predict.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Checkpoint.
    pub weights: PathBuf,
    /// Annotation file: images and categories are taken from it.
    pub annotations: PathBuf,
    /// Data root of the images.
    pub data: PathBuf,
    /// Results file to write.
    pub out: PathBuf,
    /// Class prompts, if not derived from the annotation file.
    pub prompts: Option<PathBuf>,
    /// Which images.
    pub subset: Subset,
    /// Where to write what an image takes, if it is to be timed: images then pass one at a time.
    pub timing: Option<PathBuf>,
    /// How the network is computed.
    pub compute: Compute,
}

impl Prediction {
    fn unwritable(&self, error: io::Error) -> RunError {
        RunError::Output { path: self.out.clone(), error }
    }
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Predicted {
    /// Images looked at.
    pub images: u64,
    /// Detections written.
    pub detections: u64,
    /// Images whose decoded size is not the annotation's.
    pub size_mismatches: u64,
}

/// Writes the detections of a checkpoint. The file appears whole or not at all.
///
/// # Errors
/// Whatever input is refused, an output that cannot be written, or an interruption.
pub fn predict(job: &Prediction, observer: &dyn Observer, interrupted: &AtomicBool) -> Result<Predicted, RunError> {
    let execution = job.compute.execution;
    execution.check()?;
    let files = plan::folder(&job.data, "data root").map(Folder)?;
    let annotations = Annotations::read(&job.annotations)?;
    let prompts = prompts(job, &annotations)?;
    let samples = samples(&annotations, &files, &job.subset)?;
    let file = WholeFile::create(&job.out).map_err(|error| job.unwritable(error))?;
    let workers = job.compute.workers()?;
    let checkpoint = Checkpoint::read(&job.weights)?;
    let loaded =
        checkpoints::load_with_texts(checkpoint, &job.weights.display(), execution, &prompts, workers.together())?;
    let category_ids: Vec<i64> = annotations.categories.iter().map(|category| category.id).collect();
    let mut chain = Chain::new(&loaded.model, &loaded.texts, &category_ids, &files);
    if job.timing.is_some() {
        // What is done once for all images is none of their time.
        let warm_up = Chain::new(&loaded.model, &loaded.texts, &category_ids, &files);
        workers.together().install(|| warm_up.records(&samples[..1]))?;
        chain.clock = Clock::with_cpu();
    }
    let detections = write_records(job, &chain, &samples, &workers, file, observer, interrupted)?;
    if let Some(path) = &job.timing {
        PredictTiming::new(&job.compute, samples.len() as u64, &chain.clock, (prompts.len(), &loaded.text_cost))
            .write(path)?;
    }
    Ok(Predicted { images: samples.len() as u64, detections, size_mismatches: chain.size_mismatches() })
}

fn prompts(job: &Prediction, annotations: &Annotations) -> Result<Vec<String>, RunError> {
    let Some(path) = &job.prompts else {
        return Ok(class_prompts(&annotations.categories)?);
    };
    let prompts = read_prompts(path)?;
    check_prompt_count(&prompts, &annotations.categories)?;
    Ok(prompts)
}

/// Streams the records of all images into `file` and publishes it; gives their number.
fn write_records(
    job: &Prediction,
    chain: &Chain<'_>,
    samples: &[Sample],
    workers: &Workers,
    file: WholeFile,
    observer: &dyn Observer,
    interrupted: &AtomicBool,
) -> Result<u64, RunError> {
    let images = samples.len() as u64;
    let batches: Vec<&[Sample]> = samples.chunks(job.compute.batch.max(1)).collect();
    let mut writer = ResultsWriter::new(file);
    let (mut done, mut detections) = (0, 0);
    observer.event(&Event::VariantStarted { variant: "predict", images });
    let work = |index: usize| match interrupted.load(Ordering::Relaxed) {
        true => Err(RunError::Interrupted),
        false => chain.records(batches[index]),
    };
    let mut take = |_: usize, batch: Vec<Vec<Record>>| {
        done += batch.len() as u64;
        for record in batch.iter().flatten() {
            writer.write(record).map_err(|error| job.unwritable(error))?;
            detections += 1;
        }
        observer.event(&Event::Progress { done, images });
        Ok(())
    };
    match job.timing {
        Some(_) => (0..batches.len()).try_for_each(|index| take(index, workers.together().install(|| work(index))?))?,
        None => pipeline::ordered(workers, batches.len(), work, take)?,
    }
    writer.finish().and_then(WholeFile::publish).map_err(|error| job.unwritable(error))?;
    Ok(detections)
}
