//! `bloom db compact`: gives room that the store does not need back to the disk.

use std::io::Write as _;

use bloom_store::{Compacted, RedbStore};
use clap::Args;
use serde_json::json;

use super::{data, explained};
use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(super) struct Compact {}

impl Compact {
    pub(super) fn perform(session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let (catalogue, data) = (&session.catalogue, data(session)?);
        let compacted = RedbStore::compact(data);
        let Compacted { before, after } = compacted.map_err(|error| explained(error, data, catalogue))?;
        match session.form() {
            Form::Json => out.json(&json!({ "bytes_before": before, "bytes": after }))?,
            Form::Text => writeln!(out, "{}", text!(catalogue, "db-compacted", before = before, after = after))?,
        }
        Ok(Exit::Completed)
    }
}
