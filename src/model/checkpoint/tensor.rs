//! Tensors as they lie in the file.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::Rejection;

/// Type of a tensor's elements. All are little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dtype {
    /// IEEE 754 binary64.
    F64,
    /// IEEE 754 binary32.
    F32,
    /// IEEE 754 binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
    /// Signed, 64 bits.
    I64,
    /// Signed, 32 bits.
    I32,
    /// Signed, 16 bits.
    I16,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 8 bits.
    U8,
    /// One byte, 0 or 1.
    Bool,
}

impl Dtype {
    /// Bytes of one element.
    pub fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// PyTorch's name of the type, without `torch.`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::Bool => "bool",
        }
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a file says that a tensor lies in its storage, in elements.
pub(super) struct Layout {
    pub(super) dtype: Dtype,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
    pub(super) offset: usize,
}

/// A tensor's place in the file; every element lies inside its storage, and there are no more of
/// them than the storage has.
#[derive(Debug)]
pub(super) struct Placement {
    dtype: Dtype,
    shape: Vec<usize>,
    strides: Vec<usize>,
    /// Number of elements.
    count: usize,
    /// Offset of the first element in the file, in bytes.
    start: usize,
}

impl Placement {
    /// Places the tensor called `tensor` in a storage, given by its bytes in the file.
    pub(super) fn new(tensor: &str, layout: Layout, storage: Range<usize>) -> Result<Self, Rejection> {
        let Layout { dtype, shape, strides, offset } = layout;
        if shape.len() != strides.len() {
            let (shape, strides) = (shape.len(), strides.len());
            return Err(Rejection::TensorRank { tensor: tensor.to_owned(), shape, strides });
        }
        let capacity = storage.len() / dtype.size();
        match element_count(&shape, &strides, offset, capacity) {
            Some(count) => Ok(Self { dtype, shape, strides, count, start: storage.start + offset * dtype.size() }),
            None => Err(Rejection::TensorOutside { tensor: tensor.to_owned(), shape, strides, offset, capacity }),
        }
    }

    fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size;
            fits
        })
    }

    /// The elements in row-major order: in place where they lie that way.
    fn bytes<'a>(&self, file: &'a [u8]) -> Cow<'a, [u8]> {
        let size = self.dtype.size();
        if self.count == 0 || self.is_contiguous() {
            return Cow::Borrowed(&file[self.start..self.start + self.count * size]);
        }
        let element = |index| {
            let start = self.start + self.element_offset(index) * size;
            &file[start..start + size]
        };
        Cow::Owned((0..self.count).flat_map(element).copied().collect())
    }

    /// Distance of an element, numbered in row-major order, from the first, in elements.
    fn element_offset(&self, index: usize) -> usize {
        let unravel = |(rest, offset), (&size, &stride)| (rest / size, offset + rest % size * stride);
        self.shape.iter().zip(&self.strides).rev().fold((index, 0), unravel).1
    }
}

/// Number of elements; `None` if one of them lies outside `capacity` elements or if there are more.
fn element_count(shape: &[usize], strides: &[usize], offset: usize, capacity: usize) -> Option<usize> {
    if shape.contains(&0) {
        return (offset <= capacity).then_some(0);
    }
    let count = shape.iter().try_fold(1_usize, |count, &size| count.checked_mul(size))?;
    let reach = |last: usize, (&size, &stride): (&usize, &usize)| last.checked_add((size - 1).checked_mul(stride)?);
    let last = shape.iter().zip(strides).try_fold(offset, reach)?;
    (last < capacity && count <= capacity).then_some(count)
}

/// A tensor of a checkpoint: a view into its file.
#[derive(Debug, Clone, Copy)]
pub struct TensorView<'a> {
    name: &'a str,
    placement: &'a Placement,
    file: &'a [u8],
}

impl<'a> TensorView<'a> {
    pub(super) fn new(name: &'a str, placement: &'a Placement, file: &'a [u8]) -> Self {
        Self { name, placement, file }
    }

    /// Its name in the state dict.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Type of its elements.
    pub fn dtype(&self) -> Dtype {
        self.placement.dtype
    }

    /// Its shape; empty for a scalar.
    pub fn shape(&self) -> &'a [usize] {
        &self.placement.shape
    }

    /// Its elements as little-endian bytes in row-major order: in place where they lie that way
    /// in the file, else gathered.
    pub fn bytes(&self) -> Cow<'a, [u8]> {
        self.placement.bytes(self.file)
    }

    /// Its elements in row-major order, float64 rounded to nearest.
    pub(super) fn f32(&self) -> Result<Vec<f32>, Rejection> {
        let bytes = self.bytes();
        match self.dtype() {
            Dtype::F32 => Ok(decode(&bytes, f32::from_le_bytes)),
            Dtype::F64 => Ok(decode(&bytes, |element| f64::from_le_bytes(element) as f32)),
            Dtype::F16 => Ok(decode(&bytes, |element| f16_to_f32(u16::from_le_bytes(element)))),
            Dtype::Bf16 => Ok(decode(&bytes, |[low, high]| f32::from_le_bytes([0, 0, low, high]))),
            dtype => Err(Rejection::NotFloat { tensor: self.name.to_owned(), dtype }),
        }
    }
}

fn decode<const N: usize>(bytes: &[u8], element: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| element(chunk)).collect()
}

/// The exact value of an IEEE 754 binary16.
fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let fraction = u32::from(bits & 0x3ff);
    let magnitude = match exponent {
        0 => (fraction as f32 / (1 << 24) as f32).to_bits(),
        0x1f => 0xff << 23 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(shape: &[usize], strides: &[usize], offset: usize, storage: Range<usize>) -> Result<Placement, Rejection> {
        let layout = Layout { dtype: Dtype::U8, shape: shape.to_vec(), strides: strides.to_vec(), offset };
        Placement::new("t", layout, storage)
    }

    #[test]
    fn elements_are_given_in_row_major_order() {
        let file: Vec<u8> = (0..20).collect();
        for (shape, strides, offset, expected) in [
            (&[2, 3][..], &[3, 1][..], 0, &[4, 5, 6, 7, 8, 9][..]),
            (&[3, 2], &[1, 3], 0, &[4, 7, 5, 8, 6, 9]),
            (&[2, 2], &[4, 2], 1, &[5, 7, 9, 11]),
            (&[3, 1], &[1, 99], 2, &[6, 7, 8]),
            (&[2, 2], &[0, 1], 0, &[4, 5, 4, 5]),
            (&[], &[], 3, &[7]),
            (&[0, 5], &[5, 1], 16, &[]),
        ] {
            let tensor = place(shape, strides, offset, 4..20).unwrap();
            assert_eq!(*tensor.bytes(&file), *expected, "{shape:?} {strides:?} {offset}");
        }
    }

    #[test]
    fn elements_outside_the_storage_are_refused() {
        let huge = usize::MAX;
        for (shape, strides, offset) in [
            (&[17][..], &[1][..], 0),
            (&[16], &[1], 1),
            (&[], &[], 16),
            (&[2], &[16], 0),
            (&[100], &[0], 0),
            (&[huge, huge], &[1, 1], 0),
            (&[3], &[huge], 0),
            (&[2], &[huge], huge),
            (&[0], &[1], 17),
        ] {
            let refused = place(shape, strides, offset, 4..20);
            assert!(matches!(refused, Err(Rejection::TensorOutside { .. })), "{shape:?} {strides:?} {offset}");
        }
        assert!(matches!(place(&[1, 2], &[1], 0, 4..20), Err(Rejection::TensorRank { .. })));
    }

    #[test]
    fn half_precision_is_exact() {
        for (bits, value) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x0001, 2f32.powi(-24)),
            (0x03ff, 1023.0 * 2f32.powi(-24)),
            (0x0400, 2f32.powi(-14)),
            (0x3c00, 1.0),
            (0xc500, -5.0),
            (0x7bff, 65504.0),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(f16_to_f32(bits).to_bits(), value.to_bits(), "{bits:04x}");
        }
        assert!(f16_to_f32(0x7e00).is_nan());
    }
}
