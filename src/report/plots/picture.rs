//! Which pictures a run has, and their files.

use super::latency::{figures_of_run, latency_plots};
use super::paint::{png, svg};
use super::scene::Scene;
use super::{categories, frequency, model_zoo, precision_recall};
use crate::report::text::protocol_short;
use crate::report::{ReportError, Row, StoredRun, VariantMetrics};

/// A plot as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plot {
    /// File name, for example `model_zoo.svg`.
    pub name: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Every plot of the run as SVG and as PNG.
///
/// # Errors
/// [`ReportError::Drawing`] if the drawing library fails.
pub fn plots(run: &StoredRun) -> Result<Vec<Plot>, ReportError> {
    let mut plots = Vec::new();
    for picture in pictures(run) {
        plots.extend(painted(&picture.stem(), &picture.scene(run))?);
    }
    plots.extend(latency_plots(&figures_of_run(run))?);
    Ok(plots)
}

/// A scene as SVG and as PNG.
pub(super) fn painted(stem: &str, scene: &Scene) -> Result<Vec<Plot>, ReportError> {
    let files = [("svg", svg(scene)), ("png", png(scene))];
    let plot = |(extension, painted): (&str, Result<Vec<u8>, String>)| {
        let name = format!("{stem}.{extension}");
        let bytes = painted.map_err(|reason| ReportError::Drawing { plot: name.clone(), reason })?;
        Ok(Plot { name, bytes })
    };
    files.into_iter().map(plot).collect()
}

/// One picture of a run.
#[derive(Debug, Clone, Copy)]
pub(in crate::report) enum Picture<'a> {
    ModelZoo,
    PrecisionRecall(&'a Row, &'a VariantMetrics),
    Frequency(&'a Row, &'a VariantMetrics),
    Categories(&'a Row, &'a VariantMetrics),
}

/// The pictures that the run has data for.
pub(in crate::report) fn pictures(run: &StoredRun) -> Vec<Picture<'_>> {
    let mut pictures = vec![Picture::ModelZoo];
    for row in &run.record().rows {
        let Some(metrics) = run.metrics(&row.variant) else { continue };
        if precision_recall::has_data(metrics) {
            pictures.push(Picture::PrecisionRecall(row, metrics));
        }
        if frequency::has_data(metrics) {
            pictures.push(Picture::Frequency(row, metrics));
        }
        if categories::has_data(metrics) {
            pictures.push(Picture::Categories(row, metrics));
        }
    }
    pictures
}

impl Picture<'_> {
    /// File name without extension.
    pub(in crate::report) fn stem(&self) -> String {
        match self {
            Self::ModelZoo => "model_zoo".to_string(),
            Self::PrecisionRecall(row, _) => format!("precision_recall_{}", row.variant),
            Self::Frequency(row, _) => format!("frequency_{}", row.variant),
            Self::Categories(row, _) => format!("categories_{}", row.variant),
        }
    }

    /// What it shows and under which protocol.
    pub(in crate::report) fn caption(&self, run: &StoredRun) -> String {
        let warning = if run.caveat().is_some() { ", NOT COMPARABLE" } else { "" };
        let protocol = format!("{}, IoU type segm{warning}", protocol_short(&run.record().protocol));
        let of = |row: &Row| format!("{}, {}", row.title, row.tuned);
        match self {
            Self::ModelZoo => format!("Mask AP, ours and {}: {protocol}", run.record().published_label),
            Self::PrecisionRecall(row, _) => format!("Precision and recall of masks, {}: {protocol}", of(row)),
            Self::Frequency(row, _) => format!("Mask AP by number of training images, {}: {protocol}", of(row)),
            Self::Categories(row, _) => format!("Mask AP by category, {}: {protocol}", of(row)),
        }
    }

    fn scene(&self, run: &StoredRun) -> Scene {
        match self {
            Self::ModelZoo => model_zoo::scene(run),
            Self::PrecisionRecall(row, metrics) => precision_recall::scene(run, row, metrics),
            Self::Frequency(row, metrics) => frequency::scene(run, row, metrics),
            Self::Categories(row, metrics) => categories::scene(run, row, metrics),
        }
    }
}
