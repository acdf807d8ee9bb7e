//! `bloom answer`: a person answers what a run asks.

use std::io::Write as _;

use bloom_ir::Value;
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
            Err(_) if question.asked.schema.get("type").is_some_and(|kind| kind == "string") => {
                Value::from(self.answer.as_str())
            }
            Err(error) => return Err(error),
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

/// A value that was written as JSON.
pub(super) fn payload(text: &str, session: &Session) -> anyhow::Result<Value> {
    serde_json::from_str(text).map_err(|error| {
        let explained = Explained::usage(text!(session.catalogue, "payload-bad", value = text));
        anyhow::Error::new(error).context(explained.hint(text!(session.catalogue, "payload-bad-hint")))
    })
}
