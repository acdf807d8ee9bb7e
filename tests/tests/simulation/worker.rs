//! The machine of a worker: started, killed or asked to stop, and started again.

use std::future::pending;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bloom_runtime::engine::EngineConfig;
use bloom_worker::{Flows, RemoteConfig, RemoteError, RemoteWorker};
use tokio::sync::oneshot;

use crate::disk::Disk;
use crate::flows;
use crate::network::{KEY, Network, SERVER};
use crate::server;
use crate::sim::{Counted, Life, MachineClock, Sim};
use crate::work::{Llm, Tools};

pub(crate) struct WorkerMachine {
    sim: Arc<Sim>,
    network: Arc<Network>,
    pub(crate) name: String,
    slots: u32,
    has_flows: bool,
    clock: Arc<MachineClock>,
    running: Mutex<Option<(Life, Option<oneshot::Sender<()>>)>>,
}

impl WorkerMachine {
    pub(crate) fn new(sim: &Arc<Sim>, network: &Arc<Network>, name: &str, has_flows: bool) -> Arc<Self> {
        let slots = 1 + u32::try_from(sim.below(2)).unwrap();
        let clock = MachineClock::new(sim);
        clock.jump(i64::try_from(sim.below(600_000)).unwrap() - 300_000);
        Arc::new(Self {
            sim: sim.clone(),
            network: network.clone(),
            name: name.to_owned(),
            slots,
            has_flows,
            clock,
            running: Mutex::default(),
        })
    }

    /// Starts the worker whenever it is gone, a while after.
    pub(crate) async fn keep(self: Arc<Self>) {
        loop {
            let life = Life::default();
            let (stop, stopped) = oneshot::channel();
            *self.running.lock().unwrap() = Some((life.clone(), Some(stop)));
            self.sim.note(format_args!("{}: starts", self.name));
            let stop = async {
                if stopped.await.is_err() {
                    pending::<()>().await;
                }
            };
            let ended = tokio::select! {
                biased;
                () = life.ended() => None,
                ended = self.worker(&life).run(stop, pending()) => Some(ended),
            };
            life.end();
            match ended {
                None => {}
                // Something on the way answered before the server did: whoever looks after the machine starts it again.
                Some(Ok(()) | Err(RemoteError::Answer(_))) => self.sim.note(format_args!("{}: ended", self.name)),
                Some(Err(error)) => self.sim.fail(format!("{} ended: {error}", self.name)),
            }
            tokio::time::sleep(self.sim.millis(10, 15_000)).await;
        }
    }

    pub(crate) fn kill(&self) {
        if let Some((life, _)) = &*self.running.lock().unwrap() {
            self.sim.note(format_args!("{}: killed", self.name));
            life.end();
        }
    }

    /// Asks it to stop. One that does several things at a time tells that to all of them in any order, so it is not asked.
    pub(crate) fn stop(&self) {
        let mut running = self.running.lock().unwrap();
        if self.slots == 1
            && let Some(stop) = running.as_mut().and_then(|(_, stop)| stop.take())
        {
            self.sim.note(format_args!("{}: is to stop", self.name));
            let _ = stop.send(());
        }
    }

    fn worker(&self, life: &Life) -> RemoteWorker {
        let config = RemoteConfig {
            key: Some(KEY.into()),
            slots: self.slots,
            heartbeat: Duration::from_secs(3),
            wait: Duration::from_secs(20),
            longest_backoff: Duration::from_secs(5),
            drain: Duration::from_secs(8),
            ..RemoteConfig::new(SERVER, &*self.name)
        };
        let llm = Arc::new(Llm { sim: self.sim.clone(), life: life.clone() });
        let line = Arc::new(self.network.line(&self.name, life));
        let worker = RemoteWorker::over(line, config, Some(llm)).unwrap();
        if !self.has_flows {
            return worker;
        }
        worker.with_flows(Flows {
            tools: Arc::new(Tools { sim: self.sim.clone(), life: life.clone(), is_server: false }),
            trust: Arc::new(flows::trust()),
            clock: self.clock.clone(),
            ids: Arc::new(Counted(self.sim.clone())),
            store: Box::new(|| Ok(Arc::new(Disk::default().open(&Life::default()).map_err(io::Error::other)?))),
            config: EngineConfig { awaits_workers: false, ..server::config() },
        })
    }
}
