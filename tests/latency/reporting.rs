//! The report of a measurement: its Markdown against a snapshot, its files all or none.

use std::fs;

use zoobench::latency::{latency_markdown, write_latency, LatencyError, Length, MachineRecord, MachineState, Measured};
use zoobench::zoo::speed_rows;

use crate::fake::{accuracy, job, measured, Fake};
use crate::snapshot::assert_snapshot;

/// A measurement whose machine is made up too.
fn made_up(length: Length, tied: bool) -> Measured {
    let accuracy = accuracy();
    let mut job = job(tied.then_some(accuracy.path()));
    job.length = length;
    if length == Length::Standard {
        job.variants = vec!["shapes_v2".to_owned()];
    }
    let mut measured = measured(&job, &Fake::quiet());
    let state = MachineState {
        clock_mhz: Some(2000.0),
        load_average: Some(0.25),
        memory_available_bytes: Some(1 << 33),
        gpus: vec![],
    };
    measured.record.machine = MachineRecord {
        fingerprint: "f1".repeat(32),
        cpu: "A made-up CPU".to_owned(),
        cores: 2,
        threads: 1,
        os: "linux x86_64".to_owned(),
        kernel: Some("6.1".to_owned()),
        memory_bytes: Some(1 << 34),
        governor: None,
        base_clock_mhz: None,
        gpu: "none".to_owned(),
        driver: None,
        cuda: None,
        cudnn: None,
        features: vec![],
        tf32_override: None,
        before: state.clone(),
        during: vec![MachineState { load_average: Some(0.75), ..state.clone() }, state.clone()],
        after: state,
        ..measured.record.machine
    };
    measured
}

#[test]
fn the_report_matches_its_snapshot() {
    assert_snapshot("latency/quick.md.snap", &latency_markdown(&made_up(Length::Quick, true)));
}

#[test]
fn an_invalid_report_says_so_first_and_why() {
    let text = latency_markdown(&made_up(Length::Quick, false));
    let mut lines = text.lines().filter(|line| !line.is_empty());
    assert_eq!(lines.next(), Some("# Latency of the zoo shapes: INVALID"));
    assert!(lines.next().is_some_and(|line| line.starts_with("- no accuracy result of these weights")), "{text}");
    assert!(!text.contains("latency_ap_"), "there is no AP to draw");
}

#[test]
fn published_speeds_stand_in_a_block_of_their_own() {
    let mut measured = made_up(Length::Quick, true);
    assert!(!latency_markdown(&measured).contains("Published"));
    measured.record.published_speeds = speed_rows().expect("built in");
    let text = latency_markdown(&measured);
    let (_, block) = text.split_once("\n## Published speeds").expect("a block");
    for word in ["not to be compared with ours", "| YOLO-World-L", "52.0", "V100", "PyTorch FP32", "TensorRT FP16"] {
        assert!(block.contains(word), "{word} in {block}");
    }
    assert!(!block.contains("shapes_v1") && !block.contains("100.300"), "{block}");
}

#[test]
fn every_kind_of_measurement_has_a_block_and_its_pictures() {
    let text = latency_markdown(&made_up(Length::Standard, true));
    for heading in
        ["forward, single, batch 1", "segment, single, batch 1, scores above 0.25", "segment, offline, batch 32"]
    {
        assert!(text.contains(&format!("\n## {heading} (device cpu, engine fast, dtype f32)\n")), "{heading}");
    }
    assert_eq!(text.matches("\n## ").count(), 18 + 3, "18 measurements, machine, notes and plots");
    for stem in ["latency_distribution_detect", "latency_ap_segment", "throughput_forward", "throughput_segment"] {
        assert!(text.contains(&format!("(plots/{stem}.svg)")), "{stem}");
    }
}

#[test]
fn the_folder_holds_what_the_report_links() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let measured = made_up(Length::Quick, true);
    write_latency(&measured, folder.path()).expect("our folder");
    let text = fs::read_to_string(folder.path().join("latency.md")).expect("the report");
    assert_eq!(text, latency_markdown(&measured));
    let links: Vec<&str> =
        text.lines().filter_map(|line| line.strip_suffix(')')?.rsplit_once("](")).map(|l| l.1).collect();
    assert_eq!(links.len(), 4, "two distributions, two against AP");
    for link in links {
        let svg = fs::read_to_string(folder.path().join(link)).expect("a linked picture");
        assert!(svg.contains("shapes_v1") && !svg.contains("INVALID"), "{link}");
    }
    let json = fs::read_to_string(folder.path().join("latency.json")).expect("the measurement");
    assert!(json.contains("\"raw\": \"latency.samples.ndjson\""));
    let samples = fs::read_to_string(folder.path().join("latency.samples.ndjson")).expect("the samples");
    assert_eq!(samples.lines().count(), measured.samples.iter().map(Vec::len).sum::<usize>());
}

#[test]
fn a_file_in_the_way_leaves_no_part_of_the_report() {
    let measured = made_up(Length::Quick, true);
    for blocked in ["latency.md", "latency.json", "plots/latency_ap_forward.svg"] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join(blocked)).expect("a folder in the way");
        let error = write_latency(&measured, folder.path()).expect_err("a folder is in the way");
        assert!(matches!(&error, LatencyError::Unwritable { path, .. } if path.ends_with(blocked)), "{error}");
        let left = [folder.path().to_owned(), folder.path().join("plots")];
        let entries = left.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
        assert!(files.is_empty(), "{blocked}: {files:?}");
    }
}
