//! `bloom proposals`: what runs want to change, and the decision of a person.

mod approve;
mod list;
mod reject;
mod show;

use clap::{Args, Subcommand};

use crate::apply;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::Session;
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct Proposals {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Show(show::Show),
    Approve(approve::Approve),
    Reject(reject::Reject),
}

impl Proposals {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        apply::finish(&Store::open(session)?, session).await?;
        match self.command {
            Command::List(list) => list.perform(session, out).await,
            Command::Show(show) => show.perform(session, out).await,
            Command::Approve(approve) => approve.perform(session, out).await,
            Command::Reject(reject) => reject.perform(session, out).await,
        }
    }
}
