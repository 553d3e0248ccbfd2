//! One variant of a zoo: from its checkpoint to its folder.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::chain::Chain;
use super::checkpoints::WithTexts;
use super::events::{Event, Observer};
use super::folder::RunFolder;
use super::inputs::Sample;
use super::plan::{Plan, PlannedVariant, WeightsPlace};
use super::record::{self, Measured, Progressed};
use super::reference::Reference;
use super::scoring::{Collector, Scored, Scorer};
use super::workers::Workers;
use super::{checkpoints, pipeline, RunError};
use crate::evaluation::{self, Evaluator, ImageMatches, IouType, Options};
use crate::model::checkpoint::Checkpoint;
use crate::model::{Model, TextEmbeddings};
use crate::report::{passed_over_words, RowStatus};
use crate::zoo::Variant;

/// Evaluates a variant and publishes its folder, or says why there is nothing to evaluate.
///
/// # Errors
/// Whatever keeps the variant from being evaluated.
pub fn run(
    plan: &Plan<'_>,
    planned: &PlannedVariant<'_>,
    folder: &RunFolder,
    observer: &dyn Observer,
    interrupted: &AtomicBool,
) -> Result<Progressed, RunError> {
    let Some(checkpoint) = planned.weights.read()? else {
        return Ok(without_weights(planned));
    };
    check_hash(planned.variant, &checkpoint)?;
    let variant = Evaluation::prepare(plan, planned.variant, checkpoint, observer)?;
    let staged = folder.stage()?;
    let measured = variant.measure(staged.path(), observer, interrupted)?;
    let metrics = record::variant_metrics(plan, &planned.variant.name, &measured);
    folder.write_metrics(staged.path(), &metrics)?;
    folder.publish(staged, &planned.variant.name)?;
    for warning in warnings(&measured) {
        observer.event(&Event::Warning(format!("{}: {warning}", planned.variant.name)));
    }
    let (variant, ap, timing) = (&planned.variant.name, metrics.results.segm.ap, &metrics.timing);
    observer.event(&Event::VariantDone { variant, timing, ap });
    Ok(Progressed { status: RowStatus::Done, detail: None })
}

/// What changes no number against the reference, but should be known.
fn warnings(measured: &Measured) -> Vec<String> {
    let mut warnings = passed_over_words(&measured.segm.swallowed);
    if measured.image_size_mismatches > 0 {
        let count = measured.image_size_mismatches;
        warnings.push(format!("{count} images have another size than annotated; the decoded size counts"));
    }
    warnings
}

fn without_weights(planned: &PlannedVariant<'_>) -> Progressed {
    match &planned.weights {
        WeightsPlace::Absent(path) => {
            Progressed { status: RowStatus::NoWeights, detail: Some(where_to_get(planned.variant, path)) }
        }
        _ => Progressed { status: RowStatus::Skipped, detail: None },
    }
}

/// What a user can do about absent weights.
fn where_to_get(variant: &Variant, path: &Path) -> String {
    let missing = format!("not found: {}", path.display());
    match (&variant.url, &variant.note) {
        (Some(url), _) => format!("{missing}; download {url}"),
        (None, Some(note)) => format!("{missing}; {note}"),
        (None, None) => missing,
    }
}

/// Whether the checkpoint is the one that the zoo names.
///
/// # Errors
/// Where its hash is another.
pub fn check_hash(variant: &Variant, checkpoint: &Checkpoint) -> Result<(), RunError> {
    match &variant.sha256 {
        Some(expected) if !checkpoint.sha256().starts_with(expected.as_str()) => Err(RunError::WrongWeights {
            file: variant.weights.clone(),
            expected: expected.clone(),
            found: checkpoint.sha256().to_owned(),
        }),
        _ => Ok(()),
    }
}

/// A variant made ready.
struct Evaluation<'a> {
    plan: &'a Plan<'a>,
    variant: &'a Variant,
    workers: Workers,
    model: Model,
    weights_sha256: String,
    text: TextEmbeddings,
    text_seconds: f64,
    reference: Option<Reference>,
}

impl<'a> Evaluation<'a> {
    fn prepare(
        plan: &'a Plan<'a>,
        variant: &'a Variant,
        checkpoint: Checkpoint,
        observer: &dyn Observer,
    ) -> Result<Self, RunError> {
        let workers = plan.job.compute.workers()?;
        let weights_sha256 = checkpoint.sha256().to_owned();
        let file = &variant.weights;
        let loaded = checkpoints::load_with_texts(checkpoint, file, plan.execution, &plan.prompts, workers.together())?;
        let time = loaded.text_cost.wall;
        observer.event(&Event::TextEncoded { prompts: plan.prompts.len(), time });
        let reference =
            variant.reference.as_deref().map(|path| Reference::read(plan.files.as_ref(), path)).transpose()?;
        let text_seconds = time.as_secs_f64();
        let WithTexts { model, texts: text, .. } = loaded;
        Ok(Self { plan, variant, workers, model, weights_sha256, text, text_seconds, reference: reference.flatten() })
    }

    fn measure(&self, folder: &Path, observer: &dyn Observer, interrupted: &AtomicBool) -> Result<Measured, RunError> {
        let plan = self.plan;
        let chain = Chain::new(&self.model, &self.text, &plan.category_ids, plan.files.as_ref());
        let segm = Evaluator::new(&plan.annotations, Options { iou: IouType::Segm, ..Options::default() })?;
        let bbox = Evaluator::new(&plan.annotations, Options { iou: IouType::Bbox, ..Options::default() })?;
        let scorer = Scorer { segm: &segm, bbox: &bbox, reference: self.reference.as_ref(), clock: &chain.clock };
        let mut collector = Collector::create(folder, plan.job.results, plan.samples.len(), observer)?;
        observer.event(&Event::VariantStarted { variant: &self.variant.name, images: plan.samples.len() as u64 });
        let started = Instant::now();
        let batches: Vec<&[Sample]> = plan.samples.chunks(plan.job.compute.batch.max(1)).collect();
        let score = |index: usize| score_batch(&chain, &scorer, batches[index], interrupted);
        pipeline::ordered(&self.workers, batches.len(), score, |_, images| collector.take(images))?;
        let wall_seconds = started.elapsed().as_secs_f64();
        let collected = collector.finish()?;
        let segm = self.evaluation(&segm, collected.segm, folder)?;
        let bbox = self.evaluation(&bbox, collected.bbox, folder)?;
        Ok(Measured {
            weights_sha256: self.weights_sha256.clone(),
            parameters: record::parameters(&self.model),
            macs: record::macs(&self.model, plan.prompts.len()),
            detections: collected.detections,
            segm,
            bbox,
            agreement: collected.agreement.finish(),
            image_size_mismatches: chain.size_mismatches(),
            timing: record::timing(&chain.clock, wall_seconds, self.text_seconds, plan.samples.len()),
        })
    }

    /// The outcome of all images, whose state is written into the variant's folder.
    fn evaluation(
        &self,
        evaluator: &Evaluator<'_>,
        matches: Vec<ImageMatches>,
        folder: &Path,
    ) -> Result<evaluation::Evaluation, RunError> {
        let state = evaluator.state(matches, &self.variant.name)?;
        let outcome = self.workers.together().install(|| state.evaluation());
        RunFolder::write_state(folder, outcome.iou, &state)?;
        Ok(outcome)
    }
}

fn score_batch(
    chain: &Chain<'_>,
    scorer: &Scorer<'_>,
    batch: &[Sample],
    interrupted: &AtomicBool,
) -> Result<Vec<Scored>, RunError> {
    if interrupted.load(Ordering::Relaxed) {
        return Err(RunError::Interrupted);
    }
    let records = chain.records(batch)?;
    batch.iter().zip(records).map(|(sample, records)| scorer.image(sample.id, records)).collect()
}
