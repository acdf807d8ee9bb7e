//! `bloom flow start`: a run of a published flow.

use std::path::PathBuf;

use bloom_runtime::clock::Ids as _;
use clap::Args;
use serde_json::json;

use super::super::run::Run;
use super::super::run::inputs::{self, Asked};
use crate::clock::TimeOrderedIds;
use crate::failure::Exit;
use crate::output::Out;
use crate::remote::{Ask, Remote, ServerArg};
use crate::session::Session;
use crate::there;

#[derive(Args, Debug)]
pub(super) struct Start {
    #[arg(value_name = "FLOW")]
    flow: String,
    #[arg(long, value_name = "NAME=VALUE")]
    input: Vec<String>,
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    server: ServerArg,
    #[arg(long, value_name = "KEY", requires = "server")]
    idempotency_key: Option<String>,
}

impl Start {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.server.remote(session)? {
            Some(remote) => self.there(&remote, session, out).await,
            None => Run::stored(self.flow, self.input, self.inputs, self.wait).perform(session, out).await,
        }
    }

    async fn there(self, remote: &Remote<'_>, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let (id, version) = match self.flow.split_once('@') {
            Some((id, version)) => (id, Some(version)),
            None => (self.flow.as_str(), None),
        };
        let flow = remote.json(Ask::get(&["api", "v1", "flows", id])).await?;
        let asked = Asked { flow: id, schema: &flow["inputs"] };
        let inputs = inputs::read(self.inputs.as_deref(), &self.input, asked, session)?;
        let mut body = json!({ "inputs": inputs });
        if let Some(version) = version {
            body["version"] = version.into();
        }
        // With a key, the same request can be sent again: it gives the same run.
        let key = self.idempotency_key.unwrap_or_else(|| TimeOrderedIds.fresh());
        let path = ["api", "v1", "flows", id, "runs"];
        let body = serde_json::to_vec(&body)?;
        let ask = || Ask::post(&path, body.clone()).header("idempotency-key", key.as_str());
        there::started(remote, ask, self.wait, session, out).await
    }
}
