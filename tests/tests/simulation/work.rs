//! The work that is done outside of the runtime: tools and an LLM, which are played, and who is told how often.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError, Usage};
use bloom_ir::manifest::ToolManifest;
use bloom_ir::{Digest, Value};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::tool::{InstalledTool, ToolCall, ToolHost};
use serde_json::json;

use crate::sim::{Life, Sim};

/// A tool that reads, and one that changes the world.
pub(crate) const TOOLS: [(&str, &str); 2] = [("look", "read"), ("send", "operational")];

/// The tools of a machine.
pub(crate) struct Tools {
    pub(crate) sim: Arc<Sim>,
    pub(crate) life: Life,
    pub(crate) is_server: bool,
}

fn installed(name: &str, effect: &str) -> InstalledTool {
    let manifest: ToolManifest = serde_json::from_value(json!({
        "name": name, "version": "1.0.0", "description": "played", "effect": effect,
        "input": {}, "output": {}, "capabilities": [],
    }))
    .unwrap();
    InstalledTool { manifest, digest: Digest::of(name.as_bytes()) }
}

#[async_trait]
impl ToolHost for Tools {
    fn describe(&self, name: &str, _: Option<Digest>) -> Result<InstalledTool, EffectError> {
        let found = TOOLS.into_iter().find(|(known, _)| *known == name);
        let unknown = || EffectError::new("unknown_tool", format!("no tool `{name}`"));
        found.map(|(name, effect)| installed(name, effect)).ok_or_else(unknown)
    }

    fn installed(&self) -> Vec<InstalledTool> {
        TOOLS.into_iter().map(|(name, effect)| installed(name, effect)).collect()
    }

    async fn call(&self, call: ToolCall) -> Result<Value, EffectError> {
        let Self { sim, life, is_server } = self;
        life.edge().await;
        let (key, changes) = (&call.idempotency_key, call.request.tool == "send");
        sim.note(format_args!("{} is called for {key}", call.request.tool));
        sim.ledger().called(sim, key, *is_server, changes);
        work(sim, life).await;
        // One that changes the world does it, so that nobody need ask again.
        if !changes && sim.happens(sim.faults().failed_work) {
            return Err(EffectError { retryable: true, ..EffectError::new("unavailable", "not now") });
        }
        Ok(Value::Int(i64::try_from(sim.id()).unwrap()))
    }
}

/// It takes a moment, or very long.
async fn work(sim: &Sim, life: &Life) {
    let is_slow = sim.happens(sim.faults().slow_work);
    let time = if is_slow { sim.millis(5_000, 90_000) } else { sim.millis(1, 2_000) };
    tokio::time::sleep(time).await;
    life.edge().await;
}

/// An LLM that answers with numbers, each of them once.
pub(crate) struct Llm {
    pub(crate) sim: Arc<Sim>,
    pub(crate) life: Life,
}

#[async_trait]
impl LlmExecutor for Llm {
    fn provides(&self) -> &'static str {
        "llm.command"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        let Self { sim, life } = self;
        life.edge().await;
        sim.note(format_args!("the llm is asked for {}", task.idempotency_key));
        // It keeps to its limit, mostly.
        let limit = Duration::from_millis(task.timeout_ms);
        let is_late = tokio::time::timeout(limit, work(sim, life)).await.is_err();
        if is_late && sim.happens(500) {
            work(sim, life).await;
        } else if is_late {
            return Err(EffectError { retryable: true, ..EffectError::new("timeout", "it took too long") });
        }
        if sim.happens(sim.faults().failed_work) {
            return Err(EffectError { retryable: true, ..EffectError::new("invalid_output", "it makes no sense") });
        }
        let n = i64::try_from(sim.id()).unwrap();
        sim.note(format_args!("the llm answers {} with {n}", task.idempotency_key));
        sim.ledger().answered(sim, &task.idempotency_key, n);
        // Who posted a task wants a text.
        let value: Value = match task.request.output["type"].as_str() {
            Some("object") => [("n", Value::Int(n))].into_iter().collect(),
            _ => n.to_string().into(),
        };
        let usage = Usage { input_tokens: 3, output_tokens: 1, ..Usage::default() };
        Ok(Answer { value, usage: Some(usage) })
    }
}
