//! The short notation for shapes of data, as JSON Schema: `{title: string, tags: [string], mood: "good" | "bad"}`.

use pest::iterators::Pair;
use serde_json::{Map, Value, json};

use super::grammar::Rule;
use super::literal::{name, string_literal};
use super::names::nearest;
use super::{Part, Problem};
use crate::codes;

const NAMES: [&str; 8] = ["string", "int", "number", "bool", "list", "map", "any", "null"];

/// The JSON Schema of a shape.
pub(super) fn schema(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<Value, Problem> {
    let span = part.span(pair.as_span());
    let Some(shape) = pair.into_inner().next() else { return Err(Problem::error(codes::SHAPE, span).near(None)) };
    match shape.as_rule() {
        Rule::object => object(shape, part),
        Rule::list_of => {
            let item = shape.into_inner().next().ok_or_else(|| Problem::error(codes::SHAPE, span).near(None))?;
            Ok(json!({ "type": "array", "items": schema(item, part)? }))
        }
        Rule::choice => {
            let values: Vec<String> = shape.into_inner().map(|value| string_literal(value.as_str())).collect();
            Ok(json!({ "enum": values }))
        }
        _ => named(shape.as_str(), part.span(shape.as_span())),
    }
}

/// All members are required, and there are no others, unless a name ends in `?`.
fn object(pair: Pair<'_, Rule>, part: Part<'_>) -> Result<Value, Problem> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for member in pair.into_inner() {
        let span = part.span(member.as_span());
        let mut inner = member.into_inner();
        let Some(key) = inner.next() else { continue };
        let key = match key.as_rule() {
            Rule::string => string_literal(key.as_str()),
            _ => name(key.as_str()),
        };
        let mut optional = false;
        for pair in inner {
            if pair.as_rule() == Rule::optional {
                optional = true;
            } else if properties.insert(key.clone(), schema(pair, part)?).is_some() {
                return Err(Problem::error(codes::SHAPE, span).near(None).with("name", key));
            }
        }
        if !optional {
            required.push(key);
        }
    }
    Ok(json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false }))
}

fn named(word: &str, span: std::ops::Range<usize>) -> Result<Value, Problem> {
    Ok(match word.to_lowercase().as_str() {
        "string" | "text" | "str" | "рядок" | "текст" => json!({ "type": "string" }),
        "int" | "integer" | "ціле" => json!({ "type": "integer" }),
        "number" | "float" | "double" | "число" => json!({ "type": "number" }),
        "bool" | "boolean" | "логічне" | "булеве" | "булевий" => json!({ "type": "boolean" }),
        "list" | "array" | "список" => json!({ "type": "array" }),
        "map" | "object" | "словник" | "об'єкт" => json!({ "type": "object" }),
        "null" => json!({ "type": "null" }),
        "any" | "будь_що" => json!({}),
        other => {
            let problem = Problem::error(codes::SHAPE, span).with("name", word).near(nearest(other, NAMES));
            return Err(problem);
        }
    })
}
