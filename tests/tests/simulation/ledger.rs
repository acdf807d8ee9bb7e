//! What somebody outside sees and is told, held against the rules while it happens: a reference that knows nothing of how the server
//! keeps them.

use std::collections::{BTreeMap, BTreeSet};

use bloom_interpreter::history::Payload;
use bloom_runtime::record::{LeaseId, RunId, TaskId};
use bloom_runtime::store::{Append, Grant};
use serde_json::Value;

use crate::sim::Sim;

#[derive(Default)]
pub(crate) struct Ledger {
    /// How many events histories have, as far as is known.
    events: BTreeMap<RunId, u64>,
    /// Effects that have their outcome, as `run/effect`.
    outcomes: BTreeSet<String>,
    ended: BTreeSet<RunId>,
    grants: BTreeMap<TaskId, Vec<(LeaseId, u64)>>,
    tasks: BTreeMap<LeaseId, TaskId>,
    /// The grants of each question, and of each run that is granted as a whole.
    granted: BTreeMap<String, usize>,
    /// What was answered to each question.
    answers: BTreeMap<String, Vec<i64>>,
    /// How often a tool that changes the world was called, by the key of the call.
    sent: BTreeMap<String, usize>,
    acknowledged: Vec<Acknowledged>,
}

/// What somebody was told that it is done.
#[derive(Clone, Debug)]
pub(crate) enum Acknowledged {
    Run(RunId),
    Task(TaskId),
    Signal(RunId, i64),
    Cancelled(RunId),
    /// The answer to a question.
    Answer(TaskId, i64),
}

/// A request of the holder of a lease.
pub(crate) struct Presented {
    pub(crate) lease: LeaseId,
    pub(crate) task: TaskId,
    pub(crate) verb: String,
    /// The newest lease of the task with its epoch, if that is another one.
    pub(crate) newer: Option<(LeaseId, u64)>,
}

impl Ledger {
    /// Events were committed.
    pub(crate) fn appended(&mut self, sim: &Sim, append: &Append) {
        let run = &append.run;
        let known = self.events.entry(run.clone()).or_default();
        if append.expected < *known {
            return sim.fail(format!("{run}: events were put in place of others, after event {}", append.expected));
        }
        *known = append.expected + append.events.len() as u64;
        for payload in append.events.iter().filter_map(|event| event.payload.as_ref()) {
            match payload {
                Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. }
                    if !self.outcomes.insert(format!("{run}/{effect}")) =>
                {
                    sim.fail(format!("{run}/{effect} has two outcomes"));
                }
                Payload::RunCancelled { .. }
                | Payload::RunCompleted { .. }
                | Payload::RunFailed { .. }
                | Payload::RunContinued { .. }
                    if !self.ended.insert(run.clone()) =>
                {
                    sim.fail(format!("{run} ended twice"));
                }
                _ => {}
            }
        }
        if let Some(next) = &append.next {
            self.appended(sim, &next.first);
        }
    }

    /// Whether the store has these events already: who tells again what was recorded adds nothing.
    pub(crate) fn has(&self, append: &Append) -> bool {
        self.events.get(&append.run).is_some_and(|known| append.expected < *known)
    }

    /// A grant was committed.
    pub(crate) fn granted(&mut self, sim: &Sim, Grant { lease, task }: &Grant) {
        let grants = self.grants.entry(task.id.clone()).or_default();
        if grants.last().is_some_and(|(_, last)| lease.epoch <= *last) {
            sim.fail(format!("{}: the epoch {} does not grow", task.id, lease.epoch));
        }
        grants.push((lease.id.clone(), lease.epoch));
        self.tasks.insert(lease.id.clone(), task.id.clone());
        let key = match (&task.flow, task.run()) {
            (Some(_), Some(run)) if self.ended.contains(run) => {
                return sim.fail(format!("{run} was granted to a worker after its end"));
            }
            (Some(_), Some(run)) => run.to_string(),
            _ => task.idempotency_key(),
        };
        if self.outcomes.contains(&key) {
            sim.fail(format!("{key} was granted to a worker after its outcome"));
        }
        *self.granted.entry(key).or_default() += 1;
    }

    /// A tool is called by the server, or by a worker.
    pub(crate) fn called(&mut self, sim: &Sim, key: &str, by_server: bool, changes: bool) {
        // A worker may have been told late that it goes on, when another has gone on in its place already.
        if by_server && self.outcomes.contains(key) {
            sim.fail(format!("{key} was called after its outcome"));
        }
        if changes {
            let calls = self.sent.entry(key.to_owned()).or_default();
            *calls += 1;
            if *calls > 1 {
                sim.fail(format!("{key} was called twice, and it is not known what came of the first call"));
            }
        }
    }

    /// An executor answered; somebody pays for it.
    pub(crate) fn answered(&mut self, sim: &Sim, key: &str, answer: i64) {
        let answers = self.answers.entry(key.to_owned()).or_default();
        answers.push(answer);
        let run = key.split('/').next().unwrap_or_default();
        let granted = |key: &str| self.granted.get(key).copied().unwrap_or_default();
        if answers.len() > granted(key) + granted(run) {
            sim.fail(format!("{key} was answered {} times, which is more than it was granted", answers.len()));
        }
    }

    pub(crate) fn may_have_been_answered(&self, key: &str, answer: i64) -> bool {
        self.answers.get(key).is_some_and(|answers| answers.contains(&answer))
    }

    /// What a request shows, if it is of the holder of a lease.
    pub(crate) fn presented(&self, path: &str) -> Option<Presented> {
        let mut parts = path.strip_prefix("/api/runtime/leases/")?.split('/');
        let (lease, verb) = (LeaseId::new(parts.next()?), parts.next()?.to_owned());
        let task = self.tasks.get(&lease)?.clone();
        let newest = self.grants.get(&task)?.last()?;
        let newer = (newest.0 != lease).then(|| newest.clone());
        Some(Presented { lease, task, verb, newer })
    }

    /// The server did what the holder of a lease asked.
    pub(crate) fn accepted(&mut self, sim: &Sim, presented: &Presented, body: &Value) {
        let Presented { lease, task, verb, newer } = presented;
        if let Some((newer, _)) = newer {
            sim.fail(format!("{verb} of {lease} was accepted, and {newer} is newer"));
        }
        if verb == "result"
            && let Some(answer) = body["answer"]["value"]["n"].as_i64()
        {
            self.acknowledge(Acknowledged::Answer(task.clone(), answer));
        }
    }

    pub(crate) fn acknowledge(&mut self, what: Acknowledged) {
        self.acknowledged.push(what);
    }

    pub(crate) fn acknowledged(&self) -> Vec<Acknowledged> {
        self.acknowledged.clone()
    }
}
