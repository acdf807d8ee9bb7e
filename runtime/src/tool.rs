//! What the engine needs of a host of tools.

use async_trait::async_trait;
use bloom_interpreter::effect::{EffectError, ToolRequest};
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Digest, Value};

/// Runs tools in a sandbox.
#[async_trait]
pub trait ToolHost: Send + Sync {
    /// What an installed tool says of itself. Without a digest, the newest of that name.
    fn describe(&self, name: &str, digest: Option<Digest>) -> Result<InstalledTool, EffectError>;

    /// Whether an installed tool may be called by this agent with these capabilities: whether the operator granted what it
    /// asks for. Asked before a run starts, so that it is not refused in the middle.
    fn may_call(&self, tool: &InstalledTool, agent: &str, capabilities: &[String]) -> Result<(), EffectError> {
        let _ = (tool, agent, capabilities);
        Ok(())
    }

    /// All installed tools, by name.
    fn installed(&self) -> Vec<InstalledTool>;

    /// Calls a tool once: input checked, fresh instance, limits kept, output checked. Dropping the future interrupts
    /// the call.
    async fn call(&self, call: ToolCall) -> Result<Value, EffectError>;
}

/// A tool that can be called.
#[derive(Clone, Debug, PartialEq)]
pub struct InstalledTool {
    /// What it says of itself.
    pub manifest: ToolManifest,
    /// The digest of its component.
    pub digest: Digest,
}

/// One call.
#[derive(Clone, Debug)]
pub struct ToolCall {
    /// `run id / effect id`: the same for every attempt.
    pub idempotency_key: String,
    /// The flow's id: whose memory the root `memory` is.
    pub agent: String,
    /// What is called, with what.
    pub request: ToolRequest,
    /// The capabilities that the signed policy carries for this tool.
    pub capabilities: Vec<String>,
    /// The time limit, in milliseconds.
    pub timeout_ms: u64,
}
