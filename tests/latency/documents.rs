//! Measurements against their published schema.

use std::fs;
use std::path::Path;

use serde_json::Value;
use zoobench::latency::{write_measured, LatencyJob, Length, Stop, LATENCY_JSON_SCHEMA, LATENCY_SCHEMA_VERSION};
use zoobench::zoo::speed_rows;

use crate::fake::{accuracy, job, measured, Fake};
use crate::schema;

type Spoil = fn(&mut Value);

/// Where a measurement departs from the schema.
pub fn departures(document: &Value) -> Vec<String> {
    schema::departures(&serde_json::from_str(LATENCY_JSON_SCHEMA).expect("a schema"), document)
}

/// What is stored of a job's measurement, all processes of which ended so.
fn stored(job: &LatencyJob, stop: Stop) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let fake =
        Fake::quiet().spoiled(move |_, _, report| report.series.iter_mut().for_each(|series| series.stop = stop));
    let mut measured = measured(job, &fake);
    measured.record.published_speeds = speed_rows().expect("built in");
    let file = folder.path().join("out.json");
    write_measured(&measured, &file).expect("our folder");
    serde_json::from_slice(&fs::read(file).expect("it is written")).expect("JSON")
}

#[test]
fn measurements_of_every_kind_keep_to_the_schema() {
    let (accuracy, folder) = (accuracy(), tempfile::tempdir().expect("a temporary folder"));
    let tied = job(Some(accuracy.path()));
    let base = folder.path().join("base.json");
    write_measured(&measured(&tied, &Fake::quiet()), &base).expect("our folder");
    let standard = LatencyJob { length: Length::Standard, variants: vec!["shapes_v2".to_owned()], ..tied.clone() };
    let compared = LatencyJob { base: Some(base), ..tied.clone() };
    let random = LatencyJob { random_weights: Some("v2-M".to_owned()), ..tied };
    let impatient = Stop::Patience { queries_met: true, seconds_met: false };
    for (job, stop) in [(standard, Stop::Complete), (compared, Stop::Steady), (random, impatient)] {
        let document = stored(&job, stop);
        assert_eq!(departures(&document), [""; 0]);
        assert_eq!(document["schema_version"], LATENCY_SCHEMA_VERSION);
    }
}

#[test]
fn what_departs_from_the_schema_is_found() {
    let good = stored(&job(None), Stop::Complete);
    let spoiled: [(&str, Spoil); 7] = [
        ("$: no verdict", |all| drop(all.as_object_mut().expect("an object").remove("verdict"))),
        ("$.strange: not allowed", |all| all["strange"] = true.into()),
        ("$.schema_version: not [2]", |all| all["schema_version"] = 7.into()),
        ("$.measurements[0]: no stages", |all| {
            drop(all["measurements"][0].as_object_mut().expect("a row").remove("stages"));
        }),
        ("$.measurements[1].samples: not \"integer\"", |all| all["measurements"][1]["samples"] = 1.5.into()),
        ("$.measurements[1].stages[0].p50_ms: not \"number\"", |all| {
            all["measurements"][1]["stages"][0]["p50_ms"] = "fast".into();
        }),
        ("$.machine.during[0].gpus: not \"array\"", |all| all["machine"]["during"][0]["gpus"] = Value::Null),
    ];
    for (departure, spoil) in spoiled {
        let mut document = good.clone();
        spoil(&mut document);
        assert_eq!(departures(&document), [departure.replace("[2]", &format!("[{LATENCY_SCHEMA_VERSION}]"))]);
    }
}

/// Records of earlier versions stay readable under their schema version.
#[test]
fn the_recorded_measurement_keeps_to_the_schema() {
    let reports = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/latency-2026-11-24/fast/latency.json");
    let recorded = serde_json::from_slice(&fs::read(reports).expect("a record")).expect("JSON");
    assert_eq!(departures(&recorded), [""; 0]);
}
