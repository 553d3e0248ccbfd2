//! How the records of a results file are laid out.
//!
//! Most records of a file differ in their numbers and strings only. What stands between these is
//! learned from one record; the next ones are read by comparing it, without looking at keys and
//! brackets again. A record that differs in anything else is read in full, and learned.

use super::bytes::Words;
use super::json::{Kind, Parsed, Scanner, Text};
use super::records::DEPTH;
use super::results::{BBOX, KEYS, SEGMENTATION};

/// Most leaves of a record that is learned.
const MAX_LEAVES: usize = 16;

/// The values of a record as text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Values<'a> {
    /// The value of each of [`KEYS`].
    pub fields: [Option<&'a [u8]>; KEYS.len()],
    /// The numbers of the bounding box, if it is a list of four.
    pub bbox: Option<[&'a [u8]; 4]>,
    /// The mask, if it is an object of a size and a string and nothing else.
    pub mask: Option<PlainMask<'a>>,
}

/// A mask as most files spell it.
#[derive(Debug, Clone, Copy)]
pub(super) struct PlainMask<'a> {
    /// Height and width: two numbers.
    pub size: [&'a [u8]; 2],
    pub counts: Text<'a>,
}

/// What is known of a record before it is read.
#[derive(Debug, Default)]
pub(super) struct Layout {
    leaves: Vec<Leaf>,
    /// What stands before each leaf, and what follows the last one; empty before anything has been
    /// learned.
    between: Words,
    /// Where each of [`KEYS`] has its value.
    fields: [Option<Place>; KEYS.len()],
    /// The first of the bounding box's four leaves.
    bbox: Option<usize>,
    /// The leaves of the mask: height, width, string.
    mask: Option<[usize; 3]>,
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
    start: usize,
    end: usize,
}

impl Layout {
    /// The values of the record at `start`, and its end, if it is laid out as the one that was learned.
    /// Whatever is wrong with it is left to be found by [`Layout::learn`].
    #[inline]
    pub fn read<'a>(&self, text: &'a [u8], start: usize) -> Option<(Values<'a>, usize)> {
        let mut scanner = Scanner::at(text, start, DEPTH + 1);
        let mut leaves = [(0, 0); MAX_LEAVES];
        let mut counts = None;
        for ((index, leaf), place) in self.leaves.iter().enumerate().zip(&mut leaves) {
            scanner.skip_words(&self.between, index)?;
            let begin = scanner.position();
            match leaf {
                Leaf::Number => scanner.plain_number()?,
                Leaf::String => counts = Some(scanner.plain_string()?),
                Leaf::Any => drop(scanner.value().ok()?),
            }
            *place = (begin, scanner.position());
        }
        scanner.skip_words(&self.between, self.leaves.len())?;
        Some((self.values(text, &leaves, counts), scanner.position()))
    }

    fn values<'a>(
        &self,
        text: &'a [u8],
        leaves: &[(usize, usize); MAX_LEAVES],
        counts: Option<Text<'a>>,
    ) -> Values<'a> {
        let leaf = |place: usize| &text[leaves[place].0..leaves[place].1];
        let field = |place: Place| &text[leaves[place.first].0 - place.lead..leaves[place.last].1 + place.trail];
        Values {
            fields: self.fields.map(|place| place.map(field)),
            bbox: self.bbox.map(|first| std::array::from_fn(|index| leaf(first + index))),
            mask: self
                .mask
                .zip(counts)
                .map(|([height, width, _], counts)| PlainMask { size: [leaf(height), leaf(width)], counts }),
        }
    }

    /// The values of the next record, whatever its layout, which is kept.
    pub fn learn<'a>(&mut self, scanner: &mut Scanner<'a>) -> Parsed<Values<'a>> {
        *self = Self::default();
        let (start, text) = (scanner.position(), scanner.clone());
        let mut study = Study::default();
        scanner.enter()?;
        let mut first = true;
        while let Some(key) = scanner.next_key(&mut first)? {
            let name = key.bytes();
            study.value(KEYS.iter().position(|known| known.as_bytes() == name.as_ref()), scanner)?;
        }
        let values = Values { fields: study.fields, ..Values::default() };
        if study.is_regular() {
            self.keep(&study, start, scanner);
            // Read again for the places of its leaves: what has just been learned fits.
            return Ok(self.read(text.text(), start).map_or(values, |(values, _)| values));
        }
        Ok(values)
    }

    fn keep(&mut self, study: &Study<'_>, start: usize, scanner: &Scanner<'_>) {
        let mut known = start;
        for found in &study.leaves {
            self.between.push(&scanner.text()[known..found.start]);
            self.leaves.push(found.leaf);
            known = found.end;
        }
        self.between.push(scanner.since(known));
        (self.fields, self.bbox, self.mask) = (study.places, study.bbox, study.mask);
    }
}

/// A record that is being learned.
#[derive(Debug, Default)]
struct Study<'a> {
    leaves: Vec<Found>,
    fields: [Option<&'a [u8]>; KEYS.len()],
    places: [Option<Place>; KEYS.len()],
    bbox: Option<usize>,
    mask: Option<[usize; 3]>,
    /// Whether a key came twice: which of its values counts is left to the full reading.
    has_repeated_key: bool,
}

impl<'a> Study<'a> {
    /// Takes the next value, of one of [`KEYS`] or of another key.
    fn value(&mut self, field: Option<usize>, scanner: &mut Scanner<'a>) -> Parsed<()> {
        let kind = scanner.kind()?;
        let start = scanner.position();
        let text = scanner.value()?;
        let end = scanner.position();
        let first = self.leaves.len();
        match (field, kind) {
            (Some(BBOX), Kind::List) => self.bbox = self.numbers::<4>(start, text),
            (Some(SEGMENTATION), Kind::Object) => self.mask = self.plain_mask(start, text),
            (_, Kind::Number) => self.leaves.push(Found { leaf: Leaf::Number, start, end }),
            _ => {}
        }
        if self.leaves.len() == first {
            self.leaves.push(Found { leaf: Leaf::Any, start, end });
        }
        if let Some(field) = field {
            let last = self.leaves.len() - 1;
            let (lead, trail) = (self.leaves[first].start - start, end - self.leaves[last].end);
            self.has_repeated_key |= self.fields[field].is_some();
            self.fields[field] = Some(text);
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
        self.leaves.push(Found { leaf, start, end: base + scanner.position() });
        Ok(())
    }

    fn is_regular(&self) -> bool {
        !self.has_repeated_key && self.leaves.len() <= MAX_LEAVES
    }
}
