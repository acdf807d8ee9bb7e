//! Tasks and leases: units of work for a worker, and who holds them.
//!
//! | task | event | task becomes | lease becomes |
//! |---|---|---|---|
//! | queued | grant | leased, `attempts + 1`, `epoch + 1` | active |
//! | leased, running | completed | completed | released |
//! | leased, running | failed, not retryable | failed | failed |
//! | leased, running | failed, retryable, `attempts < max_attempts` | queued | failed |
//! | leased, running | failed, retryable, no attempt left | dead | failed |
//! | leased, running | expired | queued, or dead when no attempt is left | expired |
//! | leased, running | given back (release, drain, revocation, quota) | queued, `attempts - 1` | released |
//! | queued, leased, running | cancelled | failed, `epoch + 1` | released |
//! | failed, dead | requeued by a person | queued, `attempts = 0` | – |

use bloom_interpreter::effect::{Answer, EffectError, EffectId, LlmRequest, NodeRef};
use serde::{Deserialize, Serialize};

use super::{ContextId, LeaseId, RunId, TaskId, WorkerId};

/// A unit of work for a worker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its id.
    pub id: TaskId,
    /// The run that needs it.
    pub run: RunId,
    /// The effect of that run.
    pub effect: EffectId,
    /// The node that asks.
    pub asked_by: NodeRef,
    /// The execution context.
    pub context: ContextId,
    /// The flow's id.
    pub agent_slug: String,
    /// What is asked.
    pub request: LlmRequest,
    /// What a worker must provide, as `llm.claude_cli`.
    pub requires: Vec<String>,
    /// The time limit of an attempt.
    pub timeout_seconds: u32,
    /// Higher first.
    pub priority: i32,
    /// Where it stands.
    pub status: TaskStatus,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
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
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskStatus {
    /// Waits for a worker.
    Queued,
    /// Granted.
    Leased,
    /// The worker has begun.
    Running,
    /// Has its answer.
    Completed,
    /// Failed for good.
    Failed,
    /// Out of attempts; only a person's requeue revives it.
    Dead,
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
    /// Unix milliseconds.
    pub started_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
    /// Where it stands.
    pub status: LeaseStatus,
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
    /// The run was cancelled.
    Cancelled,
}

/// Why a task cannot do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// It is not waiting for a worker.
    #[error("task {task} is {status:?}, not queued")]
    NotQueued {
        /// Which.
        task: TaskId,
        /// Where it stands.
        status: TaskStatus,
    },
    /// A newer grant exists, the lease was revoked, or the task has ended.
    #[error("lease {lease} with epoch {epoch} is stale: the task is {status:?} at epoch {current}")]
    Stale {
        /// Which lease.
        lease: LeaseId,
        /// The epoch that was shown.
        epoch: u64,
        /// The task's epoch.
        current: u64,
        /// Where the task stands.
        status: TaskStatus,
    },
    /// Only a failed or dead task can be requeued.
    #[error("task {task} is {status:?}, neither failed nor dead")]
    NotFailed {
        /// Which.
        task: TaskId,
        /// Where it stands.
        status: TaskStatus,
    },
}
