//! The tools of this machine as a run calls them that another machine keeps: what the run shares with others is read there, over
//! its lease.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bloom_interpreter::effect::EffectError;
use bloom_ir::capability::ArtifactScope;
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Digest, Value, VerifiedIr};
use bloom_runtime::record::RunId;
use bloom_runtime::tool::{Artifact, Artifacts, FileEntry, Folders, InstalledTool, SHARED_ROOTS, ToolCall, ToolHost};
use serde::Deserialize;
use serde_json::json;
use tokio::runtime::Handle;

use super::client::{self, Client, RemoteError};
use super::flow::wait;
use super::{GrantedLease, RemoteConfig};

/// What the holder of a lease reads of its server. A server that cannot be reached for a while is waited for: whoever reads has a
/// time limit.
#[derive(Clone)]
pub(super) struct Leased {
    client: Client,
    config: Arc<RemoteConfig>,
    lease: String,
    epoch: u64,
    /// Tools run on threads of their own; connections are this runtime's.
    home: Handle,
}

impl fmt::Debug for Leased {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Leased").field("lease", &self.lease).field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

impl Leased {
    pub(super) fn new(client: Client, config: Arc<RemoteConfig>, lease: &GrantedLease) -> Self {
        Self { client, config, lease: client::segment(&lease.id), epoch: lease.epoch, home: Handle::current() }
    }

    /// Asks the server, as often as it cannot be reached, on the runtime that its connections are of.
    async fn ask<F, Asking, T>(&self, asking: F) -> Result<T, EffectError>
    where
        F: Fn(Client) -> Asking + Send + 'static,
        Asking: Future<Output = Result<T, RemoteError>> + Send,
        T: Send + 'static,
    {
        let of = self.clone();
        let answer = self.home.spawn(async move {
            let mut delay = of.config.backoff;
            loop {
                match asking(of.client.clone()).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) if error.is_passing_once_known() => wait(&mut delay, &of.config).await,
                    Err(error) => return Err(refused(&error)),
                }
            }
        });
        answer.await.unwrap_or_else(|lost| Err(EffectError::new("unavailable", lost.to_string())))
    }

    /// What is there; none where the server says that there is no such.
    async fn fetch(&self, what: String) -> Result<Option<Vec<u8>>, EffectError> {
        let path: Arc<str> = format!("leases/{}/{what}", self.lease).into();
        self.ask(move |client| {
            let path = path.clone();
            async move {
                match client.get(&path).await {
                    Err(RemoteError::Refused { status: 404, .. }) => Ok(None),
                    answer => answer.map(Some),
                }
            }
        })
        .await
    }

    /// Reads a folder of the server.
    async fn look(&self, op: &'static str, root: &str, path: &str) -> Result<Read, EffectError> {
        let body = Arc::new(json!({ "epoch": self.epoch, "op": op, "root": root, "path": path }));
        let at: Arc<str> = format!("leases/{}/memory-read", self.lease).into();
        let asking = move |client: Client| {
            let (at, body) = (at.clone(), body.clone());
            async move { client.post(&at, &body).await }
        };
        let read = self.ask(asking).await?.unwrap_or_default();
        let read: Read = serde_json::from_value(read).map_err(|error| unreadable(&error))?;
        match read.failure {
            Some(Failure { code, message, retryable }) => {
                Err(EffectError { retryable, ..EffectError::new(code, message) })
            }
            None => Ok(read),
        }
    }
}

/// What a folder holds.
#[derive(Debug, Deserialize)]
struct Read {
    entries: Option<Vec<FileEntry>>,
    content: Option<String>,
    failure: Option<Failure>,
}

#[derive(Debug, Deserialize)]
struct Failure {
    code: String,
    message: String,
    retryable: bool,
}

fn refused(error: &RemoteError) -> EffectError {
    match error {
        RemoteError::Refused { message, code: Some(code), .. } if code == "CONTEXT_DENIED" => {
            EffectError::new("context_denied", message.clone())
        }
        RemoteError::Refused { status: 403, .. } => EffectError::new("not_granted", error.to_string()),
        _ => EffectError { retryable: true, ..EffectError::new("unavailable", error.to_string()) },
    }
}

fn unreadable(error: &dyn std::error::Error) -> EffectError {
    EffectError::new("unavailable", format!("the server's answer is not understood: {error}"))
}

#[async_trait]
impl Folders for Leased {
    async fn list(&self, root: &str, prefix: &str) -> Result<Vec<FileEntry>, EffectError> {
        Ok(self.look("list", root, prefix).await?.entries.unwrap_or_default())
    }

    async fn read(&self, root: &str, path: &str) -> Result<Vec<u8>, EffectError> {
        let content = self.look("read", root, path).await?.content.unwrap_or_default();
        STANDARD.decode(content).map_err(|error| unreadable(&error))
    }
}

#[async_trait]
impl Artifacts for Leased {
    async fn find(
        &self,
        scope: ArtifactScope,
        name: &str,
        run: Option<&RunId>,
    ) -> Result<Option<Artifact>, EffectError> {
        let name = client::segment(name);
        let of = run.map(|run| format!("&run={}", client::segment(run.as_str()))).unwrap_or_default();
        let what = format!("artifacts?epoch={}&scope={}&name={name}{of}", self.epoch, word(scope));
        let Some(found) = self.fetch(what).await? else { return Ok(None) };
        serde_json::from_slice(&found).map(Some).map_err(|error| unreadable(&error))
    }

    async fn read(&self, scope: ArtifactScope, digest: Digest) -> Result<Option<Vec<u8>>, EffectError> {
        let what = format!("artifacts/{}?epoch={}&scope={}", digest.hex(), self.epoch, word(scope));
        let Some(bytes) = self.fetch(what).await? else { return Ok(None) };
        // What came is what was asked for, whoever sent it.
        if Digest::of(&bytes) != digest {
            return Err(EffectError::new("unavailable", "the server sent other bytes than those of the digest"));
        }
        Ok(Some(bytes))
    }
}

fn word(scope: ArtifactScope) -> &'static str {
    match scope {
        ArtifactScope::Own => "own",
        ArtifactScope::All => "all",
    }
}

/// The tools of this machine, for a leased run.
pub(super) struct LeasedTools {
    tools: Arc<dyn ToolHost>,
    leased: Arc<Leased>,
}

impl LeasedTools {
    pub(super) fn new(tools: Arc<dyn ToolHost>, leased: Leased) -> Self {
        Self { tools, leased: Arc::new(leased) }
    }

    /// Fetches the components that the program pins and this machine lacks. What cannot be had is told when the program is
    /// held against the tools.
    pub(super) async fn complete(&self, ir: &VerifiedIr) -> Result<(), EffectError> {
        for (name, tool) in &ir.document().policy.allowed_tools {
            let Some(digest) = tool.digest.filter(|digest| self.tools.describe(name, Some(*digest)).is_err()) else {
                continue;
            };
            let what = format!("tools/{}?epoch={}", digest.hex(), self.leased.epoch);
            let Some(component) = self.leased.fetch(what).await? else { continue };
            if Digest::of(&component) != digest {
                tracing::warn!(tool = name, %digest, "the server sent another component");
                continue;
            }
            match self.tools.take_in(component).await {
                Ok(installed) => tracing::info!(tool = installed.manifest.name, %digest, "a tool was fetched"),
                Err(error) => tracing::warn!(tool = name, %digest, %error, "a tool that was fetched is not installed"),
            }
        }
        Ok(())
    }
}

/// A tool, and what it asks for, without what is read elsewhere: whether that may be read is for the server to say.
pub(super) fn here(tool: &InstalledTool, capabilities: &[String]) -> (InstalledTool, Vec<String>) {
    let is_here = |asked: &&String| asked.strip_prefix("files:").is_none_or(|root| !SHARED_ROOTS.contains(&root));
    let asks = tool.manifest.capabilities.iter().filter(is_here).cloned().collect();
    let manifest = ToolManifest { capabilities: asks, ..tool.manifest.clone() };
    let tool = InstalledTool { manifest, digest: tool.digest };
    (tool, capabilities.iter().filter(is_here).cloned().collect())
}

#[async_trait]
impl ToolHost for LeasedTools {
    fn describe(&self, name: &str, digest: Option<Digest>) -> Result<InstalledTool, EffectError> {
        self.tools.describe(name, digest)
    }

    fn may_call(&self, tool: &InstalledTool, agent: &str, capabilities: &[String]) -> Result<(), EffectError> {
        let (tool, capabilities) = here(tool, capabilities);
        self.tools.may_call(&tool, agent, &capabilities)
    }

    async fn keep(&self, components: &[Digest]) -> io::Result<()> {
        self.tools.keep(components).await
    }

    fn installed(&self) -> Vec<InstalledTool> {
        self.tools.installed()
    }

    async fn call(&self, call: ToolCall) -> Result<Value, EffectError> {
        let leased = &self.leased;
        let call = ToolCall { artifacts: Some(leased.clone()), folders: Some(leased.clone()), ..call };
        self.tools.call(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_context_refuses_is_told_apart_from_what_was_not_granted() {
        let of = |status, code: Option<&str>| {
            let code = code.map(str::to_owned);
            let error = refused(&RemoteError::Refused { status, message: String::from("no"), code });
            (error.code, error.retryable)
        };
        assert_eq!(of(403, Some("CONTEXT_DENIED")), (String::from("context_denied"), false));
        assert_eq!(of(403, None), (String::from("not_granted"), false));
        assert_eq!(of(503, None), (String::from("unavailable"), true));
    }
}
