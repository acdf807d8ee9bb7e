//! Tasks are leased to workers, and what they bring back moves runs on.

use std::pin::pin;
use std::sync::PoisonError;
use std::time::Duration;

use bloom_interpreter::effect::EffectError;
use bloom_ir::{Digest, Value};

use super::live::{Made, Slot, With};
use super::progress::Step;
use super::retry::Schedule;
use super::run::{Desk, Run, with_last};
use super::tool::out_of_time;
use super::{Engine, EngineError};
use crate::dispatch::{Command, Decision, Proof, decide};
use crate::record::{
    Actor, AuditNote, Lease, LeaseEnding, LeaseId, LeaseStatus, RunId, Task, TaskEffect, TaskId, TaskStatus, WorkerId,
};
use crate::store::{Grant, GrantAsk, Kept, LeaseEnd, StoreError};

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
        self.grant_as(GrantAsk {
            lease: LeaseId::new(self.ids.fresh()),
            worker: worker.clone(),
            provides,
            run,
            task: None,
            token: None,
            at: self.clock.now(),
            ttl_ms: millis(self.config.lease_ttl),
        })
        .await
    }

    /// Grants a task that is asked for by name, to a worker or to the best one, whether its delay is over or not. `ttl` is
    /// how long the lease lives, and `token` the digest of its secret. No worker for it is [`EngineError::NoWorker`].
    pub async fn lease_task(
        &self,
        task: &TaskId,
        worker: Option<&WorkerId>,
        ttl: Option<Duration>,
        token: Option<Digest>,
    ) -> Result<Grant, EngineError> {
        let task = self.task(task).await?;
        if task.status != TaskStatus::Queued {
            let refused = crate::dispatch::TaskError::NotQueued { task: task.id, status: task.status };
            return Err(StoreError::from(refused).into());
        }
        let now = self.clock.now();
        let chosen = match worker {
            Some(worker) => self.provides(worker).filter(|provides| task.fits(provides)).map(|_| worker.clone()),
            None => self.fleet().choose(&task, false, now),
        };
        let worker = chosen.ok_or_else(|| EngineError::NoWorker(task.id.clone()))?;
        let ttl = ttl.unwrap_or_else(|| self.ttl_of(&worker, &task));
        let ask = GrantAsk {
            lease: LeaseId::new(self.ids.fresh()),
            worker,
            provides: Vec::new(),
            run: None,
            task: Some(task.id.clone()),
            token,
            at: now,
            ttl_ms: millis(ttl),
        };
        self.grant_as(ask).await?.ok_or(EngineError::NoWorker(task.id))
    }

    /// A task that is pushed to a worker lives at least as long as the call to it.
    fn ttl_of(&self, worker: &WorkerId, task: &Task) -> Duration {
        let is_pushed_to = self.worker(worker).is_some_and(|seat| seat.worker.is_pushed_to());
        let call = Duration::from_secs(task.timeout_seconds.into()).saturating_add(self.config.overtime);
        if is_pushed_to { self.config.lease_ttl.max(call) } else { self.config.lease_ttl }
    }

    async fn grant_as(&self, ask: GrantAsk) -> Result<Option<Grant>, EngineError> {
        if !self.fleet().reserve(&ask.worker) {
            return Ok(None);
        }
        // A task of its own: if this future is dropped now, the lease is known, and ends by time.
        let (store, fleet) = (self.store.clone(), self.fleet.clone());
        let granting = tokio::spawn(async move {
            let (worker, asked) = (ask.worker.clone(), ask.lease.clone());
            let granted = store.grant(ask).await;
            let mut fleet = fleet.lock().unwrap_or_else(PoisonError::into_inner);
            fleet.unreserve(&worker);
            match &granted {
                Ok(Some(Grant { lease, task })) => fleet.granted(lease.clone(), task),
                Err(StoreError::Backend(_)) => fleet.doubt(asked),
                _ => {}
            }
            granted
        });
        let granted = granting.await.unwrap_or_else(|lost| Err(StoreError::Backend(lost.into())));
        // Who waits for a task that cannot be granted must not wait for ever.
        let grant = granted.map_err(EngineError::from).inspect_err(|error| {
            if !matches!(error, EngineError::Store(StoreError::Task(_))) {
                self.interrupt_all(error);
            }
        })?;
        // What is done of a whole run is told by its worker.
        if let Some(Grant { task, .. }) = &grant
            && let Some(of) = task.of.as_ref().filter(|_| task.flow.is_none())
        {
            let live = self.live(&of.run);
            live.note_begun(of.effect.as_str());
            // How long it is active is for who drives it.
            self.tending.want(&of.run);
            if let Some(Slot::Open(run)) = live.slot.lock().await.as_ref()
                && let Some(open) = run.open.get(&of.effect)
            {
                let effect = run.spot(open.effect.ask());
                self.tell_transient(&of.run, Step::Performing { effect, attempt: task.attempts });
            }
        }
        Ok(grant)
    }

    /// Waits for tasks that a worker from outside can do, and grants it as many as there are, up to `slots`: none when
    /// `until` comes first. `provides` is what it provides now. An unknown worker is [`StoreError::NotFound`].
    ///
    /// Who drops the future may lose a grant, which ends by time; `until` is what ends the wait without that.
    pub async fn pull(
        &self,
        worker: &WorkerId,
        provides: Option<Vec<String>>,
        slots: usize,
        until: impl Future<Output = ()>,
    ) -> Result<Vec<Grant>, EngineError> {
        if let Some(provides) = provides {
            self.fleet().provide(worker, provides);
        }
        let mut until = pin!(until);
        let mut work = self.work();
        loop {
            work.mark_unchanged();
            if !self.hear_of_worker(worker) {
                return Err(StoreError::NotFound { kind: "worker", id: worker.to_string() }.into());
            }
            let mut grants = Vec::new();
            while grants.len() < slots {
                match self.grant(worker, None).await {
                    Ok(Some(grant)) => grants.push(grant),
                    Ok(None) => break,
                    // What is granted must be told.
                    Err(_) if !grants.is_empty() => break,
                    Err(error) => return Err(error),
                }
            }
            if !grants.is_empty() || self.fleet().is_draining(worker) {
                return Ok(grants);
            }
            let due = self.next_due(worker, None).await?;
            tokio::select! {
                biased;
                () = &mut until => return Ok(grants),
                () = work.changed() => {}
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
            }
        }
    }

    /// The holder of a lease is alive: the lease as it is after that.
    pub async fn heartbeat(&self, proof: Proof) -> Result<Lease, EngineError> {
        let (task, lease) = self.task_of(&proof.lease).await?;
        let lease = self.current_lease(lease);
        let Decision { task, lease, .. } =
            decide(&task, Some(&lease), &Command::Heartbeat(proof), self.clock.now()).map_err(StoreError::from)?;
        let lease = lease.ok_or_else(|| StoreError::NotFound { kind: "lease of task", id: task.id.to_string() })?;
        self.fleet().beat(lease.clone(), self.clock.now());
        Ok(lease)
    }

    /// A call to the holder of a lease is open, or is over: while it is open, the lease does not end by time.
    pub fn keep_lease_open(&self, lease: &LeaseId, is_open: bool) {
        self.fleet().keep_open(lease, is_open);
    }

    /// Ends leases whose holders were not heard of in time, and those of holders that are heard of and do not keep to the time
    /// limit of the node or the run; says how many. Those that were granted without anybody being told, since the store failed
    /// just then, are given back.
    pub async fn reap(&self) -> Result<usize, EngineError> {
        let now = self.clock.now();
        let (doubted, overdue, late) = {
            let fleet = self.fleet();
            (fleet.doubted(), fleet.overdue(now), fleet.out_of_time(now))
        };
        let mut endings: Vec<_> = overdue.into_iter().map(|lease| (lease, LeaseEnding::Expired)).collect();
        for lease in late {
            if !endings.iter().any(|(other, _)| other.id == lease.id) {
                let ending = LeaseEnding::Failed(too_slow(&self.task(&lease.task).await?, &lease, now));
                endings.push((lease, ending));
            }
        }
        for id in doubted {
            match self.store.lease(&id).await? {
                Some(lease) if lease.status == LeaseStatus::Active => endings.push((lease, LeaseEnding::GivenBack)),
                _ => self.fleet().ended(&id),
            }
        }
        let mut ended = 0;
        for (lease, ending) in endings {
            let why = match ending {
                LeaseEnding::Expired => "a lease expired",
                LeaseEnding::GivenBack => "a lease was granted that nobody was told of",
                _ => "a worker did not keep to a time limit",
            };
            match self.end_lease(&lease.id, lease.epoch, ending).await {
                Ok(_) => {
                    ended += 1;
                    tracing::warn!(lease = %lease.id, worker = %lease.worker, task = %lease.task, "{why}");
                }
                Err(EngineError::Store(StoreError::Task(_)) | EngineError::Over { .. }) => {
                    self.fleet().ended(&lease.id);
                }
                // The others are none the worse for it, and it is tried again.
                Err(error) => tracing::error!(lease = %lease.id, %error, "a lease cannot be ended for now"),
            }
        }
        Ok(ended)
    }

    /// Ends leases when their time is over, until `stop`. An error of one of them is told by `tracing`, and it is tried again.
    pub async fn reap_until(&self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut ticks = tokio::time::interval(self.config.reap_every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return,
                _ = ticks.tick() => if let Err(error) = self.reap().await {
                    tracing::error!(%error, "leases cannot be ended");
                },
            }
        }
    }

    /// How long until a task comes due that the worker could be granted, of one run or of all: after that, a worker that got
    /// nothing asks again. `None` when none waits for its time; new work is told by [`Engine::work`].
    pub async fn next_due(&self, worker: &WorkerId, run: Option<&RunId>) -> Result<Option<Duration>, EngineError> {
        let until = |due: i64| u64::try_from(due.saturating_sub(self.clock.now())).unwrap_or_default();
        let Some(provides) = self.provides(worker) else {
            // It asks again when its provider's quota is renewed.
            let stopped = self.fleet().stopped_until(worker, self.clock.now());
            return Ok(stopped.map(|end| Duration::from_millis(until(end))));
        };
        let runs = run.map_or_else(|| vec![None], |run| self.with_driven(run).into_iter().map(Some).collect());
        let mut due = None;
        for run in runs {
            let next = self.store.next_due(&provides, run.as_ref()).await.map_err(EngineError::from);
            due = due.into_iter().chain(next.inspect_err(|error| self.interrupt_all(error))?).min();
        }
        Ok(due.map(|due| Duration::from_millis(until(due))))
    }

    /// Ends a lease, for its holder: with an answer, a failure, or given back. What that makes of the task and of the run is
    /// committed together. A stale lease is [`crate::dispatch::TaskError::Stale`], and changes nothing; a repeated ending
    /// gives the stored task.
    ///
    /// A failure of the provider (a quota, a missing login) counts as given back, and stops grants to its workers.
    pub async fn end_lease(
        &self,
        lease: &LeaseId,
        epoch: u64,
        ending: LeaseEnding,
    ) -> Result<LeaseResult, EngineError> {
        self.end_lease_with(lease, epoch, ending, None).await
    }

    /// The same, and keeps what the holder brought, if it is not told again.
    pub async fn end_lease_with(
        &self,
        lease: &LeaseId,
        epoch: u64,
        ending: LeaseEnding,
        kept: Option<Kept>,
    ) -> Result<LeaseResult, EngineError> {
        let (task, lease) = self.task_of(lease).await?;
        // What the store will make of it, so that the run's part goes into the same commit.
        if decided(&task, &lease, epoch, &ending, self.clock.now())?.is_repeated {
            return Ok(LeaseResult { task, retry_after: None });
        }
        let (ending, provider) = match ending {
            LeaseEnding::Failed(error) if self.fleet().blame(&lease.worker, &error, self.clock.now()) => {
                tracing::warn!(worker = %lease.worker, %error, "a provider cannot answer for now");
                (LeaseEnding::GivenBack, Some(error))
            }
            ending => (ending, None),
        };
        let of = task.of.as_ref().filter(|_| task.flow.is_none());
        let live = of.map(|of| (self.live(&of.run), of.effect.clone()));
        let idle = live.as_ref().map(|(live, effect)| live.idle_after(effect));
        // What a provider says of itself is nothing that was done for the task.
        let kept = kept.filter(|_| provider.is_none());
        let concluded = self.conclude(&task, &lease, epoch, ending.clone(), kept).await;
        drop(idle);
        match concluded {
            Ok(retry_after) => Ok(LeaseResult {
                task: self.task(&task.id).await?,
                retry_after: provider.map(RetryAfter::Provider).or(retry_after.map(RetryAfter::Delay)),
            }),
            Err(error) => {
                // It may have been told twice at the same time, and the other one was quicker.
                let Ok((task, lease)) = self.task_of(&lease.id).await else { return Err(error) };
                let again = decided(&task, &lease, epoch, &ending, self.clock.now());
                if again.is_ok_and(|again| again.is_repeated) {
                    return Ok(LeaseResult { task, retry_after: None });
                }
                Err(error)
            }
        }
    }

    pub(super) async fn conclude(
        &self,
        task: &Task,
        lease: &Lease,
        epoch: u64,
        ending: LeaseEnding,
        kept: Option<Kept>,
    ) -> Result<Option<Duration>, EngineError> {
        let at = self.clock.now();
        let schedule = Schedule::new(&self.config, task.request.retry.as_ref());
        // A code that the node does not want retried ends the task, whatever the executor thinks of it.
        let ending = match ending {
            LeaseEnding::Failed(error) => {
                LeaseEnding::Failed(EffectError { retryable: schedule.may_retry(&error), ..error })
            }
            ending => ending,
        };
        let after = decided(task, lease, epoch, &ending, at)?.task;
        // Who was not heard of has been waited for already.
        let delay = match ending {
            LeaseEnding::Failed(_) => schedule.delay(task.attempts, &task.idempotency_key()),
            _ => Duration::ZERO,
        };
        let is_again = after.status == TaskStatus::Queued;
        let is_delayed = is_again && !matches!(ending, LeaseEnding::GivenBack);
        let end = LeaseEnd {
            lease: lease.id.clone(),
            epoch,
            ending: ending.clone(),
            at,
            append: None,
            retry_at: is_delayed.then(|| at.saturating_add(millis(delay))),
            audit: vec![if kept.is_some() {
                completed(&after, lease, &ending, at)
            } else {
                note(&after, lease, &ending, at)
            }],
            kept,
        };
        match &task.of {
            Some(of) if task.flow.is_some() => {
                self.followers.forget(&of.run);
                match after.status {
                    TaskStatus::Completed => return Err(unfinished().into()),
                    // The next worker could only begin.
                    TaskStatus::Queued if after.time_left_ms() == Some(0) => {
                        let error = run_out_of_time(&after);
                        let fail = |run: &mut Run, desk: &Desk<'_>| Ok(Some(run.fail(error, desk)));
                        self.happen(&of.run, With::Lease(Box::new(end)), fail).await?;
                    }
                    // Nobody tries again: the run ends with what the last attempt ran into.
                    TaskStatus::Failed | TaskStatus::Dead => {
                        let error = last_error(&after);
                        // As its worker left it: no turn is taken here.
                        let fail = |run: &mut Run, desk: &Desk<'_>| Ok(Some(run.fail(error, desk)));
                        self.happen(&of.run, With::Lease(Box::new(end)), fail).await?;
                    }
                    TaskStatus::Queued | TaskStatus::Leased | TaskStatus::Running => self.end_alone(end).await?,
                }
            }
            Some(of) if !matches!(ending, LeaseEnding::GivenBack) => {
                let with = With::Lease(Box::new(end));
                self.happen_at_rest(&of.run, with, |run, desk| resolve(run, desk, of, &after, delay)).await?;
            }
            _ => self.end_alone(end).await?,
        }
        Ok(is_delayed.then_some(delay))
    }

    /// Ends a lease that makes nothing of a run.
    async fn end_alone(&self, end: LeaseEnd) -> Result<(), EngineError> {
        let (store, fleet, work) = (self.store.clone(), self.fleet.clone(), self.work.clone());
        // A task of its own: if this future is dropped now, its slot is free all the same.
        let ending = tokio::spawn(async move {
            let lease = end.lease.clone();
            store.end_lease(end).await?;
            fleet.lock().unwrap_or_else(PoisonError::into_inner).ended(&lease);
            work.announce();
            Ok(())
        });
        Ok(ending.await.unwrap_or_else(|lost| Err(StoreError::Backend(lost.into())))?)
    }

    pub(super) async fn task_of(&self, lease: &LeaseId) -> Result<(Task, Lease), EngineError> {
        let missing = || StoreError::NotFound { kind: "lease", id: lease.to_string() };
        let (lease, task) = self.store.leased(lease).await?.ok_or_else(missing)?;
        Ok((task, lease))
    }

    /// Ends the leases on a run's tasks that workers of a process held which is gone. Such an attempt counts.
    pub(super) async fn expire_leases_of_the_dead(&self, run: &RunId) -> Result<(), EngineError> {
        for task in self.store.tasks(run).await? {
            let Some(lease) = task.lease.as_ref().filter(|_| task.is_held()) else { continue };
            let Some(lease) = self.store.lease(lease).await? else { continue };
            if lease.status == LeaseStatus::Active && self.is_of_the_dead(&lease.worker) {
                self.conclude(&task, &lease, lease.epoch, LeaseEnding::Expired, None).await?;
            }
        }
        Ok(())
    }
}

/// What the rules make of an ending.
pub(super) fn decided(
    task: &Task,
    lease: &Lease,
    epoch: u64,
    ending: &LeaseEnding,
    at: i64,
) -> Result<Decision, StoreError> {
    let proof = Proof { lease: lease.id.clone(), epoch };
    Ok(decide(task, Some(lease), &Command::End(proof, ending.clone()), at)?)
}

fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// A holder has had a task for longer than it may.
fn too_slow(task: &Task, lease: &Lease, now: i64) -> EffectError {
    if task.flow.is_some() {
        let mut task = task.clone();
        task.use_time(lease.started_at, now);
        return run_out_of_time(&task);
    }
    let message = format!("worker {} did not answer within {} ms", lease.worker, task.attempt_limit_ms());
    EffectError { retryable: true, ..EffectError::new("timeout", message) }
}

/// Workers have had a whole run for longer than it may be active.
fn run_out_of_time(task: &Task) -> EffectError {
    let limit = Duration::from_secs(task.timeout_seconds.into());
    super::drive::out_of_time(Duration::from_millis(task.time_used_ms), limit)
}

/// The time of the node is over, or would be before another attempt could begin.
fn overdue(task: &Task, delay: Duration, last: &EffectError) -> EffectError {
    let limit = Duration::from_millis(task.time_limit_ms.unwrap_or_default());
    out_of_time(Duration::from_millis(task.time_used_ms).saturating_add(delay), limit, task.attempts, last)
}

/// What the end of a lease makes of the run.
fn resolve(run: &mut Run, desk: &Desk<'_>, of: &TaskEffect, task: &Task, delay: Duration) -> Made {
    let gone = || EngineError::NoSuchEffect { run: of.run.clone(), effect: of.effect.to_string() };
    let error = || task.error.clone().unwrap_or_else(|| EffectError::new("failed", "the task failed without a reason"));
    let addition = match task.status {
        TaskStatus::Queued | TaskStatus::Leased | TaskStatus::Running => {
            let error = error();
            let delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
            let is_out_of_time = task.time_left_ms().is_some_and(|left| left <= delay_ms);
            match run.may_try_again(&error, desk) {
                Ok(()) if is_out_of_time => {
                    run.settle(&of.effect, task.attempts, Err(overdue(task, delay, &error)), desk)
                }
                Ok(()) => run.attempted(&of.effect, error, delay, desk),
                Err(exhausted) => run.settle(&of.effect, task.attempts, Err(exhausted), desk),
            }
        }
        TaskStatus::Completed => {
            let answer = task.answer.clone().unwrap_or_default();
            run.settle(&of.effect, task.attempts, Ok(answer), desk)
        }
        TaskStatus::Failed => run.settle(&of.effect, task.attempts, Err(error()), desk),
        TaskStatus::Dead => run.settle(&of.effect, task.attempts, Err(dead(task, error())), desk),
    };
    addition.map(Some).ok_or_else(gone)
}

/// A run ends with its history, and not by a worker's word.
fn unfinished() -> StoreError {
    StoreError::Contradiction("the end of a run comes with its history")
}

/// With what a whole run ends whose task nobody tries again.
fn last_error(task: &Task) -> EffectError {
    let error = task.error.clone().unwrap_or_else(|| EffectError::new("worker_error", "the worker did not say why"));
    if task.status != TaskStatus::Dead {
        return error;
    }
    let details = with_last(Value::empty_map(), &error);
    EffectError { code: "DEAD".to_owned(), details: Some(details), retryable: false, ..dead(task, error) }
}

/// Out of attempts. The code is the last failure's, which is what a flow can handle.
fn dead(task: &Task, last: EffectError) -> EffectError {
    EffectError { message: format!("{} (attempt {} of {})", last.message, task.attempts, task.max_attempts), ..last }
}

/// What the audit log says where a holder brought its result, whatever that is and whatever becomes of the task.
fn completed(task: &Task, lease: &Lease, ending: &LeaseEnding, at: i64) -> AuditNote {
    let made = note(task, lease, ending, at);
    let Value::Map(detail) = &made.detail else { return made };
    let status = if matches!(ending, LeaseEnding::Completed(_)) { "success" } else { "error" };
    let more = [("status", status), ("task_status", task.status.name())];
    let detail = detail.iter().map(|(name, value)| (name.clone(), value.clone()));
    let detail = detail.chain(more.map(|(name, value)| (name.into(), value.into()))).collect();
    AuditNote { action: "task_completed".to_owned(), detail, ..made }
}

/// What the audit log says of the end of a lease.
pub(super) fn note(task: &Task, lease: &Lease, ending: &LeaseEnding, at: i64) -> AuditNote {
    let action = match task.status {
        TaskStatus::Completed => "task_completed",
        TaskStatus::Failed => "task_failed",
        TaskStatus::Dead => "task_dead",
        TaskStatus::Queued | TaskStatus::Leased | TaskStatus::Running => "task_requeued",
    };
    let why = match ending {
        LeaseEnding::Completed(_) => "completed",
        LeaseEnding::Failed(error) => error.code.as_str(),
        LeaseEnding::Expired => "expired",
        LeaseEnding::GivenBack => "given_back",
    };
    let detail = [("lease", lease.id.as_str().into()), ("why", why.into())].into_iter().collect();
    let by = Actor(format!("worker:{}", lease.worker));
    AuditNote { epoch: Some(lease.epoch), detail, ..task.audit_note(action, &by, at) }
}
