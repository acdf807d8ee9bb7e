//! The table of the API as clients know it: each row's success and each of its errors, with exactly the members and types that
//! are agreed. What the description of the API says may be answered must stand here.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::Method;
use bloom_runtime::record::{CloneStatus, NodeStatus, NodeStatusId, ProjectId, WorkerId};
use serde_json::{Value, json};

use crate::stand_in::{NOWHERE, StandIn, agent, plane};
use crate::world::{KEY, START, World};

// What stands for a value: its type. `?` at the end: or null.
const MS: &str = "milliseconds";
const TEXT: &str = "text";
const INT: &str = "int";

fn task() -> Value {
    json!({
        "id": TEXT, "context_id": TEXT, "agent_slug": TEXT, "prompt": TEXT, "context_hints": [TEXT],
        "policy": { "timeout_sec": INT, "budget": INT }, "desired_format": "text|json",
        "status": "queued|leased|running|completed|failed|dead", "created_at": MS, "updated_at": MS, "lease_id": "text?",
        "worker_id": "text?", "attempts": INT, "max_attempts": INT, "priority": INT,
    })
}

fn lease() -> Value {
    json!({
        "id": TEXT, "task_id": TEXT, "worker_id": TEXT, "started_at": MS, "expires_at": MS, "ttl_seconds": INT,
        "status": "active|released|expired|failed", "last_heartbeat": MS, "context_id": "text?", "epoch": INT,
    })
}

fn worker() -> Value {
    json!({
        "id": TEXT, "node_id": TEXT, "url": "text?", "status": "online|offline|syncing|error|unknown",
        "capabilities": { "claude_cli": "bool", "max_concurrency": INT, "labels": [TEXT], "provides": [TEXT] },
        "last_heartbeat": "milliseconds?", "ip_addrs": [TEXT], "obs_count": INT, "db_sha": "text?", "registered_at": MS,
        "active_leases": INT, "agent_version": "text?", "os_info": "text?", "install_method": "text?",
    })
}

fn with(mut shape: Value, name: &str, member: Value) -> Value {
    shape[name] = member;
    shape
}

fn artifact() -> Value {
    json!({
        "id": TEXT, "task_id": TEXT, "job_id": "text?", "type": TEXT, "created_at": MS, "finalized": "bool", "url": TEXT,
        "entity_refs": [TEXT], "tags": [TEXT], "content": "text?",
    })
}

fn result() -> Value {
    json!({
        "id": TEXT, "task_id": TEXT, "worker_id": TEXT, "artifact_id": TEXT, "status": "success|error", "output": "text?",
        "error_message": "text?", "metrics": { "duration_ms": INT, "tokens_used": INT }, "completed_at": MS,
    })
}

fn project() -> Value {
    json!({
        "id": TEXT, "name": TEXT, "repo_url": TEXT, "canonical_id": TEXT, "target_path": "text?",
        "clone_status": "pending|cloning|cloned|failed|propagating|synced", "primary_node_id": "text?", "created_at": MS,
        "updated_at": MS, "error_message": "text?",
    })
}

fn on_node() -> Value {
    json!({
        "id": TEXT, "project_id": TEXT, "node_id": TEXT, "clone_status": "pending|cloning|cloned|failed|propagating|synced",
        "last_sync_at": "milliseconds?", "error_message": "text?", "repo_path": "text?",
    })
}

fn config() -> Value {
    json!({ "membridge_server_url": TEXT, "admin_key_masked": TEXT, "connected": "bool", "last_test": "milliseconds?" })
}

/// A refusal that is a message.
fn message() -> Value {
    json!({ "error": TEXT })
}

/// A refusal of members.
fn fields(names: &[&str]) -> Value {
    let wrong: BTreeMap<&str, Value> = names.iter().map(|name| (*name, json!([TEXT]))).collect();
    json!({ "error": { "formErrors": [], "fieldErrors": wrong } })
}

/// A refusal with a code.
fn coded() -> Value {
    json!({ "error": TEXT, "code": TEXT })
}

/// What is wrong with a value, if it is not of this shape: exactly these members, and of a list each item.
fn misfit(shape: &Value, value: &Value, at: &str) -> Option<String> {
    match (shape, value) {
        (Value::Object(shape), Value::Object(members)) => {
            let (due, there): (BTreeSet<_>, BTreeSet<_>) = (shape.keys().collect(), members.keys().collect());
            if due != there {
                return Some(format!("{at}: {there:?} in place of {due:?}"));
            }
            shape.iter().find_map(|(name, shape)| misfit(shape, &members[name], &format!("{at}.{name}")))
        }
        (Value::Array(shape), Value::Array(items)) => match shape.first() {
            Some(shape) => items.iter().find_map(|item| misfit(shape, item, &format!("{at}[]"))),
            None => (!items.is_empty()).then(|| format!("{at}: {value} is not empty")),
        },
        (Value::String(shape), value) => {
            let kind = shape.strip_suffix('?');
            if kind.is_some() && value.is_null() {
                return None;
            }
            let fits = match kind.unwrap_or(shape) {
                MS => value.as_i64().is_some_and(|at| at >= START),
                INT => value.is_u64(),
                TEXT => value.is_string(),
                "bool" => value.is_boolean(),
                "float" => value.is_f64(),
                "any" => true,
                words => value.as_str().is_some_and(|word| words.split('|').any(|known| known == word)),
            };
            (!fits).then(|| format!("{at}: {value} is no {shape}"))
        }
        _ => (shape != value).then(|| format!("{at}: {value} in place of {shape}")),
    }
}

/// A server with something of everything; what rows name in braces is one of these.
struct Stage {
    world: World,
    plane: StandIn,
    names: BTreeMap<&'static str, String>,
}

impl Stage {
    async fn new() -> Self {
        let (agent, plane) = (agent().await, plane().await);
        let url = plane.url.clone();
        let world = World::with(|config| config.control_plane.url = Some(url));
        let workers = [
            json!({ "name": "rpi4b", "url": agent.url, "capabilities": { "claude_cli": true, "max_concurrency": 4 } }),
            json!({ "name": "gone", "url": NOWHERE }),
            json!({ "name": "resting", "url": agent.url, "status": "offline" }),
            json!({ "name": "puller", "capabilities": { "provides": ["llm.command"] } }),
        ];
        for worker in workers {
            world.post("/api/runtime/workers", worker).await.ok(201);
        }
        let task = async || world.task(json!({})).await.rsplit('/').next().unwrap().to_owned();
        let mut names = BTreeMap::new();
        for name in ["queued", "leased", "failed"] {
            names.insert(name, task().await);
        }
        let at = |id: &str, what: &str| format!("/api/runtime/llm-tasks/{id}/{what}");
        let named = json!({ "worker_id": "rpi4b" });
        for name in ["leased", "failed"] {
            let lease = world.post(&at(&names[name], "lease"), named.clone()).await.ok(201);
            names.insert(
                if name == "leased" { "lease" } else { "ended" },
                lease["lease"]["id"].as_str().unwrap().to_owned(),
            );
        }
        let failure = json!({ "status": "error", "error_message": "no", "metrics": { "duration_ms": 1, "tokens_used": 2 }, "retryable": false });
        world.post(&at(&names["failed"], "complete"), failure).await.ok(200);
        for (name, node) in [("project", "rpi4b"), ("fresh", "puller"), ("cloning", "rpi4b")] {
            let body = json!({ "name": name, "repo_url": "https://example.org/a.git", "primary_node_id": node });
            let project = world.post("/api/runtime/projects", body).await.ok(201);
            names.insert(name, project["id"].as_str().unwrap().to_owned());
        }
        let clone = format!("/api/runtime/projects/{}/clone", names["project"]);
        world.post(&clone, json!({})).await.ok(200);
        let record = world.store.project(&ProjectId::new(names["cloning"].as_str())).await.unwrap().unwrap();
        let status = NodeStatus {
            id: NodeStatusId::new("cloning"),
            project: record.id.clone(),
            node: WorkerId::new("rpi4b"),
            status: CloneStatus::Cloning,
            last_sync_at: None,
            error: None,
            repo_path: None,
        };
        world.store.put_project(record, vec![status], vec![]).await.unwrap();
        for name in ["token", "used"] {
            let made = world.post("/api/v1/enroll-tokens", json!({ "worker": name })).await.ok(201);
            names.insert(name, made["token"].as_str().unwrap().to_owned());
        }
        world.post("/api/runtime/enroll", json!({ "token": names["used"] })).await.ok(201);
        Self { world, plane, names }
    }

    fn filled(&self, text: &str) -> String {
        self.names.iter().fold(text.to_owned(), |text, (name, id)| text.replace(&format!("<{name}>"), id))
    }
}

/// A request, and what is answered to it.
struct Row {
    method: &'static str,
    path: &'static str,
    body: Option<Value>,
    status: u16,
    shape: Value,
    /// What the control plane answers to what, for once.
    plane: Option<(&'static str, u16)>,
}

impl Row {
    fn when(mut self, what: &'static str, status: u16) -> Self {
        self.plane = Some((what, status));
        self
    }
}

fn get(path: &'static str, status: u16, shape: Value) -> Row {
    Row { method: "GET", path, body: None, status, shape, plane: None }
}

fn post(path: &'static str, body: Value, status: u16, shape: Value) -> Row {
    Row { method: "POST", path, body: Some(body), status, shape, plane: None }
}

fn delete(path: &'static str, status: u16, shape: Value) -> Row {
    Row { method: "DELETE", path, body: None, status, shape, plane: None }
}

fn rows() -> Vec<Row> {
    let none = || json!({});
    let health = json!({
        "status": "ok", "service": "bloom-runtime", "uptime": "float", "storage": "redb|postgresql",
        "membridge": { "consecutiveFailures": INT, "lastSuccess": "milliseconds?", "lastError": "text?", "connected": "bool" },
    });
    let new_task = || json!({ "context_id": "c", "agent_slug": "a", "prompt": "p" });
    let success = || json!({ "status": "success", "output": "x", "metrics": { "duration_ms": 1, "tokens_used": 2 } });
    let completed = || json!({ "task": task(), "artifact": artifact(), "result": result() });
    let beaten = || json!({ "lease": lease(), "expires_at": MS });
    let granted =
        || json!([{ "lease": lease(), "task": task(), "request": "any", "idempotency_key": TEXT, "asked_by": "any" }]);
    let entry = json!({
        "id": TEXT, "timestamp": MS, "action": TEXT, "entity_type": TEXT, "entity_id": TEXT, "actor": TEXT, "detail": "any",
    });
    let stats = json!({
        "tasks": { "total": INT, "by_status": { "queued": INT, "leased": INT, "failed": INT } },
        "leases": { "total": INT, "active": INT }, "workers": { "total": INT, "online": INT },
    });
    let removed = || json!({ "removed": "bool", "id": TEXT });
    let select = || json!({ "primary_node_id": "rpi4b" });
    let cloned = json!({ "status": "cloned", "node": TEXT, "result": { "path": TEXT } });
    let on_nodes =
        json!({ "status": "synced|partial", "results": [{ "node_id": TEXT, "status": "failed", "error": TEXT }] });
    let dispatched = json!({
        "dispatched": "bool", "task_id": TEXT, "worker_id": TEXT, "lease_id": TEXT, "execution": { "accepted": "bool" },
    });
    let of_lease = || json!({ "epoch": 1 });
    let stale = || json!({ "epoch": 9 });
    let failure =
        || json!({ "epoch": 1, "status": "failed", "error": { "code": "x", "message": "no", "retryable": false } });
    let mut rows = vec![
        get("/api/runtime/health", 200, health),
        get("/api/runtime/config", 200, config()),
        post("/api/runtime/config", json!({ "membridge_server_url": "http://x", "admin_key": "k" }), 200, config()),
        post("/api/runtime/config", none(), 400, fields(&["admin_key", "membridge_server_url"])),
        post("/api/runtime/test-connection", none(), 200, json!({ "connected": "bool", "health": "any" })),
        get("/api/runtime/workers", 200, json!([worker()])),
        get("/api/runtime/workers/rpi4b", 200, with(worker(), "leases", json!([lease()]))),
        get("/api/runtime/workers/none", 404, json!({ "error": "Worker not found" })),
        post("/api/runtime/workers", json!({ "name": "new" }), 201, worker()),
        post("/api/runtime/workers", json!({ "name": "rpi4b" }), 200, worker()),
        post("/api/runtime/workers", json!({ "url": 1 }), 400, fields(&["name", "url"])),
        delete("/api/runtime/workers/rpi4b", 200, removed()),
        delete("/api/runtime/workers/none", 404, json!({ "error": "Worker not found" })),
        post("/api/runtime/workers/rpi4b/heartbeat", none(), 200, worker()),
        post("/api/runtime/workers/none/heartbeat", none(), 404, message()),
        get(
            "/api/runtime/workers/rpi4b/agent-health",
            200,
            json!({ "reachable": "bool", "status": TEXT, "version": TEXT, "os_info": TEXT, "ip_addrs": [TEXT] }),
        ),
        get("/api/runtime/workers/gone/agent-health", 200, json!({ "reachable": "bool", "error": TEXT })),
        get("/api/runtime/workers/none/agent-health", 404, message()),
        get("/api/runtime/workers/puller/agent-health", 400, message()),
        get("/api/runtime/agent-install-script", 200, json!(null)),
        get("/api/runtime/agent-install-script?port=x", 400, fields(&["port"])),
        get("/api/runtime/agent-install-script?enroll=<token>", 200, json!(null)),
        get("/api/runtime/agent-install-script?enroll=<used>", 410, coded()),
        post(
            "/api/runtime/enroll",
            json!({ "token": "<token>" }),
            201,
            json!({ "worker_id": TEXT, "worker_key": TEXT, "agent_key": "text?" }),
        ),
        post("/api/runtime/enroll", json!({ "agent": "java" }), 400, fields(&["agent", "token"])),
        post("/api/runtime/enroll", json!({ "token": "bet_none" }), 401, coded()),
        post("/api/runtime/enroll", json!({ "token": "<used>" }), 410, coded()),
        post("/api/runtime/llm-tasks", new_task(), 201, task()),
        post("/api/runtime/llm-tasks", none(), 400, fields(&["agent_slug", "context_id", "prompt"])),
        get("/api/runtime/llm-tasks", 200, json!([task()])),
        get("/api/runtime/llm-tasks?status=queued", 200, json!([task()])),
        get("/api/runtime/llm-tasks?status=lost", 400, message()),
        get("/api/runtime/llm-tasks/<queued>", 200, task()),
        get("/api/runtime/llm-tasks/none", 404, json!({ "error": "Task not found" })),
        post("/api/runtime/llm-tasks/<queued>/lease", none(), 201, json!({ "lease": lease(), "worker": worker() })),
        post("/api/runtime/llm-tasks/<queued>/lease", json!({ "ttl_seconds": "x" }), 400, fields(&["ttl_seconds"])),
        post("/api/runtime/llm-tasks/none/lease", none(), 404, message()),
        post("/api/runtime/llm-tasks/<leased>/lease", none(), 409, message()),
        post(
            "/api/runtime/llm-tasks/<queued>/lease",
            json!({ "worker_id": "resting" }),
            503,
            json!({ "error": "No available worker with free capacity" }),
        ),
        post("/api/runtime/llm-tasks/<leased>/heartbeat", none(), 200, beaten()),
        post("/api/runtime/llm-tasks/<leased>/heartbeat", json!({ "epoch": "x" }), 400, fields(&["epoch"])),
        post("/api/runtime/llm-tasks/<queued>/heartbeat", none(), 404, message()),
        post("/api/runtime/llm-tasks/<leased>/heartbeat", json!({ "lease_id": "<lease>", "epoch": 9 }), 409, coded()),
        post("/api/runtime/llm-tasks/<leased>/complete", success(), 200, completed()),
        post("/api/runtime/llm-tasks/<leased>/complete", none(), 400, fields(&["metrics", "status"])),
        post("/api/runtime/llm-tasks/none/complete", success(), 404, message()),
        post("/api/runtime/llm-tasks/<queued>/complete", success(), 409, message()),
        post("/api/runtime/llm-tasks/<failed>/requeue", none(), 200, task()),
        post("/api/runtime/llm-tasks/none/requeue", none(), 404, message()),
        post("/api/runtime/llm-tasks/<queued>/requeue", none(), 409, message()),
        post("/api/runtime/llm-tasks/<queued>/dispatch", json!({ "worker_id": "rpi4b" }), 200, dispatched),
        post("/api/runtime/llm-tasks/<queued>/dispatch", json!({ "worker_id": 1 }), 400, fields(&["worker_id"])),
        post("/api/runtime/llm-tasks/<queued>/dispatch", json!({ "worker_id": "puller" }), 400, message()),
        post("/api/runtime/llm-tasks/none/dispatch", none(), 404, message()),
        post("/api/runtime/llm-tasks/<leased>/dispatch", none(), 409, message()),
        post("/api/runtime/llm-tasks/<queued>/dispatch", json!({ "worker_id": "gone" }), 502, message()),
        post("/api/runtime/llm-tasks/<queued>/dispatch", json!({ "worker_id": "resting" }), 503, message()),
        get("/api/runtime/leases", 200, json!([lease()])),
        get("/api/runtime/leases?status=active", 200, json!([lease()])),
        get("/api/runtime/leases?status=lost", 400, message()),
        post("/api/runtime/leases", json!({ "worker_id": "puller" }), 200, granted()),
        post("/api/runtime/leases", json!({ "worker_id": "resting" }), 204, json!(null)),
        post("/api/runtime/leases", none(), 400, fields(&["worker_id"])),
        post("/api/runtime/leases", json!({ "worker_id": "none" }), 404, message()),
        post("/api/runtime/leases/<lease>/heartbeat", of_lease(), 200, beaten()),
        post("/api/runtime/leases/<lease>/heartbeat", none(), 400, fields(&["epoch"])),
        post("/api/runtime/leases/none/heartbeat", of_lease(), 404, message()),
        post("/api/runtime/leases/<lease>/heartbeat", stale(), 409, coded()),
        post("/api/runtime/leases/<lease>/release", of_lease(), 200, json!({ "task": task() })),
        post("/api/runtime/leases/<lease>/release", none(), 400, fields(&["epoch"])),
        post("/api/runtime/leases/none/release", of_lease(), 404, message()),
        post("/api/runtime/leases/<lease>/release", stale(), 409, coded()),
        post("/api/runtime/leases/<lease>/result", failure(), 200, json!({ "task": task() })),
        post("/api/runtime/leases/<lease>/result", none(), 400, fields(&["epoch", "status"])),
        post("/api/runtime/leases/none/result", failure(), 404, message()),
        post("/api/runtime/leases/<lease>/result", with(failure(), "epoch", json!(9)), 409, coded()),
        get("/api/runtime/runs", 200, json!([task()])),
        get("/api/runtime/artifacts", 200, json!([artifact()])),
        get("/api/runtime/artifacts?task_id=<failed>", 200, json!([artifact()])),
        get("/api/runtime/audit", 200, json!([entry.clone()])),
        get("/api/runtime/audit?limit=1", 200, json!([entry])),
        get("/api/runtime/audit?limit=x", 400, message()),
        get("/api/runtime/stats", 200, stats),
        get("/api/runtime/projects", 200, json!([project()])),
        post("/api/runtime/projects", json!({ "name": "new", "repo_url": "https://example.org/b" }), 201, project()),
        post("/api/runtime/projects", none(), 400, fields(&["name", "repo_url"])),
        post(
            "/api/runtime/projects",
            json!({ "name": "project", "repo_url": "https://example.org/b" }),
            409,
            message(),
        ),
        get("/api/runtime/projects/<project>", 200, with(project(), "nodes", json!([on_node()]))),
        get("/api/runtime/projects/none", 404, json!({ "error": "Project not found" })),
        delete("/api/runtime/projects/<project>", 200, removed()),
        delete("/api/runtime/projects/none", 404, message()),
        get("/api/runtime/projects/<project>/node-status", 200, json!([on_node()])),
        get("/api/runtime/projects/none/node-status", 404, message()),
        post("/api/runtime/projects/<fresh>/clone", json!({ "node_id": "rpi4b" }), 200, cloned),
        post("/api/runtime/projects/<fresh>/clone", json!({ "node_id": 1 }), 400, fields(&["node_id"])),
        post("/api/runtime/projects/<fresh>/clone", none(), 400, message()),
        post("/api/runtime/projects/none/clone", none(), 404, message()),
        post("/api/runtime/projects/<cloning>/clone", none(), 409, message()),
        post("/api/runtime/projects/<fresh>/clone", json!({ "node_id": "gone" }), 502, message()),
        post("/api/runtime/projects/<project>/propagate", none(), 200, on_nodes),
        post("/api/runtime/projects/none/propagate", none(), 404, message()),
        post("/api/runtime/projects/<cloning>/propagate", none(), 409, message()),
        post(
            "/api/runtime/projects/<project>/sync-memory",
            json!({ "direction": "push" }),
            200,
            json!({ "status": "ok", "direction": "push", "node": TEXT, "result": "any" }),
        ),
        post("/api/runtime/projects/<project>/sync-memory", none(), 400, fields(&["direction"])),
        post("/api/runtime/projects/none/sync-memory", json!({ "direction": "pull" }), 404, message()),
        get("/api/membridge/health", 200, json!("any")),
        get("/api/membridge/projects", 200, json!(["any"])),
    ];
    for what in ["update", "restart", "uninstall"] {
        let path = |worker: &str| -> &'static str {
            Box::leak(format!("/api/runtime/workers/{worker}/agent-{what}").into_boxed_str())
        };
        let version =
            if what == "update" { json!({ "status": "updated", "version": TEXT }) } else { json!({ "status": TEXT }) };
        rows.push(post(path("rpi4b"), none(), 200, version));
        rows.push(post(path("puller"), none(), 400, message()));
        rows.push(post(path("none"), none(), 404, message()));
        rows.push(post(path("gone"), none(), 502, message()));
    }
    let known = "/api/membridge/projects/abc123def456abcd";
    let leak = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
    let path = |what: &str| leak(format!("{known}/{what}"));
    rows.push(get(path("leadership"), 200, json!("any")));
    rows.push(get(path("nodes"), 200, json!(["any"])));
    rows.push(post(path("leadership/select"), select(), 200, json!("any")));
    rows.push(post(path("leadership/select"), none(), 400, fields(&["primary_node_id"])));
    let at = |method: &str, what: &str| leak(format!("{method} /projects/abc123def456abcd/{what}"));
    let pull = || json!({ "direction": "pull" });
    let sync = "/api/runtime/projects/<project>/sync-memory";
    for (theirs, status) in [(400, 400), (404, 404), (409, 409), (422, 422), (500, 502), (403, 502)] {
        rows.push(get(path("leadership"), status, message()).when(at("GET", "leadership"), theirs));
        rows.push(get(path("nodes"), status, message()).when(at("GET", "nodes"), theirs));
        let select = post(path("leadership/select"), select(), status, message());
        rows.push(select.when(at("POST", "leadership/select"), theirs));
        rows.push(post(sync, pull(), status, message()).when("POST /sync/pull", theirs));
        rows.push(get("/api/membridge/health", status, message()).when("GET /health", theirs));
        rows.push(get("/api/membridge/projects", status, message()).when("GET /projects", theirs));
    }
    rows
}

#[tokio::test]
async fn every_row_is_answered_as_agreed() {
    let mut wrong = Vec::new();
    for Row { method, path, body, status, shape, plane } in rows() {
        let stage = Stage::new().await;
        if let Some((what, status)) = plane {
            stage.plane.answer(what, status, json!({ "detail": "no" }));
        }
        let body = body.map(|body| stage.filled(&body.to_string()));
        let path = stage.filled(path);
        let answer = stage.world.send(method.parse::<Method>().unwrap(), &path, body, Some(KEY)).await;
        let misfit = misfit(&shape, &answer.body, "");
        if answer.status != status || misfit.is_some() {
            wrong.push(format!("{method} {path}: {} in place of {status}: {misfit:?}: {}", answer.status, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The operations of this part of the API, as the description has them: method, template, statuses.
fn described() -> Vec<(String, String, BTreeSet<u16>)> {
    let description: Value = serde_json::from_str(&bloom_server::openapi::document()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        if !(path.starts_with("/api/runtime/") || path.starts_with("/api/membridge/")) {
            continue;
        }
        for (method, operation) in item.as_object().unwrap() {
            let Some(responses) = operation["responses"].as_object() else { continue };
            // What may be the answer to anything has no description of its own.
            let is_own = |(status, answer): &(&String, &Value)| {
                let generic = axum::http::StatusCode::from_bytes(status.as_bytes()).unwrap().canonical_reason();
                !matches!(status.as_str(), "502" | "503") || answer["description"].as_str() != generic
            };
            let statuses = responses.iter().filter(is_own).map(|(status, _)| status.parse().unwrap()).collect();
            operations.push((method.to_uppercase(), path.clone(), statuses));
        }
    }
    operations
}

fn is_of(template: &str, path: &str) -> bool {
    let path = path.split('?').next().unwrap();
    let (theirs, ours): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    theirs.len() == ours.len() && theirs.iter().zip(&ours).all(|(t, o)| t.starts_with('{') || t == o)
}

/// Operations with tests of their own, beside what workers say of leases.
const ELSEWHERE: &[&str] =
    &["/events", "/ir", "/tools/{digest}", "/artifacts", "/artifacts/{digest}", "/memory-read", "/result"];

#[test]
fn every_operation_and_each_of_its_own_answers_has_a_row() {
    let rows = rows();
    let mut missing = Vec::new();
    for (method, template, statuses) in described() {
        if template.starts_with("/api/runtime/leases/") && ELSEWHERE.iter().any(|end| template.ends_with(end)) {
            continue;
        }
        let has = |status: u16| {
            rows.iter().any(|row| row.method == method && row.status == status && is_of(&template, row.path))
        };
        // What any route may answer is asked of all of them below.
        let own = statuses.into_iter().filter(|status| !matches!(status, 401 | 403 | 408 | 413 | 415 | 429 | 500));
        let own = own.filter(|status| *status != 400 || has(400) || method == "POST");
        for status in own.filter(|status| !has(*status)) {
            missing.push(format!("{method} {template}: {status}"));
        }
    }
    // Bodies that are not looked at cannot be wrong.
    let bodyless = ["agent-restart", "agent-uninstall", "heartbeat", "requeue", "propagate", "test-connection"];
    missing.retain(|row| !(row.ends_with(": 400") && bodyless.iter().any(|name| row.contains(name))));
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[tokio::test]
async fn without_the_key_nothing_is_answered_but_what_is_open() {
    let world = World::new();
    let open = ["/api/runtime/health", "/api/runtime/test-connection"];
    for (method, template, _) in described() {
        let path = template.replace(['{', '}'], "");
        let answer = world.send(method.parse().unwrap(), &path, None, None).await;
        if template == "/api/runtime/enroll" {
            // It is shown a token in the body, in place of a key.
            assert_eq!(answer.wrong(), ["token"]);
        } else if open.contains(&template.as_str()) {
            assert_eq!(answer.status, 200, "{method} {template}");
        } else {
            assert_eq!((answer.status, answer.body), (401, json!({ "error": "Unauthorized" })), "{method} {template}");
        }
    }
}
