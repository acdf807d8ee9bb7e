//! A person is asked whether a tool did its work, where nobody else knows: `on_unknown` is `ask`.

use bloom_interpreter::effect::{Answer, EffectError, Question as Asking, ToolRequest};
use bloom_ir::Value;
use bloom_ir::document::Locale;
use serde_json::json;

use super::live::With;
use super::progress::Step;
use super::run::{Addition, Desk, Draft, Run};
use super::tool::Job;
use super::{Engine, EngineError};
use crate::record::{Question, QuestionId, QuestionStatus, RunId};
use crate::store::QuestionFilter;

impl Engine {
    /// Asks a person about a call whose outcome is unknown. The question is in the store when this returns, and the run waits.
    pub(super) async fn ask_outcome(&self, run: &RunId, job: &Job) -> Result<(), EngineError> {
        let filter = QuestionFilter { run: Some(run.clone()), open: false, limit: usize::MAX };
        // It may have been asked about before, and then been called again.
        let known = self.store.questions(&filter).await?;
        let known = known.into_iter().find(|question| question.effect == job.request.id);
        let asked = self.happen_at_rest(run, With::Nothing, |run, desk| Ok(run.ask_outcome(job, known, desk))).await;
        match asked {
            Err(EngineError::Over { .. }) => Ok(()),
            other => other,
        }
    }
}

impl Engine {
    /// A call is about to be made again of which a person has said that it was not made. From now on nobody knows that any
    /// more: the question is closed before the call.
    pub(super) async fn note_called_again(&self, run: &RunId, job: &Job) -> Result<(), EngineError> {
        let filter = QuestionFilter { run: Some(run.clone()), open: false, limit: usize::MAX };
        let known = self.store.questions(&filter).await?;
        let Some(known) = known.into_iter().find(|question| question.effect == job.request.id) else { return Ok(()) };
        let noted = self
            .happen_at_rest(run, With::Nothing, |run, desk| {
                let mut draft = run.overdue(desk);
                run.open.edit(&job.request.id, |open| open.is_cleared = false);
                let closed = Question { status: QuestionStatus::Closed, updated_at: run.at(desk), ..known };
                draft.questions.push(closed);
                Ok(Some(run.seal(draft, desk)))
            })
            .await;
        match noted {
            Err(EngineError::Over { .. }) => Ok(()),
            other => other,
        }
    }
}

/// Whether a person has answered that the call was not made.
pub(super) fn says_not_done(question: &Question) -> bool {
    let outcome = question.answer.as_ref().and_then(|answer| answer.get("outcome"));
    question.status == QuestionStatus::Answered && outcome.and_then(Value::as_str) == Some("not_done")
}

impl Run {
    fn ask_outcome(&mut self, job: &Job, known: Option<Question>, desk: &Desk<'_>) -> Option<Addition> {
        let mut draft = self.overdue(desk);
        let at = self.at(desk);
        self.open.edit(&job.request.id, |open| open.is_asked_about = true)?;
        let asking = asking(&job.call, self.locale());
        let question = match known {
            Some(known) => Question {
                asked: asking,
                status: QuestionStatus::Open,
                updated_at: at,
                answer: None,
                answered_by: None,
                ..known
            },
            None => {
                Question { id: QuestionId::new(desk.ids.fresh()), ..self.question(&job.request, &asking, None, desk) }
            }
        };
        draft.questions.push(question);
        Some(self.seal(draft, desk))
    }

    /// What a person says of a call: it was done, it was not, or it is to fail.
    pub(super) fn answer_outcome(&mut self, question: &Question, desk: &Desk<'_>) -> Option<Addition> {
        let mut draft: Draft = self.overdue(desk);
        let by = question.answered_by.clone()?;
        let answer = question.answer.as_ref()?;
        let open = self.open.get(&question.effect)?;
        let attempt = open.effect.attempt();
        let unknown = |said: &str| EffectError::new("outcome_unknown", format!("{by} was asked, and says: {said}"));
        draft.audit.push(question.audit_note(by.clone(), self.at(desk)));
        draft.questions.push(question.clone());
        match answer.get("outcome").and_then(Value::as_str) {
            Some("done") => {
                let value = answer.get("result").cloned().unwrap_or_default();
                self.settle_into(&mut draft, &question.effect, attempt, Ok(Answer { value, usage: None }), desk)?;
            }
            Some("not_done") => {
                let error = unknown("it was not done");
                let payloads = self.open.edit(&question.effect, |open| {
                    (open.is_asked_about, open.begun, open.is_cleared) = (false, false, true);
                    open.effect.attempted(error.clone(), 0)
                })?;
                draft.payloads.extend(payloads);
                let effect = self.spot(self.open.get(&question.effect)?.effect.ask());
                draft.steps.push(Step::AttemptFailed { effect, attempt, error, delay: std::time::Duration::ZERO });
            }
            _ => self.settle_into(&mut draft, &question.effect, attempt, Err(unknown("it has failed")), desk)?,
        }
        Some(self.seal(draft, desk))
    }
}

/// The one line that the question is.
pub(super) fn title(call: &ToolRequest, locale: Locale) -> String {
    match locale {
        Locale::En => format!("Did `{}` do its work?", call.tool),
        Locale::Uk => format!("Чи виконав `{}` свою роботу?", call.tool),
    }
}

fn asking(call: &ToolRequest, locale: Locale) -> Asking {
    let (tool, args) = (&call.tool, String::from_utf8_lossy(&call.args.to_bytes()).into_owned());
    let text = match locale {
        Locale::En => format!(
            "The call of `{tool}` was broken off, and nobody knows whether it did its work. It was called with\n{args}\n\
             Look whether it did, and answer one of:\n\
             {{\"outcome\": \"done\", \"result\": …}}  it did; the run goes on with this result\n\
             {{\"outcome\": \"not_done\"}}  it did not; it is called again\n\
             {{\"outcome\": \"failed\"}}  the call counts as failed"
        ),
        Locale::Uk => format!(
            "Виклик `{tool}` перервано, і ніхто не знає, чи виконав він свою роботу. Його викликано з такими даними:\n{args}\n\
             Перевірте й дайте одну з відповідей:\n\
             {{\"outcome\": \"done\", \"result\": …}}  виконав; запуск піде далі з цим результатом\n\
             {{\"outcome\": \"not_done\"}}  не виконав; його буде викликано знову\n\
             {{\"outcome\": \"failed\"}}  вважати виклик невдалим"
        ),
    };
    let schema = json!({
        "type": "object",
        "properties": { "outcome": { "enum": ["done", "not_done", "failed"] }, "result": true },
        "required": ["outcome"],
        "additionalProperties": false,
    });
    Asking { title: title(call, locale), text, schema, assignee: None }
}
