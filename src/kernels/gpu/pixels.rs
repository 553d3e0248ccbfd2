//! Where the pixels of maps lie in a buffer.

use super::accelerator::{narrow, Accelerator, Argument, Format};

/// What numbers of channels, pitches and first numbers are multiples of: a block's lanes.
pub(super) const LANES: usize = 16;

/// Pixels one behind the other, channel by channel, in a buffer of a format's numbers.
#[derive(Debug)]
pub struct Pixels<'a, B> {
    /// The buffer.
    pub buffer: &'a B,
    /// Number of the buffer at which the first pixel begins.
    pub first: usize,
    /// Numbers from a pixel to the next.
    pub pitch: usize,
    /// Numbers of a pixel.
    pub channels: usize,
}

// Not derived: a buffer need not be copied for its address to be.
impl<B> Clone for Pixels<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Pixels<'_, B> {}

impl<'a, B> Pixels<'a, B> {
    /// Those behind the first `pixels`.
    pub fn behind(self, pixels: usize) -> Self {
        Self { first: self.first + pixels * self.pitch, ..self }
    }

    /// Checks that so many pixels lie in the buffer, and gives their address.
    ///
    /// # Panics
    /// If they do not, or are not laid out in whole vectors.
    pub(super) fn address<A: Accelerator<Buffer = B>>(
        &self,
        machine: &A,
        format: Format,
        pixels: usize,
    ) -> Argument<'a, B> {
        let Self { buffer, first, pitch, channels } = *self;
        assert!([first, pitch, channels].iter().all(|numbers| numbers.is_multiple_of(LANES)), "whole vectors");
        assert!(pixels > 0 && channels > 0 && channels <= pitch, "{channels} numbers, {pitch} apart");
        let end = first + (pixels - 1) * pitch + channels;
        let numbers = machine.words(buffer) * format.numbers_a_word();
        assert!(end <= numbers, "{pixels} pixels end at number {end} of {numbers}");
        Argument::Words(buffer, first / format.numbers_a_word())
    }

    /// Its pitch as kernels take it.
    pub(super) fn pitch(&self) -> Argument<'a, B> {
        Argument::U32(narrow(self.pitch))
    }

    /// Its channels as kernels take them.
    pub(super) fn channels(&self) -> Argument<'a, B> {
        Argument::U32(narrow(self.channels))
    }
}
