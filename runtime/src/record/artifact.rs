//! Artifacts and results of tasks: what workers brought back.

use bloom_ir::Digest;
use serde::{Deserialize, Serialize};

use super::{ArtifactId, LeaseId, RunId, TaskId, WorkerId};

/// Something that was made and does not change any more. Its content is kept under its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// The task that it is the result of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskId>,
    /// The run that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<RunId>,
    /// What it is, as `LLM_RESULT`.
    pub kind: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// The digest of its content.
    pub content: Digest,
    /// How many bytes that is.
    pub bytes: u64,
    /// Its media type, where whoever made it knew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What it is about.
    #[serde(default)]
    pub entity_refs: Vec<String>,
    /// By what it is found.
    #[serde(default)]
    pub tags: Vec<String>,
}

/// What a worker said of an attempt. A lease has at most one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The lease that it was brought back under, which is its id.
    pub lease: LeaseId,
    /// The task.
    pub task: TaskId,
    /// Who brought it.
    pub worker: WorkerId,
    /// The artifact that was made of it.
    pub artifact: ArtifactId,
    /// The answer; or what went wrong.
    pub outcome: Result<String, String>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What it cost, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_used: Option<u64>,
    /// Unix milliseconds.
    pub completed_at: i64,
}
