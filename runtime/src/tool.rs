//! What the engine needs of a host of tools.

use std::fmt;
use std::io;
use std::sync::Arc;

use async_trait::async_trait;
use bloom_interpreter::effect::{EffectError, ToolRequest};
use bloom_ir::capability::ArtifactScope;
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use crate::record::RunId;

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

    /// Keeps these components for as long as a stored flow may need them, also with a later version of this program. Those that
    /// are kept already, and those that somebody else keeps, are none of its work.
    async fn keep(&self, components: &[Digest]) -> io::Result<()> {
        let _ = components;
        Ok(())
    }

    /// All installed tools, by name.
    fn installed(&self) -> Vec<InstalledTool>;

    /// What one call may use here, where this host limits it.
    fn limits(&self) -> Option<CallLimits> {
        None
    }

    /// The component of a digest, byte for byte, for a host that lacks it; none where it is not at hand.
    async fn component(&self, digest: Digest) -> io::Result<Option<Vec<u8>>> {
        let _ = digest;
        Ok(None)
    }

    /// Installs a component that another host has.
    async fn take_in(&self, component: Vec<u8>) -> Result<InstalledTool, EffectError> {
        drop(component);
        Err(EffectError::new("unavailable", "this host installs no tools"))
    }

    /// The folders that the operator names here, as calls for an agent see them.
    fn folders(&self, agent: &str) -> Option<Arc<dyn Folders>> {
        let _ = agent;
        None
    }

    /// Whether a call takes next to no time, by what is known of the last one, and can do nothing but compute. Then it may be made
    /// where somebody waits for something else.
    fn is_brief(&self, call: &ToolRequest) -> bool {
        let _ = call;
        false
    }

    /// Calls a tool once: input checked, fresh instance, limits kept, output checked. Dropping the future interrupts
    /// the call.
    async fn call(&self, call: ToolCall) -> Result<Value, EffectError>;
}

/// What one call of a tool may use, whichever tool it is. Its time limit comes with the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallLimits {
    /// Work: about one for each instruction.
    pub fuel: u64,
    /// Memory, in bytes.
    pub memory_bytes: u64,
    /// The call's arguments as JSON, in bytes.
    pub input_bytes: u64,
    /// What it returns as JSON, in bytes.
    pub output_bytes: u64,
    /// Requests that it sends.
    pub http_requests: u64,
    /// Calls of the same tool that run at the same time; more wait for their turn.
    pub at_once: u64,
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
    /// What runs of its context handed out; none where the call is not part of a run.
    pub artifacts: Option<Arc<dyn Artifacts>>,
    /// Where [`SHARED_ROOTS`] are read, if not on this machine.
    pub folders: Option<Arc<dyn Folders>>,
}

/// The roots of folders that a run reads where its history is kept, wherever its tools are called: all runs of a server see the
/// same. Other roots are folders of the machine that calls the tool.
pub const SHARED_ROOTS: [&str; 2] = ["context", "memory"];

/// Folders that a call may read. It speaks for one agent. A failure has one of the codes that `bloom:tool/files` names.
#[async_trait]
pub trait Folders: fmt::Debug + Send + Sync {
    /// All files below a folder of a root, in the byte order of their paths.
    async fn list(&self, root: &str, prefix: &str) -> Result<Vec<FileEntry>, EffectError>;

    /// A whole file.
    async fn read(&self, root: &str, path: &str) -> Result<Vec<u8>, EffectError>;
}

/// A file that a tool may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Below the root.
    pub path: String,
    /// In bytes.
    pub size: u64,
    /// Unix milliseconds.
    pub modified: i64,
}

/// The artifacts that a call may read. It speaks for one run: for its agent, and within its context.
#[async_trait]
pub trait Artifacts: fmt::Debug + Send + Sync {
    /// The artifact of a name that was handed out last, by a run or by any. Fails with `unavailable` where that is not known
    /// now.
    async fn find(
        &self,
        scope: ArtifactScope,
        name: &str,
        run: Option<&RunId>,
    ) -> Result<Option<Artifact>, EffectError>;

    /// The bytes of an artifact; none where no run of that scope handed them out. Fails with `unavailable`, as above.
    async fn read(&self, scope: ArtifactScope, digest: Digest) -> Result<Option<Vec<u8>>, EffectError>;
}

/// Bytes that a run handed out under a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// The digest of the bytes.
    pub digest: Digest,
    /// The name that the run gave them.
    pub name: String,
    /// The run.
    pub run: RunId,
}
