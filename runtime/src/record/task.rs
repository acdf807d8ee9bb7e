//! Tasks and leases: units of work for a worker, and who holds them. What may become of them is decided in
//! [`crate::dispatch`].

use bloom_interpreter::effect::{Answer, EffectError, EffectId, LlmRequest, NodeRef};
use bloom_ir::Digest;
use bloom_ir::document::NodeId;
use serde::{Deserialize, Serialize};

use super::{Actor, AuditNote, ContextId, LeaseId, RunId, TaskId, WorkerId};

/// The effect of a run that a task is to bring about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEffect {
    /// The run that needs it.
    pub run: RunId,
    /// The effect of that run.
    pub effect: EffectId,
    /// The node that asks.
    pub asked_by: NodeRef,
}

impl TaskEffect {
    /// Stands for all effects of a run: no effect of a run has this id.
    pub const WHOLE: &str = "run";
}

/// A unit of work for a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// What it is for; `None` when a client posted it for itself.
    #[serde(flatten)]
    pub of: Option<TaskEffect>,
    /// The IR, where a worker is to execute the whole run and not to answer one question: then `request` asks nothing, and
    /// the effect in `of` is [`TaskEffect::WHOLE`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<Digest>,
    /// The execution context.
    pub context: ContextId,
    /// The flow's id, or the agent that a client named.
    pub agent_slug: String,
    /// What is asked.
    pub request: LlmRequest,
    /// What a worker must provide, as `llm.claude_cli`.
    pub requires: Vec<String>,
    /// The time limit of an attempt.
    pub timeout_seconds: u32,
    /// The time limit of all attempts and the delays between them, in milliseconds; of a whole run that of its active time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit_ms: Option<u64>,
    /// How much of it attempts that failed, and their delays, have used; of a whole run how long workers had it. Time in the
    /// queue is none.
    #[serde(default)]
    pub time_used_ms: u64,
    /// Higher first.
    pub priority: i32,
    /// Where it stands.
    pub status: TaskStatus,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// While it is queued: nobody is granted it before this time, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<i64>,
    /// The newest lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<LeaseId>,
    /// The grants that count.
    pub attempts: u32,
    /// When a lease ends without success and this many grants count, the task is dead.
    pub max_attempts: u32,
    /// Grows with every grant and never falls.
    pub epoch: u64,
    /// Its answer, when completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Its last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<EffectError>,
    /// Whether the run's history has an outcome of its effect; the store sets it. Then no requeue can change anything.
    #[serde(default)]
    pub resolved: bool,
}

impl Task {
    /// Whether somebody may still work on it.
    pub fn is_open(&self) -> bool {
        matches!(self.status, TaskStatus::Queued | TaskStatus::Leased | TaskStatus::Running)
    }

    /// Whether a worker has it.
    pub fn is_held(&self) -> bool {
        matches!(self.status, TaskStatus::Leased | TaskStatus::Running)
    }

    /// Whether a worker that provides this can do it.
    pub fn fits(&self, provides: &[String]) -> bool {
        fits(&self.requires, provides)
    }

    /// Whether its delay is over.
    pub fn is_due(&self, at: i64) -> bool {
        self.not_before.is_none_or(|due| due <= at)
    }

    /// How much time is left for all attempts, in milliseconds; `None`: no end of it.
    pub fn time_left_ms(&self) -> Option<u64> {
        self.time_limit_ms.map(|limit| limit.saturating_sub(self.time_used_ms))
    }

    /// Counts a time, from and until Unix milliseconds, against the limit.
    pub(crate) fn use_time(&mut self, from: i64, until: i64) {
        let used = u64::try_from(until.saturating_sub(from)).unwrap_or_default();
        self.time_used_ms = self.time_used_ms.saturating_add(used);
    }

    /// How long the attempt that is due may take, in milliseconds.
    pub fn attempt_limit_ms(&self) -> u64 {
        let own = u64::from(self.timeout_seconds).saturating_mul(1000);
        self.time_left_ms().map_or(own, |left| own.min(left))
    }

    /// When a lease on it that was granted at a time is to be over, in Unix milliseconds: what a node asks and a whole run have
    /// time limits, whatever a worker does. What a client asks has none but its worker's.
    pub fn ends_by(&self, started_at: i64) -> Option<i64> {
        let limit = i64::try_from(self.attempt_limit_ms()).unwrap_or(i64::MAX);
        self.of.as_ref().map(|_| started_at.saturating_add(limit))
    }

    /// The run that needs it.
    pub fn run(&self) -> Option<&RunId> {
        self.of.as_ref().map(|of| &of.run)
    }

    /// The same for every attempt, and for no other task.
    pub fn idempotency_key(&self) -> String {
        self.of.as_ref().map_or_else(|| format!("task/{}", self.id), |of| format!("{}/{}", of.run, of.effect))
    }

    /// What the audit log says of something that was done to it.
    pub fn audit_note(&self, action: &str, by: &Actor, at: i64) -> AuditNote {
        AuditNote {
            job_id: self.run().map(ToString::to_string),
            context_id: Some(self.context.to_string()),
            ..AuditNote::new(at, by, action, ("task", self.id.as_str()))
        }
    }

    /// The node that asks; of a task that a client posted, one with the name of the agent.
    pub fn asked_by(&self) -> NodeRef {
        let alone = || NodeRef { node: NodeId::new(self.agent_slug.clone()), visit: 1 };
        self.of.as_ref().map_or_else(alone, |of| of.asked_by.clone())
    }
}

/// Whether a worker that provides this can do what requires that.
pub fn fits(requires: &[String], provides: &[String]) -> bool {
    requires.iter().all(|capability| provides.contains(capability))
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// Waits for a worker.
    Queued,
    /// Granted.
    Leased,
    /// Granted, and its worker was heard of since. Heartbeats are not recorded: in a store such a task is leased.
    Running,
    /// Has its answer.
    Completed,
    /// Failed for good.
    Failed,
    /// Out of attempts; only a person's requeue revives it.
    Dead,
}

impl TaskStatus {
    /// All that stand in a store.
    pub const STORED: [Self; 5] = [Self::Queued, Self::Leased, Self::Completed, Self::Failed, Self::Dead];

    /// Its name, as records and answers have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Leased => "leased",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Dead => "dead",
        }
    }
}

/// A grant of a task to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Its id.
    pub id: LeaseId,
    /// The task.
    pub task: TaskId,
    /// Who holds it.
    pub worker: WorkerId,
    /// The task's epoch at the grant.
    pub epoch: u64,
    /// The task's context: further tasks of it go to the same worker, if they can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<ContextId>,
    /// Unix milliseconds.
    pub started_at: i64,
    /// When it ends unless its holder is heard of, in Unix milliseconds. In a store: as of the grant.
    pub expires_at: i64,
    /// How long it lives from the grant, or from a heartbeat, in milliseconds.
    pub ttl_ms: i64,
    /// When its holder was heard of last since the grant, in Unix milliseconds. Not recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_heartbeat: Option<i64>,
    /// When it ended, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// The digest of the secret that its holder may show in place of its id and epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Digest>,
    /// Where it stands.
    pub status: LeaseStatus,
}

impl Lease {
    /// What the audit log says of its grant.
    pub fn audit_note(&self, task: &Task) -> AuditNote {
        AuditNote {
            at: self.started_at,
            actor: Actor(format!("worker:{}", self.worker)),
            action: "task_leased".to_owned(),
            entity_type: "task".to_owned(),
            entity_id: task.id.to_string(),
            job_id: task.run().map(ToString::to_string),
            context_id: Some(task.context.to_string()),
            epoch: Some(self.epoch),
            detail: [("lease", bloom_ir::Value::from(self.id.as_str()))].into_iter().collect(),
        }
    }
}

/// Where a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LeaseStatus {
    /// Held.
    Active,
    /// Ended well, or given back.
    Released,
    /// Ended by time.
    Expired,
    /// Ended by a failure.
    Failed,
}

impl LeaseStatus {
    /// All that there are.
    pub const ALL: [Self; 4] = [Self::Active, Self::Released, Self::Expired, Self::Failed];

    /// Its name, as records and answers have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Failed => "failed",
        }
    }
}

/// How a lease ends.
#[derive(Clone, Debug, PartialEq)]
pub enum LeaseEnding {
    /// With the answer.
    Completed(Answer),
    /// With a failure.
    Failed(EffectError),
    /// By time.
    Expired,
    /// Given back: the attempt does not count.
    GivenBack,
}
