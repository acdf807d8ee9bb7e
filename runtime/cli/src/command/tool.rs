//! `bloom tool`: what authors and operators do with tools.

mod add;
mod bench;
mod build;
mod call;
mod check;
mod diff;
mod grant;
mod granted;
mod list;
mod new;
mod pins;
mod remove;
mod report;
mod sandbox;
mod subject;
mod trouble;
mod watch;

use clap::{Args, Subcommand};

pub(crate) use self::granted::Granted;

use crate::failure::Exit;
use crate::output::Out;
use crate::session::Session;

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Tool {
    #[command(subcommand)]
    command: Option<Command>,
    /// Without a command, the tools are listed.
    #[command(flatten)]
    list: list::List,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(new::New),
    Build(build::Build),
    Check(check::Check),
    Call(call::Call),
    Watch(watch::Watch),
    Bench(bench::Bench),
    Add(add::Add),
    List(list::List),
    Diff(diff::Diff),
    Grant(grant::Grant),
    Remove(remove::Remove),
}

impl Tool {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            None => self.list.perform(session, out),
            Some(Command::New(new)) => new.perform(session, out),
            Some(Command::Build(build)) => build.perform(session, out),
            Some(Command::Check(check)) => check.perform(session, out).await,
            Some(Command::Call(call)) => call.perform(session, out).await,
            Some(Command::Watch(watch)) => watch.perform(session, out).await,
            Some(Command::Bench(bench)) => bench.perform(session, out).await,
            Some(Command::Add(add)) => add.perform(session, out).await,
            Some(Command::List(list)) => list.perform(session, out),
            Some(Command::Diff(diff)) => diff.perform(session, out).await,
            Some(Command::Grant(grant)) => grant.perform(session, out),
            Some(Command::Remove(remove)) => remove.perform(session, out).await,
        }
    }
}
