//! The programs in `examples/`: they give what the command gives.

use super::*;

/// The program of an example, which `cargo test` builds beside the tests; where only this test was asked for there may be
/// none, which is said past the test's own output.
fn example(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_BIN_EXE_zoobench")).parent().expect("a program has a folder");
    let program = folder.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    if program.exists() {
        return Some(program);
    }
    let words = format!("\n*** SKIPPED: example {name} is not built (cargo test builds it): it was not run ***\n");
    std::io::stderr().write_all(words.as_bytes()).expect("standard error");
    None
}

/// A pair of files that lvis-api evaluates, with detections of several images.
fn golden_pair(place: &Workplace) {
    for name in ["gt.json", "dt.json"] {
        let path = common::fixture(&format!("evaluation/edge/all_frequent/{name}.gz"));
        let mut text = String::new();
        let packed = fs::File::open(path).expect("the fixture is in the repository");
        flate2::read::GzDecoder::new(packed).read_to_string(&mut text).expect("it can be unpacked");
        place.write(name, text.as_bytes());
    }
}

fn run(place: &Workplace, program: &Path, arguments: &[&str]) -> Finished {
    let output = Command::new(program).args(arguments).current_dir(place.0.path()).output();
    Finished::new(output.expect("the program starts"))
}

#[test]
fn evaluate_prints_what_eval_writes() {
    let Some(program) = example("evaluate") else { return };
    let place = Workplace::new();
    golden_pair(&place);
    for iou in ["segm", "bbox"] {
        let expected = place.run(&["eval", "--gt", "gt.json", "--dt", "dt.json", "--iou", iou, "--json"]);
        expected.done();
        for threads in ["1", "3"] {
            let found = run(&place, &program, &["gt.json", "dt.json", iou, threads]);
            found.done();
            assert_eq!(found.stdout, expected.stdout, "{iou}");
        }
    }
    let refused = run(&place, &program, &["gt.json", "absent.json"]);
    assert!(refused.code != 0 && refused.stderr.contains("absent.json"), "{}", refused.stderr);
}

#[test]
fn stream_gives_the_state_and_the_numbers_of_eval() {
    let Some(program) = example("stream") else { return };
    let place = Workplace::new();
    golden_pair(&place);
    let found = run(&place, &program, &["gt.json", "dt.json"]);
    found.done();
    place.run(&["eval", "--gt", "gt.json", "--dt", "dt.json", "--json", "eval.json"]).done();
    place.run(&["merge", "detections.zbstate", "--json", "merged.json"]).done();
    let (expected, merged) = (place.json("eval.json"), place.json("merged.json"));
    for key in ["results", "per_category", "curves", "images"] {
        assert_eq!(merged[key], expected[key], "{key}");
    }
    let ap = expected["results"]["AP"].as_f64().expect("a number");
    let told: Vec<&str> = found.stdout.lines().collect();
    assert_eq!(told[0], format!("AP {:?}", Some(ap)));
    assert!(told[1].starts_with("95 % interval Some("), "{}", found.stdout);
}
