//! How much of a GPU's memory was in use at most.

use candle_core::cuda_backend::cudarc::driver::result::{device, mem_pool};
use candle_core::cuda_backend::cudarc::driver::sys::{
    cuDeviceGetGraphMemAttribute, cuDeviceSetGraphMemAttribute, CUgraphMem_attribute, CUmemPool_attribute,
};
use candle_core::{Error, Result};

use super::CudaAccelerator;

const POOL: CUmemPool_attribute = CUmemPool_attribute::CU_MEMPOOL_ATTR_USED_MEM_HIGH;
const GRAPHS: CUgraphMem_attribute = CUgraphMem_attribute::CU_GRAPH_MEM_ATTR_USED_MEM_HIGH;

impl CudaAccelerator {
    /// Most bytes in use since [`CudaAccelerator::forget_peak_memory`]: those of tensors, and those of recordings.
    ///
    /// # Errors
    /// If the driver does not tell.
    pub fn peak_memory_bytes(&self) -> Result<u64> {
        let context = self.device().cuda_stream().context().clone();
        let (mut tensors, mut recordings) = (0u64, 0u64);
        // SAFETY: the device is the context's own, and both attributes are 64 bits wide.
        unsafe {
            let pool = device::get_mem_pool(context.cu_device()).map_err(Error::wrap)?;
            mem_pool::get_attribute(pool, POOL, (&raw mut tensors).cast()).map_err(Error::wrap)?;
            let told = cuDeviceGetGraphMemAttribute(context.cu_device(), GRAPHS, (&raw mut recordings).cast());
            told.result().map_err(Error::wrap)?;
        }
        Ok(tensors + recordings)
    }

    /// Counts from what is in use now.
    ///
    /// # Errors
    /// If the driver refuses.
    pub fn forget_peak_memory(&self) -> Result<()> {
        let context = self.device().cuda_stream().context().clone();
        let mut nothing = 0u64;
        // SAFETY: as in `peak_memory_bytes`; 0 is the value by which both begin anew.
        unsafe {
            let pool = device::get_mem_pool(context.cu_device()).map_err(Error::wrap)?;
            mem_pool::set_attribute(pool, POOL, (&raw mut nothing).cast()).map_err(Error::wrap)?;
            let told = cuDeviceSetGraphMemAttribute(context.cu_device(), GRAPHS, (&raw mut nothing).cast());
            told.result().map_err(Error::wrap)
        }
    }
}
