//! The kinds of errors and their counts.

use serde::{Deserialize, Serialize};

/// From this IoU on a detection lies on an instance.
pub const FOREGROUND_IOU: f64 = 0.5;

/// Below this IoU a detection has nothing to do with an instance.
pub const BACKGROUND_IOU: f64 = 0.1;

/// What is wrong with a false positive; see [the table of rules](super).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorKind {
    /// On an instance of another category.
    Classification,
    /// Near an instance of its category.
    Localisation,
    /// Near an instance of another category.
    Both,
    /// On an instance of its category that a higher score has.
    Duplicate,
    /// On nothing annotated.
    Background,
}

impl ErrorKind {
    /// In the order of TIDE.
    pub const ALL: [Self; 5] =
        [Self::Classification, Self::Localisation, Self::Both, Self::Duplicate, Self::Background];

    /// In one word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Classification => "classification",
            Self::Localisation => "localisation",
            Self::Both => "both",
            Self::Duplicate => "duplicate",
            Self::Background => "background",
        }
    }
}

/// A value of each kind of false positive, and of missed instances, with its name.
pub(super) fn named<T: Copy>(values: [T; 6]) -> [(&'static str, T); 6] {
    std::array::from_fn(|index| (ErrorKind::ALL.get(index).map_or("missed", |kind| kind.word()), values[index]))
}

/// How often each kind of error occurs: false positives by the detection's category, missed instances by
/// their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ErrorCounts {
    /// Detections on an instance of another category.
    pub classification: u64,
    /// Detections near an instance of their category.
    pub localisation: u64,
    /// Detections near an instance of another category.
    pub both: u64,
    /// Detections on an instance that is found already.
    pub duplicate: u64,
    /// Detections on nothing annotated.
    pub background: u64,
    /// Instances that no detection comes near enough to.
    pub missed: u64,
}

impl ErrorCounts {
    /// One more error.
    pub(super) fn add(&mut self, kind: ErrorKind) {
        *self.of_mut(kind) += 1;
    }

    /// Each count with its name.
    pub fn named(&self) -> [(&'static str, u64); 6] {
        named([self.classification, self.localisation, self.both, self.duplicate, self.background, self.missed])
    }

    /// All false positives.
    pub fn false_positives(&self) -> u64 {
        self.classification + self.localisation + self.both + self.duplicate + self.background
    }

    fn of_mut(&mut self, kind: ErrorKind) -> &mut u64 {
        match kind {
            ErrorKind::Classification => &mut self.classification,
            ErrorKind::Localisation => &mut self.localisation,
            ErrorKind::Both => &mut self.both,
            ErrorKind::Duplicate => &mut self.duplicate,
            ErrorKind::Background => &mut self.background,
        }
    }
}

impl std::ops::AddAssign for ErrorCounts {
    fn add_assign(&mut self, other: Self) {
        self.classification += other.classification;
        self.localisation += other.localisation;
        self.both += other.both;
        self.duplicate += other.duplicate;
        self.background += other.background;
        self.missed += other.missed;
    }
}
