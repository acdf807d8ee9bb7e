//! What comes to a run from outside: signals, and answers of people.

use bloom_interpreter::effect::{Answer, AwaitedThing, EffectCall};
use bloom_interpreter::history::Payload;
use bloom_ir::document::{Action, Awaited, NodeKind, Schema};
use bloom_ir::{CompiledSchema, Pinned, Value};

use super::continuation::went_on;
use super::live::With;
use super::run::{Addition, Desk, Draft, Run};
use super::{Engine, EngineError};
use crate::record::{Actor, InboxEntry, InboxId, InboxStatus, Question, QuestionId, QuestionStatus, RunId};
use crate::store::StoreError;

/// So many signals wait for a run.
const MOST_SIGNALS: usize = 100;

/// So many bytes have all signals together that wait for a run.
const MOST_BYTES: usize = 1024 * 1024;

impl Engine {
    /// Sends a signal to a run. It is kept until an `await` of that name takes it, the oldest first. The name must be one that
    /// the flow awaits, and the payload what every `await` of that name asks for.
    /// A run that goes on as another takes it there.
    pub async fn signal(&self, run: &RunId, name: &str, value: Value, by: &Actor) -> Result<(), EngineError> {
        self.signal_as(InboxId::new(self.ids.fresh()), run, name, value, by).await
    }

    /// The same, with this inbox entry: where there is one, that is [`StoreError::Exists`], and nothing is sent again.
    pub async fn signal_as(
        &self,
        inbox: InboxId,
        run: &RunId,
        name: &str,
        value: Value,
        by: &Actor,
    ) -> Result<(), EngineError> {
        loop {
            let sent = self.signal_newest(inbox.clone(), run, name, value.clone(), by).await;
            if !went_on(&sent) {
                return sent;
            }
        }
    }

    async fn signal_newest(
        &self,
        inbox: InboxId,
        run: &RunId,
        name: &str,
        value: Value,
        by: &Actor,
    ) -> Result<(), EngineError> {
        let record = self.newest(run).await?;
        let run = &record.id;
        let ir = self.pinned(&record, Pinned::Resume).await?;
        let mut awaited: Vec<&str> = Vec::new();
        let mut schemas: Vec<&Schema> = Vec::new();
        for node in ir.document().nodes.values() {
            if let NodeKind::Action(Action::Await { what: Awaited::Signal(other), schema, .. }) = &node.kind {
                awaited.push(other);
                schemas.extend(schema.iter().filter(|_| other == name));
            }
        }
        if !awaited.contains(&name) {
            awaited.sort_unstable();
            awaited.dedup();
            let (run, name, awaited) = (run.clone(), name.to_owned(), awaited.into_iter().map(str::to_owned).collect());
            return Err(EngineError::NoSuchSignal { run, name, awaited });
        }
        let value = value.normalized();
        check(&value, schemas)?;
        let bytes = value.to_bytes().len();
        if bytes > MOST_BYTES {
            return Err(EngineError::PayloadTooLarge { bytes, most: MOST_BYTES });
        }
        // What is refused changes nothing: the run stays in memory as it is.
        let mut refused = None;
        self.happen(run, With::News, |run, desk| {
            let (count, waiting) = run.signals_waiting();
            if count >= MOST_SIGNALS || waiting.saturating_add(bytes) > MOST_BYTES {
                let (run, most) = (run.id.clone(), MOST_SIGNALS);
                refused = Some(EngineError::TooManySignals { run, count, bytes: waiting, most });
                return Ok(None);
            }
            Ok(Some(run.receive(inbox, name, value, by, desk)))
        })
        .await?;
        refused.map_or(Ok(()), Err)
    }

    /// Answers a question. The answer must be what the question asks for.
    pub async fn answer(&self, question: &QuestionId, value: Value, by: &Actor) -> Result<Question, EngineError> {
        let missing = || StoreError::NotFound { kind: "question", id: question.to_string() };
        let found = self.store.question(question).await?.ok_or_else(missing)?;
        let closed = |status| EngineError::QuestionClosed { question: question.clone(), status };
        if found.status != QuestionStatus::Open {
            return Err(closed(found.status));
        }
        let value = value.normalized();
        let bytes = value.to_bytes().len();
        if bytes > MOST_BYTES {
            return Err(EngineError::PayloadTooLarge { bytes, most: MOST_BYTES });
        }
        check(&value, vec![&found.asked.schema])?;
        let run = found.run.clone();
        let mut answered = found;
        let mut refused = None;
        self.happen_at_rest(&run, With::News, |run, desk| {
            let asked = run.open.get(&answered.effect).map(|open| (&open.effect.ask().call, open.is_asked_about));
            refused = match asked {
                Some((EffectCall::Await(wait), _)) if matches!(wait.what, AwaitedThing::Ask(_)) => {
                    check(&value, wait.schema.iter().collect()).err()
                }
                Some((_, true)) => None,
                _ => Some(closed(QuestionStatus::Closed)),
            };
            if refused.is_some() {
                return Ok(None);
            }
            let is_about_outcome = matches!(asked, Some((EffectCall::Tool(_), true)));
            answered.answer(value.clone(), by.clone(), run.at(desk));
            Ok(if is_about_outcome { run.answer_outcome(&answered, desk) } else { run.answer(&answered, desk) })
        })
        .await?;
        refused.map_or(Ok(answered), Err)
    }
}

fn check(value: &Value, schemas: Vec<&Schema>) -> Result<(), EngineError> {
    for schema in schemas {
        // The document was checked when it was loaded.
        let Ok(schema) = CompiledSchema::compile(schema) else { continue };
        if let Err(violations) = schema.validate(value) {
            let shown = |violation: &bloom_ir::schema::Violation| format!("{}: {}", violation.path, violation.message);
            let problems = violations.iter().map(shown).map(|text| text.trim_start_matches(": ").to_owned()).collect();
            return Err(EngineError::Payload { problems });
        }
    }
    Ok(())
}

impl Run {
    /// How many signals wait, and their bytes together.
    fn signals_waiting(&self) -> (usize, usize) {
        let waiting = self.signals.values().flatten();
        waiting.fold((0, 0), |(count, bytes), value| (count + 1, bytes.saturating_add(value.to_bytes().len())))
    }

    /// A signal came. It is recorded at once, also in the middle of a turn; who drives the run hands it over.
    fn receive(&mut self, inbox: InboxId, name: &str, value: Value, by: &Actor, desk: &Desk<'_>) -> Addition {
        let mut draft = Draft::default();
        let inbox = InboxEntry {
            id: inbox,
            source: by.clone(),
            action: "signal".to_owned(),
            target: format!("{}/{name}", self.id),
            payload: value.clone(),
            status: InboxStatus::Processed,
            created_at: self.at(desk),
            correlation_id: self.id.to_string(),
            approved_by: Some(by.clone()),
        };
        draft.inbox.push(inbox);
        draft.audit.push(self.note("signal_received", by, [("name", Value::from(name))]));
        self.signals.entry(name.to_owned()).or_default().push_back(value.clone());
        let (name, sender) = (name.to_owned(), by.to_string());
        draft.payloads.push(Payload::SignalReceived { name, value, sender });
        self.seal(draft, desk)
    }

    /// A question has its answer, and the run moves on.
    fn answer(&mut self, question: &Question, desk: &Desk<'_>) -> Option<Addition> {
        let mut draft = self.overdue(desk);
        let by = question.answered_by.clone()?;
        let attempt = self.open.get(&question.effect)?.effect.attempt();
        draft.audit.push(question.audit_note(by, self.at(desk)));
        draft.questions.push(question.clone());
        let answer = Answer { value: question.answer.clone()?, usage: None };
        self.settle_into(&mut draft, &question.effect, attempt, Ok(answer), desk)?;
        Some(self.seal(draft, desk))
    }
}
