//! Published values of other models: context for a table, never compared with ours.

use serde::Deserialize;
use toml::Spanned;

use super::check::Check;
use super::{Zoo, ZooError};
use crate::report::{Context, ContextRow, SpeedRow};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawContext {
    row: Vec<Spanned<RawContextRow>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawContextRow {
    model: Spanned<String>,
    #[serde(rename = "AP")]
    ap: f64,
    #[serde(rename = "AP_to")]
    ap_to: Option<f64>,
    #[serde(rename = "APr")]
    ap_rare: Option<f64>,
    #[serde(rename = "APc")]
    ap_common: Option<f64>,
    #[serde(rename = "APf")]
    ap_frequent: Option<f64>,
    #[serde(rename = "box_AP")]
    box_ap: Option<f64>,
    setting: Spanned<String>,
    split: Spanned<String>,
    source: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpeed {
    row: Vec<RawSpeedRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSpeedRow {
    model: Spanned<String>,
    fps: Spanned<f64>,
    gpu: Spanned<String>,
    how: Spanned<String>,
    source: Spanned<String>,
}

/// Faster than any detector: a larger value is a slip of the pen.
const MAX_FPS: f64 = 100_000.0;

/// The split on which the rows of `datasets/context.toml` were published.
const SPLIT: &str = "lvis_v1_val";

impl Zoo {
    /// What others published beside this zoo: nothing where it has another split than LVIS val 1.0.
    ///
    /// # Errors
    /// A [`ZooError`] if a file, which is built in, breaks its own format.
    pub fn context(&self) -> Result<Context, ZooError> {
        if self.split != SPLIT {
            return Ok(Context::default());
        }
        Ok(Context { speeds: speed_rows()?, mask_ap: context_rows()? })
    }
}

/// The rows of `datasets/context.toml`.
///
/// # Errors
/// A [`ZooError`] if the file, which is built in, breaks its own format.
pub fn context_rows() -> Result<Vec<ContextRow>, ZooError> {
    parse_context(include_str!("../../datasets/context.toml"), "datasets/context.toml")
}

/// The rows of `datasets/speed.toml`.
///
/// # Errors
/// A [`ZooError`] if the file, which is built in, breaks its own format.
pub fn speed_rows() -> Result<Vec<SpeedRow>, ZooError> {
    parse_speed(include_str!("../../datasets/speed.toml"), "datasets/speed.toml")
}

fn parse_context(text: &str, file: &str) -> Result<Vec<ContextRow>, ZooError> {
    let check = Check::new(text, file);
    let raw: RawContext = check.parse()?;
    raw.row.iter().map(|row| context_row(&check, row)).collect()
}

fn context_row(check: &Check, row: &Spanned<RawContextRow>) -> Result<ContextRow, ZooError> {
    let (offset, raw) = (row.span().start, row.as_ref());
    Ok(ContextRow {
        model: check.text("model", &raw.model)?,
        ap: check.number("AP", raw.ap, offset, 100.0, "AP points")?,
        ap_to: check.points("AP_to", raw.ap_to, offset)?,
        ap_rare: check.points("APr", raw.ap_rare, offset)?,
        ap_common: check.points("APc", raw.ap_common, offset)?,
        ap_frequent: check.points("APf", raw.ap_frequent, offset)?,
        box_ap: check.points("box_AP", raw.box_ap, offset)?,
        setting: check.text("setting", &raw.setting)?,
        split: check.text("split", &raw.split)?,
        source: check.text("source", &raw.source)?,
    })
}

fn parse_speed(text: &str, file: &str) -> Result<Vec<SpeedRow>, ZooError> {
    let check = Check::new(text, file);
    let raw: RawSpeed = check.parse()?;
    raw.row.iter().map(|row| speed_row(&check, row)).collect()
}

fn speed_row(check: &Check, raw: &RawSpeedRow) -> Result<SpeedRow, ZooError> {
    Ok(SpeedRow {
        model: check.text("model", &raw.model)?,
        fps: check.number("fps", *raw.fps.as_ref(), raw.fps.span().start, MAX_FPS, "frames per second")?,
        gpu: check.text("gpu", &raw.gpu)?,
        how: check.text("how", &raw.how)?,
        source: check.text("source", &raw.source)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEED: &str = "[[row]]\nmodel = \"m\"\nfps = 1.5\ngpu = \"g\"\nhow = \"h\"\nsource = \"s\"\n";
    const CONTEXT: &str = "[[row]]\nmodel = \"m\"\nAP = 20\nsetting = \"z\"\nsplit = \"val\"\nsource = \"s\"\n";

    #[test]
    fn a_speed_that_is_no_number_is_refused() {
        assert_eq!(parse_speed(SPEED, "s").expect("the example is valid")[0].fps, 1.5);
        let error = parse_speed(&SPEED.replace("1.5", "nan"), "s").expect_err("NaN is no speed");
        assert!(matches!(error, ZooError::OutOfRange { key: "fps", .. }), "{error}");
    }

    #[test]
    fn a_context_row_in_the_wrong_unit_or_without_source_is_refused() {
        assert_eq!(parse_context(CONTEXT, "c").expect("the example is valid")[0].ap, 20.0);
        let error = parse_context(&CONTEXT.replace("20", "2000"), "c").expect_err("2000 is no AP");
        assert!(matches!(error, ZooError::OutOfRange { key: "AP", .. }), "{error}");
        let error = parse_context(&CONTEXT.replace("source = \"s\"\n", ""), "c").expect_err("no source");
        assert!(matches!(error, ZooError::Shape { .. }), "{error}");
    }
}
