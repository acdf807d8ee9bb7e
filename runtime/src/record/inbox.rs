//! Inbox entries: every intent, also a submitted run.

use bloom_ir::Value;
use serde::{Deserialize, Serialize};

use super::{Actor, InboxId};

/// An intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InboxEntry {
    /// Its id.
    pub id: InboxId,
    /// Who wants it.
    pub source: Actor,
    /// What is wanted, as `run-flow`.
    pub action: String,
    /// Of what, as a flow's `id@version`.
    pub target: String,
    /// With what.
    pub payload: Value,
    /// Where it stands.
    pub status: InboxStatus,
    /// Unix milliseconds.
    pub created_at: i64,
    /// What it belongs to, usually a run's id.
    pub correlation_id: String,
    /// Who approved it, where that was the act of submitting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Actor>,
}

/// Where an intent stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum InboxStatus {
    /// Not looked at.
    Pending,
    /// Became a run or a proposal.
    Processed,
    /// Refused.
    Rejected,
    /// Nobody decided in time.
    Expired,
}
