//! `bloom audit`: the log of who did what, of the store, of a server, or of a file.

mod checkpoint;
mod export;
mod list;
mod verify;

use clap::{Args, Subcommand};

use crate::failure::Exit;
use crate::output::Out;
use crate::session::Session;

#[derive(Args, Debug)]
pub(crate) struct Audit {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Export(export::Export),
    Checkpoint(checkpoint::Take),
    Verify(verify::Verify),
}

impl Audit {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            Command::List(list) => list.perform(session, out).await,
            Command::Checkpoint(take) => take.perform(session, out).await,
            Command::Export(export) => export.perform(session, out).await,
            Command::Verify(verify) => verify.perform(session, out).await,
        }
    }
}

/// The path of the log on a server.
const PATH: [&str; 3] = ["api", "v1", "audit"];
