//! The history of a run: what was recorded, as a hash chain.
//!
//! An event's hash is the SHA-256 of the compact JSON of `{at, payload_sha256, prev, seq, type}`. It covers the digest of
//! the payload and not the payload, so a payload can be erased on demand and the chain still verifies.

use std::collections::{BTreeMap, VecDeque};

use bloom_ir::document::{Limits, NodeId};
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use crate::effect::{Answer, EffectCall, EffectError, EffectId, Emission};
use crate::machine::Snapshot;

mod chain;
mod lines;
mod ordered;
mod sealed;

pub use chain::{Chain, ChainError, ChainFault};
pub use lines::{LineError, read_lines, write_lines};
pub use sealed::Sealed;

/// An event, as it is stored and exported (one line of JSON, keys in UTF-8 order). [`Chain::next`] makes it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(try_from = "lines::Line")]
pub struct Event {
    /// When it was recorded, in Unix milliseconds.
    pub at: i64,
    /// What happened; absent when it was erased on demand.
    pub payload: Option<Payload>,
    /// The SHA-256 of the payload's bytes, which the chain covers in its place.
    pub payload_sha256: Digest,
    /// The hash of the event before; of the first one, the digest of no bytes.
    pub prev: Digest,
    /// From 1.
    pub seq: u64,
    /// What kind of thing happened; it stays when the payload is erased.
    pub kind: EventType,
}

impl Event {
    /// What the next event's `prev` holds.
    pub fn hash(&self) -> Digest {
        /// In UTF-8 order of the names.
        #[derive(Serialize)]
        struct Header {
            at: i64,
            payload_sha256: Digest,
            prev: Digest,
            seq: u64,
            r#type: EventType,
        }
        let header = Header {
            at: self.at,
            payload_sha256: self.payload_sha256,
            prev: self.prev,
            seq: self.seq,
            r#type: self.kind,
        };
        Digest::of(&bytes(&header))
    }

    /// The same event without its payload: the chain still verifies.
    #[must_use]
    pub fn erased(mut self) -> Self {
        self.payload = None;
        self
    }

    /// The event with its payload, of which it was without: `bytes` are those that were hashed. That they are is for
    /// [`Chain::accept`] to say.
    pub fn with_payload(self, bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let payload = lines::read_payload(self.kind, serde_json::from_slice(bytes)?)?;
        Ok(Self { payload: Some(payload), ..self })
    }

    /// The event's line of JSON, without the line's end.
    pub fn to_line(&self) -> String {
        lines::line(self)
    }
}

/// Signals that were received and that nobody has taken, by name, the oldest first.
pub type Signals = BTreeMap<String, VecDeque<Value>>;

/// The kind of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is the name of a variant of `Payload`")]
pub enum EventType {
    #[serde(rename = "run.started")]
    RunStarted,
    #[serde(rename = "effect.requested")]
    EffectRequested,
    #[serde(rename = "effect.attempted")]
    EffectAttempted,
    #[serde(rename = "effect.completed")]
    EffectCompleted,
    #[serde(rename = "effect.failed")]
    EffectFailed,
    #[serde(rename = "emitted")]
    Emitted,
    #[serde(rename = "signal.received")]
    SignalReceived,
    #[serde(rename = "run.forked")]
    RunForked,
    #[serde(rename = "run.cancelled")]
    RunCancelled,
    #[serde(rename = "run.completed")]
    RunCompleted,
    #[serde(rename = "run.failed")]
    RunFailed,
    #[serde(rename = "run.continued")]
    RunContinued,
}

/// What happened. In JSON the event's `type` names the variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", content = "payload")]
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
    /// A signal came, and is kept until an `await` of its name takes it: the oldest first.
    #[serde(rename = "signal.received")]
    SignalReceived {
        /// Its name.
        name: String,
        /// Its payload.
        value: Value,
        /// Who sent it.
        sender: String,
    },
    /// Another run goes on from here, which shares all events before this one.
    #[serde(rename = "run.forked")]
    RunForked(Forked),
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
        /// Where; absent when the driver ended it (a time limit, a full history).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
        /// The hash of its variables.
        state: Digest,
    },
    /// The history is long enough: another run, of a history of its own, goes on in its place.
    #[serde(rename = "run.continued")]
    RunContinued {
        /// That run.
        run: String,
        /// The hash of the variables, with which that run begins.
        state: Digest,
    },
}

impl Payload {
    /// Its kind.
    pub fn kind(&self) -> EventType {
        match self {
            Self::RunStarted(_) => EventType::RunStarted,
            Self::EffectRequested { .. } => EventType::EffectRequested,
            Self::EffectAttempted { .. } => EventType::EffectAttempted,
            Self::EffectCompleted { .. } => EventType::EffectCompleted,
            Self::EffectFailed { .. } => EventType::EffectFailed,
            Self::Emitted { .. } => EventType::Emitted,
            Self::SignalReceived { .. } => EventType::SignalReceived,
            Self::RunForked(_) => EventType::RunForked,
            Self::RunCancelled { .. } => EventType::RunCancelled,
            Self::RunCompleted { .. } => EventType::RunCompleted,
            Self::RunFailed { .. } => EventType::RunFailed,
            Self::RunContinued { .. } => EventType::RunContinued,
        }
    }

    /// Its content as JSON, without the type.
    pub fn to_json(&self) -> serde_json::Value {
        // The tag is left out of what is written.
        let tagged = serde_json::to_value(self).ok();
        let content = tagged.and_then(|mut tagged| Some(tagged.get_mut("payload")?.take()));
        content.unwrap_or_else(|| unreachable!("string keys and finite numbers always serialise"))
    }

    /// The bytes that are hashed: the compact JSON of its content, keys in UTF-8 order.
    pub fn to_bytes(&self) -> Vec<u8> {
        let tagged = ordered::to_vec(self);
        let mut tagged = tagged.unwrap_or_else(|_| unreachable!("string keys and finite numbers always serialise"));
        // `{"payload":…,"type":"…"}`, and no type has a comma.
        let end = tagged.iter().rposition(|byte| *byte == b',').unwrap_or(tagged.len());
        tagged.truncate(end);
        tagged.split_off(r#"{"payload":"#.len())
    }

    /// The SHA-256 of its bytes.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }
}

fn bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|_| unreachable!("string keys and finite numbers always serialise"))
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
    /// What it may use, where that is less than the program's limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// The run in whose place it goes on, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<Box<Continues>>,
}

/// The run in whose place another one goes on, and with what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Continues {
    /// Its id.
    pub run: String,
    /// The number of its events.
    pub events: u64,
    /// The hash of its last event, a `run.continued`.
    pub head: Digest,
    /// Where it stood.
    pub snapshot: Snapshot,
    /// Signals that nobody had taken, by name, the oldest first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub signals: Signals,
}

/// How a run left the history that it shares with another one.
///
/// What was asked for before and has no answer is asked for again, under the id of the new run. Expressions go on seeing the
/// `run.id` of `run.started`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forked {
    /// The id of the new run.
    pub run: String,
    /// The run whose events are shared.
    pub origin: String,
    /// The last event that is shared.
    pub at: u64,
    /// The IR that the new run pins: the other run's, or one by which that would have come here too.
    pub ir: Digest,
}

/// The id of the run of a history: that of its last fork, else that of its start. `None` where neither can be read.
pub fn run_of(events: &[Event]) -> Option<&str> {
    let payloads = || events.iter().filter_map(|event| event.payload.as_ref());
    let forked = payloads().rev().find_map(|payload| match payload {
        Payload::RunForked(forked) => Some(forked.run.as_str()),
        _ => None,
    });
    forked.or_else(|| {
        payloads().find_map(|payload| match payload {
            Payload::RunStarted(started) => Some(started.run.as_str()),
            _ => None,
        })
    })
}

/// The IR that the run of a history pins: that of its last fork, else the one it was started with. `None` where neither can
/// be read.
pub fn pinned(events: &[Event]) -> Option<Digest> {
    let payloads = || events.iter().filter_map(|event| event.payload.as_ref());
    let forked = payloads().rev().find_map(|payload| match payload {
        Payload::RunForked(forked) => Some(forked.ir),
        _ => None,
    });
    forked.or_else(|| {
        payloads().find_map(|payload| match payload {
            Payload::RunStarted(started) => Some(started.ir),
            _ => None,
        })
    })
}
