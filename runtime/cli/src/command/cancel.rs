//! `bloom cancel`: a run is ended, with the runs that it waits for.

use std::io::Write as _;

use clap::Args;
use serde_json::json;

use crate::catalogue::text;
use crate::engine;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
pub(crate) struct Cancel {
    #[arg(value_name = "RUN")]
    run: String,
    #[arg(long, visible_alias = "reason", value_name = "TEXT", default_value = "")]
    note: String,
}

impl Cancel {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let store = Store::open(session)?;
        let run = store.run(&self.run).await?;
        let engine = engine::of_run(&run, &store, session).await?;
        let cancelled = engine.cancel(&run.id, &owner(), &self.note).await;
        cancelled.map_err(|error| engine::explained(error, session))?;
        match session.form() {
            Form::Json => out.json(&json!({ "run": run.id, "status": "cancelled" }))?,
            Form::Text => writeln!(out, "{}", text!(session.catalogue, "run-cancelled", run = run.id.as_str()))?,
        }
        Ok(Exit::Completed)
    }
}
