//! Writing to stdout, and where `--json` leads.
//!
//! One rule for every command: `--json FILE` writes the result as JSON and the table still goes to
//! stdout; `--json` alone, or `--json -`, writes the JSON to stdout in place of the table. An error
//! under `--json` leaves nothing at FILE and is one JSON object on stdout, beside its words on stderr.

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::Path;

use super::failure::Failure;
use crate::dataset::write_whole;

/// What `--json` means where it names no file.
pub const STDOUT: &str = "-";

/// Columns where stdout is no terminal: tables are then not cut.
const UNBOUNDED: usize = 200;

/// Prints data on stdout. A reader that has gone away is no error: `zoobench zoo | head` is fine.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Whether the command line asks for JSON. Seen before it is parsed: a usage error is an error too.
pub fn asks_for_json(args: &[OsString]) -> bool {
    let options = args.iter().skip(1).take_while(|arg| *arg != "--");
    options.map(|arg| arg.to_string_lossy()).any(|arg| arg == "--json" || arg.starts_with("--json="))
}

/// Gives a result its places: the table to stdout and the JSON to its file, or the JSON to stdout.
///
/// # Errors
/// Where the file cannot be written; nothing is printed then.
pub fn deliver(
    json: Option<&Path>,
    table: impl FnOnce() -> String,
    document: impl FnOnce() -> String,
) -> Result<(), Failure> {
    match json {
        Some(path) if path == Path::new(STDOUT) => print(&document()),
        Some(path) => {
            write_whole(path, document().as_bytes()).map_err(|error| Failure::unwritable(path, &error))?;
            print(&table());
        }
        None => print(&table()),
    }
    Ok(())
}

/// Whether stdout shows colour.
pub fn stdout_colour() -> bool {
    std::io::stdout().is_terminal() && super::colour_allowed()
}

/// Columns of the terminal.
pub fn width() -> usize {
    match terminal_size::terminal_size() {
        Some((terminal_size::Width(columns), _)) if std::io::stdout().is_terminal() => usize::from(columns),
        _ => UNBOUNDED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_by_its_option_alone() {
        let asks = |args: &[&str]| {
            let args: Vec<OsString> = std::iter::once(&"zoobench").chain(args).map(OsString::from).collect();
            asks_for_json(&args)
        };
        assert!(asks(&["eval", "--json"]) && asks(&["eval", "--json=out.json"]) && asks(&["--json", "nonsense"]));
        assert!(!asks(&["eval", "--jsonl"]) && !asks(&["report", "--", "--json"]) && !asks(&["gate", "json"]));
    }
}
