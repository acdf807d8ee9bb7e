//! `bloom db import`: a store out of an export.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bloom_runtime::clock::Clock as _;
use bloom_store::{Contents, RedbStore, TransferError};
use clap::Args;
use serde_json::json;

use super::{STREAM, explained};
use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::owner;

#[derive(Args, Debug)]
pub(super) struct Import {
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
}

impl Import {
    pub(super) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let (catalogue, now) = (&session.catalogue, session.clock.now());
        let explained = |error| explained(error, &self.file, catalogue);
        let imported = if self.file == Path::new(STREAM) {
            RedbStore::import(session.data.create(catalogue)?, io::stdin(), now, &owner())
        } else {
            // Where it cannot be read, nothing is made.
            let file = File::open(&self.file).map_err(|error| explained(TransferError::Read(error)))?;
            RedbStore::import(session.data.create(catalogue)?, file, now, &owner())
        };
        let Contents { records, runs, events, digest } = imported.map_err(explained)?;
        match session.form() {
            Form::Json => {
                out.json(&json!({ "records": records, "runs": runs, "events": events, "sha256": digest }))?;
            }
            Form::Text => {
                let line = text!(catalogue, "db-imported", records = records, runs = runs, events = events);
                writeln!(out, "{line}")?;
            }
        }
        Ok(Exit::Completed)
    }
}
