//! What the difference between two versions of a tool means for the flows that call it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::ToolManifest;
use crate::schema::{self, Direction};

/// One difference.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The member of the manifest in which it is, as `input`.
    pub part: &'static str,
    /// What of it: a JSON pointer into a schema, a name; empty where it is all of it.
    pub place: String,
    /// What is different there: a keyword of a schema; empty elsewhere.
    pub keyword: String,
    /// What happened.
    pub kind: ChangeKind,
    /// As it was.
    pub before: Option<Value>,
    /// As it is.
    pub after: Option<Value>,
    /// Whether a flow that was right before may be wrong now.
    pub breaking: bool,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It is another.
    Changed,
    /// It takes more.
    Wider,
    /// It takes less.
    Narrower,
    /// It takes more or less: which of them cannot be told.
    Unclear,
}

impl ToolManifest {
    /// All differences to a newer version that matter to whoever calls it, grants it or reads of it; in the order of the
    /// manifest's members.
    ///
    /// It breaks flows when less is taken or something else returned, when what texts may call is named otherwise, when the
    /// effect is another, or when more is asked for than the operator granted. A field more in a result breaks nothing:
    /// flows read fields by their names.
    pub fn changes(&self, newer: &Self) -> Vec<Change> {
        let mut changes = Changes(Vec::new());
        changes.value("name", &self.name, &newer.name, true);
        changes.value("version", &self.version, &newer.version, false);
        changes.value("description", &self.description, &newer.description, false);
        changes.value("effect", &self.effect, &newer.effect, true);
        changes.schema("input", &self.input, &newer.input, |_, direction| direction != Direction::Wider);
        changes.schema("output", &self.output, &newer.output, |is_new, direction| {
            !is_new && direction != Direction::Narrower
        });
        // Those at the end may become more.
        let extends = newer.params.starts_with(&self.params);
        changes.value("params", &self.params, &newer.params, !extends);
        changes.names("aliases", &self.aliases, &newer.aliases, true, false);
        changes.set("capabilities", &self.capabilities, &newer.capabilities, false, true);
        changes.set("also_called", &self.also_called, &newer.also_called, true, false);
        changes.value("retry", &self.retry, &newer.retry, false);
        changes.names("failures", &self.failures, &newer.failures, false, false);
        changes.0
    }
}

struct Changes(Vec<Change>);

impl Changes {
    fn add(&mut self, part: &'static str, place: &str, kind: ChangeKind, values: [Option<Value>; 2], breaking: bool) {
        let ([before, after], place, keyword) = (values, place.to_owned(), String::new());
        self.0.push(Change { part, place, keyword, kind, before, after, breaking });
    }

    fn value<T: PartialEq + Serialize>(&mut self, part: &'static str, before: &T, after: &T, breaking: bool) {
        if before != after {
            self.add(part, "", ChangeKind::Changed, [Some(json!(before)), Some(json!(after))], breaking);
        }
    }

    /// `breaks` is told whether it is a member that was not there, and the direction.
    fn schema(&mut self, part: &'static str, before: &Value, after: &Value, breaks: impl Fn(bool, Direction) -> bool) {
        for change in schema::changes(before, after) {
            let schema::SchemaChange { pointer, keyword, direction, before, after } = change;
            let is_member = pointer.rsplit('/').nth(1) == Some("properties") && keyword.is_empty();
            let (kind, is_new) = match direction {
                Direction::Wider if is_member => (ChangeKind::Added, true),
                Direction::Narrower if is_member => (ChangeKind::Removed, false),
                Direction::Wider => (ChangeKind::Wider, false),
                Direction::Narrower => (ChangeKind::Narrower, false),
                Direction::Unclear => (ChangeKind::Unclear, false),
            };
            let breaking = breaks(is_new, direction);
            self.0.push(Change { part, place: pointer, keyword, kind, before, after, breaking });
        }
    }

    fn set(
        &mut self,
        part: &'static str,
        before: &[String],
        after: &[String],
        removal_breaks: bool,
        addition_breaks: bool,
    ) {
        for name in before.iter().filter(|name| !after.contains(name)) {
            self.add(part, name, ChangeKind::Removed, [None, None], removal_breaks);
        }
        for name in after.iter().filter(|name| !before.contains(name)) {
            self.add(part, name, ChangeKind::Added, [None, None], addition_breaks);
        }
    }

    fn names(
        &mut self,
        part: &'static str,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
        breaks: bool,
        addition_breaks: bool,
    ) {
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let (was, is) = (before.get(name), after.get(name));
            let (kind, breaking) = match (was, is) {
                (was, is) if was == is => continue,
                (None, _) => (ChangeKind::Added, addition_breaks),
                (_, None) => (ChangeKind::Removed, breaks),
                _ => (ChangeKind::Changed, breaks),
            };
            self.add(part, name, kind, [was, is].map(|text| text.map(|text| json!(text))), breaking);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Value {
        json!({
            "name": "search", "version": "1.0.0", "description": "…", "effect": "read",
            "input": {
                "type": "object", "additionalProperties": false, "required": ["query"],
                "properties": { "query": { "type": "string" }, "limit": { "type": "integer", "maximum": 100 } },
            },
            "output": {
                "type": "object", "additionalProperties": false, "required": ["total"],
                "properties": { "total": { "type": "integer" } },
            },
            "params": ["query"], "aliases": { "запит": "query" }, "capabilities": ["files:notes"],
            "also_called": ["find"], "failures": { "empty_query": "…" },
        })
    }

    /// The changes, as `! part place kind`, where `!` breaks.
    fn changed(pointer: &str, value: Value) -> Vec<String> {
        let mut newer = manifest();
        *newer.pointer_mut(pointer).unwrap() = value;
        let [old, new] = [manifest(), newer].map(|json| serde_json::from_value::<ToolManifest>(json).unwrap());
        let shown = |change: Change| {
            let mark = if change.breaking { "!" } else { " " };
            let kind = json!(change.kind);
            format!("{mark} {} {}{} {}", change.part, change.place, change.keyword, kind.as_str().unwrap())
        };
        old.changes(&new).into_iter().map(shown).collect()
    }

    #[test]
    fn the_same_manifest_has_no_changes() {
        assert!(changed("/name", json!("search")).is_empty());
        assert!(
            changed("/input/properties/limit", json!({ "maximum": 100, "description": "x", "type": "integer" }))
                .is_empty()
        );
    }

    #[test]
    fn what_takes_more_or_returns_more_fields_breaks_nothing() {
        assert_eq!(changed("/input/properties/limit/maximum", json!(200)), ["  input /properties/limitmaximum wider"]);
        assert_eq!(changed("/input/required", json!([])), ["  input required wider"]);
        let more = json!({ "total": { "type": "integer" }, "more": {} });
        assert_eq!(changed("/output/properties", more), ["  output /properties/more added"]);
        assert_eq!(changed("/params", json!(["query", "limit"])), ["  params  changed"]);
        assert_eq!(changed("/capabilities", json!([])), ["  capabilities files:notes removed"]);
        assert_eq!(
            changed("/failures", json!({ "other": "…" })),
            ["  failures empty_query removed", "  failures other added"]
        );
        assert_eq!(changed("/version", json!("1.0.1")), ["  version  changed"]);
    }

    #[test]
    fn what_takes_less_or_returns_something_else_breaks_flows() {
        assert_eq!(
            changed("/input/properties/limit/maximum", json!(10)),
            ["! input /properties/limitmaximum narrower"]
        );
        assert_eq!(changed("/input/required", json!(["query", "limit"])), ["! input required narrower"]);
        assert_eq!(
            changed("/input/properties", json!({ "query": { "type": "string" } })),
            ["! input /properties/limit removed"]
        );
        assert_eq!(changed("/output/properties/total/type", json!("number")), ["! output /properties/totaltype wider"]);
        assert_eq!(changed("/output/required", json!([])), ["! output required wider"]);
        assert_eq!(changed("/params", json!(["limit", "query"])), ["! params  changed"]);
        assert_eq!(changed("/aliases", json!({})), ["! aliases запит removed"]);
        assert_eq!(changed("/capabilities", json!(["files:notes", "http:*"])), ["! capabilities http:* added"]);
        assert_eq!(changed("/also_called", json!([])), ["! also_called find removed"]);
        assert_eq!(changed("/effect", json!("operational")), ["! effect  changed"]);
        assert_eq!(changed("/name", json!("searcher")), ["! name  changed"]);
    }
}
