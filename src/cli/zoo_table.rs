//! The tables that `zoo` prints.

use std::path::Path;

use crate::report::{Align, Cell, Published, Table};
use crate::run::{weights_place, WeightsPlace};
use crate::zoo::{Variant, Zoo, ZooError, BUILTIN_ZOOS};

/// The built-in zoos.
///
/// # Errors
/// None but a defect of this build.
pub fn zoos(width: usize) -> Result<String, ZooError> {
    let mut table =
        Table::new([("zoo", Align::Left), ("variants", Align::Right), ("data", Align::Left), ("title", Align::Left)]);
    for name in BUILTIN_ZOOS {
        let zoo = Zoo::builtin(name)?;
        let data = if zoo.files().is_some() { "embedded" } else { "--data, --weights" };
        table.push([name, &zoo.variants.len().to_string(), data, &zoo.title].into_iter().map(Cell::new).collect());
    }
    Ok(table.fixed(width, false))
}

/// One zoo: its variants, their published rows, and whether their files are present.
pub fn zoo(zoo: &Zoo, weights: Option<&Path>, data: Option<&Path>, width: usize) -> String {
    let label = zoo.published_label.as_str();
    let mut table = Table::new([
        ("variant".to_owned(), Align::Left),
        ("family".to_owned(), Align::Left),
        ("size".to_owned(), Align::Left),
        ("tuned".to_owned(), Align::Left),
        (format!("{label} AP"), Align::Right),
        ("APr".to_owned(), Align::Right),
        ("APc".to_owned(), Align::Right),
        ("APf".to_owned(), Align::Right),
        ("box AP".to_owned(), Align::Right),
        ("weights".to_owned(), Align::Left),
    ]);
    for variant in &zoo.variants {
        table.push(variant_row(zoo, variant, weights));
    }
    let notes = notes(zoo);
    format!("{}\n\n{}\nannotations: {}\n{notes}", zoo.title, table.fixed(width, false), annotations(zoo, data))
}

fn variant_row(zoo: &Zoo, variant: &Variant, weights: Option<&Path>) -> Vec<Cell> {
    let published = variant.published.clone().unwrap_or_default();
    let Published { ap, ap_rare, ap_common, ap_frequent, box_ap, .. } = published;
    let points = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.1}"));
    let names = [&variant.name, &variant.family, &variant.size, &variant.tuned].into_iter().map(Cell::new);
    let values = [ap, ap_rare, ap_common, ap_frequent, box_ap].into_iter().map(|value| Cell::new(points(value)));
    let place = match weights_place(weights, zoo.files(), variant) {
        WeightsPlace::File(path) => format!("present: {}", path.display()),
        WeightsPlace::Embedded(..) => "embedded".to_owned(),
        _ if variant.url.is_none() => format!("none public ({})", variant.weights),
        WeightsPlace::Absent(path) if weights.is_some() => format!("not found: {}", path.display()),
        _ => variant.weights.clone(),
    };
    names.chain(values).chain([Cell::new(place)]).collect()
}

fn annotations(zoo: &Zoo, data: Option<&Path>) -> String {
    match (data, zoo.files()) {
        (Some(root), _) => {
            let path = root.join(&zoo.annotations);
            let found = if path.is_file() { "present" } else { "not found" };
            format!("{found}: {}", path.display())
        }
        (None, Some(_)) => format!("embedded: {}", zoo.annotations),
        (None, None) => format!("{} below --data", zoo.annotations),
    }
}

/// Where weights come from, and what is to be known of the rows.
fn notes(zoo: &Zoo) -> String {
    let urls = zoo.variants.iter().filter_map(|variant| Some(format!("  {}: {}", variant.name, variant.url.as_ref()?)));
    let urls: Vec<String> = urls.collect();
    let mut text = String::new();
    if !urls.is_empty() {
        text += &format!("\nweights:\n{}\n", urls.join("\n"));
    }
    if !zoo.footnotes.is_empty() {
        let lines: Vec<String> = zoo.footnotes.iter().map(|note| format!("  - {note}")).collect();
        text += &format!("\nnotes:\n{}\n", lines.join("\n"));
    }
    text
}
