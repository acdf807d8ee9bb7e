//! Runs.

use bloom_interpreter::effect::{EffectError, EffectId, Usage};
use bloom_interpreter::history::{Chain, ChainError, Payload, Sealed};
use bloom_ir::document::Limits;
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
    /// Tokens used so far, by the runs in whose place it goes on too.
    #[serde(default)]
    pub tokens: u64,
    /// What they have cost, in millionths of a US dollar, as far as the providers say.
    #[serde(default)]
    pub cost_micro_usd: u64,
    /// What it may use, where that is less than the signed limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// The name of its budget profile, if it is not the standard one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// How many calls of LLMs the runs asked for in whose place it goes on.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub calls_before: u64,
    /// The run in whose place it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<RunId>,
    /// The run that goes on in its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continued_by: Option<RunId>,
    /// The run that started it, if a run did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
    /// How many effects have their outcome; none for a run of a version that did not count them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steps: Option<u64>,
    /// Whether the run that waited for it does not any more: it is to be cancelled.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub orphaned: bool,
    /// The run whose history it shares, if it is a fork.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// Whether a worker executes it: then nobody drives it here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dispatched: bool,
    /// Whether it does nothing but wait for a time, a signal or a person: then nobody needs to drive it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub waiting: bool,
    /// When it goes on by itself, in Unix milliseconds, while nobody drives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wake_at: Option<i64>,
    /// Its turn, if it had to wait for one; one that had not began when it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<Turn>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives it so")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The turn of a run among those that wait until they may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Runs begin in the order of these numbers.
    pub number: u64,
    /// When it began, in Unix milliseconds; none while it waits, and of one that was stopped before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub began_at: Option<i64>,
}

/// The run that started another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// Which.
    pub run: RunId,
    /// Its effect that this run is.
    pub effect: EffectId,
    /// Whether it waits for this run.
    pub waits: bool,
    /// How many runs stand above this one.
    pub depth: u32,
}

/// The run that another one is a fork of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Which.
    pub run: RunId,
    /// The last event that both have.
    pub at: u64,
}

impl RunRecord {
    /// When it began, in Unix milliseconds; none while it waits for its turn, and of one that was stopped before.
    pub fn started_at(&self) -> Option<i64> {
        self.turn.map_or(Some(self.created_at), |turn| turn.began_at)
    }

    /// Whether a worker executes it, so that nobody drives it here.
    pub fn is_elsewhere(&self) -> bool {
        self.dispatched && !self.status.is_terminal()
    }

    /// Adds a stretch to the run's history; `spent` was used by it. On an error nothing is changed.
    pub fn extend(&mut self, stretch: &Stretch, status: RunStatus, spent: Spent) -> Result<(), RunError> {
        let run = || self.id.clone();
        if self.status.is_terminal() {
            return Err(RunError::Ended { run: run(), status: self.status });
        }
        if stretch.expected != self.events {
            return Err(RunError::OutOfSequence { run: run(), expected: stretch.expected, actual: self.events });
        }
        if stretch.links.as_ref().is_some_and(|links| links.prev != self.history_head) {
            return Err(RunError::OtherHistory { run: run(), events: self.events });
        }
        let ended = match &stretch.end {
            None => status < RunStatus::Completed && status >= self.status,
            Some(end) => status == end.status(),
        };
        if !ended {
            return Err(RunError::Status { run: run(), status });
        }
        match stretch.end.clone() {
            Some(End::Completed(result)) => self.result = Some(result),
            Some(End::Failed(error)) => self.error = Some(error),
            Some(End::Continued(run)) => self.continued_by = Some(run),
            Some(End::Cancelled) | None => {}
        }
        self.status = status;
        if let (Some(turn), Some(at)) = (&mut self.turn, stretch.begun_at)
            && status > RunStatus::Queued
        {
            turn.began_at.get_or_insert(at);
        }
        if let Some(links) = &stretch.links {
            self.events = links.last.seq();
            self.history_head = links.last.head();
            self.updated_at = links.at;
        }
        self.steps = self.steps.map(|steps| steps.saturating_add(stretch.steps));
        self.tokens = self.tokens.saturating_add(spent.tokens);
        self.cost_micro_usd = self.cost_micro_usd.saturating_add(spent.cost_micro_usd);
        Ok(())
    }
}

/// What a part of a run has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Tokens in and out.
    pub tokens: u64,
    /// In millionths of a US dollar, as far as the providers say.
    pub cost_micro_usd: u64,
}

impl Spent {
    /// Adds what a call has used.
    pub fn add(&mut self, usage: &Usage) {
        self.tokens = self.tokens.saturating_add(usage.tokens());
        self.cost_micro_usd = self.cost_micro_usd.saturating_add(usage.cost_micro_usd.unwrap_or_default());
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            tokens: self.tokens.saturating_add(other.tokens),
            cost_micro_usd: self.cost_micro_usd.saturating_add(other.cost_micro_usd),
        }
    }
}

/// A stretch of a history, checked in itself: numbered and chained, and nothing after an end. So that a store need not
/// hash while it holds a transaction.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    expected: u64,
    links: Option<Links>,
    /// The time of the last of its events that begin a run.
    begun_at: Option<i64>,
    end: Option<End>,
    /// How many effects have their outcome by it.
    steps: u64,
}

/// What the first event is linked to, and the last one; `None` without events.
#[derive(Clone, Debug, PartialEq)]
struct Links {
    prev: Digest,
    last: Chain,
    at: i64,
}

#[derive(Clone, Debug, PartialEq)]
enum End {
    Completed(Value),
    Failed(EffectError),
    Cancelled,
    Continued(RunId),
}

impl End {
    fn of(payload: &Payload) -> Option<Self> {
        match payload {
            Payload::RunCompleted { result, .. } => Some(Self::Completed(result.clone())),
            Payload::RunFailed { error, .. } => Some(Self::Failed(error.clone())),
            Payload::RunCancelled { .. } => Some(Self::Cancelled),
            Payload::RunContinued { run, .. } => Some(Self::Continued(RunId::new(run.as_str()))),
            _ => None,
        }
    }

    fn status(&self) -> RunStatus {
        match self {
            Self::Completed(_) => RunStatus::Completed,
            Self::Failed(_) => RunStatus::Failed,
            Self::Cancelled => RunStatus::Cancelled,
            Self::Continued(_) => RunStatus::Continued,
        }
    }
}

impl Stretch {
    /// The run that goes on in place of the one whose history this ends, if it ends so.
    pub fn continued_by(&self) -> Option<&RunId> {
        match &self.end {
            Some(End::Continued(run)) => Some(run),
            _ => None,
        }
    }

    /// Checks events that are to follow the first `expected` ones of `run`.
    pub fn check(run: &RunId, expected: u64, events: &[Sealed]) -> Result<Self, RunError> {
        let nothing = Self { expected, links: None, begun_at: None, end: None, steps: 0 };
        let Some(first) = events.first() else { return Ok(nothing) };
        let mut last = Chain::at(expected, first.prev);
        let mut at = first.at;
        let (mut begun_at, mut end, mut steps): (Option<i64>, Option<End>, u64) = (None, None, 0);
        for event in events {
            last.link(event).map_err(|source| RunError::Chain { run: run.clone(), source })?;
            let erased = || RunError::Erased { run: run.clone(), seq: event.seq };
            let payload = event.payload.as_ref().ok_or_else(erased)?;
            if let Some(end) = end {
                return Err(RunError::Ended { run: run.clone(), status: end.status() });
            }
            at = event.at;
            if matches!(payload, Payload::RunStarted(_) | Payload::RunForked(_)) {
                begun_at = Some(at);
            }
            end = End::of(payload);
            steps += u64::from(matches!(payload, Payload::EffectCompleted { .. } | Payload::EffectFailed { .. }));
        }
        Ok(Self { expected, links: Some(Links { prev: first.prev, last, at }), begun_at, end, steps })
    }
}

/// Why a run cannot take what was to be added.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// Somebody else appended.
    #[error("run {run} has {actual} events, not {expected}")]
    OutOfSequence {
        /// Which run.
        run: RunId,
        /// What the caller knew.
        expected: u64,
        /// What is there.
        actual: u64,
    },
    /// It is as long as the caller knew, but the events continue another history.
    #[error("the events do not continue the {events} events of run {run}")]
    OtherHistory {
        /// Which run.
        run: RunId,
        /// How many it has.
        events: u64,
    },
    /// The run has ended; its history takes no more.
    #[error("run {run} has ended: {status:?}")]
    Ended {
        /// Which run.
        run: RunId,
        /// How.
        status: RunStatus,
    },
    /// The events are not a chain.
    #[error("run {run}: {source}")]
    Chain {
        /// Which run.
        run: RunId,
        /// What is wrong.
        source: ChainError,
    },
    /// A new event must have its payload.
    #[error("event {seq} of run {run} has no payload")]
    Erased {
        /// Which run.
        run: RunId,
        /// Which event.
        seq: u64,
    },
    /// The status is not what the events say, or goes back.
    #[error("the events do not make run {run} {status:?}")]
    Status {
        /// Which run.
        run: RunId,
        /// What was asked.
        status: RunStatus,
    },
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
    /// Another run goes on in its place.
    Continued,
}

impl RunStatus {
    /// All of them, in the order of a run's life.
    pub const ALL: [Self; 7] =
        [Self::Requested, Self::Queued, Self::Running, Self::Completed, Self::Failed, Self::Cancelled, Self::Continued];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Continued => "continued",
        }
    }

    /// Whether it has ended.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::Continued)
    }
}
