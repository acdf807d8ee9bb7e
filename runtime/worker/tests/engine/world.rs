//! A machine with a store, tools that are played, and a worker with a script.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError, ToolRequest};
use bloom_interpreter::history::{Event, Payload};
use bloom_ir::capability::ArtifactScope;
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Digest, Document, SigningKey, TrustList, Value, VerifiedIr};
use bloom_runtime::clock::{Clock, Ids};
use bloom_runtime::engine::{Engine, EngineConfig, EngineError, Observer, Parts, Progress, RunEnd, Step, Submit};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::{Actor, ContextId, RunId};
use bloom_runtime::store::Store;
use bloom_runtime::tool::{InstalledTool, ToolCall, ToolHost};
use bloom_store::RedbStore;
use bloom_worker::{InProcessWorker, Scripted};
use serde_json::{Value as Json, json};

use crate::disk::Disk;

/// What a played tool does.
pub(crate) enum Act {
    Answer(Json),
    /// After a while.
    After(Duration, Result<Json, EffectError>),
    Fail(EffectError),
    /// Answers with the text of the artifact of a name, or with the code of the error.
    ReadArtifact(ArtifactScope, &'static str),
    /// The same, of what this run handed out.
    ReadArtifactOf(ArtifactScope, &'static str, RunId),
    Hang,
}

type Play = Box<dyn Fn(&ToolCall, usize) -> Act + Send + Sync>;

/// Tools by name, and their calls by idempotency key.
#[derive(Default)]
pub(crate) struct Tools {
    by_name: BTreeMap<String, (InstalledTool, Play)>,
    calls: Mutex<Vec<(String, String)>>,
    are_brief: bool,
}

impl Tools {
    /// A tool; `play` gets the call and how often the tool was called before.
    pub(crate) fn with(
        mut self,
        name: &str,
        effect: &str,
        play: impl Fn(&ToolCall, usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let manifest: ToolManifest = serde_json::from_value(json!({
            "name": name, "version": "1.0.0", "description": "played", "effect": effect,
            "input": {}, "output": {}, "capabilities": ["files:notes"],
        }))
        .unwrap();
        let installed = InstalledTool { manifest, digest: Digest::of(name.as_bytes()) };
        self.by_name.insert(name.to_owned(), (installed, Box::new(play)));
        self
    }

    /// The same tools, which can do nothing but compute.
    pub(crate) fn computing(mut self) -> Self {
        for (installed, _) in self.by_name.values_mut() {
            installed.manifest.capabilities.clear();
        }
        self
    }

    /// The same tools, of which a call takes next to no time.
    pub(crate) fn brief(self) -> Self {
        Self { are_brief: true, ..self }
    }

    /// Calls of a tool so far.
    pub(crate) fn calls(&self, tool: &str) -> usize {
        self.calls.lock().unwrap().iter().filter(|(_, called)| called == tool).count()
    }

    pub(crate) fn calls_by_key(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (key, _) in self.calls.lock().unwrap().iter() {
            *counts.entry(key.clone()).or_default() += 1;
        }
        counts
    }
}

#[async_trait]
impl ToolHost for Tools {
    fn describe(&self, name: &str, _: Option<Digest>) -> Result<InstalledTool, EffectError> {
        let unknown = || EffectError::new("unknown_tool", format!("no tool `{name}`"));
        self.by_name.get(name).map(|(installed, _)| installed.clone()).ok_or_else(unknown)
    }

    fn may_call(&self, tool: &InstalledTool, _: &str, _: &[String]) -> Result<(), EffectError> {
        match tool.manifest.name.as_str() {
            "ungranted" => Err(EffectError::new("not_granted", "the operator did not grant it")),
            _ => Ok(()),
        }
    }

    fn installed(&self) -> Vec<InstalledTool> {
        self.by_name.values().map(|(installed, _)| installed.clone()).collect()
    }

    fn is_brief(&self, _: &ToolRequest) -> bool {
        self.are_brief
    }

    async fn call(&self, call: ToolCall) -> Result<Value, EffectError> {
        let name = call.request.tool.clone();
        let before = self.calls(&name);
        self.calls.lock().unwrap().push((call.idempotency_key.clone(), name.clone()));
        match (self.by_name[&name].1)(&call, before) {
            Act::Answer(answer) => Ok(answer.into()),
            Act::After(time, answer) => {
                tokio::time::sleep(time).await;
                answer.map(Value::from)
            }
            Act::Fail(error) => Err(error),
            Act::ReadArtifact(scope, name) => {
                let artifacts = call.artifacts.unwrap();
                let Some(found) = artifacts.find(scope, name, None).await? else { return Ok("none".into()) };
                assert_eq!(artifacts.find(scope, name, Some(&found.run)).await?.as_ref(), Some(&found));
                let bytes = artifacts.read(scope, found.digest).await?.unwrap();
                Ok(String::from_utf8(bytes).unwrap().into())
            }
            Act::ReadArtifactOf(scope, name, run) => {
                let artifacts = call.artifacts.unwrap();
                let found = artifacts.find(scope, name, Some(&run)).await?.unwrap();
                let bytes = artifacts.read(scope, found.digest).await?.unwrap();
                Ok(String::from_utf8(bytes).unwrap().into())
            }
            Act::Hang => std::future::pending().await,
        }
    }
}

/// Replies from a script, and counts what was asked.
pub(crate) struct Llm {
    script: Mutex<Scripted>,
    asked: Mutex<Vec<String>>,
}

impl Llm {
    pub(crate) fn new(script: &Json) -> Self {
        Self { script: Mutex::new(Scripted::parse(&script.to_string()).unwrap()), asked: Mutex::default() }
    }

    pub(crate) fn replace(&self, script: &Json) {
        *self.script.lock().unwrap() = Scripted::parse(&script.to_string()).unwrap();
    }

    pub(crate) fn asked_by_key(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for key in self.asked.lock().unwrap().iter() {
            *counts.entry(key.clone()).or_default() += 1;
        }
        counts
    }
}

#[async_trait]
impl LlmExecutor for Llm {
    fn provides(&self) -> &'static str {
        "llm.scripted"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        self.asked.lock().unwrap().push(task.idempotency_key.clone());
        let script = self.script.lock().unwrap().clone();
        script.answer(task).await
    }
}

struct ArcLlm(Arc<Llm>);

#[async_trait]
impl LlmExecutor for ArcLlm {
    fn provides(&self) -> &'static str {
        self.0.provides()
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        self.0.answer(task).await
    }
}

/// A millisecond later each time; where it was begun at an instant, tokio's time goes by beside.
#[derive(Default)]
pub(crate) struct TestClock(pub(crate) AtomicI64, Option<tokio::time::Instant>);

impl Clock for TestClock {
    fn now(&self) -> i64 {
        let passed = self.1.map_or(0, |begun| i64::try_from(begun.elapsed().as_millis()).unwrap());
        1_700_000_000_000 + self.0.fetch_add(1, Ordering::SeqCst) + passed
    }
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Ids for Counter {
    fn fresh(&self) -> String {
        format!("id-{:06}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// Keeps what it is told.
#[derive(Default)]
pub(crate) struct Log(pub(crate) Mutex<Vec<Progress>>);

impl Observer for Log {
    fn observe(&self, progress: Progress) {
        self.0.lock().unwrap().push(progress);
    }
}

impl Log {
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.0.lock().unwrap().iter().map(|progress| progress.step.clone()).collect()
    }
}

pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) tools: Arc<Tools>,
    pub(crate) llm: Arc<Llm>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) log: Arc<Log>,
    ids: Arc<dyn Ids>,
}

impl World {
    pub(crate) fn new(tools: Tools, script: &Json) -> Self {
        Self {
            store: Arc::new(RedbStore::in_memory().unwrap()),
            tools: Arc::new(tools),
            llm: Arc::new(Llm::new(script)),
            clock: Arc::default(),
            log: Arc::default(),
            ids: Arc::new(Counter::default()),
        }
    }

    /// With a clock that goes with tokio's, which a test may have paused.
    pub(crate) fn in_time(self) -> Self {
        let clock = TestClock(AtomicI64::default(), Some(tokio::time::Instant::now()));
        Self { clock: Arc::new(clock), ..self }
    }

    pub(crate) fn engine(&self) -> Arc<Engine> {
        self.engine_on(Arc::new(Disk::new(self.store.clone())))
    }

    pub(crate) fn engine_on(&self, disk: Arc<Disk>) -> Arc<Engine> {
        self.engine_as(disk, EngineConfig::default())
    }

    pub(crate) fn engine_with(&self, config: EngineConfig) -> Arc<Engine> {
        self.engine_as(Arc::new(Disk::new(self.store.clone())), config)
    }

    pub(crate) fn engine_as(&self, disk: Arc<Disk>, config: EngineConfig) -> Arc<Engine> {
        self.engine_of(disk, TrustList::of("own", key().public()), config)
    }

    pub(crate) fn engine_trusting(&self, trust: TrustList) -> Arc<Engine> {
        self.engine_of(Arc::new(Disk::new(self.store.clone())), trust, EngineConfig::default())
    }

    fn engine_of(&self, disk: Arc<Disk>, trust: TrustList, config: EngineConfig) -> Arc<Engine> {
        Arc::new(Engine::new(Parts {
            store: disk,
            tools: self.tools.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            trust: Arc::new(trust),
            observer: self.log.clone(),
            config,
        }))
    }

    pub(crate) fn worker(&self, engine: &Arc<Engine>) -> InProcessWorker {
        InProcessWorker::start(engine.clone(), Arc::new(ArcLlm(self.llm.clone())), 1, None)
    }

    /// Runs a flow to its end, with a worker beside it.
    pub(crate) async fn run(&self, flow: &Json) -> (RunId, Result<RunEnd, EngineError>) {
        let engine = self.engine();
        let id = engine.submit(submission(flow)).await.unwrap();
        let end = self.drive(&engine, &id).await;
        (id, end)
    }

    pub(crate) async fn drive(&self, engine: &Arc<Engine>, id: &RunId) -> Result<RunEnd, EngineError> {
        let worker = self.worker(engine);
        let end = engine.drive(id).await;
        worker.stop().await;
        end
    }

    /// What happened in a run, without the answers.
    pub(crate) async fn events(&self, id: &RunId) -> Vec<Payload> {
        let events: Vec<Event> = self.store.history(id, 1, 10_000).await.unwrap();
        events.into_iter().filter_map(|event| event.payload).collect()
    }

    pub(crate) async fn kinds(&self, id: &RunId) -> Vec<String> {
        let events = self.events(id).await;
        events
            .iter()
            .map(|payload| serde_json::to_value(payload.kind()).unwrap().as_str().unwrap().to_owned())
            .collect()
    }

    /// Replays the run with its pinned IR.
    pub(crate) async fn assert_replays(&self, id: &RunId) {
        let report = self.engine().replay(id, None).await.unwrap();
        assert_eq!(report.verdict, bloom_interpreter::replay::Verdict::Same);
    }
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

pub(crate) fn submission(flow: &Json) -> Submit {
    let document: Document = serde_json::from_value(flow.clone()).unwrap();
    Submit {
        ir: VerifiedIr::signed(document, &key()).unwrap(),
        inputs: json!({ "folder": "notes" }).into(),
        by: Actor("owner".to_owned()),
        context: ContextId::new("default"),
        setting: bloom_ir::Value::Null,
        limits: None,
        budget: None,
        is_awaited: false,
    }
}

/// A flow of these nodes that starts with `n1`, and may call these tools.
pub(crate) fn flow(tools: &[(&str, &str)], nodes: &Json) -> Json {
    let allowed: serde_json::Map<String, Json> = tools
        .iter()
        .map(|(name, effect)| {
            let digest = Digest::of(name.as_bytes());
            ((*name).to_owned(), json!({ "effect": effect, "digest": digest, "capabilities": ["files:notes"] }))
        })
        .collect();
    json!({
        "ir": "0.1",
        "flow": { "id": "archivist", "version": "0.0.0", "title": "Test", "kind": "procedure", "locale": "en" },
        "inputs": {}, "outputs": {},
        "policy": { "allowed_tools": allowed, "safe_outputs": ["propose-summary"] },
        "entry": "n1",
        "nodes": nodes,
        "source": { "kind": "drakon", "name": "t.drakon", "sha256": "0".repeat(64), "map": { "n1": { "item": "12", "first": true, "text": "Read" } } },
    })
}

pub(crate) fn passing(code: &str) -> EffectError {
    EffectError { retryable: true, ..EffectError::new(code, "it may work later") }
}
