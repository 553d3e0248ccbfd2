//! The rules for single values of a zoo file.

use toml::Spanned;

use super::{Location, ZooError};
use crate::report::{is_folder_name, Published};

/// Longest name of a zoo or variant: with a suffix it stays below every file system's limit.
const MAX_NAME: usize = 64;
/// Longest file name of weights.
const MAX_FILE_NAME: usize = 200;
/// Published file names carry eight digits of the checksum; fewer would prove little.
const MIN_CHECKSUM: usize = 8;
const MAX_CHECKSUM: usize = 64;

/// Checks values and knows where they stand.
pub(super) struct Check<'a> {
    text: &'a str,
    file: &'a str,
}

impl<'a> Check<'a> {
    pub(super) fn new(text: &'a str, file: &'a str) -> Self {
        Self { text, file }
    }

    /// The line of a byte offset.
    pub(super) fn at(&self, offset: usize) -> Location {
        let before = self.text.as_bytes().iter().take(offset);
        Location { file: self.file.to_string(), line: 1 + before.filter(|&&byte| byte == b'\n').count() }
    }

    /// TOML into a typed form, with syntax told from shape.
    pub(super) fn parse<T: serde::de::DeserializeOwned>(&self) -> Result<T, ZooError> {
        let at = |error: &toml::de::Error| self.at(error.span().map_or(0, |span| span.start));
        let reason = |error: &toml::de::Error| error.message().replace('\n', " ");
        toml::from_str::<toml::Table>(self.text)
            .map_err(|error| ZooError::Syntax { at: at(&error), reason: reason(&error) })?;
        toml::from_str(self.text).map_err(|error| ZooError::Shape { at: at(&error), reason: reason(&error) })
    }

    /// A line of text that says something.
    pub(super) fn text(&self, key: &'static str, value: &Spanned<String>) -> Result<String, ZooError> {
        let (at, text) = (|| self.at(value.span().start), value.as_ref());
        if text.trim().is_empty() {
            return Err(ZooError::Empty { at: at(), key });
        }
        if text.chars().any(char::is_control) {
            return Err(ZooError::ControlCharacter { at: at(), key });
        }
        Ok(text.clone())
    }

    pub(super) fn optional_text(
        &self,
        key: &'static str,
        value: &Option<Spanned<String>>,
    ) -> Result<Option<String>, ZooError> {
        value.as_ref().map(|value| self.text(key, value)).transpose()
    }

    pub(super) fn texts(&self, key: &'static str, values: &[Spanned<String>]) -> Result<Vec<String>, ZooError> {
        values.iter().map(|value| self.text(key, value)).collect()
    }

    /// A name that is also the name of a folder.
    pub(super) fn folder_name(&self, key: &'static str, value: &Spanned<String>) -> Result<String, ZooError> {
        self.safe_name(key, value, MAX_NAME)
    }

    /// A file name without a folder.
    pub(super) fn file_name(&self, key: &'static str, value: &Spanned<String>) -> Result<String, ZooError> {
        self.safe_name(key, value, MAX_FILE_NAME)
    }

    fn safe_name(&self, key: &'static str, value: &Spanned<String>, limit: usize) -> Result<String, ZooError> {
        let name = self.text(key, value)?;
        if name.len() <= limit && is_folder_name(&name) {
            return Ok(name);
        }
        Err(ZooError::UnsafeName { at: self.at(value.span().start), key, value: name, limit })
    }

    /// A path that stays below its root.
    pub(super) fn relative_path(&self, key: &'static str, value: &Spanned<String>) -> Result<String, ZooError> {
        let path = self.text(key, value)?;
        let climbs = path.split('/').any(|part| part == "..");
        if climbs || path.starts_with('/') || path.contains(['\\', ':']) {
            return Err(ZooError::EscapingPath { at: self.at(value.span().start), key, value: path });
        }
        Ok(path)
    }

    pub(super) fn optional_path(
        &self,
        key: &'static str,
        value: &Option<Spanned<String>>,
    ) -> Result<Option<String>, ZooError> {
        value.as_ref().map(|value| self.relative_path(key, value)).transpose()
    }

    /// A SHA-256 or a prefix of one.
    pub(super) fn checksum(&self, value: &Option<Spanned<String>>) -> Result<Option<String>, ZooError> {
        let Some(value) = value else { return Ok(None) };
        let digits = self.text("sha256", value)?;
        let is_hex = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex && (MIN_CHECKSUM..=MAX_CHECKSUM).contains(&digits.len()) {
            return Ok(Some(digits));
        }
        Err(ZooError::BadChecksum { at: self.at(value.span().start), value: digits })
    }

    /// A web address.
    pub(super) fn url(&self, value: &Option<Spanned<String>>) -> Result<Option<String>, ZooError> {
        let Some(value) = value else { return Ok(None) };
        let url = self.text("url", value)?;
        let host = url.strip_prefix("https://").unwrap_or_default();
        if host.is_empty() || host.starts_with('/') || url.contains(char::is_whitespace) {
            return Err(ZooError::BadUrl { at: self.at(value.span().start), value: url });
        }
        Ok(Some(url))
    }

    /// A number within a range; NaN is in none.
    pub(super) fn number(
        &self,
        key: &'static str,
        value: f64,
        offset: usize,
        max: f64,
        unit: &'static str,
    ) -> Result<f64, ZooError> {
        if (0.0..=max).contains(&value) {
            return Ok(value);
        }
        Err(ZooError::OutOfRange { at: self.at(offset), key, value, min: 0.0, max, unit })
    }

    /// AP points, 0 to 100, where given.
    pub(super) fn points(&self, key: &'static str, value: Option<f64>, offset: usize) -> Result<Option<f64>, ZooError> {
        value.map(|value| self.number(key, value, offset, 100.0, "AP points")).transpose()
    }

    /// Published values with their source.
    pub(super) fn published(&self, value: &Option<Spanned<Published>>) -> Result<Option<Published>, ZooError> {
        let Some(spanned) = value else { return Ok(None) };
        let (row, offset) = (spanned.as_ref(), spanned.span().start);
        let values = [
            ("AP", row.ap),
            ("APr", row.ap_rare),
            ("APc", row.ap_common),
            ("APf", row.ap_frequent),
            ("box_AP", row.box_ap),
            ("box_APr", row.box_ap_rare),
        ];
        for (key, value) in values {
            self.points(key, value, offset)?;
        }
        self.text("source", &Spanned::new(spanned.span(), row.source.clone()))?;
        Ok(Some(row.clone()))
    }
}
