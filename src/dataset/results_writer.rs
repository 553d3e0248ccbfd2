//! Detections to a results file.

use std::io::{BufWriter, Write};

use super::number::write_f64;
use super::{DatasetError, Record, Segmentation};

/// Writes records as mmdetection's LVIS evaluator does, to the byte: one line, keys in its order,
/// floats as Python prints them. Absent boxes and masks are left out.
///
/// # Errors
/// [`DatasetError::Write`].
pub fn write_results<'a>(writer: impl Write, records: impl Iterator<Item = &'a Record>) -> Result<(), DatasetError> {
    write_list(BufWriter::new(writer), records).map_err(|error| DatasetError::Write { error })
}

fn write_list<'a>(mut writer: impl Write, records: impl Iterator<Item = &'a Record>) -> std::io::Result<()> {
    writer.write_all(b"[")?;
    for (index, record) in records.enumerate() {
        if index > 0 {
            writer.write_all(b", ")?;
        }
        write_record(&mut writer, record)?;
    }
    writer.write_all(b"]")?;
    writer.flush()
}

fn write_record(writer: &mut impl Write, record: &Record) -> std::io::Result<()> {
    write!(writer, "{{\"image_id\": {}", record.image_id)?;
    if let Some(bbox) = &record.bbox {
        writer.write_all(b", \"bbox\": ")?;
        write_numbers(writer, bbox)?;
    }
    writer.write_all(b", \"score\": ")?;
    write_f64(writer, record.score)?;
    write!(writer, ", \"category_id\": {}", record.category_id)?;
    if let Some(segmentation) = &record.segmentation {
        writer.write_all(b", \"segmentation\": ")?;
        write_segmentation(writer, segmentation)?;
    }
    writer.write_all(b"}")
}

fn write_segmentation(writer: &mut impl Write, segmentation: &Segmentation) -> std::io::Result<()> {
    match segmentation {
        Segmentation::Polygons(parts) => write_items(writer, parts, |writer, part| write_numbers(writer, part)),
        Segmentation::Compressed { size: [height, width], counts } => {
            write!(writer, "{{\"size\": [{height}, {width}], \"counts\": ")?;
            // The characters of run-length strings need no escape but the backslash.
            serde_json::to_writer(&mut *writer, &String::from_utf8_lossy(counts))?;
            writer.write_all(b"}")
        }
        Segmentation::Runs { size: [height, width], counts } => {
            write!(writer, "{{\"size\": [{height}, {width}], \"counts\": ")?;
            write_items(writer, counts, |writer, &run| write_run(writer, run))?;
            writer.write_all(b"}")
        }
        Segmentation::Malformed => writer.write_all(b"null"),
    }
}

fn write_run(writer: &mut impl Write, run: f64) -> std::io::Result<()> {
    if run.fract() == 0.0 && run.abs() < 1e15 {
        return write!(writer, "{run:.0}");
    }
    write_f64(writer, run)
}

fn write_numbers(writer: &mut impl Write, numbers: &[f64]) -> std::io::Result<()> {
    write_items(writer, numbers, |writer, &number| write_f64(writer, number))
}

fn write_items<W: Write, T>(
    writer: &mut W,
    items: &[T],
    mut write: impl FnMut(&mut W, &T) -> std::io::Result<()>,
) -> std::io::Result<()> {
    writer.write_all(b"[")?;
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            writer.write_all(b", ")?;
        }
        write(writer, item)?;
    }
    writer.write_all(b"]")
}
