//! `bloom proposals reject`.

use std::io::Write as _;

use bloom_runtime::clock::Clock as _;
use bloom_runtime::record::Verdict;
use bloom_runtime::store::{Decision, Store as _};
use clap::Args;

use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::{self, Store, owner};

#[derive(Args, Debug)]
pub(crate) struct Reject {
    #[arg(value_name = "PROPOSAL", required = true)]
    proposals: Vec<String>,
    #[arg(long, visible_alias = "reason", value_name = "TEXT")]
    note: Option<String>,
}

impl Reject {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let store = Store::open(session)?;
        for name in &self.proposals {
            let proposal = store.proposal(name).await?;
            let decision = Decision {
                proposal: proposal.id,
                verdict: Verdict::Reject,
                by: owner(),
                at: session.clock.now(),
                note: self.note.clone(),
            };
            let decided =
                store.inner.decide(decision).await.map_err(|error| store::explained(error, &session.catalogue))?;
            match session.form() {
                Form::Json => out.json(&decided)?,
                Form::Text => {
                    let (action, target) = (&decided.action, &decided.target);
                    writeln!(out, "{}", text!(session.catalogue, "rejected", action = action, target = target))?;
                }
            }
        }
        Ok(Exit::Completed)
    }
}
