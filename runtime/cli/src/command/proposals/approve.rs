//! `bloom proposals approve`: a person says yes; what can be applied is applied at once.

use std::io::Write as _;

use bloom_runtime::apply::{Applier, ApplyError, MEMORY_UPDATE};
use bloom_runtime::record::{Proposal, ProposalStatus, Verdict};
use bloom_runtime::store::{ProposalFilter, Store as _};
use clap::Args;

use crate::apply;
use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::host::MemoryArg;
use crate::output::Out;
use crate::session::{Form, Session};
use crate::store::{Store, owner};
use crate::telling;

#[derive(Args, Debug)]
pub(crate) struct Approve {
    #[arg(value_name = "PROPOSAL", required_unless_present = "action")]
    proposals: Vec<String>,
    #[arg(long, value_name = "ACTION", conflicts_with = "proposals")]
    action: Option<String>,
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    memory: MemoryArg,
}

impl Approve {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let store = Store::open(session)?;
        let named = self.named(&store, session).await?;
        let (count, mut failed) = (named.len(), 0_usize);
        for proposal in named {
            let applier = apply::applier(&proposal, &self.memory, &store, session).await?;
            let done = match self.approve(&proposal, &applier).await {
                Ok(done) => tell(&done, session, out),
                Err(error) => Err(apply::explained(error, session)),
            };
            match done {
                Ok(()) => {}
                Err(error) if count == 1 => return Err(error),
                // The others do not depend on it.
                Err(error) => {
                    failed += 1;
                    telling::explain(&error, session);
                }
            }
        }
        if failed == 0 {
            return Ok(Exit::Completed);
        }
        let done = count - failed;
        Err(Explained::failed(text!(session.catalogue, "approve-some", done = done, count = count)).into())
    }

    async fn named(&self, store: &Store<'_>, session: &Session) -> anyhow::Result<Vec<Proposal>> {
        let Some(action) = &self.action else {
            let mut named = Vec::new();
            for name in &self.proposals {
                named.push(store.proposal(name).await?);
            }
            return Ok(named);
        };
        let pending = ProposalFilter { run: None, status: Some(ProposalStatus::Pending), limit: usize::MAX };
        let mut named = store.inner.proposals(&pending).await?;
        // What repeats another follows the decision on that one.
        named.retain(|proposal| proposal.action == *action && proposal.duplicate_of.is_none());
        named.reverse();
        if named.is_empty() {
            return Err(Explained::failed(text!(session.catalogue, "approve-none", action = action)).into());
        }
        Ok(named)
    }

    /// Decides on it, unless that was done and only the applying is left: a crash came between, or it failed.
    async fn approve(&self, proposal: &Proposal, applier: &Applier) -> Result<Proposal, ApplyError> {
        use ProposalStatus::{Applying, Approved, AutoApproved, Failed};
        let is_decided = matches!(proposal.status, Approved | AutoApproved | Applying | Failed);
        if is_decided && proposal.action == MEMORY_UPDATE {
            applier.retry(&proposal.id, &owner()).await
        } else {
            applier.decide(&proposal.id, Verdict::Approve, &owner(), self.note.clone()).await
        }
    }
}

fn tell(proposal: &Proposal, session: &Session, out: &mut Out) -> anyhow::Result<()> {
    let catalogue = &session.catalogue;
    let (action, target) = (&proposal.action, &proposal.target);
    if proposal.status == ProposalStatus::Failed {
        return Err(failed(proposal, session));
    }
    let line = match (session.form(), proposal.status) {
        (Form::Json, _) => return Ok(out.json(proposal)?),
        (Form::Text, ProposalStatus::Applied) => text!(catalogue, "applied", action = action, target = target),
        (Form::Text, _) => text!(catalogue, "approved-waits", action = action, target = target),
    };
    writeln!(out, "{line}")?;
    Ok(())
}

fn failed(proposal: &Proposal, session: &Session) -> anyhow::Error {
    let catalogue = &session.catalogue;
    let said = |name| proposal.apply_result.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let (action, target) = (&proposal.action, &proposal.target);
    let explained = Explained::failed(text!(catalogue, "apply-failed", action = action, target = target));
    let explained = match said("reason").as_deref() {
        Some("conflict") => explained.hint(text!(catalogue, "apply-conflict-hint")),
        _ => explained,
    };
    anyhow::Error::msg(said("message").unwrap_or_default()).context(explained)
}
