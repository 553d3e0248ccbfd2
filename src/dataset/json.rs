//! A pull parser for JSON as Python's `json` module reads it.
//!
//! It differs from RFC 8259, and hence from serde_json, in what lvis-api's users meet: `NaN`,
//! `Infinity` and `-Infinity` are numbers, lone surrogates may be escaped, numbers overflow to
//! infinity, integers have any size up to 4300 digits, nesting ends where Python's recursion does.
//! As in Python, a byte order mark, a trailing comma, a control character in a string, a leading
//! zero or anything after the value is an error.
//!
//! The parser runs over a slice that may be the beginning of a longer text: where only more text
//! could decide, the broken rule is [`JsonRule::UnexpectedEnd`], and no other would go away with more.

use std::borrow::Cow;

use super::json_rule::{JsonRule, MAX_DEPTH, MAX_INTEGER_DIGITS};
use super::number::{coordinate, decimal_value};
use super::spans::{decimal_at, decimal_in, digits_end, is_escape_letter, plain_end, string_end};
use super::unescape::{unescape, unescape_into};

/// A value, or the rule that the text breaks at the scanner's position.
pub(super) type Parsed<T> = Result<T, JsonRule>;

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

/// The kind of the value that starts with a byte.
const KINDS: [Option<Kind>; 256] = {
    let mut kinds = [None; 256];
    let mut digit = b'0';
    while digit <= b'9' {
        kinds[digit as usize] = Some(Kind::Number);
        digit += 1;
    }
    kinds[b'-' as usize] = Some(Kind::Number);
    kinds[b'N' as usize] = Some(Kind::Number);
    kinds[b'I' as usize] = Some(Kind::Number);
    kinds[b'"' as usize] = Some(Kind::String);
    kinds[b'[' as usize] = Some(Kind::List);
    kinds[b'{' as usize] = Some(Kind::Object);
    kinds[b't' as usize] = Some(Kind::Bool);
    kinds[b'f' as usize] = Some(Kind::Bool);
    kinds[b'n' as usize] = Some(Kind::Null);
    kinds
};

/// A string or key as the text spells it, without its quotes; escapes and UTF-8 are valid.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// The string of which `quoted` is the checked text with its quotes.
    pub fn in_quotes(quoted: &'a [u8]) -> Self {
        Self(&quoted[1..quoted.len() - 1])
    }

    /// The UTF-8 bytes with escapes resolved, a lone surrogate as U+FFFD.
    #[inline]
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        if self.is_escaped() {
            return Cow::Owned(unescape(self.0));
        }
        Cow::Borrowed(self.0)
    }

    /// Appends [`Text::bytes`].
    pub fn append_to(&self, bytes: &mut Vec<u8>) {
        unescape_into(self.0, bytes);
    }

    pub fn is_escaped(&self) -> bool {
        self.0.contains(&b'\\')
    }

    pub fn into_string(self) -> String {
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

    /// The same text from position `at` on, where the nesting must be as deep as here.
    pub fn moved_to(&self, at: usize) -> Self {
        Self { at, ..self.clone() }
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
            None => Err(JsonRule::UnexpectedEnd),
        }
    }

    /// Refuses a byte order mark, of which Python's `json` knows that it would not like it.
    pub fn refuse_byte_order_mark(&self) -> Parsed<()> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        match self.bytes.starts_with(MARK) {
            true => Err(JsonRule::ByteOrderMark),
            false => Ok(()),
        }
    }

    /// Skips white space up to the end of the text, which must come.
    pub fn expect_end(&mut self) -> Parsed<()> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(JsonRule::TrailingText),
        }
    }

    /// The kind of the next value.
    #[inline]
    pub fn kind(&mut self) -> Parsed<Kind> {
        let byte = self.need_byte()?;
        KINDS[usize::from(byte)].ok_or(JsonRule::ExpectedValue)
    }

    /// Enters the list or object that [`Scanner::kind`] has announced.
    pub fn enter(&mut self) -> Parsed<()> {
        if self.depth >= MAX_DEPTH {
            return Err(JsonRule::TooDeep);
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
            _ => Err(JsonRule::ExpectedComma),
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
                return Err(JsonRule::ExpectedComma);
            }
            self.at += 1;
            byte = self.need_byte()?;
        }
        if byte != b'"' {
            return Err(JsonRule::ExpectedKey);
        }
        let key = self.string()?;
        if self.need_byte()? != b':' {
            return Err(JsonRule::ExpectedColon);
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
    #[inline]
    pub fn value(&mut self) -> Parsed<&'a [u8]> {
        self.need_byte()?;
        let start = self.at;
        self.skip()?;
        Ok(self.since(start))
    }

    /// Checks and skips the next value, the most frequent kinds first.
    #[inline]
    fn skip(&mut self) -> Parsed<()> {
        match self.need_byte()? {
            b'"' => self.string().map(drop),
            b'0'..=b'9' => match decimal_at(self.bytes, self.at) {
                Some(decimal) => {
                    self.at += decimal.end;
                    Ok(())
                }
                None => self.decimal(),
            },
            _ => self.skip_other(),
        }
    }

    fn skip_other(&mut self) -> Parsed<()> {
        match self.kind()? {
            Kind::List => self.skip_list(),
            Kind::Object => self.skip_object(),
            Kind::String => self.string().map(drop),
            Kind::Number => self.number().map(drop),
            Kind::Null => self.literal("null"),
            Kind::Bool => self.bool().map(drop),
        }
    }

    fn skip_list(&mut self) -> Parsed<()> {
        self.enter()?;
        let mut first = true;
        while self.next_element(&mut first)? {
            self.skip()?;
        }
        Ok(())
    }

    fn skip_object(&mut self) -> Parsed<()> {
        self.enter()?;
        let mut first = true;
        while self.next_key(&mut first)?.is_some() {
            self.skip()?;
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
            return Err(JsonRule::UnexpectedEnd);
        }
        Err(JsonRule::ExpectedValue)
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
        let sign = usize::from(self.bytes.get(self.at) == Some(&b'-'));
        if let Some(decimal) = decimal_at(self.bytes, self.at + sign) {
            self.at += sign + decimal.end;
            return Some(());
        }
        match self.bytes.get(self.at)? {
            b'0'..=b'9' => self.decimal().ok(),
            b'-' | b'N' | b'I' => self.number().ok().map(drop),
            _ => None,
        }
    }

    /// The next value, if it is a number without sign and exponent whose digits make an exact integer, and
    /// no white space stands before it.
    #[inline]
    pub fn plain_decimal(&mut self) -> Option<f64> {
        let block = self.bytes.get(self.at..)?.first_chunk()?;
        if let Some((value, bytes)) = coordinate(block) {
            self.at += bytes;
            return Some(value);
        }
        let decimal = decimal_in(block)?;
        let value = decimal_value(block, decimal)?;
        self.at += decimal.end;
        Some(value)
    }

    /// The next value as [`Scanner::plain_decimal`] reads it, if a comma and a space and no more stand
    /// before it.
    #[inline]
    pub fn next_plain_decimal(&mut self) -> Option<f64> {
        let start = self.at;
        if !self.bytes[start..].starts_with(b", ") {
            return None;
        }
        self.at += 2;
        let value = self.plain_decimal();
        if value.is_none() {
            self.at = start;
        }
        value
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
    #[inline(always)]
    fn decimal(&mut self) -> Parsed<()> {
        self.at += usize::from(self.bytes[self.at] == b'-');
        self.integer()?;
        match self.bytes.get(self.at) {
            Some(b'.') => self.fraction(),
            Some(b'e' | b'E') => self.exponent(),
            _ => Ok(()),
        }
    }

    #[inline(always)]
    fn integer(&mut self) -> Parsed<()> {
        let start = self.at;
        self.at = digits_end(self.bytes, start);
        match (self.at - start, self.bytes.get(start)) {
            (0, None) => Err(JsonRule::UnexpectedEnd),
            (0, _) => Err(JsonRule::ExpectedValue),
            // A leading zero is a number of its own, and what follows it one digit too many.
            (2.., Some(b'0')) => {
                self.at = start + 1;
                Ok(())
            }
            (digits, _) if digits > MAX_INTEGER_DIGITS => self.long_integer(start),
            _ => Ok(()),
        }
    }

    /// Refuses an integer from `start` to here that Python does not convert, unless it is a float's.
    #[cold]
    fn long_integer(&mut self, start: usize) -> Parsed<()> {
        if matches!(self.bytes.get(self.at), Some(b'.' | b'e' | b'E')) {
            return Ok(());
        }
        self.at = start;
        Err(JsonRule::IntegerTooLong)
    }

    #[inline(always)]
    fn fraction(&mut self) -> Parsed<()> {
        self.at += 1;
        self.digits()?;
        match self.bytes.get(self.at) {
            Some(b'e' | b'E') => self.exponent(),
            _ => Ok(()),
        }
    }

    fn exponent(&mut self) -> Parsed<()> {
        self.at += 1;
        self.at += usize::from(matches!(self.bytes.get(self.at), Some(b'+' | b'-')));
        self.digits()
    }

    /// One digit or more.
    #[inline]
    fn digits(&mut self) -> Parsed<()> {
        let start = self.at;
        self.at = digits_end(self.bytes, start);
        match self.at {
            end if end > start => Ok(()),
            end if end == self.bytes.len() => Err(JsonRule::UnexpectedEnd),
            _ => Err(JsonRule::ExpectedDigit),
        }
    }

    /// The next value, which [`Scanner::kind`] has announced as a string.
    #[inline]
    pub fn string(&mut self) -> Parsed<Text<'a>> {
        self.at += 1;
        let start = self.at;
        match string_end(self.bytes, start) {
            Some(end) => self.at = end,
            None => self.rest_of_string(start)?,
        }
        let raw = self.since(start);
        self.at += 1;
        Ok(Text(raw))
    }

    /// Checks the rest of the string that starts at `start`, up to its closing quote.
    fn rest_of_string(&mut self, start: usize) -> Parsed<()> {
        let mut ascii = true;
        loop {
            self.at = plain_end(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(0..=0x1f) => return Err(JsonRule::ControlCharacter),
                Some(_) => {
                    ascii = false;
                    self.at += 1;
                }
                None => return Err(JsonRule::UnexpectedEnd),
            }
        }
        if ascii {
            return Ok(());
        }
        self.check_utf8(start)
    }

    /// Checks and skips one escape sequence.
    fn escape(&mut self) -> Parsed<()> {
        match self.bytes.get(self.at + 1) {
            None => return Err(JsonRule::UnexpectedEnd),
            Some(&letter) if is_escape_letter(letter) => self.at += 2,
            Some(b'u') => {
                let rest = &self.bytes[self.at + 2..];
                let digits = rest.iter().take(4).take_while(|byte| byte.is_ascii_hexdigit()).count();
                match digits {
                    4 => self.at += 6,
                    _ if digits == rest.len() => return Err(JsonRule::UnexpectedEnd),
                    _ => return Err(JsonRule::Escape),
                }
            }
            Some(_) => return Err(JsonRule::Escape),
        }
        Ok(())
    }

    /// Checks the text from `start` to the current position.
    #[cold]
    fn check_utf8(&mut self, start: usize) -> Parsed<()> {
        std::str::from_utf8(self.since(start)).map(drop).map_err(|error| {
            self.at = start + error.valid_up_to();
            JsonRule::Utf8
        })
    }
}
