//! What tasks, leases and workers should do, as simply as it can be said.

use std::collections::{BTreeMap, BTreeSet};

use bloom_runtime::record::{LeaseStatus, TaskStatus};

use crate::steps::Ending;

/// How long a lease lives, and longer where a task is pushed.
pub(crate) const TTL: i64 = 300_000;
pub(crate) const PUSHED_TTL: i64 = 660_000;
/// How long a provider has no quota.
pub(crate) const QUOTA: i64 = 100_000;
const OFFLINE: i64 = 60_000;
/// How long a worker may take for a question of a run, and how much longer it keeps the lease.
const LIMIT: i64 = 120_000;
const OVERTIME: i64 = 60_000;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Profile {
    pub(crate) provider: Option<&'static str>,
    pub(crate) slots: usize,
    pub(crate) is_pushed_to: bool,
}

pub(crate) const PROFILES: [Profile; 4] = [
    Profile { provider: Some("llm.command"), slots: 2, is_pushed_to: false },
    Profile { provider: Some("llm.claude_cli"), slots: 1, is_pushed_to: true },
    Profile { provider: None, slots: 2, is_pushed_to: false },
    Profile { provider: Some("llm.command"), slots: 3, is_pushed_to: false },
];

#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) run: Option<usize>,
    pub(crate) context: u8,
    pub(crate) priority: i32,
    pub(crate) created_at: i64,
    pub(crate) status: TaskStatus,
    pub(crate) attempts: u32,
    pub(crate) max_attempts: u32,
    pub(crate) epoch: u64,
    pub(crate) lease: Option<usize>,
    pub(crate) not_before: i64,
    pub(crate) answer: Option<bool>,
    pub(crate) resolved: bool,
}

#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) task: usize,
    pub(crate) worker: usize,
    pub(crate) epoch: u64,
    pub(crate) status: LeaseStatus,
    pub(crate) ttl: i64,
    pub(crate) started_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) has_beaten: bool,
    /// Whether its holder lost it because it was too slow.
    is_too_slow: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Worker {
    pub(crate) heard_at: i64,
    /// What is left of that after a crash.
    pub(crate) registered_at: i64,
    pub(crate) is_draining: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Changed,
    Repeated,
    Stale,
}

#[derive(Debug, Default)]
pub(crate) struct Reference {
    pub(crate) now: i64,
    pub(crate) tasks: Vec<Task>,
    pub(crate) leases: Vec<Lease>,
    pub(crate) workers: BTreeMap<usize, Worker>,
    pub(crate) ended_runs: BTreeSet<usize>,
    /// Providers without a quota, and until when.
    pub(crate) quota: BTreeMap<&'static str, i64>,
}

impl Reference {
    pub(crate) fn active(&self, worker: usize) -> usize {
        self.leases.iter().filter(|lease| lease.worker == worker && lease.status == LeaseStatus::Active).count()
    }

    pub(crate) fn is_online(&self, worker: usize) -> bool {
        self.workers.get(&worker).is_some_and(|worker| self.now - worker.heard_at < OFFLINE)
    }

    /// Whether a worker may be granted an LLM task.
    fn may_take(&self, worker: usize) -> bool {
        let Some(provider) = PROFILES[worker].provider else { return false };
        self.is_online(worker)
            && !self.workers[&worker].is_draining
            && self.quota.get(provider).is_none_or(|until| self.now >= *until)
    }

    fn free(&self, worker: usize) -> usize {
        PROFILES[worker].slots.saturating_sub(self.active(worker))
    }

    /// The best of all workers for a task.
    pub(crate) fn choose(&self, task: usize) -> Option<usize> {
        let context = self.tasks[task].context;
        let able = self.workers.keys().copied().filter(|worker| self.may_take(*worker) && self.free(*worker) > 0);
        able.max_by_key(|worker| {
            let has_context = self.leases.iter().any(|lease| {
                lease.worker == *worker
                    && lease.status == LeaseStatus::Active
                    && self.tasks[lease.task].context == context
            });
            (has_context, self.free(*worker), self.workers[worker].heard_at, std::cmp::Reverse(*worker))
        })
    }

    pub(crate) fn can_lease(&self, worker: usize) -> bool {
        self.may_take(worker) && self.free(worker) > 0
    }

    /// The task that a worker that asks gets next.
    pub(crate) fn next_of_queue(&self, worker: usize) -> Option<usize> {
        if !self.can_lease(worker) {
            return None;
        }
        let due = |task: &&Task| task.status == TaskStatus::Queued && task.not_before <= self.now;
        let queued = self.tasks.iter().enumerate().filter(|(_, task)| due(task));
        queued.min_by_key(|(index, task)| (-task.priority, task.created_at, *index)).map(|(index, _)| index)
    }

    pub(crate) fn grant(&mut self, task: usize, worker: usize, is_named: bool) -> u64 {
        let ttl =
            if is_named && PROFILES[worker].is_pushed_to && self.tasks[task].run.is_none() { PUSHED_TTL } else { TTL };
        let lease = self.leases.len();
        let now = self.now;
        let task_now = &mut self.tasks[task];
        task_now.status = TaskStatus::Leased;
        task_now.attempts += 1;
        task_now.epoch += 1;
        task_now.lease = Some(lease);
        task_now.not_before = 0;
        let epoch = task_now.epoch;
        let status = LeaseStatus::Active;
        self.leases.push(Lease {
            task,
            worker,
            epoch,
            status,
            ttl,
            started_at: now,
            expires_at: now + ttl,
            has_beaten: false,
            is_too_slow: false,
        });
        epoch
    }

    fn is_newest(&self, lease: usize, epoch: u64) -> bool {
        let task = &self.tasks[self.leases[lease].task];
        task.lease == Some(lease) && self.leases[lease].epoch == epoch && task.epoch == epoch
    }

    pub(crate) fn heartbeat(&mut self, lease: usize, epoch: u64) -> Verdict {
        if !self.is_newest(lease, epoch) || self.leases[lease].status != LeaseStatus::Active {
            return Verdict::Stale;
        }
        let worker = self.leases[lease].worker;
        let lease = &mut self.leases[lease];
        (lease.expires_at, lease.has_beaten) = (self.now + lease.ttl, true);
        if let Some(worker) = self.workers.get_mut(&worker) {
            worker.heard_at = self.now;
        }
        Verdict::Changed
    }

    pub(crate) fn end(&mut self, lease: usize, epoch: u64, ending: Ending) -> Verdict {
        let index = self.leases[lease].task;
        let (status, task_status) = (self.leases[lease].status, self.tasks[index].status);
        if !self.is_newest(lease, epoch) {
            return Verdict::Stale;
        }
        match ending {
            Ending::Complete(answer) if task_status == TaskStatus::Completed => {
                let is_same = status == LeaseStatus::Released && self.tasks[index].answer == Some(answer);
                return if is_same { Verdict::Repeated } else { Verdict::Stale };
            }
            Ending::Complete(_) if status == LeaseStatus::Expired && task_status == TaskStatus::Queued => {}
            Ending::Fail { .. } if status == LeaseStatus::Failed && !self.leases[lease].is_too_slow => {
                return Verdict::Repeated;
            }
            _ if status == LeaseStatus::Active => {}
            _ => return Verdict::Stale,
        }
        match ending {
            Ending::Complete(answer) => {
                let task = &mut self.tasks[index];
                (task.status, task.answer) = (TaskStatus::Completed, Some(answer));
                self.leases[lease].status = LeaseStatus::Released;
                self.settle(index);
            }
            Ending::Fail { retryable } => {
                self.leases[lease].status = LeaseStatus::Failed;
                self.fail(index, retryable);
            }
            Ending::Quota => {
                if let Some(provider) = PROFILES[self.leases[lease].worker].provider
                    && self.workers.contains_key(&self.leases[lease].worker)
                {
                    self.quota.insert(provider, self.now + QUOTA);
                }
                self.give_back(lease);
            }
            Ending::Release => self.give_back(lease),
        }
        Verdict::Changed
    }

    fn fail(&mut self, task: usize, retryable: bool) {
        let now = self.now;
        let failed = &mut self.tasks[task];
        failed.not_before = now;
        failed.status = match retryable {
            false => TaskStatus::Failed,
            true if failed.attempts < failed.max_attempts => TaskStatus::Queued,
            true => TaskStatus::Dead,
        };
        if failed.status != TaskStatus::Queued {
            self.settle(task);
        }
    }

    fn give_back(&mut self, lease: usize) {
        self.leases[lease].status = LeaseStatus::Released;
        let task = &mut self.tasks[self.leases[lease].task];
        (task.status, task.not_before) = (TaskStatus::Queued, 0);
        task.attempts -= 1;
    }

    /// The run of a task has what it waited for, and ends.
    fn settle(&mut self, task: usize) {
        if let Some(run) = self.tasks[task].run {
            self.tasks[task].resolved = true;
            self.ended_runs.insert(run);
        }
    }

    pub(crate) fn cancel_run(&mut self, run: usize) -> bool {
        if !self.ended_runs.insert(run) {
            return false;
        }
        for task in self.tasks.iter_mut().filter(|task| task.run == Some(run)) {
            if let Some(lease) = task.lease.map(|lease| &mut self.leases[lease])
                && lease.status == LeaseStatus::Active
            {
                lease.status = LeaseStatus::Released;
            }
            (task.status, task.resolved) = (TaskStatus::Failed, true);
            task.epoch += 1;
        }
        true
    }

    pub(crate) fn requeue(&mut self, task: usize) -> bool {
        let task = &mut self.tasks[task];
        let may = matches!(task.status, TaskStatus::Failed | TaskStatus::Dead) && !task.resolved;
        if may {
            (task.status, task.attempts, task.not_before) = (TaskStatus::Queued, 0, 0);
        }
        may
    }

    pub(crate) fn remove(&mut self, worker: usize) -> bool {
        let is_known = self.workers.remove(&worker).is_some();
        let held = (0..self.leases.len())
            .filter(|lease| self.leases[*lease].worker == worker && self.leases[*lease].status == LeaseStatus::Active);
        for lease in held.collect::<Vec<_>>() {
            self.give_back(lease);
        }
        is_known
    }

    /// Gives the leases that are over, and of which the holder was heard of.
    pub(crate) fn reap(&mut self) -> Vec<(usize, bool)> {
        let is_over = |lease: &Lease| {
            let is_late = self.tasks[lease.task].run.is_some() && lease.started_at + LIMIT + OVERTIME < self.now;
            let is_lost = lease.expires_at < self.now;
            (lease.status == LeaseStatus::Active && (is_lost || is_late)).then_some(!is_lost)
        };
        let over = self.leases.iter().enumerate().filter_map(|(index, lease)| Some((index, is_over(lease)?)));
        let over: Vec<_> = over.collect();
        for (lease, is_heard_of) in &over {
            self.leases[*lease].status = if *is_heard_of { LeaseStatus::Failed } else { LeaseStatus::Expired };
            self.leases[*lease].is_too_slow = *is_heard_of;
            self.fail(self.leases[*lease].task, true);
        }
        over
    }

    pub(crate) fn crash(&mut self) {
        self.quota.clear();
        for worker in self.workers.values_mut() {
            (worker.heard_at, worker.is_draining) = (worker.registered_at, false);
        }
        for lease in self.leases.iter_mut().filter(|lease| lease.status == LeaseStatus::Active) {
            (lease.expires_at, lease.has_beaten) = (self.now + lease.ttl, false);
        }
    }
}
