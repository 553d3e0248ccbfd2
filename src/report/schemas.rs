//! JSON Schemas (draft 2020-12) of the stored forms and of what the commands write.

/// Of a run's `run.json`.
pub const RUN_JSON_SCHEMA: &str = include_str!("schema/run.schema.json");

/// Of a variant's `metrics.json`.
pub const METRICS_JSON_SCHEMA: &str = include_str!("schema/metrics.schema.json");

/// Of `report.json`, which `run --json` and `report --json` write too.
pub const REPORT_JSON_SCHEMA: &str = include_str!("schema/report.schema.json");

/// Of what `eval --json` writes: [`EvaluationReport`](crate::evaluation::EvaluationReport).
pub const EVAL_JSON_SCHEMA: &str = include_str!("schema/eval.schema.json");
