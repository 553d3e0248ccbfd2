//! An error on its way to the exit code.

use std::path::Path;

use serde::Serialize;

use super::exit;
use super::output::print;
use super::place::Place;

/// Version of the JSON form of errors.
pub const ERROR_SCHEMA_VERSION: u32 = 1;

/// What ends a command early.
#[derive(Debug)]
pub struct Failure {
    kind: Kind,
    message: String,
    place: Place,
}

/// What kind of failure it is, and with it the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Arguments that cannot be understood.
    Usage,
    /// Input that is refused.
    BadInput,
    /// An output that cannot be written.
    Unwritable,
    /// A measurement that is not to be used.
    Invalid,
    /// Nothing to evaluate, for example since no weights are present.
    NothingEvaluated,
    /// Ctrl-C.
    Interrupted,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Usage | Self::BadInput | Self::Unwritable => exit::BAD_INPUT,
            Self::Invalid => exit::INVALID,
            Self::NothingEvaluated => exit::NOTHING_EVALUATED,
            Self::Interrupted => exit::INTERRUPTED,
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    error: ErrorDocument<'a>,
}

#[derive(Serialize)]
struct ErrorDocument<'a> {
    kind: Kind,
    message: &'a str,
    exit_code: u8,
    file: Option<&'a str>,
    record: Option<&'a str>,
}

impl Failure {
    /// Bad input.
    pub fn input(error: &(dyn std::error::Error + 'static)) -> Self {
        Self { kind: Kind::BadInput, message: chain(error), place: Place::of(error) }
    }

    /// An output that cannot be written.
    pub fn unwritable(path: &Path, error: &std::io::Error) -> Self {
        let message = format!("{}: cannot be written: {error}", path.display());
        Self { kind: Kind::Unwritable, message, place: Place::path(path) }
    }

    /// Another kind.
    pub fn of_kind(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), place: Place::default() }
    }

    /// Says it on stderr and, where JSON is asked for, on stdout too; yields the exit code.
    pub fn report(self, as_json: bool) -> u8 {
        eprintln!("zoobench: {}", self.message);
        if as_json {
            print(&self.json());
        }
        self.kind.code()
    }

    /// The error as one JSON object.
    pub fn json(&self) -> String {
        let error = ErrorDocument {
            kind: self.kind,
            message: &self.message,
            exit_code: self.kind.code(),
            file: self.place.file.as_deref(),
            record: self.place.record.as_deref(),
        };
        let document = Document { schema_version: ERROR_SCHEMA_VERSION, error };
        serde_json::to_string_pretty(&document).expect("strings and numbers can always be written") + "\n"
    }
}

/// An error and its causes in one line, without saying the same thing twice.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if !text.contains(&part) {
            text = format!("{text}: {part}");
        }
        cause = error.source();
    }
    text
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::input(&error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn causes_are_named_once() {
        assert_eq!(chain(&Outer(std::fmt::Error)), format!("outer: {}", std::fmt::Error));
        assert_eq!(chain(&std::fmt::Error), std::fmt::Error.to_string());
    }
}
