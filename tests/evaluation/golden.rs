//! lvis-api's answers, and the comparison with them.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use zoobench::dataset::{Annotations, DatasetError};
use zoobench::evaluation::{
    evaluate_file, AreaRule, Arrays, Evaluation, EvaluationError, EvaluationReport, Evaluator, IouType, Options,
    Results,
};

/// Annotations, results and lvis-api's answer.
pub struct Case {
    directory: PathBuf,
    results: NamedTempFile,
    options: Options,
    expected: Value,
}

impl Case {
    pub fn new(directory: &Path, iou: IouType) -> Self {
        Self::existing(directory, iou).expect("the case has an answer")
    }

    /// The case, if its answer is there.
    pub fn existing(directory: &Path, iou: IouType) -> Option<Self> {
        let name = match iou {
            IouType::Segm => "expected_segm.json",
            IouType::Bbox => "expected_bbox.json",
            IouType::Boundary => "expected_boundary.json",
        };
        let expected = std::fs::read(directory.join(name)).ok()?;
        let expected = serde_json::from_slice(&expected).expect("the answer is JSON");
        Some(Self::with_answer(directory, Options { iou, ..Options::default() }, expected))
    }

    /// The case with an answer to other options.
    pub fn with_answer(directory: &Path, options: Options, expected: Value) -> Self {
        let results = results_file(&inflate(&directory.join("dt.json.gz")));
        Self { directory: directory.to_owned(), results, options, expected }
    }

    /// The case with other results.
    pub fn with_results(self, results: Vec<u8>) -> Self {
        Self { results: results_file(&results), ..self }
    }

    /// What differs from lvis-api's answer, if anything.
    pub fn difference(&self) -> Option<String> {
        let difference = match (self.run(AreaRule::Auto), self.expected.get("error")) {
            (Err(_), Some(_)) => None,
            (Err(error), None) => Some(format!("refused: {error}")),
            (Ok(_), Some(error)) => Some(format!("accepted, but lvis-api: {error}")),
            (Ok((evaluation, arrays)), None) => self.differing_number(&evaluation, &arrays),
        };
        difference.map(|difference| format!("{} {:?}: {difference}", self.directory.display(), self.options))
    }

    pub fn evaluate(&self, area: AreaRule) -> Result<Evaluation, EvaluationError> {
        self.run(area).map(|(evaluation, _)| evaluation)
    }

    /// The stored form of the evaluation.
    pub fn report(&self) -> String {
        let annotations = self.annotations().expect("the annotations are sound");
        let options = self.options;
        let evaluation = evaluate_file(&annotations, self.results.path(), options).expect("the results are sound");
        EvaluationReport::new(evaluation, &annotations, "dt.json", options).to_json()
    }

    /// The metrics of the results as a file, and as they come through a pipe.
    pub fn by_file_and_pipe(&self) -> [Result<Evaluation, String>; 2] {
        let annotations = self.annotations().expect("the annotations are sound");
        let options = self.options;
        let evaluator = Evaluator::new(&annotations, options).expect("the annotations can be compared");
        let bytes = std::fs::read(self.results.path()).expect("the results can be read");
        let name = self.results.path().display().to_string();
        [evaluator.file(self.results.path()), evaluator.pipe(&name, bytes.as_slice())]
            .map(|matches| matches.map(|matches| evaluator.finish(matches)).map_err(|refusal| refusal.to_string()))
    }

    fn annotations(&self) -> Result<Annotations, DatasetError> {
        Annotations::from_bytes("gt.json", &inflate(&self.directory.join("gt.json.gz")))
    }

    fn run(&self, area: AreaRule) -> Result<(Evaluation, Arrays), EvaluationError> {
        let options = Options { area, ..self.options };
        let annotations = self.annotations()?;
        let evaluator = Evaluator::new(&annotations, options)?;
        let matches = evaluator.file(self.results.path())?;
        let arrays = evaluator.arrays(&matches);
        Ok((evaluator.finish(matches), arrays))
    }

    fn differing_number(&self, evaluation: &Evaluation, arrays: &Arrays) -> Option<String> {
        let found = Results::new(&evaluation.results, &self.options);
        let expected = self.expected["metrics"].as_object().expect("there are metrics");
        if found.iter().count() != expected.len() {
            return Some(format!("{} numbers are not {}", found.iter().count(), expected.len()));
        }
        for (name, found) in found.iter() {
            if found.map(f64::to_bits) != bits(&expected[name]) {
                return Some(format!("{name} is {found:?}, not {}", expected[name]));
            }
        }
        for (name, values) in [("precision", &arrays.precision), ("recall", &arrays.recall)] {
            // AP_pool has no arrays of categories.
            let expected = self.expected.get(format!("{name}_sha256"));
            if expected.is_some_and(|expected| sha256(values) != *expected) {
                return Some(format!("the array of {name} differs"));
            }
        }
        let expected = self.expected.get("per_category")?;
        evaluation.per_category.iter().find_map(|category| {
            let expected = &expected[category.id.to_string()];
            let found = serde_json::to_value(category).expect("numbers can be written");
            // The branch's answers have no AP50.
            let names = ["AP", "AR", "AP50"].into_iter().take(if expected.get("AP50").is_some() { 3 } else { 2 });
            let differing = names.into_iter().find(|&name| bits(&found[name]) != bits(&expected[name]))?;
            Some(format!("{differing} of category {} is {}, not {expected}", category.id, found[differing]))
        })
    }
}

/// The bits of a number; none of null and of -1, lvis-api's word for it.
fn bits(value: &Value) -> Option<u64> {
    value.as_f64().filter(|&number| number != -1.0).map(f64::to_bits)
}

/// Of the little-endian bytes, in lower-case hex.
fn sha256(values: &[f64]) -> String {
    let mut digest = Sha256::new();
    values.iter().for_each(|value| digest.update(value.to_le_bytes()));
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A temporary results file.
pub fn results_file(bytes: &[u8]) -> NamedTempFile {
    let file = NamedTempFile::new().expect("a temporary file can be made");
    std::fs::write(file.path(), bytes).expect("and written");
    file
}

/// The bytes of a gzip file.
pub fn inflate(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).expect("the fixture can be opened");
    GzDecoder::new(file).read_to_end(&mut bytes).expect("the fixture is gzip");
    bytes
}
