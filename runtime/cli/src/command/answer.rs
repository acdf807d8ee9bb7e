//! `bloom answer`: a person answers what a run asks.

use std::io::Write as _;

use bloom_ir::Value;
use bloom_ir::document::Schema;
use clap::Args;

use crate::catalogue::text;
use crate::engine;
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
pub(crate) struct Answer {
    #[arg(value_name = "QUESTION")]
    question: String,
    #[arg(value_name = "JSON")]
    answer: String,
}

impl Answer {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let store = Store::open(session)?;
        let question = store.question(&self.question).await?;
        let value = match payload(&self.answer, session) {
            Ok(value) => value,
            // Where a text is asked for, it needs no quotes.
            Err(_) if is_text(&question.asked.schema) => Value::from(self.answer.as_str()),
            Err(error) => match only_text(&question.asked.schema) {
                Some(member) => [(member, Value::from(self.answer.as_str()))].into_iter().collect(),
                None => return Err(error),
            },
        };
        let run = store.run(question.run.as_str()).await?;
        let engine = engine::of_run(&run, &store, session).await?;
        let answered = engine.answer(&question.id, value, &owner()).await;
        let answered = answered.map_err(|error| engine::explained(error, session))?;
        let first = engine::first(&run, &store).await?;
        match session.form() {
            Form::Json => out.json(&answered)?,
            Form::Text => {
                writeln!(out, "{}", text!(session.catalogue, "question-answered"))?;
                writeln!(out, "{}", text!(session.catalogue, "run-can-resume", run = first.id.as_str()))?;
            }
        }
        Ok(Exit::Completed)
    }
}

fn is_text(schema: &Schema) -> bool {
    schema.get("type").is_some_and(|kind| kind == "string")
}

/// The one member of an object that is asked for, if that is a text: as LLM icons ask that say nothing else.
fn only_text(schema: &Schema) -> Option<&str> {
    let mut members = schema.get("properties")?.as_object()?.iter();
    let (name, schema) = members.next()?;
    (members.next().is_none() && is_text(schema)).then_some(name.as_str())
}

/// A value that was written as JSON.
pub(super) fn payload(text: &str, session: &Session) -> anyhow::Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        let explained = Explained::usage(text!(session.catalogue, "payload-bad", value = text));
        anyhow::Error::new(error).context(explained.hint(text!(session.catalogue, "payload-bad-hint")))
    })
}
