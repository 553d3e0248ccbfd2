//! Class embeddings on disk.

use std::env;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::TextEmbeddings;
use crate::dataset::hash::hex;
use crate::dataset::write_whole;

/// First bytes of a cache file. The digit is raised whenever the text encoder's results or the
/// file's layout change.
const MAGIC: &[u8; 16] = b"zoobench texts 2";
/// Magic, key, checksum.
const HEADER: usize = 16 + 32 + 32;

/// A folder of class embeddings, keyed by the checkpoint and the prompts.
///
/// A cache never fails: what it cannot read is encoded again, what it cannot write is not kept.
/// Files are written under another name and renamed, so that readers in other processes see whole
/// files only; a checksum over the rows and the key guards against damage and foreign files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextCache {
    folder: Option<PathBuf>,
}

impl TextCache {
    /// In a folder of one's choice; it is made when first written to.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: Some(folder.into()) }
    }

    /// That keeps nothing.
    pub fn disabled() -> Self {
        Self { folder: None }
    }

    /// In the user's cache folder: `$XDG_CACHE_HOME/zoobench`, else `~/Library/Caches/zoobench` on
    /// macOS, `%LOCALAPPDATA%\zoobench` on Windows, `~/.cache/zoobench` elsewhere. Where the
    /// environment names none, nothing is kept.
    pub fn of_user() -> Self {
        Self { folder: user_cache_folder(|name| env::var_os(name).map(PathBuf::from)) }
    }

    /// The embeddings of a list of prompts under a checkpoint, if they are kept here.
    ///
    /// `width` is the embeddings' width; a file of any other size than these prompts need is not
    /// read.
    pub(crate) fn get(&self, encoder: &str, prompts: &[String], width: usize) -> Option<TextEmbeddings> {
        let key = key(encoder, prompts);
        let rows = prompts.len().checked_mul(width)?;
        let data = read(&self.path(&key)?, &key, rows).ok().flatten()?;
        TextEmbeddings::new(width, data).ok()
    }

    /// Keeps embeddings, if that is possible.
    pub(crate) fn put(&self, encoder: &str, prompts: &[String], embeddings: &TextEmbeddings) {
        let key = key(encoder, prompts);
        if let Some(path) = self.path(&key) {
            // A cache that cannot be written costs time on the next run, nothing else.
            let _ = write(&path, &key, embeddings.data());
        }
    }

    fn path(&self, key: &[u8; 32]) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("texts-{}.bin", hex(key))))
    }
}

/// The platform's folder for caches; XDG asks to ignore relative paths.
fn user_cache_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name| variable(name).filter(|path| path.is_absolute());
    let platform = || match env::consts::OS {
        "windows" => absolute("LOCALAPPDATA"),
        "macos" => absolute("HOME").map(|home| home.join("Library/Caches")),
        _ => absolute("HOME").map(|home| home.join(".cache")),
    };
    absolute("XDG_CACHE_HOME").or_else(platform).map(|folder| folder.join("zoobench"))
}

/// Every field is preceded by its length: no two lists of prompts share a key.
fn key(encoder: &str, prompts: &[String]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(MAGIC);
    for field in [encoder].into_iter().chain(prompts.iter().map(String::as_str)) {
        hash.update((field.len() as u64).to_le_bytes());
        hash.update(field.as_bytes());
    }
    hash.finalize().into()
}

fn checksum(key: &[u8; 32], rows: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(key).chain_update(rows).finalize().into()
}

/// The rows of a cache file, `None` if it is not the file of this key and size, whole and unharmed.
fn read(path: &Path, key: &[u8; 32], values: usize) -> io::Result<Option<Vec<f32>>> {
    let size =
        values.checked_mul(4).and_then(|rows| rows.checked_add(HEADER)).and_then(|size| u64::try_from(size).ok());
    let file = File::open(path)?;
    let Some(size) = size.filter(|&size| file.metadata().is_ok_and(|metadata| metadata.len() == size)) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(size).read_to_end(&mut bytes)?;
    Ok(parse(&bytes, key).filter(|rows| rows.len() == values))
}

fn parse(bytes: &[u8], key: &[u8; 32]) -> Option<Vec<f32>> {
    let rest = bytes.strip_prefix(MAGIC)?.strip_prefix(key)?;
    let (sum, rows) = rest.split_first_chunk::<32>()?;
    if *sum != checksum(key, rows) {
        return None;
    }
    let (values, _) = rows.as_chunks::<4>();
    Some(values.iter().map(|value| f32::from_le_bytes(*value)).collect())
}

fn write(path: &Path, key: &[u8; 32], values: &[f32]) -> io::Result<()> {
    let rows: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    write_whole(path, &[MAGIC.as_slice(), key, &checksum(key, &rows), &rows].concat())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn prompts(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn kept() -> (tempfile::TempDir, TextCache, Vec<String>, TextEmbeddings) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let cache = TextCache::at(folder.path().join("deep/er"));
        let prompts = prompts(&["cat", "dog"]);
        let embeddings = TextEmbeddings::new(2, vec![1.0, 0.0, 0.6, 0.8]).expect("two rows of two");
        cache.put("ab", &prompts, &embeddings);
        (folder, cache, prompts, embeddings)
    }

    fn only_file(cache: &TextCache) -> PathBuf {
        let folder = cache.folder.clone().expect("the cache has a folder");
        let mut files = fs::read_dir(folder).expect("the folder was made");
        let file = files.next().expect("one file was written").expect("and can be listed").path();
        assert!(files.next().is_none(), "no temporary file stays behind");
        file
    }

    #[test]
    fn gives_back_what_was_kept() {
        let (_folder, cache, prompts, embeddings) = kept();
        assert_eq!(cache.get("ab", &prompts, 2), Some(embeddings));
        only_file(&cache);
    }

    #[test]
    fn other_weights_prompts_order_or_width_find_nothing() {
        let (_folder, cache, asked, _) = kept();
        assert_eq!(cache.get("ac", &asked, 2), None);
        assert_eq!(cache.get("ab", &prompts(&["dog", "cat"]), 2), None);
        assert_eq!(cache.get("ab", &prompts(&["ca", "tdog"]), 2), None);
        assert_eq!(cache.get("ab", &asked, 4), None);
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_noticed() {
        let (_folder, cache, prompts, embeddings) = kept();
        let path = only_file(&cache);
        let good = fs::read(&path).expect("the file is there");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).expect("the file can be written");
            assert_eq!(cache.get("ab", &prompts, 2), None, "byte {at}");
            fs::write(&path, &good[..at]).expect("the file can be written");
            assert_eq!(cache.get("ab", &prompts, 2), None, "cut at {at}");
        }
        fs::write(&path, &good).expect("the file can be written");
        assert_eq!(cache.get("ab", &prompts, 2), Some(embeddings));
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_no_error() {
        let file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        let cache = TextCache::at(file.path().join("below a file"));
        let embeddings = TextEmbeddings::new(1, vec![1.0]).expect("one row");
        cache.put("ab", &prompts(&["cat"]), &embeddings);
        assert_eq!(cache.get("ab", &prompts(&["cat"]), 1), None);
    }

    #[test]
    fn relative_cache_folders_are_ignored() {
        let home = if cfg!(windows) { r"C:\home" } else { "/home" };
        let relative = |name: &str| Some(PathBuf::from(if name == "XDG_CACHE_HOME" { "cache" } else { home }));
        let found = user_cache_folder(relative).expect("home is absolute");
        assert!(found.starts_with(home) && found.ends_with("zoobench"));
        let xdg = |_: &str| Some(PathBuf::from(home));
        assert_eq!(user_cache_folder(xdg), Some(Path::new(home).join("zoobench")));
        assert_eq!(user_cache_folder(|_| None), None);
    }
}
