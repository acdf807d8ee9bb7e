//! Who is there, what each holds, and which providers cannot answer for now: all that is known of workers and not recorded.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use bloom_interpreter::effect::{EffectError, EffectId};
use bloom_ir::Value;

use super::choose::Offer;
use crate::record::{
    Capabilities, ContextId, Lease, LeaseId, RunId, Task, TaskEffect, Worker, WorkerId, WorkerStatus, fits,
};

/// When somebody counts as gone.
#[derive(Clone, Copy, Debug)]
pub struct FleetTimes {
    /// A worker that is not heard of for so many milliseconds is offline.
    pub offline_ms: i64,
    /// A worker that does not keep to a time limit by itself loses the lease so many milliseconds later.
    pub overtime_ms: i64,
}

impl Default for FleetTimes {
    fn default() -> Self {
        Self { offline_ms: 60_000, overtime_ms: 60_000 }
    }
}

/// A clock that goes wrong by so many milliseconds was set.
const CLOCK_SET_MS: i64 = 1000;

/// The workers, as of what was heard of them.
#[derive(Debug, Default)]
pub struct Fleet {
    times: FleetTimes,
    members: BTreeMap<WorkerId, Member>,
    held: BTreeMap<LeaseId, Held>,
    circuits: BTreeMap<Blamed, Circuit>,
    /// How far the clock is ahead of the time that has passed since some moment, in milliseconds.
    ahead: Option<i64>,
    /// Leases of which nobody knows whether they were granted.
    doubted: BTreeSet<LeaseId>,
}

#[derive(Debug)]
struct Member {
    worker: Worker,
    /// Part of this process, and there as long as that is.
    is_local: bool,
    is_draining: bool,
    /// It was called and did not answer, and was not heard of since.
    is_lost: bool,
    last_heartbeat: Option<i64>,
    /// Slots that are kept for grants that are being recorded.
    reserved: u32,
}

#[derive(Debug)]
struct Held {
    lease: Lease,
    of: Option<TaskEffect>,
    /// When it is to be over, in Unix milliseconds, however alive its holder is.
    ends_by: Option<i64>,
    /// Its holder is part of this process, or a call to it is open: it does not end by time.
    is_open: bool,
}

/// Whom the failure of a provider is put down to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Blamed {
    /// All that provide this share a quota.
    Provider(String),
    /// This worker's login.
    Worker(WorkerId),
}

/// A provider that does not say when its quota is renewed is asked again after so many milliseconds,
const QUOTA_PAUSE_MS: i64 = 5 * 60 * 1000;
/// and one that says so not later than after these: what a worker says of a provider stops all who share it.
const LONGEST_QUOTA_MS: i64 = 7 * 24 * 60 * 60 * 1000;

/// Why nothing is asked of a provider for now.
#[derive(Clone, Debug)]
struct Circuit {
    error: EffectError,
    /// Unix milliseconds; `None`, of a login: until the worker registers again.
    until: Option<i64>,
}

/// A worker, as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Seat {
    /// What is recorded of it.
    pub worker: Worker,
    /// How it is.
    pub status: WorkerStatus,
    /// When it was heard of last, in Unix milliseconds.
    pub last_heartbeat: Option<i64>,
    /// How many leases it holds.
    pub active_leases: u32,
    /// Why it is granted nothing, where its provider lets it ask nothing for now.
    pub blocked: Option<Blocked>,
}

/// What a worker's provider says, so that nothing is asked of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Blocked {
    /// `quota` or `not_logged_in`.
    pub error: EffectError,
    /// Until when, in Unix milliseconds; `None`: until the worker is let in again.
    pub until: Option<i64>,
}

impl Fleet {
    /// A fleet without workers.
    pub fn new(times: FleetTimes) -> Self {
        Self { times, ..Self::default() }
    }

    /// Looks at the clock, and at how much time has passed since some moment. Where the clock was set, all that is known here is
    /// set with it: no lease ends by that, and none lasts longer.
    pub fn look_at_clock(&mut self, now: i64, elapsed: i64) {
        let ahead = now.saturating_sub(elapsed);
        let set_by = ahead.saturating_sub(*self.ahead.get_or_insert(ahead));
        // A clock that is slightly slow or fast is no other.
        if set_by.saturating_abs() < CLOCK_SET_MS {
            return;
        }
        self.ahead = Some(ahead);
        let members = self.members.values_mut().filter_map(|member| member.last_heartbeat.as_mut());
        let leases = self.held.values_mut().map(|held| &mut held.lease);
        let leases = leases.flat_map(|lease| std::iter::once(&mut lease.expires_at).chain(&mut lease.last_heartbeat));
        for time in members.chain(leases) {
            *time = time.saturating_add(set_by);
        }
    }

    /// A lease may have been granted, and nobody was told.
    pub fn doubt(&mut self, lease: LeaseId) {
        self.doubted.insert(lease);
    }

    /// Leases that may have been granted without anybody being told.
    pub fn doubted(&self) -> Vec<LeaseId> {
        self.doubted.iter().cloned().collect()
    }

    /// Takes over what is recorded, after a restart: each lease gets one fresh time to live.
    pub fn restore(&mut self, workers: Vec<Worker>, leases: Vec<(Lease, Task)>, at: i64) {
        for worker in workers {
            let last_heartbeat = worker.last_heartbeat;
            self.members.entry(worker.id.clone()).or_insert_with(|| Member::new(worker, last_heartbeat));
        }
        for (mut lease, task) in leases {
            lease.expires_at = at.saturating_add(lease.ttl_ms);
            self.held.entry(lease.id.clone()).or_insert_with(|| Held::new(lease, &task));
        }
    }

    /// A worker registers, perhaps again.
    pub fn register(&mut self, worker: Worker, at: i64) {
        self.let_in(&worker.id);
        let reserved = self.members.get(&worker.id).map_or(0, |member| member.reserved);
        let member = Member { reserved, ..Member::new(worker, Some(at)) };
        self.members.insert(member.worker.id.clone(), member);
    }

    /// What is recorded of a worker has changed, without it being heard of. What it said that it provides stays.
    pub fn amend(&mut self, mut worker: Worker) {
        let Some(member) = self.members.get_mut(&worker.id) else {
            self.members.insert(worker.id.clone(), Member::new(worker, None));
            return;
        };
        worker.capabilities.provides = std::mem::take(&mut member.worker.capabilities.provides);
        member.worker = worker;
    }

    /// A worker of this process joins.
    pub fn join(&mut self, id: WorkerId, provides: Vec<String>, slots: u32, at: i64) {
        let capabilities = Capabilities { max_concurrency: slots, provides, ..Capabilities::default() };
        let worker = Worker { capabilities, ..Worker::new(id.clone(), at) };
        self.members.insert(id, Member { is_local: true, ..Member::new(worker, Some(at)) });
    }

    /// A worker of this process says how it is; says whether that is new.
    pub fn tell_status(&mut self, id: &WorkerId, status: WorkerStatus) -> bool {
        let Some(member) = self.members.get_mut(id) else { return false };
        std::mem::replace(&mut member.worker.status, status) != status
    }

    /// A worker is there no more. Its leases are left to who removes it.
    pub fn leave(&mut self, id: &WorkerId) {
        self.members.remove(id);
    }

    /// A worker was heard of; says whether it is known.
    pub fn hear_of(&mut self, id: &WorkerId, at: i64) -> bool {
        let Some(member) = self.members.get_mut(id) else { return false };
        member.last_heartbeat = member.last_heartbeat.max(Some(at));
        member.is_lost = false;
        true
    }

    /// A worker was called and did not answer as it should: it is granted nothing until it is heard of.
    pub fn lose(&mut self, id: &WorkerId) {
        if let Some(member) = self.members.get_mut(id) {
            member.is_lost = true;
        }
    }

    /// A worker says what it provides now.
    pub fn provide(&mut self, id: &WorkerId, provides: Vec<String>) {
        if let Some(member) = self.members.get_mut(id) {
            member.worker.capabilities.claude_cli &= provides.iter().any(|provided| provided == "llm.claude_cli");
            member.worker.capabilities.provides = provides;
        }
    }

    /// A worker is granted nothing more until it registers again.
    pub fn drain(&mut self, id: &WorkerId) {
        if let Some(member) = self.members.get_mut(id) {
            member.is_draining = true;
        }
    }

    /// A worker that was to be granted nothing more is granted tasks again.
    pub fn go_on(&mut self, id: &WorkerId) {
        if let Some(member) = self.members.get_mut(id) {
            member.is_draining = false;
        }
    }

    /// Whether the worker is granted nothing more until it registers again.
    pub fn is_draining(&self, id: &WorkerId) -> bool {
        self.members.get(id).is_some_and(|member| member.is_draining)
    }

    /// Whether the worker is part of this process.
    pub fn is_local(&self, id: &WorkerId) -> bool {
        self.members.get(id).is_some_and(|member| member.is_local)
    }

    /// Whether the worker is known.
    pub fn knows(&self, id: &WorkerId) -> bool {
        self.members.contains_key(id)
    }

    /// A worker, as it is at a time.
    pub fn seat(&self, id: &WorkerId, at: i64) -> Option<Seat> {
        let member = self.members.get(id)?;
        Some(Seat {
            worker: member.worker.clone(),
            status: self.status(member, at),
            last_heartbeat: if member.is_local { Some(at) } else { member.last_heartbeat },
            active_leases: self.active(id),
            blocked: self.circuit(member, at).map(|Circuit { error, until }| Blocked { error, until }),
        })
    }

    /// All workers, by name.
    pub fn seats(&self, at: i64) -> Vec<Seat> {
        self.members.keys().filter_map(|id| self.seat(id, at)).collect()
    }

    /// What a worker may be granted tasks by: `None` while it may get none.
    pub fn may_take(&self, id: &WorkerId, at: i64) -> Option<Vec<String>> {
        let member = self.members.get(id)?;
        let may = self.status(member, at) == WorkerStatus::Online && !member.is_draining;
        (may && self.circuit(member, at).is_none()).then(|| member.provides())
    }

    /// How many tasks more a worker could take.
    pub fn free(&self, id: &WorkerId) -> u32 {
        let Some(member) = self.members.get(id) else { return 0 };
        let taken = self.active(id).saturating_add(member.reserved);
        member.worker.capabilities.max_concurrency.saturating_sub(taken)
    }

    /// Keeps a slot of a worker, if one is free, until [`Fleet::unreserve`].
    pub fn reserve(&mut self, id: &WorkerId) -> bool {
        let is_free = self.free(id) > 0;
        if let Some(member) = self.members.get_mut(id).filter(|_| is_free) {
            member.reserved = member.reserved.saturating_add(1);
        }
        is_free
    }

    /// Gives a slot free that was kept.
    pub fn unreserve(&mut self, id: &WorkerId) {
        if let Some(member) = self.members.get_mut(id) {
            member.reserved = member.reserved.saturating_sub(1);
        }
    }

    /// The best worker for a task, of all, or of those that tasks are sent to.
    pub fn choose(&self, task: &Task, only_pushed_to: bool, at: i64) -> Option<WorkerId> {
        let able = self.members.iter().filter(|(id, member)| {
            let is_pushed_to = member.worker.is_pushed_to();
            // Who is called by the contract of node agents keeps no conversation.
            (if is_pushed_to { task.request.session.is_none() } else { !only_pushed_to })
                && self.may_take(id, at).is_some_and(|provides| fits(&task.requires, &provides))
        });
        Offer::best(able.map(|(id, member)| Offer {
            worker: id.clone(),
            has_context: self.has_context(id, &task.context),
            free: self.free(id),
            last_heartbeat: if member.is_local { at } else { member.last_heartbeat.unwrap_or(i64::MIN) },
        }))
    }

    /// A task was granted.
    pub fn granted(&mut self, lease: Lease, task: &Task) {
        let is_local = self.is_local(&lease.worker);
        let held = Held::new(lease, task);
        // Who is part of this process keeps to the limits of this process.
        let ends_by = held.ends_by.filter(|_| !is_local);
        self.held.insert(held.lease.id.clone(), Held { is_open: is_local, ends_by, ..held });
    }

    /// A lease ended.
    pub fn ended(&mut self, lease: &LeaseId) {
        self.held.remove(lease);
        self.doubted.remove(lease);
    }

    /// Effects of a run have their outcomes, and so the leases on their tasks are over.
    pub fn settled(&mut self, run: &RunId, is_settled: impl Fn(&EffectId) -> bool) {
        self.held.retain(|_, held| !held.of.as_ref().is_some_and(|of| of.run == *run && is_settled(&of.effect)));
    }

    /// A lease with what was heard of its holder.
    pub fn current(&self, lease: Lease) -> Lease {
        match self.held.get(&lease.id) {
            Some(held) => {
                Lease { expires_at: held.lease.expires_at, last_heartbeat: held.lease.last_heartbeat, ..lease }
            }
            None => lease,
        }
    }

    /// The holder of a lease was heard of: the lease as it is after that. One that has ended meanwhile stays so.
    pub fn beat(&mut self, lease: Lease, at: i64) {
        self.hear_of(&lease.worker, at);
        if let Some(held) = self.held.get_mut(&lease.id) {
            held.lease = lease;
        }
    }

    /// A call to the holder of a lease is open, or is not any more: while it is, the lease does not end by time.
    pub fn keep_open(&mut self, lease: &LeaseId, is_open: bool) {
        if let Some(held) = self.held.get_mut(lease) {
            held.is_open = is_open;
        }
    }

    /// Whether the holder of a lease was heard of since the grant.
    pub fn has_beaten(&self, lease: &LeaseId) -> bool {
        self.held.get(lease).is_some_and(|held| held.lease.last_heartbeat.is_some())
    }

    /// Leases whose time is over.
    pub fn overdue(&self, at: i64) -> Vec<Lease> {
        let over = self.held.values().filter(|held| !held.is_open && held.lease.expires_at < at);
        over.map(|held| held.lease.clone()).collect()
    }

    /// Leases whose holders are heard of, but should have ended them by themselves.
    pub fn out_of_time(&self, at: i64) -> Vec<Lease> {
        let is_over = |ends_by: i64| ends_by.saturating_add(self.times.overtime_ms) < at;
        let over = self.held.values().filter(|held| held.ends_by.is_some_and(is_over));
        over.map(|held| held.lease.clone()).collect()
    }

    /// Stops grants to who shares the provider of a worker, where an error is the provider's: a quota is everybody's who has
    /// that provider, a login the worker's alone. Says whether it is.
    pub fn blame(&mut self, worker: &WorkerId, error: &EffectError, at: i64) -> bool {
        match error.code.as_str() {
            "quota" => {
                let told = error.details.as_ref().and_then(|details| details.get("resets_at")).and_then(Value::as_int);
                let until = told.filter(|told| at < *told).unwrap_or_else(|| at.saturating_add(QUOTA_PAUSE_MS));
                let until = until.min(at.saturating_add(LONGEST_QUOTA_MS));
                let circuit = Circuit { error: error.clone(), until: Some(until) };
                let provides = self.members.get(worker).map(Member::provides).unwrap_or_default();
                for provider in provides.into_iter().filter(|provided| provided.starts_with("llm.")) {
                    self.circuits.insert(Blamed::Provider(provider), circuit.clone());
                }
                true
            }
            "not_logged_in" => {
                let circuit = Circuit { error: error.clone(), until: None };
                self.circuits.insert(Blamed::Worker(worker.clone()), circuit);
                true
            }
            _ => false,
        }
    }

    /// A worker's provider lets it in again.
    pub fn let_in(&mut self, worker: &WorkerId) {
        self.circuits.remove(&Blamed::Worker(worker.clone()));
    }

    /// When a worker may be granted something again, in Unix milliseconds, where its provider stops it until a known time.
    pub fn stopped_until(&self, id: &WorkerId, at: i64) -> Option<i64> {
        let member = self.members.get(id)?;
        let providers = member.provides().into_iter().map(Blamed::Provider);
        let blamed = providers.chain([Blamed::Worker(id.clone())]);
        let ends = blamed.filter_map(|blamed| self.circuits.get(&blamed)?.until);
        ends.filter(|until| at < *until).max()
    }

    /// What stops every worker that could do what requires this; `Some(None)` when there is none, `None` when one can go on.
    pub fn what_stops_all(&self, requires: &[String], at: i64) -> Option<Option<EffectError>> {
        let mut able = self.members.values().filter(|member| fits(requires, &member.provides()));
        let Some(first) = able.next() else { return Some(None) };
        let first = self.circuit(first, at)?.error;
        able.all(|member| self.circuit(member, at).is_some()).then_some(Some(first))
    }

    fn status(&self, member: &Member, at: i64) -> WorkerStatus {
        let is_heard = |last: i64| at.saturating_sub(last) < self.times.offline_ms;
        match member.last_heartbeat {
            _ if member.is_local => member.worker.status,
            _ if member.is_lost => WorkerStatus::Offline,
            None => WorkerStatus::Unknown,
            Some(last) if is_heard(last) => member.worker.status,
            Some(_) => WorkerStatus::Offline,
        }
    }

    fn circuit(&self, member: &Member, at: i64) -> Option<Circuit> {
        let providers = member.provides().into_iter().map(Blamed::Provider);
        let mut blamed = providers.chain([Blamed::Worker(member.worker.id.clone())]);
        blamed.find_map(|blamed| {
            let circuit = self.circuits.get(&blamed)?;
            circuit.until.is_none_or(|until| at < until).then(|| circuit.clone())
        })
    }

    fn active(&self, id: &WorkerId) -> u32 {
        let count = self.held.values().filter(|held| held.lease.worker == *id).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn has_context(&self, id: &WorkerId, context: &ContextId) -> bool {
        self.held.values().any(|held| held.lease.worker == *id && held.lease.context.as_ref() == Some(context))
    }
}

impl Member {
    fn new(worker: Worker, last_heartbeat: Option<i64>) -> Self {
        Self { worker, is_local: false, is_draining: false, is_lost: false, last_heartbeat, reserved: 0 }
    }

    fn provides(&self) -> Vec<String> {
        self.worker.capabilities.all()
    }
}

impl Held {
    fn new(lease: Lease, task: &Task) -> Self {
        let ends_by = task.ends_by(lease.started_at);
        Self { lease, of: task.of.clone(), ends_by, is_open: false }
    }
}
