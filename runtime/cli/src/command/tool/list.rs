//! `bloom tool list`: the tools that a flow may call here.

use std::collections::BTreeSet;

use bloom_ir::Digest;
use bloom_runtime::tool::ToolHost as _;
use clap::Args;
use serde::Serialize;
use serde_json::json;

use crate::catalogue::text;
use crate::failure::Exit;
use crate::host::{self, ToolArgs};
use crate::output::{Out, Table};
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    tools: ToolArgs,
}

/// How a tool came here.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Origin {
    Ships,
    /// It shipped with an earlier version, and a flow of the store pins it.
    Kept,
    Added,
}

impl List {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let shipped: BTreeSet<Digest> = bloom_wasm::embedded().map(Digest::of).collect();
        let kept = host::kept(session)?;
        let origin = |digest: Digest| match (shipped.contains(&digest), kept.has(digest)) {
            (true, _) => Origin::Ships,
            (false, true) => Origin::Kept,
            (false, false) => Origin::Added,
        };
        let tools = self.tools.host(session)?.installed();
        if session.form() == Form::Json {
            let tools: Vec<_> = tools
                .iter()
                .map(|tool| {
                    let origin = origin(tool.digest);
                    let ships = origin == Origin::Ships;
                    json!({ "digest": tool.digest, "ships": ships, "origin": origin, "manifest": tool.manifest })
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
            let origin = match origin(tool.digest) {
                Origin::Ships => text!(catalogue, "tool-origin-ships"),
                Origin::Kept => text!(catalogue, "tool-origin-kept"),
                Origin::Added => text!(catalogue, "tool-origin-added"),
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
