//! The mask room: against pycocotools' recorded answers, and against plain bitmaps.

mod common;

use proptest::collection::vec;
use proptest::prelude::*;
use serde::Deserialize;
use zoobench::mask::{box_iou, iou, MaskError, Rle};

/// `tests/fixtures/mask/pycocotools.json`, see `make_pycocotools.py` beside it.
#[derive(Deserialize)]
struct Recorded {
    polygons: Vec<Polygons>,
    pairs: Vec<Pair<Runs>>,
    boxes: Vec<Pair<[f64; 4]>>,
}

#[derive(Debug, Deserialize)]
struct Polygons {
    height: u32,
    width: u32,
    parts: Vec<Vec<f64>>,
    counts: String,
    area: u32,
    bbox: [f64; 4],
}

#[derive(Debug, Deserialize)]
struct Pair<T> {
    dt: T,
    gt: T,
    iou: f64,
}

#[derive(Debug, Deserialize)]
struct Runs {
    size: [u32; 2],
    runs: Vec<u32>,
    counts: String,
    area: u32,
    bbox: [f64; 4],
}

/// The recorded answers; `ZOOBENCH_PYCOCOTOOLS_CASES` names a file with more of them.
fn recorded() -> Recorded {
    let path = std::env::var_os("ZOOBENCH_PYCOCOTOOLS_CASES").map(Into::into);
    let path = path.unwrap_or_else(|| common::fixture("mask/pycocotools.json"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn polygons_equal_pycocotools() {
    for case in recorded().polygons {
        let mask = Rle::from_polygons(case.height, case.width, &case.parts).unwrap();
        assert_eq!(mask.to_string(), case.counts, "{case:?}");
        assert_eq!((mask.area(), mask.bbox().map(f64::from)), (case.area, case.bbox), "{case:?}");
    }
}

#[test]
fn runs_strings_and_overlaps_equal_pycocotools() {
    for case in recorded().pairs {
        let [dt, gt] = [&case.dt, &case.gt].map(|side| {
            let [height, width] = side.size;
            let mask = Rle::from_counts(height, width, side.runs.clone()).unwrap();
            assert_eq!(mask.to_string(), side.counts, "{side:?}");
            assert_eq!(Rle::from_string(height, width, side.counts.as_bytes()).as_ref(), Ok(&mask), "{side:?}");
            assert_eq!((mask.area(), mask.bbox().map(f64::from)), (side.area, side.bbox), "{side:?}");
            mask
        });
        assert_eq!(iou(&dt, &gt).to_bits(), case.iou.to_bits(), "{case:?}");
    }
}

/// What is wrong with a string of a 4 x 4 mask.
fn refusal(text: &[u8]) -> MaskError {
    Rle::from_string(4, 4, text).expect_err("a defect")
}

#[test]
fn a_refusal_names_the_run_as_it_was_stored() {
    // From the fourth run on a difference to the run before the last one: 1 2 1 3 1, and 3 - 4.
    assert_eq!(refusal(b"12110L"), MaskError::NegativeRun { index: 5, length: -1 });
    assert_eq!(refusal(b"11O"), MaskError::NegativeRun { index: 2, length: -1 });
    assert_eq!(refusal(b"5O<"), MaskError::NegativeRun { index: 1, length: -1 });
    assert_eq!(refusal(b"\\O"), MaskError::NegativeRun { index: 0, length: -20 });
    assert_eq!(refusal(b"4P/"), MaskError::Character { offset: 2, byte: b'/' });
}

#[test]
fn runs_whose_differences_fit_are_refused_where_the_runs_do_not() {
    // 1 2 1, and 12 or 14 more than 2.
    assert!(matches!(refusal(b"121<"), MaskError::Coverage { covered: 18, .. }));
    assert!(matches!(refusal(b"121>"), MaskError::Coverage { covered: 20, .. }));
    let empty_runs = Rle::from_string(1, 1, b"1000").expect_err("four runs of one pixel");
    assert_eq!(empty_runs, MaskError::TooManyRuns { runs: 3, pixels: 1 });
}

#[test]
fn a_negative_count_of_thirteen_groups_is_read() {
    assert_eq!(refusal(b"ooooooooooooO"), MaskError::NegativeRun { index: 0, length: -1 });
}

/// The runs of a COCO string by the rules as they are worded, in wide integers; `None` if any is broken.
fn plainly_decoded(pixels: u32, text: &[u8]) -> Option<Vec<u32>> {
    let bits: Vec<i128> = text.iter().map(|&byte| i128::from(byte) - 48).collect();
    if !bits.iter().all(|bits| (0..64).contains(bits)) || bits.last().is_some_and(|&bits| bits >= 32) {
        return None;
    }
    let mut runs: Vec<i128> = Vec::new();
    for count in bits.split_inclusive(|&bits| bits < 32) {
        let payload = |(group, bits): (usize, &i128)| (bits % 32) << (5 * group);
        let unsigned: i128 = count.iter().enumerate().map(payload).sum();
        let is_negative = count[count.len() - 1] >= 16;
        let value = if is_negative { unsigned - (1 << (5 * count.len())) } else { unsigned };
        let base = if runs.len() > 2 { runs[runs.len() - 2] } else { 0 };
        runs.push(base + value);
    }
    let is_sound = runs.iter().all(|run| *run >= 0) && runs.iter().sum::<i128>() == i128::from(pixels);
    (is_sound && runs.len() <= pixels as usize + 1).then(|| runs.into_iter().map(|run| run as u32).collect())
}

#[test]
fn short_strings_are_read_or_refused_by_the_rules() {
    let alphabet = 48u8..112;
    let mut texts: Vec<Vec<u8>> = vec![vec![]];
    let mut longer = texts.clone();
    for _ in 0..3 {
        longer = longer.iter().flat_map(|text| alphabet.clone().map(|byte| [&text[..], &[byte]].concat())).collect();
        texts.extend_from_slice(&longer);
    }
    for (height, width) in [(0, 0), (1, 1), (2, 2), (5, 7), (40, 30)] {
        for text in &texts {
            let found = Rle::from_string(height, width, text).ok().map(|mask| mask.counts().to_vec());
            assert_eq!(found, plainly_decoded(height * width, text), "{height} x {width}, {text:?}");
        }
    }
}

#[test]
fn box_overlaps_equal_pycocotools() {
    for case in recorded().boxes {
        assert_eq!(box_iou(&case.dt, &case.gt).to_bits(), case.iou.to_bits(), "{case:?}");
    }
}

/// A bitmap, column-major, with its size.
#[derive(Debug, Clone)]
struct Bitmap {
    height: u32,
    width: u32,
    pixels: Vec<u8>,
}

impl Bitmap {
    fn rle(&self) -> Rle {
        Rle::from_column_major(self.height, self.width, &self.pixels).unwrap()
    }

    fn area(&self) -> u32 {
        self.pixels.iter().map(|&pixel| u32::from(pixel)).sum()
    }
}

fn size() -> impl Strategy<Value = (u32, u32)> {
    (1u32..24, 1u32..70)
}

/// `n` bitmaps of one size, sparse, dense or full.
fn bitmaps(n: usize) -> impl Strategy<Value = Vec<Bitmap>> {
    let pixel = prop_oneof![Just(0.02), Just(0.3), Just(0.95), Just(1.0), Just(0.0)];
    (size(), vec(pixel, n)).prop_flat_map(|((height, width), densities)| {
        let bitmap = move |density| {
            let pixels = vec(prop::bool::weighted(density).prop_map(u8::from), (height * width) as usize);
            pixels.prop_map(move |pixels| Bitmap { height, width, pixels })
        };
        densities.into_iter().map(bitmap).collect::<Vec<_>>()
    })
}

fn row_major(bitmap: &Bitmap) -> Vec<u8> {
    let position = |row: u32, column: u32| (column * bitmap.height + row) as usize;
    (0..bitmap.height)
        .flat_map(|row| (0..bitmap.width).map(move |column| (row, column)))
        .map(|(row, column)| bitmap.pixels[position(row, column)])
        .collect()
}

/// Smallest box around the pixels, with the column-crossing rule: a run that continues in the next
/// column gives the box the full height.
fn pixel_box(bitmap: &Bitmap) -> [u32; 4] {
    let set: Vec<u32> = (0..bitmap.height * bitmap.width).filter(|&at| bitmap.pixels[at as usize] != 0).collect();
    if set.is_empty() {
        return [0; 4];
    }
    let crosses = set.windows(2).any(|pair| pair[0] + 1 == pair[1] && pair[1] % bitmap.height == 0);
    let columns = set.iter().map(|at| at / bitmap.height);
    let rows: Vec<u32> = set.iter().map(|at| at % bitmap.height).collect();
    let (left, right) = (columns.clone().min().unwrap(), columns.max().unwrap());
    let (mut top, mut bottom) = (*rows.iter().min().unwrap(), *rows.iter().max().unwrap());
    if crosses {
        (top, bottom) = (0, bitmap.height - 1);
    }
    [left, top, right - left + 1, bottom - top + 1]
}

/// The COCO reference's polygon rasteriser, step by step as the specification words it: every point
/// of every edge on the five times finer grid.
fn naive_runs(height: u32, width: u32, part: &[f64]) -> Vec<u32> {
    let outline = naive_outline(part);
    let mut ends: Vec<u32> = Vec::new();
    for pair in outline.windows(2) {
        let ([u0, v0], [u1, v1]) = (pair[0], pair[1]);
        if u0 == u1 {
            continue;
        }
        let x = (f64::from(if u1 < u0 { u1 } else { u1 - 1 }) + 0.5) / 5.0 - 0.5;
        if x.floor() != x || x < 0.0 || x > f64::from(width) - 1.0 {
            continue;
        }
        let y = ((f64::from(v0.min(v1)) + 0.5) / 5.0 - 0.5).clamp(0.0, f64::from(height)).ceil();
        ends.push(x as u32 * height + y as u32);
    }
    ends.push(height * width);
    ends.sort_unstable();
    merged_differences(&ends)
}

/// The points of all edges in the polygon's direction.
fn naive_outline(part: &[f64]) -> Vec<[i32; 2]> {
    let vertices: Vec<[i32; 2]> =
        part.chunks_exact(2).map(|xy| [(5.0 * xy[0] + 0.5) as i32, (5.0 * xy[1] + 0.5) as i32]).collect();
    let mut outline = Vec::new();
    for (index, &from) in vertices.iter().enumerate() {
        let to = vertices[(index + 1) % vertices.len()];
        let (dx, dy) = ((to[0] - from[0]).abs(), (to[1] - from[1]).abs());
        let flip = if dx >= dy { from[0] > to[0] } else { from[1] > to[1] };
        let (start, end) = if flip { (to, from) } else { (from, to) };
        let steps = dx.max(dy);
        for step in 0..=steps {
            let t = if flip { steps - step } else { step };
            let other = |axis: usize| {
                let slope = f64::from(end[axis] - start[axis]) / f64::from(steps);
                (f64::from(start[axis]) + slope * f64::from(t) + 0.5) as i32
            };
            outline.push(if dx >= dy { [start[0] + t, other(1)] } else { [other(0), start[1] + t] });
        }
    }
    outline
}

/// On an edge millions of pixels long a step is smaller than what a coordinate is rounded by: the walk changes its
/// column many steps before, or after, the edge as such crosses the line. The rows that the reference's formula
/// gives, its first step beyond the line found by halving.
#[test]
fn steep_edges_cross_where_the_walk_is_rounded() {
    const HEIGHT: u32 = 32;
    const WIDTH: u32 = 1 << 23;
    let fine = |pixel: f64| (5.0 * pixel + 0.5) as i64;
    let mut far_off = 0;
    for column in [3_000_001u32, 5_500_000, 7_999_990] {
        // Fine columns from one end to the other, and how far from either the edge as such crosses the line.
        for (is_rising, tilt, [reach_up, reach_down]) in [
            (true, 1.0, [4.2e8, 4.2e8]),
            (false, 1.0, [4.2e8, 4.2e8]),
            (true, 2.0, [1.4e8, 4.2e8]),
            (false, 2.0, [4.2e8, 1.4e8]),
        ] {
            let left = i64::from(column) * 5 + 2;
            let (near, far) = (left as f64 / 5.0, (left as f64 + tilt) / 5.0);
            let (top, bottom) = if is_rising { (near, far) } else { (far, near) };
            let (above, below) = (16.0 - reach_up, 16.0 + reach_down);
            let right = f64::from(column) + 3.5;
            let part = vec![top, above, bottom, below, right, below, right, above];
            let steps = fine(below) - fine(above);
            let slope = (fine(bottom) - fine(top)) as f64 / steps as f64;
            let is_beyond = |step: i64| ((fine(top) as f64 + slope * step as f64 + 0.5) as i64 > left) == is_rising;
            let (mut before, mut after) = (0, steps);
            while after - before > 1 {
                let middle = (before + after) / 2;
                *(if is_beyond(middle) { &mut after } else { &mut before }) = middle;
            }
            let row = ((fine(above) + before) as f64 / 5.0 - 0.4).ceil() as u32;
            far_off += u32::from(row.abs_diff(16) > 2);
            let columns = 3 * HEIGHT;
            let (before, inside) = match is_rising {
                true => (vec![column * HEIGHT, row, HEIGHT - row], columns),
                false => (vec![column * HEIGHT + row], HEIGHT - row + columns),
            };
            let runs = [before, vec![inside]].concat();
            let rest = HEIGHT * WIDTH - runs.iter().sum::<u32>();
            let mask = Rle::from_polygons(HEIGHT, WIDTH, &[part]).unwrap();
            assert_eq!(mask.counts(), [runs, vec![rest]].concat(), "column {column}, rising {is_rising}, {tilt}");
        }
    }
    assert!(far_off > 0);
}

/// Differences of sorted run ends, a run of length zero joined with its two neighbours.
fn merged_differences(ends: &[u32]) -> Vec<u32> {
    let mut last = 0;
    let differences: Vec<u32> = ends.iter().map(|&end| end - std::mem::replace(&mut last, end)).collect();
    let mut runs = vec![differences[0]];
    let mut rest = differences[1..].iter();
    while let Some(&run) = rest.next() {
        match run {
            0 => *runs.last_mut().unwrap() += rest.next().copied().unwrap_or(0),
            _ => runs.push(run),
        }
    }
    runs
}

fn coordinate() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -4.0..28.0f64,
        2 => (-40i32..280).prop_map(|tenth| f64::from(tenth) / 10.0),
        2 => (0i32..24).prop_map(f64::from),
        1 => -3000.0..3000.0f64,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(512)))]

    #[test]
    fn bitmap_survives_every_form(bitmap in bitmaps(1)) {
        let bitmap = &bitmap[0];
        let mask = bitmap.rle();
        let again = Rle::from_string(bitmap.height, bitmap.width, mask.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&again, &mask);
        prop_assert_eq!(&again.to_column_major(), &bitmap.pixels);
        prop_assert_eq!(again.to_row_major(), row_major(bitmap));
        prop_assert_eq!(&Rle::from_row_major(bitmap.height, bitmap.width, &row_major(bitmap)).unwrap(), &mask);
    }

    #[test]
    fn area_and_box_are_the_bitmap_s(bitmap in bitmaps(1)) {
        prop_assert_eq!(bitmap[0].rle().area(), bitmap[0].area());
        prop_assert_eq!(bitmap[0].rle().bbox(), pixel_box(&bitmap[0]));
    }

    #[test]
    fn iou_is_the_bitmaps(pair in bitmaps(2)) {
        let both = pair[0].pixels.iter().zip(&pair[1].pixels);
        let intersection = both.clone().filter(|(a, b)| **a & **b != 0).count();
        let union = both.filter(|(a, b)| **a | **b != 0).count();
        let expected = if intersection == 0 { 0.0 } else { intersection as f64 / union as f64 };
        prop_assert_eq!(iou(&pair[0].rle(), &pair[1].rle()).to_bits(), expected.to_bits());
    }

    #[test]
    fn union_is_the_bitmaps(parts in bitmaps(4)) {
        let masks: Vec<Rle> = parts.iter().map(Bitmap::rle).collect();
        let united = Rle::union(parts[0].height, parts[0].width, &masks).unwrap();
        let pixels: Vec<u8> = (0..parts[0].pixels.len()).map(|at| parts.iter().map(|part| part.pixels[at]).max().unwrap()).collect();
        prop_assert_eq!(united, Bitmap { pixels, ..parts[0] }.rle());
    }

    #[test]
    fn polygon_is_the_naive_one((height, width) in size(), part in vec(coordinate(), 0..24)) {
        let mask = Rle::from_polygons(height, width, std::slice::from_ref(&part)).unwrap();
        let expected = naive_runs(height, width, &part[..part.len() / 2 * 2]);
        prop_assert_eq!(mask.counts(), expected);
    }

    #[test]
    fn polygon_parts_are_united(first in vec(coordinate(), 6..24), second in vec(coordinate(), 0..24)) {
        let parts = [first, second];
        let masks: Vec<Rle> = parts.iter().map(|part| Rle::from_polygons(20, 17, std::slice::from_ref(part)).unwrap()).collect();
        prop_assert_eq!(Rle::from_polygons(20, 17, &parts), Rle::union(20, 17, &masks));
    }

    #[test]
    fn any_string_is_a_mask_or_refused(text in vec(any::<u8>(), 0..40), (height, width) in size()) {
        if let Ok(mask) = Rle::from_string(height, width, &text) {
            prop_assert_eq!(mask.counts().iter().sum::<u32>(), height * width);
        }
    }

    #[test]
    fn any_count_string_covers_or_is_refused(text in vec(48u8..112, 0..12), height in 1u32..4) {
        match Rle::from_string(height, 2, &text) {
            Ok(mask) => {
                prop_assert_eq!(mask.counts().iter().sum::<u32>(), height * 2);
                prop_assert!(mask.bbox().iter().all(|&side| side <= 8 || mask.counts().contains(&0)));
            }
            Err(MaskError::Character { .. } | MaskError::TooLarge { .. }) => prop_assert!(false, "wrong refusal"),
            Err(_) => {}
        }
    }
}
