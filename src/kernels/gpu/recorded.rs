//! Work recorded once and replayed, and how long it takes the GPU.

use candle_core::cuda_backend::cudarc::driver::sys::{CUevent_flags, CUgraphInstantiate_flags, CUstreamCaptureMode};
use candle_core::cuda_backend::cudarc::driver::CudaGraph;
use candle_core::{Error, Result};

use super::CudaAccelerator;

/// Launches and copies, in one piece for the driver.
pub struct Recorded(CudaGraph);

// SAFETY: the driver takes a graph from any thread, one at a time; every use here is of an exclusive reference.
unsafe impl Send for Recorded {}

impl CudaAccelerator {
    /// Records what `work` launches instead of running it.
    ///
    /// Nothing else may be launched on the device meanwhile. What `work` reads and writes must stay where it is for as
    /// long as the recording is replayed, parameters included that candle has cached for this thread: `work` has to
    /// have run before on the same thread, which has to outlive the recording.
    ///
    /// # Errors
    /// If `work` fails, launches nothing, or does what cannot be recorded.
    pub fn record(&self, work: impl FnOnce() -> Result<()>) -> Result<Recorded> {
        let stream = self.device().cuda_stream();
        stream.begin_capture(CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_THREAD_LOCAL).map_err(Error::wrap)?;
        let done = work();
        // The capture ends in any case.
        let graph = stream.end_capture(CUgraphInstantiate_flags::CUDA_GRAPH_INSTANTIATE_FLAG_AUTO_FREE_ON_LAUNCH);
        done?;
        let graph = graph.map_err(Error::wrap)?;
        graph.map(Recorded).ok_or_else(|| Error::Msg("nothing was recorded for the GPU".to_owned()))
    }

    /// Runs `work` and gives the milliseconds that the GPU took for what it launched; waits for its end.
    ///
    /// # Errors
    /// If `work` or the GPU fails.
    pub fn timed<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
        let stream = self.device().cuda_stream();
        let event = || stream.record_event(Some(CUevent_flags::CU_EVENT_DEFAULT)).map_err(Error::wrap);
        let before = event()?;
        let value = work()?;
        let after = event()?;
        Ok((value, f64::from(before.elapsed_ms(&after).map_err(Error::wrap)?)))
    }
}

impl Recorded {
    /// Launches all of it again.
    ///
    /// # Errors
    /// If the driver refuses it.
    pub fn replay(&mut self) -> Result<()> {
        self.0.launch().map_err(Error::wrap)
    }
}
