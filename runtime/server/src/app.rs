//! What handlers share.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bloom_ir::Value;
use bloom_runtime::apply::Applier;
use bloom_runtime::clock::{Clock, Ids};
use bloom_runtime::compiler::Compiler;
use bloom_runtime::engine::Engine;
use bloom_runtime::record::{EnrollTokens, WorkerKeys};
use bloom_runtime::signers::Signers;
use bloom_runtime::store::Store;
use bloom_runtime::tool::ToolHost;
use secrecy::SecretString;
use tokio::sync::{Mutex, Semaphore, watch};

use crate::config::ServerConfig;
use crate::control_plane::ControlPlane;
use crate::followed::Followed;
use crate::hub::Hub;
use crate::kept::Kept;
use crate::metrics::Metrics;
use crate::operator::KeySessions;
use crate::outbound::Outbound;
use crate::owner::Owners;
use crate::rate::Rates;
use crate::runtime_api::Trials;
use crate::toolbox::{Adding, Toolbox};

/// What a server is made of.
pub struct Parts {
    /// Drives the runs. It must tell [`Parts::hub`] what happens.
    pub engine: Arc<Engine>,
    /// The tools that flows may call.
    pub tools: Arc<dyn ToolHost>,
    /// Takes the components that clients add.
    pub toolbox: Arc<dyn Toolbox>,
    /// Compiles what is published as a diagram, and draws.
    pub compiler: Arc<dyn Compiler>,
    /// Finds who decides on proposals and applies them.
    pub appliers: Arc<dyn Appliers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// Whose signatures count when a flow is published or run.
    pub trust: Arc<dyn Signers>,
    /// Who is told what runs do, for those that watch them.
    pub hub: Arc<Hub>,
    /// What clients must show; `None` lets in whoever reaches the server.
    pub key: Option<SecretString>,
    /// What runs are started with, as the folders that their tools read: kept with each, as `bloom run` keeps it.
    pub setting: Value,
    /// Settings.
    pub config: ServerConfig,
}

/// Finds who decides on a proposal and applies it: the memory that it changes is that of its run.
pub trait Appliers: Send + Sync {
    /// By what the run was started with, as it stands in its inbox entry; null where nothing was kept.
    fn of(&self, setting: &Value) -> std::io::Result<Arc<Applier>>;
}

/// The state of all handlers.
#[derive(Clone)]
pub(crate) struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) parts: Parts,
    /// Becomes true when the server stops: then nobody waits any more.
    pub(crate) stopping: watch::Sender<bool>,
    begun: Instant,
    /// Where it listens, once it does.
    bound: OnceLock<SocketAddr>,
    outbound: Outbound,
    control_plane: ControlPlane,
    trials: Trials,
    rates: Rates,
    worker_keys: Kept<WorkerKeys>,
    enroll_tokens: Kept<EnrollTokens>,
    owners: Kept<Owners>,
    key_sessions: Kept<KeySessions>,
    /// Passwords are hashed one at a time, as each takes its memory.
    hashing: Arc<Semaphore>,
    /// Held by who changes a managed project.
    projects: Mutex<()>,
    adding: Adding,
    followed: Followed,
}

impl std::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}

impl App {
    pub(crate) fn new(parts: Parts) -> Self {
        let rates = Rates::new(parts.config.open_requests_per_minute, parts.config.requests_per_minute);
        Self(Arc::new(Shared {
            rates,
            worker_keys: Kept::new(WorkerKeys::SETTING),
            enroll_tokens: Kept::new(EnrollTokens::SETTING),
            owners: Kept::new(Owners::SETTING),
            key_sessions: Kept::new(KeySessions::SETTING),
            hashing: Arc::new(Semaphore::new(1)),
            projects: Mutex::default(),
            adding: Adding::default(),
            followed: Followed::default(),
            parts,
            stopping: watch::Sender::new(false),
            begun: Instant::now(),
            bound: OnceLock::new(),
            outbound: Outbound::new(),
            control_plane: ControlPlane::default(),
            trials: Trials::default(),
        }))
    }

    pub(crate) fn store(&self) -> &Arc<dyn Store> {
        self.engine.store()
    }

    /// Speaks to node agents and the control plane.
    pub(crate) fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    /// What is known of the control plane.
    pub(crate) fn control_plane(&self) -> &ControlPlane {
        &self.0.control_plane
    }

    /// When the connection to the control plane was tried.
    pub(crate) fn trials(&self) -> &Trials {
        &self.0.trials
    }

    /// How often somebody may ask.
    pub(crate) fn rates(&self) -> &Rates {
        &self.0.rates
    }

    /// The keys of workers.
    pub(crate) fn worker_keys(&self) -> &Kept<WorkerKeys> {
        &self.0.worker_keys
    }

    /// The tokens that make machines nodes.
    pub(crate) fn enroll_tokens(&self) -> &Kept<EnrollTokens> {
        &self.0.enroll_tokens
    }

    /// The owners, and their sessions.
    pub(crate) fn owners(&self) -> &Kept<Owners> {
        &self.0.owners
    }

    /// The sessions of whoever has the server's key.
    pub(crate) fn key_sessions(&self) -> &Kept<KeySessions> {
        &self.0.key_sessions
    }

    /// Held by who hashes a password.
    pub(crate) fn hashing(&self) -> &Arc<Semaphore> {
        &self.0.hashing
    }

    /// Held by who changes a managed project.
    pub(crate) fn projects(&self) -> &Mutex<()> {
        &self.0.projects
    }

    /// The components that are being added.
    pub(crate) fn adding(&self) -> &Adding {
        &self.0.adding
    }

    /// The runs that people look at.
    pub(crate) fn followed(&self) -> &Followed {
        &self.0.followed
    }

    /// What is counted.
    pub(crate) fn metrics(&self) -> &Arc<Metrics> {
        self.hub.metrics()
    }

    /// It listens there now.
    pub(crate) fn listens_at(&self, address: SocketAddr) {
        // A server listens once.
        let _ = self.0.bound.set(address);
    }

    /// How node agents reach it, if that is known.
    pub(crate) fn own_url(&self) -> Option<String> {
        self.config.own_url(self.0.bound.get().copied())
    }

    /// How long the server is there.
    pub(crate) fn uptime(&self) -> Duration {
        self.0.begun.elapsed()
    }

    /// Has everybody who waits for something answer.
    pub(crate) fn stop(&self) {
        self.0.stopping.send_replace(true);
    }

    /// Changes when the server stops.
    pub(crate) fn stopping(&self) -> watch::Receiver<bool> {
        self.0.stopping.subscribe()
    }

    /// How long requests that answer from the store may take.
    pub(crate) fn request_timeout(&self) -> Duration {
        self.config.request_timeout
    }
}
