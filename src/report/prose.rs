//! The report's sentences.

use super::text::{area_rule_meaning, protocol_short, sanitized, threads};
use super::{run_verdict, RowComparison, RunRecord, StoredRun, Verdict};
use crate::evaluation::Swallowed;

pub(super) const AGREEMENT_RULE: &str =
    "A reference detection is matched by one of ours with the same label, a score within 1e-3, a box within \
     0.5 px and a mask IoU of at least 0.95. The worst share is an image's; differences are over \
     matched pairs.";

pub(super) const TIMING_RULE: &str =
    "Seconds of a stage are work summed over images and threads, so they exceed the wall time where threads \
     work at once. Not a benchmark: other work on the machine is not excluded.";

pub(super) const SPEEDS: &str =
    "Published speeds, on other machines and by other methods: not to be compared with ours";

pub(super) const OTHERS: &str = "Published mask AP of other models, for context";

/// The verdict and what it rests on.
pub(super) fn summary(run: &StoredRun, rows: &[RowComparison]) -> String {
    let count = |verdict| rows.iter().filter(|row| row.verdict == verdict).count();
    let label = &run.record().published_label;
    let told = [
        (Verdict::Reproduced, format!("reproduced within {} AP", run.record().tolerance_ap)),
        (Verdict::Differs, "beyond it".to_string()),
        (Verdict::NotComparable, "not comparable".to_string()),
        (Verdict::NotPublished, format!("without {label} values")),
        (Verdict::NoWeights, "without weights".to_string()),
        (Verdict::Failed, "failed".to_string()),
        (Verdict::Skipped, "skipped".to_string()),
        (Verdict::NotReached, "not reached".to_string()),
    ];
    let told = told.iter().map(|(verdict, words)| (count(*verdict), words)).filter(|(count, _)| *count > 0);
    let counts: Vec<String> = told.map(|(count, words)| format!("{count} {words}")).collect();
    format!("Mask AP {}: of {} rows {}.", run_verdict(run).words(), rows.len(), counts.join(", "))
}

/// How every number of the report was made.
pub(super) fn protocol(record: &RunRecord) -> String {
    let protocol = &record.protocol;
    format!(
        "Protocol: {} AP (mean over IoU 0.50:0.05:0.95, 101 recalls, federated ground truth), x100; split {}, {} \
         of {} images; at most {} detections per image; area rule {}; input {} px, score above {}, NMS IoU {}.",
        protocol.id,
        protocol.split,
        record.dataset.images,
        record.dataset.images_total,
        protocol.detections_per_image,
        area_rule_meaning(protocol.area),
        protocol.input_size,
        protocol.score_threshold,
        protocol.nms_iou,
    )
}

/// A table's caption: what its numbers are.
pub(super) fn caption(what: &str, iou_type: &str, run: &StoredRun) -> String {
    let warning = if run.caveat().is_some() { ", NOT COMPARABLE" } else { "" };
    format!("{what} ({}, IoU type {iou_type}{warning})", protocol_short(&run.record().protocol))
}

pub(super) fn full_precision(record: &RunRecord) -> String {
    format!("AP points (0 to 100). Reproduced means |ours - {}| <= {} AP.", record.published_label, record.tolerance_ap)
}

/// What is counted as a network's size.
pub(super) fn size(record: &RunRecord) -> String {
    format!(
        "Parameters with the text encoder's; FLOPs, two a multiply-accumulate, of one image under {} prompts, which \
         are encoded once and before.",
        record.dataset.categories
    )
}

/// How latencies were measured.
pub(super) fn latency(computed: &str, machine: &str) -> String {
    format!(
        "Latency of one image at a time: forward from preprocessed image to raw head outputs, segment from decoded \
         image to records; {computed}; {machine}. latency.md beside this report says how it was measured."
    )
}

/// Why a row was not measured.
pub(super) fn unmeasured(row: &RowComparison) -> String {
    let detail = row.row.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{}, {}: {}{detail}", row.row.title, row.row.tuned, row.verdict.words())
}

/// What lvis-api passes over without a word, as counts with words; what did not occur is left out.
pub fn passed_over_words(swallowed: &Swallowed) -> Vec<String> {
    let counts = [
        (
            swallowed.unknown_category_detections,
            "detections of categories that the annotation file does not list: dropped",
        ),
        (swallowed.nonpositive_area_detections, "detections whose area is not positive and finite: dropped"),
        (swallowed.over_limit_detections, "detections beyond the limit: dropped"),
        (swallowed.mask_size_mismatches, "masks compared whose size is not the image's: they overlap nothing"),
        (swallowed.nonfinite_score_detections, "detections whose score is not finite"),
        (swallowed.nonpositive_area_annotations, "annotations whose area is not positive and finite: dropped"),
        (swallowed.unknown_category_annotations, "annotations of categories that are not listed: dropped"),
        (swallowed.unknown_image_annotations, "annotations of images that are not listed: dropped"),
    ];
    counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect()
}

/// What was counted of a row though lvis-api says nothing of it.
pub(super) fn passed_over(row: &RowComparison) -> Vec<String> {
    let Some(metrics) = row.metrics else { return Vec::new() };
    let mut told = passed_over_words(&metrics.swallowed);
    if metrics.image_size_mismatches > 0 {
        let count = metrics.image_size_mismatches;
        told.push(format!("{count} images whose decoded size is not the annotation's: check the image files"));
    }
    told.iter().map(|what| format!("{}, {}: {what}", row.row.title, row.row.tuned)).collect()
}

/// On what and with what the run was made.
pub(super) fn provenance(record: &RunRecord) -> Vec<String> {
    let (dataset, machine) = (&record.dataset, &record.machine);
    vec![
        format!("zoobench {}, zoo {}, run {}", record.zoobench_version, record.zoo, record.status),
        format!("annotations {}, sha256 {}", dataset.annotations, dataset.annotations_sha256),
        format!("{} of {} images, {} categories", dataset.images, dataset.images_total, dataset.categories),
        format!(
            "{}, {} logical cores, {} used, {}, device {}, engine {}, dtype {}",
            machine.cpu,
            machine.cores,
            threads(machine.threads),
            machine.os,
            machine.device,
            machine.engine,
            machine.dtype
        ),
    ]
    .into_iter()
    .map(|line| sanitized(&line))
    .collect()
}
