//! The names a checkpoint may mention, as inert data.

use super::super::Dtype;

/// A class or function that a checkpoint may name. Nothing is imported and nothing is called:
/// the name only decides which data may follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Global {
    /// The mapping a state dict is.
    OrderedDict,
    /// How every tensor is stored: a storage, an offset, a shape and strides.
    RebuildTensor,
    /// A tensor marked as trainable.
    RebuildParameter,
    /// The class of a storage.
    Storage(Dtype),
    /// The running statistics of a training run (`message_hub`).
    HistoryBuffer,
    /// Looks up a method of [`Global::HistoryBuffer`], and of nothing else.
    GetAttr,
    /// Parts of a NumPy array or number.
    NumPy,
}

impl Global {
    /// The allow-list: what occurs in checkpoints of a training run and in published ones, and
    /// nothing else. Any other name is refused wherever it stands, even if no tensor uses it.
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch", class) => Self::Storage(storage_dtype(class)?),
            ("mmengine.logging.history_buffer", "HistoryBuffer") => Self::HistoryBuffer,
            ("__builtin__" | "builtins", "getattr") => Self::GetAttr,
            ("numpy", "ndarray" | "dtype") => Self::NumPy,
            ("numpy.core.multiarray" | "numpy._core.multiarray", "_reconstruct" | "scalar") => Self::NumPy,
            ("_codecs", "encode") => Self::NumPy,
            _ => return None,
        })
    }

    /// Its name in messages.
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::OrderedDict => "OrderedDict",
            Self::RebuildTensor => "_rebuild_tensor_v2",
            Self::RebuildParameter => "_rebuild_parameter",
            Self::Storage(_) => "a storage class",
            Self::HistoryBuffer => "HistoryBuffer",
            Self::GetAttr => "getattr",
            Self::NumPy => "a NumPy constructor",
        }
    }
}

fn storage_dtype(class: &str) -> Option<Dtype> {
    Some(match class {
        "DoubleStorage" => Dtype::F64,
        "FloatStorage" => Dtype::F32,
        "HalfStorage" => Dtype::F16,
        "BFloat16Storage" => Dtype::Bf16,
        "LongStorage" => Dtype::I64,
        "IntStorage" => Dtype::I32,
        "ShortStorage" => Dtype::I16,
        "CharStorage" => Dtype::I8,
        "ByteStorage" => Dtype::U8,
        "BoolStorage" => Dtype::Bool,
        _ => return None,
    })
}
