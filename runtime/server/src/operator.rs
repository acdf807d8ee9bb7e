//! Sessions of whoever has the server's key, for browsers: the key is given once, and the browser keeps a token in its place.
//!
//! A session reaches what the key reaches, and bears nobody's name. It ends after a day, by logging out, and with the key: the
//! hash that is kept is one of the token and the key together.

use bloom_ir::Digest;
use bloom_runtime::record::{Actor, AuditNote};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::owner::{self, SESSION, Session};

/// There are no more sessions than these; a further one ends the oldest.
const MOST_SESSIONS: usize = 64;

/// All sessions, by the order in which they were opened.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KeySessions(Vec<Session>);

impl KeySessions {
    /// The name of the setting that they are kept under.
    pub(crate) const SETTING: &str = "key_sessions";

    /// What every token begins with, so that one that got lost is known as such.
    pub(crate) const PREFIX: &str = "bks_";

    /// Opens a session.
    pub(crate) fn open(&mut self, hash: Digest, at: i64) -> (Session, AuditNote) {
        let lasts = i64::try_from(SESSION.as_millis()).unwrap_or(i64::MAX);
        let session = Session { hash, opened_at: at, expires_at: at.saturating_add(lasts) };
        self.0.retain(|session| session.expires_at > at);
        let excess = (self.0.len() + 1).saturating_sub(MOST_SESSIONS);
        self.0.drain(..excess);
        self.0.push(session);
        (session, note(at, "session_opened"))
    }

    /// Ends a session; `None` where there is none.
    pub(crate) fn close(&mut self, hash: Digest, at: i64) -> Option<AuditNote> {
        let place = self.0.iter().position(|session| session.hash == hash)?;
        self.0.remove(place);
        Some(note(at, "session_closed"))
    }

    /// A session that was opened, also where it is over. It is found by the hash, so how long that takes tells nothing of any
    /// token.
    pub(crate) fn find(&self, hash: Digest) -> Option<Session> {
        self.0.iter().find(|session| session.hash == hash).copied()
    }

    /// How many are open.
    pub(crate) fn open_at(&self, now: i64) -> usize {
        self.0.iter().filter(|session| session.expires_at > now).count()
    }
}

/// The hash of a session's token: another key, or another secret of the server, gives another one.
pub(crate) fn hashed(token: &str, key: &SecretString, secret: Option<&SecretString>) -> Digest {
    owner::hashed(&owner::hashed(token, Some(key)).hex(), secret)
}

fn note(at: i64, action: &str) -> AuditNote {
    AuditNote::new(at, &Actor(String::from("operator")), action, ("operator", "key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_with_the_key_and_the_oldest_with_one_too_many() {
        let (mut sessions, key) = (KeySessions::default(), SecretString::from("a key"));
        let hash = |token: &str| hashed(token, &key, None);
        assert_ne!(hash("bks_0"), hashed("bks_0", &"another key".into(), None));
        assert_ne!(hash("bks_0"), hashed("bks_0", &key, Some(&"a secret".into())));
        for number in 0..=MOST_SESSIONS {
            sessions.open(hash(&format!("bks_{number}")), 5);
        }
        assert_eq!(sessions.find(hash("bks_0")), None);
        let day = i64::try_from(SESSION.as_millis()).unwrap();
        assert_eq!(sessions.find(hash("bks_1")).unwrap().expires_at, 5 + day);
        assert!(sessions.close(hash("bks_1"), 6).is_some() && sessions.close(hash("bks_1"), 6).is_none());
        assert_eq!((sessions.open_at(5 + day - 1), sessions.open_at(5 + day)), (MOST_SESSIONS - 1, 0));
        sessions.open(hash("bks_1"), 5 + day);
        assert_eq!(sessions.0.len(), 1, "those that are over are forgotten");
    }
}
