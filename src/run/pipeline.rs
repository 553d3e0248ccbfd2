//! A bounded, ordered pipeline: many items in flight, results consumed in order.
//!
//! Each of `threads` feeder threads takes the next item, has it computed on a thread of its own and hands the result on.
//! The last items, fewer than the threads, are computed by all threads together. Feeders wait, never
//! the threads that compute: these may steal parts of each other's items freely, and nothing that waits for an earlier item
//! can sit on top of it.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::workers::Workers;

/// Computes `work(0)` … `work(count - 1)` on the workers' threads and passes the results to `consume` in order.
///
/// At most twice as many items as there are threads are computed and not yet consumed, whatever
/// `count` is.
///
/// # Errors
/// The error of the first item in order that fails in `work` or `consume`; items behind it are
/// dropped.
pub fn ordered<T, E>(
    workers: &Workers,
    count: usize,
    work: impl Fn(usize) -> Result<T, E> + Sync,
    consume: impl FnMut(usize, T) -> Result<(), E> + Send,
) -> Result<(), E>
where
    T: Send,
    E: Send,
{
    let threads = workers.threads();
    let line = Line { state: Mutex::new(State::new()), changed: Condvar::new(), count, lookahead: 2 * threads };
    let sink = Mutex::new(consume);
    std::thread::scope(|scope| {
        for feeder in 0..threads.min(count) {
            let (line, sink, work) = (&line, &sink, &work);
            scope.spawn(move || {
                // A panic in `work` or `consume` must not leave the other feeders waiting.
                let stop = StopOnPanic(line);
                while let Some(index) = line.take() {
                    let keeps_all_busy = count - index >= threads;
                    let pool = if keeps_all_busy { workers.alone(feeder) } else { workers.together() };
                    line.put(index, pool.install(|| work(index)));
                    line.drain(sink);
                }
                std::mem::forget(stop);
            });
        }
    });
    let state = line.state.into_inner().unwrap_or_else(PoisonError::into_inner);
    state.failed.map_or(Ok(()), Err)
}

struct Line<T, E> {
    state: Mutex<State<T, E>>,
    changed: Condvar,
    count: usize,
    lookahead: usize,
}

struct State<T, E> {
    /// Next item to compute.
    next: usize,
    /// Next item to consume.
    due: usize,
    ready: BTreeMap<usize, Result<T, E>>,
    failed: Option<E>,
    stopped: bool,
}

impl<T, E> State<T, E> {
    fn new() -> Self {
        Self { next: 0, due: 0, ready: BTreeMap::new(), failed: None, stopped: false }
    }
}

impl<T, E> Line<T, E> {
    fn lock(&self) -> MutexGuard<'_, State<T, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next item to compute, once there is room for it; `None` when there is none left.
    fn take(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.next == self.count {
                return None;
            }
            if state.next < state.due + self.lookahead {
                state.next += 1;
                return Some(state.next - 1);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn put(&self, index: usize, result: Result<T, E>) {
        self.lock().ready.insert(index, result);
    }

    /// Consumes whatever is due. One feeder does it at a time; a result put meanwhile is seen by
    /// that feeder, or by the one that put it.
    fn drain(&self, sink: &Mutex<impl FnMut(usize, T) -> Result<(), E>>) {
        let mut consume = sink.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((index, result)) = self.due() {
            if let Err(error) = result.and_then(|value| consume(index, value)) {
                self.stop(Some(error));
                return;
            }
            self.lock().due += 1;
            self.changed.notify_all();
        }
    }

    fn due(&self) -> Option<(usize, Result<T, E>)> {
        let mut state = self.lock();
        if state.stopped {
            return None;
        }
        let due = state.due;
        state.ready.remove(&due).map(|result| (due, result))
    }

    fn stop(&self, error: Option<E>) {
        let mut state = self.lock();
        state.stopped = true;
        state.failed = error;
        self.changed.notify_all();
    }
}

struct StopOnPanic<'a, T, E>(&'a Line<T, E>);

impl<T, E> Drop for StopOnPanic<'_, T, E> {
    fn drop(&mut self) {
        self.0.stop(None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn workers(threads: usize) -> Workers {
        Workers::new(threads).expect("a few threads")
    }

    #[test]
    fn results_come_in_order_at_any_thread_count() {
        for threads in [1, 2, 3, 7] {
            let mut seen = Vec::new();
            let work = |index: usize| {
                // Nested parallel work, so that pool threads steal across items.
                let sum: usize =
                    rayon::iter::ParallelIterator::sum(rayon::iter::IntoParallelIterator::into_par_iter(0..index * 50));
                Ok::<_, ()>((index, sum))
            };
            ordered(&workers(threads), 100, work, |index, value| {
                assert_eq!(value.0, index);
                seen.push(index);
                Ok(())
            })
            .expect("nothing fails");
            assert_eq!(seen, (0..100).collect::<Vec<_>>());
        }
    }

    #[test]
    fn the_first_failure_in_order_is_reported() {
        let work = |index: usize| if index == 5 || index == 7 { Err(index) } else { Ok(index) };
        let mut last = None;
        let outcome = ordered(&workers(3), 50, work, |index, _| {
            last = Some(index);
            Ok(())
        });
        assert_eq!(outcome, Err(5));
        assert_eq!(last, Some(4));
    }

    #[test]
    fn a_failing_consumer_stops_the_line() {
        let outcome = ordered(&workers(2), 1000, Ok, |index, _: usize| if index == 3 { Err("full") } else { Ok(()) });
        assert_eq!(outcome, Err("full"));
    }

    #[test]
    fn few_items_are_in_flight() {
        let in_flight = AtomicUsize::new(0);
        let most = AtomicUsize::new(0);
        let work = |index: usize| {
            most.fetch_max(in_flight.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            Ok::<_, ()>(index)
        };
        ordered(&workers(2), 500, work, |_, _| {
            in_flight.fetch_sub(1, Ordering::SeqCst);
            Ok(())
        })
        .expect("nothing fails");
        assert!(most.load(Ordering::SeqCst) <= 4, "{most:?}");
    }

    #[test]
    fn items_are_computed_alone_while_they_keep_all_threads_busy() {
        let mut threads_of = Vec::new();
        let work = |_: usize| Ok::<_, ()>(rayon::current_num_threads());
        ordered(&workers(3), 6, work, |_, threads| {
            threads_of.push(threads);
            Ok(())
        })
        .expect("nothing fails");
        assert_eq!(threads_of, [1, 1, 1, 1, 3, 3]);
    }

    #[test]
    fn nothing_to_do_is_done() {
        assert_eq!(ordered(&workers(2), 0, Ok::<usize, ()>, |_, _| Ok(())), Ok(()));
    }
}
