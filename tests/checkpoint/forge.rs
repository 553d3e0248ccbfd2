//! Checkpoints put together byte by byte, as PyTorch writes them or as it never would.

use std::io::{Cursor, Write};

use zip::write::{SimpleFileOptions, ZipWriter};
use zip::CompressionMethod;

/// A pickle under construction: each method writes the opcodes of one value.
#[derive(Clone, Default)]
pub struct Pickle(Vec<u8>);

impl Pickle {
    pub fn new() -> Self {
        Self(vec![0x80, 2])
    }

    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    pub fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub fn int(self, value: i32) -> Self {
        self.raw(b"J").raw(&value.to_le_bytes())
    }

    pub fn long(self, value: i64) -> Self {
        self.raw(b"\x8a\x08").raw(&value.to_le_bytes())
    }

    pub fn tuple(self, values: &[i64]) -> Self {
        values.iter().fold(self.raw(b"("), |pickle, &value| pickle.long(value)).raw(b"t")
    }

    pub fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    pub fn storage(self, storage: &Storage) -> Self {
        let pickle = self.raw(b"(").text("storage").global("torch", storage.class).text(&storage.key);
        pickle.text("cpu").long(storage.numel).raw(b"tQ")
    }

    pub fn tensor(self, tensor: &Tensor) -> Self {
        let pickle = self.global("torch._utils", "_rebuild_tensor_v2").raw(b"(").storage(&tensor.storage);
        let pickle = pickle.long(tensor.offset).tuple(&tensor.shape).tuple(&tensor.strides).raw(b"\x89");
        pickle.global("collections", "OrderedDict").raw(b")RtR")
    }

    pub fn state_dict(self, tensors: &[(&str, Tensor)]) -> Self {
        let dict = self.global("collections", "OrderedDict").raw(b")R");
        tensors.iter().fold(dict, |pickle, (name, tensor)| pickle.text(name).tensor(tensor).raw(b"s"))
    }

    pub fn finish(self) -> Vec<u8> {
        self.raw(b".").0
    }
}

#[derive(Clone)]
pub struct Storage {
    pub class: &'static str,
    pub key: String,
    pub numel: i64,
    pub bytes: Vec<u8>,
}

#[derive(Clone)]
pub struct Tensor {
    pub storage: Storage,
    pub offset: i64,
    pub shape: Vec<i64>,
    pub strides: Vec<i64>,
}

/// A row-major float32 tensor.
pub fn floats(key: &str, values: &[f32]) -> Tensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let numel = values.len() as i64;
    let storage = Storage { class: "FloatStorage", key: key.to_owned(), numel, bytes };
    Tensor { storage, offset: 0, shape: vec![numel], strides: vec![1] }
}

/// A checkpoint `{"state_dict": {...}}`, not yet put into a container.
pub fn object(tensors: &[(&str, Tensor)]) -> Vec<u8> {
    Pickle::new().raw(b"}").text("state_dict").state_dict(tensors).raw(b"s").finish()
}

pub fn stored() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Stored)
}

/// A zip archive of these entries.
pub fn zip_with(options: SimpleFileOptions, entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A zip checkpoint of a pickle and its storages.
pub fn zip(pickle: &[u8], storages: &[&Storage]) -> Vec<u8> {
    let names: Vec<String> = storages.iter().map(|storage| format!("archive/data/{}", storage.key)).collect();
    let mut entries = vec![("archive/data.pkl", pickle), ("archive/version", b"3\n".as_slice())];
    entries.extend(names.iter().zip(storages).map(|(name, storage)| (name.as_str(), storage.bytes.as_slice())));
    zip_with(stored(), &entries)
}

/// A zip checkpoint of a state dict.
pub fn zip_of(tensors: &[(&str, Tensor)]) -> Vec<u8> {
    zip(&object(tensors), &tensors.iter().map(|(_, tensor)| &tensor.storage).collect::<Vec<_>>())
}

/// The first three pickles of a legacy checkpoint.
pub fn legacy_head(little_endian: bool) -> Vec<u8> {
    let mut stream = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.".to_vec();
    stream.extend(Pickle::new().int(1001).finish());
    let flag: &[u8] = if little_endian { b"\x88" } else { b"\x89" };
    stream.extend(Pickle::new().raw(b"}").text("little_endian").raw(flag).raw(b"s").finish());
    stream
}

/// A legacy checkpoint of a pickle and its storages.
pub fn legacy(pickle: &[u8], storages: &[&Storage]) -> Vec<u8> {
    let mut stream = legacy_head(true);
    stream.extend(pickle);
    let keys = storages.iter().fold(Pickle::new().raw(b"]"), |keys, storage| keys.text(&storage.key).raw(b"a"));
    stream.extend(keys.finish());
    for storage in storages {
        stream.extend(storage.numel.to_le_bytes());
        stream.extend(&storage.bytes);
    }
    stream
}

/// A legacy checkpoint of a state dict.
pub fn legacy_of(tensors: &[(&str, Tensor)]) -> Vec<u8> {
    legacy(&object(tensors), &tensors.iter().map(|(_, tensor)| &tensor.storage).collect::<Vec<_>>())
}
