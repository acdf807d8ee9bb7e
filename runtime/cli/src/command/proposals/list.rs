//! `bloom proposals list`.

use std::io::Write as _;

use bloom_runtime::record::ProposalStatus;
use bloom_runtime::store::{ProposalFilter, Store as _};
use clap::Args;

use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::Out;
use crate::report;
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct List {
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    #[arg(long)]
    all: bool,
}

impl List {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let store = Store::open(session)?;
        let run = match &self.run {
            Some(run) => Some(store.run(run).await?.id),
            None => None,
        };
        let status = (!self.all).then_some(ProposalStatus::Pending);
        let mut proposals = store.inner.proposals(&ProposalFilter { run, status, limit: usize::MAX }).await?;
        proposals.reverse();
        match session.form() {
            Form::Json => out.json(&proposals)?,
            Form::Text => {
                let count = proposals.len();
                if !self.all {
                    // Decided with the one that they repeat.
                    proposals.retain(|proposal| proposal.duplicate_of.is_none());
                }
                report::proposals(out, &proposals, &session.catalogue)?;
                let hidden = count - proposals.len();
                if hidden > 0 {
                    writeln!(out, "{}", text!(session.catalogue, "proposals-hidden", count = hidden))?;
                }
            }
        }
        Ok(Exit::Completed)
    }
}
