//! A run of a machine goes on as another run when its history is long.

use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::history::Payload;
use bloom_interpreter::replay::Verdict;
use bloom_runtime::engine::{Driven, Engine, RunEnd};
use bloom_runtime::record::{Actor, RunId, RunRecord, RunStatus};
use serde_json::{Value as Json, json};

use crate::disk::{Crash, Disk};
use crate::wait::keep;
use crate::world::{Tools, World, flow, submission};

fn owner() -> Actor {
    Actor("owner".to_owned())
}

/// Adds what each signal brings, until it is a hundred; it tells its sum each time.
fn adding(kind: &str, max_events: u64) -> Json {
    let mut adding = flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "set", "into": "sum", "value": "0", "next": "n2" },
            "n2": { "type": "action", "op": "await", "signal": "add", "into": "x", "next": "n3" },
            "n3": { "type": "action", "op": "set", "into": "sum", "value": "v['sum'] + v['x']", "next": "n4" },
            "n4": { "type": "decision", "when": "v['sum'] < 100", "then": "n2", "else": "n5" },
            "n5": { "type": "return", "status": "completed", "value": "v['sum']" },
        }),
    );
    adding["flow"]["kind"] = json!(kind);
    adding["policy"]["limits"] = json!({ "max_events": max_events });
    adding
}

async fn drive_a_little(engine: &Arc<Engine>, run: &RunId) -> Driven {
    engine.drive_until_it_waits(run, Duration::ZERO).await.unwrap()
}

async fn record(world: &World, run: &RunId) -> RunRecord {
    world.store.run(run).await.unwrap().unwrap()
}

/// The run and those that went on in its place.
async fn line(world: &World, run: &RunId) -> Vec<RunRecord> {
    let mut line = vec![record(world, run).await];
    while let Some(next) = line.last().unwrap().continued_by.clone() {
        line.push(record(world, &next).await);
    }
    line
}

async fn assert_whole(world: &World, run: &RunId) {
    let line = line(world, run).await;
    for (number, run) in line.iter().enumerate() {
        let report = world.engine().replay(&run.id, None).await.unwrap();
        let expected = if run.status.is_terminal() { Verdict::Same } else { Verdict::Unfinished };
        assert_eq!(report.verdict, expected, "{number}");
        let before = number.checked_sub(1).map(|before| line[before].id.clone());
        assert_eq!(run.continues, before);
        assert_eq!(run.status == RunStatus::Continued, number + 1 < line.len());
    }
}

#[tokio::test]
async fn a_machine_outlives_its_history() {
    let world = World::new(Tools::default(), &json!({}));
    let run = world.engine().submit(submission(&adding("machine", 20))).await.unwrap();
    for _ in 0..9 {
        let engine = world.engine();
        // By the id of the first run, and with one more that nobody has taken yet.
        engine.signal(&run, "add", 5_i64.into(), &owner()).await.unwrap();
        engine.signal(&run, "add", 5_i64.into(), &owner()).await.unwrap();
        assert!(matches!(drive_a_little(&engine, &run).await, Driven::Waits(_)));
    }
    let engine = world.engine();
    engine.signal(&run, "add", 10_i64.into(), &owner()).await.unwrap();
    assert_eq!(engine.drive(&run).await.unwrap(), RunEnd::Completed { result: 100_i64.into() });
    let line = line(&world, &run).await;
    assert!(line.len() >= 4, "{} runs", line.len());
    assert!(line.iter().all(|run| run.events <= 20), "{line:?}");
    assert_eq!(line.last().unwrap().result, Some(100_i64.into()));
    assert_whole(&world, &run).await;
    let last = world.events(&line[0].id).await.pop().unwrap();
    assert!(matches!(last, Payload::RunContinued { run, .. } if run == line[1].id.as_str()));
}

#[tokio::test]
async fn a_procedure_meets_the_limit() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine();
    let run = engine.submit(submission(&adding("procedure", 10))).await.unwrap();
    for _ in 0..4 {
        let _ = engine.signal(&run, "add", 1_i64.into(), &owner()).await;
        drive_a_little(&engine, &run).await;
    }
    let RunEnd::Failed { error, .. } = engine.drive(&run).await.unwrap() else { panic!() };
    assert_eq!(error.code, "limit_events");
    world.assert_replays(&run).await;
}

#[tokio::test]
async fn cancelling_finds_the_newest_run() {
    let world = World::new(Tools::default(), &json!({}));
    let engine = world.engine();
    let run = engine.submit(submission(&adding("machine", 8))).await.unwrap();
    for _ in 0..3 {
        engine.signal(&run, "add", 1_i64.into(), &owner()).await.unwrap();
        drive_a_little(&engine, &run).await;
    }
    engine.cancel(&run, &owner(), "enough").await.unwrap();
    let line = line(&world, &run).await;
    assert!(line.len() > 1 && line.last().unwrap().status == RunStatus::Cancelled, "{line:?}");
    assert_whole(&world, &run).await;
}

#[tokio::test]
async fn a_run_that_waits_for_a_machine_has_the_result_of_the_last() {
    let world = World::new(Tools::default(), &json!({}));
    let hash = keep(&world, &adding("machine", 8)).await;
    let calls = flow(
        &[],
        &json!({
            "n1": { "type": "action", "op": "flow", "flow": "archivist", "hash": hash, "into": "x", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['x'] + 1" },
        }),
    );
    let engine = world.engine();
    let parent = engine.submit(submission(&calls)).await.unwrap();
    let Driven::Waits(waits) = drive_a_little(&engine, &parent).await else { panic!() };
    let child = waits.iter().find(|wait| wait.run != parent).unwrap().run.clone();
    for _ in 0..10 {
        engine.signal(&child, "add", 10_i64.into(), &owner()).await.unwrap();
        drive_a_little(&engine, &child).await;
        drive_a_little(&engine, &parent).await;
    }
    assert_eq!(engine.drive(&parent).await.unwrap(), RunEnd::Completed { result: 101_i64.into() });
    assert!(line(&world, &child).await.len() > 1);
    assert_whole(&world, &child).await;
    world.assert_replays(&parent).await;
}

#[tokio::test]
async fn a_crash_at_every_commit_leaves_one_run_that_goes_on() {
    for crash in [Crash::Before, Crash::After] {
        for survives in 1..60 {
            let world = World::new(Tools::default(), &json!({}));
            let disk = Arc::new(Disk::crashing(world.store.clone(), survives, crash));
            let engine = world.engine_on(disk.clone());
            let Ok(run) = engine.submit(submission(&adding("machine", 8))).await else { continue };
            let mut sent = 0;
            while sent < 4 {
                let crashed = engine.signal(&run, "add", 25_i64.into(), &owner()).await.is_err()
                    || engine.drive_until_it_waits(&run, Duration::ZERO).await.is_err();
                if crashed {
                    break;
                }
                sent += 1;
            }
            disk.settle().await;
            // What is recorded goes on, whatever was heard of it.
            let engine = world.engine();
            let mut driven = drive_a_little(&engine, &run).await;
            while let Driven::Waits(_) = driven {
                engine.signal(&run, "add", 25_i64.into(), &owner()).await.unwrap();
                driven = drive_a_little(&engine, &run).await;
            }
            assert!(matches!(driven, Driven::Ended(RunEnd::Completed { .. })), "{crash:?} commit {survives}");
            assert_whole(&world, &run).await;
            if sent == 4 {
                break;
            }
        }
    }
}
