//! Which pictures a measurement has.

use super::{against_ap, distribution, throughput};
use crate::report::plots::head::draw_lines;
use crate::report::plots::picture::{painted, Plot};
use crate::report::plots::scene::Scene;
use crate::report::{LatencySummary, ReportError};

/// What the pictures of a measurement are drawn from.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyFigures<'a> {
    /// CPU and threads.
    pub machine: String,
    /// Why the figures do not stand; none where they do.
    pub reasons: &'a [String],
    /// What was measured, in the order of the tables.
    pub series: Vec<TimedVariant<'a>>,
}

/// One latency of one variant with what stands behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedVariant<'a> {
    /// Name of the variant.
    pub variant: &'a str,
    /// Its numbers.
    pub summary: LatencySummary,
    /// Milliseconds of every call; empty where they are not kept.
    pub samples: &'a [f64],
    /// Mask AP, 0 to 1, of the accuracy run that the latency is tied to.
    pub mask_ap: Option<f64>,
}

/// Every picture that the measurement has data for, as SVG and as PNG.
///
/// # Errors
/// [`ReportError::Drawing`] if the drawing library fails.
pub fn latency_plots(figures: &LatencyFigures) -> Result<Vec<Plot>, ReportError> {
    let mut plots = Vec::new();
    for picture in pictures(figures) {
        plots.extend(painted(&picture.stem(), &picture.scene(figures))?);
    }
    Ok(plots)
}

/// File name without extension, and what it shows, of every picture that [`latency_plots`] draws.
pub fn latency_captions(figures: &LatencyFigures) -> Vec<(String, String)> {
    let caption = |picture: &Picture| {
        let warning = if figures.reasons.is_empty() { "" } else { ", INVALID" };
        format!("{}: {}{warning}", picture.title(), picture.series[0].summary.computed())
    };
    pictures(figures).iter().map(|picture| (picture.stem(), caption(picture))).collect()
}

/// Series of one kind.
pub(super) type Group<'a> = Vec<&'a TimedVariant<'a>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    Distribution,
    AgainstAp,
    Throughput,
}

struct Picture<'a> {
    shows: Shows,
    /// At least one.
    series: Group<'a>,
}

fn pictures<'a>(figures: &'a LatencyFigures<'a>) -> Vec<Picture<'a>> {
    let single = groups(figures, "single", LatencySummary::kind);
    let offline = groups(figures, "offline", |summary| summary.latency.clone());
    let of = |shows, groups: &[Group<'a>], kept: fn(Group<'a>) -> Group<'a>| {
        let series = groups.iter().cloned().map(kept).filter(|series| !series.is_empty());
        series.map(|series| Picture { shows, series }).collect::<Vec<_>>()
    };
    let mut pictures = of(Shows::Distribution, &single, distribution::drawn);
    pictures.extend(of(Shows::AgainstAp, &single, against_ap::drawn));
    pictures.extend(of(Shows::Throughput, &offline, throughput::drawn));
    pictures
}

/// The series of a scenario by what they have in common, in order of first appearance.
fn groups<'a>(
    figures: &'a LatencyFigures<'a>,
    scenario: &str,
    key: impl Fn(&LatencySummary) -> String,
) -> Vec<Group<'a>> {
    let mut groups: Vec<(String, Group<'a>)> = Vec::new();
    for series in figures.series.iter().filter(|series| series.summary.scenario == scenario) {
        let key = key(&series.summary);
        match groups.iter_mut().find(|group| group.0 == key) {
            Some(group) => group.1.push(series),
            None => groups.push((key, vec![series])),
        }
    }
    groups.into_iter().map(|group| group.1).collect()
}

impl Picture<'_> {
    /// File name without extension.
    fn stem(&self) -> String {
        let LatencySummary { latency, batch, score_threshold, .. } = &self.series[0].summary;
        let batch = if *batch == 1 { String::new() } else { format!("_batch_{batch}") };
        let score = score_threshold.map(|score| format!("_score_{score}")).unwrap_or_default();
        match self.shows {
            Shows::Distribution => format!("latency_distribution_{latency}{batch}{score}"),
            Shows::AgainstAp => format!("latency_ap_{latency}{batch}"),
            Shows::Throughput => format!("throughput_{latency}"),
        }
    }

    fn title(&self) -> String {
        let summary = &self.series[0].summary;
        match self.shows {
            Shows::Distribution => format!("Latency {}: distribution over calls", summary.kind()),
            Shows::AgainstAp => format!("Latency {} against mask AP", summary.kind()),
            Shows::Throughput => format!("Throughput of {}, offline, by batch", summary.latency),
        }
    }

    fn scene(&self, figures: &LatencyFigures) -> Scene {
        let mut scene = match self.shows {
            Shows::Distribution => distribution::scene(&self.series),
            Shows::AgainstAp => against_ap::scene(&self.series),
            Shows::Throughput => throughput::scene(&self.series),
        };
        let how = format!("{}; {}", self.series[0].summary.computed(), figures.machine);
        draw_lines(&mut scene, &self.title(), &how, warning(figures.reasons).as_deref());
        scene
    }
}

/// `INVALID: the first reason (and 2 more)`.
fn warning(reasons: &[String]) -> Option<String> {
    let (first, others) = reasons.split_first()?;
    // Before the reason, which may be cut.
    let more = if others.is_empty() { String::new() } else { format!(" ({} reasons)", reasons.len()) };
    Some(format!("INVALID{more}: {first}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalid_measurement_says_so_before_its_reasons() {
        assert_eq!(warning(&[]), None);
        assert_eq!(warning(&["noise".to_owned()]).as_deref(), Some("INVALID: noise"));
        let two = ["noise".to_owned(), "debug build".to_owned()];
        assert_eq!(warning(&two).as_deref(), Some("INVALID (2 reasons): noise"));
    }
}
