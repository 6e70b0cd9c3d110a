//! The JSON Schema of lab files, from the same declarations that read them.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::raw::LabFile;

/// The JSON Schema (2020-12) of `lab.toml`, with descriptions, for editors to complete from.
#[must_use]
pub fn schema() -> Value {
    let mut value = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<LabFile>()
        .to_value();
    without_null(&mut value);
    value
}

/// TOML has no null: a key that may be missing is simply not required.
fn without_null(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|t| t != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(forms)) = object.get_mut("anyOf") {
                forms.retain(|f| f.get("type").is_none_or(|t| t != "null"));
                if let [Value::Object(only)] = forms.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    for (key, inner) in only {
                        object.entry(key).or_insert(inner);
                    }
                }
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
