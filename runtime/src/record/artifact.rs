//! Artifacts and results of tasks: what workers brought back, and what runs handed out.

use bloom_interpreter::history::{Event, Payload};
use bloom_ir::document::EmitKind;
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::{ArtifactId, LeaseId, RunId, TaskId, WorkerId};
use crate::engine;

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
    /// What the run calls it that handed it out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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

impl Artifact {
    /// What a run hands out by an event of its history, if it does. It follows from the event, so that it is the same however
    /// often it is told, and never another one.
    pub fn handed_out(run: &RunId, event: &Event) -> Option<Self> {
        let Some(Payload::Emitted { emission }) = &event.payload else { return None };
        if emission.kind != EmitKind::Artifact {
            return None;
        }
        let (content, digest) = engine::artifact(emission);
        let is_text = matches!(emission.value, Value::String(_));
        Some(Self {
            id: ArtifactId::new(format!("{run}.{}", event.seq)),
            task: None,
            job: Some(run.clone()),
            kind: "EXECUTION_RESULT".to_owned(),
            name: Some(emission.name.clone()),
            created_at: event.at,
            content: digest,
            bytes: content.len() as u64,
            media_type: Some(if is_text { "text/plain; charset=utf-8" } else { "application/json" }.to_owned()),
            entity_refs: Vec::new(),
            tags: Vec::new(),
        })
    }
}

impl ArtifactId {
    /// The run, and the number of the event by which that handed it out, if a run did.
    pub fn event(&self) -> Option<(RunId, u64)> {
        let (run, seq) = self.as_str().rsplit_once('.')?;
        Some((RunId::new(run), seq.parse().ok()?))
    }
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
