//! Who looks after all runs: what becomes of those that nobody drives just now.

use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::effect::Answer;
use bloom_ir::{SigningKey, TrustList, Value, VerifiedIr};
use bloom_runtime::engine::{Engine, EngineConfig, EngineError, Registration, RunEnd, Submit};
use bloom_runtime::record::{Capabilities, LeaseEnding, RunId, RunStatus, TaskStatus, WorkerId};
use bloom_runtime::store::{QuestionFilter, RunFilter};
use serde_json::{Value as Json, json};

use crate::disk::{Crash, Disk};
use crate::wait::{calling, keep, owner};
use crate::world::{Act, Tools, World, flow, submission};

fn asks() -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "llm_call", "prompt": [{ "text": "How many?" }], "into": "n", "output": { "type": "integer" }, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['n']" },
        }),
    )
}

fn reads() -> Json {
    flow(
        &[("t", "read")],
        &json!({
            "n1": { "type": "action", "op": "tool", "tool": "t", "args": {}, "into": "x", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['x']" },
        }),
    )
}

fn sleeps(milliseconds: u64) -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "sleep", "for": milliseconds.to_string(), "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "7" },
        }),
    )
}

/// The same, as a flow that may call a tool, and does not.
fn may_call(mut other: Json) -> Json {
    other["policy"] = reads()["policy"].clone();
    other
}

fn world() -> World {
    let tools = Tools::default().with("t", "read", |_, _| Act::After(Duration::from_secs(20), Ok(json!(7))));
    World::new(tools, &json!({ "default": { "answer": 7 } })).in_time()
}

fn serving(world: &World) -> Arc<Engine> {
    world.engine_with(EngineConfig { awaits_workers: true, ..EngineConfig::default() })
}

async fn status(world: &World, run: &RunId) -> RunStatus {
    world.store.run_status(run).await.unwrap().unwrap()
}

/// Waits for the end of runs; time goes by meanwhile.
async fn ended(world: &World, runs: &[RunId]) {
    for run in runs {
        let waiting = async {
            while !status(world, run).await.is_terminal() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(10), waiting).await.unwrap_or_else(|_| panic!("{run} does not end"));
    }
}

/// Has all runs looked after until these have ended.
async fn tended(world: &World, engine: &Arc<Engine>, runs: &[RunId]) {
    engine.tend(ended(world, runs)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn runs_whose_tasks_are_queued_leave_their_places_to_others() {
    let world = world();
    let engine = serving(&world);
    let mut queued = Vec::new();
    for _ in 0..70 {
        queued.push(engine.submit(submission(&asks())).await.unwrap());
    }
    let others = [sleeps(1_000), reads()];
    let mut runs = Vec::new();
    for other in &others {
        runs.push(engine.submit(submission(other)).await.unwrap());
    }
    tended(&world, &engine, &runs).await;
    for run in &queued {
        assert_eq!(status(&world, run).await, RunStatus::Running);
    }
    let worker = world.worker(&engine);
    tended(&world, &engine, &queued).await;
    worker.stop().await;
    for run in &queued {
        assert_eq!(status(&world, run).await, RunStatus::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn however_many_are_due_at_once_all_go_on() {
    let world = world();
    let engine = serving(&world);
    let mut runs = Vec::new();
    for _ in 0..200 {
        runs.push(engine.submit(submission(&sleeps(1_000))).await.unwrap());
    }
    let later = engine.submit(submission(&sleeps(60_000))).await.unwrap();
    tokio::time::sleep(Duration::from_secs(5)).await;
    runs.push(later);
    tended(&world, &engine, &runs).await;
}

#[tokio::test(start_paused = true)]
async fn driver_that_panics_leaves_the_other_runs_alone() {
    let tools = Tools::default().with("t", "read", |_, calls| {
        assert!(calls > 0, "the first call panics, as this test wants");
        Act::Answer(json!(7))
    });
    let world = World::new(tools, &json!({})).in_time();
    let engine = serving(&world);
    let panics = engine.submit(submission(&reads())).await.unwrap();
    let other = engine.submit(submission(&sleeps(1_000))).await.unwrap();
    tended(&world, &engine, &[other]).await;
    assert_eq!(status(&world, &panics).await, RunStatus::Running);
    // It is tried again later.
    tended(&world, &engine, std::slice::from_ref(&panics)).await;
    assert_eq!(status(&world, &panics).await, RunStatus::Completed);
    world.assert_replays(&panics).await;
}

#[tokio::test(start_paused = true)]
async fn time_that_a_run_was_active_counts_after_it_waited_for_a_worker() {
    let world = world();
    let engine = serving(&world);
    let call = |next| json!({ "type": "action", "op": "tool", "tool": "t", "args": {}, "next": next });
    let mut both = flow(
        &[("t", "read")],
        &json!({
            "n1": call("n2"),
            "n2": { "type": "llm_call", "prompt": [{ "text": "?" }], "into": "n", "output": {}, "next": "n3" },
            "n3": call("n4"),
            "n4": { "type": "return", "status": "completed", "value": "7" },
        }),
    );
    both["policy"]["limits"] = json!({ "timeout_seconds": 30 });
    let run = engine.submit(submission(&both)).await.unwrap();
    let until_over = async {
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!(world.store.tasks(&run).await.unwrap().len(), 1, "the first call is over");
        let worker = world.worker(&engine);
        ended(&world, std::slice::from_ref(&run)).await;
        worker.stop().await;
    };
    engine.tend(until_over).await.unwrap();
    let end = engine.drive(&run).await.unwrap();
    assert!(matches!(&end, RunEnd::Failed { error, .. } if error.code == "limit_time"), "{end:?}");
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn wait_beside_a_queued_task_ends_in_time() {
    let world = world();
    let engine = serving(&world);
    let branch = |name: &str, entry: &str| json!({ "name": name, "entry": entry, "writes": [] });
    let run = engine
        .submit(submission(&flow(
            &[],
            &json!({
                "n1": { "type": "action", "op": "fork", "join": "n9", "branches": [branch("a", "n2"), branch("b", "n3")] },
                "n2": { "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "next": "n9" },
                "n3": { "type": "action", "op": "sleep", "for": "60000", "next": "n4" },
                "n4": { "type": "action", "op": "await", "ask": { "title": [{ "text": "Well?" }], "text": [{ "text": "?" }], "schema": {} }, "next": "n9" },
                "n9": { "type": "action", "op": "join", "fork": "n1", "next": "n10" },
                "n10": { "type": "return", "status": "completed", "value": "7" },
            }),
        )))
        .await
        .unwrap();
    let filter = QuestionFilter { run: Some(run.clone()), open: true, limit: 10 };
    let asked = async {
        while world.store.questions(&filter).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let asked = async { tokio::time::timeout(Duration::from_mins(10), asked).await.expect("nobody woke it") };
    engine.tend(asked).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn child_that_is_cancelled_at_rest_tells_its_parent() {
    let world = world();
    let hash = keep(&world, &sleeps(1_000_000_000)).await;
    let engine = serving(&world);
    let run = engine.submit(submission(&calling(&hash, true))).await.unwrap();
    let until_told = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        let all = world.store.runs(&RunFilter { limit: 9, ..RunFilter::default() }).await.unwrap();
        let child = all.iter().find(|other| other.id != run).unwrap();
        engine.cancel(&child.id, &owner(), "enough").await.unwrap();
        ended(&world, std::slice::from_ref(&run)).await;
    };
    engine.tend(until_told).await.unwrap();
    let RunEnd::Completed { result } = engine.drive(&run).await.unwrap() else { panic!() };
    assert_eq!(result.as_list().unwrap()[0], "cancelled".into());
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_dropped_after_their_commit_are_acted_upon() {
    let world = world();
    let awaits = flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "await", "signal": "go", "into": "a", "next": "n2" },
            "n2": { "type": "action", "op": "await", "ask": { "title": [{ "text": "Well?" }], "text": [{ "text": "?" }], "schema": {} }, "next": "n3" },
            "n3": { "type": "return", "status": "completed", "value": "7" },
        }),
    );
    let disk = Arc::new(Disk::new(world.store.clone()));
    let engine = world.engine_on(disk.clone());
    let requests = async {
        Box::pin(disk.drop_at_commit(1, engine.submit(submission(&reads())))).await;
        let run = world.store.runs(&RunFilter { limit: 9, ..RunFilter::default() }).await.unwrap().remove(0).id;
        ended(&world, &[run]).await;

        let run = engine.submit(submission(&awaits)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        disk.drop_at_commit(1, engine.signal(&run, "go", Value::Null, &owner())).await;
        let filter = QuestionFilter { run: Some(run.clone()), open: true, limit: 10 };
        let asked = async {
            loop {
                if let Some(question) = world.store.questions(&filter).await.unwrap().pop() {
                    return question;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let question = tokio::time::timeout(Duration::from_mins(10), asked).await.expect("the signal is not taken");
        tokio::time::sleep(Duration::from_secs(10)).await;
        disk.drop_at_commit(1, engine.answer(&question.id, Value::Null, &owner())).await;
        ended(&world, &[run]).await;
    };
    Box::pin(engine.tend(requests)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn children_that_nobody_waits_for_any_more_are_cancelled_after_a_crash() {
    for is_over in [true, false] {
        let world = world();
        let hash = keep(&world, &sleeps(1_000_000_000)).await;
        let mut calls = calling(&hash, true);
        calls["nodes"]["n1"]["timeout_seconds"] = json!(10);
        calls["nodes"]["n3"] = json!({ "type": "action", "op": "sleep", "for": "1000000000", "next": "n2" });
        calls["nodes"]["n2"]["value"] = json!("7");
        let engine = world.engine();
        let run = engine.submit(submission(&calls)).await.unwrap();
        engine.drive_until_it_waits(&run, Duration::ZERO).await.unwrap();
        let all = world.store.runs(&RunFilter { limit: 9, ..RunFilter::default() }).await.unwrap();
        let child = all.into_iter().find(|other| other.id != run).unwrap().id;

        // The commit goes through, and the process is gone.
        let crashing = world.engine_on(Arc::new(Disk::crashing(world.store.clone(), 1, Crash::After)));
        if is_over {
            crashing.cancel(&run, &owner(), "enough").await.unwrap_err();
        } else {
            tokio::time::advance(Duration::from_secs(20)).await;
            crashing.drive_until_it_waits(&run, Duration::ZERO).await.unwrap_err();
        }
        assert_eq!(status(&world, &run).await.is_terminal(), is_over);
        assert_eq!(status(&world, &child).await, RunStatus::Running);
        tended(&world, &world.engine(), std::slice::from_ref(&child)).await;
        assert_eq!(status(&world, &child).await, RunStatus::Cancelled);
        world.assert_replays(&child).await;
    }
}

#[tokio::test(start_paused = true)]
async fn many_runs_that_are_due_and_cannot_go_on_stop_no_other() {
    let mut world = world();
    let engine = world.engine();
    for _ in 0..140 {
        engine.submit(submission(&may_call(sleeps(1_000)))).await.unwrap();
    }
    let run = engine.submit(submission(&sleeps(60_000))).await.unwrap();
    // Their tool is gone.
    world.tools = Arc::default();
    tended(&world, &world.engine(), std::slice::from_ref(&run)).await;
}

#[tokio::test]
async fn run_whose_tool_is_gone_takes_its_answer_and_can_be_cancelled() {
    let mut world = world();
    let run = world.engine().submit(submission(&may_call(asks_then_waits()))).await.unwrap();
    world.tools = Arc::default();
    let engine = world.engine();
    let worker = engine.register_worker(vec!["llm".to_owned()]);
    let grant = engine.grant(&worker, None).await.unwrap().unwrap();
    let seven = LeaseEnding::Completed(Answer { value: 7_i64.into(), usage: None });
    engine.end_lease(&grant.lease.id, grant.lease.epoch, seven).await.unwrap();
    engine.signal(&run, "go", Value::Null, &owner()).await.unwrap();
    let refused = engine.drive(&run).await.unwrap_err();
    assert!(matches!(refused, EngineError::Refused(_)), "{refused}");
    engine.cancel(&run, &owner(), "").await.unwrap();
    assert_eq!(status(&world, &run).await, RunStatus::Cancelled);
    world.assert_replays(&run).await;
}

fn asks_then_waits() -> Json {
    let mut asks = asks();
    asks["nodes"]["n1"]["next"] = json!("n3");
    asks["nodes"]["n3"] = json!({ "type": "action", "op": "await", "signal": "go", "next": "n2" });
    asks
}

/// A run of a flow that another key has signed, which this machine does not trust any more.
async fn distrusted(world: &World, document: &Json) -> RunId {
    let other = SigningKey::from_seed(&[8; 32]);
    let own = submission(document);
    let ir = VerifiedIr::signed(own.ir.document().clone(), &other).unwrap();
    let trusting = world.engine_trusting(TrustList::of("other", other.public()));
    let run = trusting.submit(Submit { ir, ..own }).await.unwrap();
    let worker = trusting.register_worker(vec!["llm".to_owned()]);
    trusting.grant(&worker, Some(run.clone())).await.unwrap();
    run
}

#[tokio::test]
async fn run_whose_key_is_not_trusted_any_more_can_be_cancelled() {
    let world = world();
    let run = distrusted(&world, &asks()).await;
    let engine = world.engine();
    let stopped = engine.drive(&run).await.unwrap_err();
    assert!(matches!(stopped, EngineError::Untrusted(_)), "{stopped}");
    engine.cancel(&run, &owner(), "enough").await.unwrap();
    assert_eq!(engine.drive(&run).await.unwrap(), RunEnd::Cancelled { reason: "owner: enough".to_owned() });
    assert_eq!(world.store.tasks(&run).await.unwrap()[0].status, TaskStatus::Failed);
    assert_eq!(world.store.active_leases().await.unwrap(), []);
    let again = engine.cancel(&run, &owner(), "").await.unwrap_err();
    assert!(matches!(again, EngineError::Over { .. }), "{again}");
    let other = SigningKey::from_seed(&[8; 32]).public();
    let replayed = world.engine_trusting(TrustList::of("other", other)).replay(&run, None).await.unwrap();
    assert_eq!(replayed.verdict, bloom_interpreter::replay::Verdict::Same);
}

#[tokio::test]
async fn lease_of_a_run_that_cannot_go_on_keeps_no_other_from_ending() {
    let world = world();
    let _stuck = distrusted(&world, &asks_then_waits()).await;
    // Its worker was part of a process that is gone, too.
    let engine = world.engine();
    let lost = engine.submit(submission(&asks())).await.unwrap();
    let worker = engine.register_worker(vec!["llm".to_owned()]);
    engine.grant(&worker, Some(lost.clone())).await.unwrap().unwrap();
    let elsewhere = engine.submit(submission(&asks())).await.unwrap();
    let remote = WorkerId::new("remote");
    let capabilities = Capabilities { provides: vec!["llm".to_owned()], ..Capabilities::default() };
    let registration = Registration { capabilities: Some(capabilities), ..Registration::default() };
    engine.admit_worker(&remote, registration, &owner()).await.unwrap();
    engine.grant(&remote, None).await.unwrap().unwrap();

    let engine = world.engine();
    engine.restore_fleet().await.unwrap();
    let task = async |run: &RunId| world.store.tasks(run).await.unwrap()[0].status;
    assert_eq!((task(&lost).await, task(&elsewhere).await), (TaskStatus::Queued, TaskStatus::Leased));
    world.clock.0.fetch_add(600_000, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(engine.reap().await.unwrap(), 1);
    assert_eq!(task(&elsewhere).await, TaskStatus::Queued);
}

#[tokio::test]
async fn restored_reservations_are_what_they_were() {
    let world = world();
    let ask = |tokens: u64, next: &str| json!({ "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "max_tokens": tokens, "next": next });
    let branch = |name: &str, entry: &str| json!({ "name": name, "entry": entry, "writes": [] });
    let mut fork = flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "fork", "join": "n9", "branches": [branch("a", "n2"), branch("b", "n4")] },
            "n2": ask(100, "n3"), "n3": ask(20, "n9"), "n4": ask(100, "n9"),
            "n9": { "type": "action", "op": "join", "fork": "n1", "next": "n10" },
            "n10": { "type": "return", "status": "completed", "value": "7" },
        }),
    );
    fork["policy"]["limits"] = json!({ "max_tokens": 250 });
    let engine = world.engine();
    let run = engine.submit(submission(&fork)).await.unwrap();
    let worker = engine.register_worker(vec!["llm".to_owned()]);
    // More than was reserved for it.
    let usage = bloom_interpreter::effect::Usage { input_tokens: 200, ..Default::default() };
    let answer = LeaseEnding::Completed(Answer { value: 7_i64.into(), usage: Some(usage) });
    for _ in 0..2 {
        let grant = engine.grant(&worker, None).await.unwrap().unwrap();
        if grant.task.request.max_tokens == Some(100) && grant.task.asked_by().node.as_str() == "n2" {
            engine.end_lease(&grant.lease.id, grant.lease.epoch, answer.clone()).await.unwrap();
        }
    }
    let requested = async || world.kinds(&run).await.iter().filter(|kind| *kind == "effect.requested").count();
    assert_eq!(requested().await, 2, "what the other one may use is not left");
    world.engine().drive(&run).await.unwrap_err();
    assert_eq!(requested().await, 2, "nor is it after a restart");
}

#[tokio::test]
async fn what_a_child_has_cost_is_no_price_of_a_call() {
    let using =
        json!({ "default": { "answer": 7, "usage": { "input_tokens": 1, "output_tokens": 0, "cost_micro_usd": 50 } } });
    let world = World::new(Tools::default(), &using);
    let ask = |next: &str| json!({ "type": "llm_call", "prompt": [{ "text": "?" }], "into": "x", "output": {}, "next": next });
    let end = || json!({ "type": "return", "status": "completed", "value": "7" });
    let child = flow(&[], &json!({ "n1": ask("n2"), "n2": ask("n3"), "n3": end() }));
    let hash = keep(&world, &child).await;
    let call = json!({ "type": "action", "op": "flow", "flow": "archivist", "hash": hash, "next": "n2" });
    let mut parent = flow(&[], &json!({ "n1": call, "n2": ask("n3"), "n3": end() }));
    // That of the child, and of one call more.
    parent["policy"]["limits"] = json!({ "max_cost_micro_usd": 150 });
    let (run, ended) = world.run(&parent).await;
    assert_eq!(ended.unwrap(), RunEnd::Completed { result: 7_i64.into() });
    assert_eq!(world.store.run(&run).await.unwrap().unwrap().cost_micro_usd, 150);
}

#[tokio::test]
async fn result_that_is_told_twice_at_the_same_time_is_taken_once() {
    let world = world();
    let engine = world.engine();
    let run = engine.submit(submission(&asks())).await.unwrap();
    let worker = engine.register_worker(vec!["llm".to_owned()]);
    let grant = engine.grant(&worker, None).await.unwrap().unwrap();
    let end = || {
        let seven = LeaseEnding::Completed(Answer { value: 7_i64.into(), usage: None });
        engine.end_lease(&grant.lease.id, grant.lease.epoch, seven)
    };
    let (first, second) = tokio::join!(end(), end());
    assert_eq!(first.unwrap().task, second.unwrap().task);
    assert_eq!(world.kinds(&run).await.last().unwrap(), "run.completed");
}
