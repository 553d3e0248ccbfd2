//! Why a zoo was refused.

use std::fmt;
use std::path::PathBuf;

/// A place in a TOML file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as given.
    pub file: String,
    /// Line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// Why a zoo was refused: each variant names the place, the rule and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ZooError {
    /// Neither a built-in zoo nor a file.
    #[error(
        "{name:?} is no built-in zoo ({known}) and no file of that name exists; name one of these or a path to a .toml file"
    )]
    UnknownZoo {
        /// The name asked for.
        name: String,
        /// The built-in zoos.
        known: String,
    },
    /// The file could not be read.
    #[error("cannot read the zoo file {}: {source}; check the path and its permissions", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is larger than any description of a zoo.
    #[error("{}: larger than {limit} bytes, which no zoo file needs; is this the right file?", .file.display())]
    TooLarge {
        /// The file.
        file: PathBuf,
        /// Bytes allowed.
        limit: u64,
    },
    /// The file is not text.
    #[error("{}: not UTF-8 from byte {offset} on; a zoo file is TOML in UTF-8", .file.display())]
    NotUtf8 {
        /// The file.
        file: PathBuf,
        /// First byte that is not.
        offset: usize,
    },
    /// The file is not TOML.
    #[error("{at}: not TOML: {reason}; correct the line")]
    Syntax {
        /// Where.
        at: Location,
        /// What the parser said.
        reason: String,
    },
    /// A key is unknown or missing, or its value has the wrong type.
    #[error("{at}: {reason}; datasets/README.md lists the keys and their types")]
    Shape {
        /// Where.
        at: Location,
        /// Which key.
        reason: String,
    },
    /// A text that must say something is empty.
    #[error("{at}: {key} is empty; give it a value or leave the key out where it is optional")]
    Empty {
        /// Where.
        at: Location,
        /// The key.
        key: &'static str,
    },
    /// A text would disturb tables and terminals.
    #[error("{at}: {key} holds a control character (a line break, for example); write it on one line")]
    ControlCharacter {
        /// Where.
        at: Location,
        /// The key.
        key: &'static str,
    },
    /// A name cannot serve as the name of a folder or file on every system.
    #[error("{at}: {key} = {value:?} cannot name a file everywhere: use 1 to {limit} of A-Z a-z 0-9 . _ - and begin with a letter or digit")]
    UnsafeName {
        /// Where.
        at: Location,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// Characters allowed.
        limit: usize,
    },
    /// A path leaves the folder it is relative to.
    #[error("{at}: {key} = {value:?} is not a path below its root: write it relative, with / and without ..")]
    EscapingPath {
        /// Where.
        at: Location,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// A checksum is not one.
    #[error("{at}: sha256 = {value:?} is no SHA-256 and no prefix of one: give 8 to 64 lower-case hex digits")]
    BadChecksum {
        /// Where.
        at: Location,
        /// Its value.
        value: String,
    },
    /// A download address is not one.
    #[error("{at}: url = {value:?} is no web address: begin with https:// and leave no spaces")]
    BadUrl {
        /// Where.
        at: Location,
        /// Its value.
        value: String,
    },
    /// A number is outside its range.
    #[error("{at}: {key} = {value} is outside {min} to {max} {unit}; give the value in {unit}")]
    OutOfRange {
        /// Where.
        at: Location,
        /// The key.
        key: &'static str,
        /// Its value.
        value: f64,
        /// Least value allowed.
        min: f64,
        /// Largest value allowed.
        max: f64,
        /// Its unit.
        unit: &'static str,
    },
    /// Two variants would share a folder.
    #[error(
        "{at}: the variant name {name:?} is taken by line {first_line} (letter case does not count); name each once"
    )]
    DuplicateVariant {
        /// Where.
        at: Location,
        /// The name.
        name: String,
        /// Where it was first used.
        first_line: usize,
    },
    /// A zoo without variants.
    #[error("{file}: no [[variant]] table; a zoo describes at least one model")]
    NoVariants {
        /// The file as given.
        file: String,
    },
    /// A built-in zoo ships no file of that name.
    #[error("the built-in zoo {zoo} ships no file {path:?}; its archive lists what it ships")]
    NotEmbedded {
        /// The zoo.
        zoo: &'static str,
        /// The file.
        path: String,
    },
    /// The archive of a built-in zoo is damaged.
    #[error(
        "the archive of the built-in zoo {zoo} is damaged at {path:?}: {reason}; rebuild it as datasets/README.md says"
    )]
    DamagedArchive {
        /// The zoo.
        zoo: &'static str,
        /// The file, or empty for the archive as a whole.
        path: String,
        /// What was wrong.
        reason: String,
    },
}
