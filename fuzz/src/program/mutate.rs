//! Changes of JSON that leave most of it as it was.

use libfuzzer_sys::arbitrary::{Result, Unstructured};
use serde_json::{Value, json};

use super::value;

/// Makes up to eight changes, which the input chooses.
pub(crate) fn mutate(document: &mut Value, input: &mut Unstructured<'_>) -> Result<()> {
    for _ in 0..input.int_in_range(0..=8)? {
        let mut places = Vec::new();
        list(document, String::new(), &mut places);
        let place = input.choose(&places)?;
        let change = match input.int_in_range(0..=5)? {
            0 => None,
            1 => Some(document.pointer(input.choose(&places)?).cloned().unwrap_or_default()),
            2 => Some(json!(value::name(input)?)),
            3 => Some(json!(value::expression(input, 2)?)),
            4 => Some((*input.choose(&PARTS.map(|part| part()))?).clone()),
            _ => Some(value::json(input, 2)?),
        };
        match change {
            Some(change) if input.ratio(1, 4)? => {
                let name = match input.choose(&places)?.rsplit('/').next() {
                    Some(own) if input.arbitrary()? => own.to_owned(),
                    _ => (*input.choose(MEMBERS)?).to_owned(),
                };
                if let Some(Value::Object(members)) = document.pointer_mut(place) {
                    members.insert(name, change);
                }
            }
            Some(change) => {
                if let Some(place) = document.pointer_mut(place) {
                    *place = change;
                }
            }
            None => remove(document, place),
        }
    }
    Ok(())
}

fn remove(document: &mut Value, place: &str) {
    let Some((parent, name)) = place.rsplit_once('/') else { return };
    match document.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(&name.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            if let Ok(index) = name.parse::<usize>()
                && index < items.len()
            {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// The JSON pointers of everything in a value.
fn list(value: &Value, here: String, places: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                list(member, format!("{here}/{}", name.replace('~', "~0").replace('/', "~1")), places);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                list(item, format!("{here}/{index}"), places);
            }
        }
        _ => {}
    }
    places.push(here);
}

/// Members that documents and snapshots may have.
const MEMBERS: &[&str] = &[
    "on_error",
    "next",
    "into",
    "input",
    "output",
    "catch",
    "timeout_seconds",
    "on_timeout",
    "else",
    "index",
    "key",
    "writes",
    "outputs",
    "wait",
    "retry",
    "pending",
    "end",
    "ready",
    "arms",
    "variables",
    "cursors",
    "timers",
    "x",
];

/// Parts that documents and snapshots are made of.
const PARTS: [fn() -> Value; 10] = [
    || json!({ "to": "n1", "into": "e" }),
    || json!({ "to": "n2" }),
    || json!({ "type": "string" }),
    || json!({ "type": "object", "required": ["k"] }),
    || json!({ "type": "return", "status": "failed", "value": "v['a']" }),
    || json!({ "type": "action", "op": "set", "into": "a", "value": "v['a'] + 1", "next": "n1" }),
    || json!({ "type": "action", "op": "await", "signal": "s", "next": "n1" }),
    || json!([""]),
    || json!({ "status": "completed", "result": null }),
    || json!({ "over": [1, 2, 3], "position": 1 }),
];
