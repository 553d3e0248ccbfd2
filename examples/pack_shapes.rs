//! Packs the files of the `shapes` zoo into the archive that the program embeds.
//!
//! ```text
//! cargo run --example pack_shapes -- <shapes folder> datasets/shapes.zip
//! ```
//!
//! Equal input gives equal bytes: entries are sorted and carry no time. Images are stored as they
//! are; annotations, weights (whose unused token embeddings are zero) and records are deflated.

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: pack_shapes <shapes folder> <archive>".into());
    };
    let mut archive = ZipWriter::new(BufWriter::new(File::create(target)?));
    for (name, path) in entries(&folder)? {
        archive.start_file(name.as_str(), options(&name))?;
        archive.write_all(&content(&path)?)?;
    }
    archive.finish()?.flush()?;
    Ok(())
}

/// Names in the archive with the files they come from, sorted by name.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let mut entries = vec![("annotations.json".to_string(), folder.join("annotations.json"))];
    for part in ["images", "weights"] {
        for file in fs::read_dir(folder.join(part))? {
            let file = file?;
            entries.push((format!("{part}/{}", file.file_name().to_string_lossy()), file.path()));
        }
    }
    for family in ["v1", "v2"] {
        let path = folder.join("reference").join(family).join("results.json.gz");
        entries.push((format!("reference/shapes_{family}/results.json"), path));
    }
    entries.sort();
    Ok(entries)
}

fn options(name: &str) -> SimpleFileOptions {
    let options = SimpleFileOptions::default().last_modified_time(DateTime::default()).unix_permissions(0o644);
    if name.ends_with(".jpg") {
        options.compression_method(CompressionMethod::Stored)
    } else {
        options.compression_method(CompressionMethod::Deflated).compression_level(Some(9))
    }
}

fn content(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(bytes);
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes.as_slice()).read_to_end(&mut unpacked)?;
    Ok(unpacked)
}
