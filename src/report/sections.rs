//! What a report says, in order.

use super::document::{Block, Detail};
use super::footnotes::Footnotes;
use super::plots::{figures_of_run, latency_captions, pictures};
use super::table::Tone;
use super::{compare, context_tables, prose, run_verdict, size_table, tables, Context, RowComparison, StoredRun};

/// The report as blocks.
pub(super) fn blocks(run: &StoredRun, detail: Detail) -> Vec<Block> {
    let rows = compare(run);
    let notes = Footnotes::collect(run.record());
    let mut blocks = vec![Block::Title(run.record().title.clone())];
    blocks.extend(headline(run, &rows));
    blocks.extend(comparisons(run, &rows, &notes, detail));
    blocks.extend(unmeasured(&rows));
    blocks.extend(size_and_speed(run, &rows, detail));
    blocks.extend(agreement(&rows));
    blocks.extend(passed_over(&rows));
    if detail == Detail::Full {
        blocks.extend(full_precision(run, &rows));
        blocks.extend(plots(run));
        blocks.extend(provenance(run, &rows));
    }
    blocks.extend(context_blocks(&run.record().context, detail));
    blocks.extend(footnotes(&notes, detail));
    blocks
}

/// A block of its own: other models, other machines.
pub(super) fn context_blocks(context: &Context, detail: Detail) -> Vec<Block> {
    let speeds = section(
        prose::SPEEDS,
        Block::Table(context_tables::speeds(&context.speeds, detail)),
        context.speeds.is_empty(),
    );
    let others = Block::Table(context_tables::others(&context.mask_ap, detail));
    speeds.into_iter().chain(section(prose::OTHERS, others, context.mask_ap.is_empty())).collect()
}

fn headline(run: &StoredRun, rows: &[RowComparison]) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some(caveat) = run.caveat() {
        blocks.push(Block::Paragraph(format!("NOT COMPARABLE with published values: {caveat}."), Tone::Unsure));
    }
    let verdict = run_verdict(run);
    blocks.push(Block::Paragraph(prose::summary(run, rows), tables::run_tone(verdict)));
    blocks.push(Block::Paragraph(prose::protocol(run.record()), Tone::Plain));
    blocks
}

fn comparisons(run: &StoredRun, rows: &[RowComparison], notes: &Footnotes, detail: Detail) -> Vec<Block> {
    let label = &run.record().published_label;
    let mask = rows.iter().map(|row| (row, &row.mask, row.verdict)).collect::<Vec<_>>();
    let boxes = rows.iter().filter(|row| has_values(&row.boxes)).map(|row| (row, &row.boxes, row.box_verdict));
    let boxes = boxes.collect::<Vec<_>>();
    let mut blocks = vec![
        Block::Heading(prose::caption("Mask AP", "segm", run)),
        Block::Table(tables::comparison(&mask, label, notes, detail)),
    ];
    if !boxes.is_empty() {
        blocks.push(Block::Heading(prose::caption("Box AP", "bbox", run)));
        blocks.push(Block::Table(tables::comparison(&boxes, label, notes, detail)));
    }
    blocks
}

fn has_values(values: &[super::Comparison; 4]) -> bool {
    values.iter().any(|value| value.ours.or(value.published).is_some())
}

fn unmeasured(rows: &[RowComparison]) -> Vec<Block> {
    let reasons: Vec<String> = rows.iter().filter(|row| row.metrics.is_none()).map(prose::unmeasured).collect();
    section("Rows that were not measured", Block::Bullets(reasons.clone()), reasons.is_empty())
}

fn size_and_speed(run: &StoredRun, rows: &[RowComparison], detail: Detail) -> Vec<Block> {
    let Some(table) = size_table::size_and_speed(rows, detail) else { return Vec::new() };
    let figures = figures_of_run(run);
    let mut blocks =
        vec![Block::Heading("Size and speed".to_string()), Block::Paragraph(prose::size(run.record()), Tone::Plain)];
    if let Some(first) = figures.series.first() {
        blocks.push(Block::Paragraph(prose::latency(&first.summary.computed(), &figures.machine), Tone::Plain));
    }
    if !figures.reasons.is_empty() {
        blocks.push(Block::Paragraph("The latencies are INVALID:".to_string(), Tone::Bad));
        blocks.push(Block::Bullets(figures.reasons.to_vec()));
    }
    blocks.push(Block::Table(table));
    blocks
}

fn agreement(rows: &[RowComparison]) -> Vec<Block> {
    let table = tables::agreement(rows);
    let Some(table) = table else { return Vec::new() };
    vec![
        Block::Heading("Agreement with the reference's detections".to_string()),
        Block::Paragraph(prose::AGREEMENT_RULE.to_string(), Tone::Plain),
        Block::Table(table),
    ]
}

fn passed_over(rows: &[RowComparison]) -> Vec<Block> {
    let items: Vec<String> = rows.iter().flat_map(prose::passed_over).collect();
    section("Passed over without a word by lvis-api", Block::Bullets(items.clone()), items.is_empty())
}

fn full_precision(run: &StoredRun, rows: &[RowComparison]) -> Vec<Block> {
    let record = run.record();
    let mut blocks = vec![
        Block::Heading("Full precision".to_string()),
        Block::Paragraph(prose::full_precision(record), Tone::Plain),
        Block::Table(tables::exact(rows, &record.published_label)),
    ];
    if rows.iter().any(|row| row.metrics.is_some()) {
        blocks.push(Block::Heading(prose::caption("All metrics", "as named", run)));
        blocks.push(Block::Table(tables::all_metrics(rows)));
    }
    blocks
}

fn plots(run: &StoredRun) -> Vec<Block> {
    let pictures = pictures(run);
    let mut blocks = vec![Block::Heading("Plots".to_string())];
    blocks.extend(
        pictures.iter().map(|picture| Block::Picture(picture.caption(run), format!("plots/{}.svg", picture.stem()))),
    );
    let latencies = latency_captions(&figures_of_run(run)).into_iter();
    blocks.extend(latencies.map(|(stem, caption)| Block::Picture(caption, format!("plots/{stem}.svg"))));
    blocks
}

fn provenance(run: &StoredRun, rows: &[RowComparison]) -> Vec<Block> {
    let mut blocks = vec![Block::Heading("Provenance".to_string()), Block::Bullets(prose::provenance(run.record()))];
    if rows.iter().any(|row| row.metrics.is_some()) {
        blocks.push(Block::Table(tables::weights(rows)));
        blocks.push(Block::Heading("Time".to_string()));
        blocks.push(Block::Paragraph(prose::TIMING_RULE.to_string(), Tone::Plain));
        blocks.push(Block::Table(tables::timing(rows)));
    }
    blocks
}

fn footnotes(notes: &Footnotes, detail: Detail) -> Vec<Block> {
    let mut blocks = section("Footnotes", Block::Numbered(notes.texts()), notes.texts().is_empty());
    if detail == Detail::Full {
        blocks.extend(section("Sources", Block::Bullets(notes.sources()), notes.sources().is_empty()));
    }
    blocks
}

fn section(heading: &str, block: Block, empty: bool) -> Vec<Block> {
    if empty {
        return Vec::new();
    }
    vec![Block::Heading(heading.to_string()), block]
}
