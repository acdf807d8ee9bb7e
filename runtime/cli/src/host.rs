//! The tools, and the folders that they may read.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_ir::Digest;
use bloom_wasm::grant::{Setting as ToolSetting, ToolGrants};
use bloom_wasm::{Config, Limits, Origin, ToolFolder, WasmHost};
use clap::Args;
use secrecy::ExposeSecret as _;

use crate::catalogue::text;
use crate::command::Granted;
use crate::config::{Settings, Tool, ToolValue};
use crate::failure::Explained;
use crate::output;
use crate::session::Session;
use crate::setting::{Setting, absolute};

/// Which tools there are.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct ToolArgs {
    #[arg(long, value_name = "DIR")]
    tools: Option<PathBuf>,
}

/// Which folders they may read.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct RootArgs {
    #[arg(long, value_name = "DIR")]
    notes: Option<PathBuf>,
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
    #[arg(long, value_name = "DIR")]
    flows: Option<PathBuf>,
    #[command(flatten)]
    memory: MemoryArg,
}

/// Where the agents' memory is.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct MemoryArg {
    #[arg(long, value_name = "DIR")]
    memory: Option<PathBuf>,
}

/// Where `bloom tool add` puts tools, in the data directory.
const ADDED: &str = "components";

/// Within it, what stored flows pin of what shipped with this program or an earlier version of it.
const KEPT: &str = "shipped";

impl ToolArgs {
    /// The folder of tools that were added: the one that is named, else that of the data directory.
    pub(crate) fn folder(&self, session: &Session) -> anyhow::Result<PathBuf> {
        let default = &session.config()?.settings.run.tools;
        match self.tools.as_ref().or(default.as_ref()) {
            Some(folder) => Ok(folder.clone()),
            None => Ok(session.data.create(&session.catalogue)?.join(ADDED)),
        }
    }

    /// The bytes of an installed component: one that ships, was added, lies in the folder that is named, or is kept for flows.
    pub(crate) fn component(&self, digest: Digest, session: &Session) -> anyhow::Result<Option<Vec<u8>>> {
        if let Some(bytes) = bloom_wasm::embedded().find(|bytes| Digest::of(bytes) == digest) {
            return Ok(Some(bytes.to_vec()));
        }
        let added = session.data.create(&session.catalogue)?.join(ADDED);
        for folder in [ToolFolder::new(added), ToolFolder::new(self.folder(session)?), kept(session)?] {
            let unreadable = || text!(session.catalogue, "cannot-read", path = folder.path().display().to_string());
            let there = folder.list().with_context(unreadable)?;
            if let Some((path, _)) = there.iter().find(|(_, found)| *found == digest) {
                return Ok(Some(std::fs::read(path).with_context(unreadable)?));
            }
        }
        Ok(None)
    }

    /// The tools with what the operator granted them, and more for one of them: for a call on trial.
    pub(crate) fn trial(&self, tool: &str, more: Granted, session: &Session) -> anyhow::Result<WasmHost> {
        let default = &session.config()?.settings.run.tools;
        let tools = self.tools.as_deref().or(default.as_deref());
        let mut config = config(tools, BTreeMap::new(), grants(session)?, session)?;
        more.apply(tool, &mut config);
        start(config, session)
    }

    /// The tools that ship with this program and those of the operator's folder, which read no folders: for compiling.
    pub(crate) fn host(&self, session: &Session) -> anyhow::Result<WasmHost> {
        let default = &session.config()?.settings.run.tools;
        host(self.tools.as_deref().or(default.as_deref()), BTreeMap::new(), BTreeMap::new(), session)
    }
}

impl RootArgs {
    /// These folders and that of the tools.
    pub(crate) fn setting(&self, tools: &ToolArgs) -> Setting {
        let given = |folder: &Option<PathBuf>| folder.as_deref().map(absolute);
        Setting {
            notes: given(&self.notes),
            context: given(&self.context),
            flows: given(&self.flows),
            memory: given(&self.memory.memory),
            tools: given(&tools.tools),
            llm: None,
        }
    }
}

impl MemoryArg {
    /// The folder that was named, else that of the setting, else that of the data directory; made where it is not there:
    /// an agent without a memory has an empty one.
    pub(crate) fn folder(&self, setting: &Setting, session: &Session) -> anyhow::Result<PathBuf> {
        let default = &session.config()?.settings.run.memory;
        let named = self.memory.as_ref().or(setting.memory.as_ref()).or(default.as_ref());
        let folder = match named {
            Some(folder) => folder.clone(),
            None => session.data.create(&session.catalogue)?.join("memory"),
        };
        std::fs::create_dir_all(&folder)
            .with_context(|| text!(session.catalogue, "cannot-write", path = folder.display().to_string()))?;
        Ok(folder)
    }
}

impl Setting {
    /// The tools of this setting, with the folders that they may read, each of which must be there. Context is read from
    /// the notes where no other folder is named.
    pub(crate) fn host(&self, session: &Session) -> anyhow::Result<WasmHost> {
        let memory = MemoryArg::default().folder(self, session)?;
        let mut roots = BTreeMap::from([(String::from("memory"), memory)]);
        let context = self.context.clone().or(self.notes.clone());
        for (root, folder) in [("notes", &self.notes), ("context", &context), ("flows", &self.flows)] {
            if let Some(folder) = folder {
                must_be_folder(folder, session)?;
                roots.insert(String::from(root), folder.clone());
            }
        }
        host(self.tools.as_deref(), roots, grants(session)?, session)
    }
}

/// What the operator granted, by tool.
type Grants = BTreeMap<String, ToolGrants>;

fn grants(session: &Session) -> anyhow::Result<Grants> {
    let mut grants = Grants::new();
    for (tool, granted) in &session.config()?.settings.tools {
        let mut config = BTreeMap::new();
        for (name, secret) in &granted.config {
            let key = format!("tools.{tool}.config.{name}");
            let value = match secret {
                ToolValue::Public { public } => ToolSetting::Public(public.clone()),
                ToolValue::Secret(secret) => {
                    ToolSetting::Secret(secret.read(&key, &session.catalogue)?.expose_secret().to_owned())
                }
            };
            config.insert(name.clone(), value);
        }
        let Tool { digest, http, artifacts, .. } = granted.clone();
        grants.insert(tool.clone(), ToolGrants { digest, config, http, artifacts });
    }
    Ok(grants)
}

fn host(
    tools: Option<&Path>,
    roots: BTreeMap<String, PathBuf>,
    grants: Grants,
    session: &Session,
) -> anyhow::Result<WasmHost> {
    start(config(tools, roots, grants, session)?, session)
}

fn config(
    tools: Option<&Path>,
    roots: BTreeMap<String, PathBuf>,
    grants: Grants,
    session: &Session,
) -> anyhow::Result<Config> {
    if let Some(folder) = tools {
        must_be_folder(folder, session)?;
    }
    let (tools, kept) = (tools.map(Path::to_owned), Some(kept(session)?.path().to_owned()));
    Ok(Config { tools, kept, roots, grants, ..bare(session)? })
}

/// What holds for all tools alike, for a host that has none.
pub(crate) fn bare(session: &Session) -> anyhow::Result<Config> {
    let cache = Some(session.data.create(&session.catalogue)?.join("tools"));
    let settings = &session.config()?.settings;
    let (ca, hosts) = (settings.network.ca.clone(), settings.network.hosts.clone());
    Ok(Config { cache, ca, hosts, limits: limits(settings), ..Config::default() })
}

/// What a call may use.
fn limits(Settings { limits, .. }: &Settings) -> Limits {
    let bytes = |count: u32, unit: usize| usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(unit);
    Limits {
        fuel: limits.tool_fuel,
        memory_bytes: bytes(limits.tool_memory_mib, 1 << 20),
        input_bytes: bytes(limits.tool_input_kib, 1 << 10),
        output_bytes: bytes(limits.tool_output_kib, 1 << 10),
        log_bytes: bytes(limits.tool_log_kib, 1 << 10),
        file_bytes: u64::from(limits.tool_file_kib) << 10,
        http_requests: limits.http_requests,
        http_request_bytes: bytes(limits.http_request_kib, 1 << 10),
        http_response_bytes: bytes(limits.http_response_kib, 1 << 10),
        http_connect_ms: u64::from(limits.http_connect_seconds) * 1000,
        http_timeout_ms: u64::from(limits.http_timeout_seconds) * 1000,
        concurrent_calls: limits.tool_calls_at_once,
        ..Limits::default()
    }
}

/// Where what ships is kept for the flows that pin it.
pub(crate) fn kept(session: &Session) -> anyhow::Result<ToolFolder> {
    Ok(ToolFolder::new(session.data.create(&session.catalogue)?.join(ADDED).join(KEPT)))
}

/// With the tools that ship, those that were added, and those of the configuration's folder.
fn start(config: Config, session: &Session) -> anyhow::Result<WasmHost> {
    let catalogue = &session.catalogue;
    let added = ToolFolder::new(session.data.create(catalogue)?.join(ADDED)).list();
    let added: Vec<(PathBuf, Vec<u8>)> = added
        .and_then(|added| added.into_iter().map(|(path, _)| Ok((path.clone(), std::fs::read(path)?))).collect())
        .with_context(|| text!(catalogue, "tools-failed"))?;
    let shipped = bloom_wasm::embedded().len();
    let mut all: Vec<&[u8]> = Vec::new();
    // Shorter lives than `'static`, for which `extend` would ask of all.
    bloom_wasm::embedded().for_each(|bytes| all.push(bytes));
    all.extend(added.iter().map(|(_, bytes)| bytes.as_slice()));
    let host = WasmHost::new(config, all).with_context(|| text!(catalogue, "tools-failed"))?;
    for rejected in host.rejected() {
        let origin = match &rejected.origin {
            Origin::Given(index) => match added.get(index.wrapping_sub(shipped)) {
                Some((path, _)) => path.display().to_string(),
                None => format!("#{index}"),
            },
            Origin::File(path) => path.display().to_string(),
        };
        let reason = rejected.error.to_string();
        // A standard error that cannot be written leaves nobody to warn.
        let _ = writeln!(output::stderr(), "{}", text!(catalogue, "tool-rejected", origin = origin, reason = reason));
    }
    Ok(host)
}

fn must_be_folder(path: &Path, session: &Session) -> anyhow::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    Err(Explained::usage(text!(session.catalogue, "not-a-folder", path = path.display().to_string())).into())
}
