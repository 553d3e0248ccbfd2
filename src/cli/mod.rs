//! The command line: parses, calls a room, prints, and turns the outcome into an exit code.
//!
//! stdout is data, stderr everything else. This is the only room that prints.
mod args;
mod commands;
mod compare;
mod eval_table;
pub mod exit;
mod failure;
mod gate;
mod interrupt;
mod intervals;
mod latency;
mod latency_table;
mod merge;
mod output;
mod progress;
mod zoo_table;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::Cli;
use failure::Failure;

/// Runs the command line `args` (the program's name first) and returns its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let code = match Cli::try_parse_from(args) {
        Ok(cli) => commands::dispatch(cli.command).unwrap_or_else(Failure::report),
        Err(error) => usage(&error),
    };
    ExitCode::from(code)
}

/// `--help` and `--version` are data; anything else that clap says is a usage error.
fn usage(error: &clap::Error) -> u8 {
    // A closed stdout or stderr leaves nobody to tell.
    let _ = error.print();
    if error.use_stderr() {
        exit::BAD_INPUT
    } else {
        exit::DONE
    }
}

/// Whether colour is wanted: `NO_COLOR` and a dumb terminal turn it off.
fn colour_allowed() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("NO_COLOR") && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}
