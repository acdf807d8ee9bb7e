//! The host for a tool on trial: nothing but what was granted for the occasion.

use anyhow::Context as _;
use bloom_interpreter::effect::ToolRequest;
use bloom_runtime::tool::{InstalledTool, ToolCall, ToolHost as _};
use bloom_wasm::{CallReport, Inspection, WasmHost};
use serde_json::Value;

use super::granted::Granted;
use super::subject::{Subject, is_path};
use super::trouble;
use crate::catalogue::text;
use crate::host::{ToolArgs, bare};
use crate::session::Session;

/// Whose memory a tool on trial sees, where nobody else is named.
const AGENT: &str = "author";

/// A tool that can be called.
pub(crate) struct Sandbox {
    host: WasmHost,
    tool: InstalledTool,
    agent: String,
    timeout_ms: u64,
}

/// A host without tools, which looks at components.
pub(crate) fn inspector(session: &Session) -> anyhow::Result<WasmHost> {
    let none: [&[u8]; 0] = [];
    WasmHost::new(bare(session)?, none).with_context(|| text!(session.catalogue, "tools-failed"))
}

/// Looks at a component. It is compiled, where it is not known.
pub(crate) fn inspect(subject: &Subject, session: &Session) -> anyhow::Result<Inspection> {
    let host = inspector(session)?;
    // Nothing else runs on this thread meanwhile.
    Ok(tokio::task::block_in_place(|| host.inspect(&subject.bytes)))
}

impl Sandbox {
    /// The tool of a component that was looked at.
    pub(crate) fn of(subject: &Subject, granted: Granted, session: &Session) -> anyhow::Result<Self> {
        let seen = inspect(subject, session)?;
        let problem = seen
            .problems
            .first()
            .map(|problem| trouble::of_install(problem, &subject.shown(), subject.language(), &session.catalogue));
        match (problem, seen.manifest) {
            (None, Some(manifest)) => Self::with(&subject.bytes, &manifest.name, granted, session),
            (problem, _) => Err(problem.map_or_else(|| anyhow::anyhow!("no manifest"), anyhow::Error::from)),
        }
    }

    fn with(bytes: &[u8], name: &str, granted: Granted, session: &Session) -> anyhow::Result<Self> {
        let mut config = bare(session)?;
        granted.apply(name, &mut config);
        let failed = || text!(session.catalogue, "tools-failed");
        let host = tokio::task::block_in_place(|| WasmHost::new(config, [bytes])).with_context(failed)?;
        Self::on(host, name)
    }

    /// What a person names: a project, a file, or an installed tool with what the operator granted it.
    pub(crate) fn named(named: &str, tools: &ToolArgs, granted: Granted, session: &Session) -> anyhow::Result<Self> {
        if is_path(named) {
            return Self::of(&Subject::read(named.as_ref(), session)?, granted, session);
        }
        Self::on(tools.trial(named, granted, session)?, named)
    }

    fn on(host: WasmHost, name: &str) -> anyhow::Result<Self> {
        let tool = host.describe(name, None).map_err(|error| anyhow::anyhow!(error.message))?;
        Ok(Self { host, tool, agent: AGENT.into(), timeout_ms: 45_000 })
    }

    /// Whose memory is read, and how long a call may take.
    pub(crate) fn for_agent(self, agent: Option<String>, timeout_ms: Option<u64>) -> Self {
        let (agent, timeout_ms) = (agent.unwrap_or(self.agent), timeout_ms.unwrap_or(self.timeout_ms));
        Self { agent, timeout_ms, ..self }
    }

    pub(crate) fn tool(&self) -> &InstalledTool {
        &self.tool
    }

    /// Calls it once.
    pub(crate) async fn call(&self, input: &Value) -> CallReport {
        self.host
            .report(ToolCall {
                idempotency_key: "trial".into(),
                agent: self.agent.clone(),
                request: ToolRequest {
                    tool: self.tool.manifest.name.clone(),
                    effect: self.tool.manifest.effect,
                    digest: Some(self.tool.digest),
                    args: input.clone().into(),
                    timeout_seconds: None,
                    retry: None,
                    on_unknown: None,
                },
                capabilities: self.tool.manifest.capabilities.clone(),
                timeout_ms: self.timeout_ms,
                artifacts: None,
                folders: None,
            })
            .await
    }
}
