//! Kinds of files, told apart by their first bytes.

use super::Rejection;

/// The kind of file that a checkpoint is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// PyTorch's zip archive (since 1.6).
    Zip,
    /// PyTorch's stream of pickles and storages, which OpenMMLab's publishing script writes.
    Legacy,
    /// A safetensors file.
    Safetensors,
}

impl Container {
    /// Tells which it is; the name of a file says nothing.
    pub(super) fn detect(bytes: &[u8]) -> Result<Self, Rejection> {
        match bytes {
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Ok(Self::Zip),
            [0x80, ..] if bytes.get(8) != Some(&b'{') => Ok(Self::Legacy),
            [_, _, _, _, _, _, _, _, b'{', ..] => Ok(Self::Safetensors),
            _ => Err(Rejection::UnknownContainer { start: bytes[..bytes.len().min(16)].escape_ascii().to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell() {
        assert_eq!(Container::detect(b"PK\x03\x04").unwrap(), Container::Zip);
        assert_eq!(Container::detect(b"\x80\x02\x8a\x0al\xfc\x9cF\xf9").unwrap(), Container::Legacy);
        assert_eq!(Container::detect(b"\x40\0\0\0\0\0\0\0{\"").unwrap(), Container::Safetensors);
        assert_eq!(Container::detect(b"\x80\x02\0\0\0\0\0\0{\"").unwrap(), Container::Safetensors);
        for other in [&b""[..], b"<!DOCTYPE html>", b"version https://git-lfs", b"\xff\xd8\xff"] {
            assert!(matches!(Container::detect(other), Err(Rejection::UnknownContainer { .. })));
        }
    }
}
