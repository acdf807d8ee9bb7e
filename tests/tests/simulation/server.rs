//! The machine of the server: started, killed, and started again on the same disk.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bloom_ir::Diagnostic;
use bloom_ir::Value;
use bloom_ir::document::Locale;
use bloom_runtime::apply::Applier;
use bloom_runtime::compiler::{Called, Compiled, Compiler, Explanation, Picture};
use bloom_runtime::engine::{Engine, EngineConfig, Parts};
use bloom_runtime::record::{Actor, FlowRecord};
use bloom_runtime::store::Store;
use bloom_runtime::tool::InstalledTool;
use bloom_server::{Appliers, Hub, NotAdded, Server, ServerConfig, Toolbox};
use bloom_store::RedbStore;
use tokio::task::AbortHandle;

use crate::disk::{Disk, Files};
use crate::flows;
use crate::network::{KEY, Network};
use crate::sim::{Counted, Life, MachineClock, Sim};
use crate::store::WatchedStore;
use crate::work::Tools;

/// Leases are short, and so is everything else that is waited for.
pub(crate) fn config() -> EngineConfig {
    EngineConfig {
        awaits_workers: true,
        lease_ttl: Duration::from_secs(10),
        reap_every: Duration::from_secs(2),
        worker_offline: Duration::from_secs(8),
        overtime: Duration::from_secs(5),
        attempts: 4,
        ..EngineConfig::default()
    }
}

pub(crate) struct ServerMachine {
    sim: Arc<Sim>,
    network: Arc<Network>,
    pub(crate) disk: Disk,
    pub(crate) clock: Arc<MachineClock>,
    forgets: bool,
    running: Mutex<Option<Running>>,
}

struct Running {
    life: Life,
    store: Arc<RedbStore>,
    engine: Arc<Engine>,
    tasks: Vec<AbortHandle>,
}

impl ServerMachine {
    pub(crate) fn new(sim: &Arc<Sim>, network: &Arc<Network>, disk: Disk, forgets: bool) -> Arc<Self> {
        let clock = MachineClock::new(sim);
        let (sim, network) = (sim.clone(), network.clone());
        Arc::new(Self { sim, network, disk, clock, forgets, running: Mutex::default() })
    }

    /// Starts the server whenever it is gone, a while after.
    pub(crate) async fn keep(self: Arc<Self>) {
        let mut starts = 0;
        loop {
            let life = Life::default();
            if let Some(running) = self.start(&life, starts > 0) {
                *self.running.lock().unwrap() = Some(running);
                life.ended().await;
                let running = self.running.lock().unwrap().take();
                running.into_iter().flat_map(|running| running.tasks).for_each(|task| task.abort());
            }
            life.end();
            if self.sim.fault().is_some() {
                return;
            }
            starts += 1;
            self.disk.cut(&self.sim);
            tokio::time::sleep(self.sim.millis(10, 15_000)).await;
            if self.sim.faults().blows.contains(&crate::faults::Blow::CutWrite) && self.sim.happens(50) {
                self.disk.fail_after(self.sim.below(20));
            }
        }
    }

    /// The power goes.
    pub(crate) fn kill(&self) {
        if let Some(running) = &*self.running.lock().unwrap() {
            self.sim.note(format_args!("server: killed"));
            running.life.end();
        }
    }

    /// What it has, if it runs.
    pub(crate) fn parts(&self) -> Option<(Arc<RedbStore>, Arc<Engine>)> {
        let running = self.running.lock().unwrap();
        let running = running.as_ref().filter(|running| !running.life.is_over())?;
        Some((running.store.clone(), running.engine.clone()))
    }

    fn start(&self, life: &Life, again: bool) -> Option<Running> {
        self.sim.note(format_args!("server: starts"));
        let store = match self.disk.open(life) {
            Ok(store) => Arc::new(store),
            Err(_) if life.is_over() => return None,
            Err(error) => {
                self.sim.fail(format!("the store cannot be opened: {error}"));
                return None;
            }
        };
        let watched: Arc<dyn Store> = Arc::new(WatchedStore {
            sim: self.sim.clone(),
            life: life.clone(),
            store: store.clone(),
            forgets: self.forgets && again,
        });
        let tools = Arc::new(Tools { sim: self.sim.clone(), life: life.clone(), is_server: true });
        let (hub, ids) = (Arc::new(Hub::default()), Arc::new(Counted(self.sim.clone())));
        let engine = Arc::new(Engine::new(Parts {
            store: watched.clone(),
            tools: tools.clone(),
            clock: self.clock.clone(),
            ids: ids.clone(),
            trust: Arc::new(flows::trust()),
            observer: hub.clone(),
            config: config(),
        }));
        let parts = bloom_server::Parts {
            engine: engine.clone(),
            tools,
            toolbox: Arc::new(Nothing),
            compiler: Arc::new(Nothing),
            appliers: Arc::new(Nowhere(Arc::new(Applier::new(watched, self.clock.clone(), std::env::temp_dir())))),
            clock: self.clock.clone(),
            ids,
            trust: Arc::new(flows::trust()),
            hub,
            key: Some(KEY.into()),
            setting: Value::Null,
            config: ServerConfig::default(),
        };
        let server = Server::new(parts).unwrap();
        let (network, life_of, tending, sim) = (self.network.clone(), life.clone(), engine.clone(), self.sim.clone());
        let answering = tokio::spawn(async move {
            let listening = async {
                network.serve(server.router(), life_of);
                std::future::pending().await
            };
            let ended = server.serve_by(listening).await;
            sim.fail(format!("the server ended by itself: {ended:?}"));
        });
        let sim = self.sim.clone();
        let tending = tokio::spawn(async move {
            let ended = tending.tend(std::future::pending()).await;
            sim.fail(format!("runs are looked after no more: {ended:?}"));
        });
        let tasks = vec![answering.abort_handle(), tending.abort_handle()];
        Some(Running { life: life.clone(), store, engine, tasks })
    }
}

/// What the disk of a new server holds: the flows.
pub(crate) async fn new_disk() -> Files {
    let (disk, life) = (Disk::default(), Life::default());
    let store = disk.open(&life).unwrap();
    for ir in flows::all() {
        let flow = &ir.document().flow;
        let record = FlowRecord {
            hash: ir.hash(),
            program: ir.program(),
            id: flow.id.clone(),
            version: flow.version.clone(),
            title: flow.title.clone(),
            stored_at: 1,
        };
        let note = record.audit_note(Actor("owner".to_owned()));
        store.put_flow(record, ir.bytes().to_vec(), vec![note]).await.unwrap();
    }
    drop(store);
    disk.files()
}

/// What this server is never asked for.
struct Nothing;

#[async_trait]
impl Toolbox for Nothing {
    async fn add(&self, _: Vec<u8>) -> Result<InstalledTool, NotAdded> {
        Err(NotAdded::Refused("none".to_owned()))
    }
}

impl Compiler for Nothing {
    fn compile(&self, _: &str, _: &[u8], _: Called) -> Compiled {
        Compiled { document: None, diagnostics: Vec::new() }
    }

    fn pseudocode(&self, _: &str, _: &[u8], _: Locale) -> Result<String, Vec<Diagnostic>> {
        Err(Vec::new())
    }

    fn draw(&self, _: &str, _: &[u8], _: &Picture) -> Result<String, Vec<Diagnostic>> {
        Err(Vec::new())
    }

    fn explain(&self, _: &str, _: Locale) -> Option<Explanation> {
        None
    }
}

struct Nowhere(Arc<Applier>);

impl Appliers for Nowhere {
    fn of(&self, _: &Value) -> std::io::Result<Arc<Applier>> {
        Ok(self.0.clone())
    }
}
