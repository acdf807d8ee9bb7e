//! What a worker needs of something that thinks.

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError, LlmRequest, NodeRef};

use crate::record::ContextId;

/// Answers LLM tasks.
#[async_trait]
pub trait LlmExecutor: Send + Sync {
    /// What it provides, as `llm.claude_cli`, `llm.command`, `llm.scripted`.
    fn provides(&self) -> &'static str;

    /// Answers one task. The answer satisfies the request's `output`: the executor asks once more where it does not,
    /// and then fails with `invalid_output`. Dropping the future kills what it started.
    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError>;

    /// Whether it is let in by its provider again, after an answer was `not_logged_in`. It may ask a small question for that.
    async fn probe(&self) -> Result<(), EffectError> {
        Ok(())
    }
}

/// One question.
#[derive(Clone, Debug)]
pub struct LlmTask {
    /// `run id / effect id`.
    pub idempotency_key: String,
    /// The node that asks and how often it was entered: what scripted answers are matched by.
    pub asked_by: NodeRef,
    /// The execution context: where the request asks for a conversation, that of its context goes on.
    pub context: ContextId,
    /// What is asked.
    pub request: LlmRequest,
    /// The time limit, in milliseconds.
    pub timeout_ms: u64,
    /// From 1.
    pub attempt: u32,
}
