//! From a component's bytes to a tool that can be called: nothing that is wrong with it is left for a run to find.

use bloom_ir::capability::Capability;
use bloom_ir::manifest::ToolManifest;
use bloom_ir::schema::SchemaError;
use bloom_ir::{CompiledSchema, Digest};
use bloom_runtime::tool::InstalledTool;
use semver::Version;
use wasmtime::component::Component;

use crate::Limits;
use crate::bindings::AdapterPre;
use crate::cache::Cache;
use crate::call::{self, CallState, Environment, Grants, INTERFACES};
use crate::deadline::{CancelOnDrop, Deadline, Ticker};

const DESCRIBE_MS: u64 = 10_000;

/// A tool that can be called.
pub(crate) struct Tool {
    pub(crate) installed: InstalledTool,
    pub(crate) version: Version,
    pub(crate) adapter: AdapterPre<CallState>,
    pub(crate) input: CompiledSchema,
    pub(crate) output: CompiledSchema,
}

/// Why a component was not installed.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    /// The bytes are no component, or one that uses what this host does not support.
    #[error("it is no component that can be loaded: {0}")]
    NotAComponent(String),
    /// It needs something that no tool gets.
    #[error("it imports `{import}`, which tools do not get")]
    ForbiddenImport {
        /// The import's name.
        import: String,
    },
    /// It needs something that its manifest does not ask for.
    #[error("it imports `{import}`, and its manifest asks for no capability `{kind}:…`")]
    UnaskedImport {
        /// The import's name.
        import: String,
        /// The kind of capability.
        kind: &'static str,
    },
    /// It is not of the world `bloom:tool/adapter`.
    #[error("it does not fit the world `bloom:tool/adapter@0.1.0`: {0}")]
    WrongWorld(String),
    /// Its `describe` stopped.
    #[error("its `describe` failed: {0}")]
    Describe(String),
    /// What it says of itself is no manifest.
    #[error("its manifest is wrong: {0}")]
    Manifest(String),
    /// A schema of its manifest is none.
    #[error("the {which} schema of its manifest is wrong at `{}`: {}", error.pointer, error.message)]
    Schema {
        /// `input` or `output`.
        which: &'static str,
        /// What is wrong with it.
        error: SchemaError,
    },
}

impl Tool {
    pub(crate) fn install(cache: &Cache, ticker: &Ticker, limits: &Limits, bytes: &[u8]) -> Result<Self, InstallError> {
        let digest = Digest::of(bytes);
        let component =
            cache.component(digest, bytes).map_err(|error| InstallError::NotAComponent(format!("{error:#}")))?;
        let imports = imports(&component)?;
        // Asked what it is, it may import whatever exists: it is granted nothing.
        let adapter = adapter(&component, |_| true)?;
        let cancel = CancelOnDrop::default();
        let environment = Environment {
            tool: digest.to_string(),
            call_id: "describe".into(),
            grants: Grants::default(),
            limits: limits.for_describe(),
            deadline: Deadline::after(DESCRIBE_MS, &cancel),
        };
        let text =
            call::describe(&adapter, ticker, environment).map_err(|fault| InstallError::Describe(fault.to_string()))?;
        let (manifest, version) = manifest(&text, limits.for_describe().output_bytes)?;

        let asks = |kind: &str| {
            manifest.capabilities.iter().any(|asked| asked.split_once(':').is_some_and(|(of, _)| of == kind))
        };
        if let Some((import, kind)) =
            imports.into_iter().find_map(|(import, kind)| kind.filter(|kind| !asks(kind)).map(|kind| (import, kind)))
        {
            return Err(InstallError::UnaskedImport { import, kind });
        }
        let schema =
            |which, schema| CompiledSchema::compile(schema).map_err(|error| InstallError::Schema { which, error });
        let (input, output) = (schema("input", &manifest.input)?, schema("output", &manifest.output)?);
        let adapter = self::adapter(&component, asks)?;
        Ok(Self { installed: InstalledTool { manifest, digest }, version, adapter, input, output })
    }
}

/// What it imports, with the kind of capability that each import needs.
fn imports(component: &Component) -> Result<Vec<(String, Option<&'static str>)>, InstallError> {
    let component_type = component.component_type();
    let names = component_type.imports(component.engine()).map(|(name, _)| name.to_owned());
    names
        .map(|import| {
            let interface = import.split_once('@').map_or(import.as_str(), |(interface, _)| interface);
            match INTERFACES.iter().find(|(known, _)| *known == interface) {
                Some((_, kind)) => Ok((import, *kind)),
                None => Err(InstallError::ForbiddenImport { import }),
            }
        })
        .collect()
}

fn adapter(component: &Component, granted: impl Fn(&str) -> bool) -> Result<AdapterPre<CallState>, InstallError> {
    let linker = call::linker(component.engine(), granted);
    linker
        .and_then(|linker| linker.instantiate_pre(component))
        .and_then(AdapterPre::new)
        .map_err(|error| InstallError::WrongWorld(format!("{error:#}")))
}

fn manifest(text: &str, limit: usize) -> Result<(ToolManifest, Version), InstallError> {
    let wrong = |message: String| InstallError::Manifest(message);
    if text.len() > limit {
        return Err(wrong(format!("it has {} bytes, more than {limit}", text.len())));
    }
    let manifest: ToolManifest = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if !is_kebab_case(&manifest.name) {
        return Err(wrong(format!("the name {:?} is not in kebab-case", manifest.name)));
    }
    let version =
        Version::parse(&manifest.version).map_err(|error| wrong(format!("version {:?}: {error}", manifest.version)))?;
    for asked in &manifest.capabilities {
        asked.parse::<Capability>().map_err(|error| wrong(format!("the capability {asked:?}: {error}")))?;
    }
    let input = manifest.input.get("properties").and_then(|properties| properties.as_object());
    let known = |name: &String| input.is_some_and(|properties| properties.contains_key(name));
    if let Some(unknown) = manifest.params.iter().find(|param| !known(param)) {
        return Err(wrong(format!("the positional parameter {unknown:?} is no property of the input schema")));
    }
    Ok((manifest, version))
}

fn is_kebab_case(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(change: impl FnOnce(&mut serde_json::Value)) -> String {
        let mut json = serde_json::json!({
            "name": "echo", "version": "1.0.0", "description": "Says it again.", "effect": "read",
            "input": { "type": "object", "properties": { "text": {} } }, "output": {},
            "params": ["text"], "capabilities": ["files:notes"], "a field of tomorrow": 1,
        });
        change(&mut json);
        manifest(&json.to_string(), 1000).map_or_else(|error| error.to_string(), |(manifest, _)| manifest.name)
    }

    #[test]
    fn unknown_fields_are_ignored() {
        assert_eq!(error(|_| {}), "echo");
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(error(|json| json["name"] = "Echo".into()).contains("\"Echo\" is not in kebab-case"));
        assert!(error(|json| json["version"] = "1".into()).contains("version \"1\""));
        assert!(error(|json| json["capabilities"][0] = "files".into()).contains("\"files\" is not of the form"));
        assert!(error(|json| json["params"][0] = "txt".into()).contains("\"txt\" is no property"));
        assert!(error(|json| json["description"] = "x".repeat(1000).into()).contains("more than 1000"));
        assert!(error(|json| json["effect"] = "destroy".into()).contains("destroy"));
    }
}
