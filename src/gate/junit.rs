//! The verdict as JUnit XML, which CI systems show as test results.

use super::{github, Judgement, Outcome};
use crate::report::sanitized;

struct Case {
    class: String,
    name: String,
    /// Element and message of what is wrong.
    wrong: Option<(&'static str, String)>,
}

/// One `testsuite` whose cases are the metrics and the category floors; a value outside its
/// tolerances is a `failure`, a reason why nothing can be judged an `error`.
pub fn junit(judgement: &Judgement) -> String {
    let cases = cases(judgement);
    let count =
        |element| cases.iter().filter(|case| case.wrong.as_ref().is_some_and(|(kind, _)| *kind == element)).count();
    let (tests, failures, errors) = (cases.len(), count("failure"), count("error"));
    let name = escaped(&format!("zoobench gate {}", judgement.zoo));
    let totals = format!("name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    let lines: String = cases.iter().map(Case::xml).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {totals}>\n  <testsuite {totals} skipped=\"0\">\n\
         {lines}  </testsuite>\n</testsuites>\n"
    )
}

fn cases(judgement: &Judgement) -> Vec<Case> {
    let invalid = judgement.invalid.iter().enumerate().map(|(index, reason)| Case {
        class: "validity".to_string(),
        name: format!("reason {}", index + 1),
        wrong: Some(("error", reason.to_string())),
    });
    let failure = |outcome: Outcome, text: String| {
        matches!(outcome, Outcome::Dropped | Outcome::Rose).then_some(("failure", text))
    };
    let metrics = judgement.checks.iter().map(|check| Case {
        class: check.variant.clone(),
        name: check.metric.to_string(),
        wrong: failure(check.outcome, github::check(check)),
    });
    let latencies = judgement.latency.iter().map(|check| Case {
        class: "latency".to_string(),
        name: check.row.clone(),
        wrong: failure(check.outcome, github::latency(check)),
    });
    let floors = judgement.categories.iter().filter(|category| category.floor.is_some()).map(|check| Case {
        class: check.variant.clone(),
        name: format!("category {}", check.category),
        wrong: failure(check.outcome, github::category(check)),
    });
    invalid.chain(metrics).chain(floors).chain(latencies).collect()
}

impl Case {
    fn xml(&self) -> String {
        let head = format!("    <testcase classname=\"{}\" name=\"{}\"", escaped(&self.class), escaped(&self.name));
        match &self.wrong {
            None => format!("{head}/>\n"),
            Some((element, message)) => {
                format!("{head}>\n      <{element} message=\"{}\"/>\n    </testcase>\n", escaped(message))
            }
        }
    }
}

/// Text as an attribute's value.
fn escaped(text: &str) -> String {
    let text = sanitized(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_cannot_leave_its_attribute() {
        assert_eq!(escaped("a<b> & \"c\"\u{1b}"), "a&lt;b&gt; &amp; &quot;c&quot;\u{fffd}");
    }
}
