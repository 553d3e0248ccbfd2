//! Why a run cannot be judged.

use std::fmt;

use crate::report::{ImageList, Protocol, RowStatus};

/// Why a run, or one value of it, cannot be held against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub enum Invalid {
    /// The run was interrupted or is otherwise not whole.
    Partial {
        /// What it calls itself.
        status: String,
    },
    /// Nothing was measured.
    NothingMeasured,
    /// The run says that its numbers are not to be compared.
    NotComparable,
    /// Other images than the baseline's.
    OtherSubset {
        /// The baseline's.
        expected: Option<String>,
        /// The run's.
        found: Option<String>,
    },
    /// A list of other images than the baseline's, whatever the paths of the two.
    OtherImageList {
        /// The baseline's.
        expected: ImageList,
        /// The run's.
        found: ImageList,
    },
    /// As many images as the baseline does not have.
    OtherImages {
        /// The baseline's.
        expected: u64,
        /// The run's.
        found: u64,
    },
    /// Another annotation file.
    OtherAnnotations {
        /// The baseline's SHA-256.
        expected: String,
        /// The run's.
        found: String,
    },
    /// Another protocol.
    OtherProtocol {
        /// The first key that differs.
        key: &'static str,
        /// The baseline's value.
        expected: String,
        /// The run's.
        found: String,
    },
    /// The run has no such row.
    NoSuchRow {
        /// The variant.
        variant: String,
    },
    /// The row was not measured.
    NotDone {
        /// The variant.
        variant: String,
        /// What became of it.
        status: RowStatus,
    },
    /// Other weights.
    OtherWeights {
        /// The variant.
        variant: String,
        /// The baseline's SHA-256.
        expected: String,
        /// The run's.
        found: String,
    },
    /// The row's numbers are partial or not to be compared.
    PartialRow {
        /// The variant.
        variant: String,
    },
    /// Latencies are to be judged and no measurement was given.
    NoLatency,
    /// The latencies were measured on another machine.
    OtherMachine {
        /// The baseline's fingerprint.
        expected: String,
        /// The measurement's.
        found: String,
    },
    /// The measurement calls itself invalid.
    InvalidLatency {
        /// Why.
        reasons: Vec<String>,
    },
    /// The stored evaluation of a variant cannot be compared with the run's.
    NoPair {
        /// The variant.
        variant: String,
        /// Why.
        reason: String,
    },
    /// The run has no finite value.
    NoValue {
        /// The variant.
        variant: String,
        /// The metric or category.
        metric: String,
    },
}

impl Invalid {
    /// Whether accepting the run as the new baseline settles it: another model, annotation file or
    /// protocol may be meant, a run that is not whole or lacks values never is.
    pub fn can_be_accepted(&self) -> bool {
        matches!(self, Self::OtherAnnotations { .. } | Self::OtherProtocol { .. } | Self::OtherWeights { .. })
    }

    /// The first key in which two protocols differ.
    pub(super) fn other_protocol(expected: &Protocol, found: &Protocol) -> Option<Self> {
        let pairs = described(expected).into_iter().zip(described(found));
        let ((key, expected), (_, found)) = pairs.into_iter().find(|(expected, found)| expected != found)?;
        Some(Self::OtherProtocol { key, expected, found })
    }
}

fn described(protocol: &Protocol) -> [(&'static str, String); 7] {
    [
        ("id", protocol.id.clone()),
        ("split", protocol.split.clone()),
        ("detections_per_image", protocol.detections_per_image.to_string()),
        ("area", crate::report::area_rule(protocol.area).to_string()),
        ("input_size", protocol.input_size.to_string()),
        ("score_threshold", protocol.score_threshold.to_string()),
        ("nms_iou", protocol.nms_iou.to_string()),
    ]
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let images = |subset: &Option<String>| subset.clone().unwrap_or_else(|| "all images".to_string());
        match self {
            Self::Partial { status } => write!(f, "the run is {status}; let it finish"),
            Self::NothingMeasured => write!(f, "no row is done; run it where the weights are"),
            Self::NotComparable => {
                write!(f, "the run says that its numbers are not to be compared; run on the whole data")
            }
            Self::OtherSubset { expected, found } => {
                let (expected, found) = (images(expected), images(found));
                write!(f, "the run is on {found}, the baseline is for {expected}; run on the baseline's images")
            }
            Self::OtherImageList { expected, found } => {
                let list = |list: &ImageList| format!("{} images, SHA-256 {}", list.count, list.sha256);
                let (expected, found) = (list(expected), list(found));
                write!(
                    f,
                    "the run's list of images has {found}, the baseline's {expected}; run on the baseline's images"
                )
            }
            Self::NoLatency => {
                write!(f, "the baseline holds latencies; measure them here with `zoobench latency --json FILE` and give --latency FILE")
            }
            Self::OtherMachine { expected, found } => {
                write!(f, "the latencies are of machine {found}, the baseline's of {expected}; latencies are compared on one machine only")
            }
            Self::InvalidLatency { reasons } => {
                write!(f, "the latency measurement is invalid ({}); measure again", reasons.join("; "))
            }
            Self::NoPair { variant, reason } => {
                write!(
                    f,
                    "{variant}: no paired comparison: {reason}; give --paired the run that the baseline was made of"
                )
            }
            Self::OtherImages { expected, found } => {
                write!(f, "the run is on {found} images, the baseline is for {expected}; run on the baseline's images")
            }
            Self::OtherAnnotations { expected, found } => {
                write!(f, "the annotation file's SHA-256 is {found}, the baseline's is {expected}; use its file or --accept this one")
            }
            Self::OtherProtocol { key, expected, found } => {
                write!(f, "the protocol's {key} is {found}, the baseline's is {expected}; run under its protocol or --accept this one")
            }
            Self::NoSuchRow { variant } => write!(f, "{variant}: the run has no such row; run it too"),
            Self::NotDone { variant, status } => {
                write!(f, "{variant}: not measured ({}); see the run's report", status.words())
            }
            Self::OtherWeights { variant, expected, found } => {
                write!(f, "{variant}: the weights' SHA-256 is {found}, the baseline's is {expected}; use its weights or --accept these")
            }
            Self::PartialRow { variant } => {
                write!(f, "{variant}: its numbers are partial or not to be compared; run it on the whole data")
            }
            Self::NoValue { variant, metric } => write!(f, "{variant}: the run has no finite value of {metric}"),
        }
    }
}
