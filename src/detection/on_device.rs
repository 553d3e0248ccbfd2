//! The whole of post-processing where the output lies in a GPU's memory.
//!
//! Everything is launched before anything is waited for; the boxes and, for most images, the masks come back in one
//! copy. Only run lengths are left for the processor.

use rayon::prelude::*;

use super::candidates::logit_floor;
use super::geometry::{kept_columns, kept_rows, to_original};
use super::masks::BitWindow;
use super::nms::SPLIT_THRESHOLD;
use super::{DetectedBox, Detection, Settings};
use crate::kernels::gpu::{
    assemble_masks, best_candidates, collect_candidates, decode_boxes, describe, gather_coefficients,
    mask_probabilities, place_masks, suppress, Accelerator, Canvas, Grid, MaskPass, Ranked, Scored, Suppression,
    Survivors, HEAD, RECORD,
};
use crate::model::{DeviceLevel, DeviceOutput, Letterbox, MASK_CHANNELS};

/// Detections whose mask probabilities exist at the same time.
const BATCH: usize = 300;
/// Words of masks that come back with the boxes: a megabyte, more than the masks of most images.
const FIRST_WORDS: usize = 1 << 18;

/// As [`detect`](super::detect), of an output in a GPU's memory: the same detections to the bit.
///
/// # Errors
/// If the GPU fails, as for want of memory.
///
/// # Panics
/// As [`detect`](super::detect).
pub fn detect_on_device<A: Accelerator>(
    machine: &A,
    output: &DeviceOutput<A::Buffer>,
    letterbox: &Letterbox,
    settings: &Settings,
) -> Result<Vec<Detection>, A::Error> {
    Ok(copy_from_device(machine, output, letterbox, settings)?.detections(letterbox))
}

/// What a GPU found in an image, with the masks as bits.
#[derive(Debug)]
pub struct FoundOnDevice {
    records: Vec<Record>,
    /// Words of the masks of [`BATCH`] records each.
    masks: Vec<Vec<u32>>,
}

/// All of [`detect_on_device`] that needs the GPU.
///
/// # Errors
/// As [`detect_on_device`].
pub fn copy_from_device<A: Accelerator>(
    machine: &A,
    output: &DeviceOutput<A::Buffer>,
    letterbox: &Letterbox,
    settings: &Settings,
) -> Result<FoundOnDevice, A::Error> {
    let canvas = canvas(output, letterbox, settings.mask_threshold);
    let found = Found::launch(machine, output, settings, &canvas, FIRST_WORDS)?;
    let painter = Painter { machine, output, found: &found, canvas: &canvas };
    painter.paint(0, BATCH, (0, FIRST_WORDS), (&found.result, found.head_words()))?;
    let words = machine.read(&found.result, found.head_words() + FIRST_WORDS)?;
    let (head, first_masks) = words.split_at(found.head_words());
    let records = records(head);
    let there = |number| if number == 0 { first_masks } else { &[] };
    let batches = records.chunks(BATCH).enumerate();
    let masks = batches.map(|(number, some)| painter.masks(number * BATCH, some, there(number)));
    let masks = masks.collect::<Result<_, _>>()?;
    Ok(FoundOnDevice { records, masks })
}

impl FoundOnDevice {
    /// The detections, best first: run lengths of the masks, for the processor alone.
    ///
    /// # Panics
    /// If the image has more than [`MAX_PIXELS`](crate::mask::MAX_PIXELS) pixels.
    pub fn detections(&self, letterbox: &Letterbox) -> Vec<Detection> {
        let detection = |(index, record): (usize, &Record)| {
            let number = index / BATCH;
            record.detection(&self.masks[number], self.records[number * BATCH].mask_start(), letterbox)
        };
        self.records.par_iter().enumerate().map(detection).collect()
    }
}

/// As [`detect_boxes`](super::detect_boxes), of an output in a GPU's memory: the same boxes to the bit.
///
/// # Errors
/// As [`detect_on_device`].
///
/// # Panics
/// As [`detect_boxes`](super::detect_boxes).
pub fn detect_boxes_on_device<A: Accelerator>(
    machine: &A,
    output: &DeviceOutput<A::Buffer>,
    settings: &Settings,
) -> Result<Vec<DetectedBox>, A::Error> {
    // An image without pixels has no masks.
    let nothing = Letterbox { height: 0, width: 0, top: 0, bottom: 0, left: 0, right: 0 };
    let canvas = canvas(output, &nothing, settings.mask_threshold);
    let found = Found::launch(machine, output, settings, &canvas, 0)?;
    let head = machine.read(&found.result, found.head_words())?;
    Ok(records(&head).iter().map(Record::detected).collect())
}

fn canvas<B>(output: &DeviceOutput<B>, letterbox: &Letterbox, threshold: f32) -> Canvas {
    // Without prototypes there is nothing to keep: all masks are empty.
    let (height, width) = (output.prototype_height, output.prototype_width);
    Canvas {
        prototype_height: height,
        prototype_width: width,
        side: Letterbox::SIZE as usize,
        rows: if height == 0 { 0..0 } else { kept_rows(letterbox) },
        columns: if width == 0 { 0..0 } else { kept_columns(letterbox) },
        height: letterbox.height as usize,
        width: letterbox.width as usize,
        threshold,
    }
}

/// The survivors of an image, still in the GPU's memory.
struct Found<B> {
    grids: Vec<Grid>,
    survivors: Survivors<B>,
    /// Head, records, and room for the first words of masks.
    result: B,
}

impl<B> Found<B> {
    fn launch<A: Accelerator<Buffer = B>>(
        machine: &A,
        output: &DeviceOutput<B>,
        settings: &Settings,
        canvas: &Canvas,
        mask_words: usize,
    ) -> Result<Self, A::Error> {
        let grids = grids(&output.levels);
        let positions: usize = grids.iter().map(Grid::positions).sum();
        let boxes = machine.zeroed(4 * positions)?;
        for (level, grid) in output.levels.iter().zip(&grids) {
            decode_boxes(machine, grid, &level.distances, &boxes)?;
        }
        let ranked = rank(machine, output, &grids, &boxes, settings)?;
        let suppression =
            Suppression { iou: settings.iou_threshold, split: SPLIT_THRESHOLD, limit: settings.max_detections };
        // Without classes there are no candidates, whatever they are divided by.
        let classes = output.classes.max(1);
        let survivors = suppress(machine, &ranked, classes, &boxes, &suppression)?;
        let result = machine.zeroed(HEAD + RECORD * survivors.capacity + mask_words)?;
        describe(machine, (&ranked, &survivors), classes, &boxes, canvas, &result)?;
        place_masks(machine, &survivors, &result)?;
        Ok(Self { grids, survivors, result })
    }

    fn head_words(&self) -> usize {
        HEAD + RECORD * self.survivors.capacity
    }
}

fn grids<B>(levels: &[DeviceLevel<B>]) -> Vec<Grid> {
    let grids = levels.iter().scan(0, |next, level| {
        let grid = Grid { height: level.height, width: level.width, stride: level.stride, first: *next };
        *next += grid.positions();
        Some(grid)
    });
    grids.collect()
}

fn rank<A: Accelerator>(
    machine: &A,
    output: &DeviceOutput<A::Buffer>,
    grids: &[Grid],
    boxes: &A::Buffer,
    settings: &Settings,
) -> Result<Ranked<A::Buffer>, A::Error> {
    let pairs = output.classes * grids.iter().map(Grid::positions).sum::<usize>();
    let scored = Scored { count: machine.zeroed(1)?, candidates: machine.zeroed(2 * pairs)? };
    let thresholds = [logit_floor(settings.score_threshold), settings.score_threshold];
    for (level, grid) in output.levels.iter().zip(grids) {
        collect_candidates(machine, grid, output.classes, &level.logits, boxes, thresholds, &scored)?;
    }
    best_candidates(machine, &scored, settings.max_candidates)
}

/// Paints masks, some of the survivors' at a time.
struct Painter<'a, A: Accelerator> {
    machine: &'a A,
    output: &'a DeviceOutput<A::Buffer>,
    found: &'a Found<A::Buffer>,
    canvas: &'a Canvas,
}

impl<A: Accelerator> Painter<'_, A> {
    /// Launches `words` words from `first_word` on of the masks of `detections` survivors from `first` on.
    fn paint(
        &self,
        first: usize,
        detections: usize,
        words: (u64, usize),
        masks: (&A::Buffer, usize),
    ) -> Result<(), A::Error> {
        let (machine, found) = (self.machine, self.found);
        let detections = detections.min(found.survivors.capacity);
        let pass = MaskPass { result: &found.result, first, detections };
        let pixels = self.canvas.prototype_height * self.canvas.prototype_width;
        let gathered = machine.zeroed(MASK_CHANNELS * detections)?;
        for (level, grid) in self.output.levels.iter().zip(&found.grids) {
            gather_coefficients(machine, &pass, &found.survivors, grid, &level.coefficients, &gathered)?;
        }
        let probabilities = machine.zeroed(pixels * detections)?;
        let buffers = [&self.output.prototypes, &gathered, &probabilities];
        mask_probabilities(machine, &pass, &found.survivors, pixels, buffers)?;
        assemble_masks(machine, &pass, self.canvas, &probabilities, words, masks)
    }

    /// All words of the masks of `records`, the survivors from `first` on; those of `there` have come already.
    fn masks(&self, first: usize, records: &[Record], there: &[u32]) -> Result<Vec<u32>, A::Error> {
        let words: usize = records.iter().map(Record::mask_words).sum();
        let mut masks = there[..words.min(there.len())].to_vec();
        let missing = words - masks.len();
        if missing > 0 {
            let first_word = records[0].mask_start() + masks.len() as u64;
            let rest = self.machine.zeroed(missing)?;
            self.paint(first, records.len(), (first_word, missing), (&rest, 0))?;
            masks.extend(self.machine.read(&rest, missing)?);
        }
        Ok(masks)
    }
}

/// A survivor as `masks.cu` writes it.
#[derive(Debug)]
struct Record([u32; RECORD]);

fn records(head: &[u32]) -> Vec<Record> {
    let records = head[HEAD..].chunks_exact(RECORD).take(head[0] as usize);
    records.map(|words| Record(words.try_into().expect("a chunk of a record's size"))).collect()
}

impl Record {
    fn detected(&self) -> DetectedBox {
        let [label, score, position, x1, y1, x2, y2, ..] = self.0;
        let bbox = [x1, y1, x2, y2].map(f32::from_bits);
        DetectedBox { label: label as usize, score: f32::from_bits(score), bbox, position: position as usize }
    }

    fn mask_words(&self) -> usize {
        self.0[8] as usize * self.0[10] as usize
    }

    fn mask_start(&self) -> u64 {
        u64::from(self.0[12]) << 32 | u64::from(self.0[11])
    }

    /// `masks` are words from `start` on.
    fn detection(&self, masks: &[u32], start: u64, letterbox: &Letterbox) -> Detection {
        let DetectedBox { label, score, bbox, .. } = self.detected();
        let window = BitWindow {
            first_column: self.0[7] as usize,
            first_word: self.0[9] as usize,
            column_words: self.0[10] as usize,
            words: &masks[(self.mask_start() - start) as usize..][..self.mask_words()],
        };
        let mask = window.to_rle(letterbox.height, letterbox.width);
        Detection { label, score, bbox: to_original(bbox, letterbox), mask }
    }
}
