//! One schedule: work, faults, and when they are over, whether everything is as it must be.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bloom_interpreter::history::{Chain, Payload};
use bloom_interpreter::replay::Verdict;
use bloom_runtime::engine::{Engine, Parts};
use bloom_runtime::record::{RunId, RunStatus, Task, TaskStatus};
use bloom_runtime::store::{RunFilter, Store as _, StoreError, TaskFilter};
use bloom_store::RedbStore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::disk::{Disk, Files};
use crate::faults::{Blow, Faults};
use crate::flows;
use crate::ledger::Acknowledged;
use crate::network::Network;
use crate::panics;
use crate::server::{self, ServerMachine};
use crate::sim::{Counted, Life, MachineClock, Sim};
use crate::work::Tools;
use crate::worker::WorkerMachine;

/// After the last fault, everything ends within this time.
const END: Duration = Duration::from_hours(4);

/// A rule that is broken on purpose, by the simulation and not by what it simulates, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The server takes what a stale lease shows for what the newest one would.
    StaleLeases,
    /// The disk says that it has synced, and has not.
    Syncs,
    /// After a restart, histories lack what happened last.
    Histories,
}

/// What came of a schedule.
pub(crate) struct Played {
    /// What was not as it must be.
    pub(crate) fault: Option<String>,
    /// Equal for equal traces.
    pub(crate) hash: u64,
    pub(crate) trace: Vec<String>,
}

/// Plays the schedule that follows from a seed. It takes no time that is measured outside.
pub(crate) fn play(seed: u64, broken: Option<Broken>) -> Played {
    static NEW: OnceLock<Files> = OnceLock::new();
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let image = NEW.get_or_init(|| runtime().block_on(server::new_disk()));
    let runtime = runtime();
    panics::watch();
    let sim = runtime.block_on(async { Sim::new(seed) });
    let played = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            if let Err(error) = Schedule::new(&sim, image, broken).play().await {
                sim.fail(format!("the store cannot be looked at: {error}"));
            }
            if panics::take() {
                sim.fail("something panicked".to_owned());
            }
        });
    }));
    if played.is_err() {
        sim.fail("the simulation panicked".to_owned());
    }
    // Whatever is still under way has no edge to the world any more.
    drop(runtime);
    Played { fault: sim.fault(), hash: sim.hash(), trace: sim.lines() }
}

struct Schedule {
    sim: Arc<Sim>,
    network: Arc<Network>,
    server: Arc<ServerMachine>,
    workers: Vec<Arc<WorkerMachine>>,
}

impl Schedule {
    fn new(sim: &Arc<Sim>, image: &Files, broken: Option<Broken>) -> Self {
        let network = Network::new(sim, broken == Some(Broken::StaleLeases));
        let disk = Disk::with(image, broken == Some(Broken::Syncs));
        let server = ServerMachine::new(sim, &network, disk, broken == Some(Broken::Histories));
        let count = 1 + sim.below(3);
        // One of them at least can do whatever there is.
        let workers = (1..=count)
            .map(|number| WorkerMachine::new(sim, &network, &format!("w{number}"), number == 1 || sim.happens(500)));
        Self { sim: sim.clone(), workers: workers.collect(), network, server }
    }

    async fn play(&self) -> Result<(), StoreError> {
        let Self { sim, network, server, workers } = self;
        let mut machines = JoinSet::new();
        machines.spawn(server.clone().keep());
        for worker in workers {
            machines.spawn(worker.clone().keep());
        }
        let mut clients = JoinSet::new();
        for number in 0..2 + sim.below(4) {
            clients.spawn(Client::new(sim, network, number).submit());
        }
        for number in 0..sim.below(3) {
            clients.spawn(Client::new(sim, network, 100 + number).post());
        }
        self.disturb(&mut clients).await;
        sim.note(format_args!("all is well again"));
        *sim.faults.lock().unwrap() = Faults::default();
        network.heal();
        let healed = Instant::now();
        while sim.fault().is_none() {
            while clients.try_join_next().is_some() {}
            if clients.is_empty() && self.has_ended().await? {
                break;
            }
            if healed.elapsed() > END {
                sim.fail(format!("what does not end: {}", self.unfinished().await?));
                break;
            }
            sleep(Duration::from_secs(2)).await;
        }
        server.kill();
        machines.shutdown().await;
        server.disk.cut(sim);
        if sim.fault().is_none() {
            self.check().await?;
        }
        Ok(())
    }

    /// Deals blows for a while.
    async fn disturb(&self, clients: &mut JoinSet<()>) {
        let Self { sim, network, server, workers } = self;
        let until = Instant::now() + sim.millis(20_000, 90_000);
        let blows = sim.faults().blows;
        while Instant::now() < until && sim.fault().is_none() {
            sleep(sim.millis(500, 12_000)).await;
            if blows.is_empty() {
                continue;
            }
            let worker = &workers[sim.index(workers.len())];
            match blows[sim.index(blows.len())] {
                Blow::KillServer => server.kill(),
                Blow::CutWrite => server.disk.fail_after(sim.below(60)),
                Blow::KillWorker => worker.kill(),
                Blow::StopWorker => worker.stop(),
                Blow::RemoveWorker => {
                    sim.note(format_args!("{}: is to be removed", worker.name));
                    clients.spawn(Client::new(sim, network, 0).remove(worker.name.clone()));
                }
                Blow::Part => {
                    let name = if sim.happens(150) { "client".to_owned() } else { worker.name.clone() };
                    let (network, time) = (network.clone(), sim.millis(500, 40_000));
                    sim.note(format_args!("{name} is parted for {time:?}"));
                    network.part(&name, true);
                    clients.spawn(async move {
                        sleep(time).await;
                        network.part(&name, false);
                    });
                }
                Blow::SetClock => {
                    let by = i64::try_from(sim.below(240_000)).unwrap() - 120_000;
                    sim.note(format_args!("the server's clock is set by {by} ms"));
                    server.clock.jump(by);
                }
            }
        }
    }

    async fn has_ended(&self) -> Result<bool, StoreError> {
        let Some((store, _)) = self.server.parts() else { return Ok(false) };
        let runs = store.runs(&RunFilter { limit: 1000, ..RunFilter::default() }).await?;
        let tasks = store.list_tasks(&TaskFilter { limit: 1000, ..TaskFilter::default() }).await?;
        Ok(runs.iter().all(|run| run.status.is_terminal()) && !tasks.iter().any(Task::is_open))
    }

    async fn unfinished(&self) -> Result<String, StoreError> {
        let Some((store, _)) = self.server.parts() else { return Ok("the server".to_owned()) };
        let runs = store.runs(&RunFilter { limit: 1000, ..RunFilter::default() }).await?;
        let runs: Vec<_> = runs.iter().filter(|run| !run.status.is_terminal()).map(|run| run.id.as_str()).collect();
        let tasks = store.list_tasks(&TaskFilter { limit: 1000, ..TaskFilter::default() }).await?;
        let tasks: Vec<_> = tasks.iter().filter(|task| task.is_open()).map(|task| task.id.as_str()).collect();
        Ok(format!("runs {runs:?}, tasks {tasks:?}"))
    }

    /// Looks at what is on the disk in the end.
    async fn check(&self) -> Result<(), StoreError> {
        let Self { sim, server, .. } = self;
        let life = Life::default();
        let store = Arc::new(server.disk.open(&life)?);
        let found = store.verify().await?;
        if let Some(fault) = found.faults.first() {
            sim.fail(format!("the store does not agree with itself: {fault}"));
        }
        let engine = Engine::new(Parts {
            store: store.clone(),
            tools: Arc::new(Tools { sim: sim.clone(), life, is_server: true }),
            clock: MachineClock::new(sim),
            ids: Arc::new(Counted(sim.clone())),
            trust: Arc::new(flows::trust()),
            observer: Arc::new(()),
            config: server::config(),
        });
        for run in store.runs(&RunFilter { limit: 1000, ..RunFilter::default() }).await? {
            self.check_run(&store, &engine, &run.id).await?;
            sim.note(format_args!("{} of {} is {:?}: {}", run.id, run.flow, run.status, run.history_head));
        }
        let acknowledged = sim.ledger().acknowledged();
        for acknowledged in acknowledged {
            if !self.holds(&store, &acknowledged).await? {
                sim.fail(format!("acknowledged, and not so: {acknowledged:?}"));
            }
        }
        Ok(())
    }

    async fn check_run(&self, store: &RedbStore, engine: &Engine, run: &RunId) -> Result<(), StoreError> {
        let sim = &self.sim;
        let events = store.history(run, 1, 10_000).await?;
        if let Err(fault) = Chain::verify(&events) {
            sim.fail(format!("{run}: {fault}"));
        }
        match engine.replay(run, None).await {
            Ok(report) if report.verdict == Verdict::Same => {}
            Ok(report) => sim.fail(format!("{run} does not replay: {:?}", report.verdict)),
            Err(error) => sim.fail(format!("{run} cannot be replayed: {error}")),
        }
        let (mut outcomes, mut signals) = (BTreeSet::new(), BTreeSet::new());
        for payload in events.iter().filter_map(|event| event.payload.as_ref()) {
            match payload {
                Payload::EffectCompleted { effect, answer, .. } => {
                    if !outcomes.insert(effect.clone()) {
                        sim.fail(format!("{run}/{effect} has two outcomes"));
                    }
                    let key = format!("{run}/{effect}");
                    if let Some(n) = answer.value.get("n").and_then(bloom_ir::Value::as_int)
                        && !self.was_answered(store, run, effect.as_str(), n).await?
                    {
                        sim.fail(format!("{key} has an answer that nobody gave: {n}"));
                    }
                }
                Payload::EffectFailed { effect, .. } if !outcomes.insert(effect.clone()) => {
                    sim.fail(format!("{run}/{effect} has two outcomes"));
                }
                Payload::SignalReceived { value, .. } if !signals.insert(value.as_int()) => {
                    sim.fail(format!("{run} received a signal twice"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether an executor gave that answer, for this run or for the one that it is a fork of.
    async fn was_answered(
        &self,
        store: &RedbStore,
        run: &RunId,
        effect: &str,
        answer: i64,
    ) -> Result<bool, StoreError> {
        if self.sim.ledger().may_have_been_answered(&format!("{run}/{effect}"), answer) {
            return Ok(true);
        }
        let origin = store.run(run).await?.and_then(|run| run.origin);
        Ok(origin.is_some_and(|origin| {
            self.sim.ledger().may_have_been_answered(&format!("{}/{effect}", origin.run), answer)
        }))
    }

    async fn holds(&self, store: &RedbStore, acknowledged: &Acknowledged) -> Result<bool, StoreError> {
        Ok(match acknowledged {
            Acknowledged::Run(run) => store.run_status(run).await?.is_some(),
            Acknowledged::Task(task) => store.task(task).await?.is_some(),
            Acknowledged::Cancelled(run) => store.run_status(run).await? == Some(RunStatus::Cancelled),
            Acknowledged::Signal(run, sent) => {
                let events = store.history(run, 1, 10_000).await?;
                events.into_iter().filter_map(|event| event.payload).any(
                    |payload| matches!(payload, Payload::SignalReceived { value, .. } if value.as_int() == Some(*sent)),
                )
            }
            Acknowledged::Answer(task, answer) => store.task(task).await?.is_some_and(|task| {
                let kept = task.answer.as_ref().and_then(|kept| kept.value.get("n")?.as_int());
                task.status == TaskStatus::Completed && kept == Some(*answer)
            }),
        })
    }
}
