//! Opening a GPU, or saying in one sentence why there is none.

use super::libraries::{Library, SearchPath};
use super::Precision;

/// What a binary without the feature `cuda` says.
const NOT_BUILT: &str = "this binary was built without CUDA: cargo build --release --features cuda";

/// Where to read on.
const DOCTOR: &str = "`zoobench doctor gpu` says what is missing";

/// Refuses a machine that lacks a library without which no GPU can be opened.
///
/// cudarc loads libraries at their first use and panics where one is missing, so they are looked for
/// before its first call.
pub(super) fn check_libraries() -> Result<(), String> {
    if !cfg!(feature = "cuda") {
        return Err(NOT_BUILT.to_owned());
    }
    // Elsewhere libraries have other names and places.
    match SearchPath::of_system() {
        Some(path) => missing(|library| path.find(library).is_none()).map_or(Ok(()), Err),
        None => Ok(()),
    }
}

/// A sentence about the first library that is missing.
fn missing(is_missing: impl Fn(&Library) -> bool) -> Option<String> {
    let library =
        Library::ALL.iter().find(|library| library.is_needed(cfg!(feature = "cudnn")) && is_missing(library))?;
    Some(match library.is_driver() {
        true => format!("there is no NVIDIA driver: {} is not on this machine; {DOCTOR}", library.file()),
        false => format!("{} is not where libraries are looked for (LD_LIBRARY_PATH); {DOCTOR}", library.file()),
    })
}

#[cfg(not(feature = "cuda"))]
pub(super) fn open(_: usize, _: Precision) -> Result<candle_core::Device, String> {
    Err(NOT_BUILT.to_owned())
}

/// A GPU that has computed something.
///
/// All threads share one stream, so that each sees what the others have written. Whether float32 products
/// take TF32 is a setting of the process: what is opened last decides.
#[cfg(feature = "cuda")]
pub(super) fn open(number: usize, precision: Precision) -> Result<candle_core::Device, String> {
    let opened = quietly(|| -> candle_core::Result<_> {
        let device = candle_core::Device::new_cuda_with_stream(number)?;
        candle_core::cuda::set_gemm_reduced_precision_f32(precision == Precision::Tf32);
        probe(&device, precision)?;
        Ok(device)
    });
    let failed = |error: String| format!("{}; {DOCTOR}", first_line(&error));
    opened.map_err(failed)?.map_err(|error| failed(error.to_string()))
}

/// Convolves one pixel: a kernel that the driver refuses and a library that is not whole show here, and
/// not after minutes.
#[cfg(feature = "cuda")]
fn probe(device: &candle_core::Device, precision: Precision) -> candle_core::Result<()> {
    let one = |channels| candle_core::Tensor::ones((1, channels, 1, 1), precision.dtype(), device);
    one(8)?.conv2d(&one(8)?, 0, 1, 1, 1)?.to_dtype(candle_core::DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    Ok(())
}

/// Runs what may panic though nothing is wrong with it, as cudarc does where a library is not as expected;
/// gives the panic's words, which are kept from the terminal.
#[cfg(feature = "cuda")]
fn quietly<T>(run: impl FnOnce() -> T + std::panic::UnwindSafe) -> Result<T, String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = std::panic::catch_unwind(run);
    std::panic::set_hook(hook);
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        text.unwrap_or("CUDA gave up without a word").to_owned()
    })
}

#[cfg(feature = "cuda")]
fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        let driver = missing(|_| true).expect("all are missing");
        assert!(driver.starts_with("there is no NVIDIA driver: libcuda.so.1"), "{driver}");
        let cublas = missing(|library| !library.is_driver()).expect("all but the driver");
        assert!(cublas.contains("libcublas.so") && cublas.contains("LD_LIBRARY_PATH"), "{cublas}");
        assert_eq!(missing(|library| !library.is_needed(true)), None);
    }

    #[cfg(feature = "cuda")]
    #[test]
    fn a_panic_becomes_words() {
        assert_eq!(quietly(|| 1), Ok(1));
        assert_eq!(quietly(|| -> u8 { panic!("no {}", "library") }), Err("no library".to_owned()));
    }
}
