//! A person answers in place of an LLM, where the operator wants that.
//!
//! A question of the inbox stands for the task, and nobody holds it, so that no limit of time counts and a run that waits
//! costs nothing. What a worker was to answer, when the operator changes that, is asked of a person, too; who answers first
//! has answered.

use bloom_interpreter::effect::{EffectCall, LlmRequest, Question as Asking};
use bloom_ir::Value;
use bloom_ir::document::Locale;

use super::open::Open;
use super::run::{Addition, Desk, Draft, Run};
use crate::record::{Question, QuestionStatus, Spent};

/// Characters of a title.
const LONGEST_TITLE: usize = 80;

impl Run {
    /// Asks a person what an LLM would be asked: nothing is used for that.
    pub(super) fn ask_person(&self, draft: &mut Draft, open: &mut Open, desk: &Desk<'_>) {
        let request = open.effect.ask();
        let EffectCall::Llm(call) = &request.call else { return };
        let asking = asking(call, self.locale());
        draft.questions.push(self.question(request, &asking, None, desk));
        (open.is_asked_about, open.is_held, open.reserved) = (true, false, Spent::default());
    }

    /// Asks a person what workers were to answer and have not.
    pub(super) fn ask_people(&mut self, desk: &Desk<'_>) -> Option<Addition> {
        if !desk.config.llm_by_person || self.is_moving() || !self.open.needs_worker() {
            return None;
        }
        let is_for_worker = |open: &&Open| {
            let is_asked = open.effect.is_requested() && matches!(open.effect.ask().call, EffectCall::Llm(_));
            is_asked && !open.is_asked_about && open.refused.is_none()
        };
        let waiting: Vec<Open> = self.open.iter().filter(is_for_worker).cloned().collect();
        let mut draft = Draft::default();
        for mut open in waiting {
            self.ask_person(&mut draft, &mut open, desk);
            self.open.insert(open);
        }
        (!draft.questions.is_empty()).then(|| self.seal(draft, desk))
    }
}

impl Open {
    /// After a restart: whether a person is asked this.
    pub(super) fn recall(&mut self, question: &Question) {
        if question.status == QuestionStatus::Open {
            (self.is_asked_about, self.is_held, self.reserved) = (true, false, Spent::default());
        }
    }
}

/// The question as a person reads it. What the model would be told beside the prompt stands before it.
fn asking(call: &LlmRequest, locale: Locale) -> Asking {
    let memory = call.memory.iter().map(|part| match part {
        Value::String(text) => text.to_string(),
        other => String::from_utf8_lossy(&other.to_bytes()).into_owned(),
    });
    let parts: Vec<String> = call.system.iter().cloned().chain(memory).chain([call.prompt.clone()]).collect();
    Asking { title: title(call, locale), text: parts.join("\n\n"), schema: call.output.clone(), assignee: None }
}

/// The one line that the question is.
pub(super) fn title(call: &LlmRequest, locale: Locale) -> String {
    let line = call.prompt.trim().lines().next().unwrap_or_default().trim();
    match (line.is_empty(), locale) {
        (true, Locale::En) => "A question without a text".to_owned(),
        (true, Locale::Uk) => "Питання без тексту".to_owned(),
        (false, _) if line.chars().count() > LONGEST_TITLE => {
            line.chars().take(LONGEST_TITLE - 1).chain(['…']).collect()
        }
        (false, _) => line.to_owned(),
    }
}
