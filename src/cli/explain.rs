//! `eval --explain`: why an evaluation is what it is.

use std::path::Path;

use super::args::EvalArgs;
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
        (Protocol::Fixed | Protocol::Pool, _) => "errors are told apart under --protocol lvis alone",
        (_, IouType::Boundary) => "errors are told apart with --iou segm or bbox",
        _ if args.images.is_some() => "errors are told apart over all images; leave out --images",
        _ if args.dt.as_os_str() == "-" => "the results are read several times; give a file as --dt",
        _ => return Ok(()),
    };
    Err(Failure::of_kind(Kind::Usage, format!("--explain: {reason}")))
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
