//! What the engine does where a flow does not say.

use std::time::Duration;

use super::gate::Admission;
use super::profile::Budgets;

/// Settings of an engine.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// The time limit of one attempt of a tool; a node's own limit and the flow's limit for nodes narrow or replace it.
    pub tool_timeout: Duration,
    /// How often an effect is tried in all.
    pub attempts: u32,
    /// Before the second, third, … attempt; the last one repeats. Up to a quarter more is added, by chance.
    pub backoff: Vec<Duration>,
    /// What a worker must provide for an LLM task. Every worker that has an executor provides `llm`, besides what its
    /// executor is.
    pub llm_requires: Vec<String>,
    /// Whether a person is asked what an LLM would be asked, through the questions of runs, and no worker.
    pub llm_by_person: bool,
    /// Whether a run waits for a worker that can do its LLM tasks where none is registered: where workers come and go. Else
    /// such a run halts, so that nobody waits for what cannot come.
    pub awaits_workers: bool,
    /// How long a lease lives, from the grant and from each heartbeat.
    pub lease_ttl: Duration,
    /// How often leases are looked at whose time is over.
    pub reap_every: Duration,
    /// A worker that is not heard of for so long is offline.
    pub worker_offline: Duration,
    /// A worker keeps to the time limits of nodes and runs by itself. One that does not loses the lease so long after that.
    pub overtime: Duration,
    /// How many runs may be under way; else any number.
    pub admission: Admission,
    /// What runs may use beside what is signed with their flows.
    pub budgets: Budgets,
    /// How many runs may stand above a run that a run starts.
    pub max_depth: u32,
    /// How long a proposal waits for a decision.
    pub proposal_ttl: Duration,
    /// The engine's version, which `run.started` records.
    pub version: String,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            tool_timeout: Duration::from_secs(45),
            attempts: 3,
            backoff: [1, 2, 4].map(Duration::from_secs).into(),
            llm_requires: vec!["llm".to_owned()],
            llm_by_person: false,
            awaits_workers: false,
            lease_ttl: Duration::from_mins(5),
            reap_every: Duration::from_secs(5),
            worker_offline: Duration::from_mins(1),
            overtime: Duration::from_mins(1),
            admission: Admission::default(),
            budgets: Budgets::default(),
            max_depth: 128,
            proposal_ttl: Duration::from_hours(72),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
