//! `bloom audit export`: the whole log as JSON Lines, to be verified elsewhere.

use std::io::Write as _;

use bloom_runtime::store::Store as _;
use clap::Args;

use super::PATH;
use crate::failure::Exit;
use crate::output::Out;
use crate::remote::{Ask, ServerArg};
use crate::session::Session;
use crate::store::Store;

/// Entries read from the store at once.
const PAGE: u64 = 500;

#[derive(Args, Debug)]
pub(super) struct Export {
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    from: u64,
    #[command(flatten)]
    server: ServerArg,
}

impl Export {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        if let Some(remote) = self.server.remote(session)? {
            let each = |line: &[u8]| {
                out.exact(line)?;
                Ok(out.exact(b"\n")?)
            };
            remote.lines(Ask::get(&PATH).query("from", Some(self.from)), each).await?;
        } else {
            let (store, mut from) = (Store::open(session)?, self.from);
            loop {
                let entries = store.inner.audit(from..=from.saturating_add(PAGE - 1)).await?;
                for entry in &entries {
                    // Through a value, whose members are sorted, as a server writes them.
                    out.json(&serde_json::to_value(entry)?)?;
                }
                match entries.last() {
                    Some(last) if !out.is_closed() => from = last.seq.saturating_add(1),
                    _ => break,
                }
            }
        }
        out.flush()?;
        Ok(Exit::Completed)
    }
}
