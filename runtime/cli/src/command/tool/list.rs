//! `bloom tool list`: the tools that a flow may call here.

use std::collections::BTreeSet;

use bloom_ir::Digest;
use bloom_runtime::tool::ToolHost as _;
use clap::Args;
use serde_json::json;

use crate::catalogue::text;
use crate::failure::Exit;
use crate::host::ToolArgs;
use crate::output::{Out, Table};
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    tools: ToolArgs,
}

impl List {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let shipped: BTreeSet<Digest> = bloom_wasm::embedded().map(Digest::of).collect();
        let tools = self.tools.host(session)?.installed();
        if session.form() == Form::Json {
            let tools: Vec<_> = tools
                .iter()
                .map(|tool| {
                    let ships = shipped.contains(&tool.digest);
                    json!({ "digest": tool.digest, "ships": ships, "manifest": tool.manifest })
                })
                .collect();
            out.json(&tools)?;
            return Ok(Exit::Completed);
        }
        let mut table = Table::with_head([
            text!(catalogue, "column-tool"),
            text!(catalogue, "column-origin"),
            text!(catalogue, "column-effect"),
            text!(catalogue, "column-capabilities"),
            text!(catalogue, "column-description"),
        ]);
        for tool in tools {
            let origin = if shipped.contains(&tool.digest) {
                text!(catalogue, "tool-origin-ships")
            } else {
                text!(catalogue, "tool-origin-added")
            };
            let manifest = tool.manifest;
            let effect = serde_json::to_value(manifest.effect)?;
            table.row([
                format!("{} {}", manifest.name, manifest.version),
                origin,
                effect.as_str().unwrap_or_default().to_owned(),
                manifest.capabilities.join(", "),
                manifest.description,
            ]);
        }
        table.write(out)?;
        Ok(Exit::Completed)
    }
}
