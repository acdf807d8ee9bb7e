//! The audit log: a hash chain of who did what.

use std::fmt;

use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::{ContextId, RunId};

/// Who did something: `owner`, `operator:ann`, `run:<id>`, `worker:<id>`, `system`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Actor(pub String);

impl fmt::Display for Actor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What is written to the audit log; the store adds number and chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditNote {
    /// Unix milliseconds.
    pub at: i64,
    /// Who.
    pub actor: Actor,
    /// What, in `snake_case`: `run_started`, `task_leased`, `proposal_approved`.
    pub action: String,
    /// Of what kind of record.
    pub entity_type: String,
    /// Which one.
    pub entity_id: String,
    /// The run it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// The execution context it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_id: Option<String>,
    /// The epoch of the lease it was done under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// More.
    pub detail: Value,
}

impl AuditNote {
    /// What a run did, or what was done to it.
    pub fn of_run<const N: usize>(
        at: i64,
        by: &Actor,
        action: &str,
        (run, context): (&RunId, &ContextId),
        detail: [(&str, Value); N],
    ) -> Self {
        Self {
            job_id: Some(run.to_string()),
            context_id: Some(context.to_string()),
            detail: detail.into_iter().collect(),
            ..Self::new(at, by, action, ("run", run.as_str()))
        }
    }

    /// An action on a record, by its kind and id, with nothing more to say.
    pub fn new(at: i64, by: &Actor, action: &str, of: (&str, &str)) -> Self {
        Self {
            at,
            actor: by.clone(),
            action: action.to_owned(),
            entity_type: of.0.to_owned(),
            entity_id: of.1.to_owned(),
            job_id: None,
            context_id: None,
            epoch: None,
            detail: Value::empty_map(),
        }
    }
}

/// An entry of the audit log. [`AuditChain::next`] makes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub seq: u64,
    /// The hash of the entry before; of the first one, the digest of no bytes.
    pub prev: Digest,
    /// What was written.
    #[serde(flatten)]
    pub note: AuditNote,
    /// The SHA-256 of this entry's compact JSON without `hash`, keys in UTF-8 order.
    pub hash: Digest,
}

/// The end of the audit log: what the next entry is linked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditChain {
    seq: u64,
    head: Digest,
}

/// The start of the log.
impl Default for AuditChain {
    fn default() -> Self {
        Self { seq: 0, head: Digest::of(b"") }
    }
}

impl AuditChain {
    /// The chain that ends with this entry, which is taken as it is.
    pub fn after(entry: &AuditEntry) -> Self {
        Self { seq: entry.seq, head: entry.hash }
    }

    /// The number of the last entry; 0 when there is none.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The hash of the last entry; the digest of no bytes when there is none.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// Makes the next entry, and moves on to it.
    pub fn next(&mut self, note: AuditNote) -> AuditEntry {
        let mut entry = AuditEntry { seq: self.seq.saturating_add(1), prev: self.head, note, hash: self.head };
        entry.hash = hash(&entry);
        *self = Self::after(&entry);
        entry
    }

    /// Checks that the entry is the next one, and moves on to it; on an error it stays where it is.
    pub fn accept(&mut self, entry: &AuditEntry) -> Result<(), AuditFault> {
        let seq = self.seq.saturating_add(1);
        let fault = if entry.seq != seq {
            AuditFaultKind::Sequence { found: entry.seq }
        } else if entry.prev != self.head {
            AuditFaultKind::Previous { recorded: entry.prev, computed: self.head }
        } else if entry.hash != hash(entry) {
            AuditFaultKind::Changed
        } else {
            *self = Self::after(entry);
            return Ok(());
        };
        Err(AuditFault { seq, kind: fault })
    }
}

fn hash(entry: &AuditEntry) -> Digest {
    let bytes = serde_json::to_value(entry).and_then(|mut json| {
        if let Some(members) = json.as_object_mut() {
            members.remove("hash");
        }
        serde_json::to_vec(&json)
    });
    Digest::of(&bytes.unwrap_or_else(|_| unreachable!("string keys and finite numbers always serialise")))
}

/// The first entry of an audit log that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("audit entry {seq}: {kind}")]
pub struct AuditFault {
    /// The number that was due.
    pub seq: u64,
    /// What is wrong with it.
    pub kind: AuditFaultKind,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFaultKind {
    /// Entries are missing, repeated or out of order.
    #[error("its number is {found}: entries are missing, repeated or out of order")]
    Sequence {
        /// What stands there.
        found: u64,
    },
    /// It is not there, but later ones are.
    #[error("it is missing")]
    Missing,
    /// The entry before it was changed, or it does not belong here.
    #[error("it follows an entry with hash {recorded}, but the one before it has {computed}")]
    Previous {
        /// What the entry says.
        recorded: Digest,
        /// The hash of the entry before it.
        computed: Digest,
    },
    /// It was changed.
    #[error("it was changed: its hash does not fit")]
    Changed,
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
    /// Another log was signed.
    #[error("its hash is {computed}, but {signed} was signed")]
    Signed {
        /// What was signed.
        signed: Digest,
        /// What stands there.
        computed: Digest,
    },
    /// There were more entries.
    #[error("it is missing: the log had {entries} entries when it was signed")]
    Cut {
        /// How many.
        entries: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(actions: &[&str]) -> Vec<AuditEntry> {
        let mut chain = AuditChain::default();
        let note = |action: &str| AuditNote {
            at: 1_700_000_000_000,
            actor: Actor("owner".to_owned()),
            action: action.to_owned(),
            entity_type: "run".to_owned(),
            entity_id: "r1".to_owned(),
            job_id: Some("r1".to_owned()),
            context_id: None,
            epoch: Some(3),
            detail: [("ціна", Value::Double(0.5)), ("a", Value::Int(i64::MIN))].into_iter().collect(),
        };
        actions.iter().map(|action| chain.next(note(action))).collect()
    }

    fn verify(entries: &[AuditEntry]) -> Result<AuditChain, AuditFault> {
        let mut chain = AuditChain::default();
        entries.iter().try_for_each(|entry| chain.accept(entry))?;
        Ok(chain)
    }

    #[test]
    fn log_read_back_verifies() {
        let entries = log(&["a", "b", "c"]);
        let text = serde_json::to_string(&entries).unwrap();
        let read: Vec<AuditEntry> = serde_json::from_str(&text).unwrap();
        assert_eq!(verify(&read), Ok(AuditChain::after(&entries[2])));
    }

    #[test]
    fn changed_note_is_found() {
        let mut entries = log(&["a", "b", "c"]);
        entries[1].note.action = "x".to_owned();
        assert_eq!(verify(&entries), Err(AuditFault { seq: 2, kind: AuditFaultKind::Changed }));
        // With a hash that fits, the next entry gives it away.
        entries[1].hash = hash(&entries[1]);
        let fault = verify(&entries).unwrap_err();
        assert_eq!(fault.seq, 3);
        assert!(matches!(fault.kind, AuditFaultKind::Previous { .. }), "{fault}");
    }

    #[test]
    fn removed_entry_is_found() {
        let mut entries = log(&["a", "b", "c"]);
        entries.remove(1);
        assert_eq!(verify(&entries), Err(AuditFault { seq: 2, kind: AuditFaultKind::Sequence { found: 3 } }));
    }
}
