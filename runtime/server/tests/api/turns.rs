//! Runs that wait for their turn.

use std::collections::BTreeMap;

use bloom_runtime::engine::{Admission, Share};
use serde_json::{Value as Json, json};

use crate::world::{Setup, World, awaiting, plain};

/// One run of each flow, of which so many wait.
fn world(queued: u32) -> World {
    World::with(limited(queued))
}

fn limited(queued: u32) -> Setup {
    let each_agent = Share { at_once: Some(1), queued: Some(queued) };
    let admission = Admission { at_once: Some(10), each_agent, agents: BTreeMap::new() };
    Setup { admission, ..Setup::default() }
}

async fn submitted(world: &World, flow: &str) -> Json {
    world.post(&format!("/api/v1/flows/{flow}/runs"), &json!({})).await.ok(202)
}

async fn seen(world: &World, run: &Json) -> Json {
    world.get(&format!("/api/v1/runs/{}", run["run_id"].as_str().unwrap())).await.ok(200)
}

async fn signal(world: &World, run: &Json) -> crate::world::Answered {
    let path = format!("/api/v1/runs/{}/signal/go", run["run_id"].as_str().unwrap());
    for _ in 0..12_000 {
        let answered = world.post(&path, &json!(7)).await;
        if answered.status != 409 {
            return answered;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("it never begins")
}

#[tokio::test]
async fn a_queued_run_says_its_turn_and_begins_when_it_has_come() {
    let world = world(5);
    world.published(&awaiting("wait")).await;
    let first = submitted(&world, "wait").await;
    assert_eq!((&first["status"], &first["queue_position"]), (&json!("running"), &Json::Null));
    let second = submitted(&world, "wait").await;
    let third = submitted(&world, "wait").await;
    assert_eq!((&second["status"], &second["queue_position"]), (&json!("queued"), &json!(1)));
    assert_eq!((&third["status"], &third["queue_position"]), (&json!("queued"), &json!(2)));
    assert_eq!((&third["started_at"], &third["current_step"], &third["events"]), (&Json::Null, &Json::Null, &json!(0)));
    let list = world.get("/api/v1/runs?status=queued&agent=wait").await.ok(200);
    assert_eq!((&list["total"], &list["runs"][0]["run_id"]), (&json!(2), &third["run_id"]));

    let path = format!("/api/v1/runs/{}", second["run_id"].as_str().unwrap());
    let refused = world.post(&format!("{path}/signal/go"), &json!(7)).await.refused(409, "INVALID_TRANSITION");
    assert_eq!(refused["details"]["status"], "queued");
    for (what, expected) in [("history", "[]"), ("steps", "[]")] {
        let told = world.get(&format!("{path}/{what}")).await.ok(200);
        let told = if what == "steps" { &told["steps"] } else { &told["events"] };
        assert_eq!(told.to_string(), expected);
    }
    assert_eq!(world.get(&format!("{path}/trace")).await.ok(200)["agrees"], true);
    assert_eq!(world.get(&format!("{path}/envelope")).await.ok(200)["result"], Json::Null);
    let replayed = world.post(&format!("{path}/replay"), &json!({})).await.ok(200);
    assert_eq!((&replayed["agrees"], &replayed["agreed"]), (&json!(true), &json!(0)));
    world.post(&format!("{path}/fork"), &json!({ "at": 1 })).await.refused(400, "VALIDATION_FAILED");

    signal(&world, &first).await.ok(202);
    signal(&world, &second).await.ok(202);
    signal(&world, &third).await.ok(202);
    let mut before = String::new();
    for run in [&first, &second, &third] {
        let id = run["run_id"].as_str().unwrap();
        for _ in 0..12_000 {
            if seen(&world, run).await["status"] == "completed" {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        let run = seen(&world, run).await;
        assert_eq!(run["status"], "completed", "{id}");
        assert!(run.get("queue_position").is_none(), "{run}");
        let began = run["started_at"].as_str().unwrap();
        assert!(began > before.as_str(), "{began} is not after {before}");
        before = run["finished_at"].as_str().unwrap().to_owned();
    }
    world.end().await;
}

#[tokio::test]
async fn a_server_that_starts_tells_the_turns_of_those_that_wait_before_it_takes_a_request() {
    let before = world(5);
    before.published(&awaiting("wait")).await;
    let mut runs = Vec::new();
    for _ in 0..3 {
        runs.push(submitted(&before, "wait").await);
    }
    let store = before.store.clone();
    before.end().await;
    // Nobody looks after its runs yet.
    let after = World::with(Setup { store: Some(store), has_worker: false, is_tended: false, ..limited(5) });
    let first_request = async {
        for (run, turn) in runs.iter().zip([Json::Null, json!(1), json!(2)]) {
            assert_eq!(seen(&after, run).await["queue_position"], turn);
        }
        Ok(())
    };
    Box::pin(after.server.serve_by(first_request)).await.unwrap();
    after.end().await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_keeps_nothing_until_there_is_room() {
    let world = world(1);
    world.published(&awaiting("wait")).await;
    world.published(&plain("other", "1.0.0")).await;
    let first = submitted(&world, "wait").await;
    let second = submitted(&world, "wait").await;
    let headers = [("content-type", "application/json"), ("idempotency-key", "k")];
    let submit = || world.send("POST", "/api/v1/flows/wait/runs", &headers, "{}");
    let (audit, answered) = (world.get("/api/v1/audit").await.ok(200), submit().await);
    assert_eq!(answered.headers["retry-after"], "1");
    let refused = answered.refused(429, "RATE_LIMITED");
    assert_eq!(refused["details"], json!({ "agent": "wait", "under_way": 1, "queued": 1 }));
    let rerun = format!("/api/v1/runs/{}/rerun", first["run_id"].as_str().unwrap());
    world.send("POST", &rerun, &[], "").await.refused(429, "RATE_LIMITED");
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 2);
    assert_eq!(world.get("/api/v1/audit").await.ok(200), audit);
    world.post("/api/v1/flows/other/runs?wait=30", &json!({})).await.ok(200);

    let cancel = format!("/api/v1/runs/{}/cancel", second["run_id"].as_str().unwrap());
    let cancelled = world.post(&cancel, &json!({})).await.ok(200);
    assert_eq!((&cancelled["status"], &cancelled["started_at"]), (&json!("cancelled"), &Json::Null));
    assert_eq!((&cancelled["duration_ms"], cancelled["finished_at"].is_string()), (&Json::Null, true));
    let accepted = submit().await.ok(202);
    assert_eq!((&accepted["status"], &accepted["queue_position"]), (&json!("queued"), &json!(1)));
    assert_eq!(submit().await.ok(202)["run_id"], accepted["run_id"], "a repetition is no other run");
    world.end().await;
}

#[tokio::test]
async fn of_several_submissions_at_once_no_more_are_accepted_than_there_is_room_for() {
    let world = world(2);
    world.published(&awaiting("wait")).await;
    let submit = || world.send("POST", "/api/v1/flows/wait/runs", &[("content-type", "application/json")], "{}");
    let answers = futures::future::join_all((0..5).map(|_| submit())).await;
    let mut told: Vec<String> = answers
        .iter()
        .map(|answered| match answered.status {
            202 => answered.json()["status"].as_str().unwrap().to_owned(),
            status => status.to_string(),
        })
        .collect();
    told.sort();
    assert_eq!(told, ["429", "429", "queued", "queued", "running"]);
    assert_eq!(world.get("/api/v1/runs").await.ok(200)["total"], 3);
    world.end().await;
}
