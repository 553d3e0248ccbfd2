//! Zeroed memory at cache-line boundaries.

use std::alloc::{alloc, dealloc, handle_alloc_error, Layout};
use std::ptr::NonNull;

/// Bytes of a cache line, and of a block of channels.
const ALIGNMENT: usize = 64;
/// Bytes of a large page: what takes several is asked for in such, since weights are read once an image,
/// from far more small pages than a processor remembers the places of.
const LARGE_PAGE: usize = 2 << 20;

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
        let bytes = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        if layout.align() == LARGE_PAGE {
            in_large_pages(bytes, layout.size());
        }
        // SAFETY: so many bytes were just allocated.
        unsafe { bytes.write_bytes(0, layout.size()) };
        Self { start: bytes.cast(), len }
    }

    fn layout(len: usize) -> Layout {
        let bytes = product(&[len.max(1), size_of::<f32>()]);
        let alignment = if bytes >= LARGE_PAGE { LARGE_PAGE } else { ALIGNMENT };
        Layout::from_size_align(bytes, alignment).expect("no memory holds so many values")
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

/// Asks for large pages where that is a wish to be told; otherwise, or if it is not granted, memory is the same
/// but slower.
#[cfg(all(target_os = "linux", not(miri)))]
fn in_large_pages(start: NonNull<u8>, bytes: usize) {
    // SAFETY: the advice changes no content, and the whole pages it is about belong to one allocation.
    unsafe { libc::madvise(start.as_ptr().cast(), bytes / LARGE_PAGE * LARGE_PAGE, libc::MADV_HUGEPAGE) };
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn in_large_pages(_: NonNull<u8>, _: usize) {}

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
