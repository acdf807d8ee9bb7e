//! The JSON Schemas of the formats, generated from their types: what stands in `schemas/`, and what a document is read by.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::canonical::MAX_NUMBER;
use crate::diagnostic::written;
use crate::document::Document;
use crate::manifest::ToolManifest;

const DEFINITIONS: &str = "#/$defs/";

/// The schema of a document.
///
/// Each form that a node can have is one closed object, so that an editor or a reader tells exactly what is wrong.
pub fn document_schema() -> Value {
    let mut schema = generate::<Document>();
    let definitions = schema.get("$defs").and_then(Value::as_object).cloned().unwrap_or_default();
    let forms: Vec<Value> = definitions
        .get("Node")
        .map(|node| forms(node, &definitions))
        .unwrap_or_default()
        .into_iter()
        .map(Form::close)
        .collect();
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.insert(
            "Node".to_owned(),
            json!({ "description": "A node: one of five types; an action is one of its operations.", "oneOf": forms }),
        );
        // The parts that the forms of nodes were put together from.
        for part in ["Action", "Decision", "Emit", "LlmCall", "Return"] {
            definitions.remove(part);
        }
    }
    schema
}

/// The schema of what a tool says of itself.
pub fn manifest_schema() -> Value {
    generate::<ToolManifest>()
}

/// The schema of what `bloom check --format json` writes.
pub fn check_schema() -> Value {
    generate::<Vec<written::File<'_>>>()
}

fn generate<T: JsonSchema>() -> Value {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<T>().to_value();
    tidy(&mut schema);
    schema
}

/// Makes every schema in a generated one say what the format means: a member that has no value is absent, not `null`, and
/// an integer is one that JSON carries exactly.
fn tidy(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tidy),
        Value::Object(members) => {
            require_presence(members);
            bound_integers(members);
            merge_single_members(members);
            members.values_mut().for_each(tidy);
        }
        _ => {}
    }
}

/// `T or null` becomes `T`.
fn require_presence(members: &mut Map<String, Value>) {
    let null = json!({ "type": "null" });
    if let Some(Value::Array(types)) = members.get("type") {
        let other: Vec<Value> = types.iter().filter(|name| *name != "null").cloned().collect();
        if let [only] = other.as_slice() {
            members.insert("type".to_owned(), only.clone());
        }
    }
    if let Some(Value::Array(choices)) = members.get("anyOf") {
        let other: Vec<Value> = choices.iter().filter(|choice| **choice != null).cloned().collect();
        if let [Value::Object(only)] = other.as_slice()
            && other.len() < choices.len()
        {
            members.remove("anyOf");
            members.extend(only.clone());
        }
    }
}

/// The library's `format` of an integer is no standard one, and checks nothing.
fn bound_integers(members: &mut Map<String, Value>) {
    let maximum = match members.get("format").and_then(Value::as_str) {
        Some("uint32") => i64::from(u32::MAX),
        Some("uint64" | "int64") => MAX_NUMBER,
        _ => return,
    };
    members.remove("format");
    members.entry("maximum").or_insert_with(|| maximum.into());
}

/// A choice between objects of one member each becomes one object that has exactly one of these members.
fn merge_single_members(members: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = members.get("oneOf") else { return };
    let single = |choice: &Value| {
        let closed = choice.get("additionalProperties") == Some(&Value::Bool(false));
        let properties = choice.get("properties")?.as_object()?.clone();
        (closed && properties.len() == 1).then_some(properties)
    };
    let Some(all) = choices.iter().map(single).collect::<Option<Vec<_>>>() else { return };
    let properties: Map<String, Value> = all.into_iter().flatten().collect();
    members.remove("oneOf");
    members.extend([
        ("type".to_owned(), json!("object")),
        ("properties".to_owned(), properties.into()),
        ("additionalProperties".to_owned(), json!(false)),
        ("minProperties".to_owned(), json!(1)),
        ("maxProperties".to_owned(), json!(1)),
    ]);
}

/// One form of an object whose schema is put together from choices.
#[derive(Clone, Default)]
struct Form {
    description: Option<Value>,
    properties: Map<String, Value>,
    required: BTreeSet<String>,
}

impl Form {
    /// This and that at once; the description is of the inner one.
    fn and(&self, inner: &Self) -> Self {
        let mut both = self.clone();
        both.description = inner.description.clone().or(both.description);
        both.properties.extend(inner.properties.clone());
        both.required.extend(inner.required.iter().cloned());
        both
    }

    fn close(mut self) -> Value {
        // An LLM's answer always has a schema, although other nodes' results need none.
        if self.properties.get("type").and_then(|tag| tag.get("const")) == Some(&json!("llm_call")) {
            self.required.insert("output".to_owned());
        }
        json!({
            "description": self.description,
            "type": "object",
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": false,
        })
    }
}

/// All forms of an object: its own members with each combination of what it refers to and of its choices.
fn forms(schema: &Value, definitions: &Map<String, Value>) -> Vec<Form> {
    let own = Form {
        description: schema.get("description").cloned(),
        properties: schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default(),
        required: strings(schema.get("required")),
    };
    let mut forms = vec![own];
    if let Some(target) = schema.get("$ref").and_then(Value::as_str)
        && let Some(definition) = target.strip_prefix(DEFINITIONS).and_then(|name| definitions.get(name))
    {
        forms = product(&forms, &self::forms(definition, definitions));
    }
    for keyword in ["oneOf", "anyOf"] {
        if let Some(choices) = schema.get(keyword).and_then(Value::as_array) {
            let inner: Vec<Form> = choices.iter().flat_map(|choice| self::forms(choice, definitions)).collect();
            forms = product(&forms, &inner);
        }
    }
    forms
}

fn product(outer: &[Form], inner: &[Form]) -> Vec<Form> {
    outer.iter().flat_map(|outer| inner.iter().map(|inner| outer.and(inner))).collect()
}

fn strings(list: Option<&Value>) -> BTreeSet<String> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
