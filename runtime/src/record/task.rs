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
//! | queued again, and its expired lease is the newest | completed, late | completed | released |
//! | leased, running | given back (release, drain, revocation, quota) | queued, `attempts - 1` | released |
//! | queued, leased, running | cancelled | failed, `epoch + 1` | released |
//! | failed, dead | requeued by a person, while the effect has no outcome | queued, `attempts = 0` | – |
//! | queued | a delay is recorded for its effect | queued, and not granted before it is over | – |
//!
//! Whatever else is tried is a [`TaskError`] and changes nothing. A task is never open once its effect has its outcome:
//! what is recorded for the effect, or the end of the run, cancels it.

use bloom_interpreter::effect::{Answer, EffectError, EffectId, LlmRequest, NodeRef};
use serde::{Deserialize, Serialize};

use super::{Actor, AuditNote, ContextId, LeaseId, RunId, TaskId, WorkerId};

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

    /// Whether a worker that provides this can do it.
    pub fn fits(&self, provides: &[String]) -> bool {
        fits(&self.requires, provides)
    }

    /// Whether its delay is over.
    pub fn is_due(&self, at: i64) -> bool {
        self.not_before.is_none_or(|due| due <= at)
    }

    /// Keeps it, while it is queued, from being granted before a time.
    pub fn delay(&mut self, until: i64) {
        if self.status == TaskStatus::Queued {
            self.not_before = Some(until);
        }
    }

    /// Grants it.
    pub fn grant(&mut self, lease: LeaseId, worker: WorkerId, at: i64, ttl_ms: i64) -> Result<Lease, TaskError> {
        if self.status != TaskStatus::Queued {
            return Err(TaskError::NotQueued { task: self.id.clone(), status: self.status });
        }
        if let Some(due) = self.not_before.filter(|due| at < *due) {
            return Err(TaskError::NotDue { task: self.id.clone(), due });
        }
        self.status = TaskStatus::Leased;
        self.not_before = None;
        self.updated_at = at;
        self.attempts = self.attempts.saturating_add(1);
        self.epoch = self.epoch.saturating_add(1);
        self.lease = Some(lease.clone());
        Ok(Lease {
            id: lease,
            task: self.id.clone(),
            worker,
            epoch: self.epoch,
            started_at: at,
            expires_at: at.saturating_add(ttl_ms),
            status: LeaseStatus::Active,
        })
    }

    /// Ends a lease on it, for a holder that shows `epoch`. On an error nothing is changed.
    pub fn end(&mut self, lease: &mut Lease, epoch: u64, ending: &LeaseEnding, at: i64) -> Result<Ended, TaskError> {
        let newest = self.lease.as_ref() == Some(&lease.id) && lease.epoch == epoch && self.epoch == epoch;
        let held = newest && lease.status == LeaseStatus::Active;
        let expired = newest && lease.status == LeaseStatus::Expired && self.status == TaskStatus::Queued;
        match ending {
            LeaseEnding::Completed(answer) if newest && self.status == TaskStatus::Completed => {
                // The holder may not have heard that it was accepted.
                if self.answer.as_ref() == Some(answer) {
                    return Ok(Ended::Repeated);
                }
                return Err(self.stale(lease, epoch));
            }
            // Work that was paid for is not thrown away, as long as nobody else has begun it.
            LeaseEnding::Completed(_) if expired => {}
            _ if held && self.is_open() => {}
            _ => return Err(self.stale(lease, epoch)),
        }
        self.not_before = None;
        self.updated_at = at;
        lease.status = match ending {
            LeaseEnding::Completed(answer) => {
                self.status = TaskStatus::Completed;
                self.answer = Some(answer.clone());
                self.error = None;
                LeaseStatus::Released
            }
            LeaseEnding::Failed(error) => {
                self.error = Some(error.clone());
                if error.retryable {
                    self.retry();
                } else {
                    self.status = TaskStatus::Failed;
                }
                LeaseStatus::Failed
            }
            LeaseEnding::Expired => {
                let message = format!("worker {} was not heard of in time", lease.worker);
                self.error = Some(EffectError { retryable: true, ..EffectError::new("lease_expired", message) });
                self.retry();
                LeaseStatus::Expired
            }
            LeaseEnding::GivenBack => {
                self.attempts = self.attempts.saturating_sub(1);
                self.status = TaskStatus::Queued;
                LeaseStatus::Released
            }
            LeaseEnding::Cancelled => {
                self.close("the run was cancelled");
                LeaseStatus::Released
            }
        };
        Ok(Ended::Changed)
    }

    /// Ends it without an answer, because nobody needs one any more; says whether it was open. `lease` is its newest
    /// lease.
    pub fn cancel(&mut self, lease: Option<&mut Lease>, reason: &str, at: i64) -> bool {
        if !self.is_open() {
            return false;
        }
        self.close(reason);
        self.updated_at = at;
        if let Some(lease) = lease.filter(|lease| lease.status == LeaseStatus::Active) {
            lease.status = LeaseStatus::Released;
        }
        true
    }

    /// Makes it queued again, on a person's word.
    pub fn requeue(&mut self, at: i64) -> Result<(), TaskError> {
        if !matches!(self.status, TaskStatus::Failed | TaskStatus::Dead) {
            return Err(TaskError::NotFailed { task: self.id.clone(), status: self.status });
        }
        if self.resolved {
            return Err(TaskError::EffectResolved { task: self.id.clone(), effect: self.effect.clone() });
        }
        self.status = TaskStatus::Queued;
        self.attempts = 0;
        self.updated_at = at;
        Ok(())
    }

    fn retry(&mut self) {
        self.status = if self.attempts < self.max_attempts { TaskStatus::Queued } else { TaskStatus::Dead };
    }

    /// Fails it for good, and makes every lease of it stale.
    fn close(&mut self, reason: &str) {
        self.status = TaskStatus::Failed;
        self.not_before = None;
        self.epoch = self.epoch.saturating_add(1);
        self.error = Some(EffectError::new("cancelled", reason));
    }

    fn stale(&self, lease: &Lease, epoch: u64) -> TaskError {
        TaskError::Stale { lease: lease.id.clone(), epoch, current: self.epoch, status: self.status }
    }
}

/// Whether a worker that provides this can do what requires that.
pub fn fits(requires: &[String], provides: &[String]) -> bool {
    requires.iter().all(|capability| provides.contains(capability))
}

/// What became of an ending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Task and lease were changed.
    Changed,
    /// It was told before, and nothing was changed.
    Repeated,
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

impl Lease {
    /// What the audit log says of its grant.
    pub fn audit_note(&self, task: &Task) -> AuditNote {
        AuditNote {
            at: self.started_at,
            actor: Actor(format!("worker:{}", self.worker)),
            action: "task_leased".to_owned(),
            entity_type: "task".to_owned(),
            entity_id: task.id.to_string(),
            job_id: Some(task.run.to_string()),
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
    /// The delay after its last attempt is not over.
    #[error("task {task} is not due before {due}")]
    NotDue {
        /// Which.
        task: TaskId,
        /// When it is, in Unix milliseconds.
        due: i64,
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
    /// The run's history has an outcome of its effect: a requeue would change nothing.
    #[error("effect {effect} of task {task} has its outcome")]
    EffectResolved {
        /// Which.
        task: TaskId,
        /// Its effect.
        effect: EffectId,
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
