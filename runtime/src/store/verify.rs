//! Verification of the audit log, entry by entry.

use bloom_ir::Digest;

use super::{Store, StoreError};
use crate::record::{AuditChain, AuditFault, AuditFaultKind, Checkpoint};

/// What a verification of the audit log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditCheck {
    /// How many entries are as they were written, from the first on.
    pub entries: u64,
    /// The hash of the last of these: to be compared with one that was noted elsewhere.
    pub head: Digest,
    /// The first that is not, if any.
    pub fault: Option<AuditFault>,
}

/// Verifies the audit log from its first entry to its last. It finds entries that were changed, removed or put in
/// between; that the newest ones were cut off, or all of them written anew, shows only beside what was `signed` before.
pub async fn verify_audit(store: &dyn Store, signed: Option<&Checkpoint>) -> Result<AuditCheck, StoreError> {
    let last = match store.audit_head().await {
        Ok(head) => head.map_or(0, |head| head.seq),
        // Then the walk finds it.
        Err(StoreError::Damaged(_)) => u64::MAX,
        Err(error) => return Err(error),
    };
    let mut chain = AuditChain::default();
    let fault = walk(store, &mut chain, last, signed).await?;
    let fault = fault.or_else(|| signed.and_then(|signed| signed.ends(&chain).err()));
    Ok(AuditCheck { entries: chain.seq(), head: chain.head(), fault })
}

async fn walk(
    store: &dyn Store,
    chain: &mut AuditChain,
    last: u64,
    signed: Option<&Checkpoint>,
) -> Result<Option<AuditFault>, StoreError> {
    const PAGE: u64 = 1000;
    let mut page = PAGE;
    while chain.seq() < last {
        let due = chain.seq() + 1;
        let entries = match store.audit(due..=due.saturating_add(page - 1)).await {
            Ok(entries) => entries,
            Err(StoreError::Damaged(what)) if page == 1 => {
                return Ok(Some(AuditFault { seq: due, kind: AuditFaultKind::Unreadable(what) }));
            }
            // One of them is, and those before it are to be verified.
            Err(StoreError::Damaged(_)) => {
                page = 1;
                continue;
            }
            Err(error) => return Err(error),
        };
        if entries.is_empty() {
            return Ok(Some(AuditFault { seq: due, kind: AuditFaultKind::Missing }));
        }
        for entry in &entries {
            let accepted = chain.accept(entry).and_then(|()| signed.map_or(Ok(()), |signed| signed.holds(chain)));
            if let Err(fault) = accepted {
                return Ok(Some(fault));
            }
        }
    }
    Ok(None)
}
