//! The program as a user meets it: exit codes, messages, files.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{json, Value};
use tempfile::TempDir;
use zoobench::zoo::embedded;

#[path = "cli/devices.rs"]
mod devices;
#[path = "cli/evaluating.rs"]
mod evaluating;
#[path = "cli/examples.rs"]
mod examples;
#[path = "cli/predicting.rs"]
mod predicting;
#[path = "cli/running.rs"]
mod running;
#[path = "common/schema.rs"]
mod schema;
#[path = "cli/states.rs"]
mod states;

const V1: &str = "weights/shapes_v1-b0b51c54.pth";
const V2: &str = "weights/shapes_v2-bd8e3ecd.pth";

/// A folder to work in, with the user's cache inside it.
struct Workplace(TempDir);

impl Workplace {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    /// With the first images of the shapes data set, its annotations, and these weights.
    fn with_shapes(images: usize, weights: &[&str]) -> Self {
        let place = Self::new();
        let files = embedded("shapes").expect("shapes is embedded");
        let first = (1..=images).map(|index| format!("images/{index:06}.jpg"));
        let names = weights.iter().map(|name| (*name).to_owned()).chain(first);
        for name in names {
            place.write(&name, &files.read(&name).expect("an embedded file"));
        }
        let mut annotations = place.embedded_annotations();
        let kept = |image: &Value| image.as_i64().is_some_and(|id| id <= images as i64);
        list(&mut annotations, "images").retain(|image| kept(&image["id"]));
        list(&mut annotations, "annotations").retain(|annotation| kept(&annotation["image_id"]));
        place.write("annotations.json", annotations.to_string().as_bytes());
        place
    }

    fn embedded_annotations(&self) -> Value {
        let files = embedded("shapes").expect("shapes is embedded");
        serde_json::from_slice(&files.read("annotations.json").expect("an embedded file"))
            .expect("annotations are JSON")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder");
        fs::write(path, bytes).expect("a file");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    fn change_annotations(&self, change: impl FnOnce(&mut Value)) {
        let mut annotations = self.json("annotations.json");
        change(&mut annotations);
        self.write("annotations.json", annotations.to_string().as_bytes());
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_zoobench"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env("XDG_CACHE_HOME", self.path("cache"))
            .env("NO_COLOR", "1");
        command
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        Finished::new(self.command(arguments).output().expect("the program starts"))
    }
}

fn list<'a>(value: &'a mut Value, key: &str) -> &'a mut Vec<Value> {
    value[key].as_array_mut().expect("a list")
}

struct Finished {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Finished {
    fn new(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        let code = output.status.code().expect("the program exits by itself");
        Self { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Exit code 2, nothing on stdout but the error where JSON was asked for, a message with each of
    /// these words, and no panic.
    fn refused(&self, words: &[&str]) {
        assert_eq!(self.code, 2, "{}", self.stderr);
        if !self.stdout.is_empty() {
            let document: Value = serde_json::from_str(&self.stdout).expect("an error as JSON");
            assert_eq!(document["error"]["exit_code"], 2, "{}", self.stdout);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in: {}", self.stderr);
        }
    }

    fn done(&self) {
        assert_eq!(self.code, 0, "{}", self.stderr);
    }
}

/// Every file below a folder, by its path there.
fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below the folder").display().to_string();
                files.insert(name, fs::read(path).expect("a file"));
            }
        }
    }
    files
}

#[test]
fn help_teaches_and_says_the_exit_codes() {
    let place = Workplace::new();
    let help = place.run(&["--help"]);
    help.done();
    for word in ["run", "predict", "eval", "report", "zoo", "completions", "130"] {
        assert!(help.stdout.contains(word), "{word}");
    }
    for command in ["run", "predict", "eval", "report", "zoo"] {
        let help = place.run(&[command, "--help"]);
        help.done();
        assert!(help.stdout.contains("Example"), "{command}");
    }
}

#[test]
fn bad_usage_is_exit_code_2() {
    let place = Workplace::new();
    for arguments in [&["nonsense"][..], &[], &["run", "--limit", "0"], &["eval"], &["run", "--threads", "x"]] {
        let finished = place.run(arguments);
        assert_eq!(finished.code, 2, "{arguments:?}: {}", finished.stderr);
        assert!(finished.stdout.is_empty());
    }
}

#[test]
fn zoos_are_listed() {
    let place = Workplace::new();
    let zoos = place.run(&["zoo"]);
    zoos.done();
    assert!(zoos.stdout.contains("shapes") && zoos.stdout.contains("yolo-world-seg"));
    let zoo = place.run(&["zoo", "yolo-world-seg"]);
    zoo.done();
    for word in ["25.9", "28.7", "16.7", "17.8", "19.1", "19.8", "none public"] {
        assert!(zoo.stdout.contains(word), "{word} in {}", zoo.stdout);
    }
    place.run(&["zoo", "nowhere.toml"]).refused(&["nowhere.toml"]);
}

#[test]
fn completions_are_printed() {
    for shell in ["bash", "zsh", "fish"] {
        let completions = Workplace::new().run(&["completions", shell]);
        completions.done();
        assert!(completions.stdout.contains("zoobench"));
    }
}
