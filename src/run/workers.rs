//! The threads that images are computed on.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// As many threads twice: once as one pool, for an image that is computed in parts, and once each in a pool of its own,
/// for images side by side. A thread that waits for parts of its own image would else take up another one meanwhile, on
/// the account of the stage that it waits in.
pub struct Workers {
    together: ThreadPool,
    alone: Vec<ThreadPool>,
}

impl Workers {
    /// So many threads.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn new(threads: usize) -> Result<Self, ThreadPoolBuildError> {
        Ok(Self { together: pool(threads)?, alone: (0..threads).map(|_| pool(1)).collect::<Result<_, _>>()? })
    }

    /// Number of threads that compute at a time.
    pub fn threads(&self) -> usize {
        self.alone.len()
    }

    /// All threads.
    pub fn together(&self) -> &ThreadPool {
        &self.together
    }

    /// A thread by its number.
    ///
    /// # Panics
    /// If there is none.
    pub fn alone(&self, number: usize) -> &ThreadPool {
        &self.alone[number]
    }
}

/// A pool of so many threads.
///
/// # Errors
/// Where the system gives no threads.
pub fn pool(threads: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    // A worker may hold several images' frames on its stack, one stolen inside another.
    ThreadPoolBuilder::new().stack_size(16 << 20).num_threads(threads).build()
}
