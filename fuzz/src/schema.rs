//! Values that a schema of the API's description takes; some that it does not.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::{Map, Value, json};

use crate::program::value;

/// Makes values.
pub(crate) struct Maker<'a> {
    /// What `$ref` refers to.
    pub(crate) schemas: &'a Value,
    /// Texts that mean something to who reads them.
    pub(crate) words: &'a [String],
}

impl Maker<'_> {
    /// A value of at most so many levels.
    pub(crate) fn value(&self, schema: &Value, input: &mut Unstructured<'_>, depth: u32) -> Result<Value> {
        if depth == 0 || input.ratio(1, 32)? {
            return value::json(input, 2);
        }
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap_or_default();
            return self.value(&self.schemas[name], input, depth - 1);
        }
        if let Some(kinds) = schema["oneOf"].as_array() {
            return self.value(input.choose(kinds)?, input, depth - 1);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut all = Map::new();
            for part in parts {
                if let Value::Object(members) = self.value(part, input, depth - 1)? {
                    all.extend(members);
                }
            }
            return Ok(Value::Object(all));
        }
        if let Some(known) = schema["enum"].as_array() {
            return Ok(input.choose(known)?.clone());
        }
        let kind = match &schema["type"] {
            Value::String(kind) => kind.as_str(),
            Value::Array(kinds) => input.choose(kinds)?.as_str().unwrap_or_default(),
            _ => return value::json(input, 2),
        };
        Ok(match kind {
            "boolean" => json!(input.arbitrary::<bool>()?),
            "integer" => self.integer(schema, input)?,
            "number" => json!(input.choose(&[0.0, 0.5, -1.0, 1e300])?),
            "string" => json!(self.text(input)?),
            "array" => {
                let items = (0..input.int_in_range(0..=3)?).map(|_| self.value(&schema["items"], input, depth - 1));
                items.collect::<Result<_>>()?
            }
            "object" => self.object(schema, input, depth)?,
            _ => Value::Null,
        })
    }

    fn integer(&self, schema: &Value, input: &mut Unstructured<'_>) -> Result<Value> {
        Ok(match input.int_in_range(0..=7)? {
            0 => schema.get("minimum").cloned().unwrap_or(json!(0)),
            1 => schema.get("maximum").cloned().unwrap_or(json!(i64::MAX)),
            2 => json!(input.arbitrary::<i64>()?),
            3 => json!(u64::MAX),
            4 => json!(-1),
            _ => json!(input.int_in_range(0..=3)?),
        })
    }

    fn object(&self, schema: &Value, input: &mut Unstructured<'_>, depth: u32) -> Result<Value> {
        let mut members = Map::new();
        let is_due = |name: &str| schema["required"].as_array().is_some_and(|due| due.iter().any(|due| due == name));
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_there = if is_due(name) { !input.ratio(1, 24)? } else { input.arbitrary()? };
            if is_there {
                members.insert(name.clone(), self.value(schema, input, depth - 1)?);
            }
        }
        if schema["additionalProperties"].is_object() && input.arbitrary()? {
            members.insert(self.text(input)?, self.value(&schema["additionalProperties"], input, depth - 1)?);
        }
        Ok(Value::Object(members))
    }

    /// A text; one that stands for something that is there, for the most part.
    pub(crate) fn text(&self, input: &mut Unstructured<'_>) -> Result<String> {
        if !self.words.is_empty() && input.ratio(5, 6)? {
            return Ok(input.choose(self.words)?.clone());
        }
        value::short(input)
    }
}
