//! The threads of `--threads`.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// A pool of that many threads, or one for each core, of which this thread is one: a pool of one starts no
/// thread, and memory is cheaper to get in a program without threads.
pub fn pool(threads: Option<u16>) -> Result<ThreadPool, ThreadPoolBuildError> {
    let builder = || ThreadPoolBuilder::new().num_threads(threads.map_or(0, usize::from));
    // A thread can be in one pool only, as when one program runs several commands.
    builder().use_current_thread().build().or_else(|_| builder().build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_can_have_several_pools_in_turn() {
        for threads in [1, 3, 2] {
            let pool = pool(Some(threads)).expect("a pool");
            assert_eq!(pool.install(rayon::current_num_threads), usize::from(threads));
        }
    }
}
