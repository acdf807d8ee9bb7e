//! Programs and tasks for the tests of executors.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use bloom_interpreter::effect::{LlmRequest, NodeRef};
use bloom_ir::document::NodeId;
use bloom_runtime::llm::LlmTask;
use bloom_runtime::record::ContextId;
use serde_json::json;

/// A shell script in a folder of its own.
pub(crate) struct FakeProgram {
    pub(crate) folder: tempfile::TempDir,
}

impl FakeProgram {
    /// `$here` is the script's folder.
    pub(crate) fn new(body: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("#!/bin/sh\nhere='{}'\n{body}\n", folder.path().display());
        let path = folder.path().join("program");
        // Copied by another process: a file that this one had open for writing when another test forked could not be
        // executed ("text file busy").
        let new = folder.path().join("new");
        std::fs::write(&new, script).unwrap();
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(std::process::Command::new("cp").arg("-p").arg(&new).arg(&path).status().unwrap().success());
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("program")
    }

    /// What the script wrote to a file beside it.
    pub(crate) fn wrote(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        Path::join(self.folder.path(), name)
    }
}

/// A question for `{"n": integer}`.
pub(crate) fn task(prompt: &str) -> LlmTask {
    LlmTask {
        idempotency_key: "run-1/n12#1".to_owned(),
        asked_by: NodeRef { node: NodeId::new("n12"), visit: 1 },
        context: ContextId::new("c1"),
        request: LlmRequest {
            prompt: prompt.to_owned(),
            system: None,
            memory: Vec::new(),
            model: None,
            max_tokens: None,
            session: None,
            output: json!({ "type": "object", "properties": { "n": { "type": "integer" } }, "required": ["n"] }),
            timeout_seconds: None,
            retry: None,
        },
        timeout_ms: 60_000,
        attempt: 1,
    }
}
