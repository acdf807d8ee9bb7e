//! The history of a run: what was recorded, as a hash chain.

use bloom_ir::document::NodeId;
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use crate::effect::{Answer, EffectCall, EffectError, EffectId, Emission};

/// An event, as it is stored and exported (one line of JSON, keys in UTF-8 order).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When it was recorded, in Unix milliseconds.
    pub at: i64,
    /// What happened; absent when it was erased on demand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<Payload>,
    /// The SHA-256 of the payload's bytes, which the chain covers in its place.
    pub payload_sha256: Digest,
    /// The hash of the event before; of the first one, the digest of no bytes.
    pub prev: Digest,
    /// From 1.
    pub seq: u64,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Payload {
    /// A run was started.
    #[serde(rename = "run.started")]
    RunStarted(Started),
    /// An effect was asked for.
    #[serde(rename = "effect.requested")]
    EffectRequested {
        /// Which.
        effect: EffectId,
        /// The node.
        node: NodeId,
        /// How often the node was entered in its branch.
        visit: u64,
        /// What was asked.
        call: EffectCall,
    },
    /// An attempt failed, and another follows.
    #[serde(rename = "effect.attempted")]
    EffectAttempted {
        /// Which.
        effect: EffectId,
        /// From 1.
        attempt: u32,
        /// Why it failed.
        error: EffectError,
        /// The chosen delay before the next one, jitter included.
        delay_ms: u64,
    },
    /// An effect has its answer.
    #[serde(rename = "effect.completed")]
    EffectCompleted {
        /// Which.
        effect: EffectId,
        /// The attempt that answered.
        attempt: u32,
        /// The answer.
        answer: Answer,
    },
    /// An effect failed for good.
    #[serde(rename = "effect.failed")]
    EffectFailed {
        /// Which.
        effect: EffectId,
        /// The last attempt.
        attempt: u32,
        /// Why.
        error: EffectError,
    },
    /// Something was handed out.
    #[serde(rename = "emitted")]
    Emitted {
        /// What.
        emission: Emission,
    },
    /// The run was stopped.
    #[serde(rename = "run.cancelled")]
    RunCancelled {
        /// By whom and why.
        reason: String,
    },
    /// The run ended as drawn.
    #[serde(rename = "run.completed")]
    RunCompleted {
        /// Its result.
        result: Value,
        /// The hash of its variables.
        state: Digest,
    },
    /// The run failed.
    #[serde(rename = "run.failed")]
    RunFailed {
        /// Why.
        error: EffectError,
        /// Where, if at a node.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        /// The hash of its variables.
        state: Digest,
    },
}

/// How a run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The run's id.
    pub run: String,
    /// The flow's id.
    pub flow: String,
    /// The flow's version.
    pub version: String,
    /// The IR that it pins.
    pub ir: Digest,
    /// Its inputs: a map.
    pub inputs: Value,
    /// When, in Unix milliseconds: `run.started_at`.
    pub started_at: i64,
    /// The engine's version.
    pub engine: String,
}
