//! What LLMs would be asked, a person is.

use std::sync::Arc;
use std::time::Duration;

use bloom_ir::Value;
use bloom_runtime::engine::{Driven, Engine, EngineConfig, EngineError, RunEnd};
use bloom_runtime::record::{Question, QuestionStatus, RunId, RunStatus, TaskStatus};
use bloom_runtime::store::QuestionFilter;
use serde_json::{Value as Json, json};

use crate::wait::{drive_a_little, owner, waits};
use crate::world::{Tools, World, flow, submission};

/// Asks for a number; more than the flow may spend, and with less time than a person takes.
fn asking() -> Json {
    let mut flow = flow(
        &[],
        &json!({
            "n1": { "type": "llm_call", "system": [{ "text": "You count." }], "memory": ["'Remember two.'"],
                    "prompt": [{ "text": "How many?\nIn " }, { "expr": "input.folder" }], "into": "n", "next": "n2",
                    "max_tokens": 500, "timeout_seconds": 1, "output": { "type": "integer" } },
            "n2": { "type": "return", "status": "completed", "value": "v['n']" },
        }),
    );
    flow["policy"]["limits"] = json!({ "max_tokens": 10, "timeout_seconds": 1, "node_timeout_seconds": 1 });
    flow
}

fn world() -> World {
    World::new(Tools::default(), &json!({})).in_time()
}

fn by_person(world: &World) -> Arc<Engine> {
    world.engine_with(EngineConfig { llm_by_person: true, ..EngineConfig::default() })
}

async fn questions(world: &World, run: &RunId) -> Vec<Question> {
    world.store.questions(&QuestionFilter { run: Some(run.clone()), open: false, limit: 10 }).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_person_is_asked_in_place_of_an_llm_and_has_all_the_time_there_is() {
    let world = world();
    let engine = by_person(&world);
    let run = engine.submit(submission(&asking())).await.unwrap();
    assert_eq!(waits(drive_a_little(&engine, &run).await), ["Person(\"How many?\") false"]);
    let record = world.store.run(&run).await.unwrap().unwrap();
    assert!(record.waiting && record.status == RunStatus::Running, "nobody has to drive it");
    assert!(world.store.tasks(&run).await.unwrap().is_empty(), "no worker is to answer");
    let question = questions(&world, &run).await.pop().unwrap();
    assert_eq!(question.asked.text, "You count.\n\nRemember two.\n\nHow many?\nIn notes");
    assert_eq!(question.asked.schema, json!({ "type": "integer" }));

    // After a restart it is the same question, and it still is not too late.
    tokio::time::advance(Duration::from_hours(50)).await;
    let engine = by_person(&world);
    assert_eq!(waits(drive_a_little(&engine, &run).await), ["Person(\"How many?\") false"]);
    let refused = engine.answer(&question.id, "many".into(), &owner()).await.unwrap_err();
    assert!(matches!(refused, EngineError::Payload { .. }), "{refused}");
    engine.answer(&question.id, Value::Int(7), &owner()).await.unwrap();
    assert_eq!(engine.drive(&run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    let asked = questions(&world, &run).await;
    assert_eq!((asked.len(), asked[0].answered_by.clone()), (1, Some(owner())));
    assert_eq!(world.store.run(&run).await.unwrap().unwrap().tokens, 0);
    assert_eq!(world.kinds(&run).await, ["run.started", "effect.requested", "effect.completed", "run.completed"]);
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_worker_was_to_answer_a_person_is_asked_when_the_operator_wants_that() {
    let world = world();
    let mut flow = asking();
    flow["policy"]["limits"] = json!({});
    let run = world.engine().submit(submission(&flow)).await.unwrap();
    assert_eq!(world.store.tasks(&run).await.unwrap()[0].status, TaskStatus::Queued);
    let engine = by_person(&world);
    assert_eq!(waits(drive_a_little(&engine, &run).await), ["Person(\"How many?\") false"]);
    let question = questions(&world, &run).await.pop().unwrap();
    engine.answer(&question.id, Value::Int(7), &owner()).await.unwrap();
    assert_eq!(engine.drive(&run).await.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    assert_eq!(world.store.tasks(&run).await.unwrap()[0].status, TaskStatus::Failed, "nobody needs it any more");
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn who_answers_first_has_answered_and_a_run_that_is_stopped_asks_nobody() {
    let world = world();
    let mut flow = asking();
    flow["policy"]["limits"] = json!({});
    let run = world.engine().submit(submission(&flow)).await.unwrap();
    assert!(matches!(drive_a_little(&by_person(&world), &run).await, Driven::Waits(_)));
    // A worker had it all the same.
    world.llm.replace(&json!({ "default": { "answer": 5 } }));
    let engine = world.engine();
    let worker = world.worker(&engine);
    assert_eq!(engine.drive(&run).await.unwrap(), RunEnd::Completed { result: 5_i64.into() });
    worker.stop().await;
    assert_eq!(questions(&world, &run).await[0].status, QuestionStatus::Closed);

    let engine = by_person(&world);
    let run = engine.submit(submission(&flow)).await.unwrap();
    drive_a_little(&engine, &run).await;
    engine.cancel(&run, &owner(), "enough").await.unwrap();
    let question = questions(&world, &run).await.pop().unwrap();
    assert_eq!(question.status, QuestionStatus::Closed);
    let late = engine.answer(&question.id, Value::Int(7), &owner()).await.unwrap_err();
    assert!(matches!(late, EngineError::QuestionClosed { .. }), "{late}");
}
