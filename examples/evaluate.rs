//! LVIS evaluation of a results file without the command line: `evaluate ANNOTATIONS RESULTS [segm|bbox] [THREADS]`.
//!
//! Needs no feature, so it builds in seconds: `cargo run --release --no-default-features --example evaluate -- ...`
use std::error::Error;
use std::path::Path;

use zoobench::dataset::Annotations;
use zoobench::evaluation::{evaluate_file, EvaluationReport, IouType, Options};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [annotations, results, options @ ..] = arguments.as_slice() else {
        return Err("usage: evaluate ANNOTATIONS RESULTS [segm|bbox] [THREADS]".into());
    };
    let iou = if options.first().is_some_and(|iou| iou == "bbox") { IouType::Bbox } else { IouType::Segm };
    if let Some(threads) = options.get(1) {
        rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build_global()?;
    }
    let options = Options { iou, ..Options::default() };
    let annotations = Annotations::read(Path::new(annotations))?;
    let evaluation = evaluate_file(&annotations, Path::new(results), options)?;
    print!("{}", EvaluationReport::new(evaluation, &annotations, results, options).to_json());
    Ok(())
}
