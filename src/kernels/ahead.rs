//! Memory that is asked for before it is needed.

/// Cache line, in values.
const LINE: usize = 16;

/// Values that will be needed next, asked for a share at a time between pieces of work.
pub(super) struct Ahead<'a> {
    values: &'a [f32],
    share: usize,
}

impl<'a> Ahead<'a> {
    /// Asks for all values in so many steps.
    pub fn new(values: &'a [f32], steps: usize) -> Self {
        Self { values, share: values.len().div_ceil(LINE).div_ceil(steps.max(1)) * LINE }
    }

    /// Asks for the next share.
    pub fn step(&mut self) {
        let (share, rest) = self.values.split_at(self.share.min(self.values.len()));
        share.iter().step_by(LINE).for_each(ask);
        self.values = rest;
    }
}

#[cfg(target_arch = "x86_64")]
fn ask(value: &f32) {
    use std::arch::x86_64::{_mm_prefetch, _MM_HINT_T1};
    // SAFETY: every x86-64 has the instruction, and it reads nothing that the program could see.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(value).cast()) }
}

#[cfg(not(target_arch = "x86_64"))]
fn ask(_: &f32) {}
