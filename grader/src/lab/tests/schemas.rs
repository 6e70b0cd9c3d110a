//! The schema takes every lab and refuses broken ones, as the parser does.

use serde_json::{Value, json};

use crate::lab::{catalog, schema};

/// As much of JSON Schema as our schema uses; an unknown keyword fails the test, so that nothing
/// is silently not checked.
fn valid(schema: &Value, root: &Value, value: &Value) -> bool {
    let Some(object) = schema.as_object() else {
        return schema.as_bool().unwrap_or(false);
    };
    object.iter().all(|(keyword, rule)| match keyword.as_str() {
        "$schema" | "title" | "description" | "$defs" | "format" | "default" => true,
        "$ref" => {
            let name = rule.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
            valid(&root["$defs"][name], root, value)
        }
        "type" => match rule.as_str().unwrap() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            other => panic!("type {other}"),
        },
        "minimum" => value.as_f64().is_none_or(|n| n >= rule.as_f64().unwrap()),
        "const" => value == rule,
        "enum" => rule.as_array().unwrap().contains(value),
        "anyOf" => rule
            .as_array()
            .unwrap()
            .iter()
            .any(|s| valid(s, root, value)),
        "oneOf" => {
            rule.as_array()
                .unwrap()
                .iter()
                .filter(|s| valid(s, root, value))
                .count()
                == 1
        }
        "items" => value
            .as_array()
            .is_none_or(|items| items.iter().all(|i| valid(rule, root, i))),
        "required" => value.as_object().is_none_or(|o| {
            rule.as_array()
                .unwrap()
                .iter()
                .all(|k| o.contains_key(k.as_str().unwrap()))
        }),
        "properties" => value.as_object().is_none_or(|o| {
            rule.as_object()
                .unwrap()
                .iter()
                .all(|(k, s)| o.get(k).is_none_or(|v| valid(s, root, v)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|o| {
            let known = object.get("properties").and_then(Value::as_object);
            o.iter()
                .filter(|(k, _)| known.is_none_or(|known| !known.contains_key(*k)))
                .all(|(_, v)| valid(rule, root, v))
        }),
        other => panic!("keyword {other}"),
    })
}

fn accepts(toml: &str) -> bool {
    let value: Value = toml::from_str(toml).unwrap();
    let schema = schema();
    valid(&schema, &schema, &value)
}

#[test]
fn every_lab_validates() {
    for lab in catalog::embedded() {
        assert!(accepts(lab.toml), "{}", lab.id);
    }
}

#[test]
fn broken_labs_do_not() {
    let lab = super::built_in("us-upper");
    for (from, to) in [
        ("points   = 5\n", "points   = \"5\"\n"),
        ("points   = 5\n", ""),
        ("address   = \"argv\"", "address   = \"arg\""),
        (
            "cast  = { server = \"student\" }",
            "cast  = { server = \"teacher\" }",
        ),
        ("{ start = \"server\" }", "{ strat = \"server\" }"),
        ("[lab]", "[laboratory]"),
        ("receives = \"some\"", "receives = 3"),
        ("at-most = 7", "at-most = -7"),
    ] {
        assert!(lab.contains(from), "{from}");
        assert!(!accepts(&lab.replacen(from, to, 1)), "{from} -> {to}");
    }
}

#[test]
fn every_key_is_described() {
    fn walk(value: &Value, path: &str, bare: &mut Vec<String>) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                if property.get("description").is_none() {
                    bare.push(format!("{path}.{key}"));
                }
            }
        }
        for (key, inner) in value.as_object().into_iter().flatten() {
            walk(inner, &format!("{path}/{key}"), bare);
        }
    }
    let mut bare = Vec::new();
    walk(&schema(), "", &mut bare);
    assert_eq!(bare, Vec::<String>::new());
    assert_eq!(schema()["title"], json!("lab.toml"));
}

#[test]
fn nothing_may_be_null() {
    fn walk(value: &Value) -> bool {
        match value {
            Value::Array(items) => items.iter().any(walk),
            Value::Object(object) => {
                let types = object.get("type");
                types.is_some_and(|t| t.is_array() || t == "null") || object.values().any(walk)
            }
            _ => false,
        }
    }
    let schema = schema();
    assert!(
        schema["$defs"]
            .as_object()
            .is_some_and(|defs| !defs.values().any(walk))
    );
    assert!(
        schema["properties"]
            .as_object()
            .is_some_and(|keys| !keys.values().any(walk))
    );
}
