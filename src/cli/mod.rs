//! The command line: parses, calls a room, prints, and turns the outcome into an exit code.
//!
//! stdout is data, stderr everything else. This is the only room that prints.
mod args;
mod commands;
mod compare;
mod doctor;
mod eval;
mod eval_table;
mod execution;
pub mod exit;
mod explain;
mod failure;
mod gate;
mod interrupt;
mod intervals;
mod latency;
mod latency_table;
mod merge;
mod output;
mod place;
mod progress;
mod threads;
mod zoo_json;
mod zoo_table;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::Cli;
use failure::{Failure, Kind};

/// Runs the command line `args` (the program's name first) and returns its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let as_json = output::asks_for_json(&args);
    let code = match Cli::try_parse_from(args) {
        Ok(cli) => commands::dispatch(cli.command).unwrap_or_else(|failure| failure.report(as_json)),
        Err(error) => usage(&error, as_json),
    };
    ExitCode::from(code)
}

/// `--help` and `--version` are data; anything else that clap says is a usage error.
fn usage(error: &clap::Error, as_json: bool) -> u8 {
    // A closed stdout or stderr leaves nobody to tell.
    let _ = error.print();
    if !error.use_stderr() {
        return exit::DONE;
    }
    if as_json {
        output::print(&Failure::of_kind(Kind::Usage, error.to_string().trim_end()).json());
    }
    exit::BAD_INPUT
}

/// Whether colour is wanted: `NO_COLOR` and a dumb terminal turn it off.
fn colour_allowed() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
