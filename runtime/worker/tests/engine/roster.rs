//! Workers that come and go at the same time: what the store has of them, and what the engine grants by, stay the same.

use std::pin::pin;
use std::sync::Arc;

use bloom_runtime::engine::{Engine, EngineError, Registration};
use bloom_runtime::record::{Capabilities, WorkerId};
use bloom_runtime::store::StoreError;
use serde_json::json;

use crate::disk::Disk;
use crate::wait::owner;
use crate::world::{Tools, World, flow, submission};

struct Roster {
    world: World,
    disk: Arc<Disk>,
    engine: Arc<Engine>,
    worker: WorkerId,
}

impl Roster {
    fn new() -> Self {
        let world = World::new(Tools::default(), &json!({}));
        let disk = Arc::new(Disk::new(world.store.clone()));
        let engine = world.engine_on(disk.clone());
        Self { world, disk, engine, worker: WorkerId::new("remote") }
    }

    async fn admit(&self) {
        let capabilities = Capabilities { provides: vec!["llm".to_owned()], ..Capabilities::default() };
        let registration = Registration { capabilities: Some(capabilities), ..Registration::default() };
        self.engine.admit_worker(&self.worker, registration, &owner()).await.unwrap();
    }

    async fn submit(&self) {
        let asks = flow(
            &[],
            &json!({
                "n1": { "type": "llm_call", "prompt": [{ "text": "?" }], "into": "n", "output": {}, "next": "n2" },
                "n2": { "type": "return", "status": "completed", "value": "v['n']" },
            }),
        );
        self.engine.submit(submission(&asks)).await.unwrap();
    }

    /// A removal that meets a failure of the disk, which passes.
    async fn fail_to_remove(&self) {
        self.disk.set_away(true);
        self.engine.remove_worker(&self.worker, &owner()).await.unwrap_err();
        self.disk.set_away(false);
    }

    /// How many tasks the worker is granted; what it gets to hear otherwise.
    async fn pull(&self) -> Result<usize, EngineError> {
        Ok(self.engine.pull(&self.worker, None, 1, std::future::ready(())).await?.len())
    }
}

fn is_unknown<T>(answer: &Result<T, EngineError>) -> bool {
    matches!(answer, Err(EngineError::Store(StoreError::NotFound { kind: "worker", .. })))
}

#[tokio::test]
async fn worker_that_registers_while_it_is_removed_is_known_to_both_or_to_none() {
    let roster = Roster::new();
    let before = roster.disk.commits();
    let mut admitting = pin!(roster.admit());
    while roster.disk.commits() == before {
        assert!(futures::poll!(&mut admitting).is_pending());
        tokio::task::yield_now().await;
    }
    // It is on the disk, and who asked for it does not know yet.
    roster.disk.settle().await;
    let by = owner();
    let mut removing = pin!(roster.engine.remove_worker(&roster.worker, &by));
    let mut removed = None;
    for _ in 0..10 {
        if let std::task::Poll::Ready(outcome) = futures::poll!(&mut removing) {
            removed = Some(outcome);
            break;
        }
        tokio::task::yield_now().await;
        roster.disk.settle().await;
    }
    admitting.await;
    match removed {
        Some(outcome) => outcome,
        None => removing.await,
    }
    .unwrap();
    let is_kept = roster.world.store.worker(&roster.worker).await.unwrap().is_some();
    assert_eq!(roster.engine.worker(&roster.worker).is_some(), is_kept);
}

#[tokio::test]
async fn worker_that_the_store_does_not_have_is_told_to_register_again() {
    let roster = Roster::new();
    roster.admit().await;
    // By another program, or by a removal of which nobody heard.
    roster.world.store.remove_worker(&roster.worker, 0, Vec::new()).await.unwrap();
    assert!(is_unknown(&roster.engine.remove_worker(&roster.worker, &owner()).await));
    assert!(is_unknown(&roster.pull().await));
    roster.admit().await;
    roster.submit().await;
    assert_eq!(roster.pull().await.unwrap(), 1);
}

#[tokio::test]
async fn worker_whose_removal_failed_goes_on() {
    let roster = Roster::new();
    roster.admit().await;
    roster.fail_to_remove().await;
    roster.submit().await;
    assert_eq!(roster.pull().await.unwrap(), 1);
}

#[tokio::test]
async fn worker_that_drains_still_does_after_a_removal_that_failed() {
    let roster = Roster::new();
    roster.admit().await;
    roster.engine.drain_worker(&roster.worker);
    roster.fail_to_remove().await;
    assert!(roster.engine.is_draining(&roster.worker));
}

#[tokio::test]
async fn worker_of_this_process_is_not_removed() {
    let roster = Roster::new();
    let own = roster.engine.register_worker(vec!["llm".to_owned()]);
    roster.submit().await;
    roster.engine.grant(&own, None).await.unwrap().unwrap();
    assert!(is_unknown(&roster.engine.remove_worker(&own, &owner()).await));
    assert_eq!(roster.world.store.active_leases().await.unwrap().len(), 1);
    roster.submit().await;
    assert!(roster.engine.grant(&own, None).await.unwrap().is_some());
}
