//! Answers from a file: for tests and rehearsals.
//!
//! ```json
//! {
//!   "answers": [
//!     { "node": "n12", "visit": 1, "answer": { "summary": "…" }, "usage": { "input_tokens": 900, "output_tokens": 80 } },
//!     { "item": "34", "prompt_contains": "garden", "answer": { "tags": ["garden"] } },
//!     { "prompt_contains": "Summarise", "attempt": 1, "error": { "code": "overloaded", "message": "busy", "retryable": true } },
//!     { "node": "n14", "repair": false, "raw": "not JSON" }
//!   ],
//!   "default": { "answer": {} }
//! }
//! ```
//!
//! The first entry whose conditions all hold is the reply; nothing is used up, so the same question always gets the same
//! reply. Conditions: `node`, `visit` (of the node, from 1), `item` (the icon), `prompt_contains`, `attempt` (from 1),
//! `repair` (whether this is the second question, after an answer that did not fit). The reply is one of `answer` (a value),
//! `raw` (the text that a model would have written) and `error`. `default` replies when no entry does.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError, NodeRef, Usage};
use bloom_ir::Value;
use bloom_ir::document::{NodeId, Source};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use serde::Deserialize;

use crate::answer::{self, Reply};
use crate::command::refuse_session;
use crate::failure;
use crate::prompt::Question;

/// Replies from a file.
#[derive(Clone, Debug)]
pub struct Scripted {
    script: Script,
    items: BTreeMap<NodeId, String>,
}

/// Why a script cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// It is not a script.
    #[error("not a script of answers: {0}")]
    Malformed(#[from] serde_json::Error),
    /// An entry has not exactly one reply.
    #[error("{place} needs exactly one of `answer`, `raw` and `error`")]
    Reply {
        /// Which entry.
        place: String,
    },
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default)]
    answers: Vec<Entry>,
    #[serde(default)]
    default: Option<Entry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    node: Option<NodeId>,
    visit: Option<u64>,
    item: Option<String>,
    prompt_contains: Option<String>,
    attempt: Option<u32>,
    repair: Option<bool>,
    // `null` is an answer, too.
    #[serde(default, deserialize_with = "present")]
    answer: Option<serde_json::Value>,
    raw: Option<String>,
    error: Option<ScriptedError>,
    usage: Option<ScriptedUsage>,
}

fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(deserializer).map(Some)
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptedError {
    code: String,
    message: String,
    #[serde(default)]
    retryable: bool,
    details: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptedUsage {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
    cost_micro_usd: Option<u64>,
}

impl Scripted {
    /// Reads a script from its text.
    pub fn parse(json: &str) -> Result<Self, ScriptError> {
        let script: Script = serde_json::from_str(json)?;
        let entries = script.answers.iter().enumerate().map(|(index, entry)| (format!("answers[{index}]"), entry));
        for (place, entry) in entries.chain(script.default.iter().map(|entry| ("default".to_owned(), entry))) {
            let replies = [entry.answer.is_some(), entry.raw.is_some(), entry.error.is_some()];
            if replies.into_iter().filter(|there| *there).count() != 1 {
                return Err(ScriptError::Reply { place });
            }
        }
        Ok(Self { script, items: BTreeMap::new() })
    }

    /// Reads a script from a file.
    pub fn read(path: &Path) -> Result<Self, ScriptError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ScriptError::Read { path: path.to_owned(), source })?;
        Self::parse(&text)
    }

    /// Knows the icons of a flow's nodes, so that entries can name them.
    #[must_use]
    pub fn with_source(mut self, source: &Source) -> Self {
        self.items = source.map.iter().map(|(node, spot)| (node.clone(), spot.item.clone())).collect();
        self
    }

    fn reply(&self, task: &LlmTask, question: &Question) -> Result<Reply, EffectError> {
        let entry = self
            .script
            .answers
            .iter()
            .find(|entry| self.fits(entry, task, question))
            .or(self.script.default.as_ref())
            .ok_or_else(|| self.no_answer(task))?;
        if let Some(error) = &entry.error {
            let ScriptedError { code, message, retryable, details } = error.clone();
            return Err(EffectError { retryable, details, ..EffectError::new(code, message) });
        }
        let usage = entry.usage.as_ref().map(|usage| Usage {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_micro_usd: usage.cost_micro_usd,
            model: Some("scripted".to_owned()),
            prompt: None,
            session: None,
            latency_ms: 0,
        });
        Ok(Reply { text: entry.raw.clone().unwrap_or_default(), structured: entry.answer.clone(), usage })
    }

    fn fits(&self, entry: &Entry, task: &LlmTask, question: &Question) -> bool {
        let asked_by = &task.asked_by;
        entry.node.as_ref().is_none_or(|node| *node == asked_by.node)
            && entry.visit.is_none_or(|visit| visit == asked_by.visit)
            && entry.item.as_ref().is_none_or(|item| self.items.get(&asked_by.node) == Some(item))
            && entry.prompt_contains.as_ref().is_none_or(|part| task.request.prompt.contains(part))
            && entry.attempt.is_none_or(|attempt| attempt == task.attempt)
            && entry.repair.is_none_or(|repair| repair == question.is_repair)
    }

    fn no_answer(&self, task: &LlmTask) -> EffectError {
        let NodeRef { node, visit } = &task.asked_by;
        let icon = self.items.get(node).map(|item| format!(" (icon {item})")).unwrap_or_default();
        let prompt: String = task.request.prompt.chars().take(80).collect();
        failure::permanent(
            "script_exhausted",
            format!("the script has no answer for node {node}{icon}, visit {visit}, which asks: {prompt}"),
        )
    }
}

#[async_trait]
impl LlmExecutor for Scripted {
    fn provides(&self) -> &'static str {
        "llm.scripted"
    }

    async fn answer(&self, task: LlmTask) -> Result<Answer, EffectError> {
        refuse_session(&task)?;
        answer::answer(&task, |question| std::future::ready(self.reply(&task, &question))).await
    }
}

#[cfg(test)]
mod tests;
