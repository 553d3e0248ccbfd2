//! LVIS evaluation of detections as they come, image by image, without a results file: `stream ANNOTATIONS RESULTS`.
//!
//! A results file stands in for the model here. Needs no feature, so it builds in seconds:
//! `cargo run --release --no-default-features --example stream -- ...`
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use zoobench::dataset::{read_results, Annotations, Record};
use zoobench::evaluation::{Evaluator, Options, Resampling};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [annotations, results] = arguments.as_slice() else { return Err("usage: stream ANNOTATIONS RESULTS".into()) };
    let annotations = Annotations::read(Path::new(annotations))?;
    let evaluator = Evaluator::new(&annotations, Options::default())?;
    let mut model: BTreeMap<i64, Vec<Record>> = BTreeMap::new();
    for record in read_results(Path::new(results))? {
        model.entry(record.image_id).or_default().push(record);
    }

    let mut matches = Vec::new();
    for image in annotations.images_by_id().into_keys() {
        let detections = model.remove(&image).unwrap_or_default();
        matches.push(evaluator.image(image, &detections)?); // What is kept takes a few bytes a detection.
    }
    let state = evaluator.state(matches, results)?;
    println!("AP {:?}", state.evaluation().results.ap);
    let interval = &state.intervals(Resampling::default()).metrics[0];
    println!("95 % interval {:?} to {:?}, {} instances", interval.low, interval.high, interval.instances);
    std::fs::write("detections.zbstate", state.to_bytes())?;
    Ok(())
}
