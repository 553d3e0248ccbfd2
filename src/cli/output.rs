//! Writing to stdout.

use std::io::{IsTerminal, Write};

/// Columns where stdout is no terminal: tables are then not cut.
const UNBOUNDED: usize = 200;

/// Prints data on stdout. A reader that has gone away is no error: `zoobench zoo | head` is fine.
pub fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
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
