//! A server without a network.

pub(crate) mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use bloom_ir::{SigningKey, TrustList, Value as IrValue};
use bloom_runtime::apply::Applier;
use bloom_runtime::clock::{Clock, Ids};
use bloom_runtime::engine::{Engine, EngineConfig};
use bloom_runtime::signers::Signers;
use bloom_runtime::store::Store;
use bloom_runtime::tool::ToolHost;
use bloom_server::{Hub, Parts, Server, ServerConfig};
use bloom_store::RedbStore;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::net::TcpSocket;
use tower::ServiceExt as _;

pub(crate) const KEY: &str = "a key for tests";
pub(crate) const START: i64 = 1_700_000_000_000;

/// Who signs what this server trusts.
pub(crate) fn author() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

pub(crate) struct Still(pub(crate) AtomicI64);

impl Clock for Still {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Ids for Counter {
    fn fresh(&self) -> String {
        format!("id-{:06}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}

pub(crate) struct World {
    pub(crate) engine: Arc<Engine>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<Still>,
    pub(crate) ids: Arc<dyn Ids>,
    server: Server,
    router: Router,
}

/// A port that nobody but this test's servers gets, also while none of them listens: one that listens at it may be there
/// beside a socket that only has it.
pub(crate) struct Port(TcpSocket);

impl Port {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        Self(socket)
    }

    pub(crate) fn number(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    /// The body, if the status is this one.
    #[track_caller]
    pub(crate) fn ok(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The message of an error with this status.
    #[track_caller]
    pub(crate) fn error(self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.body);
        self.body["error"].as_str().expect("a message").to_owned()
    }

    /// The members that are wrong.
    #[track_caller]
    pub(crate) fn wrong(self) -> Vec<String> {
        assert_eq!(self.status, 400, "{}", self.body);
        assert_eq!(self.body["error"]["formErrors"], json!([]), "{}", self.body);
        self.body["error"]["fieldErrors"].as_object().unwrap().keys().cloned().collect()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// One whose settings are changed.
    pub(crate) fn with(change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::having(Arc::new(support::NoTools), change)
    }

    /// One with these tools.
    pub(crate) fn having(tools: Arc<dyn ToolHost>, change: impl FnOnce(&mut ServerConfig)) -> Self {
        let (store, clock) = (RedbStore::in_memory().unwrap(), Still(AtomicI64::new(START)));
        Self::of(Arc::new(store), Arc::new(clock), Arc::new(Counter::default()), tools, change)
    }

    /// A server that is started anew, with what this one's store holds.
    pub(crate) fn restarted(&self) -> Self {
        let (store, clock, ids) = (self.store.clone(), self.clock.clone(), self.ids.clone());
        Self::of(store, clock, ids, Arc::new(support::NoTools), |_| {})
    }

    fn of(
        store: Arc<dyn Store>,
        clock: Arc<Still>,
        ids: Arc<dyn Ids>,
        tools: Arc<dyn ToolHost>,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Self {
        let trust: Arc<dyn Signers> = Arc::new(TrustList::of("own", author().public()));
        let hub = Arc::new(Hub::default());
        let engine = Arc::new(Engine::new(bloom_runtime::engine::Parts {
            store: store.clone(),
            tools: tools.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            trust: trust.clone(),
            observer: hub.clone(),
            // Leases end when a test has them end, and not also by the server's own clock.
            config: EngineConfig {
                awaits_workers: true,
                reap_every: Duration::from_hours(1),
                ..EngineConfig::default()
            },
        }));
        let mut config = ServerConfig { agent_key: Some("the agents' key".into()), ..ServerConfig::default() };
        config.control_plane.retry_after = Duration::from_millis(2);
        change(&mut config);
        let parts = Parts {
            engine: engine.clone(),
            tools,
            toolbox: Arc::new(support::NoTools),
            compiler: Arc::new(support::NoCompiler),
            appliers: Arc::new(support::appliers(&store, &clock)),
            clock: clock.clone(),
            ids: ids.clone(),
            trust,
            hub,
            key: Some(KEY.into()),
            setting: IrValue::Null,
            config,
        };
        let server = Server::new(parts).unwrap();
        Self { engine, store, clock, ids, router: server.router(), server }
    }

    /// Serves a port of this machine, or any if it is 0, as long as the task is not aborted.
    pub(crate) async fn serve(&self, port: u16) -> (String, tokio::task::JoinHandle<()>) {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = self.server.clone();
        let serving = tokio::spawn(async move { server.serve(listener, std::future::pending()).await.unwrap() });
        (url, serving)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, Some(KEY)).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string()), Some(KEY)).await
    }

    /// Sends lines of JSON.
    pub(crate) async fn lines(&self, path: &str, lines: &str) -> Answer {
        self.send(Method::POST, path, Some(lines.to_owned()), Some(KEY)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None, Some(KEY)).await
    }

    pub(crate) async fn respond(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<String>, key: Option<&str>) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(key) = key {
            request = request.header("X-Runtime-API-Key", key);
        }
        if body.is_some() {
            request = request.header("Content-Type", "application/json");
        }
        let request = request.body(Body::from(body.unwrap_or_default())).unwrap();
        let response = self.respond(request).await;
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) }
    }

    pub(crate) fn pass(&self, ms: i64) {
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Posts a task, and gives its path.
    pub(crate) async fn task(&self, more: Value) -> String {
        let mut body = json!({ "context_id": "c1", "agent_slug": "code-review", "prompt": "Review this" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let task = self.post("/api/runtime/llm-tasks", body).await.ok(201);
        format!("/api/runtime/llm-tasks/{}", task["id"].as_str().unwrap())
    }

    /// Registers a node agent.
    pub(crate) async fn agent(&self, name: &str) -> Value {
        let body = json!({ "name": name, "url": "http://127.0.0.1:8001" });
        self.post("/api/runtime/workers", body).await.ok(201)
    }

    /// Registers a worker that pulls.
    pub(crate) async fn puller(&self, name: &str, slots: u32) -> Value {
        let capabilities = json!({ "claude_cli": false, "max_concurrency": slots, "provides": ["llm.command"] });
        self.post("/api/runtime/workers", json!({ "name": name, "capabilities": capabilities })).await.ok(201)
    }

    /// The last actions of the audit log, newest first.
    pub(crate) async fn actions(&self) -> Vec<String> {
        let log = self.get("/api/runtime/audit").await.ok(200);
        log.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
    }
}
