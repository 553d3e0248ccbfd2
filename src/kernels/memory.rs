//! Zeroed memory at cache-line boundaries.

use std::alloc::{alloc_zeroed, dealloc, handle_alloc_error, Layout};
use std::ptr::NonNull;

/// Bytes of a cache line, and of a block of channels.
const ALIGNMENT: usize = 64;

/// A number of values. A product that wrapped around would be memory too small for what is written.
///
/// # Panics
///
/// If it is larger than any memory.
pub(super) fn product(factors: &[usize]) -> usize {
    let whole = factors.iter().try_fold(1usize, |product, &factor| product.checked_mul(factor));
    whole.expect("no memory holds so many values")
}

/// f32 values on the heap, aligned to a cache line. Reached through a raw pointer, so that views of
/// one allocation can be read and written side by side.
pub(super) struct Memory {
    start: NonNull<f32>,
    len: usize,
}

// SAFETY: the memory is owned, and plain numbers may move between threads.
unsafe impl Send for Memory {}
// SAFETY: a shared reference gives slices to read; writing through `pointer` is unsafe, and its
// callers hold what owns the memory exclusively.
unsafe impl Sync for Memory {}

impl Memory {
    /// `len` zeros.
    pub fn zeros(len: usize) -> Self {
        let layout = Self::layout(len);
        // SAFETY: the layout is not empty.
        let start = unsafe { alloc_zeroed(layout) };
        let start = NonNull::new(start.cast()).unwrap_or_else(|| handle_alloc_error(layout));
        Self { start, len }
    }

    fn layout(len: usize) -> Layout {
        let bytes = product(&[len.max(1), size_of::<f32>()]);
        Layout::from_size_align(bytes, ALIGNMENT).expect("no memory holds so many values")
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.len
    }

    /// The first value. Writing through it needs exclusive access to what owns the memory.
    pub fn pointer(&self) -> *mut f32 {
        self.start.as_ptr()
    }

    /// All values.
    pub fn values(&self) -> &[f32] {
        // SAFETY: `len` initialised values, which nobody writes while `self` is shared.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// All values, to write.
    pub fn values_mut(&mut self) -> &mut [f32] {
        // SAFETY: `len` initialised values, and `self` is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeros` with the same layout.
        unsafe { dealloc(self.start.as_ptr().cast(), Self::layout(self.len)) }
    }
}

/// Memory that kernels use for what they need in between; it grows to the largest need.
#[derive(Default)]
pub struct Scratch {
    parts: [Option<Memory>; 2],
}

impl Scratch {
    /// Two areas of at least so many values, whose content is arbitrary.
    pub(super) fn areas(&mut self, sizes: [usize; 2]) -> [*mut f32; 2] {
        for (part, size) in self.parts.iter_mut().zip(sizes) {
            if part.as_ref().is_none_or(|memory| memory.len() < size) {
                *part = Some(Memory::zeros(size));
            }
        }
        self.parts.each_ref().map(|part| part.as_ref().map_or(std::ptr::null_mut(), Memory::pointer))
    }
}
