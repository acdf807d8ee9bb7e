//! Workers come, are heard of, and go.

use std::sync::{MutexGuard, PoisonError};

use bloom_interpreter::effect::EffectError;
use bloom_ir::Value;

use super::{Engine, EngineError, Work};
use crate::dispatch::{Fleet, Seat};
use crate::record::{Actor, AuditNote, Capabilities, LOCAL, LeaseEnding, Task, Worker, WorkerId, WorkerStatus};
use crate::store::StoreError;

/// What a worker says of itself. Of one that is known, what it does not say stays as it was.
#[derive(Clone, Debug, Default)]
pub struct Registration {
    /// Where its agent listens.
    pub url: Option<String>,
    /// How it is.
    pub status: Option<WorkerStatus>,
    /// What it can do.
    pub capabilities: Option<Capabilities>,
    /// Its addresses.
    pub ip_addrs: Option<Vec<String>>,
    /// The version of its agent.
    pub agent_version: Option<String>,
    /// Its operating system.
    pub os_info: Option<String>,
    /// How its agent was installed.
    pub install_method: Option<String>,
}

impl Engine {
    /// Takes on a worker of this process. It may be granted tasks that it can do.
    pub fn register_worker(&self, provides: Vec<String>) -> WorkerId {
        let id = WorkerId::new(format!("{LOCAL}{}", self.ids.fresh()));
        self.fleet().join(id.clone(), provides, u32::MAX, self.clock.now());
        id
    }

    /// A worker of this process says how it is: granted nothing unless it is [`WorkerStatus::Online`].
    pub fn tell_worker_status(&self, worker: &WorkerId, status: WorkerStatus) {
        let is_new = self.fleet().tell_status(worker, status);
        if is_new && status == WorkerStatus::Online {
            self.announce_work();
        }
    }

    /// The provider of a worker of this process lets it in again, after an answer was `not_logged_in`.
    pub fn let_worker_in(&self, worker: &WorkerId) {
        self.fleet().let_in(worker);
        self.announce_work();
        self.wake_all();
    }

    /// A worker of this process leaves. It must have ended its leases.
    pub fn dismiss_worker(&self, worker: &WorkerId) {
        self.fleet().leave(worker);
        // It may have been the last one that a run could wait for.
        self.wake_all();
    }

    /// A worker from outside registers, perhaps again; says whether it is new. It counts as heard of.
    pub async fn admit_worker(
        &self,
        id: &WorkerId,
        registration: Registration,
        by: &Actor,
    ) -> Result<(Seat, bool), EngineError> {
        let _changing = self.changing_workers.lock().await;
        let now = self.clock.now();
        let known = self.store.worker(id).await?;
        let is_new = known.is_none();
        let mut worker = known.unwrap_or_else(|| Worker::new(id.clone(), now));
        registration.apply(&mut worker);
        worker.last_heartbeat = Some(now);
        let action = if is_new { "worker_registered" } else { "worker_updated" };
        self.store.put_worker(worker.clone(), vec![self.worker_note(id, action, by)]).await?;
        let mut fleet = self.fleet();
        fleet.register(worker.clone(), now);
        let seat = fleet.seat(id, now);
        drop(fleet);
        self.announce_work();
        self.wake_all();
        let alone = || Seat {
            status: worker.status,
            last_heartbeat: Some(now),
            active_leases: 0,
            worker: worker.clone(),
            blocked: None,
        };
        Ok((seat.unwrap_or_else(alone), is_new))
    }

    /// A worker was heard of; says whether it is known.
    pub fn hear_of_worker(&self, worker: &WorkerId) -> bool {
        let (mut fleet, now) = (self.fleet(), self.clock.now());
        let could_take = fleet.may_take(worker, now).is_some();
        let is_known = fleet.hear_of(worker, now);
        let can_take = fleet.may_take(worker, now).is_some();
        drop(fleet);
        // One whose provider stops it, or that drains, would else be told again each time that it asks.
        if can_take && !could_take {
            self.announce_work();
        }
        is_known
    }

    /// A worker was called and did not answer as it should: it is granted nothing until it is heard of.
    pub fn lose_worker(&self, worker: &WorkerId) {
        self.fleet().lose(worker);
    }

    /// A worker is granted nothing more until it registers again. If it waits in [`Engine::pull`], it waits no more.
    pub fn drain_worker(&self, worker: &WorkerId) {
        self.fleet().drain(worker);
        self.announce_work();
    }

    /// Whether a worker is granted nothing more until it registers again.
    pub fn is_draining(&self, worker: &WorkerId) -> bool {
        self.fleet().is_draining(worker)
    }

    /// Removes a worker: its leases are revoked, and the tasks are queued again, which are given. One of this process is
    /// [`StoreError::NotFound`], as one that is not known: it leaves by itself ([`Engine::dismiss_worker`]).
    ///
    /// Who drops the future may leave a worker that is granted nothing until it registers again.
    pub async fn remove_worker(&self, worker: &WorkerId, by: &Actor) -> Result<Vec<Task>, EngineError> {
        let _changing = self.changing_workers.lock().await;
        let was_draining = {
            let mut fleet = self.fleet();
            if fleet.is_local(worker) {
                return Err(StoreError::NotFound { kind: "worker", id: worker.to_string() }.into());
            }
            let was_draining = fleet.is_draining(worker);
            // Nothing more is granted to it while that is recorded.
            fleet.drain(worker);
            was_draining
        };
        let audit = vec![self.worker_note(worker, "worker_removed", by)];
        let outcome = self.store.remove_worker(worker, self.clock.now(), audit).await;
        {
            let mut fleet = self.fleet();
            match &outcome {
                Ok(_) | Err(StoreError::NotFound { .. }) => fleet.leave(worker),
                Err(_) if !was_draining => fleet.go_on(worker),
                Err(_) => {}
            }
            for lease in outcome.iter().flatten().filter_map(|task| task.lease.as_ref()) {
                fleet.ended(lease);
            }
        }
        for of in outcome.iter().flatten().filter_map(|task| task.of.as_ref()) {
            self.followers.forget(&of.run);
            drop(self.live(&of.run).idle_after(&of.effect));
        }
        self.announce_work();
        self.wake_all();
        Ok(outcome?)
    }

    /// All workers, by name.
    pub fn workers(&self) -> Vec<Seat> {
        self.fleet().seats(self.clock.now())
    }

    /// A worker.
    pub fn worker(&self, id: &WorkerId) -> Option<Seat> {
        self.fleet().seat(id, self.clock.now())
    }

    /// Takes over what the store has of workers and leases, after a start: each lease gets one fresh time to live, but those
    /// that workers of a process held which is gone are expired.
    pub async fn restore_fleet(&self) -> Result<(), EngineError> {
        let workers = self.store.workers().await?;
        let mut held = Vec::new();
        for lease in self.store.active_leases().await? {
            let task = self.task(&lease.task).await?;
            if self.is_of_the_dead(&lease.worker) {
                let ended = self.conclude(&task, &lease, lease.epoch, LeaseEnding::Expired, None).await;
                let Err(error) = ended else { continue };
                // Else one run that cannot go on would keep all others from it. It is tried again when its time is over.
                tracing::error!(lease = %lease.id, %error, "a lease cannot be ended for now");
            }
            held.push((lease, task));
        }
        self.fleet().restore(workers, held, self.clock.now());
        Ok(())
    }

    /// Changes whenever there may be new work.
    pub fn work(&self) -> Work {
        let mut work = self.work.clone();
        work.mark_unchanged();
        work
    }

    pub(super) fn announce_work(&self) {
        self.work.announce();
    }

    pub(super) fn fleet(&self) -> MutexGuard<'_, Fleet> {
        let mut fleet = self.fleet.lock().unwrap_or_else(PoisonError::into_inner);
        fleet.look_at_clock(self.clock.now(), self.clock.elapsed());
        fleet
    }

    /// What a worker provides; `None` when it is not known or may get nothing for now.
    pub(super) fn provides(&self, worker: &WorkerId) -> Option<Vec<String>> {
        self.fleet().may_take(worker, self.clock.now())
    }

    pub(super) fn is_of_the_dead(&self, worker: &WorkerId) -> bool {
        worker.is_local() && !self.fleet().knows(worker)
    }

    /// What stops every worker that could do LLM tasks; `None` when one can go on, or one may come.
    pub(super) fn what_stops_all_workers(&self) -> Option<EffectError> {
        let requires = &self.config.llm_requires;
        let message = || format!("no worker is here that provides {}", requires.join(", "));
        match self.fleet().what_stops_all(requires, self.clock.now())? {
            Some(error) => Some(error),
            None => (!self.config.awaits_workers).then(|| EffectError::new("no_worker", message())),
        }
    }

    pub(super) fn worker_note(&self, id: &WorkerId, action: &str, by: &Actor) -> AuditNote {
        AuditNote {
            at: self.clock.now(),
            actor: by.clone(),
            action: action.to_owned(),
            entity_type: "worker".to_owned(),
            entity_id: id.to_string(),
            job_id: None,
            context_id: None,
            epoch: None,
            detail: Value::empty_map(),
        }
    }
}

impl Registration {
    fn apply(self, worker: &mut Worker) {
        let Self { url, status, capabilities, ip_addrs, agent_version, os_info, install_method } = self;
        // Who says where it listens or what it can do is taken at its word from then on.
        worker.is_sighted &= url.is_none() && capabilities.is_none();
        // Who comes back is well unless it says otherwise.
        worker.status = status.unwrap_or(WorkerStatus::Online);
        worker.url = url.or(worker.url.take());
        worker.capabilities = capabilities.unwrap_or_else(|| std::mem::take(&mut worker.capabilities));
        worker.ip_addrs = ip_addrs.unwrap_or_else(|| std::mem::take(&mut worker.ip_addrs));
        worker.agent_version = agent_version.or(worker.agent_version.take());
        worker.os_info = os_info.or(worker.os_info.take());
        worker.install_method = install_method.or(worker.install_method.take());
    }
}
