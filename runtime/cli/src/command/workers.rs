//! `bloom workers`: who takes tasks.

mod enroll;
mod key;

use std::io::Write as _;

use bloom_runtime::clock::Clock as _;
use bloom_runtime::record::{AuditNote, WorkerId, WorkerStatus};
use bloom_runtime::store::Store as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::catalogue::{Catalogue, text};
use crate::clock;
use crate::failure::{Exit, Explained};
use crate::output::{Out, Table};
use crate::remote::{Ask, ServerArg};
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Workers {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command, the workers are listed.
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Remove(Remove),
    Key(key::Key),
    Enroll(enroll::Enroll),
}

#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Args, Debug)]
struct Remove {
    #[arg(value_name = "WORKER")]
    worker: String,
    #[command(flatten)]
    server: ServerArg,
}

const WORKERS: [&str; 3] = ["api", "runtime", "workers"];

impl Workers {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            None => self.list.perform(session, out).await,
            Some(Command::List(list)) => list.perform(session, out).await,
            Some(Command::Remove(remove)) => remove.perform(session, out).await,
            Some(Command::Key(key)) => key.perform(session, out).await,
            Some(Command::Enroll(enroll)) => enroll.perform(session, out).await,
        }
    }
}

impl List {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let (workers, is_live) = match self.server.remote(session)? {
            Some(remote) => (remote.json(Ask::get(&WORKERS)).await?, true),
            None => (serde_json::to_value(Store::open(session)?.inner.workers().await?)?, false),
        };
        if session.form() == Form::Json {
            out.json(&workers)?;
            return Ok(Exit::Completed);
        }
        let mut table = Table::with_head([
            text!(catalogue, "column-worker"),
            text!(catalogue, "column-status"),
            text!(catalogue, "column-heard"),
            text!(catalogue, "column-holds"),
            text!(catalogue, "column-provides"),
        ]);
        for worker in workers.as_array().into_iter().flatten() {
            let name = worker["id"].as_str().unwrap_or_default().to_owned();
            // Whether it is there is known to the server that hears it.
            let status = if is_live { standing(worker, catalogue) } else { String::from("–") };
            let heard = worker["last_heartbeat"].as_i64().map_or_else(|| String::from("–"), clock::local);
            let capabilities = &worker["capabilities"];
            let slots = &capabilities["max_concurrency"];
            let holds =
                worker["active_leases"].as_u64().map_or_else(|| format!("–/{slots}"), |held| format!("{held}/{slots}"));
            table.row([name, status, heard, holds, provided(capabilities)]);
        }
        table.write(out)?;
        Ok(Exit::Completed)
    }
}

/// How a worker is, or why it is granted nothing.
fn standing(worker: &Value, catalogue: &Catalogue) -> String {
    match worker["blocked"]["code"].as_str() {
        None => status(&worker["status"], catalogue),
        Some("not_logged_in") => text!(catalogue, "status-not-logged-in"),
        Some("quota") => text!(catalogue, "status-no-quota"),
        Some(code) => code.to_owned(),
    }
}

fn status(status: &Value, catalogue: &Catalogue) -> String {
    match serde_json::from_value(status.clone()) {
        Ok(WorkerStatus::Online) => text!(catalogue, "status-online"),
        Ok(WorkerStatus::Offline) => text!(catalogue, "status-offline"),
        Ok(WorkerStatus::Syncing) => text!(catalogue, "status-syncing"),
        Ok(WorkerStatus::Error) => text!(catalogue, "status-error"),
        Ok(WorkerStatus::Unknown) | Err(_) => text!(catalogue, "status-unknown"),
    }
}

fn provided(capabilities: &Value) -> String {
    let texts = |name: &str| {
        let list = capabilities[name].as_array().into_iter().flatten();
        list.filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut all = texts("provides");
    if capabilities["claude_cli"] == true {
        all.push(String::from("llm.claude_cli"));
    }
    all.extend(texts("labels").into_iter().map(|label| format!("label:{label}")));
    all.sort();
    all.dedup();
    all.join(", ")
}

impl Remove {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let told = if let Some(remote) = self.server.remote(session)? {
            let [api, runtime, workers] = WORKERS;
            remote.json(Ask::delete(&[api, runtime, workers, &self.worker])).await?
        } else {
            let store = Store::open(session)?;
            let id = WorkerId::new(self.worker.as_str());
            if store.inner.worker(&id).await?.is_none() {
                return Err(Explained::failed(text!(session.catalogue, "no-such-worker", id = &self.worker)).into());
            }
            let at = session.clock.now();
            let note = AuditNote::new(at, &owner(), "worker_removed", ("worker", id.as_str()));
            store.inner.remove_worker(&id, at, vec![note]).await?;
            json!({ "removed": true, "id": id })
        };
        match session.form() {
            Form::Json => out.json(&told)?,
            Form::Text => writeln!(out, "{}", text!(session.catalogue, "worker-removed", id = &self.worker))?,
        }
        Ok(Exit::Completed)
    }
}
