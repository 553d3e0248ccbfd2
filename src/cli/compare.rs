//! `compare`: two evaluations of the same images.

use std::path::{Path, PathBuf};

use clap::Args;

use super::eval::IouArg;
use super::exit;
use super::failure::Failure;
use super::intervals::ResamplingArgs;
use super::output::{deliver, STDOUT};
use super::threads::pool;
use crate::evaluation::{compare_states, CategoryDifference, Comparison, ImageDifference, MetricDifference, State};
use crate::report::{state_file, Align, Cell, Table};

pub const COMPARE_EXAMPLES: &str = "\
Examples:
  zoobench compare before.zbstate after.zbstate
  zoobench compare runs/shapes/shapes_v1 runs/shapes/shapes_v2 --iou bbox --json difference.json";

/// Gains and losses that are printed of each kind; the JSON has all.
const SHOWN: usize = 10;

/// Columns of the tables.
const WIDTH: usize = 100;

/// Arguments of `compare`.
#[derive(Debug, Args)]
pub struct CompareArgs {
    /// The first: a state written by `eval --save-state`, or a variant's folder in a run
    #[arg(value_name = "A")]
    pub a: PathBuf,
    /// The second; differences are its values less the first's
    #[arg(value_name = "B")]
    pub b: PathBuf,
    /// Which state of a variant's folder
    #[arg(long, value_enum, default_value_t = IouArg::Segm)]
    pub iou: IouArg,
    /// How the images are drawn
    #[command(flatten)]
    pub resampling: ResamplingArgs,
    /// Threads [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Write the comparison as JSON; without FILE, or as -, to stdout in place of the table
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = STDOUT)]
    pub json: Option<PathBuf>,
}

/// Compares two states and prints what differs.
pub fn compare(args: &CompareArgs) -> Result<u8, Failure> {
    let [a, b] = [state(&args.a, args.iou)?, state(&args.b, args.iou)?];
    let comparison = pool(args.threads)?.install(|| compare_states(&a, &b, args.resampling.into()))?;
    deliver(args.json.as_deref(), || text(&comparison), || comparison.to_json())?;
    Ok(exit::DONE)
}

/// The state at a path, which may be a variant's folder.
fn state(path: &Path, iou: IouArg) -> Result<State, Failure> {
    let file = if path.is_dir() { path.join(state_file(iou.into())) } else { path.to_owned() };
    Ok(State::read(&file)?)
}

fn text(comparison: &Comparison) -> String {
    let Comparison { a, b, images, resamples, seed, .. } = comparison;
    let head = format!("A {a}\nB {b}\n{images} images, {resamples} paired resamples of them, seed {seed}\n\n");
    head + &metrics(&comparison.metrics) + &categories(&comparison.per_category) + &pictures(&comparison.per_image)
}

fn metrics(metrics: &[MetricDifference]) -> String {
    let names = ["A", "B", "B - A", "95 % interval", "p", "categories", "instances"];
    let header = [("metric", Align::Left)].into_iter().chain(names.map(|name| (name, Align::Right)));
    let mut table = Table::new(header);
    for metric in metrics {
        let interval = metric.low.zip(metric.high).map(|(low, high)| format!("{low:+.4} {high:+.4}"));
        table.push(row([
            metric.metric.clone(),
            or_dash(metric.a.map(|value| format!("{value:.4}"))),
            or_dash(metric.b.map(|value| format!("{value:.4}"))),
            or_dash(metric.difference.map(|value| format!("{value:+.4}"))),
            or_dash(interval),
            or_dash(metric.p_value.map(|p| format!("{p:.4}"))),
            metric.categories.to_string(),
            metric.instances.to_string(),
        ]));
    }
    table.fixed(WIDTH, false)
}

fn categories(differences: &[CategoryDifference]) -> String {
    let mut table = Table::new([
        ("category", Align::Left),
        ("frequency", Align::Left),
        ("instances", Align::Right),
        ("A", Align::Right),
        ("B", Align::Right),
        ("B - A", Align::Right),
    ]);
    let (gained, lost) = extremes(differences, |difference| difference.difference.partial_cmp(&0.0));
    for difference in gained.iter().chain(&lost) {
        table.push(row([
            difference.name.clone(),
            difference.frequency.clone(),
            difference.num_gt.to_string(),
            format!("{:.4}", difference.a),
            format!("{:.4}", difference.b),
            format!("{:+.4}", difference.difference),
        ]));
    }
    section("Categories by AP", gained.len(), lost.len(), &table)
}

fn pictures(differences: &[ImageDifference]) -> String {
    let names = ["instances", "found by A", "found by B", "B - A", "false in A", "false in B"];
    let header = [("image", Align::Left)].into_iter().chain(names.map(|name| (name, Align::Right)));
    let mut table = Table::new(header);
    let (gained, lost) = extremes(differences, |difference| Some(difference.gained().cmp(&0)));
    for difference in gained.iter().chain(&lost) {
        table.push(row([
            difference.image.to_string(),
            difference.num_gt.to_string(),
            difference.true_positives_a.to_string(),
            difference.true_positives_b.to_string(),
            format!("{:+}", difference.gained()),
            difference.false_positives_a.to_string(),
            difference.false_positives_b.to_string(),
        ]));
    }
    section("Images by instances found at IoU 0.5", gained.len(), lost.len(), &table)
}

/// The first gains, and the last losses, of differences in descending order.
fn extremes<T>(differences: &[T], sign: impl Fn(&T) -> Option<std::cmp::Ordering>) -> (Vec<&T>, Vec<&T>) {
    let gained = differences.iter().filter(|difference| sign(difference).is_some_and(std::cmp::Ordering::is_gt));
    let mut lost: Vec<&T> =
        differences.iter().rev().filter(|difference| sign(difference).is_some_and(std::cmp::Ordering::is_lt)).collect();
    lost.truncate(SHOWN);
    lost.reverse();
    (gained.take(SHOWN).collect(), lost)
}

fn section(title: &str, gained: usize, lost: usize, table: &Table) -> String {
    match gained + lost {
        0 => format!("\n{title}: no difference\n"),
        _ => format!(
            "\n{title}: the {gained} largest gains and the {lost} largest losses\n\n{}",
            table.fixed(WIDTH, false)
        ),
    }
}

fn row<const N: usize>(cells: [String; N]) -> Vec<Cell> {
    cells.into_iter().map(Cell::new).collect()
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_the_ends_without_what_is_equal() {
        let differences: Vec<i32> = (-15..=3).rev().collect();
        let (gained, lost) = extremes(&differences, |difference| Some(difference.cmp(&0)));
        assert_eq!(gained, [&3, &2, &1]);
        assert_eq!((lost.len(), lost[0], lost[9]), (10, &-6, &-15));
    }
}
