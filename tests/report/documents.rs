//! JSON documents against their published schemas.

use std::fs;

use serde_json::Value;
use zoobench::report::{json, StoredRun, METRICS_JSON_SCHEMA, REPORT_JSON_SCHEMA, RUN_JSON_SCHEMA};

use crate::folder_of;
use crate::synthetic::zoo_run;

#[path = "../common/schema.rs"]
mod schema;

/// Where a document of the made-up zoo departs from its schema, after a change.
fn departures(schema: &str, document: &str, change: fn(&mut Value)) -> Vec<String> {
    let mut value = serde_json::from_str(document).expect("JSON");
    change(&mut value);
    schema::departures(&serde_json::from_str(schema).expect("a schema"), &value)
}

#[test]
fn documents_keep_to_their_schemas() {
    let folder = folder_of(&zoo_run(5));
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("it is stored");
    let report = json(&StoredRun::read(folder.path()).expect("a run"));
    let documents = [
        (RUN_JSON_SCHEMA, read("run.json")),
        (METRICS_JSON_SCHEMA, read("seg-m-all/metrics.json")),
        (REPORT_JSON_SCHEMA, report),
    ];
    for (schema, document) in documents {
        assert_eq!(departures(schema, &document, |_| ()), [""; 0]);
        let strange = departures(schema, &document, |value| value["strange"] = true.into());
        assert_eq!(strange, ["$.strange: not allowed"]);
    }
    let metrics = read("seg-m-all/metrics.json");
    let wrong =
        departures(METRICS_JSON_SCHEMA, &metrics, |m| m["latency"]["measurements"][0]["p50_ms"] = "fast".into());
    assert_eq!(wrong.len(), 1, "{wrong:?}");
}
