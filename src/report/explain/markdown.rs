//! The explanation in Markdown.

use crate::evaluation::Explanation;
use crate::report::table::{Align, Cell, Table};
use crate::report::text::{difference, fraction, iou_type};

/// Rows of the tables that are cut.
const SHOWN: usize = 15;

const UNKNOWN: &str = "What is not known: LVIS verifies a few categories in each image. A detection of any other \
    category is not judged: it costs nothing, and whether it is right nobody can say. Background means that nothing \
    annotated lies there, not that nothing is there. The score thresholds are chosen on the data they are judged by.";

/// What is wrong, and where.
pub fn explanation_markdown(explanation: &Explanation) -> String {
    let mut parts = vec![format!("# Why {} AP is {}\n", iou_type(explanation.iou), fraction(explanation.results.ap))];
    parts.push(summary(explanation));
    parts.push("## Errors at IoU 0.5\n".to_owned());
    parts.push(errors(explanation).markdown());
    parts.push("The gain is AP50 (points) with that kind alone fixed; gains do not add up.\n".to_owned());
    parts.push(picture("What each kind of error costs", "errors"));
    parts.push("## By frequency\n".to_owned());
    parts.push(frequencies(explanation).markdown());
    parts.push("## Confused categories\n".to_owned());
    parts.push(confusion(explanation).markdown());
    parts.push(picture("The categories most often taken for one another", "confusion"));
    parts.push("## Worst images\n".to_owned());
    parts.push(images(explanation).markdown());
    parts.push("## Scores\n".to_owned());
    parts.push(scores(explanation));
    parts.push(picture("Precision by score", "calibration"));
    parts.push(picture("Score threshold of each category's highest F1", "thresholds"));
    parts.push(format!("{UNKNOWN}\n"));
    parts.join("\n")
}

fn picture(what: &str, stem: &str) -> String {
    format!("![{what}](plots/{stem}.svg)\n")
}

fn summary(explanation: &Explanation) -> String {
    let (detections, instances) = (&explanation.detections, &explanation.instances);
    format!(
        "Of {} instances {} are found, {} are missed and {} are the target of another error. Of {} judged detections \
         {} are true, {} false and {} ignored; {} more are not judged.\n",
        instances.counted,
        instances.found,
        instances.missed,
        instances.covered,
        detections.true_positives + detections.false_positives + detections.ignored,
        detections.true_positives,
        detections.false_positives,
        detections.ignored,
        detections.not_judged,
    )
}

fn points(gain: Option<f64>) -> String {
    difference(gain.map(|gain| 100.0 * gain))
}

fn right<const N: usize>(first: &str, others: [&str; N]) -> Table {
    let others = others.into_iter().map(|name| (name.to_owned(), Align::Right));
    Table::new(std::iter::once((first.to_owned(), Align::Left)).chain(others))
}

fn push(table: &mut Table, cells: impl IntoIterator<Item = String>) {
    table.push(cells.into_iter().map(Cell::new).collect());
}

fn errors(explanation: &Explanation) -> Table {
    let mut table = right("kind", ["count", "gain", "rare", "common", "frequent"]);
    let groups = explanation.frequencies.iter().map(|row| row.gains.named()).collect::<Vec<_>>();
    for (place, ((name, count), (_, gain))) in
        explanation.errors.named().into_iter().zip(explanation.gains.named()).enumerate()
    {
        let of_groups = groups.iter().map(|gains| points(gains[place].1));
        push(&mut table, [name.to_owned(), count.to_string(), points(gain)].into_iter().chain(of_groups));
    }
    table
}

fn frequencies(explanation: &Explanation) -> Table {
    let columns = ["categories", "AP", "AP50", "AR", "instances", "detections", "missed", "false positives"];
    let mut table = right("frequency", columns);
    for row in &explanation.frequencies {
        let counts = [row.instances, row.detections, row.errors.missed, row.errors.false_positives()];
        let head = [row.frequency.clone(), row.categories.to_string()];
        let numbers = [row.ap, row.ap50, row.ar].map(fraction);
        push(&mut table, head.into_iter().chain(numbers).chain(counts.map(|count| count.to_string())));
    }
    table
}

fn confusion(explanation: &Explanation) -> Table {
    let mut table = right("detected", ["on an instance of", "detections", "known to be absent"]);
    for pair in explanation.confusion.iter().take(SHOWN) {
        let counts = [pair.count.to_string(), pair.count_absent.to_string()];
        push(&mut table, [pair.detected_name.clone(), pair.annotated_name.clone()].into_iter().chain(counts));
    }
    table
}

fn images(explanation: &Explanation) -> Table {
    let columns = ["instances", "not found", "false positives", "highest false score", "its category"];
    let mut table = right("image", columns);
    for row in explanation.worst_images.iter().take(SHOWN) {
        let counts = [row.instances, row.not_found, row.errors.false_positives()].map(|count| count.to_string());
        let score = row.highest_false_score.map(|score| format!("{score:.3}")).unwrap_or_default();
        let category = row.highest_false_category.clone().unwrap_or_default();
        push(&mut table, std::iter::once(row.id.to_string()).chain(counts).chain([score, category]));
    }
    table
}

fn scores(explanation: &Explanation) -> String {
    let calibration = &explanation.calibration;
    let ece = calibration.ece.map_or("-".to_owned(), |ece| format!("{ece:.4}"));
    let best = explanation.thresholds.overall.map_or("no threshold gives a true positive".to_owned(), |best| {
        format!("the highest F1 for one threshold is {:.3} at score {:.4}", best.f1, best.threshold)
    });
    format!("Expected calibration error {ece} over {} judged detections in 15 bins; {best}.\n", calibration.detections)
}
