//! The network's raw outputs on an engine, held to candle's on the processor, which are the definition.

use serde::Serialize;

use crate::dataset::{decode_image, read_located};
use crate::latency::{LatencyError, RandomWeights};
use crate::model::checkpoint::Checkpoint;
use crate::model::{
    letterbox_rgb, Engine, Execution, HeadOutput, InputBatch, Letterbox, Model, ModelError, Precision, TextEmbeddings,
    Weights,
};
use crate::run::{Compute, Job, Plan, ResultsFile, RunError, Subset};
use crate::zoo::Zoo;

/// Version of the JSON form.
pub const OUTPUTS_SCHEMA_VERSION: u32 = 1;
/// JSON Schema (draft 2020-12) of an [`OutputsCheck`].
pub const OUTPUTS_JSON_SCHEMA: &str = include_str!("schema/outputs.schema.json");
/// The zoo whose files are in the program.
const ZOO: &str = "shapes";
/// Images looked at, one after the other: what was recorded for the first is replayed for the second.
const IMAGES: u64 = 2;

/// Whose outputs are looked at, and how far off they may be.
#[derive(Debug, Clone, Default)]
pub struct OutputsJob {
    /// What is held to candle.
    pub execution: Execution,
    /// An architecture with random weights in place of the embedded networks: `v1-M`, `v1-L`, `v2-M` or `v2-L`.
    pub random_weights: Option<String>,
    /// Greatest distance; [`outputs_bound`] of the arithmetic if `None`.
    pub bound: Option<f64>,
}

/// How far an engine's outputs are from candle's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutputsCheck {
    /// Version of this form.
    pub schema_version: u32,
    /// The device: `cpu`, `cuda:0`, ..
    pub device: String,
    /// The engine.
    pub engine: &'static str,
    /// The arithmetic.
    pub dtype: &'static str,
    /// Greatest distance that is within.
    pub bound: f64,
    /// Whether all rows are within.
    pub within: bool,
    /// A row a network and output.
    pub rows: Vec<OutputRow>,
}

/// One output of one network, all levels and images together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutputRow {
    /// The network.
    pub variant: String,
    /// `logits`, `distances`, `coefficients` or `prototypes`.
    pub output: &'static str,
    /// Length of the difference by the length of candle's values, the greatest of all levels and images; `None` where
    /// it is no number, or the shapes differ.
    pub distance: Option<f64>,
    /// Whether it is at most the bound.
    pub within: bool,
}

/// The greatest relative distance that an arithmetic's own rounding explains. For all but bfloat16 it is what the tests of a
/// GPU's kernels hold their twins to; in bfloat16 the processor's own kernels come to 0.05 on the embedded networks.
pub fn outputs_bound(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 1e-4,
        Precision::Tf32 | Precision::F16 => 0.01,
        Precision::Bf16 => 0.1,
    }
}

/// Runs the embedded networks, or a random one, on the first images of the embedded data set by both engines.
///
/// # Errors
/// An engine that is not there, an unknown architecture, or no memory.
pub fn check_outputs(job: &OutputsJob) -> Result<OutputsCheck, LatencyError> {
    let Execution { device, engine, precision } = job.execution;
    let zoo_job = zoo_job(job.execution)?;
    let plan = Plan::check(&zoo_job)?;
    let images = images(&plan)?;
    let bound = job.bound.unwrap_or_else(|| outputs_bound(precision));
    let mut rows = Vec::new();
    for network in networks(job, &plan)? {
        let texts = network.texts(&plan)?;
        // One after the other: two networks of full size are memory for nothing.
        let expected = network.outputs(Engine::Candle.into(), &images, &texts)?;
        let found = network.outputs(job.execution, &images, &texts)?;
        rows.extend(distances(&found, &expected).map(|(output, distance)| OutputRow {
            variant: network.name(),
            output,
            distance: Some(distance).filter(|distance| distance.is_finite()),
            within: distance <= bound,
        }));
    }
    Ok(OutputsCheck {
        schema_version: OUTPUTS_SCHEMA_VERSION,
        device: device.to_string(),
        engine: engine.name(),
        dtype: precision.name(),
        bound,
        within: rows.iter().all(|row| row.within),
        rows,
    })
}

/// A network that both engines run.
enum Subject {
    Embedded(String, Box<Checkpoint>),
    Random(RandomWeights),
}

impl Subject {
    fn name(&self) -> String {
        match self {
            Self::Embedded(name, _) => name.clone(),
            Self::Random(weights) => weights.variant(),
        }
    }

    /// The same for both engines, so that the network alone is compared.
    fn texts(&self, plan: &Plan<'_>) -> Result<TextEmbeddings, ModelError> {
        match self {
            Self::Embedded(_, checkpoint) => Model::load(&**checkpoint, Engine::Candle)?.encode_text(&plan.prompts),
            Self::Random(weights) => {
                let width = crate::model::Architecture::detect(weights)?.text.projection;
                TextEmbeddings::new(width, weights.embeddings(plan.prompts.len(), width))
            }
        }
    }

    fn outputs(
        &self,
        execution: Execution,
        images: &[InputBatch],
        texts: &TextEmbeddings,
    ) -> Result<Vec<HeadOutput>, ModelError> {
        match self {
            Self::Embedded(_, checkpoint) => outputs(&**checkpoint, execution, images, texts),
            Self::Random(weights) => outputs(weights, execution, images, texts),
        }
    }
}

fn outputs(
    weights: &impl Weights,
    execution: Execution,
    images: &[InputBatch],
    texts: &TextEmbeddings,
) -> Result<Vec<HeadOutput>, ModelError> {
    let model = Model::load_without_text(weights, execution)?;
    let outputs = images.iter().map(|image| model.forward(image, texts)).collect::<Result<Vec<_>, _>>()?;
    Ok(outputs.into_iter().flatten().collect())
}

fn zoo_job(execution: Execution) -> Result<Job, RunError> {
    Ok(Job {
        zoo: Zoo::load(ZOO)?,
        data: None,
        weights: None,
        annotations: None,
        variants: vec![],
        subset: Subset { limit: Some(IMAGES), ..Subset::default() },
        out: Default::default(),
        results: ResultsFile::None,
        compute: Compute { execution, batch: 1, threads: None },
    })
}

fn networks(job: &OutputsJob, plan: &Plan<'_>) -> Result<Vec<Subject>, LatencyError> {
    if let Some(name) = &job.random_weights {
        return Ok(vec![Subject::Random(RandomWeights::of(name)?)]);
    }
    let mut networks = Vec::new();
    for planned in &plan.variants {
        if let Some(checkpoint) = planned.weights.read()? {
            networks.push(Subject::Embedded(planned.variant.name.clone(), Box::new(checkpoint)));
        }
    }
    Ok(networks)
}

fn images(plan: &Plan<'_>) -> Result<Vec<InputBatch>, LatencyError> {
    let letterboxed = |path: &str| {
        let name = plan.files.describe(path);
        let image = decode_image(&name, &read_located(plan.files.as_ref(), path)?)?;
        let mut pixels = vec![0; Letterbox::VALUES];
        letterbox_rgb(image.view(), &mut pixels)
            .map_err(|error| LatencyError::Letterbox { image: name.clone(), error })?;
        Ok(InputBatch::of_pixels(1, pixels)?)
    };
    plan.samples.iter().map(|sample| letterboxed(&sample.path)).collect()
}

/// The tensors of an output, by level.
type Part = fn(&HeadOutput) -> Vec<&[f32]>;

const PARTS: [(&str, Part); 4] = [
    ("logits", |output| output.levels.iter().map(|level| level.logits.as_slice()).collect()),
    ("distances", |output| output.levels.iter().map(|level| level.distances.as_slice()).collect()),
    ("coefficients", |output| output.levels.iter().map(|level| level.coefficients.as_slice()).collect()),
    ("prototypes", |output| vec![output.prototypes.as_slice()]),
];

/// The greatest relative distance of each output.
fn distances(found: &[HeadOutput], expected: &[HeadOutput]) -> [(&'static str, f64); 4] {
    PARTS.map(|(name, part)| {
        let [found, expected] = [found, expected].map(|outputs| outputs.iter().flat_map(part).collect::<Vec<_>>());
        if found.is_empty() || found.len() != expected.len() {
            return (name, f64::INFINITY);
        }
        (name, found.iter().zip(&expected).map(|(found, expected)| apart(found, expected)).fold(0.0, f64::max))
    })
}

/// The length of the difference by the length of what is expected; infinite where that is no number.
fn apart(found: &[f32], expected: &[f32]) -> f64 {
    if found.is_empty() || found.len() != expected.len() {
        return f64::INFINITY;
    }
    let square = |value: f64| value * value;
    let pairs = || found.iter().zip(expected).map(|(&found, &expected)| (f64::from(found), f64::from(expected)));
    let difference: f64 = pairs().map(|(found, expected)| square(found - expected)).sum();
    let whole: f64 = pairs().map(|(_, expected)| square(expected)).sum();
    match (difference / whole).sqrt() {
        _ if difference == 0.0 => 0.0,
        ratio if ratio.is_nan() => f64::INFINITY,
        ratio => ratio,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LevelOutput;

    fn output() -> HeadOutput {
        let level = LevelOutput {
            stride: 8,
            height: 1,
            width: 1,
            logits: vec![-3.0, 4.0],
            distances: vec![1.0; 4],
            coefficients: vec![2.0; 32],
        };
        HeadOutput {
            classes: 2,
            levels: vec![level],
            prototype_height: 1,
            prototype_width: 1,
            prototypes: vec![0.0; 32],
        }
    }

    fn found(change: impl FnOnce(&mut HeadOutput)) -> [f64; 4] {
        let mut changed = output();
        change(&mut changed);
        distances(&[output(), changed], &[output(), output()]).map(|(_, distance)| distance)
    }

    #[test]
    fn equal_outputs_are_not_apart() {
        assert_eq!(found(|_| ()), [0.0; 4]);
    }

    #[test]
    fn a_distance_is_relative_and_of_its_output_alone() {
        let found = found(|output| output.levels[0].logits[0] = -2.5);
        assert!((found[0] - 0.1).abs() < 1e-12, "{found:?}");
        assert_eq!(found[1..], [0.0; 3]);
    }

    #[test]
    fn what_is_no_number_or_missing_is_infinitely_far() {
        let far = f64::INFINITY;
        assert_eq!(found(|output| output.levels[0].distances[3] = f32::NAN), [0.0, far, 0.0, 0.0]);
        assert_eq!(found(|output| output.prototypes[0] = 1.0), [0.0, 0.0, 0.0, far]);
        assert_eq!(found(|output| output.levels[0].coefficients.truncate(31)), [0.0, 0.0, far, 0.0]);
        assert_eq!(found(|output| output.levels.clear()), [far, far, far, 0.0]);
        assert_eq!(distances(&[], &[]).map(|(_, distance)| distance), [far; 4]);
    }
}
