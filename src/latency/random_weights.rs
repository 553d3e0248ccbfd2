//! Weights for an architecture without public ones: good for its speed and for nothing else.

use std::collections::BTreeMap;

use super::random::{hash, splitmix64};
use super::LatencyError;
use crate::model::{Architecture, Family, ModelError, Size, Weights};

const KNOWN: [(&str, Family, Size); 4] = [
    ("v1-M", Family::V1, Size::M),
    ("v1-L", Family::V1, Size::L),
    ("v2-M", Family::V2, Size::M),
    ("v2-L", Family::V2, Size::L),
];

/// Random parameters of a published architecture, computed when they are asked for.
///
/// Their spread is that of a fresh network: values neither vanish nor overflow on their way, so
/// that no arithmetic is cheaper or dearer than with trained weights.
#[derive(Debug, Clone)]
pub struct RandomWeights {
    name: &'static str,
    shapes: BTreeMap<String, Vec<usize>>,
    sha256: String,
}

impl RandomWeights {
    /// Of the architecture `v1-M`, `v1-L`, `v2-M` or `v2-L`.
    ///
    /// # Errors
    /// [`LatencyError::UnknownArchitecture`] for any other name.
    pub fn of(name: &str) -> Result<Self, LatencyError> {
        let known = KNOWN.iter().find(|known| known.0 == name);
        let &(name, family, size) = known.ok_or_else(|| LatencyError::UnknownArchitecture {
            name: name.to_owned(),
            known: KNOWN.map(|known| known.0).join(", "),
        })?;
        let parameters = Architecture::reference(family, size).parameters();
        let shapes = parameters.into_iter().map(|parameter| (parameter.name, parameter.shape)).collect();
        // No file stands behind it: a number that no file's hash begins with.
        let sha256 = format!("{:064x}", hash(name));
        Ok(Self { name, shapes, sha256 })
    }

    /// Name of the row: `random-v1-L`.
    pub fn variant(&self) -> String {
        format!("random-{}", self.name)
    }

    /// Class embeddings' worth of random unit rows, `[classes][width]`.
    pub fn embeddings(&self, classes: usize, width: usize) -> Vec<f32> {
        uniform("embeddings", classes * width, (3.0 / width as f32).sqrt())
    }
}

/// `count` values between plus and minus `amplitude`.
fn uniform(name: &str, count: usize, amplitude: f32) -> Vec<f32> {
    let seed = hash(name);
    let unit = |index| (splitmix64(seed, index) >> 40) as f32 / (1u64 << 23) as f32 - 1.0;
    (0..count as u64).map(|index| amplitude * unit(index)).collect()
}

impl Weights for RandomWeights {
    fn names(&self) -> Vec<&str> {
        self.shapes.keys().map(String::as_str).collect()
    }

    fn shape(&self, name: &str) -> Option<&[usize]> {
        self.shapes.get(name).map(Vec::as_slice)
    }

    fn f32(&self, name: &str) -> Result<Vec<f32>, ModelError> {
        let shape = self.shape(name).ok_or_else(|| ModelError::NoTensor { name: name.to_owned() })?;
        let count = shape.iter().product();
        Ok(match shape {
            [] => vec![0.0],
            // Gains and variances are 1, biases and means 0.
            [_] if name.ends_with(".weight") || name.ends_with(".running_var") => vec![1.0; count],
            [_] => vec![0.0; count],
            [_, inputs @ ..] => uniform(name, count, (3.0 / inputs.iter().product::<usize>() as f32).sqrt()),
        })
    }

    fn sha256(&self) -> &str {
        &self.sha256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_architecture_is_recognised_from_the_names_and_shapes() {
        for (name, family, size) in KNOWN {
            let weights = RandomWeights::of(name).expect("a known name");
            let found = Architecture::detect(&weights).expect("an architecture");
            assert_eq!((found.family, found.size()), (family, Some(size)), "{name}");
            assert_eq!(weights.variant(), format!("random-{name}"));
        }
    }

    #[test]
    fn values_are_of_the_right_number_and_spread() {
        let weights = RandomWeights::of("v1-M").expect("a known name");
        let name = "backbone.image_model.stem.conv.weight";
        let values = weights.f32(name).expect("a tensor");
        assert_eq!(values.len(), weights.shape(name).expect("a tensor").iter().product::<usize>());
        let amplitude = (3.0f32 / 27.0).sqrt();
        assert!(
            values.iter().all(|value| value.abs() <= amplitude) && values.iter().any(|value| *value > 0.9 * amplitude)
        );
        assert_eq!(weights.f32("backbone.image_model.stem.bn.running_var").expect("a tensor")[0], 1.0);
        assert!(matches!(weights.f32("nothing"), Err(ModelError::NoTensor { .. })));
    }

    #[test]
    fn another_name_is_refused() {
        let error = RandomWeights::of("v3-S").expect_err("no such architecture");
        assert!(error.to_string().contains("v1-M, v1-L, v2-M, v2-L"), "{error}");
    }
}
