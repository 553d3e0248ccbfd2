//! Compiles the GPU's kernels, for the feature `cuda` only.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of kernels in `src/kernels/gpu`, each of which becomes a file of PTX.
const SOURCES: [&str; 3] = ["candidates", "suppression", "masks"];

fn main() {
    println!("cargo::rerun-if-changed=src/build.rs");
    if std::env::var_os("CARGO_FEATURE_CUDA").is_none() {
        return;
    }
    for variable in ["NVCC", "CUDA_COMPUTE_CAP"] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=src/kernels/gpu");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo names it"));
    SOURCES.iter().for_each(|source| compile(source, &out.join(source).with_extension("ptx")));
}

/// PTX for the least compute capability, which the driver translates for the GPU it finds. Products and sums are
/// not contracted: the kernels are held to the processor's results to the bit.
fn compile(source: &str, to: &Path) {
    let nvcc = std::env::var("NVCC").unwrap_or_else(|_| "nvcc".to_owned());
    let capability = std::env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| "80".to_owned());
    let source = Path::new("src/kernels/gpu").join(source).with_extension("cu");
    let mut command = Command::new(&nvcc);
    command.args(["-ptx", "-O3", "-std=c++17", "--fmad=false"]).arg(format!("-arch=compute_{capability}"));
    let status = command.arg(&source).arg("-o").arg(to).status();
    match status {
        Ok(status) if status.success() => (),
        Ok(status) => panic!("{nvcc} does not compile {}: {status}", source.display()),
        Err(error) => panic!("{nvcc} cannot be run: {error}; tests/cuda/build.sh fetches one"),
    }
}
