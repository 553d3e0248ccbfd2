//! The JSON of an annotation file to [`Annotations`], in one pass.

use super::decode::{self, Key};
use super::hash::sha256;
use super::json::{Kind, Parsed, Scanner};
use super::json_rule::JsonRule;
use super::table_pieces::read_side_by_side;
use super::{Annotation, Annotations, Category, DatasetError, ImageRecord, RecordPlace};

/// Why a file was refused, before the file has its name.
enum Refusal {
    Json(JsonRule),
    NotAnObject,
    TableNotAList { table: &'static str },
    RecordNotAnObject { table: &'static str, index: usize },
    Id { table: &'static str, index: usize, id: IdRefusal },
}

/// Why a record has no id of its own or of something else.
enum IdRefusal {
    Missing(&'static str),
    NotAnInteger(&'static str),
}

impl From<JsonRule> for Refusal {
    fn from(rule: JsonRule) -> Self {
        Self::Json(rule)
    }
}

impl Refusal {
    /// The refusal of `file` at byte `offset`.
    fn of(self, file: &str, offset: usize) -> DatasetError {
        let file = file.to_owned();
        match self {
            Self::Json(rule) => DatasetError::json(&file, offset as u64, rule),
            Self::NotAnObject => DatasetError::NotAnObject { file },
            Self::TableNotAList { table } => DatasetError::TableNotAList { file, table },
            Self::RecordNotAnObject { table, index } => {
                DatasetError::RecordNotAnObject { place: RecordPlace { file, table, index } }
            }
            Self::Id { table, index, id } => {
                let place = RecordPlace { file, table, index };
                match id {
                    IdRefusal::Missing(key) => DatasetError::MissingKey { place, key },
                    IdRefusal::NotAnInteger(key) => DatasetError::IdNotAnInteger { place, key },
                }
            }
        }
    }
}

/// The three lists, as far as they have been met.
#[derive(Default)]
struct Tables {
    images: Option<Vec<ImageRecord>>,
    categories: Option<Vec<Category>>,
    annotations: Option<Vec<Annotation>>,
}

/// Parses the bytes of an annotation file; `source` names it in messages.
pub(super) fn parse(source: &str, bytes: &[u8]) -> Result<Annotations, DatasetError> {
    let read = || {
        let mut scanner = Scanner::new(bytes, 0);
        tables(&mut scanner).map_err(|refusal| refusal.of(source, scanner.position()))
    };
    // Only one thread can hash, while others parse.
    let (sha256, tables) = rayon::join(|| sha256(bytes), read);
    let tables = tables?;
    let missing = |table| DatasetError::MissingTable { file: source.to_owned(), table };
    Ok(Annotations {
        source: source.to_owned(),
        sha256,
        images: tables.images.ok_or_else(|| missing("images"))?,
        categories: tables.categories.ok_or_else(|| missing("categories"))?,
        annotations: tables.annotations.ok_or_else(|| missing("annotations"))?,
    })
}

fn tables(scanner: &mut Scanner<'_>) -> Result<Tables, Refusal> {
    scanner.refuse_byte_order_mark()?;
    if scanner.kind()? != Kind::Object {
        scanner.value()?;
        scanner.expect_end()?;
        return Err(Refusal::NotAnObject);
    }
    scanner.enter()?;
    let (mut tables, mut first) = (Tables::default(), true);
    while let Some(key) = scanner.next_key(&mut first)? {
        match key.bytes().as_ref() {
            b"images" => tables.images = Some(table(scanner, "images", image)?),
            b"categories" => tables.categories = Some(table(scanner, "categories", category)?),
            b"annotations" => tables.annotations = Some(table(scanner, "annotations", annotation)?),
            _ => drop(scanner.value()?),
        }
    }
    scanner.expect_end()?;
    Ok(tables)
}

/// The next value as a list of records.
fn table<'a, T: Send>(
    scanner: &mut Scanner<'a>,
    table: &'static str,
    record: impl Fn(&mut Scanner<'a>) -> Parsed<Result<T, IdRefusal>> + Sync,
) -> Result<Vec<T>, Refusal> {
    if scanner.kind()? != Kind::List {
        return Err(Refusal::TableNotAList { table });
    }
    scanner.enter()?;
    let (mut records, mut first) = (Vec::new(), true);
    if rayon::current_num_threads() > 1 {
        read_side_by_side(scanner, &mut first, &mut records, &record);
    }
    while scanner.next_element(&mut first)? {
        let index = records.len();
        if scanner.kind()? != Kind::Object {
            return Err(Refusal::RecordNotAnObject { table, index });
        }
        let record = record(scanner)?.map_err(|id| Refusal::Id { table, index, id })?;
        records.push(record);
    }
    Ok(records)
}

/// Hands every key of the next value, an object, and its value to `field`.
fn fields<'a>(scanner: &mut Scanner<'a>, mut field: impl FnMut(&[u8], &mut Scanner<'a>) -> Parsed<()>) -> Parsed<()> {
    scanner.enter()?;
    let mut first = true;
    while let Some(key) = scanner.next_key(&mut first)? {
        field(&key.bytes(), scanner)?;
    }
    Ok(())
}

fn id(key: &'static str, value: Option<Key>) -> Result<i64, IdRefusal> {
    match value {
        Some(Key::Integer(id)) => Ok(id),
        Some(Key::Other) => Err(IdRefusal::NotAnInteger(key)),
        None => Err(IdRefusal::Missing(key)),
    }
}

fn image(scanner: &mut Scanner<'_>) -> Parsed<Result<ImageRecord, IdRefusal>> {
    let mut image_id = None;
    let mut image = ImageRecord {
        id: 0,
        file_name: None,
        coco_url: None,
        height: None,
        width: None,
        neg_category_ids: None,
        not_exhaustive_category_ids: None,
    };
    fields(scanner, |key, scanner| {
        match key {
            b"id" => image_id = Some(decode::key(scanner)?),
            b"file_name" => image.file_name = decode::string(scanner)?,
            b"coco_url" => image.coco_url = decode::string(scanner)?,
            b"height" => image.height = decode::dimension(scanner)?,
            b"width" => image.width = decode::dimension(scanner)?,
            b"neg_category_ids" => image.neg_category_ids = category_ids(scanner)?,
            b"not_exhaustive_category_ids" => image.not_exhaustive_category_ids = category_ids(scanner)?,
            _ => drop(scanner.value()?),
        }
        Ok(())
    })?;
    Ok(id("id", image_id).map(|id| ImageRecord { id, ..image }))
}

/// The integers of the next value, a list; what is no integer equals no category and is left out.
fn category_ids(scanner: &mut Scanner<'_>) -> Parsed<Option<Vec<i64>>> {
    let integer = |key| match key {
        Key::Integer(id) => Some(id),
        Key::Other => None,
    };
    let keys = decode::list(scanner, decode::key)?;
    Ok(keys.map(|keys| keys.into_iter().filter_map(integer).collect()))
}

fn category(scanner: &mut Scanner<'_>) -> Parsed<Result<Category, IdRefusal>> {
    let mut category_id = None;
    let mut category = Category { id: 0, name: None, frequency: None, synonyms: Vec::new(), image_count: None };
    fields(scanner, |key, scanner| {
        match key {
            b"id" => category_id = Some(decode::key(scanner)?),
            b"name" => category.name = decode::string(scanner)?,
            b"frequency" => category.frequency = decode::string(scanner)?,
            b"synonyms" => category.synonyms = synonyms(scanner)?,
            b"image_count" => category.image_count = image_count(scanner)?,
            _ => drop(scanner.value()?),
        }
        Ok(())
    })?;
    Ok(id("id", category_id).map(|id| Category { id, ..category }))
}

fn synonyms(scanner: &mut Scanner<'_>) -> Parsed<Vec<String>> {
    let synonyms = decode::list(scanner, decode::string)?.unwrap_or_default();
    Ok(synonyms.into_iter().flatten().collect())
}

fn image_count(scanner: &mut Scanner<'_>) -> Parsed<Option<u64>> {
    match decode::key(scanner)? {
        Key::Integer(count) => Ok(u64::try_from(count).ok()),
        Key::Other => Ok(None),
    }
}

fn annotation(scanner: &mut Scanner<'_>) -> Parsed<Result<Annotation, IdRefusal>> {
    let mut ids = [None; 3];
    let mut annotation =
        Annotation { id: 0, image_id: 0, category_id: 0, area: None, bbox: None, segmentation: None, ignore: false };
    fields(scanner, |key, scanner| {
        match key {
            b"id" => ids[0] = Some(decode::key(scanner)?),
            b"image_id" => ids[1] = Some(decode::key(scanner)?),
            b"category_id" => ids[2] = Some(decode::key(scanner)?),
            b"area" => annotation.area = decode::number(scanner)?,
            b"bbox" => annotation.bbox = decode::bounding_box(scanner)?,
            b"segmentation" => annotation.segmentation = Some(decode::segmentation(scanner)?),
            b"ignore" => annotation.ignore = decode::truthy(scanner)?,
            _ => drop(scanner.value()?),
        }
        Ok(())
    })?;
    Ok(with_ids(annotation, ids))
}

fn with_ids(annotation: Annotation, ids: [Option<Key>; 3]) -> Result<Annotation, IdRefusal> {
    Ok(Annotation {
        id: id("id", ids[0])?,
        image_id: id("image_id", ids[1])?,
        category_id: id("category_id", ids[2])?,
        ..annotation
    })
}
