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
use crate::store::{ApplyStep, Decision, Store, StoreError};

use self::memory::{Change, preview, write};
pub use self::memory::{MemoryError, may_name_folder};

/// The action of proposals that change an agent's memory.
pub const MEMORY_UPDATE: &str = "memory-update";

/// Decides on proposals and applies them. What was decided is done also if nobody waits for it any more.
pub struct Applier(Arc<Applying>);

struct Applying {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    memory: PathBuf,
    /// Held while a memory is read and written.
    writing: tokio::sync::Mutex<()>,
}

/// What applying a proposal would do to what stands there now.
#[derive(Debug)]
pub enum Preview {
    /// Nothing applies proposals of this kind.
    Unapplied,
    /// It would make one of the other.
    Change {
        /// What stands there now.
        before: Value,
        /// What would stand there then.
        after: Value,
    },
    /// It cannot be applied.
    Refused(MemoryError),
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
        Self(Arc::new(Applying { store, clock, memory: memory.into(), writing: tokio::sync::Mutex::default() }))
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
        let at = self.0.clock.now();
        let decision = Decision { proposal: id.clone(), verdict, by: by.clone(), at, note };
        let applying = self.0.clone();
        tokio::spawn(async move { applying.decide(decision).await }).await?
    }

    /// Applies what was approved: what failed, again, which fails again where the cause is still there; and what a crash left
    /// between the decision and the change.
    pub async fn retry(&self, id: &ProposalId, by: &Actor) -> Result<Proposal, ApplyError> {
        self.again(id, by, Against::Base).await
    }

    /// The same, also where the target was changed since the proposal was made: it is made on what is there now.
    pub async fn force(&self, id: &ProposalId, by: &Actor) -> Result<Proposal, ApplyError> {
        self.again(id, by, Against::Whatever).await
    }

    /// What applying a proposal would do now, also where it was made against another version. Nothing is changed.
    pub async fn preview(&self, proposal: &Proposal) -> Result<Preview, ApplyError> {
        if proposal.action != MEMORY_UPDATE {
            return Ok(Preview::Unapplied);
        }
        let (folder, at, proposal) = (self.0.memory.join(&proposal.agent), self.0.clock.now(), proposal.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let change = Change::of(&proposal, at)?;
            preview(&folder, &change)
        });
        Ok(match looked.await? {
            Ok((before, after)) => {
                Preview::Change { before: Value::Map(before.into()), after: Value::Map(after.into()) }
            }
            Err(error) => Preview::Refused(error),
        })
    }

    async fn again(&self, id: &ProposalId, by: &Actor, against: Against) -> Result<Proposal, ApplyError> {
        let (applying, id, by) = (self.0.clone(), id.clone(), by.clone());
        tokio::spawn(async move {
            let proposal = applying.proposal(&id).await?;
            applying.apply(proposal, &by, against).await
        })
        .await?
    }
}

/// What a change is made on.
#[derive(Clone, Copy)]
enum Against {
    /// What the proposal was made against, and nothing else.
    Base,
    /// What is there.
    Whatever,
}

impl Applying {
    async fn decide(&self, decision: Decision) -> Result<Proposal, ApplyError> {
        let (at, by) = (decision.at, decision.by.clone());
        let decided = match self.store.decide(decision).await {
            Err(error @ StoreError::Proposal(ProposalError::Expired { .. })) => {
                self.store.expire_proposals(at, &Actor("system".to_owned())).await?;
                return Err(error.into());
            }
            decided => decided?,
        };
        match decided.status {
            ProposalStatus::Approved => self.apply(decided, &by, Against::Base).await,
            _ => Ok(decided),
        }
    }

    async fn proposal(&self, id: &ProposalId) -> Result<Proposal, ApplyError> {
        let missing = || StoreError::NotFound { kind: "proposal", id: id.to_string() };
        Ok(self.store.proposal(id).await?.ok_or_else(missing)?)
    }

    /// Applies a proposal; `known` is how its caller knows it.
    async fn apply(&self, known: Proposal, by: &Actor, against: Against) -> Result<Proposal, ApplyError> {
        if known.action != MEMORY_UPDATE {
            return Ok(known);
        }
        let _writing = self.writing.lock().await;
        let proposal = self.proposal(&known.id).await?;
        if proposal.status != known.status && proposal.status != ProposalStatus::Applying {
            // Somebody else has applied it since.
            return Ok(proposal);
        }
        if proposal.status != ProposalStatus::Applying {
            self.step(&proposal.id, ProposalStatus::Applying, None, by).await?;
        }
        let (folder, at, mut change) = (self.memory.join(&proposal.agent), self.clock.now(), proposal.clone());
        if matches!(against, Against::Whatever) {
            change.base_revision = None;
        }
        let written = tokio::task::spawn_blocking(move || {
            let change = Change::of(&change, at)?;
            write(&folder, &change)
        })
        .await?;
        let (to, result) = match written {
            Ok(version) => {
                let forced = matches!(against, Against::Whatever).then_some(("forced", Value::Bool(true)));
                (ProposalStatus::Applied, [("version", Value::Int(version))].into_iter().chain(forced).collect())
            }
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
