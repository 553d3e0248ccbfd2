//! Files that PyTorch wrote, compared tensor by tensor with what PyTorch reads from them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use zoobench::model::checkpoint::{Checkpoint, Container, Dtype, Section};

use crate::common::{fixture, shared};

fn golden(name: &str) -> Option<PathBuf> {
    shared(&format!("golden/model/{name}"))
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Name, type, shape and the first 16 digits of the hash of every tensor, in the order of the file.
fn inventory(section: &Section) -> Vec<(String, String, Vec<usize>, String)> {
    let entry = |name: &str| {
        let tensor = section.get(name).unwrap();
        let hash = hex(&tensor.bytes())[..16].to_owned();
        (name.to_owned(), format!("torch.{}", tensor.dtype()), tensor.shape().to_vec(), hash)
    };
    section.names().map(entry).collect()
}

fn expected(section: &Value) -> BTreeMap<String, (String, Vec<usize>, String)> {
    let entry = |(name, tensor): (&String, &Value)| {
        let text = |key: &str| tensor[key].as_str().unwrap().to_owned();
        let shape = serde_json::from_value(tensor["shape"].clone()).unwrap();
        (name.clone(), (text("dtype"), shape, text("sha256")))
    };
    section.as_object().unwrap().iter().map(entry).collect()
}

fn assert_section(section: &Section, golden: &Value) {
    let found = inventory(section).into_iter().map(|(name, dtype, shape, hash)| (name, (dtype, shape, hash)));
    assert_eq!(found.collect::<BTreeMap<_, _>>(), expected(golden));
}

fn json(path: PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn expectations() -> Option<Value> {
    golden("pth/fmt_expected.json").map(json)
}

#[test]
fn what_a_training_run_leaves_behind_is_read_from_both_containers() {
    let expected = json(fixture("checkpoint/expected.json"));
    for (name, container) in [("training.pth", Container::Zip), ("training_legacy.pth", Container::Legacy)] {
        let checkpoint = Checkpoint::read(&fixture(&format!("checkpoint/{name}"))).unwrap();
        assert_eq!((checkpoint.container(), checkpoint.len()), (container, 28));
        assert_section(checkpoint.section("state_dict").unwrap(), &expected["state_dict"]);
        assert_section(checkpoint.section("ema_state_dict").unwrap(), &expected["ema_state_dict"]);
    }
    let published = Checkpoint::read(&fixture("checkpoint/published.pth")).unwrap();
    assert_eq!(published.container(), Container::Legacy);
    assert_section(published.section("state_dict").unwrap(), &expected["state_dict"]);
    assert!(published.section("ema_state_dict").is_none() && published.section("optimizer").is_none());
}

#[test]
fn a_runners_checkpoint_gives_both_sections() {
    let Some((path, expected)) = golden("pth/fmt_training.pth").zip(expectations()) else { return };
    let checkpoint = Checkpoint::read(&path).unwrap();
    assert_eq!(checkpoint.container(), Container::Zip);
    assert_eq!(checkpoint.len(), 497);
    assert_section(checkpoint.section("state_dict").unwrap(), &expected["state_dict"]);
    assert_section(checkpoint.section("ema_state_dict").unwrap(), &expected["ema_state_dict"]);
}

#[test]
fn published_checkpoints_of_both_containers_are_equal() {
    let Some(expected) = expectations() else { return };
    for (name, container) in
        [("fmt_published-719b6c4b.pth", Container::Legacy), ("fmt_published_zip.pth", Container::Zip)]
    {
        let Some(path) = golden(&format!("pth/{name}")) else { return };
        let checkpoint = Checkpoint::read(&path).unwrap();
        assert_eq!(checkpoint.container(), container);
        assert_section(checkpoint.section("state_dict").unwrap(), &expected["state_dict"]);
        assert!(checkpoint.section("ema_state_dict").is_none());
        assert!(checkpoint.section("optimizer").is_none());
    }
}

#[test]
fn a_published_name_ends_in_the_hash_of_the_file() {
    for name in ["golden/model/pth/fmt_published-719b6c4b.pth", "golden/model/pth/v2-tiny_published-729569bf.pth"] {
        let Some(path) = shared(name) else { return };
        let checkpoint = Checkpoint::read(&path).unwrap();
        assert_eq!(checkpoint.sha256(), hex(&std::fs::read(&path).unwrap()));
        assert!(path.file_stem().unwrap().to_str().unwrap().ends_with(&checkpoint.sha256()[..8]));
    }
}

#[test]
fn trained_checkpoints_of_the_shapes_data_set_load() {
    for (name, container, count) in
        [("shapes_v1-b0b51c54.pth", Container::Zip, 513), ("shapes_v2-bd8e3ecd.pth", Container::Legacy, 508)]
    {
        let Some(path) = shared(&format!("shapes/weights/{name}")) else { return };
        let checkpoint = Checkpoint::read(&path).unwrap();
        assert_eq!((checkpoint.container(), checkpoint.len()), (container, count));
        let floats = checkpoint.names().filter(|name| checkpoint.get(name).unwrap().dtype() == Dtype::F32);
        assert!(floats.flat_map(|name| checkpoint.f32(name).unwrap().unwrap()).all(f32::is_finite));
    }
}

#[test]
fn generated_checkpoints_hold_what_the_generator_made() {
    for (arch, name) in [("v1-tiny", "v1-tiny.pth"), ("v2-tiny", "v2-tiny_published-729569bf.pth")] {
        let Some(path) = golden(&format!("pth/{name}")) else { return };
        let checkpoint = Checkpoint::read(&path).unwrap();
        let statistics = Checkpoint::read(&golden(&format!("bn_{arch}.safetensors")).unwrap()).unwrap();
        let rows = std::fs::read_to_string(golden(&format!("params/{arch}.tsv")).unwrap()).unwrap();
        let rows: Vec<Vec<&str>> = rows.lines().skip(1).map(|row| row.split('\t').collect()).collect();
        assert_eq!(checkpoint.names().collect::<Vec<_>>(), rows.iter().map(|row| row[0]).collect::<Vec<_>>());
        rows.iter().for_each(|row| assert_parameter(&checkpoint, &statistics, row));
    }
}

/// Compares a tensor with a row of the parameter table: name, type, shape, kind, centre, amplitude.
fn assert_parameter(checkpoint: &Checkpoint, statistics: &Checkpoint, row: &[&str]) {
    let &[name, dtype, shape, kind, centre, amplitude] = row else { panic!("{row:?}") };
    let tensor = checkpoint.get(name).unwrap();
    let shape: Vec<usize> = shape.split('x').filter_map(|size| size.parse().ok()).collect();
    assert_eq!((tensor.dtype().name(), tensor.shape()), (dtype, shape.as_slice()), "{name}");
    let count = shape.iter().product();
    if kind == "const_i64" {
        assert_eq!(*tensor.bytes(), 1000_i64.to_le_bytes(), "{name}");
        return;
    }
    let amplitude = f32::from_bits(u32::from_str_radix(amplitude, 16).unwrap());
    let expected = match kind {
        "file" => statistics.f32(name).unwrap().unwrap(),
        _ => uniform(name, count, centre.parse().unwrap(), amplitude),
    };
    assert_eq!(checkpoint.f32(name).unwrap().unwrap(), expected, "{name}");
}

/// The parameter generator of the golden files: splitmix64 seeded with the FNV-1a hash of the name.
fn uniform(name: &str, count: usize, centre: f32, amplitude: f32) -> Vec<f32> {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
    let element = |index: u64| {
        let unit = (splitmix64(seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))) >> 40) as f32;
        centre + amplitude * (unit / (1 << 23) as f32 - 1.0)
    };
    (0..count as u64).map(element).collect()
}

fn splitmix64(state: u64) -> u64 {
    let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn the_generator_is_the_one_of_the_golden_files() {
    let Some(path) = golden("paramgen_vectors.json") else { return };
    let vectors: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for vector in &vectors {
        let shape: Vec<usize> = serde_json::from_value(vector["shape"].clone()).unwrap();
        let centre = vector["centre"].as_f64().unwrap() as f32;
        let amplitude = f32::from_bits(vector["amp_bits"].as_u64().unwrap() as u32);
        let values = uniform(vector["name"].as_str().unwrap(), shape.iter().product(), centre, amplitude);
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(hex(&bytes), vector["sha256"].as_str().unwrap(), "{}", vector["name"]);
    }
}

#[test]
fn safetensors_goldens_load() {
    for arch in ["v1-L", "v1-M", "v1-tiny", "v2-L", "v2-M", "v2-tiny"] {
        let Some(path) = golden(&format!("bn_{arch}.safetensors")) else { return };
        assert_statistics(&path);
    }
}

/// Running means and variances come in pairs of equal shape, and no variance is negative.
fn assert_statistics(path: &Path) {
    let checkpoint = Checkpoint::read(path).unwrap();
    assert_eq!(checkpoint.container(), Container::Safetensors);
    for name in checkpoint.names().filter(|name| name.ends_with("running_var")) {
        let mean = checkpoint.get(&name.replace("running_var", "running_mean")).unwrap();
        assert_eq!(mean.shape(), checkpoint.get(name).unwrap().shape());
        assert!(checkpoint.f32(name).unwrap().unwrap().iter().all(|&variance| variance > 0.0), "{name}");
    }
}
