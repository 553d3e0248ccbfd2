//! The tables of what others published.

use super::document::Detail;
use super::table::Align::{Left, Right};
use super::table::{Cell, Table};
use super::text::published;
use super::{ContextRow, SpeedRow};

/// Published speeds, each with its GPU and what was timed. No number of ours stands beside them.
pub(super) fn speeds(rows: &[SpeedRow], detail: Detail) -> Table {
    let mut header = vec![("Model", Left), ("FPS", Right), ("GPU", Left), ("Precision, and what was timed", Left)];
    header.extend((detail == Detail::Full).then_some(("Source", Left)));
    let mut table = Table::new(header);
    for row in rows {
        let mut cells = vec![row.model.clone(), format!("{:.1}", row.fps), row.gpu.clone(), row.how.clone()];
        cells.extend((detail == Detail::Full).then(|| row.source.clone()));
        table.push(cells.into_iter().map(Cell::new).collect());
    }
    table
}

/// Published mask AP of other models.
pub(super) fn others(rows: &[ContextRow], detail: Detail) -> Table {
    let mut header =
        vec![("Model", Left), ("AP", Right), ("APr", Right), ("APc", Right), ("APf", Right), ("box AP", Right)];
    header.extend([("Split", Left), ("Setting", Left)]);
    header.extend((detail == Detail::Full).then_some(("Source", Left)));
    let mut table = Table::new(header);
    for row in rows {
        let upper = row.ap_to.map(|upper| format!(" to {}", published(Some(upper)))).unwrap_or_default();
        let mut cells = vec![row.model.clone(), format!("{}{upper}", published(Some(row.ap)))];
        cells.extend([row.ap_rare, row.ap_common, row.ap_frequent, row.box_ap].map(published));
        cells.extend([row.split.clone(), row.setting.clone()]);
        cells.extend((detail == Detail::Full).then(|| row.source.clone()));
        table.push(cells.into_iter().map(Cell::new).collect());
    }
    table
}
