//! What the tests of the pages of machines and their work share.

use bloom_runtime::record::{LeaseEnding, TaskId, WorkerId};
use bloom_runtime::store::Grant;
use serde_json::json;

use crate::world::{Setup, World};

/// A server whose own worker takes nothing, as there is none.
pub(crate) fn idle() -> World {
    World::with(Setup { has_worker: false, ..Setup::default() })
}

/// A page in English.
pub(crate) async fn page(world: &World, path: &str) -> String {
    page_in(world, path, "en").await
}

/// A page in a language. Nothing that others wrote may be markup in it, and all its texts are there.
pub(crate) async fn page_in(world: &World, path: &str, language: &str) -> String {
    let answered = world.send("GET", path, &[("cookie", &format!("bloom_lang={language}"))], "").await;
    let text = answered.text();
    assert_eq!(answered.status, 200, "{path}: {text}");
    assert!(!text.contains("<script>"), "{path}: a text became markup");
    assert!(text.contains(&format!("<html lang=\"{language}\"")), "{path}");
    text
}

/// The status of a page, which is a page all the same.
pub(crate) async fn status(world: &World, path: &str) -> u16 {
    let answered = world.get(path).await;
    assert!(answered.text().starts_with("<!doctype html>"), "{path}");
    answered.status
}

/// What stands between two texts, the first time.
#[track_caller]
pub(crate) fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}"));
    rest.split_once(to).unwrap_or_else(|| panic!("no {to} after {from} in {rest}")).0
}

/// Posts a task, and gives its id.
pub(crate) async fn task(world: &World, prompt: &str) -> String {
    let body = json!({ "context_id": "c1", "agent_slug": "reviewer", "prompt": prompt, "max_attempts": 1 });
    let task = world.post("/api/runtime/llm-tasks", &body).await.ok(201);
    task["id"].as_str().unwrap().to_owned()
}

/// Registers a node agent.
pub(crate) async fn agent(world: &World, name: &str) {
    let body = json!({
        "name": name, "url": "http://127.0.0.1:9", "agent_version": "1.2<script>", "ip_addrs": ["10.0.0.7"],
        "os_info": "Debian", "install_method": "systemd",
    });
    world.post("/api/runtime/workers", &body).await.ok(201);
}

/// Registers a worker that asks for tasks.
pub(crate) async fn puller(world: &World, name: &str) {
    let capabilities =
        json!({ "claude_cli": false, "max_concurrency": 4, "provides": ["llm.claude_cli"], "labels": ["gpu<script>"] });
    world.post("/api/runtime/workers", &json!({ "name": name, "capabilities": capabilities })).await.ok(201);
}

/// Leases a task to a worker.
pub(crate) async fn lease(world: &World, task: &str, worker: &str) -> Grant {
    let worker = WorkerId::new(worker);
    world.engine.lease_task(&TaskId::new(task), Some(&worker), None, None).await.unwrap()
}

/// Ends a lease.
pub(crate) async fn end(world: &World, grant: &Grant, ending: LeaseEnding) {
    world.engine.end_lease(&grant.lease.id, grant.lease.epoch, ending).await.unwrap();
}
