//! Runs.

use bloom_interpreter::effect::EffectError;
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::{ContextId, InboxId, RunId};

/// A run, without its history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// The flow's id.
    pub flow: String,
    /// The flow's version.
    pub version: String,
    /// The IR that it pins.
    pub ir: Digest,
    /// Where it stands. Terminal states never change.
    pub status: RunStatus,
    /// Its execution context.
    pub context: ContextId,
    /// The inbox entry that asked for it.
    pub inbox: InboxId,
    /// Its inputs: a map.
    pub inputs: Value,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds of the last event.
    pub updated_at: i64,
    /// The number of events in its history.
    pub events: u64,
    /// The hash of its last event.
    pub history_head: Digest,
    /// Its result, when completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<EffectError>,
    /// Tokens used so far.
    #[serde(default)]
    pub tokens: u64,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Asked for, not yet accepted.
    Requested,
    /// Accepted, not yet started.
    Queued,
    /// Started; also while it waits.
    Running,
    /// Ended as drawn.
    Completed,
    /// Ended with an error.
    Failed,
    /// Stopped.
    Cancelled,
}

impl RunStatus {
    /// Whether it has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}
