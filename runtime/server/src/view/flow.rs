use bloom_ir::diagnostic::{Place, Severity};
use bloom_ir::document::Locale;
use bloom_ir::{Diagnostic, Document, PublicKey, TrustList, VerifiedIr};
use bloom_runtime::record::FlowRecord;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{ErrorPart, time};

/// A version of a flow.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct Flow {
    /// Its id.
    #[schema(example = "archivist")]
    pub(crate) id: String,
    /// Its version; `0.0.0` is none that was published by name.
    #[schema(example = "1.0.0")]
    pub(crate) version: String,
    /// Its title.
    pub(crate) title: String,
    /// What runs pin.
    #[schema(example = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]
    pub(crate) hash: String,
    /// The hash of its program, which is the same for documents that differ in their source only.
    pub(crate) program: String,
    /// When this server got it.
    pub(crate) published_at: String,
}

impl Flow {
    pub(crate) fn of(record: &FlowRecord) -> Self {
        Self {
            id: record.id.clone(),
            version: record.version.clone(),
            title: record.title.clone(),
            hash: record.hash.to_string(),
            program: record.program.to_string(),
            published_at: time(record.stored_at),
        }
    }
}

/// Flows, each in its newest version, by id.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlowList {
    pub(crate) flows: Vec<Flow>,
}

/// The versions of a flow, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct Versions {
    pub(crate) id: String,
    pub(crate) versions: Vec<Flow>,
}

/// A flow with what it takes, gives, and may do.
#[derive(Serialize, ToSchema)]
pub(crate) struct FlowDetail {
    #[serde(flatten)]
    pub(crate) flow: Flow,
    /// JSON Schema of its inputs.
    pub(crate) inputs: Value,
    /// JSON Schema of its result.
    pub(crate) outputs: Value,
    /// The tools that it may call, what it may propose, and how much it may use.
    pub(crate) policy: Value,
    /// The file that it was made from: `kind`, `name` and `sha256`; null where that is not said.
    pub(crate) source: Option<Value>,
}

/// Parts of a document have string keys and finite numbers only.
fn json(part: &impl Serialize) -> Value {
    serde_json::to_value(part).unwrap_or_default()
}

impl FlowDetail {
    pub(crate) fn of(record: &FlowRecord, document: &Document) -> Self {
        Self {
            flow: Flow::of(record),
            inputs: json(&document.inputs),
            outputs: json(&document.outputs),
            policy: json(&document.policy),
            source: document.source.as_ref().map(|source| {
                let mut source = json(source);
                if let Some(members) = source.as_object_mut() {
                    members.retain(|name, _| matches!(name.as_str(), "kind" | "name" | "sha256"));
                }
                source
            }),
        }
    }
}

/// What was published.
#[derive(Serialize, ToSchema)]
pub(crate) struct Published {
    #[serde(flatten)]
    pub(crate) flow: Flow,
    /// The ids of the keys that count for it.
    pub(crate) signers: Vec<String>,
    /// What was found in it that does not stand in its way.
    pub(crate) warnings: Vec<Value>,
}

impl Published {
    pub(crate) fn of(record: &FlowRecord, ir: &VerifiedIr) -> Self {
        Self {
            flow: Flow::of(record),
            signers: ir.signers().iter().map(bloom_ir::PublicKey::id).collect(),
            warnings: ir.warnings().iter().filter_map(|found| serde_json::to_value(found).ok()).collect(),
        }
    }
}

/// What would become of a flow if it were published.
#[derive(Serialize, ToSchema)]
pub(crate) struct Checked {
    /// What it would be called; null where it has errors.
    pub(crate) flow: Option<Named>,
    /// Whether this program is there already under this name and version.
    pub(crate) known: bool,
    /// The newest version of a flow of this id that is there.
    pub(crate) newest: Option<String>,
    /// The keys whose signatures would count for it. A diagram would be signed by the server with its own.
    pub(crate) signers: Vec<Signer>,
    /// What publishing it would be refused with, to whoever asks now; null: it would be published.
    pub(crate) refused: Option<ErrorPart>,
    /// What was found, errors first.
    pub(crate) diagnostics: Vec<Found>,
    /// The diagram as SVG, for a page that gives the colours: icons that have errors are of the class `failed`. Null for a
    /// document, for pseudocode, and for what cannot be drawn.
    pub(crate) picture: Option<String>,
}

/// What a document is called.
#[derive(Serialize, ToSchema)]
pub(crate) struct Named {
    #[schema(example = "archivist")]
    pub(crate) id: String,
    /// `0.0.0`: none is stated.
    pub(crate) version: String,
    pub(crate) title: String,
    /// What would be signed, and what runs pin.
    pub(crate) hash: String,
    /// The hash of its program, which is the same for documents that differ in their source only.
    pub(crate) program: String,
}

impl Named {
    pub(crate) fn of(document: &Document) -> Self {
        let hashed = document.hashed();
        let flow = &document.flow;
        Self {
            id: flow.id.clone(),
            version: flow.version.clone(),
            title: flow.title.clone(),
            hash: hashed.hash.to_string(),
            program: hashed.program.to_string(),
        }
    }
}

/// Whose signature counts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Signer {
    /// The id of the key.
    pub(crate) key: String,
    /// What the server's trust list calls it; null where it is not there.
    pub(crate) name: Option<String>,
    /// What it vouches as.
    pub(crate) roles: Vec<String>,
}

impl Signer {
    pub(crate) fn of(key: &PublicKey, trust: &TrustList) -> Self {
        let known = trust.keys.iter().find(|trusted| trusted.key == *key);
        Self {
            key: key.id(),
            name: known.map(|trusted| trusted.name.clone()),
            roles: known.map(|trusted| trusted.roles.clone()).unwrap_or_default(),
        }
    }
}

/// A problem, told in the language that was asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Found {
    /// A stable code.
    #[schema(example = "D100")]
    pub(crate) code: &'static str,
    /// `error` or `warning`.
    pub(crate) severity: Severity_,
    /// What is wrong, in a sentence.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// The icon.
    pub(crate) item: Option<String>,
    /// The line of pseudocode, from 1.
    pub(crate) line: Option<usize>,
    /// What is written in the icon or the line.
    pub(crate) text: Option<String>,
    /// The page of this server that says what the code means.
    #[schema(example = "/codes/D100")]
    pub(crate) about: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity_ {
    Error,
    Warning,
}

impl Found {
    pub(crate) fn of(found: &Diagnostic, locale: Locale) -> Self {
        let (item, line, text) = match &found.place {
            Place::File => (None, None, None),
            Place::Item { id, text, .. } => (Some(id.clone()), None, Some(text.clone())),
            Place::Line { line, text, .. } => (None, Some(*line), Some(text.clone())),
            Place::Node { item, pointer, .. } => (item.clone(), None, Some(pointer.clone())),
        };
        Self {
            code: found.code.0,
            severity: match found.severity {
                Severity::Error => Severity_::Error,
                Severity::Warning => Severity_::Warning,
            },
            message: found.message(locale),
            hint: found.hint(locale),
            item,
            line,
            text: text.filter(|text| !text.is_empty()),
            about: format!("/codes/{}", found.code),
        }
    }
}
