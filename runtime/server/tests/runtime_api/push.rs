//! Node agents that tasks are pushed to: as they are when all is well, and as they are not.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::flow::{ended, signed, until};
use crate::world::{KEY, START, World, author};

/// What an agent does when it is sent a task.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Manner {
    /// Takes it.
    Accepts,
    /// Ends the connection in the middle of its answer.
    Cuts,
    /// Answers 500.
    Fails,
    /// Answers what is no HTTP.
    Babbles,
    /// Takes the connection and says nothing.
    Hangs,
}

/// An agent on this machine, which answers health calls.
struct Agent {
    url: String,
    /// What it was sent.
    tasks: Arc<Mutex<Vec<Value>>>,
    healths: Arc<AtomicUsize>,
}

impl Agent {
    async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (tasks, healths) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::<AtomicUsize>::default());
        let (sent, asked) = (tasks.clone(), healths.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manner, sent.clone(), asked.clone()));
            }
        });
        Self { url, tasks, healths }
    }

    async fn register(&self, world: &World, name: &str) {
        world.post("/api/runtime/workers", json!({ "name": name, "url": self.url })).await.ok(201);
    }

    /// The first task that it is sent.
    async fn task(&self) -> Value {
        until("it is sent a task", async || self.tasks.lock().unwrap().first().cloned()).await
    }
}

async fn serve(
    stream: TcpStream,
    manner: Manner,
    tasks: Arc<Mutex<Vec<Value>>>,
    healths: Arc<AtomicUsize>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
    stream.read_line(&mut first).await?;
    while stream.read_line(&mut line).await? > 2 {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let answer = |status: &str, body: &str| {
        let head = "content-type: application/json\r\nconnection: close";
        format!("HTTP/1.1 {status}\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    if first.starts_with("GET /health ") {
        healths.fetch_add(1, Ordering::SeqCst);
        return stream.write_all(answer("200 OK", r#"{"status":"ok"}"#).as_bytes()).await;
    }
    tasks.lock().unwrap().push(serde_json::from_slice(&body).unwrap());
    let text = match manner {
        Manner::Accepts => answer("200 OK", r#"{"accepted":true}"#),
        Manner::Fails => answer("500 Internal Server Error", r#"{"error":"no memory"}"#),
        Manner::Cuts => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_owned(),
        Manner::Babbles => "\u{1}\u{2} so long, and thanks\r\n\r\n".to_owned(),
        Manner::Hangs => std::future::pending().await,
    };
    stream.write_all(text.as_bytes()).await
}

/// A run that asks one question, which may take so many seconds.
async fn asking(world: &World, seconds: u32) -> String {
    let document = json!({
        "ir": "0.1",
        "flow": { "id": "one", "version": "0.0.0", "title": "One", "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object" }, "outputs": {}, "policy": { "safe_outputs": [] }, "entry": "n1",
        "nodes": {
            "n1": { "type": "llm_call", "prompt": [{ "text": "How many?" }], "into": "n", "next": "n2", "timeout_seconds": seconds,
                    "output": { "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] } },
            "n2": { "type": "return", "status": "completed", "value": "v['n'].n" },
        },
    });
    world.send(Method::POST, "/api/v1/flows", Some(signed(&document, &author())), Some(KEY)).await.ok(201);
    let run = world.post("/api/v1/flows/one/runs", json!({})).await.ok(202);
    run["run_id"].as_str().unwrap().to_owned()
}

/// What an agent says to the lease's own URL, with no key.
async fn says(world: &World, task: &Value, what: &str, body: Value) -> crate::world::Answer {
    let url = task["runtime_url"].as_str().unwrap();
    let at = &url[url.find("/l/").unwrap()..];
    let path = format!("{at}/api/runtime/llm-tasks/{}/{what}", task["task_id"].as_str().unwrap());
    world.send(Method::POST, &path, Some(body.to_string()), None).await
}

/// Waits until the server has heard of an agent at a time.
async fn heard_of(world: &World, name: &str, at: i64) {
    until("it is heard of", async || {
        let seat = world.get(&format!("/api/runtime/workers/{name}")).await.ok(200);
        (seat["last_heartbeat"] == json!(at)).then_some(())
    })
    .await;
}

fn three() -> Value {
    json!({ "status": "success", "output": "{\"n\": 3}", "metrics": { "duration_ms": 1 } })
}

async fn completed(world: &World, run: &str) {
    let end = ended(world, run).await;
    assert_eq!((&end["status"], &end["result"]), (&json!("completed"), &json!(3)), "{end}");
}

#[tokio::test]
async fn agent_that_only_registers_is_kept_alive_and_sent_what_flows_ask() {
    let world = World::new();
    let agent = Agent::start(Manner::Accepts).await;
    agent.register(&world, "rpi4b").await;
    world.pass(30_000);
    let (url, _serving) = world.serve(0).await;
    heard_of(&world, "rpi4b", START + 30_000).await;
    assert_eq!(agent.healths.load(Ordering::SeqCst), 1, "it was asked how it is");
    let run = asking(&world, 1).await;
    let task = agent.task().await;
    assert!(task["runtime_url"].as_str().unwrap().starts_with(&format!("{url}/l/")), "the port that it has: {task}");
    assert!(task["prompt"].as_str().unwrap().starts_with("How many?"), "{task}");
    says(&world, &task, "complete", three()).await.ok(200);
    completed(&world, &run).await;
    assert_eq!(agent.tasks.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn agent_that_heartbeats_once_loses_its_task_after_that() {
    let world = World::new();
    let agent = Agent::start(Manner::Accepts).await;
    agent.register(&world, "once").await;
    let task = world.task(json!({})).await;
    world.post(&format!("{task}/dispatch"), json!({ "worker_id": "once" })).await.ok(200);
    let sent = agent.task().await;
    world.pass(200_000);
    says(&world, &sent, "heartbeat", json!({})).await.ok(200);
    assert_eq!(world.get(&task).await.ok(200)["status"], "running");
    world.pass(300_000);
    assert_eq!(world.engine.reap().await.unwrap(), 0);
    world.pass(1);
    assert_eq!(world.engine.reap().await.unwrap(), 1);
    let back = world.get(&task).await.ok(200);
    assert_eq!((&back["status"], &back["attempts"]), (&json!("queued"), &json!(1)));
    assert_eq!(says(&world, &sent, "heartbeat", json!({})).await.status, 409);

    // Another one has it now: what the first one says is too late.
    let other = Agent::start(Manner::Accepts).await;
    other.register(&world, "other").await;
    world.post(&format!("{task}/dispatch"), json!({ "worker_id": "other" })).await.ok(200);
    let again = other.task().await;
    assert_ne!(again["runtime_url"], sent["runtime_url"]);
    assert_eq!(says(&world, &sent, "complete", three()).await.status, 409);
    says(&world, &again, "complete", three()).await.ok(200);
    assert_eq!(world.get(&task).await.ok(200)["status"], "completed");
    says(&world, &again, "complete", three()).await.ok(200);
}

/// How an agent is, once nothing is sent to it any more.
async fn shut_out(world: &World, name: &str, leases: u32) -> Value {
    until("it is not heard of", async || {
        let seat = world.get(&format!("/api/runtime/workers/{name}")).await.ok(200);
        (seat["status"] == "offline" && seat["active_leases"] == leases).then_some(seat)
    })
    .await
}

#[tokio::test]
async fn agent_that_refuses_has_had_an_attempt_and_is_sent_nothing_until_it_is_heard_of() {
    let world = World::new();
    let agent = Agent::start(Manner::Fails).await;
    agent.register(&world, "bad").await;
    world.pass(1_000);
    let (_, _serving) = world.serve(0).await;
    // The next health call comes much later.
    heard_of(&world, "bad", START + 1_000).await;
    let run = asking(&world, 60).await;
    agent.task().await;
    shut_out(&world, "bad", 0).await;
    let tasks = world.get("/api/runtime/llm-tasks").await.ok(200);
    assert_eq!((&tasks[0]["status"], &tasks[0]["attempts"]), (&json!("queued"), &json!(1)));
    assert!(world.actions().await.contains(&"dispatch_failed".to_owned()));
    assert_eq!(world.get(&format!("/api/v1/runs/{run}")).await.ok(200)["status"], "running");
    assert_eq!(agent.tasks.lock().unwrap().len(), 1, "it is not sent the task again at once");

    // After the delay of a failed attempt.
    world.pass(10_000);
    let good = Agent::start(Manner::Accepts).await;
    good.register(&world, "good").await;
    let task = good.task().await;
    says(&world, &task, "complete", three()).await.ok(200);
    completed(&world, &run).await;
}

#[tokio::test]
async fn agent_whose_answer_is_lost_keeps_the_task_and_may_bring_what_was_paid_for() {
    for manner in [Manner::Cuts, Manner::Babbles, Manner::Hangs] {
        let world = World::with(|config| config.agent_margin = Duration::from_millis(100));
        let agent = Agent::start(manner).await;
        agent.register(&world, "bad").await;
        world.pass(1_000);
        let (_, _serving) = world.serve(0).await;
        // The next health call comes much later.
        heard_of(&world, "bad", START + 1_000).await;
        // As long is waited for an answer, in which a slow machine must have come to send the task.
        let run = asking(&world, 5).await;
        let task = agent.task().await;
        shut_out(&world, "bad", 1).await;
        let tasks = world.get("/api/runtime/llm-tasks").await.ok(200);
        assert_eq!((&tasks[0]["status"], &tasks[0]["attempts"]), (&json!("leased"), &json!(1)), "{manner:?}");
        assert!(world.actions().await.contains(&"dispatch_failed".to_owned()), "{manner:?}");
        assert_eq!(agent.tasks.lock().unwrap().len(), 1, "{manner:?}: it is not sent the task again");
        says(&world, &task, "complete", three()).await.ok(200);
        completed(&world, &run).await;
    }
}
