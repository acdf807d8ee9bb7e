//! A person is asked whether an operational tool did its work, when a crash left that unknown.

use std::sync::Arc;
use std::time::Duration;

use bloom_ir::Value;
use bloom_runtime::engine::{Driven, Engine, EngineError, RunEnd};
use bloom_runtime::record::{Actor, Question, QuestionStatus, RunId, RunStatus};
use bloom_runtime::store::{QuestionFilter, RunFilter};
use serde_json::{Value as Json, json};

use crate::disk::{Crash, Disk};
use crate::world::{Act, Tools, World, flow, submission};

fn sends() -> Json {
    flow(
        &[("send", "operational")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "send", "args": { "to": "'you'" }, "into": "x",
                    "on_unknown": "ask", "timeout_seconds": 5, "next": "n2", "on_error": { "to": "n3", "into": "e" } },
            "n2": { "type": "return", "status": "completed", "value": "v['x']" },
            "n3": { "type": "return", "status": "completed", "value": "v['e'].code" },
        }),
    )
}

/// The first call hangs, the others answer.
fn world() -> World {
    let tools = Tools::default().with("send", "operational", |_, before| match before {
        0 => Act::Hang,
        calls => Act::Answer(json!(format!("sent by call {}", calls + 1))),
    });
    World::new(tools, &json!({})).in_time()
}

async fn questions(world: &World, run: &RunId) -> Vec<Question> {
    let filter = QuestionFilter { run: Some(run.clone()), open: true, limit: 10 };
    world.store.questions(&filter).await.unwrap()
}

async fn drive_a_little(engine: &Arc<Engine>, run: &RunId) -> Driven {
    engine.drive_until_it_waits(run, Duration::ZERO).await.unwrap()
}

/// A run whose process was gone while the tool was called, and the question that another process asks.
async fn asked(world: &World) -> (RunId, Question) {
    let engine = world.engine();
    let run = engine.submit(submission(&sends())).await.unwrap();
    let broken_off = tokio::time::timeout(Duration::from_secs(1), engine.drive(&run)).await;
    assert!(broken_off.is_err() && world.tools.calls("send") == 1);
    drop(engine);
    let Driven::Waits(waits) = drive_a_little(&world.engine(), &run).await else { panic!() };
    assert_eq!(format!("{:?}", waits[0].effect.asks), "Person(\"Did `send` do its work?\")");
    let question = questions(world, &run).await.pop().unwrap();
    assert!(question.asked.text.contains("{\"to\":\"you\"}"), "{}", question.asked.text);
    let record = world.store.run(&run).await.unwrap().unwrap();
    assert!(record.waiting && record.status == RunStatus::Running);
    (run, question)
}

fn owner() -> Actor {
    Actor("owner".to_owned())
}

#[tokio::test(start_paused = true)]
async fn what_a_person_says_becomes_the_outcome() {
    for (answer, expected, calls) in [
        (json!({ "outcome": "done", "result": "sent before" }), "sent before", 1),
        (json!({ "outcome": "not_done" }), "sent by call 2", 2),
        (json!({ "outcome": "failed" }), "outcome_unknown", 1),
    ] {
        let world = world();
        let (run, question) = asked(&world).await;
        // It waits also in a further process, and asks no second time.
        assert!(matches!(drive_a_little(&world.engine(), &run).await, Driven::Waits(_)));
        assert_eq!(questions(&world, &run).await.len(), 1);
        let engine = world.engine();
        let refused = engine.answer(&question.id, json!({ "outcome": "perhaps" }).into(), &owner()).await.unwrap_err();
        assert!(matches!(refused, EngineError::Payload { .. }), "{refused}");
        let answered = engine.answer(&question.id, answer.into(), &owner()).await.unwrap();
        assert_eq!(answered.status, QuestionStatus::Answered);
        // By yet another process.
        let end = world.engine().drive(&run).await.unwrap();
        assert_eq!(end, RunEnd::Completed { result: expected.into() });
        assert_eq!(world.tools.calls("send"), calls);
        let audit = world.store.audit(1..=100).await.unwrap();
        assert!(audit.iter().any(|entry| entry.note.action == "question_answered"));
        world.assert_replays(&run).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_hangs_is_asked_about_while_the_run_is_driven() {
    let world = world();
    let engine = world.engine();
    let run = engine.submit(submission(&sends())).await.unwrap();
    let driving = tokio::spawn({
        let (engine, run) = (engine.clone(), run.clone());
        async move { engine.drive(&run).await }
    });
    let asked = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Some(question) = questions(&world, &run).await.pop() {
                break question;
            }
        }
    };
    let question = tokio::time::timeout(Duration::from_hours(24), asked).await.expect("nobody is asked");
    engine.answer(&question.id, json!({ "outcome": "not_done" }).into(), &owner()).await.unwrap();
    assert_eq!(driving.await.unwrap().unwrap(), RunEnd::Completed { result: "sent by call 2".into() });
    assert_eq!(
        world.kinds(&run).await,
        ["run.started", "effect.requested", "effect.attempted", "effect.completed", "run.completed"]
    );
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_crash_asks_again_about_the_same_call() {
    let tools = Tools::default().with("send", "operational", |_, _| Act::Hang);
    let world = World::new(tools, &json!({})).in_time();
    let (run, first) = asked(&world).await;
    world.engine().answer(&first.id, json!({ "outcome": "not_done" }).into(), &owner()).await.unwrap();
    let engine = world.engine();
    let broken_off = tokio::time::timeout(Duration::from_secs(1), engine.drive(&run)).await;
    assert!(broken_off.is_err() && world.tools.calls("send") == 2);
    assert!(matches!(drive_a_little(&world.engine(), &run).await, Driven::Waits(_)));
    let again = questions(&world, &run).await.pop().unwrap();
    assert_eq!((again.id.clone(), again.answer.clone()), (first.id, None));
    world.engine().answer(&again.id, json!({ "outcome": "done", "result": 1 }).into(), &owner()).await.unwrap();
    assert_eq!(world.engine().drive(&run).await.unwrap(), RunEnd::Completed { result: 1_i64.into() });
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn a_crash_at_every_commit_calls_the_tool_no_second_time_unasked() {
    for crash in [Crash::Before, Crash::After] {
        for survives in 1.. {
            assert!(survives < 100, "the run never comes to its end");
            let tools = Tools::default().with("send", "operational", |_, _| Act::Answer(json!("sent")));
            let world = World::new(tools, &json!({}));
            let disk = Arc::new(Disk::crashing(world.store.clone(), survives, crash));
            let engine = world.engine_on(disk.clone());
            let first = match engine.submit(submission(&sends())).await {
                Ok(run) => engine.drive(&run).await,
                Err(error) => Err(error),
            };
            disk.settle().await;
            let runs = world.store.runs(&RunFilter { limit: 1, ..RunFilter::default() }).await.unwrap();
            let Some(run) = runs.first().map(|run| run.id.clone()) else { continue };
            let place = format!("{crash:?} commit {survives}");
            let engine = world.engine();
            let end = match drive_a_little(&engine, &run).await {
                Driven::Ended(end) => end,
                Driven::Waits(_) => {
                    let question = questions(&world, &run).await.pop().expect("somebody is asked");
                    let answer: Value = json!({ "outcome": "done", "result": "sent" }).into();
                    engine.answer(&question.id, answer, &owner()).await.unwrap();
                    engine.drive(&run).await.unwrap()
                }
            };
            assert_eq!(end, RunEnd::Completed { result: "sent".into() }, "{place}");
            assert!(world.tools.calls("send") <= 1, "{place}");
            world.assert_replays(&run).await;
            if first.is_ok() {
                break;
            }
        }
    }
}
