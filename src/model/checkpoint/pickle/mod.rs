//! Python pickles, read as data.
//!
//! Takes bytes; gives a [`Graph`] of plain values, tensors and storages. Nothing executes: the
//! reader is a stack machine over an allow-list of opcodes and an allow-list of names, and a
//! name decides only which data may follow it. It refuses every other opcode and every other
//! name, wherever it stands.
//!
//! Memory is bounded by the file: text stays where it is, shared values are indices, and the
//! number of objects, their nesting and the height of the stack are limited.
mod calls;
mod cursor;
mod global;
mod graph;
mod machine;
mod opcode;

pub(super) use graph::{Graph, Storage, Value};
pub(super) use machine::{read, Pickle};

/// Containers within containers. A Runner's checkpoint nests 5 deep.
const MAX_DEPTH: u8 = 64;
/// Values that one pickle pushes or remembers. A Runner's checkpoint has 150 a tensor, of which
/// the largest model has 913.
const MAX_OBJECTS: usize = 1_000_000;
/// Values on the stack at once. Python's pickler flushes lists and dicts every 1000 items.
const MAX_STACK: usize = 65_536;
/// Bytes of one text. A Runner's checkpoint holds its configuration and arrays of up to 10^6
/// numbers as text; text is never copied, so that the limit costs nothing.
const MAX_TEXT: u64 = 16 << 20;
/// Bytes of a module's or a class's name.
const MAX_NAME: usize = 256;
/// Dimensions of a tensor; a convolution's weight has four.
const MAX_RANK: usize = 8;
