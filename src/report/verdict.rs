//! What a comparison with published values says.

use serde::Serialize;

use super::RowStatus;

/// What the comparison of one value or one row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within the tolerance of the published value.
    Reproduced,
    /// Further from the published value than the tolerance.
    Differs,
    /// Measured, but not on what the published value stands for: part of the data, or data
    /// without such categories.
    NotComparable,
    /// Measured, and nothing is published to compare with.
    NotPublished,
    /// No weights file was found.
    NoWeights,
    /// The evaluation failed.
    Failed,
    /// Not asked for.
    Skipped,
    /// Not reached before the run was interrupted.
    NotReached,
}

impl Verdict {
    /// The words used in tables.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Differs => "DIFFERS",
            Self::NotComparable => "not comparable",
            Self::NotPublished => "not published",
            Self::NoWeights => "no weights",
            Self::Failed => "FAILED",
            Self::Skipped => "skipped",
            Self::NotReached => "not reached",
        }
    }

    /// Why a row has no numbers of ours; `None` for a row that is done.
    pub fn of_unmeasured(status: RowStatus) -> Option<Self> {
        match status {
            RowStatus::Done => None,
            RowStatus::Failed => Some(Self::Failed),
            RowStatus::NoWeights => Some(Self::NoWeights),
            RowStatus::Skipped => Some(Self::Skipped),
            RowStatus::Pending => Some(Self::NotReached),
        }
    }
}

/// What a run as a whole says: the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RunVerdict {
    /// Every finished row with published mask AP reproduces it, and at least one does.
    Reproduced,
    /// At least one finished row differs.
    Differs,
    /// Rows were measured, but not on what the published values stand for.
    NotComparable,
    /// No finished row has published values.
    NothingCompared,
}

impl RunVerdict {
    /// The words used in tables.
    pub fn words(self) -> &'static str {
        match self {
            Self::Reproduced => "reproduced",
            Self::Differs => "DIFFERS",
            Self::NotComparable => "not comparable",
            Self::NothingCompared => "nothing compared",
        }
    }
}
