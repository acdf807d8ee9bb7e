//! `bloom audit`: the log of who did what.

use std::io::Write as _;

use bloom_runtime::store::{AuditCheck, Store as _, verify_audit};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::catalogue::text;
use crate::clock;
use crate::failure::{Exit, Explained};
use crate::output::{Out, Table};
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(List),
    Verify(Verify),
}

#[derive(Args, Debug)]
struct Verify {}

#[derive(Args, Debug)]
struct List {
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u64,
}

impl Audit {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let store = Store::open(session)?;
        match self.command {
            Command::List(list) => list.perform(&store, session, out).await,
            Command::Verify(_) => verify(&store, session, out).await,
        }
    }
}

async fn verify(store: &Store<'_>, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
    let catalogue = &session.catalogue;
    let AuditCheck { entries, head, fault } = verify_audit(store.inner.as_ref()).await?;
    if session.form() == Form::Json {
        let described = fault.as_ref().map(|fault| json!({ "seq": fault.seq, "message": fault.kind.to_string() }));
        out.json(&json!({ "entries": entries, "head": head, "fault": described }))?;
    }
    if let Some(fault) = fault {
        let broken = Explained::failed(text!(catalogue, "audit-broken", seq = fault.seq));
        return Err(anyhow::Error::new(fault.kind).context(broken));
    }
    if session.form() == Form::Text {
        let line = match entries {
            0 => text!(catalogue, "audit-empty"),
            count => text!(catalogue, "audit-sound", count = count, head = head.to_string()),
        };
        writeln!(out, "{line}")?;
    }
    Ok(Exit::Completed)
}

impl List {
    async fn perform(self, store: &Store<'_>, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let last = store.inner.audit_head().await?.map_or(0, |head| head.seq);
        let first = last.saturating_sub(self.limit).saturating_add(1);
        let entries = store.inner.audit(first..=last).await?;
        if session.form() == Form::Json {
            for entry in &entries {
                out.json(entry)?;
            }
            return Ok(Exit::Completed);
        }
        let catalogue = &session.catalogue;
        let mut table = Table::with_head([
            String::from("#"),
            text!(catalogue, "column-time"),
            text!(catalogue, "column-actor"),
            text!(catalogue, "column-action"),
            text!(catalogue, "column-entity"),
        ]);
        for entry in entries {
            let note = entry.note;
            let entity = format!("{} {}", note.entity_type, note.entity_id);
            table.row([entry.seq.to_string(), clock::local(note.at), note.actor.to_string(), note.action, entity]);
        }
        table.write(out)?;
        Ok(Exit::Completed)
    }
}
