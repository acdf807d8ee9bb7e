//! Inputs from the command line, read by the types of the flow's input schema.

use std::collections::BTreeSet;
use std::fmt;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use bloom_ir::Document;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::catalogue::text;
use crate::failure::Explained;
use crate::session::Session;

/// What inputs a flow asks for.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) flow: &'a str,
    /// The schema of its inputs.
    pub(crate) schema: &'a Value,
}

impl<'a> Asked<'a> {
    pub(crate) fn by(document: &'a Document) -> Self {
        Self { flow: &document.flow.id, schema: &document.inputs }
    }
}

/// The inputs of a file, with those of the arguments over them.
pub(crate) fn read(
    file: Option<&Path>,
    arguments: &[String],
    asked: Asked<'_>,
    session: &Session,
) -> anyhow::Result<bloom_ir::Value> {
    let mut inputs = match file {
        Some(path) => of_file(path, session)?,
        None => Map::new(),
    };
    let mut given = BTreeSet::new();
    for argument in arguments {
        let (name, value) = of_argument(argument, asked, session)?;
        if !given.insert(name.clone()) {
            return Err(Explained::usage(text!(session.catalogue, "input-twice", name = name)).into());
        }
        inputs.insert(name, value);
    }
    serde_json::from_value(Value::Object(inputs))
        .with_context(|| Explained::usage(text!(session.catalogue, "inputs-do-not-fit")))
}

/// Whole numbers up to here are exact as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// No inputs are larger; whatever is was named by mistake.
const MAX_BYTES: u64 = 16 << 20;

fn of_file(path: &Path, session: &Session) -> anyhow::Result<Map<String, Value>> {
    let shown = path.display().to_string();
    let cannot_read = || text!(session.catalogue, "cannot-read", path = &shown);
    let mut text = String::new();
    // One byte more shows that there is more; a pipe does not say how long it is.
    let file = std::fs::File::open(path).with_context(cannot_read)?;
    file.take(MAX_BYTES + 1).read_to_string(&mut text).with_context(cannot_read)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > MAX_BYTES) {
        let most = MAX_BYTES;
        return Err(Explained::usage(text!(session.catalogue, "inputs-too-large", path = &shown, most = most)).into());
    }
    let members: Members = serde_json::from_str(&text)
        .with_context(|| Explained::usage(text!(session.catalogue, "inputs-bad", path = shown)))?;
    Ok(members.0)
}

/// A JSON object none of whose members stands twice: one of the two would be lost.
struct Members(Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if members.contains_key(&name) {
                        return Err(de::Error::custom(format_args!("{name} stands twice")));
                    }
                    members.insert(name, value);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

fn of_argument(argument: &str, asked: Asked<'_>, session: &Session) -> anyhow::Result<(String, Value)> {
    let catalogue = &session.catalogue;
    let Some((name, given)) = argument.split_once('=').filter(|(name, _)| !name.is_empty()) else {
        return Err(Explained::usage(text!(catalogue, "input-bad", given = argument)).into());
    };
    let properties = asked.schema.get("properties").and_then(Value::as_object);
    let Some(schema) = properties.and_then(|properties| properties.get(name)) else {
        let unknown = Explained::usage(text!(catalogue, "input-unknown", flow = asked.flow, name = name));
        let names: Vec<&str> = properties.into_iter().flat_map(|all| all.keys().map(String::as_str)).collect();
        return Err(match names.as_slice() {
            [] => unknown,
            names => unknown.hint(text!(catalogue, "input-unknown-hint", names = names.join(", "))),
        }
        .into());
    };
    let value = of_type(given, schema).map_err(|expected| {
        Explained::usage(text!(catalogue, "input-type", name = name, kind = expected, given = given))
    })?;
    Ok((name.to_owned(), value))
}

/// The value that a text stands for, or the type that it has not. Where the schema leaves text open, text it stays.
fn of_type(given: &str, schema: &Value) -> Result<Value, String> {
    let types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let json = serde_json::from_str::<Value>(given).ok();
    let fits = |json: &Value| types.iter().any(|name| is_of(json, name));
    match json {
        Some(json) if !json.is_string() && fits(&json) => Ok(json),
        _ if types.is_empty() || types.contains(&"string") => Ok(Value::String(given.to_owned())),
        _ => Err(types.join(" / ")),
    }
}

fn is_of(json: &Value, name: &str) -> bool {
    match name {
        // A number that a 64-bit float does not hold exactly is not the one that was meant.
        "integer" => {
            json.is_i64() || json.as_f64().is_some_and(|number| number.fract() == 0.0 && number.abs() <= EXACT)
        }
        "number" => json.is_number(),
        "boolean" => json.is_boolean(),
        "array" => json.is_array(),
        "object" => json.is_object(),
        "null" => json.is_null(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_text_is_read_by_the_type_of_its_input() {
        for (given, schema, expected) in [
            ("7", json!({ "type": "integer" }), Ok(json!(7))),
            ("7", json!({ "type": "string" }), Ok(json!("7"))),
            ("7", json!({}), Ok(json!("7"))),
            ("0.5", json!({ "type": "number" }), Ok(json!(0.5))),
            ("true", json!({ "type": "boolean" }), Ok(json!(true))),
            ("true", json!({ "type": ["boolean", "string"] }), Ok(json!(true))),
            ("truth", json!({ "type": ["boolean", "string"] }), Ok(json!("truth"))),
            ("[1, 2]", json!({ "type": "array" }), Ok(json!([1, 2]))),
            ("\"a\"", json!({ "type": "string" }), Ok(json!("\"a\""))),
            ("seven", json!({ "type": "integer" }), Err("integer".to_owned())),
            ("0.5", json!({ "type": "integer" }), Err("integer".to_owned())),
            ("{}", json!({ "type": "array" }), Err("array".to_owned())),
            ("1e3", json!({ "type": "integer" }), Ok(json!(1e3))),
            ("99999999999999999999", json!({ "type": "integer" }), Err("integer".to_owned())),
        ] {
            assert_eq!(of_type(given, &schema), expected, "{given} as {schema}");
        }
    }
}
