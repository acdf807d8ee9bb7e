//! Runs that wait for their turn: who begins when, also after a crash.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bloom_ir::Value;
use bloom_runtime::engine::{Admission, Engine, EngineConfig, EngineError, Fork, RunEnd, Share};
use bloom_runtime::record::{RunId, RunRecord, RunStatus};
use bloom_runtime::store::{RunFilter, StoreError};
use serde_json::{Value as Json, json};

use crate::disk::{Crash, Disk};
use crate::wait::{calling, keep, owner};
use crate::world::{Act, Tools, World, flow, submission};

fn reads(id: &str) -> Json {
    let mut reads = flow(
        &[("t", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "t", "args": {}, "into": "x", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['x']" },
        }),
    );
    reads["flow"]["id"] = id.into();
    reads
}

fn awaits(id: &str) -> Json {
    let mut awaits = flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "await", "signal": "go", "into": "a", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "7" },
        }),
    );
    awaits["flow"]["id"] = id.into();
    awaits
}

fn world() -> World {
    let tools = Tools::default().with("t", "read", |_, _| Act::After(Duration::from_secs(20), Ok(json!(7))));
    World::new(tools, &json!({ "default": { "answer": 7 } })).in_time()
}

fn limited(at_once: u32, runs: u32, queued: u32) -> EngineConfig {
    let each_agent = Share { at_once: Some(runs), queued: Some(queued) };
    let admission = Admission { at_once: Some(at_once), each_agent, agents: BTreeMap::new() };
    EngineConfig { awaits_workers: true, admission, ..EngineConfig::default() }
}

async fn record(world: &World, run: &RunId) -> RunRecord {
    world.store.run(run).await.unwrap().unwrap()
}

async fn status(world: &World, run: &RunId) -> RunStatus {
    record(world, run).await.status
}

/// Waits until something holds; time goes by meanwhile.
async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(30), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

async fn all_ended(world: &World, runs: &[RunId]) {
    for run in runs {
        until("all end", async || status(world, run).await.is_terminal()).await;
    }
}

/// Each run ended before the next of its agent began.
async fn assert_in_turn(world: &World, runs: &[RunId]) {
    let mut before = i64::MIN;
    for run in runs {
        let run = record(world, run).await;
        assert_eq!(run.status, RunStatus::Completed, "{run:?}");
        assert!(run.started_at().unwrap() >= before, "{} began before the one before it had ended", run.id);
        before = run.updated_at;
        world.assert_replays(&run.id).await;
    }
}

#[tokio::test(start_paused = true)]
async fn runs_of_an_agent_do_their_work_one_after_the_other() {
    let world = world();
    let engine = world.engine_with(limited(10, 1, 5));
    let work = async {
        let mut runs = Vec::new();
        for _ in 0..3 {
            runs.push(engine.submit(submission(&reads("a"))).await.unwrap());
        }
        let waits = record(&world, &runs[2]).await;
        assert_eq!((waits.status, waits.events, waits.started_at()), (RunStatus::Queued, 0, None));
        assert_eq!(engine.queue_position(&runs[2]), Some(2));
        assert_eq!(engine.queue_position(&runs[0]), None);
        let other = engine.submit(submission(&reads("b"))).await.unwrap();
        assert_eq!(status(&world, &other).await, RunStatus::Running);
        all_ended(&world, &runs).await;
        assert_in_turn(&world, &runs).await;
        assert_eq!(world.kinds(&runs[2]).await[0], "run.started");
        let began = record(&world, &runs[2]).await;
        assert!(began.started_at().unwrap() - began.created_at >= 40_000, "it had to wait");
    };
    Box::pin(engine.tend(work)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_run_that_waits_for_a_signal_keeps_its_agents_place_and_gives_the_servers_away() {
    let world = world();
    let engine = world.engine_with(limited(1, 1, 5));
    let work = async {
        let first = engine.submit(submission(&awaits("a"))).await.unwrap();
        let second = engine.submit(submission(&awaits("a"))).await.unwrap();
        let other = engine.submit(submission(&reads("b"))).await.unwrap();
        all_ended(&world, std::slice::from_ref(&other)).await;
        assert_eq!(status(&world, &second).await, RunStatus::Queued);
        let refused = engine.signal(&second, "go", Value::Null, &owner()).await;
        assert!(matches!(refused, Err(EngineError::NotBegun(_))), "{refused:?}");
        engine.signal(&first, "go", Value::Null, &owner()).await.unwrap();
        until("it begins", async || record(&world, &second).await.waiting).await;
        engine.signal(&second, "go", Value::Null, &owner()).await.unwrap();
        all_ended(&world, &[first.clone(), second.clone()]).await;
        assert_in_turn(&world, &[first.clone(), second.clone()]).await;
    };
    Box::pin(engine.tend(work)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn with_a_full_queue_nothing_is_kept() {
    let world = world();
    let engine = world.engine_with(limited(10, 1, 1));
    for _ in 0..2 {
        engine.submit(submission(&reads("a"))).await.unwrap();
    }
    let runs = async || world.store.runs(&RunFilter { limit: 99, ..RunFilter::default() }).await.unwrap().len();
    let audit = world.store.audit_head().await.unwrap();
    let refused = engine.submit(submission(&reads("a"))).await;
    assert!(matches!(&refused, Err(EngineError::QueueFull(full)) if full.queued == 1), "{refused:?}");
    assert_eq!((runs().await, world.store.audit_head().await.unwrap()), (2, audit));
    let id = RunId::new("same");
    engine.submit_as(id.clone(), submission(&reads("b"))).await.unwrap();
    engine.submit_as(RunId::new("next"), submission(&reads("b"))).await.unwrap();
    let again = engine.submit_as(id.clone(), submission(&reads("b"))).await;
    assert!(matches!(again, Err(EngineError::Store(StoreError::RunExists(run))) if run == id), "it is no other run");
}

#[tokio::test]
async fn two_submissions_for_the_last_place_are_one_that_has_it_and_one_that_has_not() {
    for _ in 0..20 {
        let world = world();
        let engine = world.engine_with(limited(10, 1, 1));
        let submit = || {
            let engine = engine.clone();
            tokio::spawn(async move { engine.submit(submission(&awaits("a"))).await })
        };
        let (one, two, three) = tokio::join!(submit(), submit(), submit());
        let mut standing = BTreeMap::new();
        for submitted in [one, two, three] {
            let how = match submitted.unwrap() {
                Ok(run) => format!("{:?}", status(&world, &run).await),
                Err(EngineError::QueueFull(_)) => "refused".to_owned(),
                Err(error) => panic!("{error}"),
            };
            *standing.entry(how).or_insert(0) += 1;
        }
        let expected = ["Queued", "Running", "refused"].map(|how| (how.to_owned(), 1));
        assert_eq!(standing, BTreeMap::from(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_cancelled_before_its_turn_never_begins() {
    let world = world();
    let engine = world.engine_with(limited(10, 1, 5));
    let work = async {
        let mut runs = Vec::new();
        for _ in 0..3 {
            runs.push(engine.submit(submission(&reads("a"))).await.unwrap());
        }
        engine.cancel(&runs[1], &owner(), "enough").await.unwrap();
        let cancelled = record(&world, &runs[1]).await;
        assert_eq!((cancelled.status, cancelled.events, cancelled.started_at()), (RunStatus::Cancelled, 1, None));
        assert_eq!(world.kinds(&runs[1]).await, ["run.cancelled"]);
        world.assert_replays(&runs[1]).await;
        assert_eq!(engine.queue_position(&runs[2]), Some(1));
        let again = engine.cancel(&runs[1], &owner(), "enough").await;
        assert!(matches!(again, Err(EngineError::Over { .. })), "{again:?}");
        all_ended(&world, &runs).await;
        assert_in_turn(&world, &[runs[0].clone(), runs[2].clone()]).await;
        assert_eq!(world.tools.calls("t"), 2);
    };
    Box::pin(engine.tend(work)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_a_run_waits_for_begins_at_once_and_another_waits_for_its_turn() {
    let world = world();
    let engine = world.engine_with(limited(10, 1, 1));
    let hash = keep(&world, &reads("b")).await;
    let work = async {
        let other = engine.submit(submission(&awaits("b"))).await.unwrap();
        let calls = engine.submit(submission(&calling(&hash, true))).await.unwrap();
        all_ended(&world, std::slice::from_ref(&calls)).await;
        assert_eq!(record(&world, &calls).await.result, Some(Value::Int(8)));

        let starts = engine.submit(submission(&calling(&hash, false))).await.unwrap();
        all_ended(&world, std::slice::from_ref(&starts)).await;
        let child = record(&world, &starts).await.result.unwrap();
        let child = RunId::new(child.as_str().unwrap());
        assert_eq!(status(&world, &child).await, RunStatus::Queued);
        let starts = engine.submit(submission(&calling(&hash, false))).await.unwrap();
        all_ended(&world, std::slice::from_ref(&starts)).await;
        let refused = record(&world, &starts).await.result.unwrap();
        assert_eq!(refused.as_list().unwrap()[0], "queue_full".into());
        world.assert_replays(&starts).await;

        engine.cancel(&other, &owner(), "").await.unwrap();
        all_ended(&world, std::slice::from_ref(&child)).await;
        assert_in_turn(&world, std::slice::from_ref(&child)).await;
    };
    Box::pin(engine.tend(work)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fork_waits_for_its_turn_with_what_it_shares() {
    let world = world();
    let engine = world.engine_with(limited(10, 1, 5));
    let work = async {
        let first = engine.submit(submission(&reads("a"))).await.unwrap();
        all_ended(&world, std::slice::from_ref(&first)).await;
        let holds = engine.submit(submission(&awaits("a"))).await.unwrap();
        let fork = |at| Fork { run: first.clone(), at, ir: None, by: owner(), setting: Value::Null };
        let [kept, stopped] = [engine.fork(fork(2)).await.unwrap(), engine.fork(fork(1)).await.unwrap()];
        let waits = record(&world, &kept).await;
        assert_eq!((waits.status, waits.events, waits.started_at()), (RunStatus::Queued, 2, None));
        engine.cancel(&stopped, &owner(), "").await.unwrap();
        world.assert_replays(&stopped).await;
        engine.cancel(&holds, &owner(), "").await.unwrap();
        all_ended(&world, std::slice::from_ref(&kept)).await;
        let kinds = world.kinds(&kept).await;
        assert_eq!(kinds[..3], ["run.started", "effect.requested", "run.forked"], "{kinds:?}");
        assert_in_turn(&world, std::slice::from_ref(&kept)).await;
        assert!(record(&world, &kept).await.started_at() > Some(waits.created_at));
    };
    Box::pin(engine.tend(work)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn turns_hold_over_a_crash_at_any_commit() {
    for crash in [Crash::Before, Crash::After] {
        for survives in 4..15 {
            let world = world();
            let disk = Arc::new(Disk::crashing(world.store.clone(), survives, crash));
            let engine = world.engine_as(disk, limited(10, 1, 5));
            let mut runs = Vec::new();
            let crashed = tokio::time::timeout(Duration::from_mins(5), async {
                for _ in 0..3 {
                    runs.push(engine.submit(submission(&reads("a"))).await.unwrap());
                }
                engine.tend(std::future::pending()).await
            });
            // It may not have come to that.
            let _ = crashed.await;
            drop(engine);
            let engine = world.engine_with(limited(10, 1, 5));
            engine.tend(all_ended(&world, &runs)).await.unwrap();
            assert_in_turn(&world, &runs).await;
            let next = engine.submit(submission(&reads("a"))).await.unwrap();
            assert_eq!(status(&world, &next).await, RunStatus::Running, "all places are free");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn runs_that_waited_begin_at_once_where_the_limits_are_gone() {
    let world = world();
    let mut runs = Vec::new();
    {
        let engine = world.engine_with(limited(1, 1, 5));
        for id in ["a", "a", "b"] {
            runs.push(engine.submit(submission(&awaits(id))).await.unwrap());
        }
    }
    let engine: Arc<Engine> = world.engine_with(EngineConfig { awaits_workers: true, ..EngineConfig::default() });
    let work = async {
        for run in &runs {
            until("it begins", async || record(&world, run).await.waiting).await;
        }
    };
    Box::pin(engine.tend(work)).await.unwrap();
    // Whoever drives one by itself need not look after the others.
    engine.signal(&runs[2], "go", Value::Null, &owner()).await.unwrap();
    assert_eq!(engine.drive(&runs[2]).await.unwrap(), RunEnd::Completed { result: Value::Int(7) });
}
