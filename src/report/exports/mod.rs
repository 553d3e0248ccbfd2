//! A run in the forms that others read: LaTeX, the Hugging Face Hub's model cards, and mmdet.
//!
//! Each is a pure function of the run. The YAML forms are for publishing, so they hold only rows
//! that are measured and comparable; the LaTeX table shows every row and says which are not.
mod eval_results;
mod latex;
mod metafile;
mod model_index;
mod yaml;

pub use eval_results::eval_results;
pub use latex::latex;
pub use metafile::metafile;
pub use model_index::model_index;
