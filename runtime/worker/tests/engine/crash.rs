//! A crash at any commit: the run goes on from what is recorded, and asks for nothing twice that has its answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::effect::EffectCall;
use bloom_interpreter::history::Payload;
use bloom_ir::Value;
use bloom_runtime::engine::{Engine, EngineError, RunEnd};
use bloom_runtime::record::{RunId, RunStatus, TaskStatus};
use bloom_runtime::store::{ProposalFilter, RunFilter};
use serde_json::{Value as Json, json};

use crate::disk::{Crash, Disk};
use crate::world::{Act, Tools, World, flow, submission};

/// A read tool, an LLM, an operational tool, a propose tool with its proposal, an artifact, an LLM.
pub(crate) fn all_effects(on_unknown: &str) -> Json {
    flow(
        &[("read-notes", "read"), ("send", "operational"), ("create-proposal", "propose")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "read-notes", "args": { "folder": "input.folder" }, "into": "notes", "next": "n2" },
            "n2": { "type": "llm_call", "prompt": [{ "text": "Summarise " }, { "expr": "v['notes'][0]" }], "into": "summary",
                    "output": { "type": "object", "required": ["text"] }, "next": "n3" },
            "n3": { "type": "action", "op": "tool", "tool": "send", "args": { "text": "v['summary'].text" }, "into": "sent",
                    "on_unknown": on_unknown, "next": "n4", "on_error": { "to": "n9", "into": "sent" } },
            "n9": { "type": "action", "op": "set", "into": "sent", "value": "v['sent'].code", "next": "n4" },
            "n4": { "type": "action", "op": "tool", "tool": "create-proposal", "args": { "text": "v['summary'].text" }, "into": "proposal", "next": "n5" },
            "n5": { "type": "emit", "kind": "proposal", "name": "summary", "action": "propose-summary", "value": "v['proposal']", "next": "n6" },
            "n6": { "type": "emit", "kind": "artifact", "name": "report", "value": "v['summary'].text", "next": "n7" },
            "n7": { "type": "llm_call", "prompt": [{ "text": "Tag " }, { "expr": "v['summary'].text" }], "into": "tags",
                    "output": { "type": "array" }, "next": "n8" },
            "n8": { "type": "return", "status": "completed", "value": "{'sent': v['sent'], 'tags': v['tags']}" }
        }),
    )
}

pub(crate) fn world() -> World {
    let tools = Tools::default()
        .with("read-notes", "read", |_, _| Act::Answer(json!(["garden"])))
        .with("send", "operational", |_, _| Act::Answer(json!("ok")))
        .with("create-proposal", "propose", |call, _| {
            Act::Answer(json!({ "target": { "path": "notes/garden" }, "content": call.request.args.to_json() }))
        });
    World::new(
        tools,
        &json!({ "answers": [
            { "prompt_contains": "Summarise garden", "answer": { "text": "roses" }, "usage": { "input_tokens": 10, "output_tokens": 2 } },
            { "prompt_contains": "Tag roses", "answer": ["flower"] },
        ] }),
    )
}

/// Effects that have their outcome.
async fn settled(world: &World, run: &RunId) -> Vec<String> {
    let events = world.events(run).await;
    let settled = events.iter().filter_map(|payload| match payload {
        Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. } => {
            Some(format!("{run}/{effect}"))
        }
        _ => None,
    });
    settled.collect()
}

pub(crate) fn asked(world: &World) -> BTreeMap<String, usize> {
    world.tools.calls_by_key().into_iter().chain(world.llm.asked_by_key()).collect()
}

/// Drives a run with a worker beside it. Whatever fails on the way, that comes to an end.
pub(crate) async fn driven(world: &World, engine: &Arc<Engine>, run: &RunId) -> Result<RunEnd, EngineError> {
    let driving = world.drive(engine, run);
    tokio::time::timeout(Duration::from_mins(5), driving).await.expect("the run neither ends nor fails")
}

/// Runs until the disk crashes, then goes on with a disk that is whole. The number of commits, if there was no crash.
async fn crash_and_resume(on_unknown: &str, survives: usize, crash: Crash) -> Option<usize> {
    let world = world();
    let disk = Arc::new(Disk::crashing(world.store.clone(), survives, crash));
    let engine = world.engine_on(disk.clone());
    let first = match engine.submit(submission(&all_effects(on_unknown))).await {
        Ok(id) => driven(&world, &engine, &id).await,
        Err(error) => Err(error),
    };
    disk.settle().await;
    let place = format!("{crash:?} commit {survives}, on_unknown {on_unknown}");
    let runs = world.store.runs(&RunFilter { limit: 10, ..RunFilter::default() }).await.unwrap();
    let Some(run) = runs.first().map(|run| run.id.clone()) else {
        assert!(first.is_err(), "{place}: the run was acknowledged and is not there");
        return None;
    };
    let before = asked(&world);
    let done = settled(&world, &run).await;
    let crashed = first.is_err();

    let end = driven(&world, &world.engine(), &run).await.unwrap_or_else(|error| panic!("{place}: {error}"));
    let after = asked(&world);
    for key in &done {
        assert_eq!(before.get(key), after.get(key), "{place}: {key} was asked for again");
    }
    let events = world.events(&run).await;
    let lost_send = events
        .iter()
        .any(|payload| matches!(payload, Payload::EffectFailed { error, .. } if error.code == "outcome_unknown"));
    let sent = if lost_send { "outcome_unknown" } else { "ok" };
    let expected: Value = json!({ "sent": sent, "tags": ["flower"] }).into();
    assert_eq!(end, RunEnd::Completed { result: expected }, "{place}");
    if on_unknown == "retry" {
        assert!(!lost_send, "{place}");
    } else {
        let calls = after.get(&format!("{run}/n3#1")).copied().unwrap_or_default();
        assert!(calls <= 1, "{place}: an outcome was unknown, and the tool was called again");
        assert!(lost_send || calls == 1, "{place}");
    }
    world.assert_replays(&run).await;
    whole(&world, &run, &place).await;
    (!crashed).then(|| disk.commits())
}

/// Whatever happened, the records agree with one another.
async fn whole(world: &World, run: &RunId, place: &str) {
    let record = world.store.run(run).await.unwrap().unwrap();
    assert_eq!((record.status, record.tokens), (RunStatus::Completed, 12), "{place}");
    let tasks = world.store.tasks(run).await.unwrap();
    assert_eq!(tasks.len(), 2, "{place}");
    assert!(tasks.iter().all(|task| task.status == TaskStatus::Completed), "{place}");
    assert_eq!(world.store.active_leases().await.unwrap(), [], "{place}");
    let filter = ProposalFilter { run: Some(run.clone()), status: None, limit: 10 };
    let proposals = world.store.proposals(&filter).await.unwrap();
    assert_eq!(proposals.len(), 1, "{place}");
    let report = bloom_ir::Digest::of(b"roses");
    assert_eq!(world.store.blob(report).await.unwrap(), Some(b"roses".to_vec()), "{place}");
    let audit = world.store.audit(1..=1000).await.unwrap();
    let ends: Vec<_> = audit.iter().filter(|entry| entry.note.action == "run_completed").collect();
    assert_eq!(ends.len(), 1, "{place}");
    let detail = &ends[0].note.detail;
    assert_eq!(detail.get("history_head"), Some(&Value::from(record.history_head.to_string())), "{place}");
    assert_eq!(detail.get("proposals"), Some(&json!([proposals[0].id]).into()), "{place}");
    assert_eq!(detail.get("artifacts"), Some(&json!([report]).into()), "{place}");
}

#[tokio::test]
async fn a_run_survives_a_crash_at_every_commit() {
    for on_unknown in ["fail", "retry"] {
        for crash in [Crash::Before, Crash::After] {
            let mut crashes = 0;
            for survives in 1..100 {
                if let Some(commits) = crash_and_resume(on_unknown, survives, crash).await {
                    assert!(commits >= 10, "{commits} commits");
                    break;
                }
                crashes += 1;
            }
            assert!((10..99).contains(&crashes), "{crashes} crashes");
        }
    }
}

#[tokio::test]
async fn an_operational_request_is_recorded_before_the_call_and_a_reading_one_with_its_answer() {
    let world = world();
    let disk = Arc::new(Disk::new(world.store.clone()));
    let engine = world.engine_on(disk.clone());
    let id = engine.submit(submission(&all_effects("fail"))).await.unwrap();
    world.drive(&engine, &id).await.unwrap();
    assert_eq!(
        world.kinds(&id).await,
        [
            "run.started",
            "effect.requested",
            "effect.completed",
            "effect.requested",
            "effect.completed",
            "effect.requested",
            "effect.completed",
            "effect.requested",
            "effect.completed",
            "emitted",
            "emitted",
            "effect.requested",
            "effect.completed",
            "run.completed",
        ]
    );
    // The time of a commit is that of its events.
    let events = world.store.history(&id, 1, 100).await.unwrap();
    let together = |one: usize, two: usize| events[one].at == events[two].at;
    assert!(together(1, 2) && together(2, 3), "a reading tool's request, its answer and the next request");
    assert!(
        !together(3, 4) && !together(5, 6),
        "a question to an LLM and an operational request come before their answers"
    );
    assert!(together(4, 5) && together(7, 8) && together(8, 11) && together(12, 13));
    let Payload::EffectRequested { call: EffectCall::Tool(call), .. } = events[5].payload.clone().unwrap() else {
        panic!()
    };
    assert_eq!(call.tool, "send");
}

#[tokio::test]
async fn a_run_that_is_over_gives_its_end_again() {
    let world = world();
    let (id, end) = world.run(&all_effects("fail")).await;
    let calls = asked(&world);
    assert_eq!(world.engine().drive(&id).await.unwrap(), end.unwrap());
    assert_eq!(asked(&world), calls);
    let missing = world.engine().drive(&RunId::new("none")).await;
    assert!(matches!(missing, Err(EngineError::Store(_))), "{missing:?}");
}
