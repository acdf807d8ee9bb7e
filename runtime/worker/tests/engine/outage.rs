//! A store that fails for a while: workers and who looks after runs wait for it, and lose nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError};
use bloom_runtime::engine::{Engine, EngineConfig, RunEnd};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::{RunId, WorkerStatus};
use bloom_worker::InProcessWorker;
use serde_json::{Value as Json, json};
use tokio::sync::Semaphore;

use crate::disk::{Crash, Disk};
use crate::world::{Tools, World, flow, submission};

fn asks() -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "llm_call", "prompt": [{ "text": "How many?" }], "into": "n", "output": { "type": "integer" }, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['n']" },
        }),
    )
}

/// Answers 7 when it may, and counts the questions.
struct Patient {
    asked: AtomicUsize,
    may: Semaphore,
}

#[async_trait]
impl LlmExecutor for Patient {
    fn provides(&self) -> &'static str {
        "llm.patient"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.may.acquire().await.unwrap().forget();
        Ok(Answer { value: 7_i64.into(), usage: None })
    }
}

struct Outage {
    world: World,
    disk: Arc<Disk>,
    engine: Arc<Engine>,
    thinks: Arc<Patient>,
}

impl Outage {
    fn new() -> Self {
        let world = World::new(Tools::default(), &json!({})).in_time();
        let disk = Arc::new(Disk::new(world.store.clone()));
        let engine = world.engine_as(disk.clone(), EngineConfig { awaits_workers: true, ..EngineConfig::default() });
        let thinks = Arc::new(Patient { asked: AtomicUsize::new(0), may: Semaphore::new(0) });
        Self { world, disk, engine, thinks }
    }

    fn worker(&self, slots: usize) -> InProcessWorker {
        InProcessWorker::start(self.engine.clone(), self.thinks.clone(), slots, None)
    }

    async fn submit(&self) -> RunId {
        self.engine.submit(submission(&asks())).await.unwrap()
    }

    fn status(&self) -> WorkerStatus {
        self.engine.workers()[0].status
    }

    /// The run's end, which whoever looks after all runs brings it to.
    async fn end(&self, run: &RunId) -> RunEnd {
        until("the run ends", async || self.world.store.run(run).await.unwrap().unwrap().status.is_terminal()).await;
        self.engine.drive(run).await.unwrap()
    }
}

/// Waits until something is so; time goes by meanwhile.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(10), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[tokio::test(start_paused = true)]
async fn worker_goes_on_when_the_store_works_again() {
    let outage = Outage::new();
    let run = outage.submit().await;
    outage.disk.set_away(true);
    let worker = outage.worker(2);
    until("it tells that it can do nothing", async || outage.status() == WorkerStatus::Error).await;
    // It goes on trying, less and less often.
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(outage.thinks.asked.load(Ordering::SeqCst), 0);
    outage.disk.set_away(false);
    outage.thinks.may.add_permits(1);
    assert_eq!(outage.engine.drive(&run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    assert_eq!(outage.status(), WorkerStatus::Online);
    worker.stop().await;
    assert_eq!(outage.engine.workers(), []);
}

#[tokio::test(start_paused = true)]
async fn answer_that_the_store_could_not_take_is_recorded_when_it_can() {
    let outage = Outage::new();
    let run = outage.submit().await;
    let worker = outage.worker(1);
    until("it is asked", async || outage.thinks.asked.load(Ordering::SeqCst) == 1).await;
    outage.disk.set_away(true);
    outage.thinks.may.add_permits(1);
    until("it tells that it is stuck", async || outage.status() == WorkerStatus::Error).await;
    outage.disk.set_away(false);
    until("it goes on", async || outage.world.store.run(&run).await.unwrap().unwrap().status.is_terminal()).await;
    assert_eq!(outage.engine.drive(&run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    assert_eq!(outage.thinks.asked.load(Ordering::SeqCst), 1, "it is asked once");
    worker.stop().await;
}

#[tokio::test(start_paused = true)]
async fn worker_that_is_to_stop_does_not_wait_for_a_store_that_fails() {
    let outage = Outage::new();
    outage.submit().await;
    let worker = outage.worker(1);
    until("it is asked", async || outage.thinks.asked.load(Ordering::SeqCst) == 1).await;
    outage.disk.set_away(true);
    outage.thinks.may.add_permits(1);
    until("it tells that it is stuck", async || outage.status() == WorkerStatus::Error).await;
    tokio::time::timeout(Duration::from_mins(1), worker.stop()).await.expect("it does not stop");
    // Whoever opens the store next ends its lease.
    assert_eq!(outage.world.store.active_leases().await.unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn runs_are_looked_after_when_the_store_works_again() {
    let outage = Outage::new();
    let run = outage.submit().await;
    outage.disk.set_away(true);
    let engine = outage.engine.clone();
    let tending = tokio::spawn(async move { engine.tend(std::future::pending()).await });
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert!(!tending.is_finished());
    outage.disk.set_away(false);
    let worker = outage.worker(1);
    outage.thinks.may.add_permits(2);
    assert_eq!(outage.end(&run).await, RunEnd::Completed { result: 7_i64.into() });
    let second = outage.submit().await;
    assert_eq!(outage.end(&second).await, RunEnd::Completed { result: 7_i64.into() });
    worker.stop().await;
    tending.abort();
}

#[tokio::test(start_paused = true)]
async fn nobody_looks_after_runs_of_a_store_that_must_be_opened_anew() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine_on(Arc::new(Disk::crashing(world.store.clone(), 0, Crash::Before)));
    let ended = tokio::time::timeout(Duration::from_mins(1), engine.tend(std::future::pending())).await;
    let error = ended.expect("it goes on for ever").unwrap_err();
    assert!(error.is_fatal(), "{error}");
}

/// Its key is refused until it may be taken.
#[derive(Default)]
struct Refused(AtomicUsize, AtomicBool);

#[async_trait]
impl LlmExecutor for Refused {
    fn provides(&self) -> &'static str {
        "llm.claude_cli"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.probe().await?;
        Ok(Answer { value: 7_i64.into(), usage: None })
    }

    async fn probe(&self) -> Result<(), EffectError> {
        if self.1.load(Ordering::SeqCst) { Ok(()) } else { Err(EffectError::new("not_logged_in", "Invalid API key")) }
    }
}

#[tokio::test(start_paused = true)]
async fn worker_whose_key_is_refused_goes_on_when_it_is_taken_again() {
    let outage = Outage::new();
    let run = outage.submit().await;
    let refused = Arc::new(Refused::default());
    let worker = InProcessWorker::start(outage.engine.clone(), refused.clone(), 2, None);
    let blocked = async || outage.engine.workers()[0].blocked.is_some();
    until("it is told", blocked).await;
    assert_eq!(outage.engine.workers()[0].blocked.clone().unwrap().error.code, "not_logged_in");
    // A slot that was about to take the task when the other one gave it back still asks.
    tokio::time::sleep(Duration::from_mins(1)).await;
    let asked = refused.0.load(Ordering::SeqCst);
    assert!(asked <= 2, "{asked} times");
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!(refused.0.load(Ordering::SeqCst), asked, "tasks are no probes");
    refused.1.store(true, Ordering::SeqCst);
    until("it is let in", async || !blocked().await).await;
    assert_eq!(outage.engine.drive(&run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    worker.stop().await;
}
