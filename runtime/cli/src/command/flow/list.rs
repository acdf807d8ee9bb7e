//! `bloom flow list`: the flows of the store, or those of a server, each in its newest version.

use bloom_runtime::store::Store as _;
use clap::Args;
use serde_json::Value;

use crate::catalogue::text;
use crate::clock;
use crate::failure::Exit;
use crate::output::{Out, Table};
use crate::remote::{Ask, ServerArg};
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(super) struct List {
    #[command(flatten)]
    server: ServerArg,
}

impl List {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let mut table = Table::with_head([
            text!(catalogue, "column-flow"),
            text!(catalogue, "column-title"),
            text!(catalogue, "column-stored"),
            text!(catalogue, "column-hash"),
        ]);
        let json = if let Some(remote) = self.server.remote(session)? {
            let mut answer = remote.json(Ask::get(&["api", "v1", "flows"])).await?;
            let flows = answer["flows"].take();
            for flow in flows.as_array().into_iter().flatten() {
                let of = |name: &str| flow[name].as_str().unwrap_or_default();
                let name = format!("{}@{}", of("id"), of("version"));
                table.row([name, of("title").to_owned(), clock::told(of("published_at")), of("hash").to_owned()]);
            }
            flows
        } else {
            let flows = Store::open(session)?.inner.flows().await?;
            for flow in &flows {
                let name = format!("{}@{}", flow.id, flow.version);
                table.row([name, flow.title.clone(), clock::local(flow.stored_at), flow.hash.to_string()]);
            }
            flows.iter().map(serde_json::to_value).collect::<Result<Value, _>>()?
        };
        match session.form() {
            Form::Json => out.json(&json)?,
            Form::Text => table.write(out)?,
        }
        Ok(Exit::Completed)
    }
}
