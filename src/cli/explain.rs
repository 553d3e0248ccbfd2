//! `eval --explain`: why an evaluation is what it is.

use std::path::Path;

use super::eval::EvalArgs;
use super::failure::{Failure, Kind};
use crate::evaluation::{Evaluator, IouType, Options, Protocol, State};
use crate::report::write_explanation;

/// Refuses what cannot be explained, before anything is read.
///
/// # Errors
/// Another protocol or comparison than lvis-api's own, a part of the images, and a pipe: the results
/// are read more than once.
pub fn check(args: &EvalArgs, options: &Options) -> Result<(), Failure> {
    let reason = match (options.protocol, options.iou) {
        (Protocol::Fixed | Protocol::Pool, _) => {
            "errors are told apart among the detections that count in their own image; leave out --protocol"
        }
        (_, IouType::Boundary) => "errors are told apart by the IoU of masks or boxes; give --iou segm or bbox",
        _ if args.images.is_some() => "errors are told apart over all images; leave out --images",
        _ if is_a_stream(&args.dt) => {
            "the results are read more than once, and a pipe flows but once; give a file as --dt"
        }
        _ => return Ok(()),
    };
    Err(Failure::of_kind(Kind::Usage, format!("--explain: {reason}")))
}

/// Whether what is read is gone: standard input, or a pipe or device by its name.
fn is_a_stream(path: &Path) -> bool {
    path.as_os_str() == "-" || path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Examines the evaluated detections once more and writes what is found into `folder`.
///
/// # Errors
/// Those of the evaluation, and a folder that cannot be written.
pub fn explain(evaluator: &Evaluator<'_>, state: &State, results: &Path, folder: &Path) -> Result<(), Failure> {
    let explanation = evaluator.explain(results, &state.evaluation())?;
    write_explanation(&explanation, folder)?;
    eprintln!("explanation: {}", folder.join("explain.md").display());
    Ok(())
}
