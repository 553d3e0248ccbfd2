//! The tables as comma-separated values (RFC 4180), fractions at full precision.

use crate::evaluation::{CategoryRow, Explanation};
use crate::report::csv::quoted;

/// One line a category.
pub(super) fn category_csv(explanation: &Explanation) -> String {
    let header = "id,name,frequency,AP,AP50,AR,instances,images,verified_images,not_exhaustive_images,detections,\
        true_positives,ignored,not_judged,classification,localisation,both,duplicate,background,missed,\
        best_threshold,best_f1,best_precision,best_recall\n";
    let lines = explanation.categories.iter().map(|row| category_fields(row).join(",") + "\n");
    header.to_owned() + &lines.collect::<String>()
}

fn category_fields(row: &CategoryRow) -> Vec<String> {
    let mut fields = vec![row.id.to_string(), quoted(&row.name), quoted(&row.frequency)];
    fields.extend([row.ap, row.ap50, row.ar].map(number));
    let counts = [row.instances, row.images, row.verified_images, row.not_exhaustive_images, row.detections];
    fields.extend(counts.map(|count| count.to_string()));
    fields.extend([row.true_positives, row.ignored, row.not_judged].map(|count| count.to_string()));
    fields.extend(row.errors.named().map(|(_, count)| count.to_string()));
    let best = |of: fn(&crate::evaluation::OperatingPoint) -> f64| number(row.best.as_ref().map(of));
    fields.extend([
        best(|best| best.threshold),
        best(|best| best.f1),
        best(|best| best.precision),
        best(|best| best.recall),
    ]);
    fields
}

/// One line a pair, most frequent first.
pub(super) fn confusion_csv(explanation: &Explanation) -> String {
    let line = |pair: &crate::evaluation::ConfusedPair| {
        let (detected, annotated) = (quoted(&pair.detected_name), quoted(&pair.annotated_name));
        let (count, absent) = (pair.count, pair.count_absent);
        format!("{},{detected},{},{annotated},{count},{absent}\n", pair.detected, pair.annotated)
    };
    "detected,detected_name,annotated,annotated_name,count,count_absent\n".to_owned()
        + &explanation.confusion.iter().map(line).collect::<String>()
}

fn number(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
