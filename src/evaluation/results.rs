//! The numbers of an evaluation under the names that their protocol gives them.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Limit, Metrics, Options, Protocol};

/// The numbers of an evaluation as fractions, in the order and under the names of the code that defines
/// the protocol; `None` where it gives -1.
///
/// `lvis`: `AP` to `ARl@300`. `fixed`: the same with `@10000/cat`. `pool`: `AP-pooled-all` and `-r`, `-c`
/// and `-f`.
#[derive(Debug, Clone, PartialEq)]
pub struct Results(Vec<(String, Option<f64>)>);

impl Results {
    /// The numbers of `metrics`, evaluated with `options`.
    pub fn new(metrics: &Metrics, options: &Options) -> Self {
        let named = names(options).into_iter().zip(metrics.values());
        Self(named.filter_map(|(name, value)| Some((name?, value))).collect())
    }

    /// The number of a name.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.iter().find(|&(found, _)| found == name)?.1
    }

    /// Names and numbers in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<f64>)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }
}

/// What lvis-api writes after the `@` of a recall.
fn limit_name(limit: Limit) -> String {
    match limit {
        Limit::Image(limit) => limit.to_string(),
        Limit::Category(limit) => format!("{limit}/cat"),
    }
}

/// What the protocol calls each of the 13 numbers, in the order of [`Metrics::NAMES`]; `None` for one that
/// it does not have.
pub(super) fn names(options: &Options) -> [Option<String>; 13] {
    let limit = limit_name(options.limit());
    Metrics::NAMES.map(|name| match (options.protocol, name) {
        (Protocol::Pool, "AP") => Some("AP-pooled-all".to_owned()),
        (Protocol::Pool, "APr" | "APc" | "APf") => Some(format!("AP-pooled-{}", &name[2..])),
        (Protocol::Pool, _) => None,
        _ => Some(match name.split_once('@') {
            Some((recall, _)) => format!("{recall}@{limit}"),
            None => name.to_owned(),
        }),
    })
}

impl Serialize for Results {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Results {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

/// Reads a map and keeps its order.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Results;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the numbers of an evaluation by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Results, A::Error> {
        let mut values = Vec::new();
        while let Some(entry) = map.next_entry()? {
            values.push(entry);
        }
        Ok(Results(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(protocol: Protocol) -> Vec<String> {
        let options = Options { protocol, ..Options::default() };
        Results::new(&Metrics::default(), &options).iter().map(|(name, _)| name.to_owned()).collect()
    }

    #[test]
    fn names_are_those_of_the_protocol() {
        let lvis = names(Protocol::Lvis);
        assert_eq!((lvis.len(), lvis[0].as_str(), lvis[12].as_str()), (13, "AP", "ARl@300"));
        assert_eq!(names(Protocol::Fixed)[9..], ["AR@10000/cat", "ARs@10000/cat", "ARm@10000/cat", "ARl@10000/cat"]);
        assert_eq!(names(Protocol::Pool), ["AP-pooled-all", "AP-pooled-r", "AP-pooled-c", "AP-pooled-f"]);
    }

    #[test]
    fn names_of_the_standard_are_those_of_the_metrics() {
        let metrics = Metrics { ap: Some(0.25), ar_large: Some(0.5), ..Metrics::default() };
        let results = Results::new(&metrics, &Options::default());
        assert_eq!(serde_json::to_string(&results).unwrap(), serde_json::to_string(&metrics).unwrap());
    }

    #[test]
    fn stored_numbers_keep_their_order() {
        let results = Results::new(&Metrics { ap: Some(0.1), ..Metrics::default() }, &Options::default());
        let read: Results = serde_json::from_str(&serde_json::to_string(&results).unwrap()).unwrap();
        assert_eq!(read, results);
        assert_eq!((read.get("AP"), read.get("AR@300")), (Some(0.1), None));
    }
}
