//! Other servers on this machine, which do what a test tells them: node agents and a control plane.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

/// Where nobody listens.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:1";

/// What was asked of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// As `POST /clone`.
    pub(crate) what: String,
    pub(crate) body: Value,
    /// The key that it was shown, whichever.
    pub(crate) key: Option<String>,
}

#[derive(Default)]
struct Inner {
    answers: BTreeMap<String, (u16, Value)>,
    asked: Vec<Asked>,
}

/// A server that answers as it is told, and remembers what it was asked.
#[derive(Clone, Default)]
pub(crate) struct StandIn {
    inner: Arc<Mutex<Inner>>,
    pub(crate) url: String,
}

impl StandIn {
    /// One that listens until the test ends. What it has no answer to is not found.
    pub(crate) async fn new(answers: &[(&str, Value)]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let this = Self { url: format!("http://{}", listener.local_addr().unwrap()), ..Self::default() };
        for (what, answer) in answers {
            this.answer(what, 200, answer.clone());
        }
        let router = Router::new().fallback(respond).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        this
    }

    /// From now on, `what` (as `GET /health`) is answered so.
    pub(crate) fn answer(&self, what: &str, status: u16, body: Value) {
        self.inner.lock().unwrap().answers.insert(what.to_owned(), (status, body));
    }

    /// What it was asked since the last time.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.inner.lock().unwrap().asked)
    }
}

async fn respond(
    State(this): State<StandIn>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> axum::response::Response {
    let what = format!("{method} {}", uri.path());
    let key = ["x-membridge-agent", "x-membridge-admin"].into_iter().find_map(|name| headers.get(name));
    let key = key.map(|key| key.to_str().unwrap().to_owned());
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let mut inner = this.inner.lock().unwrap();
    let (status, answer) = inner.answers.get(&what).cloned().unwrap_or_else(|| (404, json!({ "detail": "Not Found" })));
    inner.asked.push(Asked { what, body, key });
    (StatusCode::from_u16(status).unwrap(), axum::Json(answer)).into_response()
}

/// A node agent that is well and does what it is told.
pub(crate) async fn agent() -> StandIn {
    StandIn::new(&[
        ("GET /health", json!({ "status": "ok", "version": "0.3.1", "os_info": "Alpine", "ip_addrs": ["10.0.0.2"] })),
        ("POST /self-update", json!({ "version": "0.3.2", "status": "fine" })),
        ("POST /restart", json!({})),
        ("POST /uninstall", json!({})),
        ("POST /clone", json!({ "path": "/home/pi/garden" })),
        ("POST /execute-task", json!({ "accepted": true })),
    ])
    .await
}

/// A control plane that knows one project.
pub(crate) async fn plane() -> StandIn {
    let health =
        json!({ "status": "ok", "service": "membridge-control-plane", "version": "0.3.0", "projects": 1, "agents": 0 });
    StandIn::new(&[
        ("GET /health", health),
        ("GET /agents", json!([])),
        ("GET /projects", json!([{ "canonical_id": "abc123def456abcd", "project_id": "garden" }])),
        ("GET /projects/abc123def456abcd/leadership", json!({ "primary_node_id": "rpi4b", "epoch": 3 })),
        ("GET /projects/abc123def456abcd/nodes", json!([{ "node_id": "rpi4b", "role": "primary" }])),
        ("POST /projects/abc123def456abcd/leadership/select", json!({ "primary_node_id": "rpi5", "epoch": 4 })),
        ("POST /sync/push", json!({ "ok": true })),
        ("POST /sync/pull", json!({ "ok": true })),
    ])
    .await
}
