//! Small random data sets, dense in what is easily got wrong: ties, id 0, repeated ids, flags, areas
//! on and beyond every boundary, categories and images that are not listed, scores that are no number.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use zoobench::dataset::{Annotation, Annotations, Category, ImageRecord, Record, Segmentation};
use zoobench::mask::Rle;

use super::reference::Pixels;

/// Side of the images in pixels.
const SIDE: u32 = 5;

/// Ids of the listed images and categories, neither dense nor in order.
const IMAGES: [i64; 3] = [30, 7, 12];
const CATEGORIES: [i64; 4] = [9, 2, 5, 40];

/// A data set with its masks' pixels.
#[derive(Debug, Clone)]
pub struct Set {
    pub annotations: Annotations,
    pub annotation_pixels: Vec<Pixels>,
    pub records: Vec<Record>,
    pub record_pixels: Vec<Pixels>,
}

impl Set {
    /// Without the annotations of images that are not listed, which have no boundary.
    pub fn of_listed_images(mut self) -> Self {
        let pairs = self.annotations.annotations.into_iter().zip(self.annotation_pixels);
        let listed = pairs.filter(|(annotation, _)| IMAGES.contains(&annotation.image_id));
        (self.annotations.annotations, self.annotation_pixels) = listed.unzip();
        self
    }
}

pub fn sets() -> impl Strategy<Value = Set> {
    let images: Vec<_> = IMAGES.iter().map(|&id| image(id)).collect();
    let categories: Vec<_> = CATEGORIES.iter().map(|&id| category(id)).collect();
    let parts = (images, categories, vec(annotation(), 0..12), vec(record(), 1..24));
    parts.prop_map(|(images, categories, annotations, records)| {
        let (annotations, annotation_pixels) = annotations.into_iter().unzip();
        let (records, record_pixels) = records.into_iter().unzip();
        let (source, sha256) = ("generated".to_owned(), String::new());
        let annotations = Annotations { source, sha256, images, categories, annotations };
        Set { annotations, annotation_pixels, records, record_pixels }
    })
}

fn image(id: i64) -> impl Strategy<Value = ImageRecord> {
    let some = || vec(select(&[9, 2, 5, 40, 77][..]), 0..3);
    (some(), some()).prop_map(move |(negative, partial)| ImageRecord {
        id,
        file_name: None,
        coco_url: None,
        height: Some(SIDE),
        width: Some(SIDE),
        neg_category_ids: Some(negative),
        not_exhaustive_category_ids: Some(partial),
    })
}

fn category(id: i64) -> impl Strategy<Value = Category> {
    select(&["r", "c", "f"][..]).prop_map(move |frequency| Category {
        id,
        name: None,
        frequency: Some(frequency.to_owned()),
        synonyms: Vec::new(),
        image_count: None,
    })
}

fn annotation() -> impl Strategy<Value = (Annotation, Pixels)> {
    const AREAS: [f64; 10] = [0.0, -3.0, f64::NAN, f64::INFINITY, 20.0, 1024.0, 3000.0, 9216.0, 20000.0, 2e10];
    let place = (select(&[12, 12, 12, 7, 30, 99][..]), select(&[9, 9, 9, 9, 2, 77][..]));
    // Ids from a small range: some are 0, some repeat. A repeated id may not lead to image 99, which
    // lvis-api refuses where masks are compared.
    let flags = (-2..30i64, select(&AREAS[..]), proptest::bool::weighted(0.2));
    (place, flags, bbox(), pixels()).prop_map(|((image_id, category_id), (id, area, ignore), bbox, pixels)| {
        let id = if image_id == 99 { 1000 } else { id };
        let segmentation = Some(compressed(&pixels));
        let annotation =
            Annotation { id, image_id, category_id, area: Some(area), bbox: Some(bbox), segmentation, ignore };
        (annotation, pixels)
    })
}

fn record() -> impl Strategy<Value = (Record, Pixels)> {
    const SCORES: [f64; 11] = [0.9, 0.5, 0.5, 0.5, 0.1, 0.0, -0.0, -0.3, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let place = (select(&[12, 12, 12, 7, 30][..]), select(&[9, 9, 9, 9, 2, 77][..]));
    (place, select(&SCORES[..]), bbox(), pixels()).prop_map(|((image_id, category_id), score, bbox, pixels)| {
        let segmentation = Some(compressed(&pixels));
        (Record { image_id, category_id, score, bbox: Some(bbox), segmentation }, pixels)
    })
}

/// Boxes that often overlap at a threshold or coincide, with odd ones among them.
fn bbox() -> impl Strategy<Value = [f64; 4]> {
    let start = || select(&[0.0, 0.0, 10.0, 20.0, f64::NAN][..]);
    let length = || select(&[32.0, 96.0, 40.0, 20.0, 0.0, -32.0, 1e6, f64::NAN][..]);
    prop_oneof![
        6 => (select(&[0.0, 10.0][..]), select(&[0.0, 5.0][..]), select(&[30.0, 32.0, 40.0][..]), select(&[32.0, 60.0][..]))
            .prop_map(|(x, y, w, h)| [x, y, w, h]),
        1 => (start(), start(), length(), length()).prop_map(|(x, y, w, h)| [x, y, w, h]),
    ]
}

/// Mostly large masks, which overlap; sometimes an empty one.
fn pixels() -> impl Strategy<Value = Pixels> {
    let rectangle = (0..2u32, 0..2u32, 3..=SIDE, 3..=SIDE).prop_map(|(top, left, bottom, right)| {
        (left..right).flat_map(|column| (top..bottom).map(move |row| (row, column))).collect()
    });
    prop_oneof![
        8 => rectangle,
        2 => vec((0..SIDE, 0..SIDE), 0..6).prop_map(|pixels| pixels.into_iter().collect()),
    ]
}

fn compressed(pixels: &Pixels) -> Segmentation {
    let mut counts = vec![0];
    let mut value = false;
    for column in 0..SIDE {
        for row in 0..SIDE {
            if pixels.contains(&(row, column)) != value {
                value = !value;
                counts.push(0);
            }
            *counts.last_mut().unwrap() += 1;
        }
    }
    let mask = Rle::from_counts(SIDE, SIDE, counts).unwrap();
    Segmentation::Compressed { size: [SIDE, SIDE], counts: mask.to_string().into_bytes() }
}
