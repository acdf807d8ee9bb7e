//! Runs that wait: for times, signals, people and other runs.

use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::effect::EffectError;
use bloom_ir::{Document, Value, VerifiedIr};
use bloom_runtime::clock::Clock as _;
use bloom_runtime::engine::{Driven, Engine, EngineConfig, EngineError, Refusal, RunEnd};
use bloom_runtime::record::{Actor, FlowRecord, QuestionStatus, RunId, RunStatus};
use bloom_runtime::store::{QuestionFilter, RunFilter};
use serde_json::{Value as Json, json};

use crate::disk::Disk;
use crate::world::{Act, Tools, World, flow, key, submission};

pub(crate) fn owner() -> Actor {
    Actor("owner".to_owned())
}

fn world() -> World {
    let tools =
        Tools::default()
            .with("read-notes", "read", |_, _| Act::Answer(json!(1)))
            .with("hang", "read", |_, _| Act::Hang);
    World::new(tools, &json!({})).in_time()
}

fn sleeping(milliseconds: u64) -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "sleep", "for": milliseconds.to_string(), "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "run.now - run.started_at" },
        }),
    )
}

pub(crate) async fn drive_a_little(engine: &Arc<Engine>, run: &RunId) -> Driven {
    engine.drive_until_it_waits(run, Duration::ZERO).await.unwrap()
}

pub(crate) fn waits(driven: Driven) -> Vec<String> {
    let Driven::Waits(waits) = driven else { panic!("{driven:?}") };
    waits.into_iter().map(|wait| format!("{:?} {}", wait.effect.asks, wait.due.is_some())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_sleep_survives_a_restart_and_ends_within_a_second() {
    let world = world();
    let run = {
        let engine = world.engine();
        let run = engine.submit(submission(&sleeping(3_600_000))).await.unwrap();
        assert_eq!(waits(drive_a_little(&engine, &run).await), ["Sleep true"]);
        run
    };
    let record = world.store.run(&run).await.unwrap().unwrap();
    assert!(record.waiting && record.wake_at.is_some() && record.status == RunStatus::Running);
    let engine = world.engine();
    let tending = engine.tend(async {
        while world.store.run(&run).await.unwrap().unwrap().status == RunStatus::Running {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    tending.await.unwrap();
    let record = world.store.run(&run).await.unwrap().unwrap();
    let took = record.result.unwrap().as_int().unwrap();
    assert!((3_600_000..3_601_000).contains(&took), "{took}");
    assert_eq!(world.kinds(&run).await, ["run.started", "effect.requested", "effect.completed", "run.completed"]);
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn runs_that_sleep_are_not_loaded_before_their_time_and_each_wakes_within_a_second() {
    let world = world();
    let mut runs = Vec::new();
    for number in 0..100 {
        let engine = world.engine();
        let due = 3_600_000 + 500 * number;
        let run = engine.submit(submission(&sleeping(due))).await.unwrap();
        drive_a_little(&engine, &run).await;
        runs.push((run, i64::try_from(due).unwrap()));
    }
    // Another process.
    let disk = Arc::new(Disk::new(world.store.clone()));
    let engine = world.engine_on(disk.clone());
    engine.tend(tokio::time::sleep(Duration::from_mins(59))).await.unwrap();
    assert_eq!(disk.histories(), 0, "nothing was looked at");
    engine.tend(tokio::time::sleep(Duration::from_mins(3))).await.unwrap();
    assert_eq!(disk.histories(), runs.len(), "each was loaded once");
    for (run, due) in runs {
        let took = world.store.run(&run).await.unwrap().unwrap().result.unwrap().as_int().unwrap();
        assert!((due..due + 1_000).contains(&took), "{took} of {due}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sleep_whose_time_passed_while_nobody_was_there_ends_at_once() {
    let world = world();
    let engine = world.engine();
    let run = engine.submit(submission(&sleeping(1_000))).await.unwrap();
    drive_a_little(&engine, &run).await;
    tokio::time::advance(Duration::from_hours(1)).await;
    assert!(matches!(drive_a_little(&world.engine(), &run).await, Driven::Ended(RunEnd::Completed { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_run_that_sleeps_is_woken_in_time_also_when_a_signal_came_meanwhile() {
    let world = world();
    let sleeping = flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "sleep", "for": "60000", "next": "n2" },
            "n2": { "type": "action", "op": "await", "signal": "go", "into": "go", "next": "n3" },
            "n3": { "type": "return", "status": "completed", "value": "v['go']" },
        }),
    );
    let engine = world.engine();
    let run = engine.submit(submission(&sleeping)).await.unwrap();
    drive_a_little(&engine, &run).await;
    // It is not in memory, and the signal is nothing that it waits for.
    let engine = world.engine();
    engine
        .tend(async {
            engine.signal(&run, "go", 7_i64.into(), &owner()).await.unwrap();
            tokio::time::sleep(Duration::from_secs(62)).await;
        })
        .await
        .unwrap();
    let record = world.store.run(&run).await.unwrap().unwrap();
    assert_eq!((record.status, record.result), (RunStatus::Completed, Some(7_i64.into())));
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn a_driver_waits_for_times_itself() {
    let world = world();
    let (run, end) = world.run(&sleeping(90_000)).await;
    let RunEnd::Completed { result } = end.unwrap() else { panic!() };
    assert!((90_000..91_500).contains(&result.as_int().unwrap()), "{result:?}");
    world.assert_replays(&run).await;
}

fn approving() -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "await", "ask": {
                "title": [{ "text": "Approve?" }], "text": [{ "expr": "input.folder" }], "schema": { "type": "boolean" }
            }, "into": "yes", "timeout_seconds": 60, "on_timeout": "n3", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['yes']" },
            "n3": { "type": "return", "status": "completed", "value": "'nobody answered'" },
        }),
    )
}

#[tokio::test(start_paused = true)]
async fn a_person_answers_a_question() {
    let world = world();
    let engine = world.engine();
    let run = engine.submit(submission(&approving())).await.unwrap();
    assert_eq!(waits(drive_a_little(&engine, &run).await), ["Person(\"Approve?\") true"]);
    let filter = QuestionFilter { run: Some(run.clone()), open: true, limit: 10 };
    let question = world.store.questions(&filter).await.unwrap().pop().unwrap();
    assert_eq!((question.asked.title.as_str(), question.asked.text.as_str()), ("Approve?", "notes"));

    let refused = engine.answer(&question.id, "perhaps".into(), &owner()).await.unwrap_err();
    assert!(matches!(refused, EngineError::Payload { .. }), "{refused}");
    let answered = world.engine().answer(&question.id, Value::Bool(true), &owner()).await.unwrap();
    assert_eq!((answered.status, answered.answered_by), (QuestionStatus::Answered, Some(owner())));
    assert_eq!(engine.drive(&run).await.unwrap(), RunEnd::Completed { result: Value::Bool(true) });
    let late = engine.answer(&question.id, Value::Bool(false), &owner()).await.unwrap_err();
    assert!(matches!(late, EngineError::QuestionClosed { status: QuestionStatus::Answered, .. }), "{late}");
    assert_eq!(world.store.questions(&filter).await.unwrap(), []);
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn a_question_that_nobody_answers_in_time_is_closed() {
    let world = world();
    let (run, end) = world.run(&approving()).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: "nobody answered".into() });
    let filter = QuestionFilter { run: Some(run.clone()), open: false, limit: 10 };
    assert_eq!(world.store.questions(&filter).await.unwrap()[0].status, QuestionStatus::Closed);
    world.assert_replays(&run).await;
}

fn listening() -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "await", "signal": "go", "schema": { "type": "integer" }, "into": "a", "next": "n2" },
            "n2": { "type": "action", "op": "await", "signal": "go", "into": "b", "timeout_seconds": 60, "on_timeout": "n4", "next": "n3" },
            "n3": { "type": "return", "status": "completed", "value": "[v['a'], v['b']]" },
            "n4": { "type": "return", "status": "completed", "value": "'too late'" },
        }),
    )
}

#[tokio::test(start_paused = true)]
async fn signals_queue_and_the_oldest_is_taken_first() {
    let world = world();
    let engine = world.engine();
    let run = engine.submit(submission(&listening())).await.unwrap();
    for number in [1, 2, 3] {
        engine.signal(&run, "go", Value::Int(number), &owner()).await.unwrap();
    }
    let end = world.engine().drive(&run).await.unwrap();
    assert_eq!(end, RunEnd::Completed { result: [Value::Int(1), Value::Int(2)].into_iter().collect() });
    world.assert_replays(&run).await;
    let over = world.engine().signal(&run, "go", Value::Int(4), &owner()).await.unwrap_err();
    assert!(matches!(over, EngineError::Over { .. }), "{over}");
}

#[tokio::test(start_paused = true)]
async fn a_signal_reaches_a_run_that_is_being_driven_and_a_late_one_does_not() {
    let world = world();
    let engine = world.engine();
    let run = engine.submit(submission(&listening())).await.unwrap();
    let sending = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        engine.signal(&run, "go", Value::Int(1), &owner()).await.unwrap();
        tokio::time::sleep(Duration::from_secs(90)).await;
        engine.signal(&run, "go", Value::Int(2), &owner()).await.unwrap_err()
    };
    let (end, late) = tokio::join!(engine.drive(&run), sending);
    assert_eq!(end.unwrap(), RunEnd::Completed { result: "too late".into() });
    assert!(matches!(late, EngineError::Over { .. }), "{late}");
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn signals_that_nobody_awaits_or_that_do_not_fit_are_refused() {
    let world = world();
    let engine = world.engine();
    let run = engine.submit(submission(&listening())).await.unwrap();
    let unknown = engine.signal(&run, "stop", Value::Null, &owner()).await.unwrap_err();
    assert_eq!(unknown.to_string(), format!("run {run} awaits no signal `stop`; it awaits go"));
    let unfit = engine.signal(&run, "go", "x".into(), &owner()).await.unwrap_err();
    assert!(matches!(unfit, EngineError::Payload { .. }), "{unfit}");
    assert_eq!(world.kinds(&run).await, ["run.started", "effect.requested"]);
    for _ in 0..100 {
        engine.signal(&run, "go", Value::Int(1), &owner()).await.unwrap();
    }
    let full = engine.signal(&run, "go", Value::Int(1), &owner()).await.unwrap_err();
    assert!(matches!(full, EngineError::TooManySignals { count: 100, .. }), "{full}");
}

#[tokio::test(start_paused = true)]
async fn a_timer_that_was_started_before_is_awaited() {
    let world = world();
    let timed = flow(
        &[("read-notes", "read")],
        &json!({
            "n1": { "type": "action", "op": "timer", "name": "t", "for": "30000", "next": "n2" },
            "n2": { "type": "action", "op": "tool", "tool": "read-notes", "args": {}, "next": "n3" },
            "n3": { "type": "action", "op": "await", "timer": "t", "next": "n4" },
            "n4": { "type": "return", "status": "completed", "value": "run.now - run.started_at" },
        }),
    );
    let (run, end) = world.run(&timed).await;
    let RunEnd::Completed { result } = end.unwrap() else { panic!() };
    assert!((30_000..31_500).contains(&result.as_int().unwrap()), "{result:?}");
    world.assert_replays(&run).await;
}

/// Keeps a flow in the store, and gives its hash.
pub(crate) async fn keep(world: &World, document: &Json) -> String {
    let document: Document = serde_json::from_value(document.clone()).unwrap();
    let ir = VerifiedIr::signed(document, &key()).unwrap();
    let flow = ir.document().flow.clone();
    let record = FlowRecord {
        hash: ir.hash(),
        program: ir.program(),
        id: flow.id,
        version: flow.version,
        title: flow.title,
        stored_at: world.clock.now(),
    };
    world.store.put_flow(record, ir.bytes().to_vec(), Vec::new()).await.unwrap();
    ir.hash().to_string()
}

/// A flow that calls another one with its own input, and adds one to what that gives.
pub(crate) fn calling(hash: &str, wait: bool) -> Json {
    flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "flow", "flow": "other", "hash": hash, "inputs": { "folder": "input.folder" },
                "wait": wait, "into": "x", "on_error": { "to": "n3", "into": "e" }, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": if wait { "v['x'] + 1" } else { "v['x']" } },
            "n3": { "type": "return", "status": "completed", "value": "[v['e'].code, v['e'].message]" },
        }),
    )
}

async fn chain(world: &World, depth: usize) -> Json {
    let last = flow(&[], &json!({ "n1": { "type": "return", "status": "completed", "value": "0" } }));
    let mut top = last;
    for _ in 0..depth {
        let hash = keep(world, &top).await;
        top = calling(&hash, true);
    }
    top
}

#[tokio::test(start_paused = true)]
async fn a_hundred_flows_call_each_other() {
    let world = world();
    let top = chain(&world, 100).await;
    let (run, end) = world.run(&top).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: Value::Int(100) });
    let all = world.store.runs(&RunFilter { limit: 1000, ..RunFilter::default() }).await.unwrap();
    assert_eq!(all.len(), 101);
    for run in &all {
        world.assert_replays(&run.id).await;
    }
    let below = all.iter().find(|other| other.parent.as_ref().is_some_and(|parent| parent.run == run)).unwrap();
    assert_eq!(below.parent.as_ref().unwrap().depth, 1);
}

#[tokio::test(start_paused = true)]
async fn flows_that_call_too_deep_are_stopped() {
    let world = world();
    let top = chain(&world, 3).await;
    let engine = world.engine_with(EngineConfig { max_depth: 2, ..EngineConfig::default() });
    let run = engine.submit(submission(&top)).await.unwrap();
    assert!(matches!(engine.drive(&run).await.unwrap(), RunEnd::Completed { .. }));
    let all = world.store.runs(&RunFilter { limit: 1000, ..RunFilter::default() }).await.unwrap();
    let third = all.iter().find(|run| run.parent.as_ref().is_some_and(|parent| parent.depth == 2)).unwrap();
    assert_eq!(third.result.as_ref().unwrap().as_list().unwrap()[0], "limit_flow_depth".into());
}

#[tokio::test(start_paused = true)]
async fn a_failed_child_is_an_error_with_its_run() {
    let world = world();
    let failing = flow(
        &[],
        &json!({ "n1": { "type": "return", "status": "failed", "value": "{'code': 'no', 'message': 'not today'}" } }),
    );
    let hash = keep(&world, &failing).await;
    let (run, end) = world.run(&calling(&hash, true)).await;
    let expected: Value = ["no", "flow `archivist`: not today"].map(Value::from).into_iter().collect();
    assert_eq!(end.unwrap(), RunEnd::Completed { result: expected });
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_is_not_there_is_refused_before_anything_runs() {
    let world = world();
    let missing = bloom_ir::Digest::of(b"missing").to_string();
    let refused = world.engine().submit(submission(&calling(&missing, true))).await.unwrap_err();
    let EngineError::Refused(refusals) = &refused else { panic!("{refused}") };
    assert!(matches!(refusals[0], Refusal::MissingFlow { .. }));
    assert!(world.store.runs(&RunFilter { limit: 9, ..RunFilter::default() }).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn cancelling_reaches_the_runs_below() {
    let world = world();
    let mut below = sleeping(1_000_000_000);
    for _ in 0..3 {
        let hash = keep(&world, &below).await;
        below = calling(&hash, true);
    }
    let engine = world.engine();
    let run = engine.submit(submission(&below)).await.unwrap();
    assert_eq!(waits(drive_a_little(&engine, &run).await).last().unwrap(), "Flow(\"other\") false");
    world.engine().cancel(&run, &owner(), "enough").await.unwrap();
    let all = world.store.runs(&RunFilter { limit: 9, ..RunFilter::default() }).await.unwrap();
    assert_eq!(all.iter().map(|run| run.status).collect::<Vec<_>>(), [RunStatus::Cancelled; 4]);
    for run in all {
        world.assert_replays(&run.id).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_that_takes_longer_than_it_was_given_is_cancelled() {
    let world = world();
    let hash = keep(&world, &sleeping(1_000_000)).await;
    let mut calls = calling(&hash, true);
    calls["nodes"]["n1"]["timeout_seconds"] = json!(10);
    let (run, end) = world.run(&calls).await;
    let RunEnd::Completed { result } = end.unwrap() else { panic!() };
    assert_eq!(result.as_list().unwrap()[0], "timeout".into());
    let all = world.store.runs(&RunFilter { limit: 9, ..RunFilter::default() }).await.unwrap();
    let child = all.iter().find(|other| other.id != run).unwrap();
    assert_eq!(child.status, RunStatus::Cancelled);
    world.assert_replays(&run).await;
}

#[tokio::test(start_paused = true)]
async fn a_child_that_nobody_waits_for_goes_on_alone() {
    let world = world();
    let hash = keep(&world, &sleeping(60_000)).await;
    let engine = world.engine();
    let run = engine.submit(submission(&calling(&hash, false))).await.unwrap();
    let RunEnd::Completed { result } = engine.drive(&run).await.unwrap() else { panic!() };
    let child = RunId::new(result.as_str().unwrap());
    assert_eq!(world.store.run(&child).await.unwrap().unwrap().status, RunStatus::Running);
    assert!(matches!(engine.drive(&child).await.unwrap(), RunEnd::Completed { .. }));
}

#[tokio::test(start_paused = true)]
async fn who_looks_after_all_runs_goes_on_with_what_a_crash_left() {
    let world = world();
    let hash = keep(&world, &sleeping(60_000)).await;
    let engine = world.engine();
    let run = engine.submit(submission(&calling(&hash, true))).await.unwrap();
    drive_a_little(&engine, &run).await;
    let waiting = engine.submit(submission(&approving())).await.unwrap();
    drop(engine);

    let engine = world.engine();
    let tending = engine.tend(async {
        for run in [&run, &waiting] {
            while !world.store.run(run).await.unwrap().unwrap().status.is_terminal() {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    });
    tending.await.unwrap();
    let end = |run: RunId| {
        let engine = world.engine();
        async move { engine.drive(&run).await.unwrap() }
    };
    assert!(matches!(end(run).await, RunEnd::Completed { result: Value::Int(_) }));
    assert_eq!(end(waiting).await, RunEnd::Completed { result: "nobody answered".into() });
}

#[tokio::test(start_paused = true)]
async fn branches_are_performed_side_by_side_and_all_end_before_the_first_error_counts() {
    let tools = Tools::default().with("read-notes", "read", |call, _| {
        match call.request.args.get("n").and_then(Value::as_int) {
            Some(1) => Act::Fail(EffectError::new("first", "no")),
            Some(2) => Act::Fail(EffectError::new("second", "no")),
            _ => Act::Answer(json!(7)),
        }
    });
    let world = World::new(tools, &json!({})).in_time();
    let branch = |n: usize| json!({ "type": "action", "op": "tool", "tool": "read-notes", "args": { "n": n.to_string() }, "into": format!("x{n}"), "next": "n9" });
    let forked = |numbers: [usize; 3]| {
        let mut nodes = json!({
            "n1": { "type": "action", "op": "fork", "join": "n9", "on_error": { "to": "n7", "into": "e" },
                "branches": numbers.map(|n| json!({ "name": n.to_string(), "entry": format!("b{n}"), "writes": [format!("x{n}")] })) },
            "n9": { "type": "action", "op": "join", "fork": "n1", "next": "n8" },
            "n8": { "type": "return", "status": "completed", "value": numbers.map(|n| format!("v['x{n}']")).join(" + ") },
            "n7": { "type": "return", "status": "completed", "value": "[v['e'].code, v['e'].node]" },
        });
        for n in numbers {
            nodes[format!("b{n}")] = branch(n);
        }
        flow(&[("read-notes", "read")], &nodes)
    };
    let (run, end) = world.run(&forked([3, 4, 5])).await;
    assert_eq!(end.unwrap(), RunEnd::Completed { result: Value::Int(21) });
    world.assert_replays(&run).await;
    let (run, end) = world.run(&forked([3, 2, 1])).await;
    let expected: Value = ["second", "b2"].map(Value::from).into_iter().collect();
    assert_eq!(end.unwrap(), RunEnd::Completed { result: expected });
    assert_eq!(world.tools.calls("read-notes"), 6);
    world.assert_replays(&run).await;
}
