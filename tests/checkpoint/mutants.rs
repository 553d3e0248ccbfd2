//! Damaged files of every kind: whatever happens to a file, reading it ends in an answer.

use zoobench::model::checkpoint::Checkpoint;

use crate::common::fixture;
use crate::forge::{floats, legacy_of, object, zip, zip_of};

/// A small file of each container.
fn specimens() -> [Vec<u8>; 3] {
    let tensors = [("stem.weight", floats("0", &[0.5; 12])), ("stem.bias", floats("1", &[-1.0; 3]))];
    let data = [0; 24];
    let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![2, 3], &data).unwrap();
    [zip_of(&tensors), legacy_of(&tensors), safetensors::serialize([("stem.weight", view)], None).unwrap()]
}

/// Reads a file and, if it is accepted, everything in it.
fn exercise(bytes: Vec<u8>) -> bool {
    let Ok(checkpoint) = Checkpoint::from_bytes("mutant.pth", bytes) else { return false };
    for name in checkpoint.names() {
        let tensor = checkpoint.get(name).unwrap();
        assert_eq!(tensor.bytes().len(), tensor.shape().iter().product::<usize>() * tensor.dtype().size());
        let _ = checkpoint.f32(name).unwrap();
    }
    true
}

#[test]
fn a_file_that_ends_early_is_refused_wherever_it_ends() {
    for specimen in specimens() {
        assert!(exercise(specimen.clone()));
        for length in 0..specimen.len() {
            assert!(!exercise(specimen[..length].to_vec()), "{length} of {}", specimen.len());
        }
    }
}

#[test]
fn a_changed_byte_never_panics() {
    for specimen in specimens() {
        for place in 0..specimen.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut mutant = specimen.clone();
                mutant[place] ^= change;
                exercise(mutant);
            }
        }
    }
}

/// Pseudo-random numbers: xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// Changes, removes, repeats or moves a few bytes.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let (from, to) = (self.below(bytes.len()), self.below(bytes.len()));
        let end = (from + 1 + self.below(16)).min(bytes.len());
        match self.below(5) {
            0 => bytes[from] = self.below(256) as u8,
            1 => drop(bytes.drain(from..end)),
            2 => bytes.extend_from_within(from..end),
            3 => bytes.swap(from, to),
            _ => bytes[from..end].fill([0x00, 0xff][self.below(2)]),
        }
    }
}

/// What a training run leaves behind, in both containers: every kind of object there is.
fn training_runs() -> [Vec<u8>; 2] {
    ["training.pth", "training_legacy.pth"].map(|name| std::fs::read(fixture(&format!("checkpoint/{name}"))).unwrap())
}

#[test]
fn a_training_runs_file_that_ends_early_is_refused() {
    for specimen in training_runs() {
        for length in (0..specimen.len()).step_by(37) {
            assert!(!exercise(specimen[..length].to_vec()), "{length} of {}", specimen.len());
        }
    }
}

#[test]
fn mutants_never_panic() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut refused = 0;
    for specimen in specimens().into_iter().chain(training_runs()) {
        for _ in 0..4_000 {
            let mut mutant = specimen.clone();
            for _ in 0..=random.below(4) {
                random.mutate(&mut mutant);
            }
            refused += usize::from(!exercise(mutant));
        }
    }
    assert!(refused > 10_000, "mutations hardly reach the rules: {refused}");
}

#[test]
fn mutants_of_a_pickle_behind_a_right_checksum_never_panic() {
    let tensors = [("stem.weight", floats("0", &[0.5; 12])), ("stem.bias", floats("1", &[-1.0; 3]))];
    let storages = tensors.each_ref().map(|(_, tensor)| &tensor.storage);
    let (specimen, mut random) = (object(&tensors), Random(0x2545_f491_4f6c_dd1d));
    let mut accepted = 0;
    for _ in 0..10_000 {
        let mut mutant = specimen.clone();
        random.mutate(&mut mutant);
        accepted += usize::from(exercise(zip(&mutant, &storages)));
    }
    assert!((100..9_000).contains(&accepted), "mutations are too weak or too strong: {accepted}");
}
