//! Why a checkpoint is refused.

use super::Dtype;

/// A checkpoint that is not read, and why.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {rejection}; {}", rejection.remedy())]
pub struct CheckpointError {
    /// The file, as it was named by the caller.
    pub file: String,
    /// The rule that it breaks.
    pub rejection: Rejection,
}

/// The rules of a checkpoint, by what breaks them. Offsets count bytes from the start of the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// The file cannot be read.
    #[error("cannot be read: {source}")]
    Unreadable {
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A folder, a device or a pipe.
    #[error("is not a regular file")]
    NotAFile,
    /// No container starts like this.
    #[error("is no checkpoint: it starts with \"{start}\"")]
    UnknownContainer {
        /// The first bytes, escaped.
        start: String,
    },

    /// No zip archive, not the whole of one, or one that has more than one reading.
    #[error("is not a whole zip archive: at offset {offset}, {expected} is missing")]
    ZipMalformed {
        /// Where it should stand.
        offset: usize,
        /// What is missing.
        expected: &'static str,
    },
    /// More entries than any checkpoint has.
    #[error("its zip archive has {count} entries, more than {limit}")]
    ZipEntries {
        /// Entries there are.
        count: u64,
        /// Entries there may be.
        limit: u64,
    },
    /// Two entries have the same name.
    #[error("its zip archive has two entries {entry:?}")]
    ZipDuplicate {
        /// The name.
        entry: String,
    },
    /// An entry reaches into the directory or beyond the file.
    #[error("entry {entry:?} does not end before the directory of its zip archive")]
    ZipOutside {
        /// The entry.
        entry: String,
    },
    /// Two entries share bytes.
    #[error("entry {entry:?} overlaps with the one before it")]
    ZipOverlap {
        /// The later one.
        entry: String,
    },
    /// The name of an entry leaves the archive.
    #[error("entry {entry:?} has a name that is absolute, climbs with `..` or is not plain text")]
    ZipName {
        /// The entry.
        entry: String,
    },
    /// An entry is compressed or encrypted.
    #[error("entry {entry:?} is compressed or encrypted; PyTorch stores entries as they are")]
    ZipCompressed {
        /// The entry.
        entry: String,
    },
    /// The two sizes of a stored entry differ.
    #[error("entry {entry:?} declares {declared} bytes and stores {stored}")]
    ZipSize {
        /// The entry.
        entry: String,
        /// Its declared size.
        declared: u64,
        /// The size of what is stored.
        stored: u64,
    },
    /// The bytes of an entry are not those that were written.
    #[error("entry {entry:?} is damaged: its bytes do not have the checksum that the archive gives")]
    ZipDamaged {
        /// The entry.
        entry: String,
    },
    /// Not exactly one `<root>/data.pkl`.
    #[error("its zip archive has {count} entries `<root>/data.pkl` instead of one")]
    ZipPickles {
        /// How many.
        count: usize,
    },

    /// The pickle ends early.
    #[error("pickle ends early: {needed} bytes needed at offset {offset}, {left} left")]
    PickleTruncated {
        /// Where they are needed.
        offset: usize,
        /// Bytes needed.
        needed: usize,
        /// Bytes left.
        left: usize,
    },
    /// An opcode outside the allow-list.
    #[error("pickle opcode 0x{opcode:02x} at offset {offset} does not occur in checkpoints")]
    PickleOpcode {
        /// Where it stands.
        offset: usize,
        /// The opcode.
        opcode: u8,
    },
    /// A protocol that PyTorch does not write.
    #[error("pickle protocol {protocol} at offset {offset} is not between 2 and 5")]
    PickleProtocol {
        /// Where it is declared.
        offset: usize,
        /// The protocol.
        protocol: u8,
    },
    /// A name outside the allow-list.
    #[error("pickle names `{name}` at offset {offset}, which no checkpoint of this model needs")]
    PickleGlobal {
        /// Where it stands.
        offset: usize,
        /// Module and name.
        name: String,
    },
    /// An allowed name with arguments it does not take, or used as something it is not.
    #[error("pickle calls {callable} at offset {offset} in a way that checkpoints do not")]
    PickleCall {
        /// Where it is called.
        offset: usize,
        /// What is called.
        callable: &'static str,
    },
    /// The stack does not hold what the opcode needs.
    #[error("pickle is malformed at offset {offset}: it needs {expected}")]
    PickleMalformed {
        /// The opcode's offset.
        offset: usize,
        /// What it needs.
        expected: &'static str,
    },
    /// A remembered value that was never remembered.
    #[error("pickle recalls value {index} at offset {offset}, which it never stored")]
    PickleMemo {
        /// Where it is recalled.
        offset: usize,
        /// Its number.
        index: u32,
    },
    /// Text that is not UTF-8.
    #[error("text at offset {offset} of the pickle is not UTF-8")]
    PickleUtf8 {
        /// The opcode's offset.
        offset: usize,
    },
    /// A text longer than any that checkpoints hold.
    #[error("text at offset {offset} of the pickle has {length} bytes, more than {limit}")]
    PickleText {
        /// The opcode's offset.
        offset: usize,
        /// Its length in bytes.
        length: u64,
        /// The greatest length.
        limit: u64,
    },
    /// Containers nested too deep.
    #[error("pickle nests more than {limit} deep at offset {offset}")]
    PickleDepth {
        /// Where it does.
        offset: usize,
        /// The greatest depth.
        limit: u8,
    },
    /// Too many values.
    #[error("pickle makes more than {limit} objects at offset {offset}")]
    PickleObjects {
        /// Where it does.
        offset: usize,
        /// The greatest number.
        limit: usize,
    },
    /// Too many values at once.
    #[error("pickle stacks more than {limit} values at offset {offset}")]
    PickleStack {
        /// Where it does.
        offset: usize,
        /// The greatest height.
        limit: usize,
    },

    /// A pickle, but not one that PyTorch wrote.
    #[error("is a pickle, but none that torch.save wrote: {part} is missing")]
    NotTorch {
        /// The part of the legacy container.
        part: &'static str,
    },
    /// Written on, or for, a machine of the other byte order.
    #[error("declares big-endian numbers in {place}")]
    BigEndian {
        /// Where it does.
        place: &'static str,
    },
    /// Bytes after the end.
    #[error("has {count} bytes after the end of its {part} at offset {offset}")]
    TrailingBytes {
        /// What ended.
        part: &'static str,
        /// Where it ended.
        offset: usize,
        /// Bytes that follow.
        count: usize,
    },
    /// A storage is referred to and not there.
    #[error("storage {key:?} is referred to but not in the file")]
    StorageMissing {
        /// Its key.
        key: String,
    },
    /// A storage is there and not referred to, or twice there: where it ends is not known.
    #[error("storage {key:?} is in the file but not, or more than once, referred to")]
    StorageUnreferenced {
        /// Its key.
        key: String,
    },
    /// Two references to a storage disagree.
    #[error("storage {key:?} is referred to with two types or two lengths")]
    StorageConflict {
        /// Its key.
        key: String,
    },
    /// A storage holds less than it declares.
    #[error("storage {key:?} declares {numel} elements of {dtype}, more than the file holds for it ({held} bytes)")]
    StorageShort {
        /// Its key.
        key: String,
        /// Elements declared.
        numel: usize,
        /// Their type.
        dtype: Dtype,
        /// Bytes there are.
        held: usize,
    },
    /// The stream repeats another length than the pickle's.
    #[error("storage {key:?} has {found} elements in the stream and {declared} in the pickle")]
    StorageLength {
        /// Its key.
        key: String,
        /// Elements in the stream.
        found: i64,
        /// Elements in the pickle.
        declared: usize,
    },

    /// No state dict, under its name or as the whole file.
    #[error("holds no `state_dict` and is none itself: it is {found}")]
    NoStateDict {
        /// What it is instead.
        found: String,
    },
    /// A state dict without tensors.
    #[error("its {section} is empty")]
    EmptySection {
        /// The section.
        section: &'static str,
    },
    /// A section that is no mapping.
    #[error("its {section} is not a mapping")]
    NotAMapping {
        /// The section.
        section: &'static str,
    },
    /// A key of a state dict that is no text.
    #[error("entry {position} of its {section} has a key that is no text")]
    NotAName {
        /// The section.
        section: &'static str,
        /// Position of the entry, from 0.
        position: usize,
    },
    /// An entry of a state dict that is no tensor.
    #[error("{name:?} in its {section} is no tensor")]
    NotATensor {
        /// The section.
        section: &'static str,
        /// The entry.
        name: String,
    },
    /// Two entries with one name.
    #[error("{name:?} occurs twice")]
    DuplicateName {
        /// The name.
        name: String,
    },

    /// Shape and strides of different lengths.
    #[error("tensor {tensor:?} has {shape} dimensions and {strides} strides")]
    TensorRank {
        /// The tensor.
        tensor: String,
        /// Dimensions.
        shape: usize,
        /// Strides.
        strides: usize,
    },
    /// A tensor with elements outside its storage, or with more of them than it has.
    #[error(
        "tensor {tensor:?} (shape {shape:?}, strides {strides:?}, offset {offset}) does not fit into its storage of \
         {capacity} elements"
    )]
    TensorOutside {
        /// The tensor.
        tensor: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Its strides in elements.
        strides: Vec<usize>,
        /// Its first element.
        offset: usize,
        /// Elements of the storage.
        capacity: usize,
    },
    /// An element type that no weight has.
    #[error("tensor {tensor:?} has elements of type {dtype}, which no weight has")]
    TensorDtype {
        /// The tensor.
        tensor: String,
        /// The type, as the file spells it.
        dtype: String,
    },
    /// Asked for as numbers of float32, but not a float.
    #[error("tensor {tensor:?} holds {dtype}, not floating-point numbers")]
    NotFloat {
        /// The tensor.
        tensor: String,
        /// What it holds.
        dtype: Dtype,
    },
    /// The header or the offsets of a safetensors file are wrong.
    #[error("is not a whole safetensors file: {source}")]
    Safetensors {
        /// What is wrong with it.
        source: safetensors::SafeTensorError,
    },
}

impl Rejection {
    /// What the user can do about it.
    pub fn remedy(&self) -> &'static str {
        use Rejection::*;
        match self {
            Unreadable { .. } | NotAFile => "give the path of a checkpoint file that you may read",
            UnknownContainer { .. } | NotTorch { .. } => {
                "give a file written by torch.save or safetensors (a web page or a Git LFS pointer is saved where a \
                 download failed)"
            }
            ZipMalformed { .. } | ZipSize { .. } | ZipDamaged { .. } => DAMAGED,
            ZipOutside { .. } | ZipOverlap { .. } | ZipDuplicate { .. } => DAMAGED,
            PickleTruncated { .. } | PickleMalformed { .. } | PickleMemo { .. } | PickleUtf8 { .. } => DAMAGED,
            TrailingBytes { .. } | Safetensors { .. } => DAMAGED,
            StorageMissing { .. } | StorageUnreferenced { .. } | StorageConflict { .. } => DAMAGED,
            StorageShort { .. } | StorageLength { .. } | TensorRank { .. } | TensorOutside { .. } => DAMAGED,
            ZipCompressed { .. } => "save it again with torch.save instead of packing it with another program",
            ZipName { .. } | ZipPickles { .. } => "save it again with torch.save",
            PickleOpcode { .. } | PickleProtocol { .. } | PickleGlobal { .. } | PickleCall { .. } => {
                "nothing was executed; if you trust its origin, save its `state_dict` alone with torch.save"
            }
            ZipEntries { .. } | PickleText { .. } | PickleDepth { .. } | PickleObjects { .. } | PickleStack { .. } => {
                "the limit is far above any checkpoint of this model; save its `state_dict` alone with torch.save"
            }
            BigEndian { .. } => "save it again on a little-endian machine",
            NoStateDict { .. } | EmptySection { .. } | NotAMapping { .. } | NotAName { .. } | NotATensor { .. } => {
                "save a mapping from names to tensors, under the key `state_dict` or on its own"
            }
            DuplicateName { .. } => "save it again with each name once",
            TensorDtype { .. } | NotFloat { .. } => "save the weights as float32, float16, bfloat16 or float64",
        }
    }
}

const DAMAGED: &str = "the file is damaged or incomplete: fetch it again";
