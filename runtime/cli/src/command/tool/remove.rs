//! `bloom tool remove`: takes a tool away, if no flow needs it.

use std::io::Write as _;

use anyhow::Context as _;
use bloom_ir::Digest;
use bloom_runtime::tool::ToolHost as _;
use bloom_wasm::ToolFolder;
use clap::Args;
use serde_json::json;

use super::pins;
use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::host::ToolArgs;
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct Remove {
    #[arg(value_name = "NAME[@VERSION]|DIGEST")]
    tool: String,
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    tools: ToolArgs,
}

impl Remove {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &session.catalogue;
        let folder = ToolFolder::new(self.tools.folder(session)?);
        let unreadable = || text!(catalogue, "cannot-read", path = folder.path().display().to_string());
        let there: Vec<Digest> =
            folder.list().with_context(unreadable)?.into_iter().map(|(_, digest)| digest).collect();
        let named = self.named(&there, session)?;
        let digests: Vec<Digest> = named.iter().copied().filter(|digest| there.contains(digest)).collect();
        if digests.is_empty() {
            let ships = !named.is_empty();
            let message = if ships {
                text!(catalogue, "tool-ships", tool = &self.tool)
            } else {
                text!(catalogue, "tool-unknown", tool = &self.tool)
            };
            return Err(Explained::failed(message).hint(text!(catalogue, "tool-unknown.hint")).into());
        }
        let pinned = pins::flows(&Store::open(session)?, &digests).await?;
        if !pinned.is_empty() && !self.force {
            let flows = pinned.join(", ");
            return Err(Explained::refused(text!(catalogue, "tool-pinned", tool = &self.tool, flows = flows))
                .hint(text!(catalogue, "tool-pinned.hint"))
                .into());
        }
        for digest in &digests {
            let failed = || text!(catalogue, "cannot-write", path = folder.path().display().to_string());
            let _ = folder.remove(*digest).with_context(failed)?;
        }
        if session.form() == Form::Json {
            out.json(&json!({ "removed": digests, "pinned_by": pinned }))?;
        } else {
            for digest in digests {
                writeln!(out, "{}", text!(catalogue, "tool-removed", digest = digest.to_string()))?;
            }
        }
        Ok(Exit::Completed)
    }

    /// The components that are meant, whether or not they can be removed.
    fn named(&self, there: &[Digest], session: &Session) -> anyhow::Result<Vec<Digest>> {
        /// Fewer digits say too little.
        const SHORTEST: usize = 8;
        let hex = self.tool.strip_prefix("sha256:").unwrap_or(&self.tool);
        if hex.len() >= SHORTEST && hex.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            let matching: Vec<Digest> = there.iter().copied().filter(|digest| digest.hex().starts_with(hex)).collect();
            if matching.len() < 2 {
                return Ok(matching);
            }
            return Err(Explained::usage(text!(session.catalogue, "tool-ambiguous", tool = &self.tool)).into());
        }
        let (name, version) = match self.tool.split_once('@') {
            Some((name, version)) => (name, Some(version)),
            None => (self.tool.as_str(), None),
        };
        let installed = self.tools.host(session)?.installed();
        let meant = installed.into_iter().filter(|tool| {
            tool.manifest.name == name && version.is_none_or(|version| tool.manifest.version == version)
        });
        Ok(meant.map(|tool| tool.digest).collect())
    }
}
