//! From a component's bytes to a tool that can be called: nothing that is wrong with it is left for a run to find.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use bloom_ir::CompiledSchema;
use bloom_ir::schema::SchemaError;
use bloom_runtime::tool::InstalledTool;
use semver::Version;
use tokio::sync::Semaphore;

use crate::bindings::AdapterPre;
use crate::call::{self, Access, CallState, Environment, INTERFACES};
use crate::code::{self, Code, asks};
use crate::deadline::{CancelOnDrop, Deadline};
use crate::host::Workshop;
use crate::inspect::{Import, Inspection, Need};
use crate::{manifest, shipped};

const DESCRIBE_MS: u64 = 10_000;

/// The line of the WIT package's versions that this host has.
const CONTRACT: (u64, u64) = (0, 1);

/// A tool that can be called.
pub(crate) struct Tool {
    pub(crate) installed: InstalledTool,
    pub(crate) version: Version,
    pub(crate) code: Code,
    /// Whether a call can wait for something outside, or do nothing but compute.
    pub(crate) may_wait: bool,
    /// Whether its last call was done soon.
    pub(crate) is_brief: AtomicBool,
    pub(crate) input: CompiledSchema,
    pub(crate) output: CompiledSchema,
    /// How many calls of it may run at the same time.
    pub(crate) permits: Arc<Semaphore>,
}

/// Why a component was not installed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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
    /// It is built against another version of the contract.
    #[error("it imports `{import}`, and this host has version {}.{} of that", CONTRACT.0, CONTRACT.1)]
    OtherVersion {
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
    /// Its `describe` said two things.
    #[error("its `describe` does not always say the same")]
    Unsteady,
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
    /// The host failed.
    #[error("the host failed: {0}")]
    Host(String),
}

impl Tool {
    pub(crate) fn install(workshop: &Workshop, bytes: &[u8]) -> Result<Self, InstallError> {
        let (inspection, tool) = Self::examine(workshop, bytes);
        tool.ok_or_else(|| {
            let first = inspection.problems.into_iter().next();
            first.unwrap_or_else(|| InstallError::Host("it is no tool, for no reason".into()))
        })
    }

    /// Looks at everything that can be looked at, and makes a tool of it where nothing is wrong.
    pub(crate) fn examine(workshop: &Workshop, bytes: &[u8]) -> (Inspection, Option<Self>) {
        let mut seen = Inspection::new(shipped::digest(bytes), bytes.len());
        let tool = Self::of(workshop, bytes, &mut seen);
        (seen, tool)
    }

    fn of(workshop: &Workshop, bytes: &[u8], seen: &mut Inspection) -> Option<Self> {
        let loaded = workshop.cache.component(seen.digest, bytes);
        let component = seen.note(loaded.map_err(|error| InstallError::NotAComponent(format!("{error:#}"))))?;
        let component_type = component.component_type();
        seen.exports = component_type.exports(component.engine()).map(|(name, _)| name.to_owned()).collect();
        seen.imports = component_type.imports(component.engine()).map(|(name, _)| import(name)).collect();
        for import in &seen.imports {
            let name = import.name.clone();
            match import.need {
                Need::Nothing | Need::Capability(_) => {}
                Need::Forbidden => seen.problems.push(InstallError::ForbiddenImport { import: name }),
                Need::OtherVersion => seen.problems.push(InstallError::OtherVersion { import: name }),
            }
        }
        if !seen.problems.is_empty() {
            return None;
        }
        // Asked what it is, it may import whatever exists: it is granted nothing.
        let adapter = seen.note(code::adapter(&component, |_| true))?;
        let text = seen.note(described(&adapter, workshop))?;
        let (manifest, version) = match manifest::read(&text, workshop.limits.for_describe().output_bytes) {
            Ok(read) => read,
            Err(problems) => {
                seen.problems.extend(problems.into_iter().map(InstallError::Manifest));
                return None;
            }
        };
        seen.manifest = Some(manifest.clone());

        for import in &seen.imports {
            if let Need::Capability(kind) = import.need
                && !asks(&manifest, kind)
            {
                seen.problems.push(InstallError::UnaskedImport { import: import.name.clone(), kind });
            }
        }
        let schema =
            |which, schema| CompiledSchema::compile(schema).map_err(|error| InstallError::Schema { which, error });
        let input = seen.note(schema("input", &manifest.input));
        let output = seen.note(schema("output", &manifest.output));
        if !seen.problems.is_empty() {
            return None;
        }
        let adapter = seen.note(code::adapter(&component, |kind| asks(&manifest, kind)))?;
        let installed = InstalledTool { manifest, digest: seen.digest };
        let code = Code::of(adapter, &installed, workshop);
        let may_wait = seen.imports.iter().any(|import| matches!(import.need, Need::Capability(kind) if waits(kind)));
        let permits = Arc::new(Semaphore::new(workshop.limits.calls_of_one()));
        Some(Self {
            installed,
            version,
            code,
            may_wait,
            is_brief: AtomicBool::new(false),
            input: input?,
            output: output?,
            permits,
        })
    }
}

/// What it says of itself, asked twice.
fn described(adapter: &AdapterPre<CallState>, workshop: &Workshop) -> Result<String, InstallError> {
    let ask = || {
        let cancel = CancelOnDrop::default();
        let environment = Environment {
            tool: "a component that is asked what it is".into(),
            call_id: "describe".into(),
            access: Access::default(),
            limits: workshop.limits.for_describe(),
            deadline: Deadline::after(DESCRIBE_MS, &cancel),
            outside: None,
        };
        call::describe(adapter, &workshop.ticker, environment)
            .map_err(|fault| InstallError::Describe(fault.to_string()))
    };
    let text = ask()?;
    if ask()? == text { Ok(text) } else { Err(InstallError::Unsteady) }
}

/// Whether functions that a kind of capability opens wait for something outside.
fn waits(kind: &str) -> bool {
    kind != "config"
}

/// What an import needs.
fn import(name: &str) -> Import {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let need = match INTERFACES.iter().find(|known| known.name == interface) {
        None if !interface.starts_with("bloom:tool/") => Need::Forbidden,
        known => match (known, Version::parse(version)) {
            (_, Ok(version)) if (version.major, version.minor) != CONTRACT => Need::OtherVersion,
            (Some(known), _) => known.kind.map_or(Need::Nothing, Need::Capability),
            (None, _) => Need::Forbidden,
        },
    };
    Import { name: name.to_owned(), need }
}
