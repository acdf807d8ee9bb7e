//! What was decided is done: an approved proposal changes what it is about.
//!
//! One kind is applied so far: `memory-update`, to the agent's folder in the operator's memory. Proposals of other kinds
//! stay approved, until something applies them.

mod memory;

use std::path::PathBuf;
use std::sync::Arc;

use bloom_ir::Value;

use crate::clock::Clock;
use crate::record::{Actor, Proposal, ProposalError, ProposalId, ProposalStatus, Verdict};
use crate::store::{ApplyStep, Decision, ProposalFilter, Store, StoreError};

use self::memory::{Change, write};
pub use self::memory::{MemoryError, may_name_folder};

/// The action of proposals that change an agent's memory.
pub const MEMORY_UPDATE: &str = "memory-update";

/// Decides on proposals and applies them.
pub struct Applier {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    memory: PathBuf,
    /// Held while a memory is read and written.
    writing: tokio::sync::Mutex<()>,
}

/// Why a proposal could not be decided on or applied. A change that could not be made is no error here: the proposal is
/// `failed` then, and says why.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The store failed, or refused.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writing thread was lost.
    #[error("applying was interrupted")]
    Interrupted(#[from] tokio::task::JoinError),
}

impl Applier {
    /// `memory` is the operator's memory folder, with a folder for each agent.
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>, memory: impl Into<PathBuf>) -> Self {
        Self { store, clock, memory: memory.into(), writing: tokio::sync::Mutex::default() }
    }

    /// Decides on a pending proposal, and applies it if it was approved and is of a kind that is applied. One that expired
    /// before is [`ProposalError::Expired`], and is kept as such.
    pub async fn decide(
        &self,
        id: &ProposalId,
        verdict: Verdict,
        by: &Actor,
        note: Option<String>,
    ) -> Result<Proposal, ApplyError> {
        let decision = Decision { proposal: id.clone(), verdict, by: by.clone(), at: self.clock.now(), note };
        let at = decision.at;
        let decided = match self.store.decide(decision).await {
            Err(error @ StoreError::Proposal(ProposalError::Expired { .. })) => {
                self.store.expire_proposals(at, &Actor("system".to_owned())).await?;
                return Err(error.into());
            }
            decided => decided?,
        };
        match decided.status {
            ProposalStatus::Approved => self.apply(decided, by).await,
            _ => Ok(decided),
        }
    }

    /// Applies again what failed. It fails again where the cause is still there.
    pub async fn retry(&self, id: &ProposalId, by: &Actor) -> Result<Proposal, ApplyError> {
        let missing = || StoreError::NotFound { kind: "proposal", id: id.to_string() };
        let proposal = self.store.proposal(id).await?.ok_or_else(missing)?;
        self.apply(proposal, by).await
    }

    /// Finishes what a crash left in the middle: what was approved and not begun, and what was begun. What nobody decided on
    /// in time expires. Call it at start.
    pub async fn finish(&self) -> Result<Vec<Proposal>, ApplyError> {
        let by = Actor("system".to_owned());
        self.store.expire_proposals(self.clock.now(), &by).await?;
        let mut finished = Vec::new();
        for status in [ProposalStatus::Applying, ProposalStatus::Approved, ProposalStatus::AutoApproved] {
            let filter = ProposalFilter { run: None, status: Some(status), limit: usize::MAX };
            // Oldest first, as they were decided.
            for proposal in self.store.proposals(&filter).await?.into_iter().rev() {
                if proposal.action == MEMORY_UPDATE {
                    finished.push(self.apply(proposal, &by).await?);
                }
            }
        }
        Ok(finished)
    }

    async fn apply(&self, proposal: Proposal, by: &Actor) -> Result<Proposal, ApplyError> {
        if proposal.action != MEMORY_UPDATE {
            return Ok(proposal);
        }
        let _writing = self.writing.lock().await;
        if proposal.status != ProposalStatus::Applying {
            self.step(&proposal.id, ProposalStatus::Applying, None, by).await?;
        }
        let (folder, at, change) = (self.memory.join(&proposal.agent), self.clock.now(), proposal.clone());
        let written = tokio::task::spawn_blocking(move || {
            let change = Change::of(&change, at)?;
            write(&folder, &change)
        })
        .await?;
        let (to, result) = match written {
            Ok(version) => (ProposalStatus::Applied, vec![("version", Value::Int(version))]),
            Err(error) => {
                let reason = ("reason", Value::from(error.reason()));
                (ProposalStatus::Failed, vec![reason, ("message", Value::from(error.to_string()))])
            }
        };
        self.step(&proposal.id, to, Some(result.into_iter().collect()), by).await
    }

    async fn step(
        &self,
        id: &ProposalId,
        to: ProposalStatus,
        result: Option<Value>,
        by: &Actor,
    ) -> Result<Proposal, ApplyError> {
        let step = ApplyStep { proposal: id.clone(), to, at: self.clock.now(), result, by: by.clone() };
        Ok(self.store.move_proposal(step).await?)
    }
}
