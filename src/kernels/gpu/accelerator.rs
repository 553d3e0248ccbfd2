//! What runs kernels.

/// The numbers of a network's maps and weights, in the order of `elements.cuh`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// float16, added up in float32.
    F16,
    /// bfloat16, added up in float32.
    Bf16,
    /// float32, whose products are of numbers rounded to 10 bits of mantissa.
    Tf32,
    /// float32.
    F32,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::F16, Self::Bf16, Self::Tf32, Self::F32];

    /// Its name: `f16`, `bf16`, `tf32`, `f32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
            Self::Tf32 => "tf32",
            Self::F32 => "f32",
        }
    }

    /// Numbers of a word.
    pub fn numbers_a_word(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::Tf32 | Self::F32 => 1,
        }
    }
}

/// A file of kernels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `convolution.cu`, compiled for a format.
    Convolution(Format),
    /// `maps.cu`, compiled for a format.
    Maps(Format),
    /// `guidance.cu`, compiled for a format.
    Guidance(Format),
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

/// Blocks of threads that work together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocks {
    /// Blocks in each direction: at most 2^31 - 1 in the first, 65535 in the others.
    pub grid: [u32; 3],
    /// Threads of a block.
    pub threads: u32,
    /// Bytes that a block's threads share.
    pub shared_bytes: u32,
}

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

    /// A buffer of these words.
    ///
    /// # Errors
    /// If there is not memory enough, or the copy fails.
    fn upload(&self, words: &[u32]) -> Result<Self::Buffer, Self::Error> {
        let buffer = self.zeroed(words.len())?;
        self.write(&buffer, words)?;
        Ok(buffer)
    }

    /// Overwrites the first words of a buffer, after all that was launched before.
    ///
    /// # Errors
    /// If the copy fails.
    ///
    /// # Panics
    /// If the buffer is not so long.
    fn write(&self, buffer: &Self::Buffer, words: &[u32]) -> Result<(), Self::Error>;

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

    /// Runs a kernel whose threads work together in blocks.
    ///
    /// # Safety
    /// As [`Accelerator::launch`]; the blocks are as the kernel is written for.
    ///
    /// # Errors
    /// If the kernel cannot be launched.
    unsafe fn launch_blocks(
        &self,
        kernel: Kernel,
        blocks: Blocks,
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
