//! Ends, errors, progress, cancelling, replay.

use std::sync::Arc;

use bloom_interpreter::effect::EffectError;
use bloom_interpreter::replay::Verdict;
use bloom_ir::Value;
use bloom_runtime::engine::{Asked, EngineError, RunEnd, Step};
use bloom_runtime::record::{Actor, RunStatus};
use serde_json::json;

use crate::disk::Disk;
use crate::world::{Act, Tools, World, flow, submission};

#[tokio::test]
async fn an_error_goes_where_the_node_says() {
    let tools =
        Tools::default().with("read-notes", "read", |_, _| Act::Fail(EffectError::new("no_such_folder", "gone")));
    let world = World::new(tools, &json!({}));
    let nodes = |on_error| {
        json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "next": "n2", "on_error": on_error },
            "n2": { "type": "return", "status": "completed", "value": "'unreached'" },
            "n3": { "type": "return", "status": "completed", "value": "v['e'].code" },
        })
    };
    let taken = flow(&[("read-notes", "read")], &nodes(json!({ "to": "n3", "into": "e" })));
    let (id, end) = world.run(&taken).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: "no_such_folder".into() });
    assert_eq!(world.kinds(&id).await, ["run.started", "effect.requested", "effect.failed", "run.completed"]);
    world.assert_replays(&id).await;

    let mut caught = flow(&[("read-notes", "read")], &nodes(json!(null)));
    caught["nodes"]["n1"].as_object_mut().unwrap().remove("on_error");
    caught["catch"] = json!({ "to": "n3", "into": "e" });
    let (_, end) = world.run(&caught).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: "no_such_folder".into() });

    caught.as_object_mut().unwrap().remove("catch");
    caught["nodes"].as_object_mut().unwrap().remove("n3");
    let (id, end) = world.run(&caught).await;
    let RunEnd::Failed { error, node } = end.unwrap() else { panic!() };
    assert_eq!((error.code.as_str(), node.unwrap().as_str()), ("no_such_folder", "n1"));
    assert_eq!(world.store.run(&id).await.unwrap().unwrap().status, RunStatus::Failed);
    let audit = world.store.audit(1..=1000).await.unwrap();
    assert!(audit.iter().any(|entry| entry.note.action == "run_failed" && entry.note.entity_id == id.as_str()));
    world.assert_replays(&id).await;
}

#[tokio::test]
async fn a_run_without_effects_ends_as_it_is_submitted() {
    let world = World::new(Tools::default(), &json!({}));
    let plain = flow(&[], &json!({ "n1": { "type": "return", "status": "completed", "value": "input.folder" } }));
    let (id, end) = world.run(&plain).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: "notes".into() });
    assert_eq!(world.kinds(&id).await, ["run.started", "run.completed"]);
    let run = world.store.run(&id).await.unwrap().unwrap();
    let inbox = world.store.inbox_entry(&run.inbox).await.unwrap().unwrap();
    assert_eq!((inbox.action.as_str(), inbox.correlation_id.as_str()), ("run-flow", id.as_str()));
    assert_eq!(inbox.approved_by, Some(Actor("owner".to_owned())));
}

#[tokio::test]
async fn who_looks_is_told_what_happens() {
    let tools = Tools::default().with("read-notes", "read", |_, _| Act::Answer(json!([])));
    let world =
        World::new(tools, &json!({ "default": { "answer": {}, "usage": { "input_tokens": 5, "output_tokens": 1 } } }));
    let asks = flow(
        &[("read-notes", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "next": "n2" },
            "n2": { "type": "llm_call", "prompt": [{ "text": "?" }], "into": "a", "output": {}, "model": "small", "next": "n3" },
            "n3": { "type": "emit", "kind": "log", "name": "done", "value": "1", "next": "n4" },
            "n4": { "type": "return", "status": "completed", "value": "null" },
        }),
    );
    let (_, end) = world.run(&asks).await;
    let told: Vec<String> = world
        .log
        .steps()
        .into_iter()
        .map(|step| match step {
            Step::Performing { effect, attempt } => {
                format!(
                    "{} {:?} {} {attempt}",
                    effect.effect,
                    effect.place.and_then(|place| place.text),
                    asks_what(&effect.asks)
                )
            }
            Step::Settled { effect, took, error, usage, .. } => {
                assert!(took.is_some() && error.is_none());
                format!("{} done {:?}", effect.effect, usage.map(|usage| usage.input_tokens))
            }
            Step::Emitted { emission, proposal } => format!("{} {:?}", emission.name, proposal),
            Step::Ended(how) => {
                assert_eq!(Some(&how), end.as_ref().ok());
                "ended".to_owned()
            }
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        told,
        [
            "Started",
            "n1#1 Some(\"Read\") tool read-notes 1",
            "n1#1 done None",
            "n2#1 None llm small 1",
            "n2#1 done Some(5)",
            "done None",
            "ended",
        ]
    );
    let recorded: Vec<_> = world.log.0.lock().unwrap().iter().map(|progress| progress.recorded).collect();
    assert_eq!(recorded, [Some(1), None, Some(4), None, Some(7), Some(7), Some(7)]);
}

fn asks_what(asks: &Asked) -> String {
    match asks {
        Asked::Tool(name) => format!("tool {name}"),
        Asked::Llm(model) => format!("llm {}", model.clone().unwrap_or_default()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_cancelled_run_stops_and_stays_so() {
    let tools = Tools::default().with("read-notes", "read", |_, _| Act::Hang);
    let world = World::new(tools, &json!({}));
    let hangs = flow(
        &[("read-notes", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "null" },
        }),
    );
    let engine = world.engine();
    let id = engine.submit(submission(&hangs)).await.unwrap();
    let driving = tokio::spawn({
        let (engine, id) = (engine.clone(), id.clone());
        async move { engine.drive(&id).await }
    });
    while world.tools.calls("read-notes") == 0 {
        tokio::task::yield_now().await;
    }
    engine.cancel(&id, &Actor("operator:ann".to_owned()), "enough").await.unwrap();
    let end = RunEnd::Cancelled { reason: "operator:ann: enough".to_owned() };
    assert_eq!(driving.await.unwrap().unwrap(), end);
    assert_eq!(world.kinds(&id).await, ["run.started", "run.cancelled"]);
    let again = world.engine().cancel(&id, &Actor("owner".to_owned()), "").await;
    assert!(matches!(again, Err(EngineError::Over { end: over, .. }) if *over == end));
    world.assert_replays(&id).await;
}

#[tokio::test]
async fn a_full_history_ends_the_run() {
    let tools = Tools::default().with("read-notes", "read", |_, _| Act::Answer(json!(1)));
    let world = World::new(tools, &json!({}));
    let mut endless = flow(
        &[("read-notes", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "into": "x", "next": "n2" },
            "n2": { "type": "decision", "when": "v['x'] == 1", "then": "n1", "else": "n3" },
            "n3": { "type": "return", "status": "completed", "value": "null" },
        }),
    );
    endless["policy"]["limits"] = json!({ "max_events": 10 });
    let (id, end) = world.run(&endless).await;
    let RunEnd::Failed { error, node: None } = end.unwrap() else { panic!() };
    assert_eq!(error.code, "limit_events");
    // The answer that was paid for, and the end, are recorded beyond the limit.
    assert_eq!(world.kinds(&id).await.len(), 12);
    world.assert_replays(&id).await;
}

#[tokio::test]
async fn replay_can_stop_on_the_way() {
    let tools = Tools::default().with("read-notes", "read", |_, _| Act::Answer(json!(1)));
    let world = World::new(tools, &json!({}));
    let reads = flow(
        &[("read-notes", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "into": "x", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['x']" },
        }),
    );
    let (id, _) = world.run(&reads).await;
    let report = world.engine().replay(&id, Some(2)).await.unwrap();
    assert_eq!(report.verdict, Verdict::Stopped);
    assert_eq!(report.position.unwrap().variables["x"], Value::Null);
}

#[tokio::test]
async fn a_run_costs_one_commit_to_accept_and_no_look_back_to_drive() {
    let tools = Tools::default().with("read-notes", "read", |_, _| Act::Answer(json!(1)));
    let world = World::new(tools, &json!({}));
    let disk = Arc::new(Disk::new(world.store.clone()));
    let engine = world.engine_on(disk.clone());
    let reads = flow(
        &[("read-notes", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "into": "x", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['x']" },
        }),
    );
    let mut before = 0;
    for time in ["new", "known"] {
        let id = engine.submit(submission(&reads)).await.unwrap();
        assert_eq!(disk.commits() - before, 1, "a flow that is {time}");
        assert_eq!(engine.drive(&id).await.unwrap(), RunEnd::Completed { result: 1_i64.into() });
        assert_eq!(disk.commits() - before, 2);
        before = disk.commits();
    }
    assert_eq!(disk.histories(), 0);
}

#[tokio::test]
async fn the_deepest_schema_of_an_answer_is_read_back_from_the_history() {
    let world = World::new(Tools::default(), &json!({ "default": { "answer": 7 } }));
    let levels = bloom_ir::schema::MAX_SCHEMA_DEPTH - 1;
    let schema = (1..levels).fold(json!({}), |inner, _| json!({ "not": inner }));
    let asks = flow(
        &[],
        &json!({
            "n1": { "type": "llm_call", "prompt": [{ "text": "?" }], "into": "n", "output": schema, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['n']" },
        }),
    );
    let (id, end) = world.run(&asks).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    world.assert_replays(&id).await;
}
