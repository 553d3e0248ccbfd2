//! An error on its way to the exit code.

use std::path::Path;

use super::exit;

/// What ends a command early.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    /// Bad input or usage: exit code 2.
    pub fn input(error: &dyn std::error::Error) -> Self {
        Self { code: exit::BAD_INPUT, message: chain(error) }
    }

    /// An output that cannot be written.
    pub fn unwritable(path: &Path, error: &std::io::Error) -> Self {
        Self { code: exit::BAD_INPUT, message: format!("{}: cannot be written: {error}", path.display()) }
    }

    /// Another code.
    pub fn with_code(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Says it on stderr and yields the exit code.
    pub fn report(self) -> u8 {
        eprintln!("zoobench: {}", self.message);
        self.code
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

impl<E: std::error::Error> From<E> for Failure {
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
