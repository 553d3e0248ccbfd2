//! What judging a run yields: plain data.

use serde::Serialize;

use super::{Invalid, LatencyCheck, Metric, Tolerance};

/// What the gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    /// Every value lies within its tolerances.
    Pass,
    /// A valid measurement lies outside.
    Fail,
    /// The run and the baseline cannot be compared.
    Invalid,
}

impl Verdict {
    /// The word used in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Invalid => "INVALID",
        }
    }
}

/// What became of one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Within its tolerances.
    Within,
    /// Below its target by more than `max_drop`, or below its floor.
    Dropped,
    /// Below its target by more than `max_drop`, by no more than chance among images explains.
    NotSignificant,
    /// Above its target by more than `max_rise`.
    Rose,
}

impl Outcome {
    /// The words used in tables.
    pub fn words(self) -> &'static str {
        match self {
            Self::Within => "ok",
            Self::Dropped => "DROPPED",
            Self::NotSignificant => "not significant",
            Self::Rose => "ROSE",
        }
    }
}

/// One metric held against its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The variant.
    pub variant: String,
    /// The metric.
    pub metric: Metric,
    /// The baseline's value, in the metric's unit.
    pub target: f64,
    /// The run's.
    pub measured: f64,
    /// How far it may be from the target.
    pub tolerance: Tolerance,
    /// What became of it.
    pub outcome: Outcome,
}

/// The mask AP of one category held against the baseline's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CategoryCheck {
    /// The variant.
    pub variant: String,
    /// Name of the category.
    pub category: String,
    /// The baseline's mask AP in 0..=1.
    pub target: f64,
    /// The run's.
    pub measured: f64,
    /// Least that passes, where one is set.
    pub floor: Option<f64>,
    /// What became of it; never [`Outcome::Rose`].
    pub outcome: Outcome,
}

/// How a drop is told from chance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum JudgedBy {
    /// A value larger than the tolerance fails.
    AbsoluteTolerance,
    /// A drop of an AP or AR fails where it is larger than the tolerance and significant too.
    PairedBootstrap,
}

impl JudgedBy {
    /// The words used in outputs.
    pub fn words(self) -> &'static str {
        match self {
            Self::AbsoluteTolerance => "absolute tolerance",
            Self::PairedBootstrap => "absolute tolerance and, for drops, paired bootstrap over images (p < 0.05)",
        }
    }
}

/// A run held against a baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Name of the zoo.
    pub zoo: String,
    /// The subset both are on, if it is not all images.
    pub subset: Option<String>,
    /// Why the two cannot be compared; empty where they can.
    pub invalid: Vec<Invalid>,
    /// How drops are judged.
    pub judged_by: JudgedBy,
    /// Latencies, where the baseline holds any.
    pub latency: Vec<LatencyCheck>,
    /// Metrics by variant, in table order.
    pub checks: Vec<Check>,
    /// Categories by variant, in order of name.
    pub categories: Vec<CategoryCheck>,
    /// Measured variants that the baseline does not name.
    pub unchecked: Vec<String>,
}

impl Judgement {
    /// The verdict: nothing that is invalid can pass or fail.
    pub fn verdict(&self) -> Verdict {
        if !self.invalid.is_empty() {
            Verdict::Invalid
        } else if self.failed().next().is_some() || self.fallen().next().is_some() || self.slower().next().is_some() {
            Verdict::Fail
        } else {
            Verdict::Pass
        }
    }

    /// Metrics outside their tolerances.
    pub fn failed(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| matches!(check.outcome, Outcome::Dropped | Outcome::Rose))
    }

    /// Latencies above what is allowed.
    pub fn slower(&self) -> impl Iterator<Item = &LatencyCheck> {
        self.latency.iter().filter(|check| check.outcome != Outcome::Within)
    }

    /// Categories below their floors.
    pub fn fallen(&self) -> impl Iterator<Item = &CategoryCheck> {
        self.categories.iter().filter(|category| category.outcome == Outcome::Dropped)
    }

    /// The categories that lost most mask AP, at most `count` over all variants, worst first.
    pub fn lost_most(&self, count: usize) -> Vec<&CategoryCheck> {
        let change = |category: &CategoryCheck| category.measured - category.target;
        let mut lost: Vec<_> = self.categories.iter().filter(|category| change(category) < 0.0).collect();
        lost.sort_by(|a, b| change(a).total_cmp(&change(b)));
        lost.truncate(count);
        lost
    }

    /// Where to look first, from what moved and what did not.
    pub fn hints(&self) -> Vec<&'static str> {
        let is = |outcome| move |check: &&Check| check.outcome == outcome;
        let fell = |of: fn(Metric) -> bool| self.failed().filter(is(Outcome::Dropped)).any(|check| of(check.metric));
        let moved = |of: fn(Metric) -> bool| self.failed().any(|check| of(check.metric));
        let (masks, boxes) = (fell(Metric::is_segm), fell(|metric| metric.is_accuracy() && !metric.is_segm()));
        let accuracy = moved(Metric::is_accuracy);
        let rose = self.failed().any(|check| check.outcome == Outcome::Rose && check.metric.is_accuracy());
        let hints = [
            (moved(Metric::is_parameters), "the number of parameters changed: this is another network"),
            (masks && boxes, "boxes and masks fell together: look at decoding, letterbox and channel order, at weights and batch norm, at prompts and suppression"),
            (masks && !boxes, "masks fell while boxes hold: look at prototypes, the crop of masks, their resizing and threshold"),
            (boxes && !masks, "boxes fell while masks hold: look at how boxes are decoded, scaled back and clipped"),
            (!accuracy && self.fallen().next().is_some(), "single categories fell while the means hold: look at their prompts and synonyms"),
            (!accuracy && moved(|metric| !metric.is_fraction()), "accuracy holds while counts moved: look at score threshold and suppression"),
            (moved(Metric::is_macs) && !moved(Metric::is_parameters), "operations moved while parameters hold: look at the number of prompts and the input's size"),
            (!accuracy && moved(Metric::is_agreement), "accuracy holds while detections left the reference's: look at how images are resized and decoded, at suppression, and at rounding"),
            (self.slower().next().is_some(), "a latency rose: look at what the change computes; `zoobench latency --compare` tells the stages apart"),
            (rose, "an accuracy rose unexpectedly: if the change explains it, `zoobench gate RUN --baseline FILE --accept` makes it the target"),
        ];
        hints.into_iter().filter(|(applies, _)| *applies).map(|(_, hint)| hint).collect()
    }
}
