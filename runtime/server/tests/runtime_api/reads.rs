//! What the tools of a leased run read of the server's.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bloom_interpreter::effect::EffectError;
use bloom_ir::capability::ArtifactScope;
use bloom_ir::document::ToolEffect;
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Digest, Value as IrValue};
use bloom_runtime::engine::EngineConfig;
use bloom_runtime::tool::{Artifacts, FileEntry, Folders, InstalledTool, SHARED_ROOTS, ToolCall, ToolHost};
use bloom_store::RedbStore;
use bloom_worker::{Flows, RemoteConfig, RemoteWorker};
use serde_json::{Value, json};

use crate::flow::{ended, signed, trusted};
use crate::world::{KEY, World, author};

const TOOL: &str = "remember";
const COMPONENT: &[u8] = b"a component";

fn manifest(capabilities: &[&str]) -> ToolManifest {
    ToolManifest {
        name: TOOL.to_owned(),
        version: "0.1.0".to_owned(),
        description: "Remembers".to_owned(),
        effect: ToolEffect::Read,
        input: json!({ "type": "object" }),
        output: json!({}),
        params: Vec::new(),
        aliases: BTreeMap::new(),
        capabilities: capabilities.iter().map(ToString::to_string).collect(),
        also_called: Vec::new(),
        retry: None,
        failures: BTreeMap::new(),
    }
}

const ASKS: [&str; 3] = ["files:memory", "files:context", "artifacts:own"];

/// A host with one tool, which reads a file and an artifact; and with files.
struct Shelf {
    /// Those that are installed.
    components: Mutex<Vec<Digest>>,
    files: BTreeMap<&'static str, &'static str>,
}

impl Shelf {
    fn new(components: &[&[u8]], files: &[(&'static str, &'static str)]) -> Arc<Self> {
        let components = components.iter().map(|bytes| Digest::of(bytes)).collect();
        Arc::new(Self { components: Mutex::new(components), files: files.iter().copied().collect() })
    }
}

/// Its files, by root and path.
#[derive(Debug)]
struct Files(BTreeMap<&'static str, &'static str>);

#[async_trait]
impl Folders for Files {
    async fn list(&self, root: &str, prefix: &str) -> Result<Vec<FileEntry>, EffectError> {
        let start = format!("{root}/{prefix}");
        let files = self.0.iter().filter_map(|(path, text)| {
            let path = path.strip_prefix(&start)?.to_owned();
            Some(FileEntry { path, size: text.len() as u64, modified: 7 })
        });
        Ok(files.collect())
    }

    async fn read(&self, root: &str, path: &str) -> Result<Vec<u8>, EffectError> {
        let text = self.0.get(format!("{root}/{path}").as_str());
        text.map(|text| text.as_bytes().to_vec()).ok_or_else(|| EffectError::new("not_found", "there is no such file"))
    }
}

#[async_trait]
impl ToolHost for Shelf {
    fn describe(&self, name: &str, digest: Option<Digest>) -> Result<InstalledTool, EffectError> {
        let components = self.components.lock().unwrap();
        let found = components.iter().find(|there| digest.is_none_or(|digest| digest == **there));
        let digest =
            *found.filter(|_| name == TOOL).ok_or_else(|| EffectError::new("unknown_tool", "there is none"))?;
        Ok(InstalledTool { manifest: manifest(&ASKS), digest })
    }

    fn may_call(&self, tool: &InstalledTool, _: &str, _: &[String]) -> Result<(), EffectError> {
        let asks = |root: &str| tool.manifest.capabilities.contains(&format!("files:{root}"));
        let has = |root: &str| self.files.keys().any(|path| path.starts_with(root));
        match SHARED_ROOTS.iter().find(|root| asks(root) && !has(root)) {
            None => Ok(()),
            Some(_) => Err(EffectError::new("not_granted", "no folder is named for that")),
        }
    }

    fn installed(&self) -> Vec<InstalledTool> {
        self.describe(TOOL, None).into_iter().collect()
    }

    async fn component(&self, digest: Digest) -> std::io::Result<Option<Vec<u8>>> {
        Ok((digest == Digest::of(COMPONENT)).then(|| COMPONENT.to_vec()))
    }

    async fn take_in(&self, component: Vec<u8>) -> Result<InstalledTool, EffectError> {
        self.components.lock().unwrap().push(Digest::of(&component));
        self.describe(TOOL, Some(Digest::of(&component)))
    }

    fn folders(&self, _: &str) -> Option<Arc<dyn Folders>> {
        Some(Arc::new(Files(self.files.clone())))
    }

    async fn call(&self, call: ToolCall) -> Result<IrValue, EffectError> {
        assert_eq!(call.request.digest, Some(Digest::of(COMPONENT)), "what was signed is called");
        let folders = call.folders.expect("the server's folders");
        let files = folders.list("memory", "").await?.into_iter().map(|file| file.path).collect::<Vec<_>>();
        let text = folders.read("context", "a.md").await?;
        let missing = folders.read("memory", "none").await.unwrap_err().code;
        let artifacts: Arc<dyn Artifacts> = call.artifacts.expect("the server's artifacts");
        let found = artifacts.find(ArtifactScope::Own, "report", None).await?.expect("the run has handed it out");
        let bytes = artifacts.read(ArtifactScope::Own, found.digest).await?.expect("its bytes");
        let all = artifacts.find(ArtifactScope::All, "report", None).await.unwrap_err().code;
        Ok(json!({
            "files": files, "text": String::from_utf8(text).unwrap(), "missing": missing,
            "report": String::from_utf8(bytes).unwrap(), "all": all,
            "unknown": artifacts.read(ArtifactScope::Own, Digest::of(b"unknown")).await?.is_none(),
        })
        .into())
    }
}

/// Hands a report out, calls the tool, and returns what that read.
fn document() -> Value {
    let allowed =
        json!({ TOOL: { "effect": "read", "digest": Digest::of(COMPONENT).to_string(), "capabilities": ASKS } });
    json!({
        "ir": "0.1",
        "flow": { "id": "reader", "version": "0.0.0", "title": "Reader", "kind": "procedure", "locale": "en" },
        "inputs": {}, "outputs": {}, "policy": { "allowed_tools": allowed }, "entry": "n1",
        "nodes": {
            "n1": { "type": "emit", "kind": "artifact", "name": "report", "value": "'all is well'", "next": "n2" },
            "n2": { "type": "action", "op": "tool", "tool": TOOL, "args": {}, "into": "read", "next": "n3" },
            "n3": { "type": "return", "status": "completed", "value": "v['read']" },
        },
    })
}

async fn submitted(world: &World) -> String {
    let published = world.send(Method::POST, "/api/v1/flows", Some(signed(&document(), &author())), Some(KEY));
    published.await.ok(201);
    let run = world.post("/api/v1/flows/reader/runs", json!({ "inputs": {}, "dispatch": "worker" })).await.ok(202);
    run["run_id"].as_str().unwrap().to_owned()
}

fn server() -> World {
    let files = [("memory/x.json", "{}"), ("memory/y.json", "{}"), ("context/a.md", "the server's"), ("notes/n", "n")];
    World::having(Shelf::new(&[COMPONENT], &files), |_| {})
}

#[tokio::test]
async fn worker_reads_what_the_server_has_and_fetches_what_it_lacks() {
    let world = server();
    let (url, _serving) = world.serve(0).await;
    let run = submitted(&world).await;
    // Another version of the tool is installed, and what it has of a file is another text.
    let tools = Shelf::new(&[b"another version"], &[("context/a.md", "the worker's")]);
    let config = RemoteConfig { key: Some(KEY.into()), drain: Duration::ZERO, ..RemoteConfig::new(url, "w1") };
    let flows = Flows {
        tools: tools.clone(),
        trust: Arc::new(trusted()),
        clock: world.clock.clone(),
        ids: world.ids.clone(),
        store: Box::new(|| Ok(Arc::new(RedbStore::in_memory().map_err(std::io::Error::other)?))),
        config: EngineConfig::default(),
    };
    let worker = RemoteWorker::new(config, None).unwrap().with_flows(flows);
    let working = tokio::spawn(worker.run(pending(), pending()));
    let ended = ended(&world, &run).await;
    let read = json!({
        "files": ["x.json", "y.json"], "text": "the server's", "missing": "not_found", "report": "all is well",
        "all": "not_granted", "unknown": true,
    });
    assert_eq!((&ended["status"], &ended["result"]), (&json!("completed"), &read), "{ended}");
    assert!(tools.describe(TOOL, Some(Digest::of(COMPONENT))).is_ok());
    working.abort();
}

/// A lease on the run, got by hand.
async fn held(world: &World) -> String {
    submitted(world).await;
    let capabilities = json!({ "claude_cli": false, "provides": ["tool.remember", "ir:0.1"] });
    let worker = json!({ "name": "hand", "capabilities": capabilities });
    world.post("/api/runtime/workers", worker).await.ok(201);
    let granted = world.post("/api/runtime/leases", json!({ "worker_id": "hand" })).await.ok(200);
    format!("/api/runtime/leases/{}", granted[0]["lease"]["id"].as_str().unwrap())
}

#[tokio::test]
async fn components_that_the_run_pins_are_handed_to_its_holder() {
    let world = server();
    let lease = held(&world).await;
    let pinned = Digest::of(COMPONENT);
    for digest in [pinned.to_string(), pinned.hex()] {
        let request = axum::http::Request::get(format!("{lease}/tools/{digest}?epoch=1"));
        let request = request.header("X-Runtime-API-Key", KEY).body(axum::body::Body::empty()).unwrap();
        let response = world.respond(request).await;
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/octet-stream".parse().unwrap())
        );
        let bytes = axum::body::to_bytes(response.into_body(), 99).await.unwrap();
        assert_eq!(bytes, COMPONENT);
    }
    let other = Digest::of(b"another version").hex();
    assert_eq!(world.get(&format!("{lease}/tools/{other}?epoch=1")).await.error(404), "Tool not found");
    assert_eq!(world.get(&format!("{lease}/tools/nonsense?epoch=1")).await.status, 400);
    fenced(&world, &lease, async |lease, epoch| {
        world.get(&format!("{lease}/tools/{}{}", pinned.hex(), query(epoch))).await
    })
    .await;
}

fn query(epoch: Option<u64>) -> String {
    epoch.map(|epoch| format!("?epoch={epoch}")).unwrap_or_default()
}

/// Without its epoch, after another grant, and of no lease nothing is read.
async fn fenced(world: &World, lease: &str, read: impl AsyncFn(String, Option<u64>) -> crate::world::Answer) {
    assert_eq!(read(lease.to_owned(), None).await.status, 400);
    assert_eq!(read(lease.to_owned(), Some(2)).await.ok(409)["code"], "LEASE_STALE");
    assert_eq!(read("/api/runtime/leases/none".to_owned(), Some(1)).await.error(404), "Lease not found");
    world.post(&format!("{lease}/release"), json!({ "epoch": 1 })).await.ok(200);
    assert_eq!(read(lease.to_owned(), Some(1)).await.ok(409)["code"], "LEASE_STALE");
}

#[tokio::test]
async fn artifacts_are_found_and_read_as_far_as_the_program_is_signed_for_them() {
    let world = server();
    let lease = held(&world).await;
    let missing = world.get(&format!("{lease}/artifacts?epoch=1&name=report")).await;
    assert_eq!(missing.error(404), "Artifact not found", "the run has handed nothing out yet");
    assert_eq!(world.get(&format!("{lease}/artifacts?epoch=1&name=report&scope=all")).await.status, 403);
    assert_eq!(world.get(&format!("{lease}/artifacts?epoch=1&name=report&scope=x")).await.status, 400);
    assert_eq!(world.get(&format!("{lease}/artifacts?epoch=1")).await.status, 400);
    let report = Digest::of(b"all is well").hex();
    assert_eq!(world.get(&format!("{lease}/artifacts/{report}?epoch=1")).await.error(404), "Artifact not found");
    assert_eq!(world.get(&format!("{lease}/artifacts/{report}?epoch=1&scope=all")).await.status, 403);
    fenced(&world, &lease, async |lease, epoch| {
        let epoch = query(epoch).replace('?', "&");
        world.get(&format!("{lease}/artifacts?name=report{epoch}")).await
    })
    .await;
}

#[tokio::test]
async fn folders_of_the_server_are_read_over_the_lease_alone() {
    let world = server();
    let lease = held(&world).await;
    let read = async |lease: String, epoch: Option<u64>, op: &str, root: &str, path: &str| {
        let body = json!({ "epoch": epoch, "op": op, "root": root, "path": path });
        world.post(&format!("{lease}/memory-read"), body).await
    };
    let listed = read(lease.clone(), Some(1), "list", "memory", "").await.ok(200);
    let file = |path: &str| json!({ "path": path, "size": 2, "modified": 7 });
    assert_eq!(listed, json!({ "entries": [file("x.json"), file("y.json")] }));
    let text = read(lease.clone(), Some(1), "read", "context", "a.md").await.ok(200);
    assert_eq!(text, json!({ "content": STANDARD.encode("the server's") }));
    for (root, path, code) in
        [("memory", "none", "not_found"), ("notes", "n", "not_granted"), ("etc", "n", "not_granted")]
    {
        let failure = read(lease.clone(), Some(1), "read", root, path).await.ok(200);
        assert_eq!(failure["failure"]["code"], code, "{root}/{path}: {failure}");
    }
    assert_eq!(read(lease.clone(), Some(1), "write", "memory", "").await.wrong(), ["op"]);
    fenced(&world, &lease, async |lease, epoch| read(lease, epoch, "list", "memory", "").await).await;
}

#[tokio::test]
async fn a_question_reads_nothing() {
    let world = server();
    world.task(json!({})).await;
    world.puller("w", 1).await;
    let granted = world.post("/api/runtime/leases", json!({ "worker_id": "w" })).await.ok(200);
    let lease = format!("/api/runtime/leases/{}", granted[0]["lease"]["id"].as_str().unwrap());
    let body = json!({ "epoch": 1, "op": "list", "root": "memory" });
    assert_eq!(world.post(&format!("{lease}/memory-read"), body).await.status, 404);
    assert_eq!(world.get(&format!("{lease}/tools/{}?epoch=1", Digest::of(COMPONENT).hex())).await.status, 404);
}

#[tokio::test]
async fn what_is_of_another_context_is_refused_until_it_is_open() {
    let world = server();
    let lease = held(&world).await;
    let body = json!({ "inputs": {}, "dispatch": "worker", "context_id": "theirs" });
    let theirs = world.post("/api/v1/flows/reader/runs", body).await.ok(202)["run_id"].as_str().unwrap().to_owned();
    let path = format!("{lease}/artifacts?epoch=1&name=report&run={theirs}");
    let denied = world.get(&path).await.ok(403);
    assert_eq!(denied["code"], "CONTEXT_DENIED", "{denied}");
    assert!(denied["error"].as_str().unwrap().contains("`theirs`"), "{denied}");
    assert_eq!(world.actions().await[0], "context_denied");
    let delegation = "/api/v1/contexts/theirs/delegations/default";
    world.send(Method::PUT, delegation, Some("{}".to_owned()), Some(KEY)).await.ok(200);
    assert_eq!(world.get(&path).await.error(404), "Artifact not found", "it may look, and there is none");
    world.delete(delegation).await.ok(200);
    assert_eq!(world.get(&path).await.status, 403);

    let memory = async || {
        let read = json!({ "epoch": 1, "op": "list", "root": "memory" });
        world.post(&format!("{lease}/memory-read"), read).await.ok(200)
    };
    assert!(memory().await["entries"].is_array());
    let bound = Some(json!({ "memory_bindings": ["another"] }).to_string());
    world.send(Method::PUT, "/api/v1/contexts/default", bound, Some(KEY)).await.ok(200);
    assert_eq!(memory().await["failure"]["code"], "context_denied");
    let context = json!({ "epoch": 1, "op": "list", "root": "context" });
    let context = world.post(&format!("{lease}/memory-read"), context).await.ok(200);
    assert!(context["entries"].is_array(), "that is nobody's memory");
}

#[tokio::test]
async fn a_task_for_an_agent_that_does_not_work_in_its_context_is_not_posted() {
    let world = World::new();
    let agents = Some(json!({ "agents": ["archivist"] }).to_string());
    world.send(Method::PUT, "/api/v1/contexts/c1", agents, Some(KEY)).await.ok(200);
    let task = |agent: &str| json!({ "context_id": "c1", "agent_slug": agent, "prompt": "Review this" });
    let denied = world.post("/api/runtime/llm-tasks", task("code-review")).await.ok(403);
    assert_eq!(denied["code"], "CONTEXT_DENIED", "{denied}");
    world.post("/api/runtime/llm-tasks", task("archivist")).await.ok(201);
}
