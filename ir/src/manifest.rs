//! What a tool says of itself.

mod change;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::change::{Change, ChangeKind};
use crate::document::{Retry, Schema, ToolEffect};

/// What a tool's `describe` returns, as JSON. Unknown fields are ignored, so that it can grow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "BLOOM tool manifest 0.1")]
pub struct ToolManifest {
    /// In kebab-case.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$"))]
    pub name: String,
    /// A semantic version.
    pub version: String,
    /// One sentence, for people and for models.
    pub description: String,
    /// What a call does.
    pub effect: ToolEffect,
    /// What a call takes: an object.
    pub input: Schema,
    /// What a call returns.
    pub output: Schema,
    /// The names of the positional arguments, in their order.
    #[serde(default)]
    pub params: Vec<String>,
    /// Other names of arguments and of proposal actions' fields, as `зміст` for `content`.
    #[serde(default)]
    pub aliases: BTreeMap<String, String>,
    /// What it asks for: `files:notes`, `http:api.example.org GET POST`, `config:key`, `artifacts:own`.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// Other names of the tool, as `memory-read` for `read-memory`. A tool whose own name that is comes before it.
    #[serde(default)]
    pub also_called: Vec<String>,
    /// How often a call is tried, where the usual way does not suit what it talks to. It goes into the flows that call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// Codes of its own that a call can fail with, and what each of them means.
    #[serde(default)]
    pub failures: BTreeMap<String, String>,
}

impl ToolManifest {
    /// Whether that is one of its names.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.also_called.iter().any(|other| other == name)
    }

    /// The action that every proposal of this tool has, where its schemas leave no choice.
    pub fn fixed_action(&self) -> Option<&str> {
        [&self.input, &self.output].into_iter().find_map(|schema| {
            let action = schema.get("properties")?.get("action")?;
            action.get("const").or_else(|| action.get("default"))?.as_str()
        })
    }
}
