//! Long turns: they can be stopped, they end by the time limit, and what comes of them does not depend on the pauses.

use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::history::{Chain, Payload, Sealed};
use bloom_runtime::engine::{Engine, RunEnd};
use bloom_runtime::record::{Actor, RunId, RunRecord, RunStatus};
use bloom_runtime::store::{Append, Submission};
use serde_json::{Value as Json, json};

use crate::world::{Act, Tools, World, flow, submission};

/// Reads, then computes for ever.
fn endless() -> Json {
    let mut endless = flow(
        &[("read-notes", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "into": "x", "next": "n2" },
            "n2": { "type": "action", "op": "set", "into": "x", "value": "v['x'] % 9 + 1", "next": "n3" },
            "n3": { "type": "decision", "when": "v['x'] > 0", "then": "n2", "else": "n4" },
            "n4": { "type": "return", "status": "completed", "value": "v['x']" },
        }),
    );
    endless["policy"]["limits"] = json!({ "max_steps": 1_000_000_000_000_000_u64, "timeout_seconds": 30 });
    endless
}

fn world() -> World {
    World::new(Tools::default().with("read-notes", "read", |_, _| Act::Answer(json!(1))), &json!({}))
}

async fn has_ended(driving: &tokio::task::JoinHandle<impl Sized>, pauses: usize) -> bool {
    for _ in 0..pauses {
        tokio::task::yield_now().await;
    }
    driving.is_finished()
}

/// Drives until it has computed for a while after the tool has answered, and drops the driver.
async fn drive_into_the_loop(world: &World, engine: &Arc<Engine>, run: &RunId) {
    let driving = tokio::spawn({
        let (engine, run) = (engine.clone(), run.clone());
        async move { engine.drive(&run).await }
    });
    while world.kinds(run).await.len() < 3 {
        tokio::task::yield_now().await;
    }
    assert!(!has_ended(&driving, 20).await);
    driving.abort();
    assert!(driving.await.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn a_run_that_computes_for_ever_can_be_stopped_and_cancelled() {
    let world = world();
    let engine = world.engine();
    let run = engine.submit(submission(&endless())).await.unwrap();
    drive_into_the_loop(&world, &engine, &run).await;
    engine.cancel(&run, &Actor("owner".to_owned()), "").await.unwrap();
    assert!(matches!(engine.drive(&run).await.unwrap(), RunEnd::Cancelled { .. }));
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn a_run_that_computes_for_ever_can_be_cancelled_beside_its_driver() {
    let world = world();
    let engine = world.engine();
    let run = engine.submit(submission(&endless())).await.unwrap();
    let cancelling = async {
        while world.kinds(&run).await.len() < 3 {
            tokio::task::yield_now().await;
        }
        engine.cancel(&run, &Actor("owner".to_owned()), "").await.unwrap();
    };
    let (end, ()) = tokio::join!(engine.drive(&run), cancelling);
    assert!(matches!(end.unwrap(), RunEnd::Cancelled { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_computes_for_ever_ends_by_its_time_limit() {
    let world = world();
    let first = world.engine();
    let run = first.submit(submission(&endless())).await.unwrap();
    drive_into_the_loop(&world, &first, &run).await;
    // Another process goes on from the answer.
    let driving = tokio::spawn({
        let (engine, run) = (world.engine(), run.clone());
        async move { engine.drive(&run).await }
    });
    while !has_ended(&driving, 5).await {
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let end = driving.await.unwrap().unwrap();
    assert!(matches!(end, RunEnd::Failed { error, node: None } if error.code == "limit_time"));
    assert_eq!(world.kinds(&run).await, ["run.started", "effect.requested", "effect.completed", "run.failed"]);
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn a_long_turn_is_recorded_as_a_whole() {
    let world = world();
    let mut long = flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "set", "into": "i", "value": "0", "next": "n2" },
            "n2": { "type": "action", "op": "set", "into": "i", "value": "v['i'] + 1", "next": "n3" },
            "n3": { "type": "decision", "when": "v['i'] % 10000 == 1", "then": "n4", "else": "n5" },
            "n4": { "type": "emit", "kind": "log", "name": "i", "value": "v['i']", "next": "n5" },
            "n5": { "type": "decision", "when": "v['i'] < 25000", "then": "n2", "else": "n6" },
            "n6": { "type": "return", "status": "completed", "value": "v['i']" },
        }),
    );
    long["policy"]["limits"] = json!({ "max_steps": 1_000_000 });
    let (run, end) = world.run(&long).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: 25_000_i64.into() });
    let events = world.store.history(&run, 1, 100).await.unwrap();
    let emitted = events.iter().filter_map(|event| match event.payload.as_ref() {
        Some(Payload::Emitted { emission }) => emission.value.as_int(),
        _ => None,
    });
    assert_eq!(emitted.collect::<Vec<_>>(), [1, 10_001, 20_001]);
    assert_eq!(events.len(), 5);
    assert!(events[1].at > events[0].at, "it was accepted before its first turn was whole");
    world.assert_replays(&run).await;
}

/// A world whose store holds only the first events of a run.
async fn cut_off(world: &World, run: &RunId, events: usize) -> World {
    let record = world.store.run(run).await.unwrap().unwrap();
    let mut history = world.store.history(run, 1, 100).await.unwrap();
    history.truncate(events);
    let cut = self::world();
    let first = Append::of(run.clone(), 0, Sealed::after(Chain::default(), history).unwrap(), RunStatus::Running);
    let submission = Submission {
        flow: world.store.flows().await.unwrap().remove(0),
        document: world.store.flow_document(record.ir).await.unwrap().unwrap(),
        inbox: world.store.inbox_entry(&record.inbox).await.unwrap().unwrap(),
        run: RunRecord { status: RunStatus::Queued, events: 0, history_head: bloom_ir::Digest::of(b""), ..record },
        first,
    };
    cut.store.submit(submission).await.unwrap();
    cut
}

#[tokio::test]
async fn cancelling_drops_nothing_that_a_rebuilt_run_has_emitted() {
    let world = world();
    let emits = flow(
        &[("read-notes", "read")],
        &json!({
            "n1": { "type": "emit", "kind": "log", "name": "a", "value": "1", "next": "n2" },
            "n2": { "type": "emit", "kind": "log", "name": "b", "value": "2", "next": "n3" },
            "n3": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "next": "n4" },
            "n4": { "type": "return", "status": "completed", "value": "null" },
        }),
    );
    let run = world.engine().submit(submission(&emits)).await.unwrap();
    assert_eq!(world.kinds(&run).await, ["run.started", "emitted", "emitted"]);
    let cut = cut_off(&world, &run, 2).await;
    cut.engine().cancel(&run, &Actor("owner".to_owned()), "").await.unwrap();
    assert_eq!(cut.kinds(&run).await, ["run.started", "emitted", "emitted", "run.cancelled"]);
    cut.assert_replays(&run).await;
}
