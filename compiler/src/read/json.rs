//! JSON as it stands in a file: the members of an object keep their order, and one that stands twice is seen.

use std::fmt;

use bloom_ir::Diagnostic;
use bloom_ir::diagnostic::Place;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Number;

use crate::codes;
use crate::report::Report;

/// A value. What is in an array is of no interest to any reader of diagrams.
#[derive(Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array,
    Object(Object),
}

/// The members of an object, in the order of the file.
#[derive(Debug, Default)]
pub(super) struct Object(pub(super) Vec<(String, Json)>);

impl Json {
    /// Reads a whole text.
    pub(super) fn read(text: &str) -> Result<Self, Box<Diagnostic>> {
        serde_json::from_str(text).map_err(|error| Box::new(explain(&error)))
    }

    /// What it is, as messages name it.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array => "array",
            Self::Object(_) => "object",
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }
}

impl Object {
    /// A member; `null` counts as none.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        self.0.iter().find(|(found, value)| found == name && !matches!(value, Json::Null)).map(|(_, value)| value)
    }

    pub(super) fn is_true(&self, name: &str) -> bool {
        matches!(self.get(name), Some(Json::Bool(true)))
    }

    /// Takes a member out.
    pub(super) fn take(&mut self, name: &str) -> Option<Json> {
        let at = self.0.iter().position(|(found, value)| found == name && !matches!(value, Json::Null))?;
        Some(self.0.swap_remove(at).1)
    }

    /// Tells the members that stand twice: readers differ in which of the two they take.
    pub(super) fn tell_repeated(&self, place: impl Fn() -> Place, report: &mut Report) {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let mut told = None;
        for pair in names.windows(2) {
            if pair[0] == pair[1] && told != Some(pair[0]) {
                told = Some(pair[0]);
                let name: String = pair[0].chars().take(60).collect();
                report.add(Diagnostic::error(codes::REPEATED_MEMBER, place()).with("name", name));
            }
        }
    }
}

/// Recursion is bounded by the reader of `serde_json`.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Json;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
                Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
            }

            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::String(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Json, E> {
                Ok(Json::String(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                while access.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Json::Array)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = access.next_entry()? {
                    members.push(member);
                }
                Ok(Json::Object(Object(members)))
            }
        }

        deserializer.deserialize_any(Collect)
    }
}

/// Says in the words of the catalogue what the reader of JSON stumbled over.
fn explain(error: &serde_json::Error) -> Diagnostic {
    let said = error.to_string();
    let reason = [
        ("EOF while parsing", "end"),
        ("recursion limit", "depth"),
        ("number out of range", "number"),
        ("surrogate", "surrogate"),
        ("unexpected end of hex escape", "surrogate"),
        ("control character", "control"),
        ("trailing characters", "rest"),
        ("trailing comma", "comma"),
    ];
    let reason = reason.iter().find(|(words, _)| said.contains(words)).map_or("other", |(_, reason)| reason);
    // The place is in the message already, in the person's language.
    let detail = said.split(" at line ").next().unwrap_or_default().to_owned();
    Diagnostic::error(codes::NOT_JSON, Place::File)
        .with("line", error.line())
        .with("column", error.column())
        .with("reason", reason)
        .with("detail", detail)
}
