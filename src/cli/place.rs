//! Where the fault lies that an error tells of, as far as the error knows it.

use std::error::Error;
use std::path::Path;

use crate::dataset::{DatasetError, ImageListError, PromptError, RecordPlace};
use crate::evaluation::EvaluationError;
use crate::gate::GateError;
use crate::latency::LatencyError;
use crate::model::checkpoint::CheckpointError;
use crate::report::ReportError;
use crate::run::RunError;
use crate::zoo::ZooError;

/// File and record at fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The file as given.
    pub file: Option<String>,
    /// The record in it, for example `annotations[3]`, `record 17`, or `line 4`.
    pub record: Option<String>,
}

impl Place {
    /// The place that `error` names.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let places: [fn(&(dyn Error + 'static)) -> Option<Place>; 9] = [
            |error| error.downcast_ref().map(dataset),
            |error| error.downcast_ref().map(evaluation),
            |error| error.downcast_ref().map(gate),
            |error| error.downcast_ref().map(latency),
            |error| error.downcast_ref().map(report),
            |error| error.downcast_ref().map(run),
            |error| error.downcast_ref().map(zoo),
            |error| error.downcast_ref().map(image_list),
            |error| error.downcast_ref().map(|error: &CheckpointError| Place::file(&error.file)),
        ];
        places.iter().find_map(|place| place(error)).unwrap_or_default()
    }

    /// A file as a whole.
    pub fn path(path: &Path) -> Self {
        Self::file(&path.display().to_string())
    }

    fn file(file: &str) -> Self {
        Self { file: Some(file.to_owned()), record: None }
    }

    fn at(file: &str, record: impl Into<String>) -> Self {
        Self { file: Some(file.to_owned()), record: Some(record.into()) }
    }
}

fn dataset(error: &DatasetError) -> Place {
    use DatasetError as E;
    let record = |RecordPlace { file, table, index }: &RecordPlace| Place::at(file, format!("{table}[{index}]"));
    match error {
        E::Read { file, .. }
        | E::NotAnObject { file }
        | E::MissingTable { file, .. }
        | E::TableNotAList { file, .. }
        | E::ResultsNotAList { file }
        | E::EmptyResults { file } => Place::file(file),
        E::Json { file, offset, .. } => Place::at(file, format!("byte {offset}")),
        E::RecordNotAnObject { place }
        | E::MissingKey { place, .. }
        | E::IdNotAnInteger { place, .. }
        | E::ScoreNotANumber { place }
        | E::BadBox { place }
        | E::RecordTooLong { place } => record(place),
        _ => Place::default(),
    }
}

fn evaluation(error: &EvaluationError) -> Place {
    use EvaluationError as E;
    match error {
        E::Dataset(error) => dataset(error),
        E::MissingFrequency { source_name, category } | E::UnknownFrequency { source_name, category, .. } => {
            Place::at(source_name, format!("category {category}"))
        }
        E::MissingCategoryList { source_name, image, .. } | E::MissingImageSize { source_name, image } => {
            Place::at(source_name, format!("image {image}"))
        }
        E::MissingAnnotationKey { source_name, annotation, .. }
        | E::RepeatedIdElsewhere { source_name, annotation, .. }
        | E::AnnotationMask { source_name, annotation, .. } => {
            Place::at(source_name, format!("annotation {annotation}"))
        }
        E::UnknownImage { source_name, record, .. }
        | E::MissingBox { source_name, record, .. }
        | E::MissingMask { source_name, record, .. }
        | E::NotCompressed { source_name, record, .. }
        | E::DetectionMask { source_name, record, .. }
        | E::UnrankableScore { source_name, record, .. } => Place::at(source_name, format!("results[{record}]")),
        _ => Place::default(),
    }
}

fn gate(error: &GateError) -> Place {
    use GateError as E;
    match error {
        E::Unreadable { file, .. } | E::TooLarge { file, .. } | E::NotUtf8 { file, .. } => Place::path(file),
        E::Syntax { file, line, .. } | E::Shape { file, line, .. } => Place::at(file, format!("line {line}")),
        E::BadChecksum { file, key, .. } | E::OutOfRange { file, key, .. } => Place::at(file, key),
        E::BadVariant { file, variant } => Place::at(file, variant),
        E::ForeignSchema { file, .. } | E::ChecksNothing { file, .. } => Place::file(file),
        _ => Place::default(),
    }
}

fn latency(error: &LatencyError) -> Place {
    use LatencyError as E;
    match error {
        E::Run(error) => run(error),
        E::Report(error) => report(error),
        E::Letterbox { image, .. } => Place::file(image),
        E::Unreadable { path, .. }
        | E::NoResults { path, .. }
        | E::TooLarge { path, .. }
        | E::Damaged { path, .. }
        | E::ForeignSchema { path, .. }
        | E::OtherMachine { path, .. }
        | E::NothingInCommon { path, .. }
        | E::Unwritable { path, .. } => Place::path(path),
        _ => Place::default(),
    }
}

fn report(error: &ReportError) -> Place {
    use ReportError as E;
    match error {
        E::OutOfRange { file, key, .. } => Place::at(&file.display().to_string(), key),
        E::BadCurve { file, curve, .. } => Place::at(&file.display().to_string(), *curve),
        E::UnsafeVariant { file, variant } | E::DuplicateVariant { file, variant } => {
            Place::at(&file.display().to_string(), variant)
        }
        E::Missing { file }
        | E::Unreadable { file, .. }
        | E::TooLarge { file, .. }
        | E::Damaged { file, .. }
        | E::ForeignSchema { file, .. }
        | E::TooManyRows { file, .. }
        | E::ForeignMetrics { file, .. }
        | E::Unwritable { file, .. } => Place::path(file),
        _ => Place::default(),
    }
}

fn run(error: &RunError) -> Place {
    use RunError as E;
    match error {
        E::Dataset(error) => dataset(error),
        E::Evaluation(error) => evaluation(error),
        E::Zoo(error) => zoo(error),
        E::ImageList(error) => image_list(error),
        E::Prompt(PromptError::Read { path, .. } | PromptError::Json { path, .. }) => Place::path(path),
        E::Checkpoint(error) => Place::file(&error.file),
        E::Weights { file, .. } | E::WrongWeights { file, .. } => Place::file(file),
        E::Letterbox { image, .. } => Place::file(image),
        E::NoFolder { path, .. } | E::Output { path, .. } | E::ForeignFolder { path } => Place::path(path),
        E::UnknownImage { list, id, .. } => Place::at(&list.display().to_string(), format!("image {id}")),
        E::NoImages { annotations } => Place::file(annotations),
        E::Read { path, .. } => Place::file(path),
        _ => Place::default(),
    }
}

fn zoo(error: &ZooError) -> Place {
    use ZooError as E;
    match error {
        E::Unreadable { file, .. } | E::TooLarge { file, .. } | E::NotUtf8 { file, .. } => Place::path(file),
        E::NoVariants { file } => Place::file(file),
        E::Syntax { at, .. }
        | E::Shape { at, .. }
        | E::Empty { at, .. }
        | E::ControlCharacter { at, .. }
        | E::UnsafeName { at, .. }
        | E::EscapingPath { at, .. }
        | E::BadChecksum { at, .. }
        | E::BadUrl { at, .. }
        | E::OutOfRange { at, .. }
        | E::DuplicateVariant { at, .. } => Place::at(&at.file, format!("line {}", at.line)),
        _ => Place::default(),
    }
}

fn image_list(error: &ImageListError) -> Place {
    use ImageListError as E;
    match error {
        E::NoId { path, entry, .. } | E::Twice { path, entry, .. } => {
            Place::at(&path.display().to_string(), format!("entry {entry}"))
        }
        E::Read { path, .. } | E::Json { path, .. } | E::Empty { path } => Place::path(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_through_the_rooms() {
        let place = RecordPlace { file: "dt.json".to_owned(), table: "results", index: 17 };
        let error = RunError::Evaluation(EvaluationError::Dataset(DatasetError::BadBox { place }));
        assert_eq!(Place::of(&error), Place::at("dt.json", "results[17]"));
    }

    #[test]
    fn an_error_that_knows_no_file_names_none() {
        assert_eq!(Place::of(&std::fmt::Error), Place::default());
    }
}
