//! `bloom db check`: whether the store agrees with itself, and how large it is.

use std::io::Write as _;

use bloom_store::{RedbStore, Verification};
use clap::Args;
use serde_json::json;

use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::{self, Store};

#[derive(Args, Debug)]
pub(super) struct Check {}

impl Check {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let verified = Store::open(session)?.inner.verify().await;
        let Verification { runs, events, audit, rows, faults, fault_count } =
            verified.map_err(|error| store::explained(error, catalogue))?;
        let bytes = std::fs::metadata(session.data.path(catalogue)?.join(RedbStore::FILE))?.len();
        let per_event = bytes.checked_div(events);
        match session.form() {
            Form::Json => out.json(&json!({
                "runs": runs,
                "events": events,
                "audit_entries": audit,
                "rows": rows,
                "file_bytes": bytes,
                "bytes_per_event": per_event,
                "faults": faults,
                "fault_count": fault_count,
            }))?,
            Form::Text => {
                for fault in &faults {
                    writeln!(out, "{fault}")?;
                }
                if fault_count == 0 {
                    let line = text!(catalogue, "db-sound", runs = runs, events = events, entries = audit, rows = rows);
                    writeln!(out, "{line}")?;
                }
                let empty = || text!(catalogue, "db-size-empty", bytes = bytes);
                let size = per_event.map_or_else(empty, |each| text!(catalogue, "db-size", bytes = bytes, each = each));
                writeln!(out, "{size}")?;
            }
        }
        if fault_count > 0 {
            let broken = Explained::failed(text!(catalogue, "db-broken", count = fault_count));
            return Err(broken.hint(text!(catalogue, "store-damaged-hint")).into());
        }
        Ok(Exit::Completed)
    }
}
