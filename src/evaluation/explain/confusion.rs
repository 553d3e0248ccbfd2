//! Which categories are taken for which.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::findings::Findings;
use super::kinds::ErrorKind;

/// How often detections of one category lie on instances of another.
///
/// Counted are classification errors: the detection's category is known to be absent from the image, or is
/// annotated there to the last instance. Without that knowledge the word confusion would be a guess.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfusedPair {
    /// Category id of the detections.
    pub detected: i64,
    /// Its name.
    pub detected_name: String,
    /// Category id of the instances.
    pub annotated: i64,
    /// Its name.
    pub annotated_name: String,
    /// Number of detections.
    pub count: u64,
    /// Those of them in images from which the detected category is known to be absent.
    pub count_absent: u64,
}

/// All pairs, most frequent first, equal ones by ascending ids.
pub(super) fn confusion(findings: &Findings<'_>) -> Vec<ConfusedPair> {
    let mut counts: BTreeMap<(u32, u32), (u64, u64)> = BTreeMap::new();
    for image in &findings.images {
        for detection in &image.detections {
            if detection.error() != Some(ErrorKind::Classification) {
                continue;
            }
            let of_target = |&&(_, number, _): &&(u32, u32, _)| Some(number) == detection.target;
            let Some(&(annotated, ..)) = image.instances.iter().find(of_target) else { continue };
            let (count, absent) = counts.entry((detection.category, annotated)).or_default();
            *count += 1;
            *absent += u64::from(detection.is_absent);
        }
    }
    let pair = |((detected, annotated), (count, count_absent))| {
        let ((detected, detected_name), (annotated, annotated_name)) =
            (findings.category(detected), findings.category(annotated));
        ConfusedPair { detected, detected_name, annotated, annotated_name, count, count_absent }
    };
    let mut pairs: Vec<ConfusedPair> = counts.into_iter().map(pair).collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count));
    pairs
}
