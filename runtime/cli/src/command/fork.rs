//! `bloom fork`: another run goes on from an event of this one.

use std::sync::Arc;

use bloom_runtime::clock::Ids as _;
use bloom_runtime::engine::Fork as Forking;
use clap::Args;
use serde_json::json;

use super::run::{DriveArgs, Ready, Task};
use crate::clock::TimeOrderedIds;
use crate::engine;
use crate::failure::Exit;
use crate::flow::{self, CompileArgs};
use crate::keyring::Keyring;
use crate::output::Out;
use crate::remote::{Ask, Remote, ServerArg};
use crate::session::Session;
use crate::setting::Setting;
use crate::store::{Store, owner};
use crate::{apply, report, there};

/// What says how a run is driven and a flow compiled here; a server's operator says it there.
const HERE: [&str; 12] = [
    "llm",
    "tools",
    "notes",
    "context",
    "flows",
    "memory",
    "progress",
    "id",
    "flow_version",
    "limit",
    "prose",
    "opaque",
];

#[derive(Args, Debug)]
#[command(mut_arg("server", |server| server.conflicts_with_all(HERE)))]
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
    #[command(flatten)]
    server: ServerArg,
    #[arg(long, value_name = "KEY", requires = "server")]
    idempotency_key: Option<String>,
}

impl Fork {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.server.remote(session)? {
            Some(remote) => self.there(&remote, session, out).await,
            None => self.here(session, out).await,
        }
    }

    async fn there(self, remote: &Remote<'_>, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let mut body = json!({ "at": self.at });
        if let Some(flow) = &self.ir {
            // The flow is the run's own: what is said of it is its version.
            body["version"] = flow.split_once('@').map_or(flow.as_str(), |(_, version)| version).into();
        }
        let (body, key) = (serde_json::to_vec(&body)?, self.idempotency_key.unwrap_or_else(|| TimeOrderedIds.fresh()));
        let path = ["api", "v1", "runs", self.run.as_str(), "fork"];
        let ask = || Ask::post(&path, body.clone()).header("idempotency-key", key.as_str());
        there::started(remote, ask, self.driving.waits(), session, out).await
    }

    async fn here(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
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
