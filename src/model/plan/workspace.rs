//! The memory in which one image is computed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::rows::rows_shape;
use crate::kernels::{Maps, MapsShape, Scratch};

/// Maps in which texts that depend on the image are computed, behind those of the layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Queries,
    Tokens,
    Keys,
    Values,
    Scores,
    Mixed,
    Enhanced,
    Guides,
}

/// Number of rooms.
const ROOMS: usize = 8;

/// What one image is computed in. What it holds before is of no consequence.
pub(super) struct Workspace {
    /// Those of the layout, then a map a [`Room`].
    pub maps: Vec<Maps>,
    /// What convolutions need in between.
    pub scratch: Scratch,
}

impl Workspace {
    fn new(maps: usize) -> Self {
        let empty = MapsShape { height: 0, ..rows_shape(0, 0) };
        Self { maps: (0..maps + ROOMS).map(|_| Maps::new(empty)).collect(), scratch: Scratch::default() }
    }
}

/// Workspaces to use again: there are as many as there ever were callers at the same time.
#[derive(Default)]
pub(super) struct Workspaces {
    idle: Mutex<Vec<Workspace>>,
    busy: AtomicUsize,
}

/// A workspace on loan.
pub(super) struct Loan<'a> {
    from: &'a Workspaces,
    workspace: Option<Workspace>,
}

impl Workspaces {
    /// One with so many maps, for as long as it is not dropped.
    pub fn borrow(&self, maps: usize) -> Loan<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        let idle = self.idle().pop();
        Loan { from: self, workspace: Some(idle.unwrap_or_else(|| Workspace::new(maps))) }
    }

    /// Whether the current pool has threads that work on no image of their own.
    pub fn has_idle_threads(&self) -> bool {
        self.busy.load(Ordering::Relaxed) < rayon::current_num_threads()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Workspace>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loan<'_> {
    /// The workspace.
    pub fn get(&mut self) -> &mut Workspace {
        self.workspace.as_mut().expect("it is there until it is given back")
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.from.busy.fetch_sub(1, Ordering::Relaxed);
        self.from.idle().extend(self.workspace.take());
    }
}
