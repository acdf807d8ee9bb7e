//! `bloom show`: one run, with what it did and what it proposed.

use std::io::Write as _;

use bloom_interpreter::history::Payload;
use bloom_runtime::record::{RunId, RunStatus};
use bloom_runtime::store::{ProposalFilter, Store as _};
use clap::Args;
use serde_json::json;

use crate::catalogue::text;
use crate::clock;
use crate::failure::Exit;
use crate::limits;
use crate::narrator::Narrator;
use crate::output::{Out, columns, one_line};
use crate::report::{self, Failing};
use crate::session::{Form, Session};
use crate::store::{Store, words};

#[derive(Args, Debug)]
pub(crate) struct Show {
    #[arg(value_name = "RUN")]
    run: String,
}

impl Show {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let store = Store::open(session)?;
        let run = store.run(&self.run).await?;
        let filter = ProposalFilter { run: Some(run.id.clone()), status: None, limit: usize::MAX };
        let mut proposals = store.inner.proposals(&filter).await?;
        proposals.reverse();
        let at = Failing::of(&run, &store).await?;
        if session.form() == Form::Json {
            let tasks = store.inner.tasks(&run.id).await?;
            let mut record = serde_json::to_value(&run)?;
            if run.error.is_some() {
                record["error"] = report::error(&run, at.as_ref());
            }
            out.json(&json!({ "run": record, "tasks": tasks, "proposals": proposals }))?;
            return Ok(Exit::Completed);
        }
        let catalogue = &session.catalogue;
        let limits = report::document(&store, &run).await?.map(|document| document.policy.limits);
        let lines = [
            (text!(catalogue, "column-run"), run.id.to_string()),
            (text!(catalogue, "column-flow"), format!("{}@{}", run.flow, run.version)),
            (text!(catalogue, "column-hash"), run.ir.to_string()),
            (text!(catalogue, "column-status"), words::standing(&run, catalogue)),
            (text!(catalogue, "column-started"), clock::local(run.created_at)),
            (text!(catalogue, "column-updated"), clock::local(run.updated_at)),
            (text!(catalogue, "column-events"), run.events.to_string()),
            (text!(catalogue, "column-used"), limits::used(&run, limits, catalogue)),
            (text!(catalogue, "column-inputs"), report::compact(&run.inputs)),
        ];
        let link = |name: String, run: &Option<RunId>| run.as_ref().map(|run| (name, run.to_string()));
        let origin = run.origin.as_ref().map(|origin| {
            let told = text!(catalogue, "run-origin", run = origin.run.as_str(), seq = origin.at);
            (text!(catalogue, "column-fork-of"), told)
        });
        let links = [
            link(text!(catalogue, "column-continues"), &run.continues),
            link(text!(catalogue, "column-continued-by"), &run.continued_by),
            origin,
        ];
        for (name, value) in lines.into_iter().chain(links.into_iter().flatten()) {
            writeln!(out, "{name}: {}", one_line(&value))?;
        }
        let icons = report::icons(&store, &run).await?;
        let mut narrator = Narrator::new(&icons, catalogue);
        for event in store.inner.history(&run.id, 1, usize::MAX).await? {
            // How it ended is told below.
            if event.payload.as_ref().is_some_and(is_end) {
                continue;
            }
            if let Some(line) = narrator.tell(&event) {
                writeln!(out, "  {}", line.in_columns(columns().saturating_sub(2)))?;
            }
        }
        report::end(out, &run, at.as_ref(), catalogue)?;
        report::proposals(out, &proposals, catalogue)?;
        if run.status == RunStatus::Running {
            writeln!(out, "{}", text!(catalogue, "run-can-resume", run = run.id.as_str()))?;
        }
        Ok(Exit::Completed)
    }
}

fn is_end(payload: &Payload) -> bool {
    matches!(
        payload,
        Payload::RunCompleted { .. }
            | Payload::RunFailed { .. }
            | Payload::RunCancelled { .. }
            | Payload::RunContinued { .. }
    )
}
