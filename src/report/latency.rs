//! Latencies as tables and plots show them, whoever measured them.

use serde::{Deserialize, Serialize};

/// One latency of one variant. Never a bare speed: it says what was timed, how and on what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LatencySummary {
    /// From where to where: `forward`, `detect` or `segment`; `decode` and `vocabulary` stand apart.
    pub latency: String,
    /// How calls follow each other: `single` or `offline`.
    pub scenario: String,
    /// Images a call.
    pub batch: u64,
    /// Scores at or below this were no candidates; `None` for the accuracy run's own threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score_threshold: Option<f32>,
    /// Device of the network.
    pub device: String,
    /// What computed it there.
    pub engine: String,
    /// Its arithmetic.
    pub dtype: String,
    /// Timed calls.
    pub samples: u64,
    /// Median.
    pub p50_ms: f64,
    /// 95 % interval of the median.
    pub p50_ci95_ms: [f64; 2],
    /// 90th percentile.
    pub p90_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Greatest.
    pub max_ms: f64,
    /// Images a second, by the mean; `None` where no image is worked on.
    pub images_per_second: Option<f64>,
}

/// The latencies of a variant in a run, and whether they stand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantLatency {
    /// Why they do not stand; none where they do.
    pub reasons: Vec<String>,
    /// One image at a time: `forward` and `segment`.
    pub measurements: Vec<LatencySummary>,
}

impl VariantLatency {
    /// The word: VALID where nothing speaks against them.
    pub fn verdict(&self) -> &'static str {
        if self.reasons.is_empty() {
            "VALID"
        } else {
            "INVALID"
        }
    }
}

impl LatencySummary {
    /// What was timed and how: `segment, single, batch 1`, and the score threshold if it is another
    /// than the accuracy run's.
    pub fn kind(&self) -> String {
        let threshold = self.score_threshold.map(|score| format!(", scores above {score}")).unwrap_or_default();
        format!("{}, {}, batch {}{threshold}", self.latency, self.scenario, self.batch)
    }

    /// On what: `device cpu, engine fast, dtype f32`.
    pub fn computed(&self) -> String {
        format!("device {}, engine {}, dtype {}", self.device, self.engine, self.dtype)
    }
}
