//! A validator of the part of JSON Schema that the published schemas use.
use serde_json::{Map, Value};

/// Where and how `value` departs from `schema`; empty where it does not.
pub fn departures(schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(schema, value, "$", &mut found);
    found
}

fn check(schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().expect("a schema is an object") {
        match keyword.as_str() {
            "type" if !names(rule).iter().any(|name| is_of(name, value)) => found.push(format!("{at}: not {rule}")),
            "enum" if !rule.as_array().is_some_and(|all| all.contains(value)) => {
                found.push(format!("{at}: not {rule}"))
            }
            // A rule for objects alone, says the specification.
            "required" if value.is_object() => {
                let absent = names(rule).into_iter().filter(|name| value.get(name).is_none());
                found.extend(absent.map(|name| format!("{at}: no {name}")));
            }
            "properties" => properties(schema, rule, value, at, found),
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(rule, item, &format!("{at}[{index}]"), found);
                }
            }
            "type" | "enum" | "required" | "additionalProperties" | "description" | "title" | "$schema" => (),
            other => panic!("{other} is not in the part of JSON Schema that is checked"),
        }
    }
}

fn properties(schema: &Value, rules: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let nothing = Map::new();
    for (name, property) in value.as_object().unwrap_or(&nothing) {
        let at = format!("{at}.{name}");
        match rules.get(name) {
            Some(rule) => check(rule, property, &at, found),
            None if schema["additionalProperties"] == false => found.push(format!("{at}: not allowed")),
            None => (),
        }
    }
}

fn names(rule: &Value) -> Vec<&str> {
    match rule {
        Value::String(name) => vec![name],
        other => other.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    name == type_of(value) || name == "integer" && (value.is_u64() || value.is_i64())
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
