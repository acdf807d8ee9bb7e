//! A signed statement of where the audit log stood, to be kept elsewhere: with it, that entries were cut off at the end, or that
//! the whole log was written anew, shows too.

use bloom_ir::dsse::{Envelope, EnvelopeError};
use bloom_ir::{Digest, PublicKey, SigningKey};
use serde::{Deserialize, Serialize};

use super::{AuditChain, AuditFault, AuditFaultKind};

/// The DSSE payload type of a checkpoint.
const PAYLOAD_TYPE: &str = "application/vnd.bloom.audit-checkpoint+json";

/// Where the audit log stood at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// How many entries it had.
    pub entries: u64,
    /// The hash of the last of these; of none, the digest of no bytes.
    pub head: Digest,
    /// When, in Unix milliseconds.
    pub at: i64,
}

/// Why an envelope is no checkpoint that counts.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It is no envelope, or nobody who counts signed it.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Something else was signed.
    #[error("what was signed is no checkpoint: {0}")]
    Shape(#[source] serde_json::Error),
}

impl Checkpoint {
    /// Where a chain stands.
    pub fn of(chain: &AuditChain, at: i64) -> Self {
        Self { entries: chain.seq(), head: chain.head(), at }
    }

    /// Signs it.
    pub fn sign(&self, key: &SigningKey) -> Envelope {
        let bytes = serde_json::to_vec(self).unwrap_or_else(|_| unreachable!("numbers and texts always serialise"));
        Envelope::signed(PAYLOAD_TYPE, &bytes, key)
    }

    /// What one of these keys signed, with that key.
    pub fn verified(envelope: &Envelope, keys: &[PublicKey]) -> Result<(Self, PublicKey), CheckpointError> {
        let (bytes, key) = envelope.verified(PAYLOAD_TYPE, keys)?;
        Ok((serde_json::from_slice(&bytes).map_err(CheckpointError::Shape)?, key))
    }

    /// What it says, whoever signed it.
    pub fn unverified(envelope: &Envelope) -> Result<Self, CheckpointError> {
        serde_json::from_slice(&envelope.unverified(PAYLOAD_TYPE)?).map_err(CheckpointError::Shape)
    }

    /// Whether a chain that has just taken an entry agrees with it: to be asked after each, and before the first.
    pub fn holds(&self, chain: &AuditChain) -> Result<(), AuditFault> {
        if chain.seq() != self.entries || chain.head() == self.head {
            return Ok(());
        }
        let kind = AuditFaultKind::Signed { signed: self.head, computed: chain.head() };
        Err(AuditFault { seq: self.entries, kind })
    }

    /// Whether a log that ends here has all that it had.
    pub fn ends(&self, chain: &AuditChain) -> Result<(), AuditFault> {
        if chain.seq() >= self.entries {
            return Ok(());
        }
        Err(AuditFault { seq: chain.seq().saturating_add(1), kind: AuditFaultKind::Cut { entries: self.entries } })
    }
}

#[cfg(test)]
mod tests {
    use bloom_ir::Value;

    use super::*;
    use crate::record::{Actor, AuditNote};

    fn chain(actions: &[&str]) -> AuditChain {
        let mut chain = AuditChain::default();
        for action in actions {
            let note = AuditNote::new(7, &Actor("owner".to_owned()), action, ("run", "r"));
            chain.next(AuditNote { detail: Value::Null, ..note });
        }
        chain
    }

    #[test]
    fn what_was_signed_is_read_back_and_nothing_else() {
        let key = SigningKey::from_seed(&[3; 32]);
        let checkpoint = Checkpoint::of(&chain(&["a", "b"]), 9);
        let envelope = checkpoint.sign(&key);
        assert_eq!(Checkpoint::verified(&envelope, &[key.public()]).unwrap(), (checkpoint.clone(), key.public()));
        assert_eq!(Checkpoint::unverified(&envelope).unwrap(), checkpoint);
        let stranger = SigningKey::from_seed(&[4; 32]).public();
        assert!(Checkpoint::verified(&envelope, &[stranger]).is_err());
        let other = Envelope::signed(PAYLOAD_TYPE, b"{}", &key);
        assert!(matches!(Checkpoint::verified(&other, &[key.public()]), Err(CheckpointError::Shape(_))));
    }

    #[test]
    fn a_log_that_was_cut_off_or_written_anew_shows() {
        let checkpoint = Checkpoint::of(&chain(&["a", "b"]), 9);
        let faults = |actions: &[&str]| {
            let chain = chain(actions);
            checkpoint.holds(&chain).and_then(|()| checkpoint.ends(&chain)).err().map(|fault| fault.kind)
        };
        assert_eq!(faults(&["a", "b"]), None);
        assert_eq!(faults(&["a", "b", "c"]), None);
        assert_eq!(faults(&["a"]), Some(AuditFaultKind::Cut { entries: 2 }));
        assert!(matches!(faults(&["a", "x"]), Some(AuditFaultKind::Signed { .. })));
    }
}
