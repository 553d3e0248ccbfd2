//! A pull parser for JSON as Python's `json` module reads it.
//!
//! It differs from RFC 8259, and hence from serde_json, in what lvis-api's users meet: `NaN`,
//! `Infinity` and `-Infinity` are numbers, lone surrogates may be escaped, numbers overflow to
//! infinity, integers have any size up to 4300 digits, nesting ends where Python's recursion does.
//! As in Python, a byte order mark, a trailing comma, a control character in a string, a leading
//! zero or anything after the value is an error.
//!
//! The parser runs over a slice that may be the beginning of a longer text: where only more text
//! could decide, the fault is [`JsonRule::UnexpectedEnd`], and no other fault would go away with more.

use std::borrow::Cow;

use super::bytes::{digits_end, plain_end, plain_number_end, Words};

/// Deepest nesting of lists and objects: what lvis-api reaches before Python's recursion limit.
pub(super) const MAX_DEPTH: usize = 990;
/// Most digits of an integer that Python converts.
const MAX_INTEGER_DIGITS: usize = 4300;

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

/// A broken rule and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub at: usize,
    pub rule: JsonRule,
}

pub(super) type Parsed<T> = Result<T, Fault>;

/// What kind of value comes next, told by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Bool,
    Number,
    String,
    List,
    Object,
}

/// A string or key as the text spells it, without its quotes; escapes and UTF-8 are valid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    raw: &'a [u8],
    escaped: bool,
}

impl<'a> Text<'a> {
    /// The UTF-8 bytes with escapes resolved, a lone surrogate as U+FFFD.
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        if self.escaped {
            return Cow::Owned(super::unescape::unescape(self.raw));
        }
        Cow::Borrowed(self.raw)
    }

    /// Appends [`Text::bytes`].
    pub fn append_to(&self, bytes: &mut Vec<u8>) {
        match self.escaped {
            true => super::unescape::unescape_into(self.raw, bytes),
            false => bytes.extend_from_slice(self.raw),
        }
    }

    pub fn to_string(self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}

/// A position in a JSON text.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Scanner<'a> {
    /// At the start of `bytes`, inside `depth` lists and objects.
    pub fn new(bytes: &'a [u8], depth: usize) -> Self {
        Self { bytes, at: 0, depth }
    }

    /// At position `at` of `bytes`, inside `depth` lists and objects.
    pub fn at(bytes: &'a [u8], at: usize, depth: usize) -> Self {
        Self { bytes, at, depth }
    }

    pub fn position(&self) -> usize {
        self.at
    }

    /// The text from `start` to the current position.
    pub fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// All of the text.
    pub fn text(&self) -> &'a [u8] {
        self.bytes
    }

    /// Skips one of several texts if it comes next.
    #[inline]
    pub fn skip_words(&mut self, words: &Words, place: usize) -> Option<()> {
        self.at = words.end_of(place, self.bytes, self.at)?;
        Some(())
    }

    fn fault<T>(&self, rule: JsonRule) -> Parsed<T> {
        Err(Fault { at: self.at, rule })
    }

    /// Skips white space; the next byte, if any.
    #[inline]
    pub fn next_byte(&mut self) -> Option<u8> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    #[inline]
    fn need_byte(&mut self) -> Parsed<u8> {
        match self.next_byte() {
            Some(byte) => Ok(byte),
            None => self.fault(JsonRule::UnexpectedEnd),
        }
    }

    /// Refuses a byte order mark, of which Python's `json` knows that it would not like it.
    pub fn refuse_byte_order_mark(&self) -> Parsed<()> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        match self.bytes.starts_with(MARK) {
            true => self.fault(JsonRule::ByteOrderMark),
            false => Ok(()),
        }
    }

    /// Skips white space up to the end of the text, which must come.
    pub fn expect_end(&mut self) -> Parsed<()> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => self.fault(JsonRule::TrailingText),
        }
    }

    /// The kind of the next value.
    #[inline]
    pub fn kind(&mut self) -> Parsed<Kind> {
        match self.need_byte()? {
            b'"' => Ok(Kind::String),
            b'-' | b'0'..=b'9' | b'N' | b'I' => Ok(Kind::Number),
            b'[' => Ok(Kind::List),
            b'{' => Ok(Kind::Object),
            b'n' => Ok(Kind::Null),
            b't' | b'f' => Ok(Kind::Bool),
            _ => self.fault(JsonRule::ExpectedValue),
        }
    }

    /// Enters the list or object that [`Scanner::kind`] has announced.
    pub fn enter(&mut self) -> Parsed<()> {
        if self.depth >= MAX_DEPTH {
            return self.fault(JsonRule::TooDeep);
        }
        self.depth += 1;
        self.at += 1;
        Ok(())
    }

    /// Moves to the next element of the entered list; `false` leaves the list. `first` is `true` for
    /// the first call.
    #[inline]
    pub fn next_element(&mut self, first: &mut bool) -> Parsed<bool> {
        match (self.need_byte()?, std::mem::replace(first, false)) {
            (b']', _) => Ok(self.leave()),
            (_, true) => Ok(true),
            (b',', false) => {
                self.at += 1;
                Ok(true)
            }
            _ => self.fault(JsonRule::ExpectedComma),
        }
    }

    /// Moves to the value of the entered object's next key; `None` leaves the object. `first` is
    /// `true` for the first call.
    #[inline]
    pub fn next_key(&mut self, first: &mut bool) -> Parsed<Option<Text<'a>>> {
        let mut byte = self.need_byte()?;
        let was_first = std::mem::replace(first, false);
        if byte == b'}' {
            self.leave();
            return Ok(None);
        }
        if !was_first {
            if byte != b',' {
                return self.fault(JsonRule::ExpectedComma);
            }
            self.at += 1;
            byte = self.need_byte()?;
        }
        if byte != b'"' {
            return self.fault(JsonRule::ExpectedKey);
        }
        let key = self.string()?;
        if self.need_byte()? != b':' {
            return self.fault(JsonRule::ExpectedColon);
        }
        self.at += 1;
        Ok(Some(key))
    }

    fn leave(&mut self) -> bool {
        self.at += 1;
        self.depth -= 1;
        false
    }

    /// Checks and skips the next value; its text.
    pub fn value(&mut self) -> Parsed<&'a [u8]> {
        let kind = self.kind()?;
        let start = self.at;
        self.skip(kind)?;
        Ok(self.since(start))
    }

    fn skip(&mut self, kind: Kind) -> Parsed<()> {
        match kind {
            Kind::String => self.string().map(drop),
            Kind::Number => self.number().map(drop),
            Kind::List => self.skip_list(),
            Kind::Object => self.skip_object(),
            Kind::Null => self.literal("null"),
            Kind::Bool => self.bool().map(drop),
        }
    }

    fn skip_list(&mut self) -> Parsed<()> {
        self.enter()?;
        let mut first = true;
        while self.next_element(&mut first)? {
            let kind = self.kind()?;
            self.skip(kind)?;
        }
        Ok(())
    }

    fn skip_object(&mut self) -> Parsed<()> {
        self.enter()?;
        let mut first = true;
        while self.next_key(&mut first)?.is_some() {
            let kind = self.kind()?;
            self.skip(kind)?;
        }
        Ok(())
    }

    fn literal(&mut self, word: &str) -> Parsed<()> {
        let rest = &self.bytes[self.at..];
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        if word.as_bytes().starts_with(rest) {
            return self.fault(JsonRule::UnexpectedEnd);
        }
        self.fault(JsonRule::ExpectedValue)
    }

    /// The next value, which [`Scanner::kind`] has announced as a bool.
    pub fn bool(&mut self) -> Parsed<bool> {
        let value = self.bytes[self.at] == b't';
        self.literal(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// The text of the next value, which [`Scanner::kind`] has announced as a number.
    #[inline]
    pub fn number(&mut self) -> Parsed<&'a [u8]> {
        let start = self.at;
        if let Some(end) = plain_number_end(self.bytes, start) {
            self.at = end;
            return Ok(self.since(start));
        }
        match self.bytes[start] {
            b'N' => self.literal("NaN")?,
            b'I' => self.literal("Infinity")?,
            b'-' if self.bytes.get(start + 1) == Some(&b'I') => self.literal("-Infinity")?,
            _ => self.decimal()?,
        }
        Ok(self.since(start))
    }

    /// The next value, if it is a number and no white space stands before it.
    #[inline]
    pub fn plain_number(&mut self) -> Option<()> {
        match self.bytes.get(self.at)? {
            b'-' | b'0'..=b'9' | b'N' | b'I' => self.number().ok().map(drop),
            _ => None,
        }
    }

    /// The next value, if it is a string and no white space stands before it.
    #[inline]
    pub fn plain_string(&mut self) -> Option<Text<'a>> {
        match self.bytes.get(self.at)? {
            b'"' => self.string().ok(),
            _ => None,
        }
    }

    /// An integer, a fraction, an exponent.
    fn decimal(&mut self) -> Parsed<()> {
        self.at += usize::from(self.bytes[self.at] == b'-');
        let integer = self.at;
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.at = digits_end(self.bytes, self.at),
            Some(_) => return self.fault(JsonRule::ExpectedValue),
            None => return self.fault(JsonRule::UnexpectedEnd),
        }
        let integer_end = self.at;
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.bytes.get(self.at) {
            self.at += 1;
            self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
            self.digits()?;
        }
        if self.at == integer_end && integer_end - integer > MAX_INTEGER_DIGITS {
            return Err(Fault { at: integer, rule: JsonRule::IntegerTooLong });
        }
        Ok(())
    }

    /// One digit or more.
    #[inline]
    fn digits(&mut self) -> Parsed<()> {
        let end = digits_end(self.bytes, self.at);
        if end == self.at {
            let rule = if end == self.bytes.len() { JsonRule::UnexpectedEnd } else { JsonRule::ExpectedDigit };
            return self.fault(rule);
        }
        self.at = end;
        Ok(())
    }

    /// The next value, which [`Scanner::kind`] has announced as a string.
    #[inline]
    pub fn string(&mut self) -> Parsed<Text<'a>> {
        self.at += 1;
        let start = self.at;
        let (mut escaped, mut ascii) = (false, true);
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0..=0x1f) => return self.fault(JsonRule::ControlCharacter),
                Some(_) => {
                    ascii = false;
                    self.at += 1;
                }
                None => return self.fault(JsonRule::UnexpectedEnd),
            }
        }
        let raw = self.since(start);
        if !ascii {
            check_utf8(raw, start)?;
        }
        self.at += 1;
        Ok(Text { raw, escaped })
    }

    /// Checks and skips one escape sequence.
    fn escape(&mut self) -> Parsed<()> {
        match self.bytes.get(self.at + 1) {
            None => return self.fault(JsonRule::UnexpectedEnd),
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => {
                let rest = &self.bytes[self.at + 2..];
                let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
                match digits {
                    4 => self.at += 6,
                    _ if digits == rest.len() => return self.fault(JsonRule::UnexpectedEnd),
                    _ => return self.fault(JsonRule::Escape),
                }
            }
            Some(_) => return self.fault(JsonRule::Escape),
        }
        Ok(())
    }
}

fn check_utf8(raw: &[u8], start: usize) -> Parsed<()> {
    match std::str::from_utf8(raw) {
        Ok(_) => Ok(()),
        Err(error) => Err(Fault { at: start + error.valid_up_to(), rule: JsonRule::Utf8 }),
    }
}
