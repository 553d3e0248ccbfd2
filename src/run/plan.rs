//! A job checked as far as it can be before anything is computed.

use std::path::{Path, PathBuf};

use super::inputs::{restrict, samples, Sample};
use super::job::Job;
use super::RunError;
use crate::dataset::{class_prompts, Annotations, FileSource, Folder};
use crate::model::checkpoint::Checkpoint;
use crate::model::Execution;
use crate::report::Context;
use crate::zoo::{EmbeddedFiles, Variant, Zoo};

/// A job whose inputs are read and found good.
pub struct Plan<'a> {
    /// The job.
    pub job: &'a Job,
    /// Where images and reference results are read from.
    pub files: Box<dyn FileSource>,
    /// Annotations of the images to look at.
    pub annotations: Annotations,
    /// Images in the whole annotation file.
    pub images_total: usize,
    /// Images to look at.
    pub samples: Vec<Sample>,
    /// One prompt a category, in the order of the annotation file.
    pub prompts: Vec<String>,
    /// Category id of each prompt.
    pub category_ids: Vec<i64>,
    /// Where the network runs, by what, and in which arithmetic.
    pub execution: Execution,
    /// The zoo's variants.
    pub variants: Vec<PlannedVariant<'a>>,
    /// What others published beside them.
    pub context: Context,
}

/// A variant and where its weights are.
pub struct PlannedVariant<'a> {
    /// The variant.
    pub variant: &'a Variant,
    /// What is to be done with it.
    pub weights: WeightsPlace,
}

/// Where a variant's weights are.
#[derive(Debug, Clone)]
pub enum WeightsPlace {
    /// Not asked for.
    NotAsked,
    /// Nowhere: the place where they were looked for.
    Absent(PathBuf),
    /// A file.
    File(PathBuf),
    /// Among the zoo's own files.
    Embedded(EmbeddedFiles, String),
}

impl<'a> Plan<'a> {
    /// Reads and checks what the job names.
    ///
    /// # Errors
    /// A device that is not there, an unknown variant or image id, a missing or unreadable file, a path that leaves the
    /// data root, or a zoo without data.
    pub fn check(job: &'a Job) -> Result<Self, RunError> {
        let execution = job.compute.execution;
        execution.check()?;
        let variants = planned_variants(job)?;
        let (files, annotations) = data(job)?;
        let samples = samples(&annotations, files.as_ref(), &job.subset)?;
        let prompts = class_prompts(&annotations.categories)?;
        let category_ids = annotations.categories.iter().map(|category| category.id).collect();
        let images_total = annotations.images.len();
        let annotations = restrict(annotations, &samples);
        let context = job.zoo.context()?;
        Ok(Self { job, files, annotations, images_total, samples, prompts, category_ids, execution, variants, context })
    }
}

/// A folder that is there.
///
/// # Errors
/// Where it is not.
pub fn folder(path: &Path, what: &'static str) -> Result<PathBuf, RunError> {
    if path.is_dir() {
        return Ok(path.to_owned());
    }
    Err(RunError::NoFolder { path: path.to_owned(), what })
}

fn data(job: &Job) -> Result<(Box<dyn FileSource>, Annotations), RunError> {
    let Zoo { annotations, images, .. } = &job.zoo;
    let given = job.annotations.as_deref().map(Annotations::read).transpose()?;
    match (&job.data, job.zoo.files()) {
        (Some(root), _) => {
            let root = folder(root, "data root")?;
            let read = || Annotations::read(&annotation_file(&root, annotations));
            let annotations = given.map_or_else(read, Ok)?;
            Ok((Box::new(Folder(root.join(images))), annotations))
        }
        (None, Some(embedded)) => {
            let read = || -> Result<_, RunError> {
                Ok(Annotations::from_bytes(&format!("{}:{annotations}", job.zoo.name), &embedded.read(annotations)?)?)
            };
            let annotations = given.map_or_else(read, Ok)?;
            Ok((Box::new(embedded), annotations))
        }
        (None, None) => Err(RunError::NoData { zoo: job.zoo.name.clone() }),
    }
}

/// The annotation file below the data root: where the zoo has it, or else directly in the root.
fn annotation_file(root: &Path, annotations: &str) -> PathBuf {
    let named = root.join(annotations);
    let in_root = Path::new(annotations).file_name().map(|name| root.join(name));
    match in_root {
        Some(in_root) if !named.is_file() && in_root.is_file() => in_root,
        _ => named,
    }
}

fn planned_variants(job: &Job) -> Result<Vec<PlannedVariant<'_>>, RunError> {
    if let Some(unknown) = job.variants.iter().find(|name| job.zoo.variant(name).is_none()) {
        let known = job.zoo.variants.iter().map(|variant| variant.name.clone()).collect();
        return Err(RunError::UnknownVariant { name: unknown.clone(), zoo: job.zoo.name.clone(), known });
    }
    job.weights.as_deref().map(|path| folder(path, "folder of weights")).transpose()?;
    if job.weights.is_none() && job.zoo.files().is_none() {
        return Err(RunError::NoWeightsFolder { zoo: job.zoo.name.clone() });
    }
    let place = |variant: &Variant| match asked(job, variant) {
        true => weights_place(job.weights.as_deref(), job.zoo.files(), variant),
        false => WeightsPlace::NotAsked,
    };
    Ok(job.zoo.variants.iter().map(|variant| PlannedVariant { variant, weights: place(variant) }).collect())
}

fn asked(job: &Job, variant: &Variant) -> bool {
    job.variants.is_empty() || job.variants.contains(&variant.name)
}

/// Where the weights of `variant` are: in `folder` if one is given, else among the zoo's own files.
pub fn weights_place(folder: Option<&Path>, embedded: Option<EmbeddedFiles>, variant: &Variant) -> WeightsPlace {
    match (folder, embedded) {
        (Some(folder), _) => {
            let path = folder.join(&variant.weights);
            if path.is_file() {
                WeightsPlace::File(path)
            } else {
                WeightsPlace::Absent(path)
            }
        }
        (None, Some(files)) => WeightsPlace::Embedded(files, format!("weights/{}", variant.weights)),
        (None, None) => WeightsPlace::Absent(PathBuf::from(&variant.weights)),
    }
}

impl WeightsPlace {
    /// Reads the checkpoint; `None` where there is none to read.
    ///
    /// # Errors
    /// A file that cannot be read or is no good checkpoint.
    pub fn read(&self) -> Result<Option<Checkpoint>, RunError> {
        match self {
            Self::NotAsked | Self::Absent(_) => Ok(None),
            Self::File(path) => Ok(Some(Checkpoint::read(path)?)),
            Self::Embedded(files, path) => Ok(Some(Checkpoint::from_bytes(path, files.read(path)?)?)),
        }
    }
}
