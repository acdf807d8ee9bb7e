//! What a tool says of itself, derived from its types.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use crate::Failure;

/// What stands in the attribute, and beside it.
pub struct About {
    /// In kebab-case.
    pub name: &'static str,
    /// A semantic version.
    pub version: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// `read`, `operational` or `propose`.
    pub effect: &'static str,
    /// The positional arguments; none: the required fields.
    pub params: Option<&'static [&'static str]>,
    /// Other names of arguments.
    pub aliases: &'static [(&'static str, &'static str)],
    /// What it asks for.
    pub capabilities: &'static [&'static str],
    /// Other names of the tool.
    pub also_called: &'static [&'static str],
    /// Codes that it fails with, and what each means.
    pub failures: &'static [(&'static str, &'static str)],
}

/// The manifest of a function, as JSON.
pub fn manifest<Input: JsonSchema, Output: JsonSchema>(
    about: &About,
    _: fn(Input) -> Result<Output, Failure>,
) -> String {
    let input = schema::<Input>(settings().for_deserialize());
    let output = schema::<Output>(settings().for_serialize());
    let params = about.params.map_or_else(|| input.get("required").cloned(), |params| Some(json!(params)));
    json!({
        "name": about.name,
        "version": about.version,
        "description": about.description,
        "effect": about.effect,
        "input": input,
        "output": output,
        "params": params.unwrap_or_else(|| json!([])),
        "aliases": map(about.aliases),
        "capabilities": about.capabilities,
        "also_called": about.also_called,
        "failures": map(about.failures),
    })
    .to_string()
}

fn map(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, text)| ((*key).to_owned(), Value::from(*text))).collect::<serde_json::Map<_, _>>().into()
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    })
}

fn schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    // The name of a Rust type says nothing to those who read a manifest.
    schema.remove("title");
    schema.into()
}
