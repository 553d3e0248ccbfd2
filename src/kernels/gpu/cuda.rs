//! NVIDIA's GPUs, by candle's device and its one stream.

use std::ffi::c_void;

use candle_core::cuda_backend::cudarc::driver::result::memcpy_htod_async;
use candle_core::cuda_backend::cudarc::driver::sys::{
    cuLaunchKernelEx, CUdevice_attribute_enum, CUfunction_attribute_enum, CUlaunchAttributeID, CUlaunchAttributeValue,
    CUlaunchAttribute_st, CUlaunchConfig,
};
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, DevicePtr};
use candle_core::{CudaDevice, CudaStorage, DType, Device, Error, Result, Storage, Tensor};

use super::accelerator::{Accelerator, Argument, Blocks, Format, Kernel, Source};

/// A GPU as candle has opened it. Buffers are tensors of float32 or 32-bit integers, contiguous.
#[derive(Clone)]
pub struct CudaAccelerator {
    device: CudaDevice,
    /// Whether it has compute capability 9.0.
    is_hopper: bool,
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
    ($name:literal, $format:expr, on hopper) => {
        match $format {
            Format::F16 => Some((concat!("zoobench_", $name, "_f16_90a"), ptx!($name, "_f16_90a"))),
            Format::Bf16 => Some((concat!("zoobench_", $name, "_bf16_90a"), ptx!($name, "_bf16_90a"))),
            Format::Tf32 | Format::F32 => None,
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

    /// The same for compute capability 9.0, where that has kernels of its own: they may begin before the kernel in front of
    /// them has ended.
    fn hopper_module(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Convolution(format) => formats!("convolution", format, on hopper),
            Self::Maps(format) => formats!("maps", format, on hopper),
            Self::Guidance(format) => formats!("guidance", format, on hopper),
            Self::Candidates | Self::Suppression | Self::Masks => None,
        }
    }

    /// Threads that a block of its kernels for compute capability 9.0 has besides: they copy what the others multiply.
    fn copiers(self) -> u32 {
        if matches!(self, Self::Convolution(_)) {
            128
        } else {
            0
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
        let context = device.cuda_stream().context().clone();
        let [major, minor] = [
            CUdevice_attribute_enum::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR,
            CUdevice_attribute_enum::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR,
        ]
        .map(|attribute| context.attribute(attribute).map_err(Error::wrap));
        Ok(Self { device, is_hopper: (major?, minor?) == (9, 0) })
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

impl Value {
    fn place(&mut self) -> *mut c_void {
        match self {
            Self::Whole(number) => (&raw mut *number).cast(),
            Self::Number(number) => (&raw mut *number).cast(),
            Self::Real(number) => (&raw mut *number).cast(),
        }
    }
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
        let hopper = kernel.source.hopper_module().filter(|_| self.is_hopper);
        let (module, ptx) = hopper.unwrap_or_else(|| kernel.source.module());
        let function = self.device.get_or_load_custom_func(kernel.name, module, ptx)?.into_cuda_function();
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
        let mut values = arguments.iter().map(value).collect::<Result<Vec<_>>>()?;
        let mut places: Vec<*mut c_void> = values.iter_mut().map(Value::place).collect();
        let stream = self.device.cuda_stream();
        stream.context().bind_to_thread().map_err(Error::wrap)?;
        let mut early = CUlaunchAttribute_st {
            id: CUlaunchAttributeID::CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION,
            pad: Default::default(),
            value: CUlaunchAttributeValue { programmaticStreamSerializationAllowed: 1 },
        };
        let [x, y, z] = blocks.grid;
        let config = CUlaunchConfig {
            gridDimX: x,
            gridDimY: y,
            gridDimZ: z,
            blockDimX: blocks.threads + hopper.map_or(0, |_| kernel.source.copiers()),
            blockDimY: 1,
            blockDimZ: 1,
            sharedMemBytes: blocks.shared_bytes,
            hStream: stream.cu_stream(),
            attrs: &raw mut early,
            numAttrs: u32::from(hopper.is_some()),
        };
        // SAFETY: the caller answers for the arguments and the blocks; each place is that of a value as wide as the
        // parameter, and the driver reads them before it returns. Buffers are freed on the stream, behind this launch. The
        // kernels that may begin early wait for what is in front of them before they touch its buffers.
        unsafe { cuLaunchKernelEx(&config, function.cu_function(), places.as_mut_ptr(), std::ptr::null_mut()) }
            .result()
            .map_err(Error::wrap)
    }
}
