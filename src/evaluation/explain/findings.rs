//! What was found out about the images, before it is summed up.

use super::super::ground_truth::GroundTruth;
use super::kinds::ErrorKind;
use super::verdict::Verdict;

/// What became of one instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InstanceState {
    /// Does not count.
    Ignored,
    /// A true positive has it.
    Found,
    /// Not found, but the target of a localisation or classification error.
    Covered,
    /// Not found, and nothing comes near enough.
    Missed,
}

/// A judged detection.
#[derive(Debug, Clone, Copy)]
pub(super) struct JudgedDetection {
    /// Position of its category.
    pub(super) category: u32,
    pub(super) score: f64,
    pub(super) verdict: Verdict,
    /// Number of the instance that it should have been.
    pub(super) target: Option<u32>,
    /// Whether its category is verified to be absent from the image.
    pub(super) is_absent: bool,
}

impl JudgedDetection {
    /// What is wrong with it, if anything.
    pub(super) fn error(&self) -> Option<ErrorKind> {
        match self.verdict {
            Verdict::False(kind, _) => Some(kind),
            Verdict::TruePositive | Verdict::Ignored => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        self.verdict == Verdict::TruePositive
    }

    /// Whether it counts, for or against.
    pub(super) fn counts(&self) -> bool {
        self.verdict != Verdict::Ignored
    }
}

/// One image.
#[derive(Debug)]
pub(super) struct ImageFindings {
    /// Position of the image.
    pub(super) image: u32,
    /// By category, then descending score.
    pub(super) detections: Vec<JudgedDetection>,
    /// Category, number and state of every instance.
    pub(super) instances: Vec<(u32, u32, InstanceState)>,
    /// Category of every detection that is not judged.
    pub(super) not_judged: Vec<u32>,
    /// Detections of categories that are not listed.
    pub(super) unknown_category: u64,
    /// Detections whose area is not positive and finite.
    pub(super) invisible: u64,
}

impl ImageFindings {
    pub(super) fn new(image: u32) -> Self {
        Self {
            image,
            detections: Vec::new(),
            instances: Vec::new(),
            not_judged: Vec::new(),
            unknown_category: 0,
            invisible: 0,
        }
    }
}

/// All images in ascending order, with what they were judged by.
pub(super) struct Findings<'a> {
    pub(super) ground_truth: &'a GroundTruth<'a>,
    pub(super) images: Vec<ImageFindings>,
}

impl Findings<'_> {
    pub(super) fn detections(&self) -> impl Iterator<Item = &JudgedDetection> {
        self.images.iter().flat_map(|image| &image.detections)
    }

    pub(super) fn instances(&self) -> impl Iterator<Item = &(u32, u32, InstanceState)> {
        self.images.iter().flat_map(|image| &image.instances)
    }

    pub(super) fn categories(&self) -> usize {
        self.ground_truth.categories.ids().len()
    }

    /// Id and name of the category at a position.
    pub(super) fn category(&self, position: u32) -> (i64, String) {
        let record = self.ground_truth.categories.record(position as usize);
        let category = &self.ground_truth.annotations.categories[record];
        (category.id, category.name.clone().unwrap_or_default())
    }
}
