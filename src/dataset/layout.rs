//! How the records of a results file are laid out.
//!
//! Most records of a file differ in their numbers and strings only. What stands between these is
//! learned from one record; the next ones are read by comparing it, without looking at keys and
//! brackets again. A record that differs in anything else is read in full, and learned.

use super::json::{Kind, Parsed, Scanner, Text};
use super::number::{number_at, small_integer_at};
use super::records::DEPTH;
use super::results::{BBOX, KEYS, SEGMENTATION};
use super::spans::{decimal_at, Decimal, Known, Span};

/// Most leaves of a record that is learned.
const MAX_LEAVES: usize = 16;

/// Where the leaves of a record are in the text.
pub(super) type Leaves = [Spot; MAX_LEAVES];

/// Where a leaf is in the text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spot {
    pub span: Span,
    /// Digits before the point of a number that has no sign and no exponent and is short; 0 of anything else.
    pub whole: usize,
}

/// The values of a record in the text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub text: &'a [u8],
    pub layout: &'a Layout,
    pub leaves: &'a Leaves,
}

impl<'a> Values<'a> {
    /// The text of the value of one of [`KEYS`].
    #[inline]
    pub fn field(&self, key: usize) -> Option<&'a [u8]> {
        let Place { first, lead, last, trail } = self.layout.fields[key]?;
        Some(&self.text[self.leaves[first].span.start - lead..self.leaves[last].span.end + trail])
    }

    /// Whether there is one of [`KEYS`].
    #[inline]
    pub fn has(&self, key: usize) -> bool {
        self.layout.fields[key].is_some()
    }

    /// The value of one of [`KEYS`], if it is known to be a number.
    #[inline]
    pub fn number(&self, key: usize) -> Option<f64> {
        let first = self.layout.fields[key]?.first;
        (self.layout.steps[first].leaf == Leaf::Number).then(|| number_at(self.text, self.leaves[first]))
    }

    /// The value of one of [`KEYS`], if it is known to be an integer of few digits.
    #[inline]
    pub fn small_integer(&self, key: usize) -> Option<u32> {
        let first = self.layout.fields[key]?.first;
        small_integer_at(self.text, self.leaves[first])
    }

    /// The bounding box, if it is known to be a list of four numbers.
    #[inline]
    pub fn bbox(&self) -> Option<[f64; 4]> {
        let first = self.layout.bbox?;
        Some(std::array::from_fn(|index| number_at(self.text, self.leaves[first + index])))
    }

    /// Width and height of the bounding box, if it is known to be a list of four numbers.
    #[inline]
    pub fn box_size(&self) -> Option<[f64; 2]> {
        let first = self.layout.bbox?;
        Some([2, 3].map(|index| number_at(self.text, self.leaves[first + index])))
    }

    /// Whether the bounding box is known to be a list of four numbers.
    #[inline]
    pub fn has_plain_box(&self) -> bool {
        self.layout.bbox.is_some()
    }

    /// The mask's height and width and its string, if it is known to be an object of these and nothing
    /// else.
    #[inline]
    pub fn plain_mask(&self) -> Option<([u32; 2], Text<'a>)> {
        let [height, width, counts] = self.layout.mask?;
        let side = |leaf: usize| small_integer_at(self.text, self.leaves[leaf]);
        Some(([side(height)?, side(width)?], Text::in_quotes(self.leaves[counts].span.of(self.text))))
    }
}

/// What is known of a record before it is read.
#[derive(Debug, Default)]
pub(super) struct Layout {
    steps: Vec<Step>,
    /// What follows the last leaf; `None` where there is nothing to compare a record with.
    behind: Option<Known>,
    /// Where each of [`KEYS`] has its value.
    fields: [Option<Place>; KEYS.len()],
    /// The first of the bounding box's four leaves.
    bbox: Option<usize>,
    /// The leaves of the mask: height, width, string.
    mask: Option<[usize; 3]>,
}

/// A leaf and what stands before it.
#[derive(Debug)]
struct Step {
    before: Known,
    leaf: Leaf,
}

/// What is read without learning more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaf {
    Number,
    String,
    /// A value of any kind, perhaps with values in it.
    Any,
}

/// A value's place: it begins `lead` bytes before its first leaf and ends `trail` bytes after its last.
#[derive(Debug, Clone, Copy)]
struct Place {
    first: usize,
    lead: usize,
    last: usize,
    trail: usize,
}

/// A leaf of a record under study, at a place of the text.
#[derive(Debug, Clone, Copy)]
struct Found {
    leaf: Leaf,
    span: Span,
}

impl Layout {
    /// Finds the leaves of the record at `start`, and its end, if it is laid out as the one that was
    /// learned. Whatever is wrong with it is left to be found by [`Layout::learn`].
    #[inline]
    pub fn read(&self, text: &[u8], start: usize, leaves: &mut Leaves) -> Option<usize> {
        let behind = self.behind.as_ref()?;
        let mut at = start;
        for (step, spot) in self.steps.iter().zip(leaves) {
            let start = step.before.end_in(text, at)?;
            let Decimal { whole, end } = match step.leaf {
                Leaf::Number => decimal_at(text, start).or_else(|| other_number(text, start))?,
                Leaf::String => other(text, start, |scanner| scanner.plain_string().map(drop))?,
                Leaf::Any => other(text, start, |scanner| scanner.value().ok().map(drop))?,
            };
            at = start + end;
            *spot = Spot { span: Span { start, end: at }, whole };
        }
        behind.end_in(text, at)
    }

    /// Finds the leaves of the next record, whatever its layout, which is kept.
    pub fn learn(&mut self, scanner: &mut Scanner<'_>, leaves: &mut Leaves) -> Parsed<()> {
        let (start, text) = (scanner.position(), scanner.text());
        let mut study = Study::default();
        scanner.enter()?;
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            let name = key.bytes();
            study.value(KEYS.iter().position(|known| known.as_bytes() == name.as_ref()), scanner)?;
        }
        if study.is_regular() {
            self.keep(&study, start, scanner);
            // Read again for the places of its leaves: what has just been learned fits.
            if self.read(text, start, leaves).is_some() {
                return Ok(());
            }
        }
        self.keep_fields(&study, leaves);
        Ok(())
    }

    fn keep(&mut self, study: &Study, start: usize, scanner: &Scanner<'_>) {
        *self = Self { fields: study.places, bbox: study.bbox, mask: study.mask, ..Self::default() };
        let mut known = start;
        for found in &study.leaves {
            let before = Known::new(&scanner.text()[known..found.span.start]);
            self.steps.push(Step { before, leaf: found.leaf });
            known = found.span.end;
        }
        self.behind = Some(Known::new(scanner.since(known)));
    }

    /// Keeps where the values are, as one leaf each, and nothing that another record could be compared
    /// with.
    fn keep_fields(&mut self, study: &Study, leaves: &mut Leaves) {
        *self = Self::default();
        for (place, span) in self.fields.iter_mut().zip(study.fields) {
            let Some(span) = span else { continue };
            let leaf = self.steps.len();
            leaves[leaf] = Spot { span, whole: 0 };
            self.steps.push(Step { before: Known::new(b""), leaf: Leaf::Any });
            *place = Some(Place { first: leaf, lead: 0, last: leaf, trail: 0 });
        }
    }
}

/// A number that [`decimal_at`] does not read.
fn other_number(text: &[u8], start: usize) -> Option<Decimal> {
    other(text, start, |scanner| scanner.plain_number())
}

/// What `read` reads from `start` on.
#[inline]
fn other<'a>(text: &'a [u8], start: usize, read: impl FnOnce(&mut Scanner<'a>) -> Option<()>) -> Option<Decimal> {
    let mut scanner = Scanner::at(text, start, DEPTH + 1);
    read(&mut scanner)?;
    Some(Decimal { whole: 0, end: scanner.position() - start })
}

/// A record that is being learned.
#[derive(Debug, Default)]
struct Study {
    leaves: Vec<Found>,
    fields: [Option<Span>; KEYS.len()],
    places: [Option<Place>; KEYS.len()],
    bbox: Option<usize>,
    mask: Option<[usize; 3]>,
    /// Whether a key came twice: which of its values counts is left to the full reading.
    has_repeated_key: bool,
}

impl Study {
    /// Takes the next value, of one of [`KEYS`] or of another key.
    fn value(&mut self, field: Option<usize>, scanner: &mut Scanner<'_>) -> Parsed<()> {
        let kind = scanner.kind()?;
        let start = scanner.position();
        let text = scanner.value()?;
        let span = Span { start, end: scanner.position() };
        let first = self.leaves.len();
        match (field, kind) {
            (Some(BBOX), Kind::List) => self.bbox = self.numbers::<4>(start, text),
            (Some(SEGMENTATION), Kind::Object) => self.mask = self.plain_mask(start, text),
            (_, Kind::Number) => self.leaves.push(Found { leaf: Leaf::Number, span }),
            _ => {}
        }
        if self.leaves.len() == first {
            self.leaves.push(Found { leaf: Leaf::Any, span });
        }
        if let Some(field) = field {
            let last = self.leaves.len() - 1;
            let (lead, trail) = (self.leaves[first].span.start - start, span.end - self.leaves[last].span.end);
            self.has_repeated_key |= self.fields[field].is_some();
            self.fields[field] = Some(span);
            self.places[field] = Some(Place { first, lead, last, trail });
        }
        Ok(())
    }

    /// The place of the first of the `N` numbers that the list in `text` consists of; no leaf otherwise.
    fn numbers<const N: usize>(&mut self, base: usize, text: &[u8]) -> Option<usize> {
        let place = self.leaves.len();
        let mut scanner = Scanner::new(text, DEPTH + 1);
        let mut first = true;
        let read = scanner.enter().and_then(|()| {
            while scanner.next_element(&mut first)? {
                self.leaf(base, Kind::Number, &mut scanner)?;
            }
            Ok(())
        });
        let fits = read.is_ok()
            && self.leaves.len() == place + N
            && self.leaves[place..].iter().all(|l| l.leaf == Leaf::Number);
        if !fits {
            self.leaves.truncate(place);
        }
        fits.then_some(place)
    }

    /// The places of height, width and string of the mask in `text`, if it consists of these; no leaf
    /// otherwise.
    fn plain_mask(&mut self, base: usize, text: &[u8]) -> Option<[usize; 3]> {
        let place = self.leaves.len();
        let mut scanner = Scanner::new(text, DEPTH + 1);
        let (mut size, mut counts, mut keys, mut first) = (None, None, 0, true);
        let read = scanner.enter().and_then(|()| {
            while let Some(key) = scanner.next_key(&mut first)? {
                keys += 1;
                let kind = scanner.kind()?;
                match (key.bytes().as_ref(), kind) {
                    (b"size", Kind::List) => {
                        let start = base + scanner.position();
                        size = self.numbers::<2>(start, scanner.value()?);
                    }
                    (b"counts", Kind::String) => {
                        counts = Some(self.leaves.len());
                        self.leaf(base, Kind::String, &mut scanner)?;
                    }
                    _ => drop(scanner.value()?),
                }
            }
            Ok(())
        });
        match (read, size, counts, keys) {
            (Ok(()), Some(size), Some(counts), 2) => Some([size, size + 1, counts]),
            _ => {
                self.leaves.truncate(place);
                None
            }
        }
    }

    /// Takes the next value of `scanner`, whose text begins at `base`, as a leaf of a kind that is
    /// expected, or of any.
    fn leaf(&mut self, base: usize, expected: Kind, scanner: &mut Scanner<'_>) -> Parsed<()> {
        let leaf = match scanner.kind()? {
            kind if kind != expected => Leaf::Any,
            Kind::Number => Leaf::Number,
            Kind::String => Leaf::String,
            _ => Leaf::Any,
        };
        let start = base + scanner.position();
        scanner.value()?;
        self.leaves.push(Found { leaf, span: Span { start, end: base + scanner.position() } });
        Ok(())
    }

    fn is_regular(&self) -> bool {
        !self.has_repeated_key && self.leaves.len() <= MAX_LEAVES
    }
}
