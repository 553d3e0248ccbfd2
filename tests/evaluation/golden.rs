//! lvis-api's answers, and the comparison with them.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::Value;
use sha2::{Digest, Sha256};
use zoobench::dataset::Annotations;
use zoobench::evaluation::{AreaRule, Arrays, Evaluation, EvaluationError, Evaluator, IouType, Options};

/// Annotations, results and lvis-api's answer.
pub struct Case {
    directory: PathBuf,
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
        Some(Self { directory: directory.to_owned(), iou, expected })
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

    fn run(&self, area: AreaRule) -> Result<(Evaluation, Arrays), EvaluationError> {
        let options = Options { iou: self.iou, area, ..Options::default() };
        let annotations = Annotations::from_bytes("gt.json", &inflate(&self.directory.join("gt.json.gz")))?;
        let evaluator = Evaluator::new(&annotations, options)?;
        let results = tempfile::NamedTempFile::new().expect("a temporary file can be made");
        std::fs::write(results.path(), inflate(&self.directory.join("dt.json.gz"))).expect("and written");
        let matches = evaluator.file(results.path())?;
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

/// The bytes of a gzip file.
pub fn inflate(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).expect("the fixture can be opened");
    GzDecoder::new(file).read_to_end(&mut bytes).expect("the fixture is gzip");
    bytes
}
