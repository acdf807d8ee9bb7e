//! `bloom fork`: another run goes on from an event of this one.

use std::sync::Arc;

use bloom_runtime::engine::Fork as Forking;
use clap::Args;

use super::run::{DriveArgs, Ready, Task};
use crate::engine;
use crate::failure::Exit;
use crate::flow::{self, CompileArgs};
use crate::keyring::Keyring;
use crate::output::Out;
use crate::session::Session;
use crate::setting::Setting;
use crate::store::{Store, owner};
use crate::{apply, report};

#[derive(Args, Debug)]
pub(crate) struct Fork {
    #[arg(value_name = "RUN")]
    run: String,
    #[arg(long, value_name = "N")]
    at: u64,
    #[arg(long, value_name = "FLOW")]
    ir: Option<String>,
    #[command(flatten)]
    driving: DriveArgs,
    #[command(flatten)]
    options: CompileArgs,
}

impl Fork {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let keyring = Keyring::of(session)?;
        let defaults = Setting::of_operator(session)?;
        let given = self.driving.setting();
        // The tools say what a diagram may call; which ones the run has is known once the store is open.
        let compiled = match &self.ir {
            Some(name) => {
                let tools = tokio::task::block_in_place(|| given.clone().or(defaults.clone()).host(session))?;
                Some(flow::find(name, &self.options, &tools, &keyring, session)?)
            }
            None => None,
        };
        let store = Store::open(session)?;
        apply::finish(&store, session).await?;
        let run = store.run(&self.run).await?;
        let setting = given.or(Setting::of(&engine::first(&run, &store).await?, &store).await?).or(defaults);
        let tools = Arc::new(tokio::task::block_in_place(|| setting.host(session))?);
        let ir = match compiled {
            Some(found) => Some(found.verified(&store, &keyring, session).await?),
            None => None,
        };
        let document = match &ir {
            Some(ir) => Some(ir.document().clone()),
            None => report::document(&store, &run).await?,
        };
        let fork = Forking { run: run.id, at: self.at, ir, by: owner(), setting: setting.to_value() };
        self.driving.drive(Ready { task: Task::Forked(fork), document, store, tools, setting }, session, out).await
    }
}
