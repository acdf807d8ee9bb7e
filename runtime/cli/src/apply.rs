//! Applying what was approved, to the memory folder of the run that proposed it.

use std::io::Write as _;
use std::sync::Arc;

use bloom_runtime::apply::{Applier, ApplyError, MEMORY_UPDATE};
use bloom_runtime::record::{Actor, Proposal, ProposalStatus};
use bloom_runtime::store::{ProposalFilter, Store as _};

use crate::catalogue::text;
use crate::host::MemoryArg;
use crate::output;
use crate::session::Session;
use crate::setting::Setting;
use crate::store::{self, Store};

/// What applies a proposal: to the folder that was named, else to that of its run.
pub(crate) async fn applier(
    proposal: &Proposal,
    memory: &MemoryArg,
    store: &Store<'_>,
    session: &Session,
) -> anyhow::Result<Applier> {
    let folder = memory.folder(&Setting::of_run(&proposal.run, store).await?, session)?;
    Ok(Applier::new(store.inner.clone(), Arc::new(session.clock), folder))
}

/// Finishes what a crash left between a decision and its change.
pub(crate) async fn finish(store: &Store<'_>, session: &Session) -> anyhow::Result<()> {
    for status in [ProposalStatus::Applying, ProposalStatus::Approved, ProposalStatus::AutoApproved] {
        let filter = ProposalFilter { run: None, status: Some(status), limit: usize::MAX };
        // Oldest first, as they were decided.
        for proposal in store.inner.proposals(&filter).await?.into_iter().rev() {
            if proposal.action != MEMORY_UPDATE {
                continue;
            }
            let applier = applier(&proposal, &MemoryArg::default(), store, session).await?;
            let system = Actor(String::from("system"));
            let done = applier.retry(&proposal.id, &system).await.map_err(|error| explained(error, session))?;
            if done.status == ProposalStatus::Applied {
                let line = text!(session.catalogue, "apply-finished", action = &done.action, target = &done.target);
                // Nobody is left to tell where it cannot be written.
                let _ = writeln!(output::stderr(), "{line}");
            }
        }
    }
    Ok(())
}

pub(crate) fn explained(error: ApplyError, session: &Session) -> anyhow::Error {
    match error {
        ApplyError::Store(error) => store::explained(error, &session.catalogue),
        error @ ApplyError::Interrupted(_) => error.into(),
    }
}
