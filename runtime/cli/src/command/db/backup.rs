//! `bloom db backup`: a copy of the store's file that was looked at.

use std::io::Write as _;
use std::path::PathBuf;

use bloom_store::RedbStore;
use clap::Args;
use serde_json::json;

use super::{data, explained};
use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(super) struct Backup {
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Backup {
    pub(super) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let copied = RedbStore::backup(data(session)?, &self.file);
        let bytes = copied.map_err(|error| explained(error, &self.file, catalogue))?;
        match session.form() {
            Form::Json => out.json(&json!({ "file": self.file, "bytes": bytes }))?,
            Form::Text => {
                let path = self.file.display().to_string();
                writeln!(out, "{}", text!(catalogue, "db-backed-up", path = path, bytes = bytes))?;
            }
        }
        Ok(Exit::Completed)
    }
}
