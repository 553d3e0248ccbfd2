//! How long an evaluation takes: a results file of 100 images with 300 detections each, from the
//! file to the numbers, and its last step alone.

use std::hint::black_box;
use std::io::Write;

use criterion::{criterion_group, criterion_main, Criterion};
use tempfile::NamedTempFile;
use zoobench::dataset::{Annotation, Annotations, Category, ImageRecord, Segmentation};
use zoobench::evaluation::{evaluate_file, Evaluator, IouType, Options, Resampling};

const IMAGES: i64 = 100;
const CATEGORIES: i64 = 1203;
const INSTANCES: i64 = 12;
const DETECTIONS: i64 = 300;
const SIDE: u32 = 640;

/// Numbers that look random and are the same in every run.
struct Sequence(u64);

impl Sequence {
    /// The next number below `limit`.
    fn below(&mut self, limit: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % limit.unsigned_abs()) as i64
    }
}

/// A box and the ellipse in it as a polygon of 24 points.
fn instance(sequence: &mut Sequence) -> ([f64; 4], Segmentation) {
    let [x, y] = [sequence.below(540) as f64, sequence.below(540) as f64];
    let [width, height] = [8.0 + sequence.below(90) as f64, 8.0 + sequence.below(90) as f64];
    let point = |index: u32| {
        let (sin, cos) = (f64::from(index) * std::f64::consts::TAU / 24.0).sin_cos();
        [x + width / 2.0 * (1.0 + cos), y + height / 2.0 * (1.0 + sin)]
    };
    ([x, y, width, height], Segmentation::Polygons(vec![(0..24).flat_map(point).collect()]))
}

fn annotations(sequence: &mut Sequence) -> Annotations {
    let image = |id| ImageRecord {
        id,
        file_name: None,
        coco_url: None,
        height: Some(SIDE),
        width: Some(SIDE),
        neg_category_ids: Some((0..9).map(|place| (id * 31 + place * 97) % CATEGORIES + 1).collect()),
        not_exhaustive_category_ids: Some(vec![]),
    };
    let category = |id: i64| Category {
        id,
        name: None,
        frequency: Some(["r", "c", "f"][id as usize % 3].to_owned()),
        synonyms: vec![],
        image_count: None,
    };
    let annotation = |id: i64| {
        let (bbox, segmentation) = instance(sequence);
        Annotation {
            id,
            image_id: id % IMAGES + 1,
            category_id: (id % IMAGES * 7 + id / IMAGES % 3) % CATEGORIES + 1,
            area: Some(bbox[2] * bbox[3] * 0.75),
            bbox: Some(bbox),
            segmentation: Some(segmentation),
            ignore: false,
        }
    };
    Annotations {
        source: "generated".to_owned(),
        sha256: String::new(),
        images: (1..=IMAGES).map(image).collect(),
        categories: (1..=CATEGORIES).map(category).collect(),
        annotations: (1..=IMAGES * INSTANCES).map(annotation).collect(),
    }
}

/// Every third detection lies on an instance, perhaps with the wrong category.
fn results(annotations: &Annotations, sequence: &mut Sequence) -> NamedTempFile {
    let mut file = NamedTempFile::new().expect("a temporary file can be made");
    let mut text = String::from("[");
    for image in 1..=IMAGES {
        for detection in 0..DETECTIONS {
            let on = &annotations.annotations[(image - 1 + IMAGES * sequence.below(INSTANCES - 1)) as usize];
            let on_instance = detection % 3 == 0 && on.image_id == image;
            let (bbox, segmentation) = match (on_instance, &on.segmentation) {
                (true, Some(segmentation)) => (on.bbox.unwrap_or_default(), segmentation.clone()),
                _ => instance(sequence),
            };
            let category = if on_instance { on.category_id } else { sequence.below(CATEGORIES) + 1 };
            let mask = segmentation.to_rle(SIDE, SIDE).expect("the polygon can be drawn");
            let counts = mask.to_string().replace('\\', "\\\\");
            let score = 1.0 / (1.0 + detection as f64 + sequence.below(7) as f64 / 8.0);
            let comma = if text.len() > 1 { ", " } else { "" };
            text += &format!(
                r#"{comma}{{"image_id": {image}, "bbox": {bbox:?}, "score": {score}, "category_id": {category}, "segmentation": {{"size": [{SIDE}, {SIDE}], "counts": "{counts}"}}}}"#
            );
        }
    }
    text.push(']');
    file.write_all(text.as_bytes()).expect("and written");
    file
}

fn evaluation(criterion: &mut Criterion) {
    let mut sequence = Sequence(1);
    let annotations = annotations(&mut sequence);
    let results = results(&annotations, &mut sequence);
    for iou in [IouType::Segm, IouType::Bbox] {
        let options = Options { iou, ..Options::default() };
        criterion.bench_function(&format!("file to numbers, {iou:?}"), |bencher| {
            bencher.iter(|| evaluate_file(black_box(&annotations), results.path(), options));
        });
    }
    let evaluator = Evaluator::new(&annotations, Options::default()).expect("the annotations are sound");
    let matches = evaluator.file(results.path()).expect("the results are sound");
    criterion.bench_function("matches to numbers", |bencher| {
        bencher.iter(|| evaluator.finish(black_box(matches.clone())));
    });
    let state = evaluator.state(matches, "generated").expect("each image once");
    criterion.bench_function("state to numbers: one accumulation", |bencher| {
        bencher.iter(|| black_box(&state).evaluation());
    });
    criterion.bench_function("state to intervals: 100 resamples", |bencher| {
        bencher.iter(|| black_box(&state).intervals(Resampling { resamples: 100, seed: 0 }));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = evaluation
}
criterion_main!(benches);
