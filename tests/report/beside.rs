//! What stands beside AP in a report: size, latency, and what others published.

use zoobench::report::{markdown, plots, terminal};

use crate::stored;
use crate::synthetic::{limited_run, zoo_run};

#[test]
fn what_others_published_stands_apart_from_ours() {
    let (_folder, run) = stored(&zoo_run(5));
    let text = markdown(&run);
    let (_, block) = text.split_once("\n## Published speeds").expect("a block of its own");
    let block = block.split_once("\n## ").map_or(block, |(block, _)| block);
    for word in ["not to be compared with ours", "58.1", "V100", "TensorRT FP16", "a paper, table 2"] {
        assert!(block.contains(word), "{word} in {block}");
    }
    for ours in ["61.25", "104.50", "ours |", "16.33"] {
        assert!(!block.contains(ours), "{ours} in {block}");
    }
    assert!(text.contains("| Another model | 25.0 to 26.8 | 16.6 |    - |    - |   53.6 |"), "{text}");
    let (_folder, limited) = stored(&limited_run(5));
    assert!(!markdown(&limited).contains("Published speeds"), "a run without context has no such block");
}

#[test]
fn every_measured_row_has_its_size() {
    let (_folder, run) = stored(&limited_run(5));
    let text = markdown(&run);
    // 17 and 80 million parameters; 90 thousand million multiply-accumulates are 180 GFLOPs.
    assert!(text.contains("| YOLO-World-Seg-M | seg head   |         17.00 |     80.00 | 180.00 |"), "{text}");
    assert!(!text.contains("p90 ms"), "nothing was timed");
    let mut run = limited_run(5);
    run.metrics[0].macs.clear();
    assert!(markdown(&stored(&run).1).contains("|         17.00 |     80.00 |      - |"), "a run of before");
}

#[test]
fn an_invalid_latency_is_marked_in_table_and_plots() {
    let mut run = zoo_run(5);
    for metrics in &mut run.metrics {
        metrics.latency.iter_mut().for_each(|latency| latency.reasons.push("debug build".to_string()));
    }
    let (_folder, run) = stored(&run);
    for text in [markdown(&run), terminal(&run, false, 80)] {
        assert!(text.contains("The latencies are INVALID:\n\n- debug build\n"), "{text}");
        assert!(text.contains("104.50") && !text.contains("  VALID"));
    }
    let plots = plots(&run).expect("plots");
    let svg = plots.iter().find(|plot| plot.name == "latency_ap_segment.svg").expect("it is drawn");
    assert!(String::from_utf8_lossy(&svg.bytes).contains("INVALID: debug build"));
}

#[test]
fn ap_on_part_of_the_data_is_not_drawn_against_latency() {
    let mut limited = limited_run(5);
    limited.metrics[0].latency = zoo_run(5).metrics[0].latency.clone();
    let names: Vec<String> = plots(&stored(&limited).1).expect("plots").into_iter().map(|plot| plot.name).collect();
    assert!(names.iter().all(|name| !name.starts_with("latency_ap")), "{names:?}");
}
