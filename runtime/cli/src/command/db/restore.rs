//! `bloom db restore`: puts runs of an archive back.

use std::io::Write as _;
use std::path::PathBuf;

use bloom_runtime::clock::Clock as _;
use bloom_store::Restored;
use clap::Args;
use serde_json::json;

use super::explained;
use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
pub(super) struct Restore {
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Restore {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let store = Store::open(session)?.inner;
        let restored = store.restore(&self.file, session.clock.now(), &owner()).await;
        let Restored { contents, restored, there } =
            restored.map_err(|error| explained(error, &self.file, catalogue))?;
        match session.form() {
            Form::Json => {
                out.json(&json!({ "restored": restored, "there": there, "sha256": contents.digest }))?;
            }
            Form::Text => {
                writeln!(out, "{}", text!(catalogue, "db-restored", restored = restored, there = there))?;
            }
        }
        Ok(Exit::Completed)
    }
}
