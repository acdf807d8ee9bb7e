//! Shapes of data as people write them: the short notation that was read.

use bloom_ir::document::{Locale, Schema};
use serde_json::{Map, Value};

use super::expression::quote;
use crate::text::is_word;

/// The notation of a schema that a shape gave.
pub(super) fn shape(schema: &Schema, locale: Locale) -> String {
    let mut out = String::new();
    write(schema, locale, &mut out);
    out
}

/// Recurses by the depth of a shape, which was bounded when it was read.
fn write(schema: &Value, locale: Locale, out: &mut String) {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().filter_map(Value::as_str).map(quote).collect();
        out.push_str(&values.join(" | "));
        return;
    }
    match (schema.get("type").and_then(Value::as_str), schema.get("properties"), schema.get("items")) {
        (Some("object"), Some(Value::Object(properties)), _) => object(schema, properties, locale, out),
        (Some("array"), _, Some(items)) => {
            out.push('[');
            write(items, locale, out);
            out.push(']');
        }
        (name, ..) => out.push_str(named(name, locale)),
    }
}

/// Required members come in the order in which they were written; those that may be missing follow.
fn object(schema: &Value, properties: &Map<String, Value>, locale: Locale, out: &mut String) {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let optional = properties.keys().map(String::as_str).filter(|name| !required.contains(name));
    let members = required.iter().map(|name| (*name, "")).chain(optional.map(|name| (name, "?")));
    out.push('{');
    for (index, (name, mark)) in members.enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        out.push_str(&if is_word(name) { name.to_owned() } else { quote(name) });
        out.push_str(mark);
        out.push_str(": ");
        if let Some(member) = properties.get(name) {
            write(member, locale, out);
        }
    }
    out.push('}');
}

/// The name of the shape that anything has, in Ukrainian and in English.
pub(super) const ANY: [&str; 2] = ["будь_що", "any"];

fn named(name: Option<&str>, locale: Locale) -> &'static str {
    let [uk, en] = match name {
        Some("string") => ["рядок", "string"],
        Some("integer") => ["ціле", "int"],
        Some("number") => ["число", "number"],
        Some("boolean") => ["логічне", "bool"],
        Some("array") => ["список", "list"],
        Some("object") => ["словник", "map"],
        Some("null") => ["null", "null"],
        _ => ANY,
    };
    match locale {
        Locale::Uk => uk,
        Locale::En => en,
    }
}
