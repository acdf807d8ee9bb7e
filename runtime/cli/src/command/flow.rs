//! `bloom flow`: flows of the store, or of a server: listed, published, started.

mod list;
mod publish;
mod start;

use clap::{Args, Subcommand};

use crate::failure::Exit;
use crate::output::Out;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Flow {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command, the flows are listed.
    #[command(flatten)]
    list: list::List,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Publish(publish::Publish),
    Start(start::Start),
}

impl Flow {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            None => self.list.perform(session, out).await,
            Some(Command::List(list)) => list.perform(session, out).await,
            Some(Command::Publish(publish)) => publish.perform(session, out).await,
            Some(Command::Start(start)) => start.perform(session, out).await,
        }
    }
}
