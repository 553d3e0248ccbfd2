//! Reports of stored runs: text against snapshots, plots by their bytes, refusals one by one.
#![cfg(feature = "report")]

#[path = "report/beside.rs"]
mod beside;
mod common;
#[path = "report/documents.rs"]
mod documents;
#[path = "report/latencies.rs"]
mod latencies;
#[path = "common/snapshot.rs"]
mod snapshot;
#[path = "common/synthetic.rs"]
mod synthetic;

use std::fs;
use std::path::Path;

use common::fixture;
use snapshot::assert_snapshot;
use synthetic::{limited_run, zoo_run, Synthetic};
use tempfile::TempDir;
use zoobench::report::{
    compare, csv, eval_results, json, latex, markdown, metafile, model_index, plots, run_verdict, terminal, write,
    ReportError, Row, RowStatus, RunVerdict, StoredRun, Verdict,
};

fn stored(run: &Synthetic) -> (TempDir, StoredRun) {
    let folder = folder_of(run);
    let read = StoredRun::read(folder.path()).expect("a valid run");
    (folder, read)
}

fn folder_of(run: &Synthetic) -> TempDir {
    let folder = TempDir::new().expect("a temporary folder");
    run.store(folder.path());
    folder
}

fn refusal(run: &Synthetic, damage: impl Fn(&Path)) -> ReportError {
    let folder = folder_of(run);
    damage(folder.path());
    StoredRun::read(folder.path()).expect_err("the run is damaged")
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(file).expect("the run is stored");
    assert!(text.contains(from), "{from} is not in {}", file.display());
    fs::write(file, text.replacen(from, to, 1)).expect("the folder is ours");
}

#[test]
fn a_stored_run_reads_back_as_it_was() {
    let run = zoo_run(5);
    let (_folder, read) = stored(&run);
    assert_eq!(*read.record(), run.record);
    assert_eq!(read.metrics("seg-m-head"), Some(&run.metrics[2]));
    assert_eq!(read.metrics("v2-seg-m-all"), None);
}

#[test]
fn reports_match_their_snapshots() {
    let (_folder, run) = stored(&zoo_run(5));
    assert_snapshot("report/zoo.md.snap", &markdown(&run));
    assert_snapshot("report/zoo.csv.snap", &csv(&run));
    assert_snapshot("report/zoo.json.snap", &json(&run));
    assert_snapshot("report/zoo.txt.snap", &terminal(&run, false, 80));
    assert_snapshot("report/zoo_color.txt.snap", &terminal(&run, true, 120));
}

#[test]
fn reports_of_a_limited_run_match_their_snapshots() {
    let (_folder, run) = stored(&limited_run(5));
    assert_snapshot("report/limited.md.snap", &markdown(&run));
    assert_snapshot("report/limited.csv.snap", &csv(&run));
    assert_snapshot("report/limited.json.snap", &json(&run));
    assert_snapshot("report/limited.txt.snap", &terminal(&run, false, 80));
}

#[test]
fn exports_match_their_snapshots() {
    let (_folder, run) = stored(&zoo_run(5));
    assert_snapshot("report/exports/table.tex.snap", &latex(&run));
    assert_snapshot("report/exports/model-index.yaml.snap", &model_index(&run));
    assert_snapshot("report/exports/eval_results.yaml.snap", &eval_results(&run));
    assert_snapshot("report/exports/metafile.yml.snap", &metafile(&run));
}

#[test]
fn what_is_not_comparable_is_not_exported_for_publishing() {
    let (_folder, run) = stored(&limited_run(5));
    assert_eq!(model_index(&run), "---\nmodel-index: []\n---\n");
    assert_eq!(eval_results(&run), "[]\n");
    assert!(metafile(&run).ends_with("Models: []\n"));
    assert!(latex(&run).contains("Not comparable: 100 of 19809 images"));
}

#[test]
fn every_row_gets_the_verdict_it_deserves() {
    let (_folder, run) = stored(&zoo_run(5));
    let verdicts: Vec<Verdict> = compare(&run).iter().map(|row| row.verdict).collect();
    use Verdict::{Differs, Failed, NoWeights, Reproduced, Skipped};
    assert_eq!(verdicts, [Reproduced, NoWeights, Differs, NoWeights, Reproduced, Skipped, Failed, NoWeights]);
    assert_eq!(run_verdict(&run), RunVerdict::Differs);
}

#[test]
fn a_row_that_was_not_measured_shows_no_number_of_ours() {
    let (_folder, run) = stored(&zoo_run(5));
    for row in compare(&run).iter().filter(|row| row.row.status != RowStatus::Done) {
        assert!(row.mask.iter().chain(&row.boxes).all(|value| value.ours.is_none() && value.delta.is_none()));
    }
}

#[test]
fn half_a_digit_is_reproduced_and_more_is_not() {
    let verdict_of = |ap: f64| {
        let mut run = zoo_run(1);
        run.metrics[2].results.segm.ap = Some(ap);
        compare(&stored(&run).1)[4].mask[0].verdict
    };
    assert_eq!(verdict_of(0.1675), Verdict::Reproduced);
    assert_eq!(verdict_of(0.1665), Verdict::Reproduced);
    assert_eq!(verdict_of(0.16751), Verdict::Differs);
    assert_eq!(verdict_of(0.16649), Verdict::Differs);
}

#[test]
fn the_run_s_own_tolerance_decides() {
    let mut run = zoo_run(1);
    run.record.tolerance_ap = 0.5;
    assert_eq!(run_verdict(&stored(&run).1), RunVerdict::Reproduced);
}

#[test]
fn a_run_on_part_of_the_data_is_not_comparable() {
    let (_folder, run) = stored(&limited_run(5));
    assert_eq!(run_verdict(&run), RunVerdict::NotComparable);
    assert!(compare(&run)[0].mask.iter().all(|value| value.delta.is_none()));
    for text in [markdown(&run), csv(&run), terminal(&run, false, 80)] {
        assert!(!text.contains("reproduced,") && text.to_lowercase().contains("not comparable"), "{text}");
    }
}

#[test]
fn a_partial_run_is_not_comparable_even_if_it_says_so() {
    let mut run = zoo_run(1);
    run.record.status = "partial".to_string();
    let (_folder, run) = stored(&run);
    assert_eq!(run_verdict(&run), RunVerdict::NotComparable);
    assert!(terminal(&run, false, 80).contains("NOT COMPARABLE with published values: the run is partial."));
}

#[test]
fn a_partial_row_of_a_complete_run_is_not_comparable() {
    let mut run = zoo_run(1);
    run.metrics[1].status = "partial".to_string();
    let (_folder, run) = stored(&run);
    assert_eq!(compare(&run)[2].verdict, Verdict::NotComparable);
    assert_eq!(compare(&run)[0].verdict, Verdict::Reproduced);
}

#[test]
fn a_value_that_could_not_be_measured_is_not_reproduced() {
    let mut run = zoo_run(1);
    run.metrics[0].results.segm.ap_rare = None;
    let (_folder, run) = stored(&run);
    assert_eq!(compare(&run)[0].verdict, Verdict::NotComparable);
}

#[test]
fn rows_without_published_values_or_metrics_compare_nothing() {
    let mut run = zoo_run(1);
    for row in &mut run.record.rows {
        row.published = None;
    }
    assert_eq!(run_verdict(&stored(&run).1), RunVerdict::NothingCompared);
    run.record.rows.clear();
    let (_folder, run) = stored(&run);
    assert_eq!(run_verdict(&run), RunVerdict::NothingCompared);
    assert!(!plots(&run).expect("a zoo without rows has bars for none").is_empty());
}

#[test]
fn colour_only_if_asked() {
    let (_folder, run) = stored(&zoo_run(5));
    assert!(!terminal(&run, false, 80).contains('\u{1b}'));
    assert!(terminal(&run, true, 80).contains("\u{1b}[31mDIFFERS\u{1b}[0m"));
}

#[test]
fn text_from_the_run_cannot_reach_the_terminal_or_break_a_table() {
    let mut run = zoo_run(1);
    run.row("seg-m-all").title = "evil \u{1b}[2J | title\nnext".to_string();
    let (_folder, run) = stored(&run);
    assert!(!terminal(&run, false, 80).contains('\u{1b}'));
    assert!(markdown(&run).contains("| evil \u{fffd}\\[2J \\| title\u{fffd}next "));
    let svg = plots(&run).expect("plots").swap_remove(0);
    assert!(!svg.bytes.contains(&0x1b));
}

#[test]
fn csv_has_the_same_fields_on_every_line() {
    let (_folder, run) = stored(&zoo_run(1));
    let fields = |line: &str| line.split(',').count();
    let text = csv(&run).replace("\"the model zoo, table 1\"", "source");
    let expected = fields(text.lines().next().expect("a header"));
    assert!(text.lines().all(|line| fields(line) == expected), "{text}");
}

#[test]
fn report_json_keeps_full_precision() {
    let (_folder, run) = stored(&zoo_run(1));
    let report: serde_json::Value = serde_json::from_str(&json(&run)).expect("JSON");
    let row = &report["rows"][4];
    assert_eq!(row["measured"]["metrics"]["segm"]["AP"], 0.16723456789);
    assert_eq!(row["segm"][0]["ours"], 100.0 * 0.16723456789);
    assert_eq!(row["segm"][0]["delta"], 100.0 * 0.16723456789 - 16.7);
    assert_eq!(report["rows"][1]["segm"][0]["ours"], serde_json::Value::Null);
    assert_eq!(report["verdict"], "differs");
}

#[test]
fn plots_are_valid_and_equal_on_every_call() {
    let (_folder, run) = stored(&zoo_run(60));
    let drawn = plots(&run).expect("plots");
    assert_eq!(drawn.len(), 2 * (1 + 3 * 3 + 2));
    for plot in &drawn {
        if plot.name.ends_with(".png") {
            let picture = image::load_from_memory(&plot.bytes).expect("a PNG").to_rgb8();
            assert!(picture.pixels().any(|pixel| pixel.0 != [255; 3]), "{} is blank", plot.name);
        } else {
            let text = std::str::from_utf8(&plot.bytes).expect("UTF-8");
            assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"), "{}", plot.name);
            let how = if plot.name.starts_with("latency_") { "engine fast, dtype f32" } else { "lvis_v1_val" };
            assert!(text.contains(how), "{} does not say its protocol", plot.name);
        }
    }
    assert_eq!(plots(&run).expect("plots"), drawn);
}

#[test]
fn a_plot_without_data_is_left_out() {
    let mut run = limited_run(5);
    for category in &mut run.metrics[0].per_category {
        category.image_count = None;
    }
    run.metrics[0].curves = Default::default();
    let names: Vec<String> = plots(&stored(&run).1).expect("plots").into_iter().map(|plot| plot.name).collect();
    let expected = ["model_zoo.svg", "model_zoo.png", "categories_seg-m-head.svg", "categories_seg-m-head.png"];
    assert_eq!(names, expected);
}

#[test]
fn write_puts_whole_files_and_nothing_else() {
    let (folder, run) = stored(&limited_run(5));
    let files = write(&run, folder.path()).expect("the folder is ours");
    assert_eq!(files.len(), 3 + 4 + 8);
    assert_eq!(fs::read_to_string(folder.path().join("report.md")).expect("report.md"), markdown(&run));
    let plots = fs::read_dir(folder.path().join("plots")).expect("plots").count();
    assert_eq!(plots, 8, "no temporary file stays");
    let linked = markdown(&run);
    let linked = linked.lines().filter_map(|line| line.strip_prefix("![")?.split_once("](")?.1.strip_suffix(')'));
    for link in linked {
        assert!(folder.path().join(link).is_file(), "{link} is linked but not there");
    }
}

#[test]
fn write_names_the_file_it_cannot_write() {
    let (folder, run) = stored(&limited_run(5));
    fs::write(folder.path().join("plots"), "in the way").expect("the folder is ours");
    let error = write(&run, folder.path()).expect_err("plots is a file");
    assert!(matches!(&error, ReportError::Unwritable { file, .. } if file.ends_with("plots/model_zoo.svg")), "{error}");
}

#[test]
fn a_missing_file_is_named() {
    let error = refusal(&zoo_run(1), |folder| fs::remove_file(folder.join("run.json")).expect("stored"));
    assert!(matches!(&error, ReportError::Missing { file } if file.ends_with("run.json")), "{error}");
    let error = refusal(&zoo_run(1), |folder| fs::remove_dir_all(folder.join("seg-l-all")).expect("stored"));
    assert!(matches!(&error, ReportError::Missing { file } if file.ends_with("seg-l-all/metrics.json")), "{error}");
}

#[test]
fn an_unreadable_file_is_named() {
    let error = refusal(&zoo_run(1), |folder| {
        fs::remove_file(folder.join("run.json")).expect("stored");
        fs::create_dir(folder.join("run.json")).expect("the folder is ours");
    });
    assert!(matches!(error, ReportError::Unreadable { .. }), "{error}");
}

#[test]
fn a_damaged_file_is_named_with_the_place() {
    let damages = [("{", "{{"), ("\"rows\"", "\"row\""), ("\"complete\"", "7"), ("\"done\"", "\"finished\"")];
    for (from, to) in damages {
        let error = refusal(&zoo_run(1), |folder| replace(&folder.join("run.json"), from, to));
        assert!(matches!(error, ReportError::Damaged { .. }) && error.to_string().contains("line"), "{error}");
    }
    let error = refusal(&zoo_run(1), |folder| replace(&folder.join("seg-m-all/metrics.json"), "0.2592", "1e999"));
    assert!(matches!(error, ReportError::Damaged { .. }), "{error}");
}

#[test]
fn a_file_of_another_version_is_foreign() {
    for (to, told) in [("\"schema_version\": 2", "2"), ("\"other\": 1", "absent")] {
        let error = refusal(&zoo_run(1), |folder| replace(&folder.join("run.json"), "\"schema_version\": 1", to));
        assert!(matches!(&error, ReportError::ForeignSchema { found, expected: 1, .. } if found == told), "{error}");
    }
}

#[test]
fn a_huge_file_is_not_read() {
    let error = refusal(&zoo_run(1), |folder| {
        let file = fs::File::create(folder.join("run.json")).expect("the folder is ours");
        file.set_len((64 << 20) + 1).expect("a sparse file");
    });
    assert!(matches!(error, ReportError::TooLarge { .. }), "{error}");
}

#[test]
fn a_variant_that_leaves_the_folder_is_refused() {
    for name in ["../secret", "/etc", "a/b", "", ".", "..", "a\\b", "nul", "x."] {
        let mut run = zoo_run(1);
        run.row("v2-seg-m-all").variant = name.to_string();
        let error = refusal(&run, |_| ());
        assert!(matches!(error, ReportError::UnsafeVariant { .. }), "{name:?}: {error}");
    }
}

#[test]
fn more_rows_than_a_zoo_has_are_refused() {
    let mut run = zoo_run(1);
    let row = run.row("v2-seg-m-all").clone();
    run.record.rows = (0..1001).map(|index| Row { variant: format!("row-{index}"), ..row.clone() }).collect();
    assert!(matches!(refusal(&run, |_| ()), ReportError::TooManyRows { rows: 1001, limit: 1000, .. }));
}

#[test]
fn a_long_zoo_is_drawn_in_part_and_says_so() {
    let mut run = zoo_run(1);
    let row = run.row("v2-seg-m-all").clone();
    run.record.rows = (0..50).map(|index| Row { variant: format!("row-{index}"), ..row.clone() }).collect();
    let svg = plots(&stored(&run).1).expect("plots").swap_remove(0).bytes;
    assert!(String::from_utf8(svg).expect("UTF-8").contains("10 more rows are in the tables"));
}

#[test]
fn a_variant_in_two_rows_is_refused() {
    let mut run = zoo_run(1);
    run.row("v2-seg-m-all").variant = "SEG-M-ALL".to_string();
    assert!(matches!(refusal(&run, |_| ()), ReportError::DuplicateVariant { .. }));
}

#[test]
fn metrics_of_another_run_are_refused() {
    let refused = |change: fn(&mut Synthetic)| {
        let mut run = zoo_run(1);
        change(&mut run);
        match refusal(&run, |_| ()) {
            ReportError::ForeignMetrics { what, .. } => what,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refused(|run| run.metrics[0].protocol.detections_per_image = 100), "protocol");
    assert_eq!(refused(|run| run.metrics[0].annotations_sha256 = "0".repeat(64)), "annotation file");
    let run = zoo_run(1);
    let error = refusal(&run, |folder| replace(&folder.join("seg-m-all/metrics.json"), "seg-m-all", "seg-l-all"));
    assert!(matches!(error, ReportError::ForeignMetrics { what: "variant name", .. }), "{error}");
}

#[test]
fn values_outside_their_range_are_refused() {
    let changes: [fn(&mut Synthetic); 7] = [
        |run| run.metrics[0].results.segm.ap = Some(25.9),
        |run| run.metrics[0].results.bbox.ar_small = Some(-1.0),
        |run| run.metrics[0].per_category[0].ap50 = Some(1.5),
        |run| run.metrics[0].curves.rare[7] = 1.01,
        |run| run.row("seg-l-head").published.as_mut().expect("published").ap_rare = Some(101.0),
        |run| run.record.tolerance_ap = -0.05,
        |run| run.metrics[0].latency.as_mut().expect("timed").measurements[0].p90_ms = -1.0,
    ];
    for change in changes {
        let mut run = zoo_run(1);
        change(&mut run);
        let error = refusal(&run, |_| ());
        assert!(matches!(error, ReportError::OutOfRange { .. }), "{error}");
    }
}

#[test]
fn a_curve_of_another_length_is_refused() {
    let mut run = zoo_run(1);
    run.metrics[0].curves.iou75.pop();
    assert!(matches!(refusal(&run, |_| ()), ReportError::BadCurve { curve: "iou75", points: 100, .. }));
}

#[test]
fn snapshots_are_all_in_use() {
    let names = ["zoo.md", "zoo.csv", "zoo.json", "zoo.txt", "zoo_color.txt"];
    let limited = ["limited.md", "limited.csv", "limited.json", "limited.txt"];
    let kept = fs::read_dir(fixture("report")).expect("the fixtures").count();
    assert_eq!(kept, names.len() + limited.len() + 1, "and the folder of exports");
}
