//! The table that `eval` prints.

use crate::evaluation::{AreaRule, EvaluationReport, IouType, Protocol};
use crate::report::{Align, Cell, Table};

/// The protocol's numbers as fractions, each with what it is a number of.
pub fn eval_table(report: &EvaluationReport) -> String {
    let iou = iou_name(report.iou);
    let area = match report.area_used {
        AreaRule::Box => "box",
        AreaRule::Mask => "mask",
        AreaRule::Auto => "auto",
    };
    let (metric, limit_of) = match report.protocol {
        Protocol::Lvis => ("AP", "an image"),
        Protocol::Fixed => ("AP_fixed", "a category over all images"),
        Protocol::Pool => ("AP_pool", "a category over all images, categories ranked together"),
    };
    let limit = report.max_detections;
    let header = format!(
        "LVIS {iou} {metric}, {limit} detections {limit_of}, {area} area of detections\n{}\n\n",
        report.annotations
    );
    let mut table = Table::new([
        ("metric", Align::Left),
        ("IoU", Align::Left),
        ("area", Align::Left),
        ("categories", Align::Left),
        ("value", Align::Right),
    ]);
    for ((name, value), (range, area, categories)) in report.results.iter().zip(meanings(report.protocol)) {
        let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
        table.push([name, range, area, categories, &value].into_iter().map(Cell::new).collect());
    }
    header + &table.fixed(100, false)
}

fn iou_name(iou: IouType) -> &'static str {
    match iou {
        IouType::Segm => "mask",
        IouType::Bbox => "box",
        IouType::Boundary => "boundary",
    }
}

/// IoU, area and categories.
type Meaning = (&'static str, &'static str, &'static str);

/// What the numbers of a protocol are numbers of, in their order.
fn meanings(protocol: Protocol) -> &'static [Meaning] {
    const MEAN: &str = "0.50:0.95";
    const MEANS: [Meaning; 13] = [
        (MEAN, "all", "all"),
        ("0.50", "all", "all"),
        ("0.75", "all", "all"),
        (MEAN, "small", "all"),
        (MEAN, "medium", "all"),
        (MEAN, "large", "all"),
        (MEAN, "all", "rare"),
        (MEAN, "all", "common"),
        (MEAN, "all", "frequent"),
        (MEAN, "all", "all"),
        (MEAN, "small", "all"),
        (MEAN, "medium", "all"),
        (MEAN, "large", "all"),
    ];
    const POOLS: [Meaning; 4] =
        [(MEAN, "all", "all"), (MEAN, "all", "rare"), (MEAN, "all", "common"), (MEAN, "all", "frequent")];
    match protocol {
        Protocol::Lvis | Protocol::Fixed => &MEANS,
        Protocol::Pool => &POOLS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::{Metrics, Options, Results};

    #[test]
    fn every_number_has_a_meaning() {
        for protocol in [Protocol::Lvis, Protocol::Fixed, Protocol::Pool] {
            let options = Options { protocol, ..Options::default() };
            let names = Results::new(&Metrics::default(), &options).iter().count();
            assert_eq!(names, meanings(protocol).len(), "{protocol:?}");
        }
    }
}
