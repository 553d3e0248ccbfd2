//! The rules of JSON as Python's `json` module reads it, and its limits.

/// Deepest nesting of lists and objects: what lvis-api reaches before Python's recursion limit.
pub(super) const MAX_DEPTH: usize = 990;
/// Most digits of an integer that Python converts.
pub(super) const MAX_INTEGER_DIGITS: usize = 4300;

/// A rule of JSON, as Python's `json` module reads it, that a text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonRule {
    /// The text ends inside a value.
    #[error("the JSON ends here, inside a value: is the file truncated?")]
    UnexpectedEnd,
    /// Something else where a value should be.
    #[error("expected a JSON value")]
    ExpectedValue,
    /// Something else where an object's key should be.
    #[error("expected a key in double quotes (a comma after the last one is not allowed)")]
    ExpectedKey,
    /// A key without a colon.
    #[error("expected ':' after the key")]
    ExpectedColon,
    /// No comma between values.
    #[error("expected ',' or the end of the list or object")]
    ExpectedComma,
    /// A number's fraction or exponent without digits.
    #[error("expected a digit")]
    ExpectedDigit,
    /// A control character in a string.
    #[error("a control character in a string must be escaped")]
    ControlCharacter,
    /// An unknown escape sequence.
    #[error("invalid escape sequence in a string")]
    Escape,
    /// Bytes that are not UTF-8.
    #[error("the text is not valid UTF-8")]
    Utf8,
    /// A byte order mark at the start.
    #[error("the file starts with a byte order mark: save it as UTF-8 without one")]
    ByteOrderMark,
    /// Lists and objects nested too deep.
    #[error("lists and objects are nested deeper than {MAX_DEPTH}")]
    TooDeep,
    /// An integer with too many digits.
    #[error("the integer has more than {MAX_INTEGER_DIGITS} digits")]
    IntegerTooLong,
    /// Something after the value.
    #[error("unexpected text after the end of the JSON value")]
    TrailingText,
}
