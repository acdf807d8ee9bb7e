//! A driver that is dropped: what it left is gone on with in the same process, and nothing is done twice.

use std::sync::Arc;
use std::task::Poll;

use bloom_runtime::engine::{Engine, EngineError, RunEnd};
use bloom_runtime::record::RunId;
use serde_json::{Value as Json, json};

use crate::disk::Disk;
use crate::world::{Act, Tools, World, flow, submission};

/// Drives until `is_there`, and drops the driver then.
async fn drive_until(engine: &Arc<Engine>, run: &RunId, is_there: impl Fn() -> bool) {
    let mut driving = Box::pin(engine.drive(run));
    // It is looked for each time that the driver has gone on.
    loop {
        if let Poll::Ready(end) = futures::poll!(&mut driving) {
            panic!("{end:?}");
        }
        if is_there() {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn sends(on_unknown: &str) -> Json {
    flow(
        &[("send", "operational")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "send", "args": {}, "into": "x", "on_unknown": on_unknown, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['x']" },
        }),
    )
}

/// Hangs at the first call.
fn sender() -> Tools {
    Tools::default().with("send", "operational", |_, before| match before {
        0 => Act::Hang,
        _ => Act::Answer(json!("sent")),
    })
}

#[tokio::test]
async fn an_operational_tool_whose_driver_was_dropped_is_not_called_again() {
    let world = World::new(sender(), &json!({}));
    let engine = world.engine();
    let run = engine.submit(submission(&sends("fail"))).await.unwrap();
    drive_until(&engine, &run, || world.tools.calls("send") == 1).await;
    let end = engine.drive(&run).await.unwrap();
    assert!(matches!(end, RunEnd::Failed { error, .. } if error.code == "outcome_unknown"));
    assert_eq!(world.tools.calls("send"), 1);
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn a_dropped_call_that_may_be_repeated_is_repeated() {
    let world = World::new(sender(), &json!({}));
    let engine = world.engine();
    let run = engine.submit(submission(&sends("retry"))).await.unwrap();
    drive_until(&engine, &run, || world.tools.calls("send") == 1).await;
    assert_eq!(engine.drive(&run).await.unwrap(), RunEnd::Completed { result: "sent".into() });
    assert_eq!(world.tools.calls("send"), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_dropped_driver_was_committing_is_not_taken_for_being_performed() {
    let tools = Tools::default().with("read-notes", "read", |_, _| Act::Answer(json!([])));
    let world = World::new(tools, &json!({ "default": { "answer": 7 } }));
    let disk = Arc::new(Disk::new(world.store.clone()));
    let engine = world.engine_on(disk.clone());
    let asks = flow(
        &[("read-notes", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "next": "n2" },
            "n2": { "type": "llm_call", "prompt": [{ "text": "?" }], "into": "a", "output": {}, "next": "n3" },
            "n3": { "type": "return", "status": "completed", "value": "v['a']" },
        }),
    );
    let run = engine.submit(submission(&asks)).await.unwrap();
    let commits = disk.commits();
    drive_until(&engine, &run, || disk.commits() > commits).await;
    disk.settle().await;
    // Nobody is there who answers; if the reading were taken for going on, the run would wait for it until its time is up.
    let halted = engine.drive(&run).await;
    assert!(matches!(&halted, Err(EngineError::Halted { error, .. }) if error.code == "no_worker"), "{halted:?}");
    assert_eq!(world.tools.calls("read-notes"), 1);
    assert_eq!(world.kinds(&run).await, ["run.started", "effect.requested", "effect.completed", "effect.requested"]);
    assert_eq!(world.drive(&engine, &run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    // Who looks was told of the answer all the same.
    let settled =
        world.log.steps().iter().filter(|step| matches!(step, bloom_runtime::engine::Step::Settled { .. })).count();
    assert_eq!(settled, 2);
}
