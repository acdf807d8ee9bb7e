//! What workers answer: a real worker, of which some messages are damaged on their way to the server.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use bloom_interpreter::effect::{Answer, EffectError};
use bloom_interpreter::history::{Chain, Event, read_lines, write_lines};
use bloom_ir::TrustList;
use bloom_runtime::clock::{Clock, Ids};
use bloom_runtime::engine::EngineConfig;
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::RunId;
use bloom_runtime::store::Store as _;
use bloom_worker::{Flows, RemoteConfig, RemoteError, RemoteWorker, Transport};
use http_body_util::BodyExt as _;
use hyper::{Request, Response};
use libfuzzer_sys::arbitrary::Unstructured;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::program::mutate::mutate;
use crate::serving::{long, play, store, world};
use crate::world::{World, flow, key};

/// A worker that lies, or whose line does: the server refuses what it says or takes it, it does not panic and is at no fault, and
/// its store agrees with itself; a run that ended has a history that leads to its end.
pub fn is_believed_or_refused(bytes: &[u8]) {
    let bytes = long(bytes);
    play(async {
        let world = world(false);
        let mut runs = Vec::new();
        // One that the worker executes, and one that only asks it.
        for (id, how) in [("whole", json!({ "dispatch": "worker" })), ("asking", json!({}))] {
            world.published(&conversation(id)).await;
            let run = world.post(&format!("/api/v1/flows/{id}/runs"), &how).await;
            runs.extend(run.json()["run_id"].as_str().map(RunId::new));
        }
        let said = Mutex::new(Said { input: bytes, at: 0, known: Vec::new() });
        let line = Arc::new(Line { router: world.router.clone(), said });
        // As long as it takes, and some time to ask in vain.
        let _ = tokio::time::timeout(
            Duration::from_secs(90),
            worker(line).run(std::future::pending(), std::future::pending()),
        )
        .await;
        agrees_with_itself(&world, &runs).await;
    });
}

async fn agrees_with_itself(world: &World, runs: &[RunId]) {
    let found = world.store.verify().await.expect("the store can be read");
    assert_eq!(found.faults, Vec::<String>::new());
    for run in runs {
        let record = world.store.run(run).await.expect("the store can be read").expect("the run was acknowledged");
        if record.status.is_terminal() {
            let replayed = world.post(&format!("/api/v1/runs/{run}/replay"), &json!({})).await.ok(200);
            assert_eq!(replayed["agrees"], true, "{replayed}");
        }
    }
}

/// Asks twice, proposes something, and ends.
fn conversation(id: &str) -> Value {
    let ask = |prompt: &str, into: &str, next: &str| {
        json!({
            "type": "llm_call", "prompt": [{ "text": prompt }], "into": into, "next": next,
            "output": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] },
        })
    };
    flow(
        id,
        "1.0.0",
        &json!({
            "n1": ask("Greet", "a", "n2"),
            "n2": { "type": "emit", "kind": "proposal", "name": "s", "action": "propose-summary", "next": "n3",
                    "value": "{'content': v['a'].text, 'target': {'path': 'notes/a'}}" },
            "n3": ask("Part", "b", "n4"),
            "n4": { "type": "return", "status": "completed", "value": "{'all': [v['a'].text, v['b'].text]}" },
        }),
    )
}

fn worker(line: Arc<Line>) -> RemoteWorker {
    let config = RemoteConfig { wait: Duration::from_secs(5), ..RemoteConfig::new("http://127.0.0.1:5000", "w") };
    let flows = Flows {
        tools: Arc::new(crate::world::Tools::default()),
        trust: Arc::new(TrustList::of("author", key().public())),
        clock: Arc::new(Time(AtomicI64::new(1_767_225_600_000))),
        ids: Arc::new(Numbers::default()),
        store: Box::new(|| Ok::<_, io::Error>(Arc::new(store()))),
        config: EngineConfig::default(),
    };
    RemoteWorker::over(line, config, Some(Arc::new(Polite))).expect("its URL is one").with_flows(flows)
}

/// The way to the server.
struct Line {
    router: Router,
    said: Mutex<Said>,
}

struct Said {
    /// What is done to messages, and how much of it was.
    input: Vec<u8>,
    at: usize,
    /// The history that the server has.
    known: Vec<Event>,
}

impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a line")
    }
}

#[async_trait]
impl Transport for Line {
    async fn send(&self, request: Request<Vec<u8>>, _: Duration) -> Result<Response<Vec<u8>>, RemoteError> {
        let (mut parts, body) = request.into_parts();
        let is_history = parts.uri.path().ends_with("/events");
        let body =
            if body.is_empty() { body } else { self.said.lock().expect("nobody panicked").damaged(body, is_history) };
        parts.headers.remove("content-length");
        parts.headers.entry("host").or_insert(axum::http::HeaderValue::from_static("127.0.0.1:5000"));
        let told = format!("{} {}: {}", parts.method, parts.uri, String::from_utf8_lossy(&body));
        let sent = body.clone();
        let answered = self.router.clone().oneshot(Request::from_parts(parts, Body::from(body))).await;
        let (parts, body) = answered.expect("it cannot fail").into_parts();
        let bytes = body.collect().await.expect("it is whole").to_bytes().to_vec();
        assert!(!parts.status.is_server_error(), "{told}: {} {}", parts.status, String::from_utf8_lossy(&bytes));
        if is_history && parts.status.is_success() {
            let mut said = self.said.lock().expect("nobody panicked");
            let of_run = if sent.is_empty() { &bytes } else { &sent };
            let events = str::from_utf8(of_run).ok().and_then(|text| read_lines(text).ok()).unwrap_or_default();
            let next = said.known.len() as u64 + 1;
            said.known.extend(events.into_iter().skip_while(|event| event.seq < next));
        }
        Ok(Response::from_parts(parts, bytes))
    }
}

impl Said {
    /// A message as it arrives: half of them as they were sent.
    fn damaged(&mut self, body: Vec<u8>, is_history: bool) -> Vec<u8> {
        const CHANGE: usize = 48;
        let Some((&kind, rest)) = self.input.get(self.at..).and_then(<[u8]>::split_first) else { return body };
        self.at += 1;
        if kind < 128 {
            return body;
        }
        let change = rest[..rest.len().min(CHANGE)].to_vec();
        self.at += change.len();
        let mut input = Unstructured::new(&change);
        // What the input does not say is not changed.
        let changed = match kind % 8 {
            0 => raw(&body, &mut input),
            1.. if is_history => self.events(&body, kind.is_multiple_of(2), &mut input),
            _ => json_of(&body, &mut input),
        };
        changed.unwrap_or(body)
    }

    /// Other events; with their chain made anew, so that what stands in them is followed.
    fn events(&self, body: &[u8], again: bool, input: &mut Unstructured<'_>) -> Option<Vec<u8>> {
        let mut lines: Vec<Value> =
            str::from_utf8(body).ok()?.lines().map(|line| serde_json::from_str(line).ok()).collect::<Option<_>>()?;
        let at = input.choose_index(lines.len()).ok()?;
        match input.int_in_range(0..=5).ok()? {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[at].clone()),
            2 => lines.truncate(at),
            _ => mutate(&mut lines[at]["payload"], input).ok()?,
        }
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        let made_again = || {
            let mut chain = Chain::default();
            for event in &self.known {
                chain.accept(event).ok()?;
            }
            let events = lines.iter().map(|line| serde_json::from_value::<Event>(line.clone()));
            let events: Vec<Event> = events.collect::<Result<_, _>>().ok()?;
            let events: Vec<Event> =
                events.into_iter().filter_map(|event| Some(chain.next(event.at, event.payload?))).collect();
            Some(write_lines(&events).into_bytes())
        };
        Some(if again { made_again().unwrap_or(text.into_bytes()) } else { text.into_bytes() })
    }
}

fn raw(body: &[u8], input: &mut Unstructured<'_>) -> Option<Vec<u8>> {
    let mut body = body.to_vec();
    for _ in 0..input.int_in_range(1..=4).ok()? {
        let at = input.choose_index(body.len()).ok()?;
        body[at] = input.arbitrary().ok()?;
    }
    Some(body)
}

fn json_of(body: &[u8], input: &mut Unstructured<'_>) -> Option<Vec<u8>> {
    let mut value = serde_json::from_slice(body).ok()?;
    mutate(&mut value, input).ok()?;
    Some(value.to_string().into_bytes())
}

struct Polite;

#[async_trait]
impl LlmExecutor for Polite {
    fn provides(&self) -> &'static str {
        "llm.command"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        Ok(Answer { value: json!({ "text": "hello" }).into(), usage: None })
    }
}

struct Time(AtomicI64);

impl Clock for Time {
    fn now(&self) -> i64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

#[derive(Default)]
struct Numbers(AtomicU64);

impl Ids for Numbers {
    fn fresh(&self) -> String {
        format!("of-worker-{}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}
