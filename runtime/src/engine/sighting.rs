//! Workers that somebody else knows: a control plane says which there are.

use super::{Engine, EngineError};
use crate::record::{Actor, Capabilities, Worker, WorkerId, WorkerStatus};

/// What a control plane says of a worker; what it does not say stays as it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sighting {
    /// Where its agent listens.
    pub url: Option<String>,
    /// How it is.
    pub status: Option<WorkerStatus>,
    /// What it can do.
    pub capabilities: Option<Capabilities>,
    /// Its addresses.
    pub ip_addrs: Option<Vec<String>>,
    /// How many observations its memory holds.
    pub obs_count: Option<u64>,
    /// The hash of its memory.
    pub db_sha: Option<String>,
    /// The version of its agent.
    pub agent_version: Option<String>,
    /// Its operating system.
    pub os_info: Option<String>,
    /// When it was heard of there, in Unix milliseconds; `None`: it is not there.
    pub heard_at: Option<i64>,
}

impl Engine {
    /// Takes note of a worker that somebody else knows; says whether it is new. What a worker said itself of where it
    /// listens and what it can do stands over what is said of it. Nothing is written where nothing has changed.
    pub async fn sight_worker(&self, id: &WorkerId, sighting: Sighting, by: &Actor) -> Result<bool, EngineError> {
        let _changing = self.changing_workers.lock().await;
        let now = self.clock.now();
        let (known, heard_at) = (self.worker(id).map(|seat| seat.worker), sighting.heard_at);
        let is_new = known.is_none();
        let mut worker = known.clone().unwrap_or_else(|| Worker {
            status: WorkerStatus::Unknown,
            capabilities: Capabilities { claude_cli: true, ..Capabilities::default() },
            is_sighted: true,
            ..Worker::new(id.clone(), now)
        });
        sighting.apply(&mut worker);
        if known.as_ref() != Some(&worker) {
            let is_told =
                known.is_none_or(|known| (&known.url, &known.capabilities) != (&worker.url, &worker.capabilities));
            let action = if is_new { "worker_registered" } else { "worker_updated" };
            let audit = is_told.then(|| self.worker_note(id, action, by)).into_iter().collect();
            self.store.put_worker(worker.clone(), audit).await?;
            self.fleet().amend(worker);
        }
        if let Some(at) = heard_at {
            let mut fleet = self.fleet();
            let was_online = fleet.may_take(id, now).is_some();
            fleet.hear_of(id, at.min(now));
            let is_back = !was_online && fleet.may_take(id, now).is_some();
            drop(fleet);
            if is_back {
                self.announce_work();
                self.wake_all();
            }
        }
        Ok(is_new)
    }
}

impl Sighting {
    fn apply(self, worker: &mut Worker) {
        let Self { url, status, capabilities, ip_addrs, obs_count, db_sha, agent_version, os_info, heard_at } = self;
        if worker.is_sighted {
            worker.url = url.or(worker.url.take());
            if let Some(capabilities) = capabilities {
                let provides = std::mem::take(&mut worker.capabilities.provides);
                worker.capabilities = Capabilities { provides, ..capabilities };
            }
            // Whether it is there is known by when it was heard of.
            worker.status = match (status, heard_at) {
                (Some(status), _) => status,
                (None, Some(_)) => WorkerStatus::Online,
                (None, None) => worker.status,
            };
        }
        worker.ip_addrs = ip_addrs.unwrap_or_else(|| std::mem::take(&mut worker.ip_addrs));
        worker.obs_count = obs_count.unwrap_or(worker.obs_count);
        worker.db_sha = db_sha.or(worker.db_sha.take());
        worker.agent_version = agent_version.or(worker.agent_version.take());
        worker.os_info = os_info.or(worker.os_info.take());
    }
}
