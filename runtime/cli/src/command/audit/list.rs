//! `bloom audit list`: its last entries.

use bloom_runtime::record::AuditEntry;
use bloom_runtime::store::Store as _;
use clap::Args;

use super::PATH;
use crate::catalogue::text;
use crate::clock;
use crate::failure::Exit;
use crate::output::{Out, Table};
use crate::remote::{Ask, ServerArg};
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(super) struct List {
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u64).range(1..=1000))]
    limit: u64,
    #[command(flatten)]
    server: ServerArg,
}

impl List {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let entries: Vec<AuditEntry> = if let Some(remote) = self.server.remote(session)? {
            let mut answer = remote.json(Ask::get(&PATH).query("limit", Some(self.limit))).await?;
            serde_json::from_value(answer["entries"].take())?
        } else {
            let store = Store::open(session)?;
            let last = store.inner.audit_head().await?.map_or(0, |head| head.seq);
            store.inner.audit(last.saturating_sub(self.limit).saturating_add(1)..=last).await?
        };
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
