//! The engine: drives runs, performs their effects, keeps their tasks and leases.
//!
//! A run is accepted by [`Engine::submit`] and brought to its end by [`Engine::drive`], which also goes on with a run that a
//! crash, a stop or an exhausted quota left in the middle: there is no other way to resume. Tools are called by whoever
//! drives the run; what an LLM is asked becomes a task, which a worker takes with [`Engine::grant`] and ends with
//! [`Engine::end_lease`]. Waiting needs nobody: a run that waits for a time, a signal ([`Engine::signal`]) or a person
//! ([`Engine::answer`]) is left, and [`Engine::tend`] goes on with it when its time has come. A run may be leased as a whole, too
//! ([`Engine::submit_to_workers`]): then a worker's engine adopts it ([`Engine::adopt`]), and this one keeps what follows from
//! the program ([`Engine::follow`]).
//!
//! Invariants:
//! - What happened is recorded before the run moves on; what leaves the process is recorded before it leaves.
//! - A result that was recorded is never asked for again.
//! - A lease that is stale changes nothing.
//! - A run that is refused leaves no record.
//! - A run that was let in after another of its agent begins after it ([`Admission`]).

mod adopt;
mod artifacts;
mod budget;
mod cancel;
mod child;
mod config;
mod context;
mod continuation;
mod crew;
mod dispatched;
mod drive;
mod error;
mod fork;
mod gate;
mod hands;
mod lease;
mod ledger;
mod live;
mod open;
mod outcome;
mod panicked;
mod person;
mod policy;
mod profile;
mod programs;
mod progress;
mod proposal;
mod replay;
mod retry;
mod run;
mod sighting;
mod signal;
mod submit;
mod task;
mod tend;
mod to_the_end;
mod tool;
mod turn;
mod wait;
mod work;
mod worker;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub use self::adopt::{Adopt, Journal};
pub use self::child::child_id;
pub use self::config::EngineConfig;
use self::context::Fences;
pub use self::continuation::check_links;
pub use self::crew::Driven;
use self::dispatched::Followers;
pub use self::dispatched::{CheckAnswer, Followed};
pub use self::error::EngineError;
pub use self::fork::Fork;
pub use self::gate::{Admission, QueueFull, Share};
pub use self::lease::{LeaseResult, RetryAfter};
use self::ledger::Ledger;
use self::live::Live;
pub use self::policy::Refusal;
pub use self::profile::{Allowance, Budget, Budgets, NoSuchBudget};
use self::programs::Programs;
pub use self::progress::{Asked, EffectSpot, Observer, Progress, Step};
pub use self::run::{RunEnd, artifact};
pub use self::sighting::Sighting;
pub use self::submit::Submit;
pub use self::task::NewTask;
use self::tend::Tending;
use self::turn::Admitting;
pub use self::wait::Wait;
pub use self::work::Work;
pub use self::worker::Registration;
use crate::clock::{Clock, Ids};
use crate::dispatch::{Fleet, FleetTimes};
use crate::record::RunId;
use crate::signers::Signers;
use crate::store::Store;
use crate::tool::ToolHost;

/// Drives runs. Share it behind an `Arc`.
pub struct Engine {
    store: Arc<dyn Store>,
    tools: Arc<dyn ToolHost>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    trust: Arc<dyn Signers>,
    observer: Arc<dyn Observer>,
    config: EngineConfig,
    live: Mutex<BTreeMap<RunId, Arc<Live>>>,
    fleet: Arc<Mutex<Fleet>>,
    programs: Mutex<Programs>,
    /// Tells what may have made work available.
    work: Work,
    /// Where the runs stand that workers execute.
    followers: Followers,
    /// Who keeps the histories that this engine adds to.
    journal: Option<Arc<dyn Journal>>,
    /// Who looks after all runs.
    tending: Tending,
    /// Who lets runs in.
    admitting: Admitting,
    /// What keeps contexts apart.
    fences: Fences,
    /// Held by who changes a context.
    changing_contexts: tokio::sync::Mutex<()>,
    /// Held by who takes a worker from outside on, or removes one: else the store and the fleet could come to differ.
    changing_workers: tokio::sync::Mutex<()>,
    /// What agents may use in a day.
    ledger: Arc<Ledger>,
}

/// What an engine is made of.
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Where tools run.
    pub tools: Arc<dyn ToolHost>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// Whose signatures count when a run goes on or is replayed.
    pub trust: Arc<dyn Signers>,
    /// Who is told what happens; `()` where nobody looks.
    pub observer: Arc<dyn Observer>,
    /// Settings.
    pub config: EngineConfig,
}

impl Engine {
    /// Puts an engine together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, tools, clock, ids, trust, observer, config } = parts;
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        let (offline_ms, overtime_ms) = (millis(config.worker_offline), millis(config.overtime));
        let fleet = Fleet::new(FleetTimes { offline_ms, overtime_ms });
        let tending = Tending::default();
        let ledger = Arc::new(Ledger::new(&config.budgets));
        let admitting = Admitting::new(config.admission.clone(), tending.clone());
        let fences = Fences::new(store.clone(), clock.clone());
        Self {
            store,
            tools,
            clock,
            ids,
            trust,
            observer,
            config,
            live: Mutex::default(),
            fleet: Arc::new(Mutex::new(fleet)),
            programs: Mutex::default(),
            work: Work::default(),
            followers: Followers::default(),
            journal: None,
            tending,
            admitting,
            fences,
            changing_contexts: tokio::sync::Mutex::default(),
            changing_workers: tokio::sync::Mutex::default(),
            ledger,
        }
    }

    /// The same engine, of which each addition to a history is told to a journal before it is committed.
    #[must_use]
    pub fn with_journal(self, journal: Arc<dyn Journal>) -> Self {
        Self { journal: Some(journal), ..self }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The settings.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }
}
