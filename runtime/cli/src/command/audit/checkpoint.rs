//! `bloom audit checkpoint`: where the log stands, signed, to be kept elsewhere.

use bloom_ir::dsse::Envelope;
use bloom_ir::{PublicKey, SigningKey};
use bloom_runtime::clock::Clock as _;
use bloom_runtime::record::{AuditChain, Checkpoint};
use bloom_runtime::store::Store as _;
use clap::Args;

use super::PATH;
use crate::failure::Exit;
use crate::keyring::Keyring;
use crate::output::Out;
use crate::remote::{Ask, Remote, ServerArg};
use crate::session::Session;
use crate::store::Store;

#[derive(Args, Debug)]
pub(super) struct Take {
    #[command(flatten)]
    server: ServerArg,
}

impl Take {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let envelope = match self.server.remote(session)? {
            Some(remote) => of_server(&remote).await?,
            None => here(&Keyring::of(session)?.auditor()?, session).await?,
        };
        out.json(&envelope)?;
        Ok(Exit::Completed)
    }
}

/// The checkpoint that a server gives.
pub(super) async fn of_server(remote: &Remote<'_>) -> anyhow::Result<Envelope> {
    let [api, v1, audit] = PATH;
    Ok(serde_json::from_value(remote.json(Ask::get(&[api, v1, audit, "checkpoint"])).await?)?)
}

async fn here(key: &SigningKey, session: &Session) -> anyhow::Result<Envelope> {
    let head = Store::open(session)?.inner.audit_head().await?;
    let chain = head.as_ref().map_or_else(AuditChain::default, AuditChain::after);
    Ok(Checkpoint::of(&chain, session.clock.now()).sign(key))
}

/// A checkpoint, and whose it is, as far as that was verified.
pub(super) struct Signed {
    pub(super) checkpoint: Checkpoint,
    pub(super) key: Option<PublicKey>,
}
