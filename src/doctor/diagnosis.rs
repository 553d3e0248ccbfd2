//! What is missing, and how to get it: a pure function of what was found.

use serde::Serialize;

use super::findings::{Binary, Driver, Findings, FoundGpu, FoundLibrary};

/// Version of the JSON form.
pub const DOCTOR_SCHEMA_VERSION: u32 = 1;

/// JSON Schema (draft 2020-12) of what `doctor gpu --json` writes: [`Diagnosis`].
pub const DOCTOR_JSON_SCHEMA: &str = include_str!("schema/doctor.schema.json");

const BUILD: &str = "cargo build --release --features cuda, or cudnn for faster convolutions; tests/cuda/build.sh in \
                     zoobench's repository builds it on a machine without the CUDA toolkit";
const INSTALL_DRIVER: &str = "install NVIDIA's driver; in a container, start it with the host's GPUs \
                              (docker run --gpus all)";
const EXPOSE_DRIVER: &str = "install the driver's CUDA part (on Debian the package libcuda1, on Ubuntu \
                             libnvidia-compute of the driver's version); in a container, set \
                             NVIDIA_DRIVER_CAPABILITIES=compute,utility when it is started";

/// Something without which no GPU run starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// What is missing.
    pub what: String,
    /// How to get it.
    pub remedy: String,
}

/// What was found, and what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Version of this form.
    pub schema_version: u32,
    /// Whether a run with `--device cuda` could start.
    pub ready: bool,
    /// How this binary was built.
    pub binary: Binary,
    /// The driver.
    pub driver: Driver,
    /// The GPUs.
    pub gpus: Vec<FoundGpu>,
    /// The libraries that were looked for.
    pub libraries: Vec<LibraryRow>,
    /// What is missing, in the order in which to get it.
    pub missing: Vec<Missing>,
    /// What is good to know.
    pub notes: Vec<String>,
}

/// A library as it is told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LibraryRow {
    /// Usual name of its file.
    pub file: String,
    /// What it is.
    pub title: &'static str,
    /// Whether this binary needs it.
    pub needed: bool,
    /// The file that would be loaded.
    pub path: Option<String>,
}

impl Diagnosis {
    /// Of what was found.
    pub fn of(findings: Findings) -> Self {
        let missing: Vec<Missing> =
            [missing_feature(&findings), missing_driver(&findings), old_driver(&findings), missing_gpu(&findings)]
                .into_iter()
                .flatten()
                .chain(missing_libraries(&findings))
                .collect();
        let notes = notes(&findings);
        let cudnn = findings.binary.cudnn;
        Self {
            schema_version: DOCTOR_SCHEMA_VERSION,
            ready: missing.is_empty(),
            binary: findings.binary,
            driver: findings.driver,
            gpus: findings.gpus,
            libraries: findings.libraries.iter().map(|found| LibraryRow::of(found, cudnn)).collect(),
            missing,
            notes,
        }
    }
}

impl LibraryRow {
    fn of(found: &FoundLibrary, cudnn: bool) -> Self {
        let path = found.path.as_ref().map(|path| path.display().to_string());
        let library = found.library;
        Self { file: library.file(), title: library.title, needed: library.is_needed(cudnn), path }
    }
}

fn missing_feature(findings: &Findings) -> Option<Missing> {
    let what = "this binary was built without CUDA".to_owned();
    (!findings.binary.cuda).then(|| Missing { what, remedy: BUILD.to_owned() })
}

fn missing_driver(findings: &Findings) -> Option<Missing> {
    let driver = &findings.driver;
    let is_loaded = driver.module.is_some() || driver.version.is_some();
    let (what, remedy) = match (is_loaded, findings.has_driver_library()) {
        (true, true) => return None,
        (true, false) => ("the driver is loaded, but its library libcuda.so.1 is not there", EXPOSE_DRIVER),
        (false, true) => ("no NVIDIA driver is loaded", INSTALL_DRIVER),
        (false, false) => ("there is no NVIDIA driver", INSTALL_DRIVER),
    };
    Some(Missing { what: what.to_owned(), remedy: remedy.to_owned() })
}

fn old_driver(findings: &Findings) -> Option<Missing> {
    let (served, kernels) = findings.driver.cuda.zip(findings.binary.kernels_cuda)?;
    (served < kernels).then(|| Missing {
        what: format!("the driver serves CUDA {served} at most, and this binary's kernels are of CUDA {kernels}"),
        remedy: format!("update the driver, or build with the toolkit of CUDA {served} or older"),
    })
}

/// A driver lists no GPU, or none that the kernels run on.
fn missing_gpu(findings: &Findings) -> Option<Missing> {
    // Without NVML nothing is known of GPUs, and a missing driver is told of already.
    findings.driver.version.as_ref()?;
    if findings.gpus.is_empty() {
        let why = findings.driver.problem.clone().unwrap_or_else(|| "the driver lists no GPU".to_owned());
        let remedy = "give this machine, or this container, a GPU (docker run --gpus all)".to_owned();
        return Some(Missing { what: why, remedy });
    }
    let least = findings.binary.kernels_compute_capability?;
    let greatest =
        findings.gpus.iter().map(|gpu| gpu.compute_capability).collect::<Option<Vec<_>>>()?.into_iter().max()?;
    (greatest < least).then(|| Missing {
        what: format!("the GPUs have compute capability {greatest} at most, and this binary's kernels need {least}"),
        remedy: format!("build with CUDA_COMPUTE_CAP={}{}", greatest.0, greatest.1),
    })
}

fn missing_libraries(findings: &Findings) -> impl Iterator<Item = Missing> + '_ {
    let needed = |found: &&FoundLibrary| found.library.is_needed(findings.binary.cudnn) && found.path.is_none();
    findings.libraries.iter().filter(needed).filter_map(|found| {
        let wheel = found.library.wheel?;
        Some(Missing {
            what: format!("{} ({}) is not where libraries are looked for", found.library.file(), found.library.title),
            remedy: format!(
                "install the CUDA toolkit, or python3 -m pip install {}; then name its folder in LD_LIBRARY_PATH \
                 (of the wheel: site-packages/{})",
                wheel.package, wheel.folder
            ),
        })
    })
}

fn notes(findings: &Findings) -> Vec<String> {
    let mut notes = Vec::new();
    let (binary, driver) = (&findings.binary, &findings.driver);
    if let (None, Some(problem), true) = (&driver.version, &driver.problem, driver.module.is_some()) {
        notes.push(format!("nothing is known of the GPUs, since NVML does not answer: {problem}"));
    }
    if binary.cuda && !binary.cudnn {
        notes.push("this binary was built without cuDNN: convolutions go through cuBLAS".to_owned());
    }
    if binary.cudnn && findings.tf32_override.as_deref() != Some("0") {
        notes
            .push("--dtype f32 needs NVIDIA_TF32_OVERRIDE=0 in the environment: cuDNN takes tf32 otherwise".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::super::findings::Version;
    use super::*;
    use crate::model::engine::Library;

    fn all_there() -> Findings {
        let found = |library: Library| FoundLibrary { path: Some(format!("/lib/{}", library.file()).into()), library };
        Findings {
            binary: Binary {
                cuda: true,
                cudnn: true,
                kernels_cuda: Some(Version(13, 0)),
                kernels_compute_capability: Some(Version(8, 0)),
            },
            driver: Driver {
                module: Some("NVRM version: 580".to_owned()),
                version: Some("580.95.05".to_owned()),
                cuda: Some(Version(13, 0)),
                problem: None,
            },
            gpus: vec![FoundGpu {
                name: Some("a GPU".to_owned()),
                compute_capability: Some(Version(9, 0)),
                memory_bytes: Some(80 << 30),
            }],
            libraries: Library::ALL.map(found).into(),
            tf32_override: Some("0".to_owned()),
        }
    }

    fn without(mut findings: Findings, name: &str) -> Findings {
        let lost = findings.libraries.iter_mut().find(|found| found.library.name == name);
        lost.expect("a library of that name").path = None;
        findings
    }

    fn only(findings: Findings) -> Missing {
        let diagnosis = Diagnosis::of(findings);
        assert!(!diagnosis.ready);
        assert_eq!(diagnosis.missing.len(), 1, "{:?}", diagnosis.missing);
        diagnosis.missing[0].clone()
    }

    #[test]
    fn all_there_is_ready() {
        let diagnosis = Diagnosis::of(all_there());
        assert!(diagnosis.ready, "{:?}", diagnosis.missing);
        assert_eq!(diagnosis.notes, Vec::<String>::new());
    }

    #[test]
    fn nothing_there_names_all_that_is_missing() {
        let libraries = Library::ALL.map(|library| FoundLibrary { library, path: None }).into();
        let diagnosis = Diagnosis::of(Findings { libraries, ..Findings::default() });
        let what: Vec<&str> = diagnosis.missing.iter().map(|missing| missing.what.as_str()).collect();
        assert!(!diagnosis.ready);
        assert_eq!(what[..2], ["this binary was built without CUDA", "there is no NVIDIA driver"]);
        assert!(what[2].contains("cuBLAS") && what.iter().all(|what| !what.contains("cuDNN")), "{what:?}");
        assert!(diagnosis.missing.iter().all(|missing| !missing.remedy.is_empty()));
    }

    #[test]
    fn a_driver_without_the_feature_says_how_to_build() {
        let built = Binary { cuda: false, cudnn: false, ..all_there().binary };
        let missing = only(Findings { binary: built, ..all_there() });
        assert!(missing.remedy.starts_with("cargo build --release --features cuda"), "{missing:?}");
    }

    #[test]
    fn a_missing_cudnn_is_missing_to_binaries_with_cudnn_alone() {
        let missing = only(without(all_there(), "cudnn"));
        assert!(missing.what.contains("libcudnn.so") && missing.remedy.contains("nvidia-cudnn-cu13"), "{missing:?}");
        assert!(missing.remedy.contains("nvidia/cudnn/lib"), "{missing:?}");
        let plain = Binary { cudnn: false, ..all_there().binary };
        let diagnosis = Diagnosis::of(without(Findings { binary: plain, ..all_there() }, "cudnn"));
        assert!(diagnosis.ready && diagnosis.notes[0].contains("without cuDNN"), "{diagnosis:?}");
    }

    #[test]
    fn a_driver_may_be_there_in_part() {
        let hidden = only(without(all_there(), "cuda"));
        assert!(hidden.what.contains("libcuda.so.1") && hidden.remedy.contains("NVIDIA_DRIVER_CAPABILITIES"));
        let unloaded = Findings { driver: Driver::default(), gpus: vec![], ..all_there() };
        assert_eq!(only(unloaded).what, "no NVIDIA driver is loaded");
        let silent = Driver { version: None, cuda: None, problem: Some("no NVML".to_owned()), ..all_there().driver };
        let diagnosis = Diagnosis::of(Findings { driver: silent, gpus: vec![], ..all_there() });
        assert!(diagnosis.ready && diagnosis.notes[0].contains("no NVML"), "{diagnosis:?}");
    }

    #[test]
    fn a_driver_or_gpu_older_than_the_kernels_is_none() {
        let old = Driver { cuda: Some(Version(12, 8)), ..all_there().driver };
        let missing = only(Findings { driver: old, ..all_there() });
        assert!(missing.what.contains("CUDA 12.8 at most") && missing.what.contains("of CUDA 13.0"), "{missing:?}");
        let small = FoundGpu { compute_capability: Some(Version(7, 5)), ..all_there().gpus[0].clone() };
        let missing = only(Findings { gpus: vec![small.clone()], ..all_there() });
        assert!(missing.remedy.contains("CUDA_COMPUTE_CAP=75"), "{missing:?}");
        let both = Findings { gpus: vec![small, all_there().gpus[0].clone()], ..all_there() };
        assert!(Diagnosis::of(both).ready, "one of them will do");
        assert!(only(Findings { gpus: vec![], ..all_there() }).what.contains("lists no GPU"));
    }

    #[test]
    fn tf32_is_never_silent() {
        let diagnosis = Diagnosis::of(Findings { tf32_override: None, ..all_there() });
        assert!(diagnosis.ready && diagnosis.notes[0].contains("NVIDIA_TF32_OVERRIDE=0"), "{diagnosis:?}");
    }

    #[test]
    fn the_json_form_is_what_the_schema_names() {
        let schema: serde_json::Value = serde_json::from_str(DOCTOR_JSON_SCHEMA).expect("JSON");
        let document = serde_json::to_value(Diagnosis::of(all_there())).expect("JSON");
        let keys =
            |value: &serde_json::Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(&schema["properties"]), keys(&document));
        assert_eq!(document["gpus"][0]["compute_capability"], "9.0");
    }
}
