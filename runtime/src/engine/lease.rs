//! Tasks are leased to workers, and what they bring back moves runs on.

use std::sync::PoisonError;
use std::time::Duration;

use bloom_interpreter::effect::EffectError;

use super::live::{Made, Slot, With};
use super::progress::Step;
use super::retry::Schedule;
use super::run::{Desk, Run};
use super::{Engine, EngineError};
use crate::record::{Actor, AuditNote, Ended, Lease, LeaseEnding, LeaseId, RunId, Task, TaskId, TaskStatus, WorkerId};
use crate::store::{Grant, GrantAsk, LeaseEnd, StoreError};

/// A lease that ended.
#[derive(Clone, Debug)]
pub struct LeaseResult {
    /// The task, after that.
    pub task: Task,
    /// Why nobody is granted the task for now, if it is queued again.
    pub retry_after: Option<RetryAfter>,
}

/// Why and how long a task waits.
#[derive(Clone, Debug, PartialEq)]
pub enum RetryAfter {
    /// The attempt failed.
    Delay(Duration),
    /// The provider cannot answer for now: the engine grants nothing to its workers until it can.
    Provider(EffectError),
}

impl Engine {
    /// Grants a worker the best task that it can do, of all runs, or of one run and those that are driven with it.
    pub async fn grant(&self, worker: &WorkerId, run: Option<RunId>) -> Result<Option<Grant>, EngineError> {
        let Some(run) = run else { return self.grant_of(worker, None).await };
        for run in self.with_driven(&run) {
            if let Some(grant) = self.grant_of(worker, Some(run)).await? {
                return Ok(Some(grant));
            }
        }
        Ok(None)
    }

    /// A run, and those that are in memory beside it.
    fn with_driven(&self, run: &RunId) -> Vec<RunId> {
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        let others = live.keys().filter(|other| *other != run).cloned();
        std::iter::once(run.clone()).chain(others).collect()
    }

    async fn grant_of(&self, worker: &WorkerId, run: Option<RunId>) -> Result<Option<Grant>, EngineError> {
        let Some(provides) = self.provides(worker) else { return Ok(None) };
        let ask = GrantAsk {
            lease: LeaseId::new(self.ids.fresh()),
            worker: worker.clone(),
            provides,
            run,
            at: self.clock.now(),
            ttl_ms: i64::try_from(self.config.lease_ttl.as_millis()).unwrap_or(i64::MAX),
        };
        // Who waits for a task that cannot be granted must not wait for ever.
        let grant =
            self.store.grant(ask).await.map_err(EngineError::from).inspect_err(|error| self.interrupt_all(error))?;
        if let Some(Grant { task, .. }) = &grant {
            let live = self.live(&task.run);
            live.note_begun(task.effect.as_str());
            if let Some(Slot::Open(run)) = live.slot.lock().await.as_ref()
                && let Some(open) = run.open.get(&task.effect)
            {
                let effect = run.spot(open.effect.ask());
                self.tell_transient(&task.run, Step::Performing { effect, attempt: task.attempts });
            }
        }
        Ok(grant)
    }

    /// How long until a task comes due that the worker could be granted, of one run or of all: after that, a worker that got
    /// nothing asks again. `None` when none waits for its time; new work is told by [`Engine::work`].
    pub async fn next_due(&self, worker: &WorkerId, run: Option<&RunId>) -> Result<Option<Duration>, EngineError> {
        let Some(provides) = self.provides(worker) else { return Ok(None) };
        let runs = run.map_or_else(|| vec![None], |run| self.with_driven(run).into_iter().map(Some).collect());
        let mut due = None;
        for run in runs {
            let next = self.store.next_due(&provides, run.as_ref()).await.map_err(EngineError::from);
            due = due.into_iter().chain(next.inspect_err(|error| self.interrupt_all(error))?).min();
        }
        let until = |due: i64| u64::try_from(due.saturating_sub(self.clock.now())).unwrap_or_default();
        Ok(due.map(|due| Duration::from_millis(until(due))))
    }

    /// Ends a lease, for its holder: with an answer, a failure, or given back. What that makes of the task and of the run is
    /// committed together. A stale lease is [`crate::record::TaskError::Stale`], and changes nothing; a repeated completion
    /// gives the stored task.
    ///
    /// A failure of the provider (a quota, a missing login) counts as given back, and stops grants to its workers.
    pub async fn end_lease(
        &self,
        lease: &LeaseId,
        epoch: u64,
        ending: LeaseEnding,
    ) -> Result<LeaseResult, EngineError> {
        let missing = |kind, id: String| StoreError::NotFound { kind, id };
        let lease = self.store.lease(lease).await?.ok_or_else(|| missing("lease", lease.to_string()))?;
        let task = self.task(&lease.task).await?;
        // What the store will make of it, so that the run's part goes into the same commit.
        let mut after = task.clone();
        if after.end(&mut lease.clone(), epoch, &ending, self.clock.now()).map_err(StoreError::from)? == Ended::Repeated
        {
            return Ok(LeaseResult { task, retry_after: None });
        }
        let (ending, provider) = match ending {
            LeaseEnding::Failed(error) if self.blames_provider(&lease.worker, &error) => {
                (LeaseEnding::GivenBack, Some(error))
            }
            ending => (ending, None),
        };
        let live = self.live(&task.run);
        let idle = live.idle_after(&task.effect);
        let retry_after = self.conclude(&task, &lease, epoch, ending).await?;
        drop(idle);
        Ok(LeaseResult {
            task: self.task(&task.id).await?,
            retry_after: provider.map(RetryAfter::Provider).or(retry_after.map(RetryAfter::Delay)),
        })
    }

    async fn conclude(
        &self,
        task: &Task,
        lease: &Lease,
        epoch: u64,
        ending: LeaseEnding,
    ) -> Result<Option<Duration>, EngineError> {
        let at = self.clock.now();
        let mut after = task.clone();
        after.end(&mut lease.clone(), epoch, &ending, at).map_err(StoreError::from)?;
        let end = LeaseEnd {
            lease: lease.id.clone(),
            epoch,
            ending: ending.clone(),
            at,
            append: None,
            audit: vec![note(&after, lease, at)],
        };
        if matches!(ending, LeaseEnding::GivenBack | LeaseEnding::Cancelled) {
            self.store.end_lease(end).await?;
            self.announce_work();
            return Ok(None);
        }
        let schedule = Schedule::new(&self.config, task.request.retry.as_ref());
        // Who was not heard of has been waited for already.
        let delay = match ending {
            LeaseEnding::Expired => Duration::ZERO,
            _ => schedule.delay(task.attempts, &format!("{}/{}", task.run, task.effect)),
        };
        // A code that the node does not want retried ends the task, whatever the executor thinks of it.
        let end = match &ending {
            LeaseEnding::Failed(error) if error.retryable && !schedule.may_retry(error) => {
                let error = EffectError { retryable: false, ..error.clone() };
                after = task.clone();
                let ending = LeaseEnding::Failed(error);
                after.end(&mut lease.clone(), epoch, &ending, at).map_err(StoreError::from)?;
                LeaseEnd { ending, ..end }
            }
            _ => end,
        };
        let is_again = after.status == TaskStatus::Queued;
        let outcome = after.clone();
        let with = With::Lease(Box::new(end));
        self.happen_at_rest(&task.run, with, |run, desk| resolve(run, desk, &outcome, delay)).await?;
        if is_again {
            self.announce_work();
        }
        Ok(is_again.then_some(delay))
    }

    async fn task(&self, id: &TaskId) -> Result<Task, EngineError> {
        let missing = || StoreError::NotFound { kind: "task", id: id.to_string() };
        Ok(self.store.task(id).await?.ok_or_else(missing)?)
    }

    /// Ends the leases on a run's tasks that workers of a process held which is gone. Such an attempt counts.
    pub(super) async fn expire_leases_of_the_dead(&self, run: &RunId) -> Result<(), EngineError> {
        for task in self.store.tasks(run).await? {
            let Some(lease) = task.lease.as_ref().filter(|_| task.is_open() && task.status != TaskStatus::Queued)
            else {
                continue;
            };
            let Some(lease) = self.store.lease(lease).await? else { continue };
            if self.is_of_the_dead(&lease.worker) {
                self.conclude(&task, &lease, lease.epoch, LeaseEnding::Expired).await?;
            }
        }
        Ok(())
    }
}

/// What the end of a lease makes of the run.
fn resolve(run: &mut Run, desk: &Desk<'_>, task: &Task, delay: Duration) -> Made {
    let gone = || EngineError::NoSuchEffect { run: task.run.clone(), effect: task.effect.to_string() };
    let error = || task.error.clone().unwrap_or_else(|| EffectError::new("failed", "the task failed without a reason"));
    let addition = match task.status {
        TaskStatus::Queued | TaskStatus::Leased | TaskStatus::Running => {
            run.attempted(&task.effect, error(), delay, desk)
        }
        TaskStatus::Completed => {
            let answer = task.answer.clone().unwrap_or_default();
            run.settle(&task.effect, task.attempts, Ok(answer), desk)
        }
        TaskStatus::Failed => run.settle(&task.effect, task.attempts, Err(error()), desk),
        TaskStatus::Dead => run.settle(&task.effect, task.attempts, Err(dead(task, error())), desk),
    };
    addition.map(Some).ok_or_else(gone)
}

/// Out of attempts. The code is the last failure's, which is what a flow can handle.
fn dead(task: &Task, last: EffectError) -> EffectError {
    EffectError { message: format!("{} (attempt {} of {})", last.message, task.attempts, task.max_attempts), ..last }
}

fn note(task: &Task, lease: &Lease, at: i64) -> AuditNote {
    let action = match task.status {
        TaskStatus::Completed => "task_completed",
        TaskStatus::Failed => "task_failed",
        TaskStatus::Dead => "task_dead",
        TaskStatus::Queued | TaskStatus::Leased | TaskStatus::Running => "task_requeued",
    };
    AuditNote {
        at,
        actor: Actor(format!("worker:{}", lease.worker)),
        action: action.to_owned(),
        entity_type: "task".to_owned(),
        entity_id: task.id.to_string(),
        job_id: Some(task.run.to_string()),
        context_id: Some(task.context.to_string()),
        epoch: Some(lease.epoch),
        detail: bloom_ir::Value::empty_map(),
    }
}
