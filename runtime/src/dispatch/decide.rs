//! What becomes of a task and its newest lease.

#[cfg(test)]
mod tests;

use bloom_interpreter::effect::{Answer, EffectError, EffectId};
use bloom_ir::Digest;

use crate::record::{Lease, LeaseEnding, LeaseId, LeaseStatus, Task, TaskId, TaskStatus, WorkerId};

/// What is to happen to a task.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// A worker gets it.
    Grant(Granting),
    /// Its holder is alive.
    Heartbeat(Proof),
    /// A lease on it ends.
    End(Proof, LeaseEnding),
    /// Its holder may not go on: the worker was removed.
    Revoke,
    /// Nobody is granted it before a time, in Unix milliseconds.
    Delay(i64),
    /// A person wants it to be tried again.
    Requeue,
    /// Nobody needs its answer any more, for this reason: its effect has an outcome, or its run has ended.
    Cancel(&'static str),
}

/// A grant.
#[derive(Clone, Debug, PartialEq)]
pub struct Granting {
    /// The id of the lease.
    pub lease: LeaseId,
    /// Who gets it.
    pub worker: WorkerId,
    /// How long the lease lives, in milliseconds.
    pub ttl_ms: i64,
    /// The digest of the lease's secret, if it has one.
    pub token: Option<Digest>,
    /// Whether somebody asked for this very task: then its delay does not matter.
    pub by_name: bool,
}

/// What the holder of a lease shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Which lease.
    pub lease: LeaseId,
    /// Its epoch.
    pub epoch: u64,
}

/// What has become of a task and its newest lease.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The task.
    pub task: Task,
    /// Its newest lease.
    pub lease: Option<Lease>,
    /// It was told before, and nothing is changed.
    pub is_repeated: bool,
}

/// Decides what a command makes of a task and its newest lease, at a time in Unix milliseconds.
pub fn decide(task: &Task, lease: Option<&Lease>, command: &Command, at: i64) -> Result<Decision, TaskError> {
    let mut next = Decision { task: task.clone(), lease: lease.cloned(), is_repeated: false };
    match command {
        Command::Grant(granting) => next.grant(granting, at)?,
        Command::Heartbeat(proof) => {
            let lease = next.held(proof).ok_or_else(|| stale(task, proof))?;
            lease.last_heartbeat = Some(at);
            lease.expires_at = at.saturating_add(lease.ttl_ms);
            next.task.status = TaskStatus::Running;
        }
        Command::End(proof, ending) => next.end(proof, ending, at)?,
        Command::Revoke => {
            let held = next.lease.as_mut().filter(|lease| task.is_held() && lease.status == LeaseStatus::Active);
            let lease = held.ok_or_else(|| TaskError::NotHeld { task: task.id.clone(), status: task.status })?;
            close(lease, LeaseStatus::Released, at);
            let held_since = lease.started_at;
            next.count_time(held_since, at);
            next.give_back(at);
        }
        Command::Delay(until) => {
            if task.status != TaskStatus::Queued {
                return Err(TaskError::NotQueued { task: task.id.clone(), status: task.status });
            }
            next.task.not_before = Some(*until);
            next.task.use_time(task.not_before.unwrap_or(task.updated_at), *until);
        }
        Command::Requeue => next.requeue(at)?,
        Command::Cancel(reason) => next.cancel(reason, at),
    }
    Ok(next)
}

impl Decision {
    fn grant(&mut self, granting: &Granting, at: i64) -> Result<(), TaskError> {
        let task = &mut self.task;
        if task.status != TaskStatus::Queued {
            return Err(TaskError::NotQueued { task: task.id.clone(), status: task.status });
        }
        if let Some(due) = task.not_before.filter(|due| at < *due && !granting.by_name) {
            return Err(TaskError::NotDue { task: task.id.clone(), due });
        }
        task.status = TaskStatus::Leased;
        task.not_before = None;
        task.updated_at = at;
        task.attempts = task.attempts.saturating_add(1);
        task.epoch = task.epoch.saturating_add(1);
        task.lease = Some(granting.lease.clone());
        self.lease = Some(Lease {
            id: granting.lease.clone(),
            task: task.id.clone(),
            worker: granting.worker.clone(),
            epoch: task.epoch,
            context: Some(task.context.clone()),
            started_at: at,
            expires_at: at.saturating_add(granting.ttl_ms),
            ttl_ms: granting.ttl_ms,
            last_heartbeat: None,
            ended_at: None,
            token: granting.token,
            status: LeaseStatus::Active,
        });
        Ok(())
    }

    fn end(&mut self, proof: &Proof, ending: &LeaseEnding, at: i64) -> Result<(), TaskError> {
        if self.is_repeated(proof, ending) {
            self.is_repeated = true;
            return Ok(());
        }
        let stale = stale(&self.task, proof);
        // Work that was paid for is not thrown away, as long as nobody else has begun it.
        let is_late = self.is_newest(proof, LeaseStatus::Expired) && self.task.status == TaskStatus::Queued;
        let lease = match ending {
            LeaseEnding::Completed(_) if is_late => self.lease.as_mut(),
            _ => self.held(proof),
        };
        let lease = lease.ok_or(stale)?;
        match ending {
            LeaseEnding::Completed(answer) => {
                close(lease, LeaseStatus::Released, at);
                self.complete(answer.clone(), at);
            }
            LeaseEnding::Failed(error) => {
                close(lease, LeaseStatus::Failed, at);
                let started_at = lease.started_at;
                self.task.use_time(started_at, at);
                self.fail(error.clone(), at);
            }
            LeaseEnding::Expired => {
                close(lease, LeaseStatus::Expired, at);
                // Its holder was heard of until then, at most.
                let (held_since, heard) = (lease.started_at, at.saturating_sub(lease.ttl_ms));
                let message = format!("worker {} was not heard of in time", lease.worker);
                self.count_time(held_since, heard);
                self.fail(EffectError { retryable: true, ..EffectError::new("lease_expired", message) }, at);
            }
            LeaseEnding::GivenBack => {
                close(lease, LeaseStatus::Released, at);
                let held_since = lease.started_at;
                self.count_time(held_since, at);
                self.give_back(at);
            }
        }
        Ok(())
    }

    /// A worker had a whole run so long: the next one goes on where it was, with what is left of its time. A question is asked
    /// anew, and has its time again.
    fn count_time(&mut self, from: i64, until: i64) {
        if self.task.flow.is_some() {
            self.task.use_time(from, until);
        }
    }

    /// Whether the holder told the same before: it may not have heard that it was accepted.
    fn is_repeated(&self, proof: &Proof, ending: &LeaseEnding) -> bool {
        let task = &self.task;
        match ending {
            LeaseEnding::Completed(answer) => {
                self.is_newest(proof, LeaseStatus::Released)
                    && task.status == TaskStatus::Completed
                    && task.answer.as_ref() == Some(answer)
            }
            LeaseEnding::Failed(error) => {
                self.is_newest(proof, LeaseStatus::Failed)
                    && matches!(task.status, TaskStatus::Queued | TaskStatus::Failed | TaskStatus::Dead)
                    // Whether it is tried again was not the holder's to say.
                    && task.error.as_ref().is_some_and(|last| EffectError { retryable: last.retryable, ..error.clone() } == *last)
            }
            LeaseEnding::Expired | LeaseEnding::GivenBack => false,
        }
    }

    fn is_newest(&self, proof: &Proof, status: LeaseStatus) -> bool {
        self.lease.as_ref().is_some_and(|lease| {
            lease.id == proof.lease
                && self.task.lease.as_ref() == Some(&lease.id)
                && lease.epoch == proof.epoch
                && self.task.epoch == proof.epoch
                && lease.status == status
        })
    }

    /// The lease, if who shows this holds the task.
    fn held(&mut self, proof: &Proof) -> Option<&mut Lease> {
        let is_held = self.task.is_held() && self.is_newest(proof, LeaseStatus::Active);
        self.lease.as_mut().filter(|_| is_held)
    }

    fn complete(&mut self, answer: Answer, at: i64) {
        let task = &mut self.task;
        (task.status, task.not_before, task.updated_at) = (TaskStatus::Completed, None, at);
        (task.answer, task.error) = (Some(answer), None);
    }

    fn fail(&mut self, error: EffectError, at: i64) {
        let task = &mut self.task;
        (task.not_before, task.updated_at) = (None, at);
        task.status = match error.retryable {
            false => TaskStatus::Failed,
            true if task.attempts < task.max_attempts => TaskStatus::Queued,
            true => TaskStatus::Dead,
        };
        task.error = Some(error);
    }

    fn give_back(&mut self, at: i64) {
        let task = &mut self.task;
        (task.status, task.not_before, task.updated_at) = (TaskStatus::Queued, None, at);
        task.attempts = task.attempts.saturating_sub(1);
    }

    fn requeue(&mut self, at: i64) -> Result<(), TaskError> {
        let task = &mut self.task;
        if !matches!(task.status, TaskStatus::Failed | TaskStatus::Dead) {
            return Err(TaskError::NotFailed { task: task.id.clone(), status: task.status });
        }
        if task.resolved {
            let effect = task.of.as_ref().map(|of| of.effect.clone());
            return Err(TaskError::EffectResolved { task: task.id.clone(), effect });
        }
        (task.status, task.attempts, task.updated_at) = (TaskStatus::Queued, 0, at);
        task.time_used_ms = 0;
        Ok(())
    }

    /// Fails it for good, and makes every lease of it stale.
    fn cancel(&mut self, reason: &str, at: i64) {
        let task = &mut self.task;
        task.resolved = true;
        if !task.is_open() {
            return;
        }
        if let Some(lease) = self.lease.as_mut().filter(|_| task.is_held()) {
            close(lease, LeaseStatus::Released, at);
        }
        (task.status, task.not_before, task.updated_at) = (TaskStatus::Failed, None, at);
        task.epoch = task.epoch.saturating_add(1);
        task.error = Some(EffectError::new("cancelled", reason));
    }
}

fn close(lease: &mut Lease, status: LeaseStatus, at: i64) {
    (lease.status, lease.ended_at) = (status, Some(at));
}

fn stale(task: &Task, proof: &Proof) -> TaskError {
    let Proof { lease, epoch } = proof.clone();
    TaskError::Stale { lease, epoch, current: task.epoch, status: task.status }
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
    /// No worker has it.
    #[error("task {task} is {status:?}: no worker has it")]
    NotHeld {
        /// Which.
        task: TaskId,
        /// Where it stands.
        status: TaskStatus,
    },
    /// A newer grant exists, the lease was taken back, or the task has ended.
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
    #[error("task {task} is resolved: effect {} has its outcome", effect.as_ref().map_or("-", EffectId::as_str))]
    EffectResolved {
        /// Which.
        task: TaskId,
        /// Its effect.
        effect: Option<EffectId>,
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
