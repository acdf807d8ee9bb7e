//! The commands, one file each.

mod agent;
mod answer;
mod audit;
mod cancel;
mod check;
mod compile;
mod completions;
mod config;
mod contexts;
mod db;
mod debug;
mod explain;
mod flow;
mod fork;
mod history;
mod import;
mod keys;
pub(crate) mod owner;
mod proposals;
mod pseudocode;
mod questions;
mod rehearse;
mod render;
mod replay;
mod run;
mod runs;
mod serve;
mod service;
mod show;
mod signal;
mod tasks;
mod tool;
mod verify;
mod worker;
mod workers;

use clap::Subcommand;

pub(crate) use self::tool::Granted;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(run::Run),
    Check(check::Check),
    Compile(compile::Compile),
    Rehearse(rehearse::Rehearse),
    Render(render::Render),
    Explain(explain::Explain),
    Import(import::Import),
    Pseudocode(pseudocode::Pseudocode),
    Agent(agent::Agent),
    Verify(verify::Verify),
    Keys(keys::Keys),
    Owner(owner::Owner),
    #[command(alias = "flows")]
    Flow(flow::Flow),
    Runs(runs::Runs),
    Contexts(contexts::Contexts),
    Tasks(tasks::Tasks),
    Workers(workers::Workers),
    Serve(serve::Serve),
    Worker(worker::Worker),
    Service(service::Service),
    Show(show::Show),
    History(history::History),
    Replay(replay::Replay),
    Debug(debug::Debug),
    Fork(fork::Fork),
    Proposals(proposals::Proposals),
    Questions(questions::Questions),
    Answer(answer::Answer),
    Signal(signal::Signal),
    Cancel(cancel::Cancel),
    #[command(alias = "tools")]
    Tool(tool::Tool),
    Audit(audit::Audit),
    Db(db::Db),
    Config(config::Config),
    Completions(completions::Completions),
}

impl Command {
    /// What it logs where nothing is said.
    pub(crate) fn logs(&self) -> Option<&'static str> {
        matches!(self, Self::Serve(_) | Self::Worker(_)).then_some("info")
    }
}

/// Does what was asked.
pub(crate) fn perform(command: Command, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
    match command {
        Command::Run(run) => wait(run.perform(session, out)),
        Command::Check(check) => check.perform(session, out),
        Command::Compile(compile) => compile.perform(session, out),
        Command::Rehearse(rehearse) => rehearse.perform(session, out),
        Command::Render(render) => wait(render.perform(session, out)),
        Command::Explain(explain) => explain.perform(session, out),
        Command::Import(import) => import.perform(session, out),
        Command::Pseudocode(pseudocode) => pseudocode.perform(session, out),
        Command::Agent(agent) => agent.perform(session, out),
        Command::Verify(verify) => verify.perform(session, out),
        Command::Keys(keys) => keys.perform(session, out),
        Command::Owner(owner) => wait(owner.perform(session, out)),
        Command::Tool(tool) => wait(tool.perform(session, out)),
        Command::Completions(completions) => completions.perform(session, out),
        Command::Config(config) => config.perform(session, out),
        Command::Flow(flow) => wait(flow.perform(session, out)),
        Command::Service(service) => service.perform(session, out),
        Command::Serve(serve) => wait(serve.perform(session, out)),
        Command::Worker(worker) => wait(worker.perform(session, out)),
        Command::Runs(runs) => wait(runs.perform(session, out)),
        Command::Contexts(contexts) => wait(contexts.perform(session, out)),
        Command::Tasks(tasks) => wait(tasks.perform(session, out)),
        Command::Workers(workers) => wait(workers.perform(session, out)),
        Command::Show(show) => wait(show.perform(session, out)),
        Command::History(history) => wait(history.perform(session, out)),
        Command::Replay(replay) => wait(replay.perform(session, out)),
        Command::Debug(debug) => wait(debug.perform(session, out)),
        Command::Fork(fork) => wait(fork.perform(session, out)),
        Command::Proposals(proposals) => wait(proposals.perform(session, out)),
        Command::Questions(questions) => wait(questions.perform(session, out)),
        Command::Answer(answer) => wait(answer.perform(session, out)),
        Command::Signal(signal) => wait(signal.perform(session, out)),
        Command::Cancel(cancel) => wait(cancel.perform(session, out)),
        Command::Audit(audit) => wait(audit.perform(session, out)),
        Command::Db(db) => wait(db.perform(session, out)),
    }
}

fn wait(command: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        crate::signal::outlive_limits()?;
        command.await
    })
}
