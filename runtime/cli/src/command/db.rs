//! `bloom db`: the store of this machine as a whole.

use std::io::Write as _;

use bloom_store::Verification;
use clap::{Args, Subcommand};
use serde_json::json;

use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::{self, Store};

#[derive(Args, Debug)]
pub(crate) struct Db {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(Check),
}

impl Db {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            Command::Check(check) => check.perform(session, out).await,
        }
    }
}

#[derive(Args, Debug)]
struct Check {}

impl Check {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let verified = Store::open(session)?.inner.verify().await;
        let Verification { runs, events, audit, rows, faults, fault_count } =
            verified.map_err(|error| store::explained(error, catalogue))?;
        match session.form() {
            Form::Json => out.json(&json!({
                "runs": runs,
                "events": events,
                "audit_entries": audit,
                "rows": rows,
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
            }
        }
        if fault_count > 0 {
            let broken = Explained::failed(text!(catalogue, "db-broken", count = fault_count));
            return Err(broken.hint(text!(catalogue, "store-damaged-hint")).into());
        }
        Ok(Exit::Completed)
    }
}
