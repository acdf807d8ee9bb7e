//! Node agents: the server calls them.

use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::world::World;

/// What an agent was asked, by path.
type Asked = Arc<Mutex<Vec<(&'static str, Value)>>>;

/// An agent on this machine, that does what it is told.
async fn agent() -> (String, Asked) {
    let asked = Asked::default();
    let take = |path: &'static str, answer: Value| {
        post(move |State(asked): State<Asked>, Json(body): Json<Value>| async move {
            asked.lock().unwrap().push((path, body));
            Json(answer)
        })
    };
    let health = |State(asked): State<Asked>, headers: HeaderMap| async move {
        let key = headers.get("x-membridge-agent").map(|key| key.to_str().unwrap().to_owned());
        asked.lock().unwrap().push(("/health", json!(key)));
        Json(json!({ "status": "ok", "version": "0.3.1", "os_info": "Alpine", "ip_addrs": ["10.0.0.2"] }))
    };
    let router = Router::new()
        .route("/health", get(health))
        .route("/self-update", take("/self-update", json!({ "version": "0.3.2", "status": "fine" })))
        .route("/restart", post(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "no systemd") }))
        .route("/uninstall", take("/uninstall", json!({})))
        .route("/execute-task", take("/execute-task", json!({ "accepted": true })))
        .with_state(asked.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, asked)
}

async fn registered(world: &World, name: &str, url: &str) {
    world.post("/api/runtime/workers", json!({ "name": name, "url": url })).await.ok(201);
}

/// Where nobody listens.
const NOWHERE: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn agent_is_asked_how_it_is() {
    let world = World::new();
    let health = |name: &str| format!("/api/runtime/workers/{name}/agent-health");
    assert_eq!(world.get(&health("none")).await.error(404), "Worker not found");
    world.puller("w1", 1).await;
    assert_eq!(world.get(&health("w1")).await.error(400), "Worker has no URL");
    let (url, asked) = agent().await;
    registered(&world, "rpi4b", &url).await;
    let answer = world.get(&health("rpi4b")).await.ok(200);
    assert_eq!((&answer["reachable"], &answer["version"]), (&json!(true), &json!("0.3.1")));
    assert_eq!(*asked.lock().unwrap(), [("/health", json!("the agents' key"))]);
    let shown = world.get("/api/runtime/workers/rpi4b").await.ok(200);
    assert_eq!(
        (&shown["agent_version"], &shown["os_info"], &shown["ip_addrs"]),
        (&json!("0.3.1"), &json!("Alpine"), &json!(["10.0.0.2"]))
    );
    registered(&world, "gone", NOWHERE).await;
    let answer = world.get(&health("gone")).await.ok(200);
    assert_eq!(answer["reachable"], false);
    assert!(answer["error"].is_string(), "{answer}");
    assert_eq!(world.get("/api/runtime/workers/gone").await.ok(200)["status"], "offline");
}

#[tokio::test]
async fn agent_is_told_what_to_do_with_itself() {
    let world = World::new();
    let at = |name: &str, what: &str| format!("/api/runtime/workers/{name}/agent-{what}");
    let (url, asked) = agent().await;
    registered(&world, "rpi4b", &url).await;
    registered(&world, "gone", NOWHERE).await;
    world.puller("w1", 1).await;
    for what in ["update", "restart", "uninstall"] {
        assert_eq!(world.post(&at("none", what), json!({})).await.error(404), "Worker not found");
        assert_eq!(world.post(&at("w1", what), json!({})).await.error(400), "Worker has no URL");
        world.post(&at("gone", what), json!({})).await.error(502);
    }
    for odd in [json!(1), json!("ext::sh -c id"), json!("-u")] {
        assert_eq!(world.post(&at("rpi4b", "update"), json!({ "repo_url": odd })).await.wrong(), ["repo_url"]);
    }
    let updated = world.post(&at("rpi4b", "update"), json!({ "repo_url": "https://x.org/a.git" })).await.ok(200);
    assert_eq!(updated, json!({ "status": "updated", "version": "0.3.2" }));
    assert_eq!(world.post(&at("rpi4b", "uninstall"), json!({})).await.ok(200), json!({ "status": "uninstalled" }));
    assert!(world.post(&at("rpi4b", "restart"), json!({})).await.error(502).contains("no systemd"));
    assert_eq!(
        *asked.lock().unwrap(),
        [("/self-update", json!({ "repo_url": "https://x.org/a.git" })), ("/uninstall", json!({}))]
    );
    assert_eq!(world.actions().await[..2], ["agent_uninstalled", "agent_updated"]);
}

#[tokio::test]
async fn task_is_sent_to_an_agent_which_completes_it_late() {
    let world = World::new();
    let dispatch = |task: &str| format!("{task}/dispatch");
    assert_eq!(world.post("/api/runtime/llm-tasks/none/dispatch", json!({})).await.error(404), "Task not found");
    let task = world.task(json!({ "context_hints": ["src"] })).await;
    world.puller("w1", 1).await;
    let refused = world.post(&dispatch(&task), json!({})).await;
    assert_eq!(refused.error(503), "No available worker with free capacity", "nothing is sent to who pulls");
    assert_eq!(world.post(&dispatch(&task), json!({ "worker_id": "w1" })).await.error(400), "Worker has no URL");
    assert_eq!(world.post(&dispatch(&task), json!({ "worker_id": "none" })).await.error(404), "Worker not found");
    assert_eq!(world.post(&dispatch(&task), json!({ "worker_id": 1 })).await.wrong(), ["worker_id"]);
    registered(&world, "gone", NOWHERE).await;
    world.post(&dispatch(&task), json!({})).await.error(502);
    let back = world.get(&task).await.ok(200);
    assert_eq!((&back["status"], &back["attempts"]), (&json!("queued"), &json!(0)), "the lease was given back");
    assert_eq!(world.actions().await[..2], ["task_requeued", "dispatch_failed"]);

    let (url, asked) = agent().await;
    registered(&world, "rpi4b", &url).await;
    let sent = world.post(&dispatch(&task), json!({})).await.ok(200);
    let lease = &sent["lease_id"];
    let expected = json!({
        "dispatched": true, "task_id": back["id"], "worker_id": "rpi4b", "lease_id": lease, "execution": { "accepted": true },
    });
    assert_eq!(sent, expected);
    assert!(world.post(&dispatch(&task), json!({})).await.error(409).contains("not queued"));
    let (path, body) = asked.lock().unwrap().pop().unwrap();
    let own_url = body["runtime_url"].as_str().unwrap().to_owned();
    assert_eq!(path, "/execute-task");
    assert_eq!(
        body,
        json!({
            "task_id": back["id"], "prompt": "Review this", "context_id": "c1", "agent_slug": "code-review",
            "desired_format": "text", "context_hints": ["src"], "policy": { "timeout_sec": 120, "budget": 0 },
            "runtime_url": own_url,
        })
    );
    // It had a lease before, but the URL says which one is meant; and it is late.
    let prefix = own_url.strip_prefix("http://127.0.0.1:5000").unwrap();
    world.pass(300_001);
    assert_eq!(world.engine.reap().await.unwrap(), 1);
    let done = json!({ "status": "success", "output": "Готово", "metrics": { "duration_ms": 1 } });
    let path = format!("{prefix}{task}/complete");
    let done = world.send(axum::http::Method::POST, &path, Some(done.to_string()), None).await.ok(200);
    assert_eq!((&done["task"]["status"], &done["result"]["id"]), (&json!("completed"), lease));
}

#[tokio::test]
async fn agent_that_refuses_has_had_an_attempt_and_no_secret_of_it_is_kept() {
    let world = World::new();
    // It says again what it was told, and more than anybody wants to read.
    let refuse = |asked: String| async move { (StatusCode::INTERNAL_SERVER_ERROR, asked + &"x".repeat(5000)) };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/execute-task", post(refuse));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    registered(&world, "rpi4b", &url).await;
    let task = world.task(json!({})).await;
    let told = world.post(&format!("{task}/dispatch"), json!({})).await.error(502);
    assert!(told.contains("/l/…") && told.chars().count() == 1000, "{told}");
    let failed = world.get(&task).await.ok(200);
    assert_eq!((&failed["status"], &failed["attempts"]), (&json!("queued"), &json!(1)), "it may have been paid for");
    let log = world.get("/api/runtime/audit").await.ok(200);
    assert_eq!((&log[1]["action"], &log[1]["detail"]["error"]), (&json!("dispatch_failed"), &json!(told)));
}

#[tokio::test]
async fn nothing_is_sent_to_agents_that_could_not_answer() {
    let world = World::with(|config| config.listen = "0.0.0.0:5000".parse().unwrap());
    let (url, asked) = agent().await;
    registered(&world, "rpi4b", &url).await;
    let task = world.task(json!({})).await;
    let told = world.post(&format!("{task}/dispatch"), json!({})).await.error(503);
    assert!(told.contains("server.public_url"), "{told}");
    assert_eq!(world.get(&task).await.ok(200)["status"], "queued");
    assert!(asked.lock().unwrap().is_empty());
    let told = world.get("/api/runtime/agent-install-script").await.error(400);
    assert!(told.contains("server.public_url"), "{told}");
}
