//! The workers of this engine, and which of them cannot go on for now.

use std::collections::BTreeMap;
use std::sync::PoisonError;

use bloom_interpreter::effect::EffectError;
use bloom_ir::Value;
use tokio::sync::watch;

use super::Engine;
use crate::record::WorkerId;

/// What the ids of workers within an engine's process begin with: when the process is gone, so are they.
const LOCAL: &str = "local:";

/// The workers that take tasks from this engine.
#[derive(Debug, Default)]
pub(super) struct Workers {
    provides: BTreeMap<WorkerId, Vec<String>>,
    /// Providers that cannot answer for now, by what a worker provides.
    circuits: BTreeMap<String, Circuit>,
}

/// Why nothing is asked of a provider for now.
#[derive(Clone, Debug)]
struct Circuit {
    error: EffectError,
    /// Unix milliseconds; `None`: until the process ends.
    until: Option<i64>,
}

/// Failures of the provider, not of the task.
const OF_PROVIDER: [&str; 2] = ["quota", "not_logged_in"];

impl Engine {
    /// Takes on a worker of this process. It may be granted tasks that it can do.
    pub fn register_worker(&self, provides: Vec<String>) -> WorkerId {
        let id = WorkerId::new(format!("{LOCAL}{}", self.ids.fresh()));
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).provides.insert(id.clone(), provides);
        id
    }

    /// A worker leaves. It must have ended its leases.
    pub fn dismiss_worker(&self, worker: &WorkerId) {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner).provides.remove(worker);
        // It may have been the last one that a run could wait for.
        self.wake_all();
    }

    /// Changes whenever there may be new work.
    pub fn work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    pub(super) fn announce_work(&self) {
        announce(&self.work);
    }

    /// What a worker provides; `None` when it is not of this engine or may get nothing for now.
    pub(super) fn provides(&self, worker: &WorkerId) -> Option<Vec<String>> {
        let now = self.clock.now();
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let provides = workers.provides.get(worker)?;
        workers.circuit(provides, now).is_none().then(|| provides.clone())
    }

    pub(super) fn is_of_the_dead(&self, worker: &WorkerId) -> bool {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        worker.as_str().starts_with(LOCAL) && !workers.provides.contains_key(worker)
    }

    /// Opens the circuit of a worker's provider where the error is the provider's; says whether it is.
    pub(super) fn blames_provider(&self, worker: &WorkerId, error: &EffectError) -> bool {
        if !OF_PROVIDER.contains(&error.code.as_str()) {
            return false;
        }
        let until = error.details.as_ref().and_then(|details| details.get("resets_at")).and_then(Value::as_int);
        let mut workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let Workers { provides, circuits } = &mut *workers;
        for provider in provides.get(worker).into_iter().flatten().filter(|provided| provided.contains('.')) {
            circuits.insert(provider.clone(), Circuit { error: error.clone(), until });
        }
        true
    }

    /// What stops every worker that could do LLM tasks; `None` when one can go on, or one may come.
    pub(super) fn what_stops_all_workers(&self) -> Option<EffectError> {
        let now = self.clock.now();
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut able = workers
            .provides
            .values()
            .filter(|provides| self.config.llm_requires.iter().all(|required| provides.contains(required)));
        let Some(first) = able.next() else {
            let message = || format!("no worker is here that provides {}", self.config.llm_requires.join(", "));
            return (!self.config.awaits_workers).then(|| EffectError::new("no_worker", message()));
        };
        let first = workers.circuit(first, now)?;
        able.all(|provides| workers.circuit(provides, now).is_some()).then_some(first)
    }
}

/// Tells workers that there may be new work.
pub(super) fn announce(work: &watch::Sender<u64>) {
    work.send_modify(|count| *count = count.wrapping_add(1));
}

impl Workers {
    fn circuit(&self, provides: &[String], now: i64) -> Option<EffectError> {
        let open = provides.iter().filter_map(|provided| self.circuits.get(provided));
        open.filter(|circuit| circuit.until.is_none_or(|until| now < until)).map(|circuit| circuit.error.clone()).next()
    }
}
