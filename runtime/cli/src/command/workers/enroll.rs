//! `bloom workers enroll`: a token with which one machine becomes a node.

use std::io::Write as _;

use bloom_runtime::clock::{Clock as _, Ids as _};
use bloom_runtime::record::{EnrollTokens, WorkerId};
use bloom_runtime::store::Store as _;
use clap::Args;
use serde_json::json;

use crate::catalogue::text;
use crate::clock::{self, TimeOrderedIds};
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::remote::{Ask, ServerArg};
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
pub(super) struct Enroll {
    #[arg(value_name = "WORKER")]
    worker: String,
    #[command(flatten)]
    server: ServerArg,
}

const TOKENS: [&str; 3] = ["api", "v1", "enroll-tokens"];

impl Enroll {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let told = if let Some(remote) = self.server.remote(session)? {
            remote.json(Ask::post(&TOKENS, serde_json::to_vec(&json!({ "worker": self.worker }))?)).await?
        } else {
            let bad = || Explained::usage(text!(session.catalogue, "worker-bad-name", name = &self.worker));
            let worker = WorkerId::named(&self.worker).map_err(|error| anyhow::Error::new(error).context(bad()))?;
            let (store, at) = (Store::open(session)?, session.clock.now());
            let secret = EnrollTokens::secret(&TimeOrderedIds.secret());
            let mut tokens: EnrollTokens = store.setting(EnrollTokens::SETTING).await?;
            let made = tokens.offer(TimeOrderedIds.fresh(), worker, &secret, &owner(), at).clone();
            let note = made.note(at, &owner(), "enroll_token_issued");
            store.inner.put_setting(EnrollTokens::SETTING, serde_json::to_string(&tokens)?, vec![note]).await?;
            json!({ "id": made.id, "worker": made.worker, "token": secret, "expires_at": clock::iso(made.expires_at) })
        };
        match session.form() {
            Form::Json => out.json(&told)?,
            Form::Text => {
                let of = |name: &str| told[name].as_str().unwrap_or_default();
                let until = clock::told(of("expires_at"));
                writeln!(out, "{}", of("token"))?;
                writeln!(
                    out,
                    "{}",
                    text!(session.catalogue, "worker-enroll-made", worker = &self.worker, until = until)
                )?;
            }
        }
        Ok(Exit::Completed)
    }
}
