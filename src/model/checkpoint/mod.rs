//! Checkpoints: the weights of a network, out of a file that nobody vouches for.
//!
//! Takes PyTorch's zip archives, its legacy stream and safetensors files, told apart by content.
//! Gives the tensors of the `state_dict` (or of a file that is itself one) as views into the
//! file, and the file's SHA-256. Executes nothing: pickles are read as data, with an allow-list
//! of opcodes and names. Refuses, before it allocates anything that the file only declares,
//! whatever breaks a rule of [`Rejection`]: damaged, compressed, overlapping or oversized parts,
//! names outside the allow-list, tensors that reach outside their storage.
//!
//! Memory is the file and, while it is read, the tensor that was asked for last. Zip entries are
//! compared with their checksums, so that a flipped bit in a weight is noticed; a legacy stream
//! has none, but for the hash in a published name, which [`Checkpoint::sha256`] allows to check.
//!
//! The allow-list holds the names that tensors need and those that a training run's statistics
//! (`message_hub`) mention: `HistoryBuffer`, `getattr` on it, and parts of NumPy arrays. The
//! latter become inert values of which nothing is kept. Any other name, such as `os.system`, is
//! refused wherever it stands, although no tensor might use it.
//!
//! ```no_run
//! use zoobench::model::checkpoint::Checkpoint;
//!
//! let checkpoint = Checkpoint::read("yolo_world_seg_m.pth".as_ref())?;
//! for name in checkpoint.names() {
//!     let tensor = checkpoint.get(name).expect("listed");
//!     println!("{name}: {} {:?}", tensor.dtype(), tensor.shape());
//! }
//! # Ok::<(), zoobench::model::checkpoint::CheckpointError>(())
//! ```
mod archive;
mod container;
mod contents;
mod crc32;
mod directory;
mod error;
mod file;
mod legacy;
mod pickle;
mod safetensors;
mod tensor;

pub use container::Container;
pub use error::{CheckpointError, Rejection};
pub use file::{Checkpoint, Section};
pub use tensor::{Dtype, TensorView};
