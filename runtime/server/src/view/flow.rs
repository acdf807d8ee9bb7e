use bloom_ir::{Document, VerifiedIr};
use bloom_runtime::record::FlowRecord;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::time;

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
