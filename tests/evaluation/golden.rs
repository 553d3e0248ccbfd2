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
};

/// Annotations, results and lvis-api's answer.
pub struct Case {
    directory: PathBuf,
    results: NamedTempFile,
    iou: IouType,
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
        };
        let expected = std::fs::read(directory.join(name)).ok()?;
        let expected = serde_json::from_slice(&expected).expect("the answer is JSON");
        let results = results_file(&inflate(&directory.join("dt.json.gz")));
        Some(Self { directory: directory.to_owned(), results, iou, expected })
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
        difference.map(|difference| format!("{} {:?}: {difference}", self.directory.display(), self.iou))
    }

    pub fn evaluate(&self, area: AreaRule) -> Result<Evaluation, EvaluationError> {
        self.run(area).map(|(evaluation, _)| evaluation)
    }

    /// The stored form of the evaluation.
    pub fn report(&self) -> String {
        let annotations = self.annotations().expect("the annotations are sound");
        let options = Options { iou: self.iou, ..Options::default() };
        let evaluation = evaluate_file(&annotations, self.results.path(), options).expect("the results are sound");
        EvaluationReport::new(evaluation, &annotations, "dt.json", options).to_json()
    }

    fn annotations(&self) -> Result<Annotations, DatasetError> {
        Annotations::from_bytes("gt.json", &inflate(&self.directory.join("gt.json.gz")))
    }

    fn run(&self, area: AreaRule) -> Result<(Evaluation, Arrays), EvaluationError> {
        let options = Options { iou: self.iou, area, ..Options::default() };
        let annotations = self.annotations()?;
        let evaluator = Evaluator::new(&annotations, options)?;
        let matches = evaluator.file(self.results.path())?;
        let arrays = evaluator.arrays(&matches);
        Ok((evaluator.finish(matches), arrays))
    }

    fn differing_number(&self, evaluation: &Evaluation, arrays: &Arrays) -> Option<String> {
        let found = serde_json::to_value(evaluation.results).expect("numbers can be written");
        for (name, expected) in self.expected["metrics"].as_object().expect("there are metrics") {
            if bits(&found[name]) != bits(expected) {
                return Some(format!("{name} is {}, not {expected}", found[name]));
            }
        }
        for (name, values) in [("precision", &arrays.precision), ("recall", &arrays.recall)] {
            if sha256(values) != self.expected[format!("{name}_sha256")] {
                return Some(format!("the array of {name} differs"));
            }
        }
        evaluation.per_category.iter().find_map(|category| {
            let expected = &self.expected["per_category"][category.id.to_string()];
            let found = serde_json::to_value(category).expect("numbers can be written");
            let differing =
                ["AP", "AP50", "AR"].into_iter().find(|&name| bits(&found[name]) != bits(&expected[name]))?;
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
