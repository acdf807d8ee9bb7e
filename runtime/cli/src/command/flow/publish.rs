//! `bloom flow publish`: a flow that may be started by its name.

use std::io::Write as _;

use bloom_ir::{validate, verify};
use bloom_runtime::clock::Clock as _;
use clap::Args;
use serde_json::{Value, json};

use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::flow::{self, CompileArgs, Found, Signed};
use crate::host::ToolArgs;
use crate::keyring::Keyring;
use crate::output::Out;
use crate::refusal;
use crate::remote::{Ask, Remote, ServerArg};
use crate::session::{Form, Session};
use crate::store::Store;

const FLOWS: [&str; 3] = ["api", "v1", "flows"];

#[derive(Args, Debug)]
pub(super) struct Publish {
    #[arg(value_name = "FLOW")]
    flow: String,
    #[command(flatten)]
    server: ServerArg,
    #[command(flatten)]
    options: CompileArgs,
    #[command(flatten)]
    tools: ToolArgs,
}

impl Publish {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let keyring = Keyring::of(session)?;
        let host = self.tools.host(session)?;
        let found = flow::find(&self.flow, &self.options, &host, &keyring, session)?;
        let told = match self.server.remote(session)? {
            Some(remote) => there(found, &remote, session).await?,
            None => here(found, &keyring, session).await?,
        };
        match session.form() {
            Form::Json => out.json(&told)?,
            Form::Text => {
                let of = |name: &str| told[name].as_str().unwrap_or_default();
                let (id, version, hash) = (of("id"), of("version"), of("hash"));
                writeln!(
                    out,
                    "{}",
                    text!(session.catalogue, "flow-published", id = id, version = version, hash = hash)
                )?;
            }
        }
        Ok(Exit::Completed)
    }
}

async fn here(found: Found, keyring: &Keyring<'_>, session: &Session) -> anyhow::Result<Value> {
    let store = Store::open(session)?;
    let ir = found.verified(&store, keyring, session).await?;
    store.keep(&ir, session).await?;
    let flow = &ir.document().flow;
    Ok(json!({ "id": flow.id, "version": flow.version, "title": flow.title, "hash": ir.hash() }))
}

/// The flows that it calls are published before it.
async fn there(found: Found, remote: &Remote<'_>, session: &Session) -> anyhow::Result<Value> {
    let (name, flow, callees) = match found {
        Found::Document { name, flow, callees } => (name, flow, callees),
        Found::Stored(name) => {
            let missing = || Explained::usage(text!(session.catalogue, "no-such-flow", flow = &name));
            let bytes = Store::open(session)?.flow(&name).await?.ok_or_else(missing)?;
            (name, Signed { bytes, source: None }, Vec::new())
        }
    };
    // What is no document is told here, in the person's language.
    if validate::read(&flow.bytes).is_err() {
        let trust = Keyring::of(session)?.trust_list()?;
        verify(&flow.bytes, &trust, session.clock.now())
            .map_err(|error| refusal::of_document(&name, &error, session))?;
    }
    for callee in callees {
        sent(callee, remote).await?;
    }
    sent(flow, remote).await
}

/// Publishes one flow, and its diagram where there is one.
async fn sent(flow: Signed, remote: &Remote<'_>) -> anyhow::Result<Value> {
    let published = remote.json(Ask::post(&FLOWS, flow.bytes)).await?;
    let named = |name: &str| published[name].as_str();
    if let (Some(source), Some(id), Some(hash)) = (flow.source, named("id"), named("hash")) {
        let [api, v1, flows] = FLOWS;
        remote.done(Ask::upload(&[api, v1, flows, id, "versions", hash, "source"], source)).await?;
    }
    Ok(published)
}
