//! NVIDIA's GPUs, by candle's device and its one stream.

use candle_core::cuda_backend::cudarc::driver::result::memcpy_htod_async;
use candle_core::cuda_backend::cudarc::driver::sys::CUfunction_attribute_enum;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, DevicePtr, LaunchConfig, PushKernelArg};
use candle_core::{CudaDevice, CudaStorage, DType, Device, Error, Result, Storage, Tensor};

use super::accelerator::{Accelerator, Argument, Blocks, Format, Kernel, Source};

/// A GPU as candle has opened it. Buffers are tensors of float32 or 32-bit integers, contiguous.
#[derive(Clone)]
pub struct CudaAccelerator {
    device: CudaDevice,
}

/// Threads of a block.
const BLOCK: usize = 256;
/// Blocks of a launch at most: some waves of them on the greatest GPU there is.
const BLOCKS: usize = 1 << 14;

/// Bytes of shared memory that a kernel has without asking for more.
const SHARED_BYTES: u32 = 48 << 10;

/// The translations of a file for each format.
macro_rules! formats {
    ($name:literal, $format:expr) => {
        match $format {
            Format::F16 => (concat!("zoobench_", $name, "_f16"), ptx!($name, "_f16")),
            Format::Bf16 => (concat!("zoobench_", $name, "_bf16"), ptx!($name, "_bf16")),
            Format::Tf32 => (concat!("zoobench_", $name, "_tf32"), ptx!($name, "_tf32")),
            Format::F32 => (concat!("zoobench_", $name, "_f32"), ptx!($name, "_f32")),
        }
    };
}

macro_rules! ptx {
    ($name:literal, $suffix:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/", $name, $suffix, ".ptx"))
    };
}

impl Source {
    /// A name of its own, and the kernels as the driver translates them, compiled by the build script.
    fn module(self) -> (&'static str, &'static str) {
        match self {
            Self::Candidates => ("zoobench_candidates", ptx!("candidates", "")),
            Self::Suppression => ("zoobench_suppression", ptx!("suppression", "")),
            Self::Masks => ("zoobench_masks", ptx!("masks", "")),
            Self::Convolution(format) => formats!("convolution", format),
            Self::Maps(format) => formats!("maps", format),
            Self::Guidance(format) => formats!("guidance", format),
        }
    }
}

impl CudaAccelerator {
    /// Takes a GPU whose tensors are used on its one stream only, by whatever thread.
    ///
    /// From here on no events are recorded with its tensors, which a stream that is being captured could not wait for.
    ///
    /// # Errors
    /// If the device is the processor.
    pub fn new(device: &Device) -> Result<Self> {
        let device = device.as_cuda_device()?.clone();
        // SAFETY: candle launches, copies, allocates and frees on the device's own stream, and so does this file:
        // what the events would order is in the order of that stream anyway.
        unsafe { device.disable_event_tracking() };
        Ok(Self { device })
    }

    /// The device as candle has it.
    pub fn device(&self) -> &CudaDevice {
        &self.device
    }

    /// The address of a word of a buffer, as kernels take it.
    fn address(&self, buffer: &Tensor, word: usize) -> Result<u64> {
        let (storage, layout) = buffer.storage_and_layout();
        let Storage::Cuda(storage) = &*storage else {
            return Err(Error::Msg("a buffer of the GPU's kernels lies on the processor".to_owned()));
        };
        if !layout.is_contiguous() {
            return Err(Error::Msg("a buffer of the GPU's kernels is not contiguous".to_owned()));
        }
        let start = match buffer.dtype() {
            DType::F32 => self.start::<f32>(storage)?,
            _ => self.start::<u32>(storage)?,
        };
        Ok(start + ((layout.start_offset() + word) * size_of::<u32>()) as u64)
    }

    fn start<T: candle_core::cuda_backend::CudaDType>(&self, storage: &CudaStorage) -> Result<u64> {
        let slice: &CudaSlice<T> = storage.as_cuda_slice()?;
        Ok(slice.device_ptr(&self.device.cuda_stream()).0)
    }
}

/// A kernel's argument where the launch finds it.
enum Value {
    Whole(u64),
    Number(u32),
    Real(f32),
}

impl Accelerator for CudaAccelerator {
    type Buffer = Tensor;
    type Error = Error;

    fn words(&self, buffer: &Tensor) -> usize {
        buffer.elem_count()
    }

    fn zeroed(&self, words: usize) -> Result<Tensor> {
        // There are no buffers without an address.
        Tensor::zeros(words.max(1), DType::U32, &Device::Cuda(self.device.clone()))
    }

    fn read(&self, buffer: &Tensor, words: usize) -> Result<Vec<u32>> {
        match words {
            0 => Ok(vec![]),
            _ => buffer.narrow(0, 0, words)?.to_vec1(),
        }
    }

    fn write(&self, buffer: &Tensor, words: &[u32]) -> Result<()> {
        assert!(buffer.elem_count() >= words.len(), "{} words into {}", words.len(), buffer.elem_count());
        let stream = self.device.cuda_stream();
        stream.context().bind_to_thread().map_err(Error::wrap)?;
        let to = self.address(buffer, 0)?;
        // SAFETY: the buffer is as long and stays until the stream has passed; what is copied from pageable memory has
        // left it when the call returns.
        unsafe { memcpy_htod_async(to, words, stream.cu_stream()) }.map_err(Error::wrap)
    }

    unsafe fn launch(&self, kernel: Kernel, threads: usize, arguments: &[Argument<'_, Tensor>]) -> Result<()> {
        let blocks = threads.div_ceil(BLOCK).clamp(1, BLOCKS) as u32;
        let blocks = Blocks { grid: [blocks, 1, 1], threads: BLOCK as u32, shared_bytes: 0 };
        // SAFETY: the caller answers for the arguments.
        unsafe { self.launch_blocks(kernel, blocks, arguments) }
    }

    unsafe fn launch_blocks(&self, kernel: Kernel, blocks: Blocks, arguments: &[Argument<'_, Tensor>]) -> Result<()> {
        let (module, ptx) = kernel.source.module();
        let function = self.device.get_or_load_custom_func(kernel.name, module, ptx)?;
        let function = function.into_cuda_function();
        if blocks.shared_bytes > SHARED_BYTES {
            let most = CUfunction_attribute_enum::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
            function.set_attribute(most, blocks.shared_bytes as i32).map_err(Error::wrap)?;
        }
        let value = |argument: &Argument<'_, Tensor>| match *argument {
            Argument::Words(buffer, word) => self.address(buffer, word).map(Value::Whole),
            Argument::U64(number) => Ok(Value::Whole(number)),
            Argument::U32(number) => Ok(Value::Number(number)),
            Argument::F32(number) => Ok(Value::Real(number)),
        };
        let values = arguments.iter().map(value).collect::<Result<Vec<_>>>()?;
        let stream = self.device.cuda_stream();
        let mut builder = stream.launch_builder(&function);
        for value in &values {
            match value {
                Value::Whole(number) => builder.arg(number),
                Value::Number(number) => builder.arg(number),
                Value::Real(number) => builder.arg(number),
            };
        }
        let [x, y, z] = blocks.grid;
        let config = LaunchConfig {
            grid_dim: (x, y, z),
            block_dim: (blocks.threads, 1, 1),
            shared_mem_bytes: blocks.shared_bytes,
        };
        // SAFETY: the caller answers for the arguments and the blocks; buffers are freed on the stream, behind this
        // launch.
        unsafe { builder.launch(config) }.map_err(Error::wrap)?;
        Ok(())
    }
}
