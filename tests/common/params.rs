//! Deterministic parameters: a checkpoint made of arithmetic, as the goldens were made with.
//!
//! A table lists each tensor with its shape, centre and amplitude. Element i of a tensor is
//! `centre + amplitude * r`, r in [-1, 1) from output i of a splitmix64 seeded with the FNV-1a hash of
//! the tensor's name. Statistics of batch normalisations come from a file.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use safetensors::SafeTensors;
use zoobench::model::{ModelError, Weights};

pub use super::paramgen::{fnv1a64, splitmix64};

/// `count` values about `centre`, for the tensor of a name. Two roundings, no fused multiply-add.
pub fn uniform(name: &str, count: usize, centre: f32, amplitude: f32) -> Vec<f32> {
    let seed = fnv1a64(name);
    let unit = |index| (splitmix64(seed, index) >> 40) as f32 * 2f32.powi(-23) - 1.0;
    (0..count as u64).map(|index| centre + amplitude * unit(index)).collect()
}

/// The first `classes` rows of the text embeddings the goldens were made with.
pub fn text_rows(classes: usize, width: usize) -> Vec<f32> {
    let amplitude = (3.0 / width as f64).sqrt() as f32;
    uniform("fixture.text_embeds", classes * width, 0.0, amplitude)
}

/// The elements of every f32 tensor of a safetensors file.
pub fn read_safetensors(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let bytes = fs::read(path).expect("the fixture is there");
    let file = SafeTensors::deserialize(&bytes).expect("the fixture is a safetensors file");
    let all = file.tensors().into_iter();
    all.filter(|(_, tensor)| tensor.dtype() == safetensors::Dtype::F32)
        .map(|(name, tensor)| (name, f32_values(tensor.data())))
        .collect()
}

/// The elements of every f64 tensor of a safetensors file.
pub fn read_safetensors_f64(path: &Path) -> BTreeMap<String, Vec<f64>> {
    let bytes = fs::read(path).expect("the fixture is there");
    let file = SafeTensors::deserialize(&bytes).expect("the fixture is a safetensors file");
    let all = file.tensors().into_iter();
    let wide = all.filter(|(_, tensor)| tensor.dtype() == safetensors::Dtype::F64);
    wide.map(|(name, tensor)| {
        let (values, _) = tensor.data().as_chunks::<8>();
        (name, values.iter().map(|value| f64::from_le_bytes(*value)).collect())
    })
    .collect()
}

fn f32_values(bytes: &[u8]) -> Vec<f32> {
    let (values, _) = bytes.as_chunks::<4>();
    values.iter().map(|value| f32::from_le_bytes(*value)).collect()
}

/// Where a tensor's elements come from.
#[derive(Debug, Clone)]
pub enum Source {
    Uniform {
        centre: f32,
        amplitude: f32,
    },
    Values(Vec<f32>),
    /// An integer that inference does not read.
    Bookkeeping,
}

/// Weights that are computed when they are asked for. Tests may change the tables.
#[derive(Debug, Clone)]
pub struct GeneratedWeights {
    pub tensors: BTreeMap<String, (Vec<usize>, Source)>,
    pub sha256: String,
}

impl GeneratedWeights {
    /// Of an architecture (`v1-tiny`), from `params/<name>.tsv` and `bn_<name>.safetensors`.
    pub fn open(folder: &Path, architecture: &str) -> Self {
        let table = fs::read_to_string(folder.join(format!("params/{architecture}.tsv"))).expect("the table is there");
        let mut statistics = read_safetensors(&folder.join(format!("bn_{architecture}.safetensors")));
        let rows = table.lines().skip(1).map(|row| parse_row(row, &mut statistics));
        Self { tensors: rows.collect(), sha256: format!("{:064x}", fnv1a64(architecture)) }
    }
}

/// Columns: name, dtype, shape, kind, centre, amplitude's bits.
fn parse_row(row: &str, statistics: &mut BTreeMap<String, Vec<f32>>) -> (String, (Vec<usize>, Source)) {
    let columns: Vec<&str> = row.split('\t').collect();
    let [name, _, shape, kind, centre, bits] = columns[..] else {
        panic!("not a row of six columns: {row}");
    };
    let number = |text: &str| text.parse().expect("a table's centres are numbers");
    let sizes = shape.split('x').filter(|size| !size.is_empty());
    let shape = sizes.map(|size| size.parse().expect("a table's shapes are numbers")).collect();
    let bits = u32::from_str_radix(bits, 16).expect("a table's amplitudes are hexadecimal");
    let source = match kind {
        "uniform" => Source::Uniform { centre: number(centre), amplitude: f32::from_bits(bits) },
        "const" => Source::Values(vec![number(centre)]),
        "file" => Source::Values(statistics.remove(name).expect("the file holds every statistic")),
        _ => Source::Bookkeeping,
    };
    (name.to_owned(), (shape, source))
}

impl Weights for GeneratedWeights {
    fn names(&self) -> Vec<&str> {
        self.tensors.keys().map(String::as_str).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|(shape, _)| shape.as_slice())
    }

    fn f32(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        match self.tensors.get(name) {
            Some((shape, Source::Uniform { centre, amplitude })) => {
                Ok(uniform(name, shape.iter().product(), *centre, *amplitude))
            }
            Some((_, Source::Values(values))) => Ok(values.clone()),
            Some((_, Source::Bookkeeping)) | None => Err(ModelError::NoTensor { name: name.to_owned() }),
        }
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }
}
