//! Workers whose server is of another version, or has something before it that answers in its place.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use bloom_interpreter::effect::{Answer, EffectError, LlmRequest, NodeRef};
use bloom_ir::document::NodeId;
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_worker::{RemoteConfig, RemoteError, RemoteWorker};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::stand_in::StandIn;

/// Answers with the prompt.
struct Echo;

#[async_trait]
impl LlmExecutor for Echo {
    fn provides(&self) -> &'static str {
        "llm.command"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        Ok(Answer { value: task.request.prompt.into(), usage: None })
    }
}

/// A server that grants what it is told, and answers results as it is told.
struct Scripted {
    grants: Mutex<VecDeque<Value>>,
    /// Status, media type and body, one after the other; then it takes them.
    answers: Mutex<VecDeque<(u16, &'static str, &'static str)>>,
    /// Under which lease what was brought.
    brought: watch::Sender<Vec<(String, Value)>>,
}

const HTML: &str = "text/html";
const JSON: &str = "application/json";

impl Scripted {
    /// With a worker that works for it.
    async fn new(grants: Vec<Value>, answers: Vec<(u16, &'static str, &'static str)>) -> (Arc<Self>, JoinHandle<()>) {
        let (grants, answers) = (Mutex::new(grants.into()), Mutex::new(answers.into()));
        let this = Arc::new(Self { grants, answers, brought: watch::Sender::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(respond).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let worker = worker(&url);
        (this, tokio::spawn(async move { worker.run(pending(), pending()).await.unwrap() }))
    }

    /// The first results.
    async fn brought(&self, count: usize) -> Vec<(String, Value)> {
        let mut brought = self.brought.subscribe();
        let enough = brought.wait_for(|brought| brought.len() >= count);
        tokio::time::timeout(Duration::from_secs(30), enough).await.expect("it is not brought").unwrap().clone()
    }
}

fn worker(url: &str) -> RemoteWorker {
    let config = RemoteConfig {
        backoff: Duration::from_millis(5),
        longest_backoff: Duration::from_millis(20),
        ..RemoteConfig::new(url, "w1")
    };
    RemoteWorker::new(config, Some(Arc::new(Echo))).unwrap()
}

async fn respond(State(this): State<Arc<Scripted>>, uri: Uri, body: Bytes) -> Response {
    let parts: Vec<&str> = uri.path().trim_start_matches("/api/runtime/").split('/').collect();
    let plain = |status: u16, mime: &'static str, text: &'static str| {
        (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, mime)], text).into_response()
    };
    match parts[..] {
        ["leases"] => {
            let grant = this.grants.lock().unwrap().pop_front();
            match grant {
                Some(grant) => axum::Json(json!([grant])).into_response(),
                // There is nothing more.
                None => pending().await,
            }
        }
        ["leases", lease, "result"] => {
            let body = serde_json::from_slice(&body).unwrap();
            this.brought.send_modify(|brought| brought.push((lease.to_owned(), body)));
            let (status, mime, text) = this.answers.lock().unwrap().pop_front().unwrap_or((200, JSON, "{}"));
            plain(status, mime, text)
        }
        _ => plain(200, JSON, "{}"),
    }
}

/// A grant of a question.
fn question(lease: &str) -> Value {
    let request = LlmRequest {
        prompt: "Так?".to_owned(),
        system: None,
        memory: Vec::new(),
        model: None,
        max_tokens: None,
        session: None,
        output: json!({ "type": "string" }),
        timeout_seconds: None,
        retry: None,
    };
    json!({
        "lease": { "id": lease, "epoch": 1, "ttl_seconds": 300 },
        "task": { "id": "t1", "attempts": 1, "policy": { "timeout_sec": 60 } },
        "request": request, "idempotency_key": "task/t1", "asked_by": NodeRef { node: NodeId::new("n1"), visit: 1 },
    })
}

#[tokio::test]
async fn what_was_paid_for_outlives_what_a_proxy_says() {
    let says = [(404, HTML, "<h1>Not Found</h1>"), (409, HTML, ""), (200, HTML, "<h1>Log in</h1>"), (302, HTML, "")];
    let (server, working) = Scripted::new(vec![question("l1")], says.into()).await;
    let brought = server.brought(5).await;
    let expected = json!({ "epoch": 1, "status": "success", "answer": { "value": "Так?" } });
    for (lease, body) in brought {
        assert_eq!((lease.as_str(), &body["answer"]["value"]), ("l1", &expected["answer"]["value"]), "{body}");
    }
    working.abort();
}

#[tokio::test]
async fn what_the_server_will_not_have_is_told_and_not_done_again() {
    let says = [
        (413, JSON, r#"{ "error": "too large" }"#),
        (400, JSON, r#"{ "error": "no" }"#),
        (409, JSON, r#"{ "error": "stale" }"#),
    ];
    let grants = ["l1", "l2", "l3"].map(question);
    let (server, working) = Scripted::new(grants.into(), says.into()).await;
    let brought = server.brought(4).await;
    let told: Vec<_> = brought.iter().map(|(lease, body)| (lease.as_str(), body["error"]["code"].as_str())).collect();
    // What is refused in its place, and what somebody else has, is left.
    assert_eq!(told, [("l1", None), ("l1", Some("result_refused")), ("l2", None), ("l3", None)]);
    let refused = &brought[1].1;
    assert_eq!((&refused["status"], &refused["error"]["retryable"]), (&json!("failed"), &json!(false)));
    assert!(refused["error"]["message"].as_str().unwrap().contains("too large"), "{refused}");
    working.abort();
}

#[tokio::test]
async fn task_that_is_not_understood_fails_and_counts() {
    let mut odd = question("l1");
    odd["request"] = json!({ "question": "Так?" });
    let run = json!({ "lease": odd["lease"], "envelope": { "plan": 1 } });
    let neither = json!({ "lease": odd["lease"], "dream": 1 });
    let (server, working) = Scripted::new(vec![odd, run, neither], Vec::new()).await;
    for (_, body) in server.brought(3).await {
        assert_eq!((&body["status"], &body["error"]["code"]), (&json!("failed"), &json!("worker_error")), "{body}");
        assert_eq!(body["error"]["retryable"], true, "a worker of another version may understand it");
    }
    working.abort();
}

#[tokio::test]
async fn server_that_was_never_known_is_not_waited_for() {
    let other = StandIn::new(&[]).await;
    let ended = worker(&other.url).run(pending(), pending()).await;
    assert!(matches!(ended, Err(RemoteError::Answer(_))), "{ended:?}");
}
