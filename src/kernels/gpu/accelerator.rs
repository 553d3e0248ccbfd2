//! What runs kernels.

/// A file of kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `candidates.cu`
    Candidates,
    /// `suppression.cu`
    Suppression,
    /// `masks.cu`
    Masks,
}

/// A kernel by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernel {
    /// Where it is.
    pub source: Source,
    /// What it is called there.
    pub name: &'static str,
}

/// What a kernel is given.
#[derive(Debug)]
pub enum Argument<'a, B> {
    /// The address of a buffer's word.
    Words(&'a B, usize),
    /// A number.
    U32(u32),
    /// A great number.
    U64(u64),
    /// A real number.
    F32(f32),
}

// Not derived: a buffer need not be copied for its address to be.
impl<B> Clone for Argument<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Argument<'_, B> {}

/// A machine with memory of its own that runs kernels one after the other, in the order they are launched.
///
/// Memory is counted in words of 32 bits.
pub trait Accelerator {
    /// Memory of the machine, alive until it is dropped and what was launched has run.
    type Buffer;
    /// Why something was not done.
    type Error;

    /// How long a buffer is.
    fn words(&self, buffer: &Self::Buffer) -> usize;

    /// A buffer of zeros.
    ///
    /// # Errors
    /// If there is not memory enough.
    fn zeroed(&self, words: usize) -> Result<Self::Buffer, Self::Error>;

    /// The first words of a buffer, once all that was launched has run.
    ///
    /// # Errors
    /// If a kernel or the copy failed.
    fn read(&self, buffer: &Self::Buffer, words: usize) -> Result<Vec<u32>, Self::Error>;

    /// Runs a kernel with at least one thread and at most about `threads`: each takes what of the work the others
    /// leave.
    ///
    /// # Safety
    /// The arguments are those of the kernel's signature, and with them it stays within its buffers.
    ///
    /// # Errors
    /// If the kernel cannot be launched.
    unsafe fn launch(
        &self,
        kernel: Kernel,
        threads: usize,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), Self::Error>;
}

/// A size as kernels take it.
///
/// # Panics
/// From 2^32 on.
pub(super) fn narrow(size: usize) -> u32 {
    u32::try_from(size).expect("what the kernels count has fewer than 2^32 members")
}
