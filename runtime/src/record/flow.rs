//! Flows: signed IR documents by hash, and by `id@version`.

use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::{Actor, AuditNote};

/// A signed IR document that the store holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRecord {
    /// Its hash: what runs pin.
    pub hash: Digest,
    /// The hash of its program.
    pub program: Digest,
    /// The flow's id.
    pub id: String,
    /// The flow's version; `0.0.0` is never registered by name.
    pub version: String,
    /// Its title.
    pub title: String,
    /// Unix milliseconds.
    pub stored_at: i64,
}

impl FlowRecord {
    /// What the audit log says when it is stored.
    pub fn audit_note(&self, by: Actor) -> AuditNote {
        AuditNote {
            at: self.stored_at,
            actor: by,
            action: "flow_stored".to_owned(),
            entity_type: "flow".to_owned(),
            entity_id: format!("{}@{}", self.id, self.version),
            job_id: None,
            context_id: None,
            epoch: None,
            detail: [
                ("ir_hash", Value::from(self.hash.to_string())),
                ("program_hash", Value::from(self.program.to_string())),
            ]
            .into_iter()
            .collect(),
        }
    }

    /// Whether it is registered as `id@version`: `0.0.0` is the version of what was never published.
    pub fn is_registered(&self) -> bool {
        self.version != "0.0.0"
    }
}

/// A registered version of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowVersion {
    /// The program behind the name: another one under it is a conflict.
    pub program: Digest,
    /// The documents of that program, first come first.
    pub documents: Vec<Digest>,
}

impl FlowVersion {
    /// The version with this document alone.
    pub fn of(flow: &FlowRecord) -> Self {
        Self { program: flow.program, documents: vec![flow.hash] }
    }

    /// Adds a document of the same program, unless it is there.
    pub fn add(&mut self, flow: &FlowRecord) -> Result<(), FlowConflict> {
        if self.program != flow.program {
            return Err(FlowConflict { id: flow.id.clone(), version: flow.version.clone(), known: self.program });
        }
        if !self.documents.contains(&flow.hash) {
            self.documents.push(flow.hash);
        }
        Ok(())
    }
}

/// Another program stands under that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{id}@{version} is another program: {known}")]
pub struct FlowConflict {
    /// The flow's id.
    pub id: String,
    /// The flow's version.
    pub version: String,
    /// The program that stands there.
    pub known: Digest,
}
