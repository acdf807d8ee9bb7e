//! `llm-tasks`.

use serde_json::{Value, json};

use crate::world::{START, World};

const TASKS: &str = "/api/runtime/llm-tasks";

#[tokio::test]
async fn task_is_created_as_it_was_asked_for() {
    let world = World::new();
    let body = json!({
        "context_id": "project-context-123", "agent_slug": "code-review", "prompt": "Review this function",
        "priority": 5, "context_hints": { "file": "src/auth.ts", "a": 1 },
    });
    let task = world.post(TASKS, body).await.ok(201);
    assert_eq!(
        task,
        json!({
            "id": task["id"], "context_id": "project-context-123", "agent_slug": "code-review",
            "prompt": "Review this function", "context_hints": ["a: 1", "file: src/auth.ts"],
            "policy": { "timeout_sec": 120, "budget": 0 }, "desired_format": "text", "status": "queued",
            "created_at": START, "updated_at": START, "lease_id": null, "worker_id": null, "attempts": 0,
            "max_attempts": 3, "priority": 5,
        })
    );
    let path = format!("{TASKS}/{}", task["id"].as_str().unwrap());
    assert_eq!(world.get(&path).await.ok(200), task);
    let body = json!({
        "context_id": "c", "agent_slug": "a", "prompt": "p", "context_hints": ["x"], "desired_format": "json",
        "policy": { "timeout_sec": 3600, "budget": 50000 }, "max_attempts": 10, "id": "mine", "status": "dead",
    });
    let task = world.post(TASKS, body).await.ok(201);
    assert_eq!(task["policy"], json!({ "timeout_sec": 3600, "budget": 50000 }));
    assert_eq!((&task["desired_format"], &task["max_attempts"]), (&json!("json"), &json!(10)));
    assert_eq!((&task["status"], &task["context_hints"]), (&json!("queued"), &json!(["x"])));
    assert_ne!(task["id"], "mine", "what is the server's is not the client's to say");
    assert_eq!(world.actions().await, ["task_created", "task_created"]);
}

#[tokio::test]
async fn wrong_body_of_a_task_is_told_by_member() {
    let world = World::new();
    assert_eq!(world.post(TASKS, json!({})).await.wrong(), ["agent_slug", "context_id", "prompt"]);
    let body = json!({
        "context_id": 1, "agent_slug": "", "prompt": "p", "context_hints": [1], "desired_format": "xml",
        "policy": { "timeout_sec": 0 }, "max_attempts": 11, "priority": "high",
    });
    let wrong = ["agent_slug", "context_hints", "context_id", "desired_format", "max_attempts", "policy", "priority"];
    assert_eq!(world.post(TASKS, body).await.wrong(), wrong);
    for body in ["[]", "{", "\"x\""] {
        let refused = world.send(axum::http::Method::POST, TASKS, Some(body.to_owned()), Some(crate::world::KEY)).await;
        let refused = refused.ok(400);
        assert_eq!(refused["error"]["formErrors"].as_array().unwrap().len(), 1, "{refused}");
        assert_eq!(refused["error"]["fieldErrors"], json!({}));
    }
    assert_eq!(world.get(TASKS).await.ok(200), json!([]), "nothing was created");
}

#[tokio::test]
async fn tasks_are_listed_newest_first_and_by_status() {
    let world = World::new();
    world.agent("rpi4b").await;
    let first = world.task(json!({})).await;
    world.pass(1);
    let second = world.task(json!({})).await;
    world.post(&format!("{first}/lease"), json!({})).await.ok(201);
    let ids = |list: Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|task| format!("{TASKS}/{}", task["id"].as_str().unwrap())).collect()
    };
    assert_eq!(ids(world.get(TASKS).await.ok(200)), [second.clone(), first.clone()]);
    assert_eq!(ids(world.get("/api/runtime/runs").await.ok(200)), [second.clone(), first.clone()]);
    assert_eq!(ids(world.get(&format!("{TASKS}?status=queued")).await.ok(200)), [second]);
    assert_eq!(ids(world.get(&format!("{TASKS}?status=leased")).await.ok(200)), std::slice::from_ref(&first));
    world.post(&format!("{first}/heartbeat"), json!({})).await.ok(200);
    assert_eq!(world.get(&format!("{TASKS}?status=leased")).await.ok(200), json!([]));
    assert_eq!(ids(world.get(&format!("{TASKS}?status=running")).await.ok(200)), [first]);
    assert!(world.get(&format!("{TASKS}?status=lost")).await.error(400).starts_with("status: Expected 'queued' | "));
}

#[tokio::test]
async fn unknown_task_is_not_found() {
    let world = World::new();
    assert_eq!(world.get(&format!("{TASKS}/none")).await.error(404), "Task not found");
    let complete = json!({ "status": "success", "output": "x", "metrics": { "duration_ms": 1 } });
    for (what, body) in [("lease", json!({})), ("heartbeat", json!({})), ("complete", complete), ("requeue", json!({}))]
    {
        assert_eq!(world.post(&format!("{TASKS}/none/{what}"), body).await.error(404), "Task not found", "{what}");
    }
}

#[tokio::test]
async fn task_is_leased_to_the_best_worker_or_to_the_one_that_is_named() {
    let world = World::new();
    let task = world.task(json!({})).await;
    let lease = format!("{task}/lease");
    assert_eq!(world.post(&lease, json!({})).await.error(503), "No available worker with free capacity");
    world.agent("rpi4b").await;
    world.agent("rpi5").await;
    assert_eq!(world.post(&lease, json!({ "worker_id": "none" })).await.error(404), "Worker not found");
    assert_eq!(
        world.post(&lease, json!({ "ttl_seconds": 0, "worker_id": 1 })).await.wrong(),
        ["ttl_seconds", "worker_id"]
    );
    let leased = world.post(&lease, json!({ "worker_id": "rpi5", "ttl_seconds": 60 })).await.ok(201);
    assert_eq!(
        leased["lease"],
        json!({
            "id": leased["lease"]["id"], "task_id": task.rsplit('/').next(), "worker_id": "rpi5",
            "started_at": START, "expires_at": START + 60_000, "ttl_seconds": 60, "status": "active",
            "last_heartbeat": START, "context_id": "c1", "epoch": 1,
        })
    );
    assert_eq!((&leased["worker"]["id"], &leased["worker"]["active_leases"]), (&json!("rpi5"), &json!(1)));
    let held = world.get(&task).await.ok(200);
    assert_eq!(
        (&held["status"], &held["lease_id"], &held["worker_id"], &held["attempts"]),
        (&json!("leased"), &leased["lease"]["id"], &json!("rpi5"), &json!(1))
    );
    assert!(world.post(&lease, json!({})).await.error(409).contains("not queued"));
    let second = world.task(json!({})).await;
    let body = json!({ "worker_id": "rpi5" });
    assert_eq!(world.post(&format!("{second}/lease"), body).await.error(503), "No available worker with free capacity");
    let leased = world.post(&format!("{second}/lease"), json!({})).await.ok(201);
    assert_eq!((&leased["lease"]["worker_id"], &leased["lease"]["ttl_seconds"]), (&json!("rpi4b"), &json!(300)));
    assert_eq!(world.actions().await[..2], ["task_leased", "task_created"]);
}

#[tokio::test]
async fn heartbeat_prolongs_the_lease() {
    let world = World::new();
    world.agent("rpi4b").await;
    let task = world.task(json!({})).await;
    let beat = format!("{task}/heartbeat");
    assert_eq!(world.post(&beat, json!({})).await.error(404), "No active lease for this task");
    let lease = world.post(&format!("{task}/lease"), json!({})).await.ok(201)["lease"].clone();
    world.pass(10_000);
    let beaten = world.post(&beat, json!({})).await.ok(200);
    assert_eq!(
        (&beaten["expires_at"], &beaten["lease"]["last_heartbeat"]),
        (&json!(START + 310_000), &json!(START + 10_000))
    );
    assert_eq!(world.get(&task).await.ok(200)["status"], "running");
    world.post(&beat, json!({ "lease_id": lease["id"], "epoch": 1 })).await.ok(200);
    for (id, epoch) in [(lease["id"].clone(), 2), (json!("other"), 1)] {
        let stale = world.post(&beat, json!({ "lease_id": id, "epoch": epoch })).await;
        assert!(matches!(stale.status, 404 | 409), "{stale:?}");
    }
    let stale = world.post(&beat, json!({ "lease_id": lease["id"], "epoch": 2 })).await.ok(409);
    assert_eq!(stale["code"], "LEASE_STALE");
    assert_eq!(world.post(&beat, json!({ "epoch": "x" })).await.wrong(), ["epoch"]);
}

#[tokio::test]
async fn completion_makes_an_artifact_and_a_result() {
    let world = World::new();
    world.agent("rpi4b").await;
    let task = world.task(json!({})).await;
    let complete = format!("{task}/complete");
    let success = json!({
        "status": "success", "output": "Готово", "metrics": { "duration_ms": 1200, "tokens_used": 7 }, "artifact_tags": ["x"],
    });
    assert_eq!(world.post(&complete, success.clone()).await.error(409), "Task is not leased or running");
    let lease = world.post(&format!("{task}/lease"), json!({})).await.ok(201)["lease"]["id"].clone();
    world.pass(1200);
    let done = world.post(&complete, success.clone()).await.ok(200);
    assert_eq!((&done["task"]["status"], &done["task"]["lease_id"]), (&json!("completed"), &Value::Null));
    assert_eq!(
        done["artifact"],
        json!({
            "id": done["artifact"]["id"], "task_id": task.rsplit('/').next(), "job_id": null, "type": "LLM_RESULT",
            "created_at": START + 1200, "finalized": true,
            "url": format!("/api/v1/artifacts/{}", done["artifact"]["id"].as_str().unwrap()), "entity_refs": [], "tags": ["x"], "content": "Готово",
        })
    );
    assert_eq!(
        done["result"],
        json!({
            "id": lease, "task_id": task.rsplit('/').next(), "worker_id": "rpi4b", "artifact_id": done["artifact"]["id"],
            "status": "success", "output": "Готово", "error_message": null,
            "metrics": { "duration_ms": 1200, "tokens_used": 7 }, "completed_at": START + 1200,
        })
    );
    world.pass(5);
    assert_eq!(world.post(&complete, success).await.ok(200), done, "telling it again is harmless");
    let other = json!({ "status": "success", "output": "Інше", "metrics": { "duration_ms": 1 } });
    assert_eq!(world.post(&complete, other).await.ok(409)["code"], "LEASE_STALE");
    let listed =
        world.get(&format!("/api/runtime/artifacts?task_id={}", task.rsplit('/').next().unwrap())).await.ok(200);
    assert_eq!(listed, json!([done["artifact"]]));
    assert_eq!(world.get("/api/runtime/artifacts?task_id=none").await.ok(200), json!([]));
    assert_eq!(world.actions().await[0], "task_completed");
}

#[tokio::test]
async fn wrong_completion_is_told_by_member_and_changes_nothing() {
    let world = World::new();
    world.agent("rpi4b").await;
    let task = world.task(json!({})).await;
    world.post(&format!("{task}/lease"), json!({})).await.ok(201);
    let complete = format!("{task}/complete");
    assert_eq!(world.post(&complete, json!({})).await.wrong(), ["metrics", "status"]);
    let metrics = json!({ "duration_ms": -1 });
    let body = json!({ "status": "success", "metrics": metrics, "artifact_tags": "x", "retryable": 1 });
    assert_eq!(world.post(&complete, body).await.wrong(), ["artifact_tags", "metrics", "output", "retryable"]);
    let body = json!({ "status": "error", "metrics": { "duration_ms": 1 } });
    assert_eq!(world.post(&complete, body).await.wrong(), ["error_message"]);
    let body = json!({ "status": "success", "output": "x", "metrics": { "duration_ms": 1 }, "worker_id": "other" });
    assert_eq!(world.post(&complete, body).await.ok(409)["code"], "LEASE_STALE");
    assert_eq!(world.get(&task).await.ok(200)["status"], "leased");
}

#[tokio::test]
async fn failed_task_is_tried_again_until_it_is_dead_and_a_person_revives_it() {
    let world = World::new();
    world.agent("rpi4b").await;
    let task = world.task(json!({ "max_attempts": 2 })).await;
    let requeue = format!("{task}/requeue");
    assert!(world.post(&requeue, json!({})).await.error(409).contains("neither failed nor dead"));
    let failure = |retryable: bool| json!({ "status": "error", "error_message": "no", "metrics": { "duration_ms": 1 }, "retryable": retryable });
    let mut seen = Vec::new();
    for _ in 0..2 {
        let lease = world.post(&format!("{task}/lease"), json!({})).await.ok(201)["lease"].clone();
        let mut body = failure(true);
        (body["lease_id"], body["epoch"]) = (lease["id"].clone(), lease["epoch"].clone());
        let done = world.post(&format!("{task}/complete"), body.clone()).await.ok(200);
        assert_eq!((&done["result"]["status"], &done["result"]["error_message"]), (&json!("error"), &json!("no")));
        assert_eq!(world.post(&format!("{task}/complete"), body).await.ok(200), done);
        let entry = world.get("/api/runtime/audit?limit=1").await.ok(200)[0].clone();
        let (detail, became) = (&entry["detail"], &done["task"]["status"]);
        assert_eq!((&entry["action"], &detail["status"]), (&json!("task_completed"), &json!("error")), "{entry}");
        assert_eq!(&detail["task_status"], became, "{entry}");
        seen.push(done["task"]["status"].clone());
    }
    assert_eq!(seen, ["queued", "dead"]);
    let again = world.post(&requeue, json!({})).await.ok(200);
    assert_eq!((&again["status"], &again["attempts"]), (&json!("queued"), &json!(0)));
    assert_eq!(world.actions().await[0], "task_requeued");

    let lease = world.post(&format!("{task}/lease"), json!({})).await.ok(201)["lease"].clone();
    assert_eq!(lease["epoch"], 3, "the epoch is never lowered");
    // Who does not know of epochs may not act any more.
    assert_eq!(world.post(&format!("{task}/complete"), failure(false)).await.ok(409)["code"], "LEASE_STALE");
    assert_eq!(world.post(&format!("{task}/heartbeat"), json!({})).await.ok(409)["code"], "LEASE_STALE");
    let mut body = failure(false);
    (body["lease_id"], body["epoch"]) = (lease["id"].clone(), json!(3));
    assert_eq!(world.post(&format!("{task}/complete"), body).await.ok(200)["task"]["status"], "failed");
    world.post(&requeue, json!({})).await.ok(200);
}

#[tokio::test]
async fn output_must_be_what_was_asked_for_and_an_envelope_is_unwrapped() {
    let world = World::new();
    world.agent("rpi4b").await;
    let envelope = json!({
        "type": "result", "is_error": false, "result": "{\"a\":1}", "usage": { "input_tokens": 5, "output_tokens": 6 },
    });
    let mut states = Vec::new();
    for output in ["no JSON".to_owned(), envelope.to_string()] {
        let task = world.task(json!({ "desired_format": "json" })).await;
        world.post(&format!("{task}/lease"), json!({})).await.ok(201);
        let body = json!({ "status": "success", "output": output, "metrics": { "duration_ms": 1 } });
        let done = world.post(&format!("{task}/complete"), body).await.ok(200);
        states.push(done["task"]["status"].clone());
    }
    assert_eq!(states, ["failed", "completed"]);
    let tasks = bloom_runtime::store::TaskFilter {
        status: Some(bloom_runtime::record::TaskStatus::Completed),
        limit: 9,
        ..bloom_runtime::store::TaskFilter::default()
    };
    let answer = world.store.list_tasks(&tasks).await.unwrap()[0].answer.clone().unwrap();
    assert_eq!((answer.value.to_json(), answer.usage.unwrap().tokens()), (json!({ "a": 1 }), 11));
}
