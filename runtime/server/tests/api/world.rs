//! A server in the test's process, whose every answer is held against its own description.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use bloom_interpreter::effect::{Answer, EffectError};
use bloom_ir::document::Locale;
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Diagnostic, Digest, Document, SigningKey, TrustList, Value, sign};
use bloom_runtime::apply::Applier;
use bloom_runtime::clock::{Clock, Ids};
use bloom_runtime::compiler::{Called, Compiled, Compiler, Explanation, Picture};
use bloom_runtime::engine::{self, Admission, Budgets, Engine, EngineConfig};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::signers::Signers;
use bloom_runtime::tool::{CallLimits, InstalledTool, ToolCall, ToolHost};
use bloom_server::{Appliers, Hub, NotAdded, Parts, Server, ServerConfig, Toolbox};
use bloom_store::RedbStore;
use bloom_worker::InProcessWorker;
use http_body_util::BodyExt as _;
use secrecy::SecretString;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

/// What servers say of themselves: all of them the same.
static DESCRIPTION: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(&bloom_server::openapi::document()).unwrap());

/// A server that looks after its runs.
pub(crate) struct World {
    pub(crate) server: Server,
    pub(crate) engine: Arc<Engine>,
    /// Its routes, which take longer to make than most requests do.
    pub(crate) router: Router,
    stop: watch::Sender<bool>,
    tending: Option<JoinHandle<()>>,
    worker: Option<InProcessWorker>,
    pub(crate) store: Arc<RedbStore>,
    clock: Arc<TestClock>,
    pub(crate) tools: Arc<Tools>,
    _memory: TempDir,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

impl Answered {
    pub(crate) fn json(&self) -> Json {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.bytes.to_vec()).unwrap()
    }

    /// The body, if the status is this one.
    #[track_caller]
    pub(crate) fn ok(&self, status: u16) -> Json {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        self.json()
    }

    /// The error, if it is one of this status and code; with the message.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Json {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.bytes));
        let body = self.json();
        assert_eq!(body["error"]["code"], code, "{body}");
        assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        assert!(body["correlationId"].is_string(), "{body}");
        body["error"].clone()
    }
}

/// What a test changes of the server.
pub(crate) struct Setup {
    pub(crate) key: Option<&'static str>,
    pub(crate) config: ServerConfig,
    pub(crate) has_worker: bool,
    /// Whether its runs go on.
    pub(crate) is_tended: bool,
    /// How many runs may be under way.
    pub(crate) admission: Admission,
    /// What runs may use.
    pub(crate) budgets: Budgets,
    /// The store of a server that was there before.
    pub(crate) store: Option<Arc<RedbStore>>,
    /// Makes documents of what is published as a diagram.
    pub(crate) compiler: Arc<dyn Compiler>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            key: None,
            config: ServerConfig::default(),
            has_worker: true,
            is_tended: true,
            admission: Admission::default(),
            budgets: Budgets::default(),
            store: None,
            compiler: Arc::new(Pencil),
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Setup::default())
    }

    pub(crate) fn with(setup: Setup) -> Self {
        let store = setup.store.unwrap_or_else(|| Arc::new(RedbStore::in_memory().unwrap()));
        let memory = tempfile::tempdir().unwrap();
        let (hub, clock, ids) =
            (Arc::new(Hub::default()), Arc::new(TestClock::default()), Arc::new(Counter::default()));
        let tools = Arc::new(Tools::default());
        let trust: Arc<dyn Signers> = Arc::new(TrustList::of("author", key().public()));
        let engine = Arc::new(Engine::new(engine::Parts {
            store: store.clone(),
            tools: tools.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            trust: trust.clone(),
            observer: hub.clone(),
            config: EngineConfig {
                awaits_workers: true,
                admission: setup.admission,
                budgets: setup.budgets,
                ..EngineConfig::default()
            },
        }));
        let applier = Arc::new(Applier::new(store.clone(), clock.clone(), memory.path()));
        let server = Server::new(Parts {
            engine: engine.clone(),
            tools: tools.clone(),
            toolbox: tools.clone(),
            compiler: setup.compiler,
            appliers: Arc::new(One(applier)),
            clock: clock.clone(),
            ids,
            trust,
            hub,
            key: setup.key.map(SecretString::from),
            setting: Value::Null,
            config: setup.config,
        })
        .unwrap();
        let worker = setup.has_worker.then(|| InProcessWorker::start(engine.clone(), Arc::new(Echo), 1, None));
        let (stop, mut stopping) = watch::channel(false);
        let tending = setup.is_tended.then(|| {
            let tended = engine.clone();
            tokio::spawn(async move {
                let stopped = async {
                    let _ = stopping.wait_for(|stops| *stops).await;
                };
                tended.tend(stopped).await.unwrap();
            })
        });
        Self { router: server.router(), server, engine, stop, tending, worker, store, clock, tools, _memory: memory }
    }

    /// Time goes by.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(i64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) async fn get(&self, path: &str) -> Answered {
        self.send("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Json) -> Answered {
        self.send("POST", path, &[("content-type", "application/json")], &body.to_string()).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl AsRef<[u8]>,
    ) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "host") {
            request = request.header("host", "127.0.0.1:5000");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.as_ref().to_vec())).unwrap();
        let method = request.method().clone();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let answered = Answered { status: parts.status.as_u16(), headers: parts.headers, bytes };
        Self::assert_described(&method, path, &answered);
        answered
    }

    /// Whatever is answered stands in the description.
    fn assert_described(method: &Method, path: &str, answered: &Answered) {
        let path = path.split('?').next().unwrap();
        let fits = |template: &str| {
            let (mut theirs, mut ours) = (template.split('/'), path.split('/'));
            // An empty segment is no parameter: there is no such path.
            let fit = theirs
                .by_ref()
                .zip(ours.by_ref())
                .all(|(t, o)| if t.starts_with('{') { !o.is_empty() } else { t == o });
            fit && template.split('/').count() == path.split('/').count()
        };
        let paths = DESCRIPTION["paths"].as_object().unwrap();
        // A path without parameters goes before one with them.
        let found = paths
            .iter()
            .filter(|(template, _)| fits(template))
            .min_by_key(|(template, _)| template.matches('{').count());
        let Some((template, item)) = found else { return };
        let operation = &item[method.as_str().to_lowercase()];
        if operation.is_null() || matches!(answered.status, 405) {
            return;
        }
        let response = &operation["responses"][answered.status.to_string()];
        assert!(!response.is_null(), "{method} {template} answered {}, which is not described", answered.status);
        if let Some(kind) = answered.headers.get("content-type").filter(|_| !answered.bytes.is_empty()) {
            let kind = kind.to_str().unwrap().split(';').next().unwrap();
            assert!(
                !response["content"][kind].is_null(),
                "{method} {template} {}: {kind} is not described",
                answered.status
            );
        }
    }

    /// Publishes a flow, and gives its id.
    pub(crate) async fn published(&self, flow: &Json) -> String {
        let answered = self.send("POST", "/api/v1/flows", &[("content-type", "application/json")], signed(flow)).await;
        answered.ok(201)["id"].as_str().unwrap().to_owned()
    }

    /// Publishes and submits a flow, waits for its end, and gives the run.
    pub(crate) async fn run(&self, flow: &Json) -> Json {
        let id = self.published(flow).await;
        self.post(&format!("/api/v1/flows/{id}/runs?wait=30"), &json!({})).await.ok(200)
    }

    /// The same for a flow that waits: gives the run once it does.
    pub(crate) async fn waiting(&self, flow: &Json) -> String {
        let id = self.published(flow).await;
        let run = self.post(&format!("/api/v1/flows/{id}/runs"), &json!({})).await.ok(202);
        let run = run["run_id"].as_str().unwrap().to_owned();
        for _ in 0..12_000 {
            if self.get(&format!("/api/v1/runs/{run}")).await.ok(200)["waiting"] == true {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("run {run} does not wait");
    }

    pub(crate) async fn end(mut self) {
        if let Some(worker) = self.worker.take() {
            worker.stop().await;
        }
        self.stop.send_replace(true);
        if let Some(tending) = self.tending.take() {
            tending.await.unwrap();
        }
    }
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// A document, signed by somebody who is trusted.
pub(crate) fn signed(flow: &Json) -> Vec<u8> {
    signed_by(flow, &key())
}

pub(crate) fn signed_by(flow: &Json, key: &SigningKey) -> Vec<u8> {
    let document: Document = serde_json::from_value(flow.clone()).unwrap();
    sign::seal(document, &[key]).to_bytes()
}

/// A flow of these nodes that starts with `n1`.
pub(crate) fn flow(id: &str, version: &str, nodes: &Json) -> Json {
    json!({
        "ir": "0.1",
        "flow": { "id": id, "version": version, "title": format!("Flow {id}"), "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object", "properties": { "name": { "type": "string" } } }, "outputs": {},
        "policy": { "safe_outputs": ["propose-summary", "memory-update"] },
        "entry": "n1",
        "nodes": nodes,
        "source": {
            "kind": "drakon", "name": "t.drakon", "sha256": Digest::of(DIAGRAM).hex(),
            "map": { "n1": { "item": "12", "first": true, "text": "Read" } },
        },
    })
}

/// What the flows are said to be made of.
pub(crate) const DIAGRAM: &[u8] = b"a diagram";

/// What nobody can read.
pub(crate) const BLOT: &[u8] = b"a blot";

/// Ends at once.
pub(crate) fn plain(id: &str, version: &str) -> Json {
    flow(id, version, &json!({ "n1": { "type": "return", "status": "completed", "value": "{'ok': true}" } }))
}

/// Asks an LLM.
pub(crate) fn asking_llm(id: &str) -> Json {
    flow(
        id,
        "1.0.0",
        &json!({
            "n1": { "type": "llm_call", "prompt": [{ "text": "Greet" }], "into": "answer", "next": "n2",
                    "output": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] } },
            "n2": { "type": "return", "status": "completed", "value": "v['answer'].text" },
        }),
    )
}

/// Awaits a signal that is an integer.
pub(crate) fn awaiting(id: &str) -> Json {
    flow(
        id,
        "1.0.0",
        &json!({
            "n1": { "type": "action", "op": "await", "signal": "go", "schema": { "type": "integer" }, "into": "a", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['a']" },
        }),
    )
}

/// Asks a person for an answer that is a text.
pub(crate) fn asking(id: &str) -> Json {
    flow(
        id,
        "1.0.0",
        &json!({
            "n1": { "type": "action", "op": "await", "into": "a", "next": "n2",
                    "ask": { "title": [{ "text": "Which?" }], "text": [{ "text": "Say it" }], "schema": { "type": "string" } } },
            "n2": { "type": "return", "status": "completed", "value": "v['a']" },
        }),
    )
}

/// Proposes a summary and a change of its memory.
pub(crate) fn proposing(id: &str) -> Json {
    let update =
        "{'target': {'type': 'memory', 'path': 'memory'}, 'base_revision': 0, 'content': {'set': {'last_run': 7}}}";
    flow(
        id,
        "1.0.0",
        &json!({
            "n1": { "type": "emit", "kind": "proposal", "name": "s", "action": "propose-summary", "next": "n2",
                    "value": "{'content': 'A sonata', 'target': {'path': 'notes/a'}}" },
            "n2": { "type": "emit", "kind": "proposal", "name": "m", "action": "memory-update", "value": update, "next": "n3" },
            "n3": { "type": "return", "status": "completed", "value": "null" },
        }),
    )
}

#[derive(Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> i64 {
        1_767_225_600_000 + self.0.fetch_add(1, Ordering::SeqCst)
    }
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Ids for Counter {
    fn fresh(&self) -> String {
        format!("id-{:06}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}

struct One(Arc<Applier>);

impl Appliers for One {
    fn of(&self, _: &Value) -> std::io::Result<Arc<Applier>> {
        Ok(self.0.clone())
    }
}

/// Answers everything alike.
struct Echo;

#[async_trait]
impl LlmExecutor for Echo {
    fn provides(&self) -> &'static str {
        "llm.echo"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        Ok(Answer { value: json!({ "text": "hello" }).into(), usage: None })
    }
}

/// Draws what it is given.
struct Pencil;

impl Compiler for Pencil {
    /// A document's source is the document without a signature; anything else has an error.
    fn compile(&self, name: &str, bytes: &[u8], called: Called) -> Compiled {
        let Ok(mut document) = serde_json::from_slice::<Document>(bytes) else {
            let found = bloom_ir::validate::read(bytes).unwrap_err();
            return Compiled { document: None, diagnostics: found };
        };
        let source = document.source.as_mut().unwrap();
        (source.name, source.sha256) = (name.to_owned(), Digest::of(bytes).hex());
        document.flow.id = called.id.unwrap_or(document.flow.id);
        document.flow.version = called.version.unwrap_or(document.flow.version);
        Compiled { document: Some(document), diagnostics: Vec::new() }
    }

    fn pseudocode(&self, name: &str, bytes: &[u8], locale: Locale) -> Result<String, Vec<Diagnostic>> {
        readable(bytes)?;
        Ok(format!("{name} {locale:?} {}", String::from_utf8_lossy(bytes)))
    }

    fn draw(&self, name: &str, bytes: &[u8], _: &Picture) -> Result<String, Vec<Diagnostic>> {
        readable(bytes)?;
        Ok(format!("<svg><title>{name}</title></svg>"))
    }

    fn explain(&self, code: &str, locale: Locale) -> Option<Explanation> {
        let title = match locale {
            Locale::En => "It is a blot",
            Locale::Uk => "Це пляма",
        };
        (code == "I005").then_some(Explanation {
            code: "I005",
            title,
            body: "**Why.** Nobody reads `<b>`.",
            example: Some("<i>"),
        })
    }
}

fn readable(bytes: &[u8]) -> Result<(), Vec<Diagnostic>> {
    if bytes == BLOT { Err(bloom_ir::validate::read(bytes).unwrap_err()) } else { Ok(()) }
}

/// One tool, and those that were added, which nobody calls.
pub(crate) struct Tools {
    calls: Mutex<BTreeMap<String, u64>>,
    added: Mutex<Vec<InstalledTool>>,
    /// How many components may be compiled.
    pub(crate) may_compile: Semaphore,
}

impl Default for Tools {
    fn default() -> Self {
        let may_compile = Semaphore::new(Semaphore::MAX_PERMITS);
        Self { calls: Mutex::default(), added: Mutex::default(), may_compile }
    }
}

/// A component of this name, as this host has them; of some it makes no tool.
pub(crate) fn component(name: &str) -> Vec<u8> {
    [b"\0asm", name.as_bytes()].concat()
}

/// The component `asking` asks for something.
fn tool(name: &str, digest: Digest) -> InstalledTool {
    let capabilities: &[&str] = if name == "asking" { &["files:notes", "http:api.example.org"] } else { &[] };
    let manifest: ToolManifest = serde_json::from_value(json!({
        "name": name, "version": "1.0.0", "description": "played", "effect": "read", "input": {}, "output": {},
        "capabilities": capabilities,
    }))
    .unwrap();
    InstalledTool { manifest, digest }
}

#[async_trait]
impl Toolbox for Tools {
    async fn add(&self, component: Vec<u8>) -> Result<InstalledTool, NotAdded> {
        self.may_compile.acquire().await.unwrap().forget();
        let name = std::str::from_utf8(&component[4..]).unwrap();
        if name == "bad" {
            return Err(NotAdded::Refused("it imports what no tool gets".to_owned()));
        }
        let tool = tool(name, Digest::of(&component));
        self.added.lock().unwrap().push(tool.clone());
        Ok(tool)
    }
}

#[async_trait]
impl ToolHost for Tools {
    fn describe(&self, name: &str, _: Option<Digest>) -> Result<InstalledTool, EffectError> {
        let found = self.installed().into_iter().find(|tool| tool.manifest.name == name);
        found.ok_or_else(|| EffectError::new("unknown_tool", format!("no tool `{name}`")))
    }

    fn may_call(&self, _: &InstalledTool, _: &str, capabilities: &[String]) -> Result<(), EffectError> {
        match capabilities.iter().find(|asked| asked.starts_with("http:api.")) {
            Some(asked) => Err(EffectError::new("not_granted", format!("`{asked}` was not granted <script>"))),
            None => Ok(()),
        }
    }

    fn limits(&self) -> Option<CallLimits> {
        let limits = CallLimits { fuel: 1_000, memory_bytes: 64 << 20, ..CallLimits::default() };
        Some(limits)
    }

    fn installed(&self) -> Vec<InstalledTool> {
        let mut installed = vec![tool("read-notes", Digest::of(b"read-notes"))];
        installed.extend(self.added.lock().unwrap().iter().cloned());
        installed
    }

    async fn call(&self, call: ToolCall) -> Result<Value, EffectError> {
        *self.calls.lock().unwrap().entry(call.request.tool).or_default() += 1;
        Err(EffectError::new("nobody", "this tool is not called"))
    }
}

/// For asserting statuses of many requests at once.
pub(crate) fn is_fault(status: u16) -> bool {
    StatusCode::from_u16(status).unwrap().is_server_error()
}
