//! All installed tools.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bloom_interpreter::effect::EffectError;
use bloom_ir::capability::Capability;
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Digest, Value};
use bloom_runtime::tool::{InstalledTool, ToolCall, ToolHost};
use tokio::sync::Semaphore;

use crate::cache::Cache;
use crate::call::{self, Environment, Grants};
use crate::config::Config;
use crate::deadline::{CancelOnDrop, Deadline, Ticker};
use crate::engine::engine;
use crate::fault::Fault;
use crate::files::Root;
use crate::install::{InstallError, Tool};

/// The root of which a call sees its own agent's folder only.
const MEMORY: &str = "memory";

/// Runs tools. Cheap to share behind an `Arc`.
pub struct WasmHost {
    /// By name, the one to use last.
    tools: BTreeMap<String, Vec<Arc<Tool>>>,
    rejected: Vec<Rejected>,
    config: Config,
    ticker: Arc<Ticker>,
    permits: Arc<Semaphore>,
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
    /// A file, or the folder, of the operator's tools.
    File(PathBuf),
}

/// Why a component was not installed.
#[derive(Debug, thiserror::Error)]
pub enum RejectedError {
    /// The file or the folder cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
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
    /// The thread that measures time cannot be started.
    #[error("the thread that stops calls cannot start: {0}")]
    Ticker(#[from] std::io::Error),
}

impl WasmHost {
    /// Installs the components, then those of the operator's folder in the order of their file names. A bad one is left
    /// out, and listed in [`WasmHost::rejected`].
    ///
    /// Of tools with the same name the one with the highest version is used, and of those the one installed last; all stay
    /// callable by digest. Compiling what is not in the cache takes a while: do not call it on an async task.
    pub fn new<Bytes: AsRef<[u8]>>(
        config: Config,
        components: impl IntoIterator<Item = Bytes>,
    ) -> Result<Self, HostError> {
        let engine = engine(&config.limits).map_err(|error| HostError::Engine(format!("{error:#}")))?;
        let cache = Cache::open(&engine, config.cache.as_deref());
        let permits = Semaphore::new(config.limits.concurrent_calls.max(1) as usize);
        let mut host = Self {
            tools: BTreeMap::new(),
            rejected: Vec::new(),
            ticker: Arc::new(Ticker::start(&engine)?),
            permits: Arc::new(permits),
            config,
        };
        for (index, bytes) in components.into_iter().enumerate() {
            host.install(&cache, Origin::Given(index), Ok(bytes));
        }
        for (path, bytes) in operators_tools(host.config.tools.as_deref()) {
            host.install(&cache, Origin::File(path), bytes);
        }
        Ok(host)
    }

    /// What was not installed, and why.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    fn install<Bytes: AsRef<[u8]>>(&mut self, cache: &Cache, origin: Origin, bytes: std::io::Result<Bytes>) {
        let tool = bytes
            .map_err(RejectedError::from)
            .and_then(|bytes| Ok(Tool::install(cache, &self.ticker, &self.config.limits, bytes.as_ref())?));
        match tool {
            Ok(tool) => {
                let versions = self.tools.entry(tool.installed.manifest.name.clone()).or_default();
                versions.retain(|other| other.installed.digest != tool.installed.digest);
                versions.push(Arc::new(tool));
                versions.sort_by(|one, other| one.version.cmp(&other.version));
            }
            Err(error) => {
                tracing::warn!(?origin, %error, "a tool was not installed");
                self.rejected.push(Rejected { origin, error });
            }
        }
    }

    fn resolve(&self, name: &str, digest: Option<Digest>) -> Result<&Arc<Tool>, Fault> {
        let versions = self.tools.get(name).map(Vec::as_slice).unwrap_or_default();
        let newest = versions.last().ok_or(Fault::UnknownTool)?;
        let Some(expected) = digest else { return Ok(newest) };
        let pinned = versions.iter().find(|tool| tool.installed.digest == expected);
        pinned.ok_or_else(|| Fault::DigestMismatch { expected, installed: newest.installed.digest })
    }

    /// What a call gets of what the tool asks for, if the flow's policy carries it: all of it, or the call fails.
    fn grants(&self, manifest: &ToolManifest, agent: &str, capabilities: &[String]) -> Result<Grants, Fault> {
        let mut grants = Grants::default();
        for asked in &manifest.capabilities {
            let refused = |reason| Fault::NotGranted { capability: asked.clone(), reason };
            if !capabilities.contains(asked) {
                return Err(refused("and the flow's policy does not have that"));
            }
            match asked.parse() {
                Ok(Capability::Files(name)) => {
                    let folder =
                        self.config.roots.get(&name).ok_or_else(|| refused("and no folder is named for that"))?.clone();
                    let within = (name == MEMORY).then(|| agents_folder(agent)).transpose()?;
                    grants.roots.insert(name.clone(), Root { name, folder, within });
                }
                Ok(Capability::Config(key)) => {
                    let settings = self.config.settings.get(&manifest.name);
                    let value = settings.and_then(|settings| settings.get(&key));
                    let value = value.ok_or_else(|| refused("and the operator has not set that"))?;
                    grants.settings.insert(key, value.clone());
                }
                _ => return Err(refused("which this version does not have")),
            }
        }
        Ok(grants)
    }

    async fn run(&self, call: ToolCall) -> Result<Value, Fault> {
        let tool = Arc::clone(self.resolve(&call.request.tool, call.request.digest)?);
        let grants = self.grants(&tool.installed.manifest, &call.agent, &call.capabilities)?;
        let input = input(&tool, &call.request.args, self.config.limits.input_bytes)?;

        let closed = |_| Fault::Host("it is shutting down".into());
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(closed)?;
        let cancel = CancelOnDrop::default();
        let granted = grants.clone();
        let environment = Environment {
            tool: call.request.tool,
            call_id: call.idempotency_key,
            grants,
            limits: self.config.limits.clone(),
            deadline: Deadline::after(call.timeout_ms, &cancel),
        };
        let (called, ticker) = (Arc::clone(&tool), Arc::clone(&self.ticker));
        let job = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            call::invoke(&called.adapter, &ticker, environment, &input)
        });
        let text = job.await.map_err(|error| Fault::Host(error.to_string()))??;
        output(&tool, &granted, &text, self.config.limits.output_bytes)
    }
}

#[async_trait]
impl ToolHost for WasmHost {
    fn describe(&self, name: &str, digest: Option<Digest>) -> Result<InstalledTool, EffectError> {
        let tool = self.resolve(name, digest).map_err(|fault| fault.of_tool(name))?;
        Ok(tool.installed.clone())
    }

    fn may_call(&self, tool: &InstalledTool, agent: &str, capabilities: &[String]) -> Result<(), EffectError> {
        let granted = self.grants(&tool.manifest, agent, capabilities);
        granted.map(drop).map_err(|fault| fault.of_tool(&tool.manifest.name))
    }

    fn installed(&self) -> Vec<InstalledTool> {
        self.tools.values().flatten().map(|tool| tool.installed.clone()).collect()
    }

    async fn call(&self, call: ToolCall) -> Result<Value, EffectError> {
        let name = call.request.tool.clone();
        self.run(call).await.map_err(|fault| fault.of_tool(&name))
    }
}

fn operators_tools(folder: Option<&std::path::Path>) -> Vec<(PathBuf, std::io::Result<Vec<u8>>)> {
    let Some(folder) = folder else { return Vec::new() };
    let entries = std::fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<PathBuf>>>());
    match entries {
        Ok(mut paths) => {
            paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
            paths.sort();
            paths.into_iter().map(|path| (path.clone(), std::fs::read(path))).collect()
        }
        Err(error) => vec![(folder.to_owned(), Err(error))],
    }
}

/// The folder of an agent within the memory.
fn agents_folder(agent: &str) -> Result<String, Fault> {
    if bloom_runtime::apply::may_name_folder(agent) {
        Ok(agent.to_owned())
    } else {
        Err(Fault::InvalidAgent(agent.chars().take(100).collect()))
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

fn output(tool: &Tool, grants: &Grants, text: &str, limit: usize) -> Result<Value, Fault> {
    if text.len() > limit {
        return Err(Fault::OutputTooLarge { size: text.len(), limit });
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| Fault::InvalidOutput(format!("it is not JSON: {error}")))?;
    // First of all, because what violates the schema is quoted.
    if let Some(setting) = grants.told(&value) {
        return Err(Fault::SecretReturned { setting: setting.to_owned() });
    }
    tool.output.validate(&value).map_err(|violations| Fault::InvalidOutput(listed(&violations)))?;
    Ok(value)
}

fn listed(violations: &[bloom_ir::schema::Violation]) -> String {
    violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
