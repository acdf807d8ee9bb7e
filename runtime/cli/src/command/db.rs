//! `bloom db`: the store of this machine as a whole.

mod archive;
mod backup;
mod check;
mod compact;
mod export;
mod import;
mod restore;

use std::path::Path;

use bloom_store::{Format, RedbStore, TransferError};
use clap::{Args, Subcommand};

use crate::catalogue::{Catalogue, text};
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::session::Session;
use crate::store;

#[derive(Args, Debug)]
pub(crate) struct Db {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Check),
    Backup(backup::Backup),
    Compact(compact::Compact),
    Export(export::Export),
    Import(import::Import),
    Archive(archive::Archive),
    Restore(restore::Restore),
}

impl Db {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            Command::Check(check) => check.perform(session, out).await,
            Command::Backup(backup) => backup.perform(session, out),
            Command::Compact(compact::Compact {}) => compact::Compact::perform(session, out),
            Command::Export(export) => export.perform(session, out),
            Command::Import(import) => import.perform(session, out),
            Command::Archive(archive) => archive.perform(session, out).await,
            Command::Restore(restore) => restore.perform(session, out).await,
        }
    }
}

/// The standard input or output, in place of a file.
const STREAM: &str = "-";

/// The data directory, where there is a store to do something with.
fn data(session: &Session) -> anyhow::Result<&Path> {
    let data = session.data.path(&session.catalogue)?;
    let file = data.join(RedbStore::FILE);
    // One that cannot be looked for is told by who opens it.
    match file.try_exists() {
        Ok(false) => Err(explained(TransferError::NoStore(file), data, &session.catalogue)),
        Ok(true) | Err(_) => Ok(data),
    }
}

/// What went wrong between a store and a file.
fn explained(error: TransferError, file: &Path, catalogue: &Catalogue) -> anyhow::Error {
    let path = file.display().to_string();
    let unchanged = |message| Explained::failed(message).hint(text!(catalogue, "db-unchanged-hint")).into();
    match error {
        TransferError::Store(error) => store::explained(error, catalogue),
        TransferError::Read(error) => anyhow::Error::new(error).context(text!(catalogue, "cannot-read", path = path)),
        TransferError::Write(error) => anyhow::Error::new(error).context(text!(catalogue, "cannot-write", path = path)),
        TransferError::NoStore(path) => {
            let path = path.display().to_string();
            Explained::failed(text!(catalogue, "db-no-store", path = path))
                .hint(text!(catalogue, "db-no-store-hint"))
                .into()
        }
        TransferError::Exists(path) => {
            Explained::usage(text!(catalogue, "db-file-there", path = path.display().to_string())).into()
        }
        TransferError::Foreign => unchanged(text!(catalogue, "db-foreign", path = path)),
        TransferError::Other(Format::Archive) => Explained::failed(text!(catalogue, "db-is-archive", path = path))
            .hint(text!(catalogue, "db-is-archive-hint"))
            .into(),
        TransferError::Other(Format::Export) => Explained::failed(text!(catalogue, "db-is-export", path = path))
            .hint(text!(catalogue, "db-is-export-hint"))
            .into(),
        TransferError::Newer { line, kind, version } => {
            unchanged(text!(catalogue, "db-newer", path = path, line = line, kind = kind, version = version))
        }
        TransferError::Truncated { line } => unchanged(text!(catalogue, "db-truncated", path = path, line = line)),
        TransferError::Changed { line, what } => {
            unchanged(text!(catalogue, "db-changed", path = path, line = line, what = what))
        }
        TransferError::NotEmpty => {
            Explained::failed(text!(catalogue, "db-not-empty")).hint(text!(catalogue, "db-not-empty-hint")).into()
        }
        TransferError::Contradiction { count, first } => {
            unchanged(text!(catalogue, "db-contradiction", path = path, count = count, first = first))
        }
        TransferError::OtherRun(run) => unchanged(text!(catalogue, "db-other-run", run = run.as_str())),
        TransferError::Unfit { run, what } => unchanged(text!(catalogue, "db-unfit", run = run.as_str(), what = what)),
    }
}
