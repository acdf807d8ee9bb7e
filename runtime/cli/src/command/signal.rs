//! `bloom signal`: something happened that a run waits for.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use super::answer::payload;
use crate::catalogue::text;
use crate::engine;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
pub(crate) struct Signal {
    #[arg(value_name = "RUN")]
    run: String,
    #[arg(value_name = "NAME")]
    name: String,
    #[arg(value_name = "JSON")]
    value: Option<String>,
}

impl Signal {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let value = payload(self.value.as_deref().unwrap_or("null"), session)?;
        let store = Store::open(session)?;
        let run = store.run(&self.run).await?;
        let engine = engine::of_run(&run, &store, session).await?;
        let sent = engine.signal(&run.id, &self.name, value, &owner()).await;
        sent.map_err(|error| engine::explained(error, session))?;
        let first = engine::first(&run, &store).await?;
        match session.form() {
            Form::Json => out.json(&json!({ "run": run.id, "signal": self.name }))?,
            Form::Text => {
                writeln!(out, "{}", text!(session.catalogue, "signal-sent", name = self.name.as_str()))?;
                writeln!(out, "{}", text!(session.catalogue, "run-can-resume", run = first.id.as_str()))?;
            }
        }
        Ok(Exit::Completed)
    }
}
