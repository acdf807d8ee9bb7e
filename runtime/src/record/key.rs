//! Keys of workers. Each belongs to one worker, and lets its holder act for that worker and nobody else.

use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::{Actor, AuditNote, WorkerId};

/// A key of a worker, without the secret: only its hash is kept. Secrets are long and random, so a plain hash gives nothing away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerKey {
    /// What it is called by: to be revoked.
    pub id: String,
    /// Whom its holder may act for.
    pub worker: WorkerId,
    /// The SHA-256 of the secret.
    pub hash: Digest,
    /// Who made it.
    pub created_by: Actor,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Since when it lets nobody in, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<i64>,
}

impl WorkerKey {
    /// What stands in the audit log of what somebody did with it: nothing that lets anybody in.
    pub fn note(&self, at: i64, by: &Actor, action: &str) -> AuditNote {
        let detail = [("worker", Value::from(self.worker.as_str()))].into_iter().collect();
        AuditNote { detail, ..AuditNote::new(at, by, action, ("worker_key", &self.id)) }
    }
}

/// All keys of workers, those that were revoked too.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkerKeys(pub Vec<WorkerKey>);

/// Why a key was not revoked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// There is none of that id.
    #[error("there is no key {0}")]
    Unknown(String),
    /// It was revoked before.
    #[error("key {0} was revoked before")]
    Revoked(String),
}

impl WorkerKeys {
    /// The name of the setting that they are kept under.
    pub const SETTING: &str = "worker_keys";

    /// What every secret begins with, so that one that got lost is known as such.
    pub const PREFIX: &str = "bwk_";

    /// The text of a secret from random characters.
    pub fn secret(random: &str) -> String {
        format!("{}{random}", Self::PREFIX)
    }

    /// Adds a key with this secret, which is forgotten.
    pub fn issue(&mut self, id: String, worker: WorkerId, secret: &str, by: &Actor, at: i64) -> &WorkerKey {
        let hash = Digest::of(secret.as_bytes());
        self.0.push(WorkerKey { id, worker, hash, created_by: by.clone(), created_at: at, revoked_at: None });
        &self.0[self.0.len() - 1]
    }

    /// The key with this secret, unless it was revoked.
    pub fn find(&self, secret: &str) -> Option<&WorkerKey> {
        let hash = Digest::of(secret.as_bytes());
        self.0.iter().find(|key| key.hash == hash && key.revoked_at.is_none())
    }

    /// From now on, a key lets nobody in.
    pub fn revoke(&mut self, id: &str, at: i64) -> Result<&WorkerKey, KeyRefusal> {
        let key = self.0.iter_mut().find(|key| key.id == id);
        let key = key.ok_or_else(|| KeyRefusal::Unknown(id.to_owned()))?;
        if key.revoked_at.is_some() {
            return Err(KeyRefusal::Revoked(id.to_owned()));
        }
        key.revoked_at = Some(at);
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lets_in_until_it_is_revoked_and_its_secret_is_not_kept() {
        let mut keys = WorkerKeys::default();
        let (secret, by) = (WorkerKeys::secret("0123"), Actor("owner".to_owned()));
        keys.issue("k1".to_owned(), WorkerId::new("rpi"), &secret, &by, 7);
        keys.issue("k2".to_owned(), WorkerId::new("other"), &WorkerKeys::secret("4567"), &by, 8);
        assert_eq!(keys.find(&secret).unwrap().worker, WorkerId::new("rpi"));
        assert_eq!(keys.find("bwk_"), None);
        let kept = serde_json::to_string(&keys).unwrap();
        assert!(!kept.contains("0123"), "{kept}");
        let mut read: WorkerKeys = serde_json::from_str(&kept).unwrap();
        read.revoke("k1", 9).unwrap();
        assert_eq!(read.find(&secret), None);
        assert_eq!(read.revoke("k1", 10), Err(KeyRefusal::Revoked("k1".to_owned())));
        assert_eq!(read.revoke("k3", 10), Err(KeyRefusal::Unknown("k3".to_owned())));
    }
}
