//! A set of more images, annotations and bytes than one thread takes at once.

use std::io::Write;

use zoobench::dataset::{write_results, Annotation, Annotations, Category, ImageRecord, Record, Segmentation};
use zoobench::evaluation::{Evaluation, Evaluator, Options};
use zoobench::mask::Rle;

/// Images, of which each has two instances and some detections.
const IMAGES: i64 = 2_500;
const DETECTIONS: i64 = 14;
const SIDE: u32 = 640;
const CATEGORIES: i64 = 7;

/// A number below `limit` that nothing but the place decides about.
fn drawn(place: i64, limit: i64) -> i64 {
    ((place as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33) as i64 % limit
}

fn id(image: i64) -> i64 {
    3 * image + 7
}

/// The left upper corner and the side of the square that an instance is.
fn square(image: i64, instance: i64) -> [u32; 3] {
    let side = |place, limit| drawn(image * 10 + 3 * instance + place, limit) as u32;
    [side(0, 500), side(1, 500), 8 + side(2, 120)]
}

fn outline([x, y, side]: [u32; 3]) -> Vec<f64> {
    let [left, top, right, bottom] = [x, y, x + side, y + side].map(f64::from);
    vec![left, top, right, top, right, bottom, left, bottom]
}

fn annotation(image: i64, instance: i64) -> Annotation {
    let [x, y, side] = square(image, instance).map(f64::from);
    Annotation {
        id: 2 * image + instance,
        image_id: id(image),
        category_id: drawn(2 * image + instance, CATEGORIES) + 1,
        area: Some(side * side),
        bbox: Some([x, y, side, side]),
        segmentation: Some(Segmentation::Polygons(vec![outline(square(image, instance))])),
        ignore: false,
    }
}

/// The instances of all images in an order that mixes them, some under ids that others have as well.
fn annotations() -> Annotations {
    let image = |image: i64| ImageRecord {
        id: id(image),
        file_name: None,
        coco_url: None,
        height: Some(SIDE),
        width: Some(SIDE),
        neg_category_ids: Some(vec![drawn(image, CATEGORIES) + 1]),
        not_exhaustive_category_ids: Some(vec![drawn(image + 1, CATEGORIES) + 1]),
    };
    let category = |id: i64| Category {
        id,
        name: None,
        frequency: Some(["r", "c", "f"][id as usize % 3].to_owned()),
        synonyms: Vec::new(),
        image_count: None,
    };
    // 1009 has no factor in common with the number of instances, so that each comes once.
    let mixed = (0..2 * IMAGES).map(|place| place * 1009 % (2 * IMAGES));
    let mut annotations: Vec<_> = mixed.map(|instance| annotation(instance / 2, instance % 2)).collect();
    for copied in (0..annotations.len() - 1).step_by(97) {
        annotations[copied].id = annotations[copied + 1].id;
    }
    Annotations {
        source: "large.json".to_owned(),
        sha256: String::new(),
        images: (0..IMAGES).map(image).collect(),
        categories: (1..=CATEGORIES).map(category).collect(),
        annotations,
    }
}

/// A detection that lies on an instance or beside it.
fn record(image: i64, detection: i64) -> Record {
    let place = image * DETECTIONS + detection;
    let [x, y, side] = square(image, detection % 2);
    let moved = [x + drawn(place, 9) as u32, y, side];
    let mask = Rle::from_polygons(SIDE, SIDE, &[outline(moved)]).expect("a square");
    Record {
        image_id: id(image),
        category_id: drawn(2 * image + detection % 3, CATEGORIES + 1) + 1,
        score: drawn(place + 1, 1000) as f64 / 1024.0,
        bbox: Some([moved[0], moved[1], side, side].map(f64::from)),
        segmentation: Some(Segmentation::Compressed { size: [SIDE; 2], counts: mask.to_string().into_bytes() }),
    }
}

fn records(image: i64) -> Vec<Record> {
    (0..DETECTIONS).map(|detection| record(image, detection)).collect()
}

fn options() -> Options {
    // Some detections are beyond the limit.
    Options { max_detections: DETECTIONS as usize - 2, ..Options::default() }
}

/// The evaluation of some images, given one by one.
fn one_by_one(annotations: &Annotations, images: impl Iterator<Item = i64> + Clone) -> Evaluation {
    let ids: Vec<i64> = images.clone().map(id).collect();
    let evaluator = Evaluator::new(annotations, options()).expect("sound").select(&ids).expect("listed");
    let matches = images.map(|image| evaluator.image(id(image), &records(image)).expect("sound"));
    evaluator.finish(matches.collect())
}

#[test]
fn a_file_of_many_stretches_gives_what_its_images_give_at_any_thread_count() {
    let annotations = annotations();
    let expected = one_by_one(&annotations, 0..IMAGES);
    assert!(expected.results.ap.is_some_and(|ap| (0.05..0.95).contains(&ap)), "{:?}", expected.results);
    // Every hundredth image ends the file with its last record.
    let late = |&(image, detection): &(i64, i64)| image % 100 == 0 && detection == DETECTIONS - 1;
    let all = (0..IMAGES).flat_map(|image| (0..DETECTIONS).map(move |detection| (image, detection)));
    let (last, first): (Vec<_>, Vec<_>) = all.partition(late);
    let all: Vec<Record> = first.into_iter().chain(last).map(|(image, detection)| record(image, detection)).collect();
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    write_results(&mut file, all.iter()).expect("written");
    file.flush().expect("written");
    assert!(file.as_file().metadata().expect("a file").len() > 4 << 20, "more than two threads read at once");
    for threads in [1, 2, 3, 7, 16] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let found = pool.install(|| {
            let evaluator = Evaluator::new(&annotations, options()).expect("sound");
            evaluator.finish(evaluator.file(file.path()).expect("sound"))
        });
        assert_eq!(found, expected, "{threads} threads");
    }
}

#[test]
fn a_part_of_a_large_set_is_evaluated_as_if_there_were_no_more() {
    let whole = annotations();
    for images in [0..40, 1000..1060, 2030..2070, 2460..2500] {
        let is_here = |image_id: i64| images.clone().any(|image| id(image) == image_id);
        let mut part = whole.clone();
        part.images.retain(|image| is_here(image.id));
        // An id that two instances have leads to the last of them, wherever that one is.
        let repeats = |of: &Annotation| whole.annotations.iter().filter(|other| other.id == of.id).count() > 1;
        part.annotations.retain(|annotation| is_here(annotation.image_id) && !repeats(annotation));
        let mut rest = whole.clone();
        rest.annotations.retain(|annotation| !is_here(annotation.image_id) || !repeats(annotation));
        let [alone, among_all] = [&part, &rest].map(|set| one_by_one(set, images.clone()));
        assert!(alone.results.ap.is_some());
        assert_eq!(alone.results, among_all.results, "{images:?}");
        assert_eq!(alone.per_category, among_all.per_category, "{images:?}");
    }
}
