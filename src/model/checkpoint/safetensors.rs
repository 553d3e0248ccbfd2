//! The safetensors container: a JSON header, then the tensors.

use ::safetensors::tensor::TensorInfo;
use ::safetensors::SafeTensors;

use super::contents::{checked, Contents, STATE};
use super::tensor::{Layout, Placement};
use super::{Dtype, Rejection};

/// Bytes of the header's length.
const LENGTH: usize = 8;

/// Reads a checkpoint that is a safetensors file; its tensors come in the order of their bytes.
pub(super) fn read(bytes: &[u8]) -> Result<Contents, Rejection> {
    let (header, metadata) = SafeTensors::read_metadata(bytes).map_err(|source| Rejection::Safetensors { source })?;
    let placed = |name: String| {
        let info = metadata.info(&name).expect("the name comes from the same header");
        place(&name, info, LENGTH + header).map(|placement| (name, placement))
    };
    let tensors = metadata.offset_keys().into_iter().map(placed).collect::<Result<Vec<_>, _>>()?;
    Ok(Contents { state: checked(STATE, tensors)?, ema: None })
}

/// Places a tensor, given where the first tensor starts in the file.
fn place(name: &str, info: &TensorInfo, base: usize) -> Result<Placement, Rejection> {
    let unsupported = || Rejection::TensorDtype { tensor: name.to_owned(), dtype: format!("{:?}", info.dtype) };
    let dtype = dtype(info.dtype).ok_or_else(unsupported)?;
    let layout = Layout { dtype, shape: info.shape.clone(), strides: row_major(&info.shape), offset: 0 };
    let (start, end) = info.data_offsets;
    Placement::new(name, layout, base + start..base + end)
}

/// Strides of a row-major tensor. The header's shapes are known to fit into the file.
fn row_major(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1_usize; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(shape[axis]);
    }
    strides
}

fn dtype(dtype: ::safetensors::Dtype) -> Option<Dtype> {
    use ::safetensors::Dtype as Stored;
    Some(match dtype {
        Stored::F64 => Dtype::F64,
        Stored::F32 => Dtype::F32,
        Stored::F16 => Dtype::F16,
        Stored::BF16 => Dtype::Bf16,
        Stored::I64 => Dtype::I64,
        Stored::I32 => Dtype::I32,
        Stored::I16 => Dtype::I16,
        Stored::I8 => Dtype::I8,
        Stored::U8 => Dtype::U8,
        Stored::BOOL => Dtype::Bool,
        _ => return None,
    })
}
