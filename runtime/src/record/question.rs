//! Questions to people: what a run waits for somebody to answer.

use bloom_interpreter::effect::{EffectId, Question as Asked};
use bloom_ir::Value;
use bloom_ir::document::NodeId;
use serde::{Deserialize, Serialize};

use super::{Actor, AuditNote, ContextId, QuestionId, RunId};

/// A question that a run asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// Its id.
    pub id: QuestionId,
    /// The run that waits.
    pub run: RunId,
    /// The effect of that run.
    pub effect: EffectId,
    /// The node that asks.
    pub node: NodeId,
    /// The execution context.
    pub context: ContextId,
    /// The flow's id.
    pub agent: String,
    /// Title, text, what the answer must satisfy, and who is asked.
    #[serde(flatten)]
    pub asked: Asked,
    /// When the run goes on without an answer, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// Where it stands.
    pub status: QuestionStatus,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<Value>,
    /// Who answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered_by: Option<Actor>,
}

impl Question {
    /// Takes the answer of a person.
    pub fn answer(&mut self, value: Value, by: Actor, at: i64) {
        self.status = QuestionStatus::Answered;
        self.answer = Some(value);
        self.answered_by = Some(by);
        self.updated_at = at;
    }

    /// Nobody needs an answer any more; says whether it was open.
    pub fn close(&mut self, at: i64) -> bool {
        if self.status != QuestionStatus::Open {
            return false;
        }
        self.status = QuestionStatus::Closed;
        self.updated_at = at;
        true
    }

    /// What the audit log says of its answer.
    pub fn audit_note(&self, by: Actor, at: i64) -> AuditNote {
        AuditNote {
            at,
            actor: by,
            action: "question_answered".to_owned(),
            entity_type: "question".to_owned(),
            entity_id: self.id.to_string(),
            job_id: Some(self.run.to_string()),
            context_id: Some(self.context.to_string()),
            epoch: None,
            detail: Value::empty_map(),
        }
    }
}

/// Where a question stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuestionStatus {
    /// Somebody is to answer.
    Open,
    /// Somebody did.
    Answered,
    /// The run went on without an answer, or ended.
    Closed,
}
