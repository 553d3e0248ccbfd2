//! Numbers of a format as words.

use half::{bf16, f16};

use crate::kernels::gpu::Format;

/// Numbers rounded to a format, one behind the other, in whole words.
pub(super) fn pack(format: Format, numbers: &[f32]) -> Vec<u32> {
    let halves = |bits: fn(f32) -> u16| {
        let pair = |pair: &[f32]| u32::from(bits(pair[0])) | pair.get(1).map_or(0, |&high| u32::from(bits(high)) << 16);
        numbers.chunks(2).map(pair).collect()
    };
    match format {
        Format::F16 => halves(|number| f16::from_f32(number).to_bits()),
        Format::Bf16 => halves(|number| bf16::from_f32(number).to_bits()),
        Format::Tf32 | Format::F32 => of_floats(numbers),
    }
}

/// The numbers in words of a format.
pub(super) fn unpack(format: Format, words: &[u32]) -> Vec<f32> {
    let halves = |number: fn(u16) -> f32| {
        words.iter().flat_map(|&word| [number(word as u16), number((word >> 16) as u16)]).collect()
    };
    match format {
        Format::F16 => halves(|bits| f16::from_bits(bits).to_f32()),
        Format::Bf16 => halves(|bits| bf16::from_bits(bits).to_f32()),
        Format::Tf32 | Format::F32 => to_floats(words),
    }
}

/// float32 as words.
pub(super) fn of_floats(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

/// Words as float32.
pub(super) fn to_floats(words: &[u32]) -> Vec<f32> {
    words.iter().map(|&word| f32::from_bits(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_rounded_to_their_format() {
        let numbers = [1.0, -0.5, 1.0 + 1.0 / 4096.0, 1.0 + 3.0 / 2048.0, 65504.0, 0.0];
        assert_eq!(unpack(Format::F32, &pack(Format::F32, &numbers)), numbers);
        assert_eq!(unpack(Format::Tf32, &pack(Format::Tf32, &numbers)), numbers);
        // Ties to even.
        assert_eq!(unpack(Format::F16, &pack(Format::F16, &numbers))[..4], [1.0, -0.5, 1.0, 1.0 + 4.0 / 2048.0]);
        assert_eq!(unpack(Format::Bf16, &pack(Format::Bf16, &numbers))[..5], [1.0, -0.5, 1.0, 1.0, 65536.0]);
        assert_eq!(unpack(Format::F16, &pack(Format::F16, &[2.0; 3])), [2.0, 2.0, 2.0, 0.0]);
    }
}
