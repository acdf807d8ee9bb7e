//! `bloom db export`: everything in the store as JSON Lines.

use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use bloom_runtime::clock::Clock as _;
use bloom_store::{Contents, TransferError};
use clap::Args;
use serde_json::json;

use super::{STREAM, data, explained};
use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(super) struct Export {
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
}

impl Export {
    pub(super) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let (catalogue, now) = (&session.catalogue, session.clock.now());
        data(session)?;
        let store = Store::open(session)?.inner;
        if self.file == Path::new(STREAM) {
            return match store.export(BufWriter::with_capacity(1 << 16, Exact(out)), now) {
                // Nobody reads any more.
                Err(TransferError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Completed),
                written => {
                    written.map_err(|error| explained(error, &self.file, catalogue))?;
                    out.flush()?;
                    Ok(Exit::Completed)
                }
            };
        }
        let written = store.export_to(&self.file, now);
        let Contents { records, runs, events, digest } =
            written.map_err(|error| explained(error, &self.file, catalogue))?;
        match session.form() {
            Form::Json => out.json(&json!({
                "file": self.file,
                "records": records,
                "runs": runs,
                "events": events,
                "sha256": digest,
            }))?,
            Form::Text => {
                let path = self.file.display().to_string();
                let line =
                    text!(catalogue, "db-exported", path = path, records = records, runs = runs, events = events);
                writeln!(out, "{line}")?;
            }
        }
        Ok(Exit::Completed)
    }
}

/// The standard output, for bytes as they are.
struct Exact<'a>(&'a mut Out);

impl Write for Exact<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.exact(bytes)?;
        if self.0.is_closed() { Err(ErrorKind::BrokenPipe.into()) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
