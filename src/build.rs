//! Compiles the GPU's kernels, for the feature `cuda` only.

use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// Files of kernels in `src/kernels/gpu`, each of which becomes a file of PTX.
const SOURCES: [&str; 3] = ["candidates", "suppression", "masks"];
/// Files that become one for each format of numbers, in the order of `elements.cuh`.
const NETWORK: [&str; 3] = ["convolution", "maps", "guidance"];
const FORMATS: [&str; 4] = ["f16", "bf16", "tf32", "f32"];
/// Formats whose kernels exist once more for the groups of warps of compute capability 9.0.
const HOPPER: [&str; 2] = ["f16", "bf16"];

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
    // Products and sums of what follows the network are not contracted: the kernels are held to the processor's results
    // to the bit.
    let plain = SOURCES.map(|source| compile(source, &["--fmad=false"], None, &out.join(source).with_extension("ptx")));
    let network = NETWORK.iter().flat_map(|source| FORMATS.iter().enumerate().map(move |format| (source, format)));
    let network = network.flat_map(|(source, (number, format))| {
        let option = format!("-DELEMENT={number}");
        let plain = compile(source, &[&option], None, &out.join(format!("{source}_{format}.ptx")));
        let hopper = HOPPER
            .contains(format)
            .then(|| compile(source, &[&option], Some("90a"), &out.join(format!("{source}_{format}_90a.ptx"))));
        [Some(plain), hopper].into_iter().flatten()
    });
    // All at the same time; the network's take the longest.
    let compilers: Vec<Compiler> = network.chain(plain).collect();
    compilers.into_iter().for_each(Compiler::finish);
}

/// A compiler at work on a file.
struct Compiler {
    source: PathBuf,
    process: Child,
}

/// Starts to make PTX for a compute capability, or for the least one, which the driver translates for the GPU it finds.
fn compile(source: &str, options: &[&str], capability: Option<&str>, to: &Path) -> Compiler {
    let least = || std::env::var("CUDA_COMPUTE_CAP").unwrap_or_else(|_| "80".to_owned());
    let capability = capability.map_or_else(least, str::to_owned);
    let source = Path::new("src/kernels/gpu").join(source).with_extension("cu");
    let mut command = Command::new(nvcc());
    command.args(["-ptx", "-O3", "-std=c++17"]).args(options).arg(format!("-arch=compute_{capability}"));
    match command.arg(&source).arg("-o").arg(to).spawn() {
        Ok(process) => Compiler { source, process },
        Err(error) => panic!("{} cannot be run: {error}; tests/cuda/build.sh fetches one", nvcc()),
    }
}

fn nvcc() -> String {
    std::env::var("NVCC").unwrap_or_else(|_| "nvcc".to_owned())
}

impl Compiler {
    fn finish(mut self) {
        let status = self.process.wait().expect("a child can be waited for");
        assert!(status.success(), "{} does not compile {}: {status}", nvcc(), self.source.display());
    }
}
