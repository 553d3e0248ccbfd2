//! A file read to its end and hashed on the way.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::chunks::fill;

/// Bytes that are read at once, while those before them are hashed.
const CHUNK_BYTES: usize = 1 << 18;

/// The file's bytes and their SHA-256 in lower-case hex.
pub(super) fn read_hashed(path: &Path) -> io::Result<(Vec<u8>, String)> {
    let file = File::open(path)?;
    // What is no plain file tells no length; one that grows or shrinks meanwhile told another.
    let told = usize::try_from(file.metadata()?.len()).map_err(|_| io::ErrorKind::FileTooLarge)?;
    // A length that no memory holds is an error here; the buffer itself would end the program.
    Vec::<u8>::new().try_reserve_exact(told)?;
    read_told(file, told, CHUNK_BYTES)
}

/// SHA-256 in lower-case hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(Sha256::new_with_prefix(bytes))
}

/// Reads to the end in chunks of `chunk` bytes; `told` are expected.
fn read_told(mut reader: impl Read + Send, told: usize, chunk: usize) -> io::Result<(Vec<u8>, String)> {
    let (mut bytes, mut hash) = (vec![0; told], Sha256::new());
    let (mut hashed, mut filled) = (0, 0);
    while filled < told {
        let (before, after) = bytes.split_at_mut(filled);
        let room = after.len().min(chunk);
        let ((), read) = rayon::join(|| hash.update(&before[hashed..]), || fill(&mut reader, &mut after[..room], 0));
        let (read, has_ended) = read?;
        (hashed, filled) = (filled, filled + read);
        if has_ended {
            break;
        }
    }
    bytes.truncate(filled);
    reader.read_to_end(&mut bytes)?;
    hash.update(&bytes[hashed..]);
    Ok((bytes, hex(hash)))
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_hash_are_those_of_the_file_whatever_length_was_told() {
        let text: Vec<u8> = (0..1000).map(|at| (at / 3) as u8).collect();
        for told in [0, 1, 63, 64, 999, 1000, 1001, 5000] {
            for chunk in [1, 64, 1000, 4096] {
                let read = read_told(&text[..], told, chunk).expect("read");
                assert_eq!(read, (text.clone(), sha256(&text)), "{told} bytes told, chunks of {chunk}");
            }
        }
    }

    #[test]
    fn the_hash_is_sha256() {
        // FIPS 180-4's example.
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
