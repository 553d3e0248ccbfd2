//! The categories of an annotation file, as far as results speak of them.

use serde::{Deserialize, Serialize};

use super::ground_truth::GroundTruth;
use crate::dataset::Frequency;

/// One category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CategoryRow {
    pub(super) id: i64,
    pub(super) name: String,
    /// `r`, `c` or `f`.
    pub(super) frequency: String,
    /// Training images with the category, if the file says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) image_count: Option<u64>,
}

/// The frequency group of a letter, if LVIS has it.
pub(super) fn frequency_of(letter: &str) -> Option<Frequency> {
    match letter {
        "r" => Some(Frequency::Rare),
        "c" => Some(Frequency::Common),
        "f" => Some(Frequency::Frequent),
        _ => None,
    }
}

/// The categories in ascending id.
pub(super) fn vocabulary(ground_truth: &GroundTruth<'_>) -> Vec<CategoryRow> {
    let positions = 0..ground_truth.categories.ids().len();
    let record = |position| &ground_truth.annotations.categories[ground_truth.categories.record(position)];
    let row = |position| {
        let category = record(position);
        CategoryRow {
            id: category.id,
            name: category.name.clone().unwrap_or_default(),
            frequency: category.frequency.clone().unwrap_or_default(),
            image_count: category.image_count,
        }
    };
    positions.map(row).collect()
}

/// The frequency group of every category; `None` if one has a letter that LVIS does not have.
pub(super) fn groups(rows: &[CategoryRow]) -> Option<Vec<Frequency>> {
    rows.iter().map(|row| frequency_of(&row.frequency)).collect()
}
