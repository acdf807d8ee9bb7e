//! Whole runs that workers execute.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::Method;
use bloom_interpreter::effect::{Answer, EffectError, Usage};
use bloom_interpreter::history::{Chain, Event, Payload, read_lines, write_lines};
use bloom_ir::schema::CompiledSchema;
use bloom_ir::{Document, SigningKey, TrustList, Value as IrValue, sign};
use bloom_runtime::engine::{EngineConfig, EngineError};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::RunId;
use bloom_store::RedbStore;
use bloom_worker::{Flows, RemoteConfig, RemoteWorker};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::world::{KEY, Port, START, World, author, support};

/// Asks three times, one after the other, proposes the last answer and returns all of them.
fn document(more: &Value) -> Value {
    let ask = |n: u32, next: &str| {
        json!({
            "type": "llm_call", "prompt": [{ "text": format!("question {n} of ") }, { "expr": "input.name" }],
            "into": format!("a{n}"), "next": next,
            "output": { "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] },
        })
    };
    let mut document = json!({
        "ir": "0.1",
        "flow": { "id": "three", "version": "0.0.0", "title": "Three", "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object", "properties": { "name": { "type": "string" } }, "required": ["name"] },
        "outputs": {}, "policy": { "safe_outputs": ["propose-summary"], "limits": { "max_tokens": 1000 } }, "entry": "n1",
        "nodes": {
            "n1": ask(1, "n2"), "n2": ask(2, "n3"), "n3": ask(3, "n4"),
            "n4": { "type": "emit", "kind": "proposal", "name": "summary", "action": "propose-summary",
                    "value": "{'content': string(v['a3'].n), 'target': {'path': 'notes/a'}}", "next": "n5" },
            "n5": { "type": "return", "status": "completed", "value": "{'all': [v['a1'].n, v['a2'].n, v['a3'].n]}" },
        },
    });
    if let Some(nodes) = more.as_object() {
        document["nodes"].as_object_mut().unwrap().extend(nodes.clone());
    }
    document
}

pub(crate) fn signed(document: &Value, key: &SigningKey) -> String {
    let document: Document = serde_json::from_value(document.clone()).unwrap();
    String::from_utf8(sign::seal(document, &[key]).to_bytes()).unwrap()
}

async fn submitted(world: &World) -> String {
    let published =
        world.send(Method::POST, "/api/v1/flows", Some(signed(&document(&json!({})), &author())), Some(KEY));
    published.await.ok(201);
    started(world).await
}

async fn started(world: &World) -> String {
    let body = json!({ "inputs": { "name": "Ann" }, "dispatch": "worker" });
    let run = world.post("/api/v1/flows/three/runs", body).await.ok(202);
    assert_eq!((&run["status"], &run["waiting"], &run["events"]), (&json!("running"), &json!(false), &json!(1)));
    run["run_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn runs_that_workers_execute_take_no_place_among_tasks() {
    let world = World::new();
    let task = world.task(json!({})).await;
    world.pass(1000);
    submitted(&world).await;
    for _ in 0..50 {
        started(&world).await;
    }
    for path in ["/api/runtime/runs", "/api/runtime/llm-tasks", "/api/runtime/llm-tasks?status=queued"] {
        let listed = world.get(path).await.ok(200);
        let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|task| task["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 1, "{path}");
        assert!(task.ends_with(ids[0]), "{path}");
    }
}

/// Answers with its number, counts, and goes on as often as it may.
struct Counting {
    asked: AtomicUsize,
    may: Semaphore,
}

impl Counting {
    fn new(may: usize) -> Arc<Self> {
        Arc::new(Self { asked: AtomicUsize::new(0), may: Semaphore::new(may) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl LlmExecutor for Counting {
    fn provides(&self) -> &'static str {
        "llm.command"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.may.acquire().await.unwrap().forget();
        let n = task.request.prompt.split(' ').nth(1).unwrap().parse::<i64>().unwrap();
        let usage = Usage { input_tokens: 10, output_tokens: 5, cost_micro_usd: Some(7), ..Usage::default() };
        Ok(Answer { value: [("n", IrValue::Int(n))].into_iter().collect(), usage: Some(usage) })
    }
}

fn worker(world: &World, url: &str, name: &str, executor: &Arc<Counting>, trust: TrustList) -> RemoteWorker {
    worker_of(config(url, name), world, executor, trust)
}

fn config(url: &str, name: &str) -> RemoteConfig {
    RemoteConfig {
        key: Some(KEY.into()),
        backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(20),
        heartbeat: Duration::from_millis(50),
        drain: Duration::ZERO,
        ..RemoteConfig::new(url, name)
    }
}

fn worker_of(config: RemoteConfig, world: &World, executor: &Arc<Counting>, trust: TrustList) -> RemoteWorker {
    let flows = Flows {
        tools: Arc::new(support::NoTools),
        trust: Arc::new(trust),
        clock: world.clock.clone(),
        ids: world.ids.clone(),
        store: Box::new(|| Ok(Arc::new(RedbStore::in_memory().map_err(std::io::Error::other)?))),
        config: EngineConfig::default(),
    };
    RemoteWorker::new(config, Some(executor.clone())).unwrap().with_flows(flows)
}

pub(crate) fn trusted() -> TrustList {
    TrustList::of("own", author().public())
}

/// What is there once it is as it shall be.
pub(crate) async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), looking).await.unwrap_or_else(|_| panic!("{what}: never"))
}

pub(crate) async fn ended(world: &World, run: &str) -> Value {
    until("the run ends", async || {
        let run = world.get(&format!("/api/v1/runs/{run}")).await.ok(200);
        (run["status"] != "running").then_some(run)
    })
    .await
}

fn completed_once(run: &Value) {
    assert_eq!((&run["status"], &run["result"]), (&json!("completed"), &json!({ "all": [1, 2, 3] })), "{run}");
    assert_eq!((&run["tokens"], &run["cost_micro_usd"]), (&json!(45), &json!(21)), "billed once");
    assert_eq!(run["proposals_created"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn worker_executes_a_run_and_the_server_keeps_its_history() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let run = submitted(&world).await;
    let executor = Counting::new(9);
    let working = tokio::spawn(worker(&world, &url, "w1", &executor, trusted()).run(pending(), pending()));
    completed_once(&ended(&world, &run).await);
    assert_eq!(executor.asked(), 3);
    let replayed = world.post(&format!("/api/v1/runs/{run}/replay"), json!({})).await.ok(200);
    assert_eq!(replayed["agrees"], true, "{replayed}");
    let seat = world.get("/api/runtime/workers/w1").await.ok(200);
    assert_eq!(seat["capabilities"]["provides"], json!(["llm.command", "ir:0.1"]));
    let lease = until("the lease ends", async || {
        let leases = world.get("/api/runtime/leases?status=released").await.ok(200);
        leases.as_array().unwrap().first().cloned()
    });
    let path = format!("/api/runtime/artifacts?task_id={}", lease.await["task_id"].as_str().unwrap());
    let kept = world.get(&path).await.ok(200);
    assert_eq!(
        (&kept[0]["type"], &kept[0]["content"], &kept[0]["job_id"]),
        (&json!("EXECUTION_RESULT"), &json!(r#"{"all":[1,2,3]}"#), &json!(run))
    );
    let actions = world.actions().await;
    for action in ["run_started", "task_leased", "task_completed", "run_completed"] {
        assert!(actions.iter().any(|one| one == action), "{action} is not in {actions:?}");
    }
    assert_eq!(world.get("/api/runtime/llm-tasks").await.ok(200), json!([]), "a run is no question");
    working.abort();
}

#[tokio::test]
async fn another_worker_goes_on_from_the_last_recorded_event() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let run = submitted(&world).await;
    // The first one dies while the second question is being thought about. It does not say that it lives: such a word could
    // be on its way when it dies, and be heard when time has passed.
    let first = Counting::new(1);
    let killed = RemoteConfig { heartbeat: Duration::from_hours(1), ..config(&url, "w1") };
    let killed = tokio::spawn(worker_of(killed, &world, &first, trusted()).run(pending(), pending()));
    until("it is asked twice", async || (first.asked() == 2).then_some(())).await;
    killed.abort();
    assert!(killed.await.unwrap_err().is_cancelled());
    world.pass(300_001);
    assert_eq!(world.engine.reap().await.unwrap(), 1);
    let second = Counting::new(9);
    let working = tokio::spawn(worker(&world, &url, "w2", &second, trusted()).run(pending(), pending()));
    completed_once(&ended(&world, &run).await);
    assert_eq!((first.asked(), second.asked()), (2, 2), "what was answered is not asked again");
    working.abort();
}

#[tokio::test]
async fn run_outlives_a_server_that_is_away_for_a_while() {
    let world = World::new();
    let port = Port::new();
    let (url, serving) = world.serve(port.number()).await;
    let run = submitted(&world).await;
    let executor = Counting::new(0);
    let working = tokio::spawn(worker(&world, &url, "w1", &executor, trusted()).run(pending(), pending()));
    until("it is asked", async || (executor.asked() == 1).then_some(())).await;
    serving.abort();
    assert!(serving.await.unwrap_err().is_cancelled());
    executor.may.add_permits(9);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (_, _serving) = world.serve(port.number()).await;
    completed_once(&ended(&world, &run).await);
    assert_eq!(executor.asked(), 3);
    working.abort();
}

#[tokio::test]
async fn cancelled_run_stops_its_worker() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let run = submitted(&world).await;
    let executor = Counting::new(1);
    let working = tokio::spawn(worker(&world, &url, "w1", &executor, trusted()).run(pending(), pending()));
    until("it is asked twice", async || (executor.asked() == 2).then_some(())).await;
    world.post(&format!("/api/v1/runs/{run}/cancel"), json!({ "reason": "enough" })).await.ok(200);
    assert_eq!(ended(&world, &run).await["status"], "cancelled");
    // It takes the next one.
    executor.may.add_permits(9);
    let next = started(&world).await;
    assert_eq!(ended(&world, &next).await["status"], "completed");
    working.abort();
}

#[tokio::test]
async fn worker_runs_nothing_that_it_does_not_trust() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let run = submitted(&world).await;
    let executor = Counting::new(9);
    let stranger = TrustList::of("other", SigningKey::from_seed(&[8; 32]).public());
    let working = tokio::spawn(worker(&world, &url, "w1", &executor, stranger).run(pending(), pending()));
    let ended = until("the run fails", async || {
        world.pass(10_000);
        let _ = world.post("/api/runtime/workers/w1/heartbeat", json!({})).await;
        let run = world.get(&format!("/api/v1/runs/{run}")).await.ok(200);
        (run["status"] == "failed").then_some(run)
    })
    .await;
    assert_eq!(ended["error_details"]["code"], "DEAD", "{ended}");
    assert_eq!(ended["error_details"]["details"]["last"]["code"], "untrusted_flow", "{ended}");
    assert_eq!(executor.asked(), 0);
    working.abort();
}

/// A lease on the run, got by hand.
async fn leased(world: &World) -> (String, Value) {
    let capabilities = json!({ "claude_cli": false, "provides": ["llm.command", "ir:0.1"] });
    let registered = world.post("/api/runtime/workers", json!({ "name": "hand", "capabilities": capabilities })).await;
    assert!([200, 201].contains(&registered.status), "{}", registered.status);
    let granted = world.post("/api/runtime/leases", json!({ "worker_id": "hand" })).await.ok(200);
    let grant = granted[0].clone();
    (format!("/api/runtime/leases/{}", grant["lease"]["id"].as_str().unwrap()), grant)
}

async fn history(world: &World, run: &str) -> Vec<Event> {
    let shown = world.get(&format!("/api/v1/runs/{run}/history")).await.ok(200);
    let lines: Vec<String> = shown["events"].as_array().unwrap().iter().map(ToString::to_string).collect();
    read_lines(&lines.join("\n")).unwrap()
}

/// A published schema.
fn schema(name: &str) -> CompiledSchema {
    let path = format!("{}/../../schemas/{name}-0.1.schema.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    CompiledSchema::compile(&serde_json::from_str(&text).unwrap()).unwrap()
}

#[tokio::test]
async fn events_are_what_their_schema_has() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let run = submitted(&world).await;
    let executor = Counting::new(9);
    let working = tokio::spawn(worker(&world, &url, "w1", &executor, trusted()).run(pending(), pending()));
    completed_once(&ended(&world, &run).await);
    working.abort();
    let shown = world.get(&format!("/api/v1/runs/{run}/history")).await.ok(200);
    let events = shown["events"].as_array().unwrap();
    let schema = schema("history-event");
    for event in events {
        assert_eq!(schema.validate(&event.clone().into()), Ok(()), "{event}");
        let mut erased = event.clone();
        erased.as_object_mut().unwrap().remove("payload");
        assert_eq!(schema.validate(&erased.into()), Ok(()), "{event}");
        let mut wrong = event.clone();
        wrong["payload"] = json!({});
        assert!(schema.validate(&wrong.into()).is_err(), "{event}");
    }
    let kinds: std::collections::BTreeSet<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.len(), 5, "{kinds:?}");
}

/// A Result Envelope of a run, as the contract has it.
fn envelope(grant: &Value, epoch: u64, status: &str) -> Value {
    let log = json!({ "ts": "2026-02-24T10:02:30Z", "phase": "llm_call", "node_id": "n3", "ms": 2400 });
    json!({
        "epoch": epoch, "task_id": grant["lease"]["task_id"], "status": status,
        "outputs": { "summary": "", "proposals": [] },
        "artifacts": [{ "artifact_id": "a1", "type": "EXECUTION_RESULT", "url": "artifacts/results/a1.json" }],
        "logs": [log], "metrics": { "latency_ms": 4200, "tokens_used": 12_000, "retries": 0 },
    })
}

#[tokio::test]
async fn envelope_of_a_run_that_cannot_go_on_is_an_attempt_that_failed() {
    let world = World::new();
    let run = submitted(&world).await;
    let (lease, grant) = leased(&world).await;
    assert_eq!(schema("result-envelope").validate(&envelope(&grant, 1, "failed").into()), Ok(()));
    let wrong = |member: &str, value: Value| {
        let mut body = envelope(&grant, 1, "failed");
        body[member] = value;
        body
    };
    for (member, value) in [
        ("task_id", json!("another")),
        ("status", json!("done")),
        ("outputs", json!([])),
        ("artifacts", json!({})),
        ("logs", json!([{ "phase": 1 }])),
        ("metrics", json!(7)),
        ("error", json!("text")),
    ] {
        let refused = world.post(&format!("{lease}/result"), wrong(member, value)).await;
        assert_eq!(refused.wrong(), [member]);
    }
    let taken = world.post(&format!("{lease}/result"), envelope(&grant, 1, "failed")).await.ok(200);
    assert_eq!(taken["task"]["status"], "queued");
    for epoch in [2, 3] {
        world.pass(20_000);
        let granted = world.post("/api/runtime/leases", json!({ "worker_id": "hand" })).await.ok(200);
        let lease = format!("/api/runtime/leases/{}", granted[0]["lease"]["id"].as_str().unwrap());
        world.post(&format!("{lease}/result"), envelope(&granted[0], epoch, "timeout")).await.ok(200);
    }
    let shown = world.get(&format!("/api/v1/runs/{run}")).await.ok(200);
    assert_eq!(
        (&shown["status"], &shown["error_details"]["code"], &shown["error_details"]["details"]["last"]["code"]),
        (&json!("failed"), &json!("DEAD"), &json!("timeout")),
        "{shown}"
    );
}

#[tokio::test]
async fn envelope_of_a_run_that_ended_is_taken_whatever_it_came_to() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    let run = submitted(&world).await;
    let executor = Counting::new(9);
    let working = tokio::spawn(worker(&world, &url, "w1", &executor, trusted()).run(pending(), pending()));
    completed_once(&ended(&world, &run).await);
    let lease = until("the lease ends", async || {
        let leases = world.get("/api/runtime/leases?status=released").await.ok(200);
        leases.as_array().unwrap().first().cloned()
    })
    .await;
    working.abort();
    let path = format!("/api/runtime/leases/{}/result", lease["id"].as_str().unwrap());
    for status in ["success", "failed", "timeout"] {
        let body = envelope(&json!({ "lease": lease }), 1, status);
        assert_eq!(world.post(&path, body).await.ok(200)["task"]["status"], "completed");
    }
    assert_eq!(
        world.post(&path, envelope(&json!({ "lease": lease }), 2, "failed")).await.ok(409)["code"],
        "LEASE_STALE"
    );
}

/// The next event of a history, with this payload.
fn next(events: &[Event], payload: Payload) -> Event {
    next_at(START, events, payload)
}

fn next_at(at: i64, events: &[Event], payload: Payload) -> Event {
    let mut chain = Chain::default();
    for event in events {
        chain.accept(event).unwrap();
    }
    chain.next(at, payload)
}

#[tokio::test]
async fn holder_is_given_what_it_needs_and_nobody_else_is() {
    let world = World::new();
    let run = submitted(&world).await;
    let (lease, grant) = leased(&world).await;
    let envelope = &grant["envelope"];
    assert_eq!((&envelope["run_id"], &envelope["task_id"]), (&json!(run), &grant["lease"]["task_id"]));
    assert_eq!(envelope["inputs"], json!({ "name": "Ann" }));
    assert_eq!(envelope["limits"]["max_tokens"], 1000);
    assert_eq!(envelope["lease"]["worker_id"], "hand");
    assert_eq!(schema("task-envelope").validate(&envelope.clone().into()), Ok(()));
    let mut wrong = envelope.clone();
    wrong["ir_hash"] = json!("none");
    assert!(schema("task-envelope").validate(&wrong.into()).is_err());
    let ir = world.get(&format!("{lease}/ir?epoch=1")).await.ok(200);
    assert_eq!(ir["flow"]["id"], "three");
    for what in ["ir", "events"] {
        assert_eq!(world.get(&format!("{lease}/{what}?epoch=2")).await.ok(409)["code"], "LEASE_STALE");
        assert_eq!(world.get(&format!("{lease}/{what}")).await.status, 400);
        assert_eq!(world.get(&format!("/api/runtime/leases/none/{what}?epoch=1")).await.status, 404);
    }
    world.task(json!({})).await;
    let question = world.post("/api/runtime/leases", json!({ "worker_id": "hand" })).await;
    assert_eq!(question.status, 204, "its only slot is taken");
    world.post(&format!("{lease}/release"), json!({ "epoch": 1 })).await.ok(200);
    assert_eq!(world.get(&format!("{lease}/ir?epoch=1")).await.ok(409)["code"], "LEASE_STALE");
}

#[tokio::test]
async fn history_that_is_not_the_programs_is_refused() {
    let world = World::new();
    let run = submitted(&world).await;
    let (lease, _) = leased(&world).await;
    let path = format!("{lease}/events?epoch=1");
    let recorded = history(&world, &run).await;
    let cancelled = next(&recorded, Payload::RunCancelled { reason: "I say so".to_owned() });
    assert_eq!(world.lines(&path, &write_lines(&[cancelled])).await.ok(422)["code"], "HISTORY_REFUSED");
    let forged = Payload::RunCompleted { result: IrValue::Null, state: bloom_ir::Digest::of(b"x") };
    let forged = next(&recorded, forged);
    assert_eq!(
        world.lines(&path, &write_lines(std::slice::from_ref(&forged))).await.ok(422)["code"],
        "HISTORY_REFUSED"
    );
    let gap = Event { seq: 3, ..forged.clone() };
    assert_eq!(world.lines(&path, &write_lines(&[gap])).await.ok(409)["code"], "HISTORY_GAP");
    let other = Event { seq: 1, ..forged.clone() };
    assert_eq!(world.lines(&path, &write_lines(&[other])).await.ok(409)["code"], "HISTORY_GAP");
    assert_eq!(world.lines(&path, "no event").await.status, 400);
    let stale = format!("{lease}/events?epoch=9");
    assert_eq!(world.lines(&stale, &write_lines(&[forged])).await.ok(409)["code"], "LEASE_STALE");
    // What is there already is passed over.
    let same = world.lines(&path, &write_lines(&recorded)).await.ok(200);
    assert_eq!(same["events"], 1);
    assert_eq!(history(&world, &run).await.len(), 1, "nothing of that was kept");

    let word = json!({ "epoch": 1, "status": "success", "outputs": {} });
    assert_eq!(world.post(&format!("{lease}/result"), word).await.ok(409)["code"], "HISTORY_UNFINISHED");
    let task = world.get("/api/runtime/leases").await.ok(200)[0]["task_id"].as_str().unwrap().to_owned();
    assert_eq!(world.get(&format!("/api/runtime/llm-tasks/{task}")).await.status, 404);
}

#[tokio::test]
async fn worker_that_lost_its_lease_writes_nothing() {
    let world = World::new();
    let (url, _serving) = world.serve(0).await;
    // What comes next, as a run of the same inputs tells.
    let like = submitted(&world).await;
    let executor = Counting::new(9);
    let working = tokio::spawn(worker(&world, &url, "w1", &executor, trusted()).run(pending(), pending()));
    completed_once(&ended(&world, &like).await);
    working.abort();
    assert!(working.await.unwrap_err().is_cancelled());
    let asks = history(&world, &like).await[1].payload.clone().unwrap();

    let run = started(&world).await;
    let (first, _) = leased(&world).await;
    world.pass(300_001);
    assert_eq!(world.engine.reap().await.unwrap(), 1);
    let recorded = history(&world, &run).await;
    let early = write_lines(&[next_at(START + 3_600_000, &recorded, asks.clone())]);
    let line = write_lines(&[next(&recorded, asks)]);
    let lost = world.lines(&format!("{first}/events?epoch=1"), &line).await;
    assert_eq!(lost.ok(409)["code"], "LEASE_STALE", "nobody has it");
    world.pass(20_000);
    let (second, _) = leased(&world).await;
    for epoch in [1, 2] {
        let lost = world.lines(&format!("{first}/events?epoch={epoch}"), &line).await;
        assert_eq!(lost.ok(409)["code"], "LEASE_STALE", "another one has it");
    }
    let word = json!({ "epoch": 1, "status": "failed", "error": { "code": "worker_error", "message": "late" } });
    assert_eq!(world.post(&format!("{first}/result"), word).await.ok(409)["code"], "LEASE_STALE");
    assert_eq!(history(&world, &run).await, recorded);
    let early = world.lines(&format!("{second}/events?epoch=2"), &early).await;
    assert_eq!(early.ok(422)["code"], "HISTORY_REFUSED", "it is of a time that is to come");
    let kept = world.lines(&format!("{second}/events?epoch=2"), &line).await.ok(200);
    assert_eq!(kept["events"], 2, "the same from its holder");
}

#[tokio::test]
async fn run_of_a_worker_is_not_driven_by_others() {
    let world = World::new();
    let run = RunId::new(submitted(&world).await);
    let driven = tokio::time::timeout(Duration::from_mins(1), world.engine.drive(&run)).await.expect("it is refused");
    assert!(matches!(&driven, Err(EngineError::Dispatched(other)) if *other == run), "{driven:?}");
}

#[tokio::test]
async fn flow_that_waits_is_not_for_workers() {
    let world = World::new();
    let waits = json!({ "n4": { "type": "action", "op": "sleep", "for": "10", "next": "n5" } });
    let published = world.send(Method::POST, "/api/v1/flows", Some(signed(&document(&waits), &author())), Some(KEY));
    published.await.ok(201);
    let body = json!({ "inputs": { "name": "Ann" }, "dispatch": "worker" });
    let refused = world.post("/api/v1/flows/three/runs", body).await.ok(422);
    assert_eq!(refused["error"]["code"], "POLICY_REFUSED");
    assert!(refused["error"]["details"]["problems"][0].as_str().unwrap().contains("waits for a time"), "{refused}");
}

#[tokio::test]
async fn run_that_no_worker_can_finish_fails() {
    let world = World::new();
    let run = submitted(&world).await;
    let (lease, _) = leased(&world).await;
    let failed = |epoch: u64| {
        let error = json!({ "code": "worker_error", "message": "no memory", "retryable": true });
        json!({ "epoch": epoch, "status": "failed", "error": error })
    };
    world.post(&format!("{lease}/result"), failed(1)).await.ok(200);
    for epoch in [2, 3] {
        world.pass(20_000);
        let granted = world.post("/api/runtime/leases", json!({ "worker_id": "hand" })).await.ok(200);
        let lease = format!("/api/runtime/leases/{}", granted[0]["lease"]["id"].as_str().unwrap());
        world.post(&format!("{lease}/result"), failed(epoch)).await.ok(200);
    }
    assert_eq!(history(&world, &run).await.len(), 2, "the server goes on with nothing by itself");
    let run = world.get(&format!("/api/v1/runs/{run}")).await.ok(200);
    let error = &run["error_details"];
    assert_eq!((&run["status"], &error["code"]), (&json!("failed"), &json!("DEAD")), "{run}");
    assert_eq!(error["details"]["last"], json!({ "code": "worker_error", "message": "no memory" }), "{run}");
}

/// Says for a while that the holder of the run's lease is alive.
async fn hang(world: &World, lease: &str, epoch: u64, seconds: i64) {
    for _ in 0..seconds / 100 {
        world.pass(100_000);
        world.post(&format!("{lease}/heartbeat"), json!({ "epoch": epoch })).await.ok(200);
        assert_eq!(world.engine.reap().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn worker_that_hangs_and_beats_loses_a_run_whose_time_is_over() {
    let world = World::new();
    let run = submitted(&world).await;
    // Time in the queue does not count.
    world.pass(3_600_000);
    let (lease, grant) = leased(&world).await;
    assert_eq!(grant["envelope"]["limits"]["timeout_seconds"], 600);
    hang(&world, &lease, 1, 600).await;
    world.pass(60_000);
    world.post(&format!("{lease}/heartbeat"), json!({ "epoch": 1 })).await.ok(200);
    assert_eq!(world.engine.reap().await.unwrap(), 0, "it may say so itself");
    world.pass(1);
    assert_eq!(world.engine.reap().await.unwrap(), 1);

    let shown = world.get(&format!("/api/v1/runs/{run}")).await.ok(200);
    assert_eq!(
        (&shown["status"], &shown["error_details"]["code"]),
        (&json!("failed"), &json!("limit_time")),
        "{shown}"
    );
    assert_eq!(shown["error_details"]["details"], json!({ "limit": 600_000, "measured": 660_001 }), "{shown}");
    let envelope = world.get(&format!("/api/v1/runs/{run}/envelope")).await.ok(200);
    assert_eq!(envelope["result"]["status"], "timeout", "{envelope}");
    assert_eq!(world.get("/api/runtime/leases").await.ok(200)[0]["status"], "failed");

    // It wakes up.
    let recorded = history(&world, &run).await;
    let late = write_lines(&[next(&recorded[..1], recorded[1].payload.clone().unwrap())]);
    let forged = next(&recorded, Payload::RunCancelled { reason: "late".to_owned() });
    assert_eq!(world.post(&format!("{lease}/heartbeat"), json!({ "epoch": 1 })).await.status, 409);
    assert_eq!(world.lines(&format!("{lease}/events?epoch=1"), &late).await.status, 409);
    assert_eq!(world.lines(&format!("{lease}/events?epoch=1"), &write_lines(&[forged])).await.status, 409);
    let word = json!({ "epoch": 1, "status": "failed", "error": { "code": "worker_error", "message": "late" } });
    assert_eq!(world.post(&format!("{lease}/result"), word).await.ok(409)["code"], "LEASE_STALE");
    assert_eq!(history(&world, &run).await, recorded);
    let replayed = world.post(&format!("/api/v1/runs/{run}/replay"), json!({})).await.ok(200);
    assert_eq!(replayed["agrees"], true, "{replayed}");
    assert_eq!(world.engine.reap().await.unwrap(), 0);
}

#[tokio::test]
async fn workers_share_the_time_of_a_run() {
    let world = World::new();
    let run = submitted(&world).await;
    let (first, _) = leased(&world).await;
    hang(&world, &first, 1, 300).await;
    world.post(&format!("{first}/release"), json!({ "epoch": 1 })).await.ok(200);
    // The second one is not heard of: what counts is at most the time until it could have been.
    let (_, _) = leased(&world).await;
    world.pass(300_001);
    assert_eq!(world.engine.reap().await.unwrap(), 1);
    world.pass(20_000);
    let (third, _) = leased(&world).await;
    hang(&world, &third, 3, 300).await;
    world.post(&format!("{third}/release"), json!({ "epoch": 3 })).await.ok(200);
    let shown = world.get(&format!("/api/v1/runs/{run}")).await.ok(200);
    assert_eq!(
        (&shown["status"], &shown["error_details"]["code"]),
        (&json!("failed"), &json!("limit_time")),
        "{shown}"
    );
    assert_eq!(world.post("/api/runtime/leases", json!({ "worker_id": "hand" })).await.status, 204);
}

#[tokio::test]
async fn restarted_server_still_keeps_the_time_of_a_run() {
    let world = World::new();
    submitted(&world).await;
    let (lease, _) = leased(&world).await;
    hang(&world, &lease, 1, 600).await;
    world.engine.restore_fleet().await.unwrap();
    world.pass(60_001);
    world.post(&format!("{lease}/heartbeat"), json!({ "epoch": 1 })).await.ok(200);
    assert_eq!(world.engine.reap().await.unwrap(), 1);
}

#[tokio::test]
async fn worker_that_hangs_and_beats_loses_a_question_whose_time_is_over() {
    let world = World::new();
    let published =
        world.send(Method::POST, "/api/v1/flows", Some(signed(&document(&json!({})), &author())), Some(KEY));
    published.await.ok(201);
    let body = json!({ "inputs": { "name": "Ann" } });
    let run = world.post("/api/v1/flows/three/runs", body).await.ok(202);
    let run = run["run_id"].as_str().unwrap().to_owned();
    let (lease, grant) = leased(&world).await;
    assert_eq!(grant["task"]["policy"]["timeout_sec"], 120, "{grant}");
    hang(&world, &lease, 1, 100).await;
    world.pass(80_000);
    world.post(&format!("{lease}/heartbeat"), json!({ "epoch": 1 })).await.ok(200);
    assert_eq!(world.engine.reap().await.unwrap(), 0);
    world.pass(1);
    assert_eq!(world.engine.reap().await.unwrap(), 1);
    // All attempts together have no more time than the first one had.
    let shown = world.get(&format!("/api/v1/runs/{run}")).await.ok(200);
    assert_eq!(
        (&shown["status"], &shown["error_details"]["code"]),
        (&json!("failed"), &json!("limit_node_time")),
        "{shown}"
    );
    let late = json!({ "epoch": 1, "status": "success", "answer": { "value": { "n": 1 } } });
    assert_eq!(world.post(&format!("{lease}/result"), late).await.ok(409)["code"], "LEASE_STALE");
}
