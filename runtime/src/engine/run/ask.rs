//! What a run asks for: effects, tasks of workers, questions to people.

use bloom_interpreter::effect::{
    AwaitRequest, AwaitedThing, EffectCall, EffectId, EffectRequest, LlmRequest, NodeRef, Question as Asking,
};
use bloom_interpreter::record::OpenEffect;
use bloom_ir::document::NodeKind;

use super::{Desk, Draft, Run};
use crate::engine::open::Open;
use crate::engine::retry::Schedule;
use crate::record::{Question, QuestionId, QuestionStatus, Task, TaskEffect, TaskId, TaskStatus};

impl Run {
    /// Takes note of a request. What must not be performed before it is recorded is recorded now, an LLM's with its task.
    pub(super) fn request(&mut self, draft: &mut Draft, request: &EffectRequest, desk: &Desk<'_>) {
        let mut open = match self.open.remove(&request.id) {
            Some(open) => open,
            None => Open::new(OpenEffect::new(request.clone()), false),
        };
        let by_person = desk.config.llm_by_person;
        if let (EffectCall::Llm(call), false, false) = (&request.call, open.effect.is_requested(), by_person) {
            match self.reserve(&request.id, call, desk) {
                Ok(Some(reserved)) => (open.reserved, open.is_held) = (reserved, false),
                Ok(None) => open.is_held = true,
                // Its request is recorded together with that.
                Err(error) => (open.refused, open.is_held) = (Some(error), false),
            }
        }
        if request.recorded_first()
            && open.refused.is_none()
            && (by_person || !open.is_held)
            && let Some(payload) = open.effect.request()
        {
            draft.payloads.push(payload);
            match &request.call {
                EffectCall::Llm(_) if by_person => self.ask_person(draft, &mut open, desk),
                EffectCall::Llm(call) => {
                    draft.tasks.push(self.task(request, call, desk));
                    draft.charge.calls += 1;
                    self.calls += 1;
                }
                EffectCall::Await(AwaitRequest { what: AwaitedThing::Ask(asked), until, .. }) => {
                    draft.questions.push(self.question(request, asked, *until, desk));
                }
                _ => {}
            }
        }
        self.open.insert(open);
    }

    /// Requests what waited until others had given back what they had reserved, as far as they have.
    pub(super) fn request_held(&mut self, draft: &mut Draft, desk: &Desk<'_>) {
        while let Some(held) = self.open.first_held() {
            let request = held.effect.ask().clone();
            let id = request.id.clone();
            self.request(draft, &request, desk);
            if self.open.get(&id).is_some_and(|open| open.is_held) {
                return;
            }
        }
    }

    pub(in crate::engine) fn question(
        &self,
        request: &EffectRequest,
        asked: &Asking,
        until: Option<i64>,
        desk: &Desk<'_>,
    ) -> Question {
        let at = self.at(desk);
        Question {
            id: QuestionId::new(desk.ids.fresh()),
            run: self.id.clone(),
            effect: request.id.clone(),
            node: request.node.clone(),
            context: self.context.clone(),
            agent: self.agent().to_owned(),
            asked: asked.clone(),
            until,
            status: QuestionStatus::Open,
            created_at: at,
            updated_at: at,
            answer: None,
            answered_by: None,
        }
    }

    pub(super) fn task(&self, request: &EffectRequest, call: &LlmRequest, desk: &Desk<'_>) -> Task {
        let node_limit = self.limits().node_timeout_seconds;
        let at = self.at(desk);
        Task {
            id: TaskId::new(desk.ids.fresh()),
            flow: None,
            of: Some(TaskEffect {
                run: self.id.clone(),
                effect: request.id.clone(),
                asked_by: NodeRef { node: request.node.clone(), visit: request.visit },
            }),
            context: self.context.clone(),
            agent_slug: self.agent().to_owned(),
            request: call.clone(),
            requires: desk.config.llm_requires.clone(),
            timeout_seconds: call.timeout_seconds.map_or(node_limit, |own| own.min(node_limit)),
            time_limit_ms: Some(u64::from(node_limit).saturating_mul(1000)),
            time_used_ms: 0,
            priority: 0,
            status: TaskStatus::Queued,
            created_at: at,
            updated_at: at,
            not_before: None,
            lease: None,
            attempts: 0,
            max_attempts: Schedule::new(desk.config, call.retry.as_ref()).attempts,
            epoch: 0,
            answer: None,
            error: None,
            resolved: false,
        }
    }

    /// The task to execute all of it.
    pub(super) fn whole(&self, desk: &Desk<'_>) -> Task {
        let document = self.ir.document();
        let mut requires = vec!["ir:0.1".to_owned()];
        requires.extend(document.policy.allowed_tools.keys().map(|tool| tool_capability(tool)));
        if document.nodes.values().any(|node| matches!(node.kind, NodeKind::LlmCall(_))) {
            requires.extend(desk.config.llm_requires.iter().cloned());
        }
        let nothing = LlmRequest {
            prompt: String::new(),
            system: None,
            memory: Vec::new(),
            model: None,
            max_tokens: None,
            session: None,
            output: serde_json::Value::Bool(false),
            timeout_seconds: None,
            retry: None,
        };
        let request = EffectRequest {
            id: EffectId::new(TaskEffect::WHOLE),
            node: document.entry.clone(),
            visit: 1,
            call: EffectCall::Llm(nothing.clone()),
        };
        Task {
            flow: Some(self.ir.hash()),
            requires,
            timeout_seconds: self.limits().timeout_seconds,
            time_limit_ms: Some(u64::from(self.limits().timeout_seconds).saturating_mul(1000)),
            ..self.task(&request, &nothing, desk)
        }
    }
}

/// What a worker provides that has a tool: `tool.memory_read` for `memory-read`.
fn tool_capability(tool: &str) -> String {
    format!("tool.{}", tool.replace('-', "_"))
}
