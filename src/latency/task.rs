//! What is timed.

use serde::{Deserialize, Serialize};

/// A latency by name: where it starts and where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Latency {
    /// Preprocessed image to raw head outputs.
    Forward,
    /// Preprocessed image to boxes, classes and scores after suppression.
    Detect,
    /// Decoded image to records: letterbox, network, suppression, masks at the image's own size,
    /// run lengths. The headline.
    Segment,
    /// Bytes of the image file to decoded image. Reported apart.
    Decode,
    /// Class prompts to embeddings. Reported apart.
    Vocabulary,
}

impl Latency {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Detect => "detect",
            Self::Segment => "segment",
            Self::Decode => "decode",
            Self::Vocabulary => "vocabulary",
        }
    }

    /// Where it starts and where it ends.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Forward => "preprocessed image in memory to raw head outputs",
            Self::Detect => "preprocessed image in memory to boxes, classes and scores after suppression",
            Self::Segment => {
                "decoded image in memory to records: letterbox, network, suppression, masks at the image's own size, \
                 run lengths"
            }
            Self::Decode => "bytes of the image file in memory to decoded image",
            Self::Vocabulary => "class prompts to embeddings",
        }
    }

    /// Whether it is one of the three that a detector is measured by, and not reported apart.
    pub fn is_headline(self) -> bool {
        matches!(self, Self::Forward | Self::Detect | Self::Segment)
    }
}

/// How calls follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// One image; the next when it is done.
    Single,
    /// Full batches: throughput.
    Offline,
}

impl Scenario {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Offline => "offline",
        }
    }
}

/// One row of the measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// From where to where.
    pub latency: Latency,
    /// How calls follow each other.
    pub scenario: Scenario,
    /// Images a call.
    pub batch: usize,
    /// Scores at or below this are no candidates.
    pub score_threshold: f32,
}
