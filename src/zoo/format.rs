//! The TOML form of a zoo.

use std::collections::HashMap;

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use super::{PublishedLabel, Variant, Zoo, ZooError};
use crate::report::{Published, ROUNDING_TOLERANCE_AP};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawZoo {
    name: Spanned<String>,
    title: Spanned<String>,
    annotations: Spanned<String>,
    images: Spanned<String>,
    split: Spanned<String>,
    published_label: PublishedLabel,
    tolerance_ap: Option<Spanned<f64>>,
    #[serde(default)]
    footnotes: Vec<Spanned<String>>,
    #[serde(default)]
    variant: Vec<RawVariant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVariant {
    name: Spanned<String>,
    title: Spanned<String>,
    family: Spanned<String>,
    size: Spanned<String>,
    tuned: Spanned<String>,
    weights: Spanned<String>,
    sha256: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    reference: Option<Spanned<String>>,
    published: Option<Spanned<Published>>,
    #[serde(default)]
    footnotes: Vec<Spanned<String>>,
    note: Option<Spanned<String>>,
}

pub(super) fn parse_zoo(text: &str, file: &str) -> Result<Zoo, ZooError> {
    let check = Check::new(text, file);
    let raw: RawZoo = check.parse()?;
    if raw.variant.is_empty() {
        return Err(ZooError::NoVariants { file: file.to_string() });
    }
    refuse_duplicates(&check, &raw.variant)?;
    Ok(Zoo {
        name: check.folder_name("name", &raw.name)?,
        title: check.text("title", &raw.title)?,
        annotations: check.relative_path("annotations", &raw.annotations)?,
        images: check.relative_path("images", &raw.images)?,
        split: check.text("split", &raw.split)?,
        published_label: raw.published_label,
        tolerance_ap: tolerance(&check, &raw.tolerance_ap)?,
        footnotes: check.texts("footnotes", &raw.footnotes)?,
        variants: raw.variant.iter().map(|raw| variant(&check, raw)).collect::<Result<_, _>>()?,
    })
}

fn variant(check: &Check, raw: &RawVariant) -> Result<Variant, ZooError> {
    Ok(Variant {
        name: check.folder_name("name", &raw.name)?,
        title: check.text("title", &raw.title)?,
        family: check.text("family", &raw.family)?,
        size: check.text("size", &raw.size)?,
        tuned: check.text("tuned", &raw.tuned)?,
        weights: check.file_name("weights", &raw.weights)?,
        sha256: check.checksum(&raw.sha256)?,
        url: check.url(&raw.url)?,
        reference: check.optional_path("reference", &raw.reference)?,
        published: check.published(&raw.published)?,
        footnotes: check.texts("footnotes", &raw.footnotes)?,
        note: check.optional_text("note", &raw.note)?,
    })
}

fn tolerance(check: &Check, raw: &Option<Spanned<f64>>) -> Result<f64, ZooError> {
    let Some(value) = raw else { return Ok(ROUNDING_TOLERANCE_AP) };
    check.number("tolerance_ap", *value.as_ref(), value.span().start, 100.0, "AP points")
}

/// Names become folders, and some file systems fold letter case.
fn refuse_duplicates(check: &Check, variants: &[RawVariant]) -> Result<(), ZooError> {
    let mut offsets = HashMap::new();
    for variant in variants {
        let (name, offset) = (variant.name.as_ref(), variant.name.span().start);
        if let Some(first) = offsets.insert(name.to_lowercase(), offset) {
            let first_line = check.at(first).line;
            return Err(ZooError::DuplicateVariant { at: check.at(offset), name: name.clone(), first_line });
        }
    }
    Ok(())
}
