//! What `zoo --json` writes.

use std::path::Path;

use serde_json::{json, Value};

use crate::run::{weights_place, WeightsPlace};
use crate::zoo::{Variant, Zoo, ZooError, BUILTIN_ZOOS};

const SCHEMA_VERSION: u32 = 1;

/// The built-in zoos.
///
/// # Errors
/// None but a defect of this build.
pub fn zoos() -> Result<String, ZooError> {
    let zoo = |name: &&str| {
        let zoo = Zoo::builtin(name)?;
        let variants: Vec<&str> = zoo.variants.iter().map(|variant| variant.name.as_str()).collect();
        Ok(json!({"name": zoo.name, "title": zoo.title, "embedded": zoo.files().is_some(), "variants": variants}))
    };
    let zoos = BUILTIN_ZOOS.iter().map(zoo).collect::<Result<Vec<Value>, ZooError>>()?;
    Ok(text(&json!({"schema_version": SCHEMA_VERSION, "zoos": zoos})))
}

/// One zoo and its variants, with where their weights are.
pub fn zoo(zoo: &Zoo, weights: Option<&Path>) -> String {
    let variants: Vec<Value> = zoo.variants.iter().map(|found| variant(zoo, found, weights)).collect();
    text(&json!({
        "schema_version": SCHEMA_VERSION,
        "name": zoo.name,
        "title": zoo.title,
        "annotations": zoo.annotations,
        "split": zoo.split,
        "published_label": zoo.published_label.as_str(),
        "tolerance_ap": zoo.tolerance_ap,
        "variants": variants,
        "footnotes": zoo.footnotes,
    }))
}

fn variant(zoo: &Zoo, variant: &Variant, weights: Option<&Path>) -> Value {
    let (present, path) = match weights_place(weights, zoo.files(), variant) {
        WeightsPlace::File(path) => (true, Some(path.display().to_string())),
        WeightsPlace::Embedded(_, path) => (true, Some(format!("{}:{path}", zoo.name))),
        _ => (false, None),
    };
    json!({
        "name": variant.name,
        "title": variant.title,
        "family": variant.family,
        "size": variant.size,
        "tuned": variant.tuned,
        "published": variant.published,
        "weights": variant.weights,
        "sha256": variant.sha256,
        "url": variant.url,
        "present": present,
        "path": path,
        "footnotes": variant.footnotes,
    })
}

fn text(document: &Value) -> String {
    format!("{document:#}\n")
}
