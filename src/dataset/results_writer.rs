//! Detections to a results file.

use std::io::{BufWriter, Write};

use super::number::write_f64;
use super::{DatasetError, Record, Segmentation};

/// Writes records one by one as mmdetection's LVIS evaluator does, to the byte: one line, keys in
/// its order, floats as Python prints them. Absent boxes and masks are left out.
#[derive(Debug)]
pub struct ResultsWriter<W: Write> {
    writer: W,
    separator: &'static [u8],
}

impl<W: Write> ResultsWriter<W> {
    /// A results file that starts here.
    pub fn new(writer: W) -> Self {
        Self { writer, separator: b"[" }
    }

    /// Adds a record.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write(&mut self, record: &Record) -> std::io::Result<()> {
        self.writer.write_all(self.separator)?;
        self.separator = b", ";
        write_record(&mut self.writer, record)
    }

    /// Ends the file and gives the writer back, flushed.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(mut self) -> std::io::Result<W> {
        let end: &[u8] = if self.separator == b"[" { b"[]" } else { b"]" };
        self.writer.write_all(end)?;
        self.writer.flush()?;
        Ok(self.writer)
    }
}

/// Writes records as [`ResultsWriter`] does.
///
/// # Errors
/// [`DatasetError::Write`].
pub fn write_results<'a>(writer: impl Write, records: impl Iterator<Item = &'a Record>) -> Result<(), DatasetError> {
    let mut writer = ResultsWriter::new(BufWriter::new(writer));
    let write_all = || records.into_iter().try_for_each(|record| writer.write(record));
    write_all().and_then(|()| writer.finish().map(drop)).map_err(|error| DatasetError::Write { error })
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
