//! The audit log: a hash chain of who did what.

use std::fmt;

use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

/// Who did something: `owner`, `operator:ann`, `run:<id>`, `worker:<id>`, `system`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What is written to the audit log; the store adds number and chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditNote {
    /// Unix milliseconds.
    pub at: i64,
    /// Who.
    pub actor: Actor,
    /// What, in snake_case: `run_started`, `task_leased`, `proposal_approved`.
    pub action: String,
    /// Of what kind of record.
    pub entity_type: String,
    /// Which one.
    pub entity_id: String,
    /// The run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// The execution context it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_id: Option<String>,
    /// The epoch of the lease it was done under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// More.
    pub detail: Value,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub seq: u64,
    /// The hash of the entry before; of the first one, the digest of no bytes.
    pub prev: Digest,
    /// What was written.
    #[serde(flatten)]
    pub note: AuditNote,
    /// The SHA-256 of this entry's compact JSON without `hash`.
    pub hash: Digest,
}
