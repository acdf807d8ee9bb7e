//! `bloom flow start`: a run of a published flow.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use bloom_runtime::clock::Ids as _;
use clap::Args;
use serde_json::{Value, json};

use super::super::run::Run;
use super::super::run::inputs::{self, Asked};
use crate::catalogue::text;
use crate::clock::TimeOrderedIds;
use crate::failure::Exit;
use crate::output::Out;
use crate::remote::{Ask, Remote, ServerArg};
use crate::session::{Form, Session};
use crate::store::words;

/// The longest that a server holds an answer, in seconds.
const HELD: u64 = 30;

/// How often it is looked whether a run has ended that went on in place of the one that was started.
const LOOK: Duration = Duration::from_millis(500);

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
        let mut run = loop {
            let path = ["api", "v1", "flows", id, "runs"];
            let ask = Ask::post(&path, serde_json::to_vec(&body)?).header("idempotency-key", key.as_str());
            let run = remote.json(ask.query("wait", self.wait.then_some(HELD))).await?;
            if !self.wait || run["waiting"] == true || has_ended(&run) {
                break run;
            }
        };
        // How it ended is told by the last of those that went on in its place.
        while self.wait
            && run["waiting"] != true
            && let Some(next) = run["continued_by_run_id"].as_str().map(str::to_owned)
        {
            run = loop {
                let path = ["api", "v1", "runs", next.as_str()];
                let run = remote.json(Ask::get(&path)).await?;
                if run["waiting"] == true || has_ended(&run) {
                    break run;
                }
                tokio::time::sleep(LOOK).await;
            };
        }
        tell(&run, session, out)?;
        Ok(match run["status"].as_str() {
            Some("completed" | "continued") => Exit::Completed,
            Some("failed" | "cancelled") => Exit::Failed,
            _ if self.wait => Exit::Waiting,
            _ => Exit::Completed,
        })
    }
}

fn has_ended(run: &Value) -> bool {
    !run["finished_at"].is_null()
}

fn tell(run: &Value, session: &Session, out: &mut Out) -> anyhow::Result<()> {
    if session.form_by_terminal() == Form::Json {
        out.json(run)?;
        return Ok(());
    }
    let (id, status) = (run["run_id"].as_str().unwrap_or_default(), words::of_server(run, &session.catalogue));
    writeln!(out, "{}", text!(session.catalogue, "run-there", run = id, status = status))?;
    for told in [&run["error"], &run["result"]].into_iter().filter(|told| !told.is_null()) {
        match told.as_str() {
            Some(text) => writeln!(out, "{text}")?,
            None => writeln!(out, "{told}")?,
        }
    }
    Ok(())
}
