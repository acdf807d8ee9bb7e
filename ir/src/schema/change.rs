//! What the difference between two schemas means for values.
//!
//! A keyword is a condition of its own, so a schema is wider than another one if each of its keywords is. Those that depend on
//! each other (`properties` and `additionalProperties`) are compared together; what cannot be judged keyword by keyword is
//! [`Direction::Unclear`], never guessed.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

/// What became of the values that a schema takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It takes all that it took, and perhaps more.
    Wider,
    /// It takes nothing that it did not take, and perhaps less.
    Narrower,
    /// It may take more or less.
    Unclear,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SchemaChange {
    /// JSON pointer (RFC 6901) to the schema in which it is.
    pub pointer: String,
    /// What is different; empty where a schema that took nothing takes something, or the other way round.
    pub keyword: String,
    /// What it means.
    pub direction: Direction,
    /// As it was; none where it was not there.
    pub before: Option<Value>,
    /// As it is; none where it is no longer there.
    pub after: Option<Value>,
}

/// What says something to people and nothing of values.
const ANNOTATIONS: [&str; 14] = [
    "$comment",
    "$id",
    "$schema",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "default",
    "deprecated",
    "description",
    "examples",
    "format",
    "readOnly",
    "title",
    "writeOnly",
];

const LEAST: [&str; 5] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
const MOST: [&str; 5] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];

/// Conditions that only take something away, and cannot be compared with each other.
const ALONE: [&str; 3] = ["pattern", "multipleOf", "not"];

/// Keywords that look at what others took. With one of them nothing can be judged alone.
const DEPENDENT: [&str; 2] = ["unevaluatedItems", "unevaluatedProperties"];

/// All differences that mean something for values; none where both schemas take the same.
pub fn changes(before: &Value, after: &Value) -> Vec<SchemaChange> {
    let mut walk = Walk { pointer: String::new(), changes: Vec::new() };
    walk.schema(before, after);
    walk.changes
}

struct Walk {
    pointer: String,
    changes: Vec<SchemaChange>,
}

impl Walk {
    fn add(&mut self, keyword: &str, direction: Direction, before: Option<&Value>, after: Option<&Value>) {
        self.changes.push(SchemaChange {
            pointer: self.pointer.clone(),
            keyword: keyword.to_owned(),
            direction,
            before: before.cloned(),
            after: after.cloned(),
        });
    }

    /// Compares what stands below.
    fn below(&mut self, path: &[&str], before: &Value, after: &Value) {
        let length = self.pointer.len();
        for name in path {
            self.pointer.push('/');
            self.pointer.push_str(&name.replace('~', "~0").replace('/', "~1"));
        }
        self.schema(before, after);
        self.pointer.truncate(length);
    }

    fn schema(&mut self, before: &Value, after: &Value) {
        if before == after {
            return;
        }
        let nothing = Map::new();
        let (old, new) = match (before, after) {
            (Value::Bool(false), _) => return self.add("", Direction::Wider, Some(before), Some(after)),
            (_, Value::Bool(false)) => return self.add("", Direction::Narrower, Some(before), Some(after)),
            (old, new) => (old.as_object().unwrap_or(&nothing), new.as_object().unwrap_or(&nothing)),
        };
        if DEPENDENT.iter().any(|keyword| old.contains_key(*keyword) || new.contains_key(*keyword)) {
            return self.add("", Direction::Unclear, Some(before), Some(after));
        }
        self.values(old, new);
        self.members(old, new);
        self.elements(old, new);
        let keywords: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for keyword in keywords {
            let (was, is) = (old.get(keyword), new.get(keyword));
            if was == is {
                continue;
            }
            let direction = match keyword.as_str() {
                "enum"
                | "const"
                | "properties"
                | "patternProperties"
                | "additionalProperties"
                | "items"
                | "prefixItems" => continue,
                keyword if ANNOTATIONS.contains(&keyword) => continue,
                "propertyNames" => {
                    let all = Value::Bool(true);
                    self.below(&["propertyNames"], was.unwrap_or(&all), is.unwrap_or(&all));
                    continue;
                }
                "type" => by_sets(types(was), types(is)),
                "anyOf" => by_sets(listed(was), listed(is)),
                // All of these are asked for, so more of them take less.
                "required" | "allOf" => {
                    by_sets(listed(is).or(Some(BTreeSet::new())), listed(was).or(Some(BTreeSet::new())))
                }
                "uniqueItems" => match (is_true(was), is_true(is)) {
                    (true, false) => Direction::Wider,
                    (false, true) => Direction::Narrower,
                    _ => continue,
                },
                keyword if LEAST.contains(&keyword) => by_limits(was, is, |was, is| is <= was),
                keyword if MOST.contains(&keyword) => by_limits(was, is, |was, is| is >= was),
                keyword if ALONE.contains(&keyword) && is.is_none() => Direction::Wider,
                keyword if ALONE.contains(&keyword) && was.is_none() => Direction::Narrower,
                _ => Direction::Unclear,
            };
            self.add(keyword, direction, was, is);
        }
    }

    /// `enum` and `const` are lists of values.
    fn values(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let of = |schema: &Map<String, Value>| match (schema.get("enum"), schema.get("const")) {
            (Some(Value::Array(values)), None) => Some(values.clone()),
            (None, Some(value)) => Some(vec![value.clone()]),
            (Some(Value::Array(values)), Some(value)) => {
                Some(values.iter().filter(|of| *of == value).cloned().collect())
            }
            _ => None,
        };
        let (was, is) = (of(old), of(new));
        if was == is {
            return;
        }
        let set =
            |values: &Option<Vec<Value>>| values.as_ref().map(|values| values.iter().map(Value::to_string).collect());
        let direction = by_sets(set(&was), set(&is));
        self.add("enum", direction, was.map(Value::Array).as_ref(), is.map(Value::Array).as_ref());
    }

    /// What a member may be: its own schema, else that of all others.
    fn members(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        let keywords = ["properties", "patternProperties", "additionalProperties"];
        if keywords.iter().all(|keyword| old.get(*keyword) == new.get(*keyword)) {
            return;
        }
        if old.contains_key("patternProperties") || new.contains_key("patternProperties") {
            let pair = |schema: &Map<String, Value>| schema.get("patternProperties").cloned();
            return self.add("patternProperties", Direction::Unclear, pair(old).as_ref(), pair(new).as_ref());
        }
        let others =
            |schema: &'_ Map<String, Value>| schema.get("additionalProperties").cloned().unwrap_or(Value::Bool(true));
        let (old_others, new_others) = (others(old), others(new));
        let named = |schema: &Map<String, Value>| {
            schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
        };
        let (old_named, new_named) = (named(old), named(new));
        let names: BTreeSet<&String> = old_named.keys().chain(new_named.keys()).collect();
        for name in names {
            let was = old_named.get(name).unwrap_or(&old_others);
            let is = new_named.get(name).unwrap_or(&new_others);
            self.below(&["properties", name], was, is);
        }
        self.below(&["additionalProperties"], &old_others, &new_others);
    }

    /// What an element may be.
    fn elements(&mut self, old: &Map<String, Value>, new: &Map<String, Value>) {
        if old.get("prefixItems") != new.get("prefixItems") {
            return self.add("prefixItems", Direction::Unclear, old.get("prefixItems"), new.get("prefixItems"));
        }
        let all = Value::Bool(true);
        self.below(&["items"], old.get("items").unwrap_or(&all), new.get("items").unwrap_or(&all));
    }
}

/// Of sets of what is taken, where none takes everything.
fn by_sets(was: Option<BTreeSet<String>>, is: Option<BTreeSet<String>>) -> Direction {
    match (was, is) {
        (_, None) => Direction::Wider,
        (None, _) => Direction::Narrower,
        (Some(was), Some(is)) if was.is_subset(&is) => Direction::Wider,
        (Some(was), Some(is)) if is.is_subset(&was) => Direction::Narrower,
        _ => Direction::Unclear,
    }
}

/// Of limits, where none takes everything.
fn by_limits(was: Option<&Value>, is: Option<&Value>, is_wider: fn(f64, f64) -> bool) -> Direction {
    match (was, is) {
        (_, None) => Direction::Wider,
        (None, _) => Direction::Narrower,
        (Some(was), Some(is)) => match (was.as_f64(), is.as_f64()) {
            (Some(was), Some(is)) if is_wider(was, is) => Direction::Wider,
            (Some(_), Some(_)) => Direction::Narrower,
            _ => Direction::Unclear,
        },
    }
}

/// The types that are taken; whole numbers are numbers, too.
fn types(value: Option<&Value>) -> Option<BTreeSet<String>> {
    let names = match value? {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    let integer = names.contains(&"number").then_some("integer");
    Some(names.into_iter().chain(integer).map(str::to_owned).collect())
}

/// The parts of a list, as JSON; none where there is no list.
fn listed(value: Option<&Value>) -> Option<BTreeSet<String>> {
    Some(value?.as_array()?.iter().map(Value::to_string).collect())
}

fn is_true(value: Option<&Value>) -> bool {
    value == Some(&Value::Bool(true))
}

#[cfg(test)]
mod tests;
