//! Pictures of an explanation, by what is written in them.

use zoobench::evaluation::{Explanation, IouType};
use zoobench::report::{explanation_plots, write_explanation, ReportError};

use super::{at, everything, Set, CAT};

const STEMS: [&str; 4] = ["errors", "calibration", "thresholds", "confusion"];

/// The SVG of each picture, in the order of [`STEMS`].
fn svgs(explanation: &Explanation) -> Vec<String> {
    let plots = explanation_plots(explanation).unwrap();
    let names: Vec<String> = plots.iter().map(|plot| plot.name.clone()).collect();
    assert_eq!(names, STEMS.map(|stem| [format!("{stem}.svg"), format!("{stem}.png")]).concat());
    let texts = plots.into_iter().filter(|plot| plot.name.ends_with(".svg"));
    texts.map(|plot| String::from_utf8(plot.bytes).unwrap()).collect()
}

/// Detections of which nothing is known, and no instance.
fn nothing_known() -> Explanation {
    Set { detections: vec![(CAT, at(0), 0.5)], ..Set::default() }.explain(IouType::Segm).1
}

#[test]
fn pictures_say_what_the_explanation_says() {
    let explanation = everything().explain(IouType::Segm).1;
    let svgs = svgs(&explanation);
    for (stem, svg) in STEMS.iter().zip(&svgs) {
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{stem}");
        assert!(svg.contains("LVIS segm AP") && !svg.contains("Nothing to draw"), "{stem}");
    }
    for (kind, gain) in explanation.gains.named() {
        let gain = format!("{:+.2}", 100.0 * gain.unwrap());
        assert!(svgs[0].contains(kind), "{kind}");
        assert!(gain == "+0.00" || svgs[0].contains(&gain), "{kind} {gain}");
    }
    for group in ["all", "rare", "common", "frequent", "2 instances"] {
        assert!(svgs[0].contains(group), "{group}");
    }
    assert!(svgs[1].contains(&format!("ECE {:.4}", explanation.calibration.ece.unwrap())));
    let best = explanation.thresholds.overall.unwrap();
    assert!(svgs[2].contains(&format!("{:.3}: F1 {:.3}", best.threshold, best.f1)), "{}", svgs[2]);
    let pair = &explanation.confusion[0];
    assert!(svgs[3].contains(&pair.detected_name) && svgs[3].contains(&pair.annotated_name));
    assert!(svgs[3].contains("1 of 1 pairs; 1 detections"));
}

#[test]
fn a_picture_without_data_says_so() {
    let explanation = nothing_known();
    for (stem, svg) in STEMS.iter().zip(svgs(&explanation)) {
        assert!(svg.contains("Nothing to draw: no "), "{stem}: {svg}");
    }
    // Some have data where others have none.
    let found = super::found_cat().explain(IouType::Segm).1;
    let without: Vec<bool> = svgs(&found).iter().map(|svg| svg.contains("Nothing to draw")).collect();
    assert_eq!(without, [false, false, false, true]);
}

#[test]
fn a_group_without_instances_has_no_bars() {
    let found = super::found_cat().explain(IouType::Segm).1;
    assert_eq!(svgs(&found)[0].matches("no instances").count(), 2);
}

#[test]
fn scores_that_are_no_shares_are_counted_and_not_drawn() {
    let mut set = everything();
    set.detections.iter_mut().for_each(|(_, _, score)| *score = 10.0 * *score - 5.0);
    let svgs = svgs(&set.explain(IouType::Segm).1);
    assert!(svgs[1].contains("more outside 0 to 1"), "{}", svgs[1]);
    assert!(svgs[2].contains("Nothing to draw"), "{}", svgs[2]);
}

#[test]
fn pictures_are_equal_on_every_call_and_lie_beside_the_text() {
    let explanation = everything().explain(IouType::Segm).1;
    let plots = explanation_plots(&explanation).unwrap();
    assert_eq!(plots, explanation_plots(&explanation).unwrap());
    let folder = tempfile::tempdir().unwrap();
    write_explanation(&explanation, folder.path()).unwrap();
    let text = std::fs::read_to_string(folder.path().join("explain.md")).unwrap();
    for plot in &plots {
        assert_eq!(std::fs::read(folder.path().join("plots").join(&plot.name)).unwrap(), plot.bytes);
        assert!(!plot.name.ends_with("svg") || text.contains(&format!("](plots/{})", plot.name)), "{}", plot.name);
        if plot.name.ends_with("png") {
            let picture = image::load_from_memory(&plot.bytes).unwrap().to_rgb8();
            assert!(picture.pixels().any(|pixel| pixel.0 != [255; 3]), "{} is blank", plot.name);
        }
    }
    // Without data it replaces what an earlier explanation left.
    write_explanation(&nothing_known(), folder.path()).unwrap();
    let confusion = std::fs::read_to_string(folder.path().join("plots/confusion.svg")).unwrap();
    assert!(confusion.contains("Nothing to draw"));
    let in_the_way = tempfile::tempdir().unwrap();
    std::fs::write(in_the_way.path().join("plots"), "").unwrap();
    let refused = write_explanation(&explanation, in_the_way.path()).unwrap_err();
    assert!(
        matches!(&refused, ReportError::Unwritable { file, .. } if file.ends_with("plots/errors.svg")),
        "{refused}"
    );
    assert!(!in_the_way.path().join("explain.json").exists());
}
