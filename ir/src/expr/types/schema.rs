//! From a JSON Schema to a type.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::{Kinds, MAX_DEPTH, Type};

impl Type {
    /// The type of the values that satisfy a schema. What it does not understand of a schema only restricts further, so
    /// it is left out.
    pub fn of_schema(schema: &Value) -> Self {
        of_schema(schema, MAX_DEPTH).bounded()
    }
}

fn of_schema(schema: &Value, depth: usize) -> Type {
    let (Some(schema), Some(depth)) = (schema.as_object(), depth.checked_sub(1)) else { return Type::any() };
    let stated = match schema.get("type") {
        Some(Value::String(name)) => Some(kind(name)),
        Some(Value::Array(names)) => {
            Some(names.iter().filter_map(Value::as_str).map(kind).fold(Kinds::NONE, Kinds::or))
        }
        _ => None,
    };
    let values = match (schema.get("const"), schema.get("enum").and_then(Value::as_array)) {
        (Some(value), _) => Some(kind_of(value)),
        (None, Some(values)) => Some(values.iter().map(kind_of).fold(Kinds::NONE, Kinds::or)),
        (None, None) => None,
    };
    let kinds = stated.unwrap_or(Kinds::ALL).and(values.unwrap_or(Kinds::ALL));
    let alternatives = ["anyOf", "oneOf"].iter().find_map(|name| schema.get(*name)?.as_array());
    let structured = ["properties", "additionalProperties", "patternProperties", "items", "prefixItems"];
    if let Some(alternatives) = alternatives.filter(|_| structured.iter().all(|name| !schema.contains_key(*name))) {
        let joined = alternatives
            .iter()
            .map(|schema| of_schema(schema, depth))
            .reduce(|joined, schema| joined.join(&schema))
            .unwrap_or_else(Type::any);
        let kinds = joined.kinds.and(kinds);
        return certain(Type { kinds, nullable: joined.nullable && kinds.meets(Kinds::NULL), ..joined });
    }
    let items = schema.get("items").filter(|_| !schema.contains_key("prefixItems"));
    let members: BTreeMap<String, Type> = schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, member)| (name.clone(), of_schema(member, depth)))
        .collect();
    let other = schema.get("additionalProperties") == Some(&Value::Bool(false));
    certain(Type {
        kinds,
        nullable: kinds != Kinds::ALL && kinds.meets(Kinds::NULL),
        items: items.map(|items| Arc::new(of_schema(items, depth))),
        members,
        closed: other && !schema.contains_key("patternProperties"),
    })
}

/// A schema that no value satisfies says nothing that would help.
fn certain(of_schema: Type) -> Type {
    if of_schema.kinds == Kinds::NONE { Type::any() } else { of_schema }
}

fn kind(name: &str) -> Kinds {
    match name {
        "null" => Kinds::NULL,
        "boolean" => Kinds::BOOL,
        // What is too great for 64 bits is a double, also where it is whole.
        "integer" | "number" => Kinds::NUMBER,
        "string" => Kinds::STRING,
        "array" => Kinds::LIST,
        "object" => Kinds::MAP,
        _ => Kinds::ALL,
    }
}

fn kind_of(value: &Value) -> Kinds {
    match value {
        Value::Null => Kinds::NULL,
        Value::Bool(_) => Kinds::BOOL,
        Value::Number(_) => Kinds::NUMBER,
        Value::String(_) => Kinds::STRING,
        Value::Array(_) => Kinds::LIST,
        Value::Object(_) => Kinds::MAP,
    }
}
