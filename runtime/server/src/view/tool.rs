use bloom_ir::Digest;
use bloom_runtime::record::AuditEntry;
use bloom_runtime::tool::InstalledTool;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A tool that flows may call.
#[derive(Serialize, ToSchema)]
pub(crate) struct Tool {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The digest of its component, which a program pins.
    pub(crate) digest: String,
    /// What it says of itself.
    pub(crate) manifest: Value,
}

impl Tool {
    pub(crate) fn of(tool: &InstalledTool) -> Self {
        Self {
            name: tool.manifest.name.clone(),
            version: tool.manifest.version.clone(),
            digest: tool.digest.to_string(),
            manifest: serde_json::to_value(&tool.manifest).unwrap_or_default(),
        }
    }
}

/// A component that is being compiled.
#[derive(Serialize, ToSchema)]
pub(crate) struct Compiling {
    /// Of its bytes.
    pub(crate) digest: String,
    #[schema(example = "compiling")]
    pub(crate) status: &'static str,
    /// Where it is told what has become of it: 202 while it is compiled, 200 once it is a tool, 422 where it is none.
    pub(crate) url: String,
}

impl Compiling {
    pub(crate) fn of(digest: Digest) -> Self {
        let url = format!("/api/v1/tools/by-digest/{}", digest.hex());
        Self { digest: digest.to_string(), status: "compiling", url }
    }
}

/// Tools, by name.
#[derive(Serialize, ToSchema)]
pub(crate) struct ToolList {
    pub(crate) tools: Vec<Tool>,
}

/// Entries of the audit log, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// As they were written: `seq`, `prev`, `at` (Unix milliseconds), `actor`, `action`, …, `hash`.
    pub(crate) entries: Vec<Value>,
    /// The number to go on from; null where there are no more for now.
    pub(crate) next: Option<u64>,
}

/// That an entry stands in the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditProof {
    /// The entry, and all after it up to the checkpoint.
    pub(crate) entries: Vec<Value>,
    /// A DSSE envelope with `entries` and `head`, which is the hash of the last one.
    pub(crate) checkpoint: Value,
}

pub(crate) fn entries(entries: &[AuditEntry]) -> Vec<Value> {
    entries.iter().filter_map(|entry| serde_json::to_value(entry).ok()).collect()
}
