//! Forks: runs that share the first events of another one.

use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::effect::EffectError;
use bloom_interpreter::history::{Chain, Event, Payload};
use bloom_interpreter::replay::Verdict;
use bloom_ir::Value;
use bloom_runtime::engine::{Driven, Engine, EngineError, Fork, RunEnd};
use bloom_runtime::record::{Origin, Question, QuestionStatus, RunId, RunRecord, RunStatus};
use bloom_runtime::store::{QuestionFilter, RunFilter};
use serde_json::{Value as Json, json};

use crate::crash::{all_effects, asked, driven, world};
use crate::disk::{Crash, Disk};
use crate::wait::{calling, keep, owner};
use crate::world::{Act, Tools, World, flow, submission};

fn fork(run: &RunId, at: u64) -> Fork {
    Fork { run: run.clone(), at, ir: None, by: owner(), setting: Value::Null }
}

/// A fork that pins another program.
fn fork_by(run: &RunId, at: u64, other: &Json) -> Fork {
    Fork { ir: Some(submission(other).ir), ..fork(run, at) }
}

async fn history(world: &World, run: &RunId) -> Vec<Event> {
    world.store.history(run, 1, 10_000).await.unwrap()
}

async fn all_runs(world: &World) -> Vec<RunRecord> {
    world.store.runs(&RunFilter { limit: 100, ..RunFilter::default() }).await.unwrap()
}

/// The history of a fork begins with that of its origin, says where it left it, and is whole.
async fn assert_shares(world: &World, fork: &RunId, origin: &RunId, at: u64) {
    let (own, shared) = (history(world, fork).await, history(world, origin).await);
    let count = usize::try_from(at).unwrap();
    assert_eq!(own[..count], shared[..count]);
    let Some(Payload::RunForked(forked)) = &own[count].payload else { panic!("{:?}", own[count]) };
    assert_eq!((forked.run.as_str(), forked.origin.as_str(), forked.at), (fork.as_str(), origin.as_str(), at));
    let record = world.store.run(fork).await.unwrap().unwrap();
    assert_eq!(record.origin, Some(Origin { run: origin.clone(), at }));
    assert_eq!(Chain::verify(&own).unwrap().head(), record.history_head);
}

#[tokio::test]
async fn a_fork_at_any_event_goes_on_from_there_under_its_own_id() {
    let world = world();
    let (origin, end) = world.run(&all_effects("fail")).await;
    let end = end.unwrap();
    let events = history(&world, &origin).await;
    let before = history(&world, &origin).await;
    for at in 1..events.len() as u64 {
        let engine = world.engine();
        let id = engine.fork(fork(&origin, at)).await.unwrap();
        assert_eq!(world.drive(&engine, &id).await.unwrap(), end, "at {at}");
        assert_shares(&world, &id, &origin, at).await;
        world.assert_replays(&id).await;
        let answered = |effect: &str| {
            events[..usize::try_from(at).unwrap()].iter().any(|event| {
                matches!(&event.payload, Some(Payload::EffectCompleted { effect: other, .. }) if other.as_str() == effect)
            })
        };
        let asked = asked(&world);
        for effect in ["n1#1", "n2#1", "n3#1", "n4#1", "n7#1"] {
            let calls = asked.get(&format!("{id}/{effect}")).copied().unwrap_or_default();
            assert_eq!(calls, usize::from(!answered(effect)), "at {at}: {effect}");
        }
        let record = world.store.run(&id).await.unwrap().unwrap();
        assert_eq!(record.tokens, if answered("n2#1") { 0 } else { 12 }, "at {at}");
    }
    assert_eq!(history(&world, &origin).await, before, "the origin is as it was");
    let log = world.store.audit(1..=10_000).await.unwrap();
    assert!(log.iter().any(|entry| entry.note.action == "run_forked"));
}

#[tokio::test]
async fn there_is_no_fork_before_the_start_at_the_end_or_beyond_it() {
    let world = world();
    let (origin, _) = world.run(&all_effects("fail")).await;
    let events = history(&world, &origin).await.len() as u64;
    for at in [0, events, events + 1, u64::MAX] {
        let refused = world.engine().fork(fork(&origin, at)).await.unwrap_err();
        assert!(matches!(refused, EngineError::ForkPoint { most, .. } if most == events - 1), "{at}: {refused}");
    }
    let missing = world.engine().fork(fork(&RunId::new("nobody"), 1)).await.unwrap_err();
    assert!(missing.to_string().contains("nobody"), "{missing}");
}

#[tokio::test]
async fn a_fork_survives_a_crash_at_every_commit() {
    for crash in [Crash::Before, Crash::After] {
        // Where an LLM has been asked and a tool, the first without an answer.
        for at in [4, 7] {
            for survives in 0.. {
                assert!(survives < 100, "the run never comes to its end");
                let world = world();
                let (origin, end) = world.run(&all_effects("retry")).await;
                let disk = Arc::new(Disk::crashing(world.store.clone(), survives, crash));
                let engine = world.engine_on(disk.clone());
                let first = match engine.fork(fork(&origin, at)).await {
                    Ok(id) => driven(&world, &engine, &id).await,
                    Err(error) => Err(error),
                };
                disk.settle().await;
                let forks: Vec<_> = all_runs(&world).await.into_iter().filter(|run| run.origin.is_some()).collect();
                if let Some(run) = forks.first() {
                    let end = end.as_ref().unwrap();
                    assert_eq!(driven(&world, &world.engine(), &run.id).await.unwrap(), *end);
                    assert_shares(&world, &run.id, &origin, at).await;
                    world.assert_replays(&run.id).await;
                } else {
                    assert!(first.is_err(), "the fork was acknowledged and is not there");
                }
                if first.is_ok() {
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_failed_run_is_repaired_by_a_fork_with_another_program() {
    let tools = Tools::default().with("read-notes", "read", |_, _| Act::Answer(json!(["garden"]))).with(
        "send",
        "operational",
        |_, _| Act::Fail(EffectError::new("no_route", "nobody there")),
    );
    let world = World::new(tools, &json!({}));
    let program = |third: &Json| {
        let nodes = json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": { "folder": "input.folder" }, "into": "notes", "next": "n2" },
            "n2": third,
            "n3": { "type": "return", "status": "completed", "value": "[run.id, v['notes'][0]]" },
        });
        flow(&[("read-notes", "read"), ("send", "operational")], &nodes)
    };
    let broken = program(&json!({ "type": "action", "op": "tool", "tool": "send", "args": {}, "next": "n3" }));
    let mended = program(&json!({ "type": "action", "op": "set", "into": "x", "value": "1", "next": "n3" }));
    let (origin, end) = world.run(&broken).await;
    assert!(matches!(end.unwrap(), RunEnd::Failed { .. }));

    let engine = world.engine();
    let late = engine.fork(fork_by(&origin, 4, &mended)).await.unwrap_err();
    let EngineError::ForkDiffers { at: 4, verdict, .. } = late else { panic!("{late}") };
    assert!(matches!(*verdict, Verdict::Diverged(divergence) if divergence.seq == 4));

    let id = engine.fork(fork_by(&origin, 3, &mended)).await.unwrap();
    let RunEnd::Completed { result } = engine.drive(&id).await.unwrap() else { panic!() };
    assert_eq!(result, json!([origin.as_str(), "garden"]).into(), "expressions go on seeing the id of the start");
    assert_eq!(world.tools.calls("read-notes"), 1);
    assert_shares(&world, &id, &origin, 3).await;
    world.assert_replays(&id).await;

    // A fork of the fork shares the start, the first fork, and its program.
    let again = engine.fork(fork(&id, 4)).await.unwrap();
    assert!(matches!(engine.drive(&again).await.unwrap(), RunEnd::Completed { .. }));
    assert_shares(&world, &again, &id, 4).await;
    world.assert_replays(&again).await;
    let back = engine.fork(fork_by(&id, 4, &broken)).await.unwrap();
    assert!(matches!(engine.drive(&back).await.unwrap(), RunEnd::Failed { .. }));
    world.assert_replays(&back).await;
}

fn asking() -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "await", "signal": "go", "into": "go", "next": "n2" },
            "n2": { "type": "action", "op": "await", "ask": {
                "title": [{ "text": "Approve?" }], "text": [{ "text": "" }], "schema": { "type": "boolean" }
            }, "into": "yes", "next": "n3" },
            "n3": { "type": "return", "status": "completed", "value": "[v['go'], v['yes']]" },
        }),
    )
}

async fn question(world: &World, run: &RunId) -> Question {
    let filter = QuestionFilter { run: Some(run.clone()), open: true, limit: 10 };
    world.store.questions(&filter).await.unwrap().pop().unwrap()
}

async fn rests(engine: &Arc<Engine>, run: &RunId) {
    assert!(matches!(engine.drive_until_it_waits(run, Duration::ZERO).await.unwrap(), Driven::Waits(_)));
}

#[tokio::test(start_paused = true)]
async fn a_fork_of_a_waiting_run_asks_for_itself() {
    let world = World::new(Tools::default(), &json!({})).in_time();
    let engine = world.engine();
    let origin = engine.submit(submission(&asking())).await.unwrap();
    rests(&engine, &origin).await;
    engine.signal(&origin, "go", Value::Int(7), &owner()).await.unwrap();
    // Three events: the start, the request, and the signal that nobody has taken.
    rests(&engine, &origin).await;
    let with_signal = engine.fork(fork(&origin, 3)).await.unwrap();
    rests(&engine, &with_signal).await;
    let last = world.store.run(&origin).await.unwrap().unwrap().events;
    let at_rest = engine.fork(fork(&origin, last)).await.unwrap();
    assert!(world.store.run(&at_rest).await.unwrap().unwrap().waiting);

    let questions = [&origin, &with_signal, &at_rest].map(|run| question(&world, run));
    let questions = futures::future::join_all(questions).await;
    engine.cancel(&origin, &owner(), "").await.unwrap();
    for (run, asked) in [(&with_signal, &questions[1]), (&at_rest, &questions[2])] {
        // By another process.
        let engine = world.engine();
        engine.answer(&asked.id, Value::Bool(true), &owner()).await.unwrap();
        assert_eq!(engine.drive(run).await.unwrap(), RunEnd::Completed { result: json!([7, true]).into() });
        world.assert_replays(run).await;
    }
    assert_eq!(world.store.question(&questions[0].id).await.unwrap().unwrap().status, QuestionStatus::Closed);

    // What was cancelled goes on as another run.
    let events = world.store.run(&origin).await.unwrap().unwrap().events;
    let revived = engine.fork(fork(&origin, events - 1)).await.unwrap();
    let asked = question(&world, &revived).await;
    engine.answer(&asked.id, Value::Bool(false), &owner()).await.unwrap();
    assert_eq!(engine.drive(&revived).await.unwrap(), RunEnd::Completed { result: json!([7, false]).into() });
}

#[tokio::test(start_paused = true)]
async fn a_fork_starts_children_of_its_own_and_is_no_child() {
    let world = World::new(Tools::default(), &json!({})).in_time();
    let engine = world.engine();
    let hash = keep(&world, &asking()).await;
    let origin = engine.submit(submission(&calling(&hash, true))).await.unwrap();
    rests(&engine, &origin).await;
    let child_of = |run: RunId| {
        let world = &world;
        async move {
            all_runs(world)
                .await
                .into_iter()
                .find(|other| other.parent.as_ref().is_some_and(|parent| parent.run == run))
                .unwrap()
                .id
        }
    };
    let id = engine.fork(fork(&origin, 2)).await.unwrap();
    rests(&engine, &id).await;
    let (first, second) = (child_of(origin.clone()).await, child_of(id.clone()).await);
    assert_ne!(first, second);
    engine.cancel(&id, &owner(), "").await.unwrap();
    assert_eq!(world.store.run(&second).await.unwrap().unwrap().status, RunStatus::Cancelled);
    assert_eq!(world.store.run(&first).await.unwrap().unwrap().status, RunStatus::Running);

    let alone = engine.fork(fork(&first, 2)).await.unwrap();
    rests(&engine, &alone).await;
    assert_eq!(world.store.run(&alone).await.unwrap().unwrap().parent, None);
}

#[tokio::test]
async fn a_fork_between_branches_asks_again_for_those_without_an_answer() {
    let tools = Tools::default().with("send", "operational", |call, _| Act::Answer(call.request.args.to_json()));
    let world = World::new(tools, &json!({}));
    let send = |arg: &str, into: &str| json!({ "type": "action", "op": "tool", "tool": "send", "args": { "x": arg }, "into": into, "next": "n5" });
    let branch = |entry: &str, write: &str| json!({ "name": entry, "entry": entry, "writes": [write] });
    let both = flow(
        &[("send", "operational")],
        &json!({
            "n1": { "type": "action", "op": "fork", "branches": [branch("n2", "a"), branch("n3", "b"), branch("n4", "c")], "join": "n5" },
            "n2": send("1", "a"), "n3": send("2", "b"), "n4": send("3", "c"),
            "n5": { "type": "action", "op": "join", "fork": "n1", "next": "n6" },
            "n6": { "type": "return", "status": "completed", "value": "[v['a'].x, v['b'].x, v['c'].x]" },
        }),
    );
    let (origin, end) = world.run(&both).await;
    let end = end.unwrap();
    assert_eq!(end, RunEnd::Completed { result: json!([1, 2, 3]).into() });
    let events = history(&world, &origin).await;
    for at in 1..events.len() as u64 {
        let engine = world.engine();
        let id = engine.fork(fork(&origin, at)).await.unwrap();
        assert_eq!(engine.drive(&id).await.unwrap(), end, "at {at}");
        world.assert_replays(&id).await;
        let answered = events[..usize::try_from(at).unwrap()].iter();
        let answered = answered.filter(|event| matches!(event.payload, Some(Payload::EffectCompleted { .. }))).count();
        let calls = world.tools.calls_by_key().into_keys().filter(|key| key.starts_with(id.as_str())).count();
        assert_eq!(calls, 3 - answered, "at {at}");
    }
}
