//! A zoo and its variants, and where they are read from.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::{embedded, EmbeddedFiles, ZooError};
use crate::report::Published;

/// Names of the built-in zoos.
pub const BUILTIN_ZOOS: [&str; 2] = ["yolo-world-seg", "shapes"];

/// A zoo file is a few kilobytes; this bounds what a mistaken path can make us read.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What the published values of a zoo are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PublishedLabel {
    /// Printed in a paper or model zoo, rounded.
    Published,
    /// Measured by the reference pipeline on the same data, at full precision.
    Reference,
}

impl PublishedLabel {
    /// The word used in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Published => "published",
            Self::Reference => "reference",
        }
    }
}

/// A model zoo: a data set and the models to evaluate on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Zoo {
    /// Name, safe as a folder name.
    pub name: String,
    /// Title in tables.
    pub title: String,
    /// Annotation file, relative to the data root.
    pub annotations: String,
    /// Folder that image paths are relative to, relative to the data root.
    pub images: String,
    /// Name of the split, for example `lvis_v1_val`.
    pub split: String,
    /// What the published values are.
    pub published_label: PublishedLabel,
    /// |ours - published| up to which a value counts as reproduced, in AP points.
    pub tolerance_ap: f64,
    /// Footnotes of the zoo as a whole.
    pub footnotes: Vec<String>,
    /// Models in table order, at least one.
    pub variants: Vec<Variant>,
}

/// One model of a zoo.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// Name, safe as a folder name and unique in the zoo.
    pub name: String,
    /// Title in tables.
    pub title: String,
    /// `v1` or `v2`.
    pub family: String,
    /// Width and depth, for example `M`.
    pub size: String,
    /// Which modules were fine-tuned.
    pub tuned: String,
    /// File name of the weights. Where none are public, the name under which a user's are looked for.
    pub weights: String,
    /// SHA-256 of the weights file or its published prefix: 8 to 64 lower-case hex digits.
    pub sha256: Option<String>,
    /// Where the weights can be downloaded.
    pub url: Option<String>,
    /// Records the reference pipeline wrote, relative to the data root.
    pub reference: Option<String>,
    /// Published values.
    pub published: Option<Published>,
    /// Footnotes of the row.
    pub footnotes: Vec<String>,
    /// What a user should know who lacks the weights.
    pub note: Option<String>,
}

impl Zoo {
    /// A built-in zoo by name.
    ///
    /// # Errors
    /// [`ZooError::UnknownZoo`] for any other name.
    pub fn builtin(name: &str) -> Result<Self, ZooError> {
        let text = match name {
            "yolo-world-seg" => include_str!("../../datasets/yolo-world-seg.toml"),
            "shapes" => include_str!("../../datasets/shapes.toml"),
            _ => return Err(unknown(name)),
        };
        Self::parse(text, &format!("built-in {name}"))
    }

    /// A zoo from a TOML file.
    ///
    /// # Errors
    /// Whatever [`Zoo::parse`] refuses, and a file that is unreadable, over 1 MiB, or not UTF-8.
    pub fn read(path: &Path) -> Result<Self, ZooError> {
        Self::parse(&read_text(path)?, &path.display().to_string())
    }

    /// The built-in zoo of that name or else the file of that name.
    ///
    /// # Errors
    /// [`ZooError::UnknownZoo`] where there is neither, else as [`Zoo::read`].
    pub fn load(name_or_file: &str) -> Result<Self, ZooError> {
        if BUILTIN_ZOOS.contains(&name_or_file) {
            return Self::builtin(name_or_file);
        }
        let path = Path::new(name_or_file);
        if path.exists() {
            return Self::read(path);
        }
        Err(unknown(name_or_file))
    }

    /// A zoo from TOML text; `file` is the name used in errors.
    ///
    /// # Errors
    /// A [`ZooError`] that names the line for anything `datasets/README.md` does not allow.
    pub fn parse(text: &str, file: &str) -> Result<Self, ZooError> {
        super::format::parse_zoo(text, file)
    }

    /// The files that ship with this zoo, if it is a built-in one that has any.
    pub fn files(&self) -> Option<EmbeddedFiles> {
        embedded(&self.name)
    }

    /// The variant of that name.
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

fn unknown(name: &str) -> ZooError {
    ZooError::UnknownZoo { name: name.to_string(), known: BUILTIN_ZOOS.join(", ") }
}

fn read_text(path: &Path) -> Result<String, ZooError> {
    let unreadable = |source| ZooError::Unreadable { file: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ZooError::TooLarge { file: path.to_path_buf(), limit: MAX_FILE_BYTES });
    }
    String::from_utf8(bytes)
        .map_err(|error| ZooError::NotUtf8 { file: path.to_path_buf(), offset: error.utf8_error().valid_up_to() })
}
