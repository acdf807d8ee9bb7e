//! The host: tools are installed in it, and called.

use std::any::Any;
use std::collections::BTreeSet;
use std::io;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bloom_interpreter::effect::{EffectError, ToolRequest};
use bloom_ir::{Digest, Value};
use bloom_runtime::panics;
use bloom_runtime::tool::{CallLimits, Folders, InstalledTool, ToolCall, ToolHost};
use futures::executor::block_on;
use futures::{FutureExt as _, poll};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};

use crate::authorize::authorize;
use crate::bindings::AdapterPre;
use crate::cache::Cache;
use crate::call::{self, CallReport, CallState, Environment, Outside, Secrets, Used};
use crate::config::Config;
use crate::deadline::{CancelOnDrop, Deadline, Ticker};
use crate::engine::engine;
use crate::fault::Fault;
use crate::folder::ToolFolder;
use crate::folders::OwnFolders;
use crate::http::Client;
use crate::inspect::Inspection;
use crate::install::{InstallError, Tool};
use crate::reactor::Reactor;
use crate::registry::Registry;
use crate::shipped;

/// Room is set aside for all calls that may run at the same time.
const MOST_CALLS: u32 = 1024;

/// A tool whose last call took less is called within the task that drives the run: others of the run are not kept waiting for long.
const BRIEF: Duration = Duration::from_micros(500);

/// Runs tools. Cheap to share behind an `Arc`.
pub struct WasmHost {
    workshop: Arc<Workshop>,
    tools: Arc<Registry>,
    rejected: Vec<Rejected>,
    config: Arc<Config>,
    client: Arc<Client>,
    reactor: Arc<Reactor>,
    permits: Arc<Semaphore>,
    /// One component is compiled at a time.
    compiling: Arc<Semaphore>,
}

/// What it takes to make a tool of a component.
pub(crate) struct Workshop {
    pub(crate) cache: Cache,
    pub(crate) ticker: Ticker,
    pub(crate) limits: crate::Limits,
}

/// A component that was not installed.
#[derive(Debug)]
pub struct Rejected {
    /// Where it came from.
    pub origin: Origin,
    /// Why.
    pub error: RejectedError,
}

/// Where a component came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// One of those handed to [`WasmHost::new`], counted from 0.
    Given(usize),
    /// A file, or the folder, of the operator's tools or of the kept ones.
    File(PathBuf),
}

/// Why a component was not installed.
#[derive(Debug, thiserror::Error)]
pub enum RejectedError {
    /// The file or the folder cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The file is named by a digest, and holds something else.
    #[error("its bytes are not those whose digest its name says: they are {0}")]
    Damaged(Digest),
    /// There is something wrong with the component.
    #[error(transparent)]
    Install(#[from] InstallError),
}

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The engine cannot be set up on this machine.
    #[error("the WebAssembly engine cannot start: {0}")]
    Engine(String),
    /// The threads that measure time and wait for what is outside cannot be started.
    #[error("the threads that look after calls cannot start: {0}")]
    Threads(#[from] io::Error),
    /// Requests cannot be made: the operator's certificates cannot be read.
    #[error("requests cannot be set up: {0}")]
    Http(String),
}

/// Why a component was not installed and kept.
#[derive(Debug, thiserror::Error)]
pub enum NotInstalled {
    /// It cannot be a tool.
    #[error(transparent)]
    Refused(#[from] InstallError),
    /// It cannot be kept.
    #[error(transparent)]
    NotKept(#[from] io::Error),
}

impl WasmHost {
    /// Installs what is kept of earlier versions of this program, then the components, then those of the operator's folder in
    /// the order of their file names. A bad one is left out, and listed in [`WasmHost::rejected`].
    ///
    /// Of tools with the same name the one with the highest version is used, and of those the one installed last; all stay
    /// callable by digest. Compiling what is not in the cache takes a while: do not call it on an async task.
    pub fn new<Bytes: AsRef<[u8]>>(
        mut config: Config,
        components: impl IntoIterator<Item = Bytes>,
    ) -> Result<Self, HostError> {
        config.limits.concurrent_calls = config.limits.concurrent_calls.clamp(1, MOST_CALLS);
        let engine = engine(&config.limits).map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let cache = Cache::open(&engine, config.cache.as_deref());
        let client = Client::new(config.ca.as_deref(), &config.hosts);
        let mut host = Self {
            workshop: Arc::new(Workshop { cache, ticker: Ticker::start(&engine)?, limits: config.limits.clone() }),
            tools: Arc::default(),
            rejected: Vec::new(),
            client: Arc::new(client.map_err(|error| HostError::Http(error.to_string()))?),
            reactor: Arc::new(Reactor::start()?),
            permits: Arc::new(Semaphore::new(config.limits.concurrent_calls as usize)),
            compiling: Arc::new(Semaphore::new(1)),
            config: Arc::new(config),
        };
        let components: Vec<Bytes> = components.into_iter().collect();
        if let Some(folder) = host.config.kept.clone().filter(|folder| folder.exists()) {
            let given: BTreeSet<Digest> = components.iter().map(|bytes| shipped::digest(bytes.as_ref())).collect();
            let is_given =
                |path: &Path| crate::folder::digest_in_name(path).is_some_and(|named| given.contains(&named));
            for (path, bytes) in components_of(&folder, |path| !is_given(path)) {
                host.install_first(Origin::File(path), bytes);
            }
        }
        for (index, bytes) in components.into_iter().enumerate() {
            host.install_first(Origin::Given(index), Ok(bytes));
        }
        if let Some(folder) = host.config.tools.clone() {
            for (path, bytes) in components_of(&folder, |_| true) {
                host.install_first(Origin::File(path), bytes);
            }
        }
        Ok(host)
    }

    /// What was not installed by [`WasmHost::new`], and why.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// Installs a component while others are called. It is compiled on a thread where nobody waits, one at a time; that may take
    /// many seconds. Dropping the future does not stop that.
    pub async fn install(&self, bytes: Vec<u8>) -> Result<InstalledTool, InstallError> {
        match self.install_kept(bytes, |_| Ok(())).await {
            Ok(tool) => Ok(tool),
            Err(NotInstalled::Refused(error)) => Err(error),
            Err(NotInstalled::NotKept(error)) => Err(InstallError::Host(error.to_string())),
        }
    }

    /// The same, with what keeps the component, which is done when it is known that it is a tool, and before anybody can call it:
    /// what a restart would forget must not be pinned.
    pub async fn install_kept(
        &self,
        bytes: Vec<u8>,
        keep: impl FnOnce(&[u8]) -> io::Result<()> + Send + 'static,
    ) -> Result<InstalledTool, NotInstalled> {
        let failed = |error: &dyn std::fmt::Display| InstallError::Host(error.to_string());
        let turn = Arc::clone(&self.compiling).acquire_owned().await.map_err(|error| failed(&error))?;
        let (workshop, tools) = (Arc::clone(&self.workshop), Arc::clone(&self.tools));
        let job = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let tool = Tool::install(&workshop, &bytes)?;
            keep(&bytes)?;
            Ok(tools.add(tool))
        });
        job.await.map_err(|error| failed(&error))?
    }

    /// Takes a component out, so that it is not called any more; calls that run go on. None, where there is no such.
    pub fn remove(&self, digest: Digest) -> Option<InstalledTool> {
        self.tools.remove(digest)
    }

    /// Looks at a component without installing it. It is compiled, and asked what it is: do not call it on an async task.
    pub fn inspect(&self, bytes: &[u8]) -> Inspection {
        Tool::examine(&self.workshop, bytes).0
    }

    /// Calls a tool as a run would, and tells what it used.
    pub async fn report(&self, call: ToolCall) -> CallReport {
        let name = call.request.tool.clone();
        let (result, used) = self.run(call).await;
        used.report(result.map_err(|fault| fault.of_tool(&name)))
    }

    fn install_first<Bytes: AsRef<[u8]>>(&mut self, origin: Origin, bytes: io::Result<Bytes>) {
        let tool = bytes.map_err(RejectedError::from).and_then(|bytes| {
            let bytes = bytes.as_ref();
            if let Origin::File(path) = &origin
                && crate::folder::digest_in_name(path).is_some_and(|named| named != Digest::of(bytes))
            {
                return Err(RejectedError::Damaged(Digest::of(bytes)));
            }
            Ok(Tool::install(&self.workshop, bytes)?)
        });
        match tool {
            Ok(tool) => drop(self.tools.add(tool)),
            Err(error) => {
                tracing::warn!(?origin, %error, "a tool was not installed");
                self.rejected.push(Rejected { origin, error });
            }
        }
    }

    async fn run(&self, call: ToolCall) -> (Result<Value, Fault>, Used) {
        match self.prepare(call).await {
            Ok(job) => job.run().await,
            Err(fault) => (Err(fault), Used::default()),
        }
    }

    async fn prepare(&self, call: ToolCall) -> Result<Job, Fault> {
        let tool = self.tools.resolve(&call.request.tool, call.request.digest)?;
        let access = authorize(&self.config, &tool.installed, &call.agent, &call.capabilities, call.folders.is_some())?;
        let limits = &self.config.limits;
        let input = input(&tool, &call.request.args, limits.input_bytes)?;
        let adapter = tool.code.get(&tool.installed, &self.workshop).await?;
        // Its own turn first: a tool that hangs keeps itself waiting, and nobody else.
        let closed = |_| Fault::Host("it is shutting down".into());
        let own = Arc::clone(&tool.permits).acquire_owned().await.map_err(closed)?;
        let shared = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let cancel = CancelOnDrop::default();
        let environment = Environment {
            tool: call.request.tool,
            call_id: call.idempotency_key,
            access,
            limits: limits.clone(),
            deadline: Deadline::after(call.timeout_ms, &cancel),
            outside: Some(Outside {
                reactor: Arc::clone(&self.reactor),
                client: Arc::clone(&self.client),
                artifacts: call.artifacts,
                folders: call.folders,
            }),
        };
        Ok(Job {
            workshop: Arc::clone(&self.workshop),
            tool,
            adapter,
            environment,
            input,
            cancel,
            permits: [own, shared],
        })
    }
}

/// A call that may start.
struct Job {
    workshop: Arc<Workshop>,
    tool: Arc<Tool>,
    adapter: Arc<AdapterPre<CallState>>,
    environment: Environment,
    input: String,
    cancel: CancelOnDrop,
    permits: [tokio::sync::OwnedSemaphorePermit; 2],
}

impl Job {
    async fn run(self) -> (Result<Value, Fault>, Used) {
        let Self { workshop, tool, adapter, environment, input, cancel, permits } = self;
        let secrets = environment.access.secrets.clone();
        let limit = environment.limits.output_bytes;
        let may_wait = tool.may_wait;
        let mut call = Box::pin(async move {
            let _permits = permits;
            call::invoke(&adapter, &workshop.ticker, environment, &input).await
        });
        let timed = Arc::clone(&tool);
        let call = async move {
            let begun = Instant::now();
            // A change of threads takes longer than most calls do. One that is not done at the first tick is left to a thread where
            // nobody waits, as is one that may wait for something outside.
            if !may_wait && let Poll::Ready(done) = poll!(&mut call) {
                timed.is_brief.store(begun.elapsed() < BRIEF, Ordering::Relaxed);
                return Ok(done);
            }
            timed.is_brief.store(false, Ordering::Relaxed);
            tokio::task::spawn_blocking(|| block_on(call)).await
        };
        let done = if tool.is_brief.load(Ordering::Relaxed) { in_place(call).await } else { as_task(call).await };
        drop(cancel);
        match done {
            Ok((text, used)) => (text.and_then(|text| output(&tool, &secrets, &text, limit)), used),
            Err(cause) => (Err(Fault::Host(cause)), Used::default()),
        }
    }
}

/// Does it within the task of who waits for it.
async fn in_place<T>(call: impl Future<Output = Result<T, JoinError>>) -> Result<T, String> {
    // Unwind safe: nothing of the call is used afterwards.
    let done = AssertUnwindSafe(call).catch_unwind().await;
    let told = |panic: Box<dyn Any + Send>| match panics::message(panic.as_ref()) {
        Some(message) => format!("the host panicked: {message}"),
        None => "the host panicked".to_owned(),
    };
    done.map_err(told)?.map_err(|lost| lost.to_string())
}

/// Does it in a task of its own, which ends when nobody waits for it.
async fn as_task<T: Send + 'static>(
    call: impl Future<Output = Result<T, JoinError>> + Send + 'static,
) -> Result<T, String> {
    let mut calls = JoinSet::new();
    calls.spawn(call);
    let done = calls.join_next().await.map(Result::flatten);
    done.ok_or_else(|| "the call is gone".to_owned())?.map_err(|lost| lost.to_string())
}

#[async_trait]
impl ToolHost for WasmHost {
    fn describe(&self, name: &str, digest: Option<Digest>) -> Result<InstalledTool, EffectError> {
        let tool = self.tools.resolve(name, digest).map_err(|fault| fault.of_tool(name))?;
        Ok(tool.installed.clone())
    }

    fn may_call(&self, tool: &InstalledTool, agent: &str, capabilities: &[String]) -> Result<(), EffectError> {
        let granted = authorize(&self.config, tool, agent, capabilities, false);
        granted.map(drop).map_err(|fault| fault.of_tool(&tool.manifest.name))
    }

    async fn keep(&self, components: &[Digest]) -> io::Result<()> {
        let Some(folder) = self.config.kept.clone().map(ToolFolder::new) else { return Ok(()) };
        let mut components = components.to_vec();
        components.retain(|component| shipped::of(*component).is_some());
        if components.is_empty() {
            return Ok(());
        }
        tokio::task::spawn_blocking(move || folder.keep_shipped(&components)).await?
    }

    fn installed(&self) -> Vec<InstalledTool> {
        self.tools.installed()
    }

    fn is_brief(&self, call: &ToolRequest) -> bool {
        let tool = self.tools.resolve(&call.tool, call.digest);
        tool.is_ok_and(|tool| !tool.may_wait && tool.is_brief.load(Ordering::Relaxed))
    }

    fn limits(&self) -> Option<CallLimits> {
        let limits = &self.config.limits;
        Some(CallLimits {
            fuel: limits.fuel,
            memory_bytes: limits.memory_bytes as u64,
            input_bytes: limits.input_bytes as u64,
            output_bytes: limits.output_bytes as u64,
            http_requests: limits.http_requests.into(),
            at_once: limits.calls_of_one() as u64,
        })
    }

    async fn component(&self, digest: Digest) -> io::Result<Option<Vec<u8>>> {
        let folders = [&self.config.kept, &self.config.tools].into_iter().flatten().cloned();
        let folders: Vec<ToolFolder> = folders.map(ToolFolder::new).collect();
        let read = tokio::task::spawn_blocking(move || match shipped::of(digest) {
            Some(bytes) => Ok(Some(bytes.to_vec())),
            None => folders.iter().find_map(|folder| folder.read(digest).transpose()).transpose(),
        });
        read.await?
    }

    async fn take_in(&self, component: Vec<u8>) -> Result<InstalledTool, EffectError> {
        self.install(component).await.map_err(|error| EffectError::new("unavailable", error.to_string()))
    }

    fn folders(&self, agent: &str) -> Option<Arc<dyn Folders>> {
        Some(Arc::new(OwnFolders::new(Arc::clone(&self.config), agent)))
    }

    async fn call(&self, call: ToolCall) -> Result<Value, EffectError> {
        self.report(call).await.result
    }
}

fn components_of(folder: &Path, is_wanted: impl Fn(&Path) -> bool) -> Vec<(PathBuf, io::Result<Vec<u8>>)> {
    match crate::folder::components(folder) {
        Ok(paths) => {
            let wanted = paths.into_iter().filter(|path| is_wanted(path));
            wanted.map(|path| (path.clone(), std::fs::read(path))).collect()
        }
        Err(error) => vec![(folder.to_owned(), Err(error))],
    }
}

fn input(tool: &Tool, args: &Value, limit: usize) -> Result<String, Fault> {
    tool.input.validate(args).map_err(|violations| Fault::InvalidInput(listed(&violations)))?;
    let bytes = args.to_bytes();
    if bytes.len() > limit {
        return Err(Fault::InputTooLarge { size: bytes.len(), limit });
    }
    String::from_utf8(bytes).map_err(|error| Fault::Host(error.to_string()))
}

fn output(tool: &Tool, secrets: &Secrets, text: &str, limit: usize) -> Result<Value, Fault> {
    if text.len() > limit {
        return Err(Fault::OutputTooLarge { size: text.len(), limit });
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| Fault::InvalidOutput(format!("it is not JSON: {error}")))?;
    // First of all, because what violates the schema is quoted.
    if let Some(setting) = secrets.told(&value) {
        return Err(Fault::SecretReturned { setting: setting.to_owned() });
    }
    tool.output.validate(&value).map_err(|violations| Fault::InvalidOutput(listed(&violations)))?;
    Ok(value)
}

fn listed(violations: &[bloom_ir::schema::Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
