//! `baseline` and `gate` as a user meets them.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::synthetic::{zoo_run, Synthetic};

/// A folder with a run and the baseline of the unchanged run.
struct Place(TempDir);

impl Place {
    fn with(change: impl FnOnce(&mut Synthetic)) -> Self {
        let place = Self(TempDir::new().expect("a temporary folder"));
        fs::create_dir(place.path("run")).expect("the folder is ours");
        zoo_run(3).store(&place.path("run"));
        let baseline = place.zoobench(&["baseline", "run"], &[]);
        assert_eq!(baseline.status.code(), Some(0));
        fs::write(place.path("b.toml"), baseline.stdout).expect("the folder is ours");
        let mut run = zoo_run(3);
        change(&mut run);
        run.store(&place.path("run"));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn zoobench(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zoobench"));
        command.current_dir(self.0.path()).args(arguments);
        command.env_remove("GITHUB_ACTIONS").env_remove("GITHUB_STEP_SUMMARY");
        command.envs(environment.iter().copied()).output().expect("the program starts")
    }

    fn gate(&self, more: &[&str]) -> Output {
        self.zoobench(&[&["gate", "run", "--baseline", "b.toml"], more].concat(), &[])
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("it was written")
    }
}

fn lowered(run: &mut Synthetic) {
    run.metrics[0].results.segm.ap = Some(0.2);
}

fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or_default().to_string()
}

#[test]
fn exit_codes_tell_the_verdict() {
    type Change = fn(&mut Synthetic);
    let verdicts: [(Change, i32, &str); 3] = [
        (|_| (), 0, "gate yolo-world-seg: PASS"),
        (lowered, 1, "gate yolo-world-seg: FAIL"),
        (|run| run.metrics[0].results.segm.ap = None, 3, "gate yolo-world-seg: INVALID"),
    ];
    for (change, code, word) in verdicts {
        let output = Place::with(change).gate(&[]);
        assert_eq!(output.status.code(), Some(code));
        assert!(last_line(&output).starts_with(word), "{}", last_line(&output));
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn bad_input_is_exit_code_2_and_writes_nothing() {
    let place = Place::with(|_| ());
    fs::write(place.path("no.toml"), "not toml").expect("the folder is ours");
    let cases: [&[&str]; 4] = [
        &["gate", "run", "--baseline", "no.toml", "--json", "out.json"],
        &["gate", "run", "--baseline", "absent.toml", "--json", "out.json"],
        &["gate", "absent", "--baseline", "b.toml", "--json", "out.json"],
        &["baseline", "absent"],
    ];
    for arguments in cases {
        let output = place.zoobench(arguments, &[]);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
        if !output.stdout.is_empty() {
            let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("an error as JSON");
            assert_eq!(document["error"]["exit_code"], 2);
        }
        assert!(!place.path("out.json").exists());
    }
}

#[test]
fn files_are_written_whatever_the_verdict() {
    let place = Place::with(lowered);
    let output = place.gate(&["--json", "out.json", "--junit", "out.xml"]);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_str(&place.text("out.json")).expect("JSON");
    assert_eq!(json["verdict"], "FAIL");
    assert!(place.text("out.xml").contains("failures=\"1\""));
}

#[test]
fn github_gets_annotations_and_a_summary() {
    let place = Place::with(lowered);
    fs::write(place.path("summary.md"), "before\n").expect("the folder is ours");
    let environment = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "summary.md")];
    let output = place.zoobench(&["gate", "run", "--baseline", "b.toml"], &environment);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.lines().all(|line| line.starts_with("::error title=zoobench gate::")), "{stderr}");
    assert_eq!(stderr.lines().count(), 2);
    let summary = place.text("summary.md");
    assert!(summary.starts_with("before\n## gate yolo-world-seg: FAIL"), "{summary}");
}

#[test]
fn accepting_rewrites_the_file_and_prints_the_difference() {
    let place = Place::with(lowered);
    let output = place.gate(&["--accept"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "seg-m-all segm/AP: 0.2592 -> 0.2\n");
    assert_eq!(place.gate(&[]).status.code(), Some(0));
    let before = place.text("b.toml");
    assert_eq!(String::from_utf8_lossy(&place.gate(&["--accept"]).stdout), "nothing changed\n");
    assert_eq!(place.text("b.toml"), before);
}

#[test]
fn an_invalid_run_is_not_accepted() {
    let place = Place::with(|run| run.metrics[0].results.segm.ap = None);
    let before = place.text("b.toml");
    let output = place.gate(&["--accept"]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(place.text("b.toml"), before);
}

/// What the action's script says and ends with, of a program whose `run` and `gate` end with these codes.
#[cfg(unix)]
fn action(run: u8, gate: u8) -> (Option<i32>, String) {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().expect("a temporary folder");
    let program = folder.path().join("program");
    fs::write(&program, format!("#!/bin/sh\ncase $1 in run) exit {run} ;; gate) exit {gate} ;; esac\nexit 99\n"))
        .expect("the folder is ours");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("the file is ours");
    let mut script = Command::new("bash");
    script.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/.github/actions/gate/gate.sh")).current_dir(folder.path());
    script.envs([("ZOO", "shapes"), ("BASELINE", "b.toml"), ("ARGS", ""), ("OUT", "out"), ("GITHUB_OUTPUT", "told")]);
    let output = script.env("PROGRAM", &program).output().expect("bash is there");
    (output.status.code(), fs::read_to_string(folder.path().join("told")).unwrap_or_default())
}

#[test]
#[cfg(unix)]
fn the_action_tells_the_verdict_of_whatever_was_measured() {
    for run in [0, 1] {
        assert_eq!(action(run, 0), (Some(0), "verdict=PASS\n".to_owned()));
        assert_eq!(action(run, 1), (Some(1), "verdict=FAIL\n".to_owned()));
        assert_eq!(action(run, 3), (Some(3), "verdict=INVALID\n".to_owned()));
        assert_eq!(action(run, 2), (Some(2), "verdict=\n".to_owned()));
    }
    // Latencies that are INVALID keep nothing from failing, and let nothing pass.
    assert_eq!(action(3, 0), (Some(3), "verdict=INVALID\n".to_owned()));
    assert_eq!(action(3, 1), (Some(1), "verdict=FAIL\n".to_owned()));
    for run in [2, 4, 130] {
        assert_eq!(action(run, 0), (Some(i32::from(run)), String::new()), "nothing to judge");
    }
}
