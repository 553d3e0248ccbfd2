//! A thread that alone talks to a GPU.

use std::sync::mpsc::{channel, Sender};
use std::sync::{Mutex, PoisonError};

use candle_core::Error;

use crate::model::ModelError;

type Request<W> = Box<dyn FnOnce(&mut W) + Send>;

/// A thread with something of its own. cuDNN's handles and the parameters that a recording reads belong to a thread, and
/// nobody else may launch anything while a recording is made.
pub(crate) struct GpuThread<W>(Mutex<Sender<Request<W>>>);

impl<W: Send + 'static> GpuThread<W> {
    /// Starts it.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub fn start(mut worker: W) -> Result<Self, ModelError> {
        let (requests, received) = channel::<Request<W>>();
        let serve = move || received.into_iter().for_each(|request| request(&mut worker));
        std::thread::Builder::new().name("gpu".to_owned()).spawn(serve).map_err(Error::wrap)?;
        Ok(Self(Mutex::new(requests)))
    }

    /// Runs something there and waits for it.
    ///
    /// # Errors
    /// What the work fails with, and if the thread has ended.
    pub fn request<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut W) -> Result<T, ModelError> + Send + 'static,
    ) -> Result<T, ModelError> {
        let (answer, answered) = channel();
        let request = Box::new(move |worker: &mut W| {
            // Whoever asked may have given up.
            let _ = answer.send(work(worker));
        });
        let gone = || Error::Msg("the thread that talks to the GPU has ended".to_owned());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).send(request).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())?
    }
}
