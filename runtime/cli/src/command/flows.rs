//! `bloom flows`: the flows of the store.

use bloom_runtime::store::Store as _;
use clap::Args;

use crate::catalogue::text;
use crate::clock;
use crate::failure::Exit;
use crate::output::{Out, Table};
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct Flows {}

impl Flows {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let flows = Store::open(session)?.inner.flows().await?;
        if session.form() == Form::Json {
            out.json(&flows)?;
            return Ok(Exit::Completed);
        }
        let catalogue = &session.catalogue;
        let mut table = Table::with_head([
            text!(catalogue, "column-flow"),
            text!(catalogue, "column-title"),
            text!(catalogue, "column-stored"),
            text!(catalogue, "column-hash"),
        ]);
        for flow in flows {
            let name = format!("{}@{}", flow.id, flow.version);
            table.row([name, flow.title, clock::local(flow.stored_at), flow.hash.to_string()]);
        }
        table.write(out)?;
        Ok(Exit::Completed)
    }
}
