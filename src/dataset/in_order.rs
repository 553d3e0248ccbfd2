//! Work in numbered parts on all threads, merged in the order of the numbers.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rayon::Scope;

/// Parts for each thread that are begun and not merged yet, at most.
const PARTS_A_THREAD: usize = 4;

/// Makes parts 0, 1, 2 and so on, on the threads of the current rayon pool, and gives them to `merge` one by one in
/// that order, until it breaks: with what. Parts that were begun by then are thrown away.
///
/// A part is made in a scratch space, which `scratch` makes and which later parts use again. Threads never wait for
/// one another: a part is begun when one has been merged.
pub(super) fn in_order<P: Send, B: Send, S: Send>(
    scratch: impl Fn() -> S + Sync,
    make: impl Fn(&mut S, u64) -> P + Sync,
    mut merge: impl FnMut(P) -> ControlFlow<B> + Send,
) -> B {
    let threads = rayon::current_num_threads();
    if threads == 1 {
        let mut scratch = scratch();
        let broken = (0..).find_map(|number| merge(make(&mut scratch, number)).break_value());
        return broken.expect("numbers have no end");
    }
    let queue = Queue { ready: BTreeMap::new(), next: 0, merge: Some(merge), outcome: None };
    let work =
        Work { scratch, make, spare: Mutex::new(Vec::new()), begun: AtomicU64::new(0), queue: Mutex::new(queue) };
    rayon::scope(|scope| (0..threads * PARTS_A_THREAD).for_each(|_| work.begin(scope)));
    let queue = work.queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    queue.outcome.expect("parts are begun until the merging breaks")
}

/// What the threads share.
struct Work<P, B, S, F, G, H> {
    scratch: F,
    make: G,
    /// Scratch spaces that no part uses.
    spare: Mutex<Vec<S>>,
    /// Number of the next part to begin.
    begun: AtomicU64,
    queue: Mutex<Queue<P, B, H>>,
}

/// The parts that wait to be merged.
struct Queue<P, B, H> {
    ready: BTreeMap<u64, P>,
    /// Number of the next part to merge.
    next: u64,
    /// Absent while a thread merges, and after the end.
    merge: Option<H>,
    outcome: Option<B>,
}

impl<P, B, S, F, G, H> Work<P, B, S, F, G, H>
where
    P: Send,
    B: Send,
    S: Send,
    F: Fn() -> S + Sync,
    G: Fn(&mut S, u64) -> P + Sync,
    H: FnMut(P) -> ControlFlow<B> + Send,
{
    fn begin<'s>(&'s self, scope: &Scope<'s>) {
        scope.spawn(|scope| self.run(scope));
    }

    /// Makes the next part, and merges what can be merged.
    fn run<'s>(&'s self, scope: &Scope<'s>) {
        if lock(&self.queue).outcome.is_some() {
            return;
        }
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let spare = lock(&self.spare).pop();
        let mut scratch = spare.unwrap_or_else(&self.scratch);
        let part = (self.make)(&mut scratch, number);
        lock(&self.spare).push(scratch);
        self.merge(scope, number, part);
    }

    fn merge<'s>(&'s self, scope: &Scope<'s>, number: u64, part: P) {
        let mut queue = lock(&self.queue);
        queue.ready.insert(number, part);
        // If another thread merges it finds this part, too.
        let Some(mut merge) = queue.merge.take() else { return };
        while let Some(part) = queue.take_next() {
            drop(queue);
            let flow = merge(part);
            queue = lock(&self.queue);
            match flow {
                ControlFlow::Continue(()) => self.begin(scope),
                ControlFlow::Break(with) => {
                    queue.outcome = Some(with);
                    queue.ready.clear();
                    return;
                }
            }
        }
        queue.merge = Some(merge);
    }
}

impl<P, B, H> Queue<P, B, H> {
    fn take_next(&mut self) -> Option<P> {
        let part = self.ready.remove(&self.next)?;
        self.next += 1;
        Some(part)
    }
}

/// A panic elsewhere ends the whole scope: what it left behind is not looked at.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    fn on_threads<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool").install(work)
    }

    #[test]
    fn parts_are_merged_in_order_until_it_breaks() {
        for threads in [1, 2, 3, 7] {
            let mut merged = Vec::new();
            let merge = |(number, square): (u64, u64)| {
                merged.push(number);
                // Merging may itself use all threads, which then begin parts in between.
                let sum: u64 = (0..100u64).into_par_iter().map(|term| term % 7).sum();
                assert_eq!((square, sum), (number * number, 295));
                if number == 300 {
                    ControlFlow::Break(square)
                } else {
                    ControlFlow::Continue(())
                }
            };
            let make = |made: &mut u64, number: u64| {
                *made += 1;
                (0..number % 5).for_each(|_| std::thread::yield_now());
                (number, number * number)
            };
            assert_eq!(on_threads(threads, || in_order(|| 0, make, merge)), 300 * 300, "{threads} threads");
            assert_eq!(merged, (0..=300).collect::<Vec<_>>(), "{threads} threads");
        }
    }

    #[test]
    fn few_parts_are_begun_beyond_the_end() {
        let highest = AtomicU64::new(0);
        let make = |(): &mut (), number: u64| {
            highest.fetch_max(number, Ordering::Relaxed);
            number
        };
        let merge = |number| if number == 50 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        on_threads(4, || in_order(|| (), make, merge));
        assert!((50..50 + 4 * PARTS_A_THREAD as u64).contains(&highest.into_inner()));
    }
}
