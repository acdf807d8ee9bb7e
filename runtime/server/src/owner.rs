//! Owners: the people who decide. Each has a name and a password, and opens sessions with them.
//!
//! All of it is one setting of the store, so a password and the sessions that it opened change in one step: whoever gets a new
//! password, or is removed, has no session any more. Of passwords and tokens only hashes are kept.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use bloom_ir::{Digest, Value};
use bloom_runtime::record::{Actor, AuditNote};
use icu_normalizer::ComposingNormalizerBorrowed;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// A session lasts so long.
pub const SESSION: Duration = Duration::from_hours(24);

/// An owner has no more sessions than these; a further one ends the oldest.
const MOST_SESSIONS: usize = 32;

/// What a person is called: 1 to 64 characters of any script, in normal form C.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnerName(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 64 characters, and no line breaks or other control characters")]
pub struct BadOwnerName;

impl OwnerName {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As whom the person stands in the audit log and in decisions.
    pub fn actor(&self) -> Actor {
        Actor(format!("owner:{}", self.0))
    }
}

impl FromStr for OwnerName {
    type Err = BadOwnerName;

    fn from_str(text: &str) -> Result<Self, BadOwnerName> {
        let name = composed(text.trim());
        let is_name = (1..=64).contains(&name.chars().count()) && !name.chars().any(char::is_control);
        if is_name { Ok(Self(name)) } else { Err(BadOwnerName) }
    }
}

impl fmt::Display for OwnerName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The same letters in the same form, however a keyboard makes them (RFC 8265 asks for normal form C).
fn composed(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text).into_owned()
}

/// What is kept of a password: its hash by Argon2id, as a PHC string.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HashedPassword(String);

/// Why a password is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// It could be guessed.
    #[error("a password has at least {} characters", HashedPassword::SHORTEST)]
    Short,
    /// Nobody types that much.
    #[error("a password has at most {} bytes", HashedPassword::LONGEST)]
    Long,
    /// It could not be hashed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
}

impl HashedPassword {
    /// Passwords have so many characters at least.
    pub const SHORTEST: usize = 12;

    /// Passwords have so many bytes at most.
    pub const LONGEST: usize = 1024;

    /// Hashes a password with the second of the recommended choices of RFC 9106 §4 but in one lane: 64 MiB, three passes. The
    /// salt is made from a text that must be random. It takes its time: call it where blocking is allowed.
    pub fn of(password: &SecretString, random: &str) -> Result<Self, PasswordError> {
        let password = SecretString::from(composed(password.expose_secret()));
        let text = password.expose_secret();
        if text.chars().count() < Self::SHORTEST {
            return Err(PasswordError::Short);
        }
        if text.len() > Self::LONGEST {
            return Err(PasswordError::Long);
        }
        let failed = |error: &dyn fmt::Display| PasswordError::Hash(error.to_string());
        let params = Params::new(64 << 10, 3, 1, None).map_err(|error| failed(&error))?;
        let salt = Digest::of(random.as_bytes()).hex();
        let salt = &salt.as_bytes()[..32];
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash: PasswordHash =
            argon.hash_password_with_salt(text.as_bytes(), salt).map_err(|error| failed(&error))?;
        Ok(Self(hash.to_string()))
    }

    /// Whether it is the hash of this password. It takes its time: call it where blocking is allowed.
    pub fn is_of(&self, password: &SecretString) -> bool {
        let password = SecretString::from(composed(password.expose_secret()));
        let text = password.expose_secret();
        text.len() <= Self::LONGEST
            && PasswordHash::new(&self.0)
                .is_ok_and(|hash| Argon2::default().verify_password(text.as_bytes(), &hash).is_ok())
    }

    /// Of no password: whoever is not known takes as long to refuse as who is.
    pub(crate) fn nobodys() -> Self {
        Self(format!("$argon2id$v=19$m=65536,t=3,p=1${}${}", "A".repeat(22), "A".repeat(43)))
    }
}

/// A person who decides.
#[derive(Clone, Serialize, Deserialize)]
pub struct Owner {
    /// What the person is called.
    pub name: OwnerName,
    password: HashedPassword,
    /// When the password was set, in Unix milliseconds.
    pub set_at: i64,
    /// Who set it.
    pub set_by: Actor,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sessions: Vec<Session>,
}

impl Owner {
    /// How many sessions are open.
    pub(crate) fn sessions_at(&self, now: i64) -> usize {
        self.sessions.iter().filter(|session| session.expires_at > now).count()
    }
}

/// A session: of an owner, or of whoever has the server's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Of the token that is shown.
    pub(crate) hash: Digest,
    /// Unix milliseconds.
    pub opened_at: i64,
    /// Unix milliseconds.
    pub expires_at: i64,
}

/// All owners.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owners(Vec<Owner>);

/// Whose session a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    Open(OwnerName, Session),
    Expired,
    Unknown,
}

impl Owners {
    /// The name of the setting that they are kept under.
    pub const SETTING: &str = "owners";

    /// What every token of a session begins with, so that one that got lost is known as such.
    pub const PREFIX: &str = "bos_";

    /// Those that there are, by the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &Owner> {
        self.0.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Sets the password of an owner, who may be new, and ends all sessions of that owner.
    pub fn set(&mut self, name: &OwnerName, password: HashedPassword, by: &Actor, at: i64) -> AuditNote {
        let owner = Owner { name: name.clone(), password, set_at: at, set_by: by.clone(), sessions: Vec::new() };
        match self.0.iter_mut().find(|owner| owner.name == *name) {
            Some(known) => *known = owner,
            None => self.0.push(owner),
        }
        note(at, by, "owner_set", name)
    }

    /// Removes an owner with all sessions; `None` where there is none of that name.
    pub fn remove(&mut self, name: &OwnerName, by: &Actor, at: i64) -> Option<AuditNote> {
        let before = self.0.len();
        self.0.retain(|owner| owner.name != *name);
        (self.0.len() < before).then(|| note(at, by, "owner_removed", name))
    }

    /// The hash of an owner's password.
    pub(crate) fn password(&self, name: &OwnerName) -> Option<&HashedPassword> {
        self.0.iter().find(|owner| owner.name == *name).map(|owner| &owner.password)
    }

    /// Opens a session of an owner whose password is still this one.
    pub(crate) fn open(
        &mut self,
        name: &OwnerName,
        password: &HashedPassword,
        hash: Digest,
        at: i64,
    ) -> Option<(Session, AuditNote)> {
        let owner = self.0.iter_mut().find(|owner| owner.name == *name && owner.password == *password)?;
        let lasts = i64::try_from(SESSION.as_millis()).unwrap_or(i64::MAX);
        let session = Session { hash, opened_at: at, expires_at: at.saturating_add(lasts) };
        owner.sessions.retain(|session| session.expires_at > at);
        let excess = (owner.sessions.len() + 1).saturating_sub(MOST_SESSIONS);
        owner.sessions.drain(..excess);
        owner.sessions.push(session);
        Some((session, session_note(at, name, "session_opened", &session)))
    }

    /// Ends a session; `None` where there is none.
    pub(crate) fn close(&mut self, hash: Digest, at: i64) -> Option<AuditNote> {
        self.0.iter_mut().find_map(|owner| {
            let place = owner.sessions.iter().position(|session| session.hash == hash)?;
            let session = owner.sessions.remove(place);
            Some(session_note(at, &owner.name, "session_closed", &session))
        })
    }

    /// Whose session it is. It is found by the hash, so how long that takes tells nothing of any token.
    pub(crate) fn find(&self, hash: Digest, now: i64) -> Found {
        let sessions = self.0.iter().flat_map(|owner| owner.sessions.iter().map(move |session| (owner, session)));
        match sessions.into_iter().find(|(_, session)| session.hash == hash) {
            Some((owner, session)) if session.expires_at > now => Found::Open(owner.name.clone(), *session),
            Some(_) => Found::Expired,
            None => Found::Unknown,
        }
    }
}

/// The hash of a session's token. With a secret of the server, tokens hold only as long as the secret is the same.
pub(crate) fn hashed(token: &str, secret: Option<&SecretString>) -> Digest {
    match secret {
        None => Digest::of(token.as_bytes()),
        // The first part has always the same length, so no two pairs give the same bytes.
        Some(secret) => {
            Digest::of(format!("{}:{token}", Digest::of(secret.expose_secret().as_bytes()).hex()).as_bytes())
        }
    }
}

fn note(at: i64, by: &Actor, action: &str, name: &OwnerName) -> AuditNote {
    AuditNote::new(at, by, action, ("owner", name.as_str()))
}

fn session_note(at: i64, name: &OwnerName, action: &str, session: &Session) -> AuditNote {
    let detail = [("expires_at", Value::Int(session.expires_at))].into_iter().collect();
    AuditNote { detail, ..note(at, &name.actor(), action, name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> OwnerName {
        text.parse().unwrap()
    }

    fn password(text: &str) -> HashedPassword {
        HashedPassword::of(&SecretString::from(text), "random").unwrap()
    }

    #[test]
    fn a_name_is_of_any_script_and_of_one_form() {
        assert_eq!(name(" Олена Їжак ").as_str(), "Олена Їжак");
        assert_eq!(name("И\u{306}осип"), name("Йосип"), "typed in two ways");
        for bad in ["", "  ", "a\nb", &"я".repeat(65)] {
            assert_eq!(bad.parse::<OwnerName>(), Err(BadOwnerName), "{bad:?}");
        }
        assert_eq!(name(&"я".repeat(64)).actor().0.chars().count(), 70);
    }

    #[test]
    fn a_password_is_kept_as_a_hash_that_knows_it_again() {
        let kept = password("пароль з їжаком");
        assert!(kept.0.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "{}", kept.0);
        assert!(kept.is_of(&"пароль з і\u{308}жаком".into()), "typed in another way");
        assert!(!kept.is_of(&"пароль з їжаком ".into()));
        assert!(!HashedPassword::nobodys().is_of(&"".into()));
        assert!(PasswordHash::new(&HashedPassword::nobodys().0).is_ok(), "it is looked at as any other");
        let other = HashedPassword::of(&"пароль з їжаком".into(), "another").unwrap();
        assert!(other != kept, "each has its own salt");
        let of = |text: &str| HashedPassword::of(&SecretString::from(text), "random").err();
        assert_eq!((of("одинадцять!"), of(&"x".repeat(1025))), (Some(PasswordError::Short), Some(PasswordError::Long)));
    }

    #[test]
    fn sessions_end_with_their_time_and_with_the_password() {
        let (mut owners, by, day) = (Owners::default(), Actor("owner".to_owned()), 86_400_000);
        let (anna, first) = (name("Анна"), HashedPassword("1".to_owned()));
        owners.set(&anna, first.clone(), &by, 1);
        let hash = hashed("bos_1", None);
        let (session, opened) = owners.open(&anna, &first, hash, 10).unwrap();
        assert_eq!((opened.actor.0.as_str(), opened.action.as_str()), ("owner:Анна", "session_opened"));
        assert_eq!(owners.find(hash, 10 + day - 1), Found::Open(anna.clone(), session));
        assert_eq!(owners.find(hash, 10 + day), Found::Expired);
        assert_eq!(owners.find(hashed("bos_2", None), 11), Found::Unknown);
        assert_ne!(hash, hashed("bos_1", Some(&"secret".into())), "another secret, another hash");
        owners.set(&anna, HashedPassword("2".to_owned()), &by, 20);
        assert_eq!(owners.find(hash, 21), Found::Unknown);
        assert!(owners.open(&anna, &first, hash, 22).is_none(), "the password is another now");
        assert!(owners.remove(&name("Ганна"), &by, 23).is_none());
        assert!(owners.remove(&anna, &by, 23).is_some() && owners.is_empty());
    }

    #[test]
    fn an_owner_has_a_limited_number_of_sessions() {
        let (mut owners, by) = (Owners::default(), Actor("owner".to_owned()));
        let (anna, word) = (name("Анна"), HashedPassword("1".to_owned()));
        owners.set(&anna, word.clone(), &by, 1);
        let hash = |number: usize| Digest::of(number.to_string().as_bytes());
        for number in 0..=MOST_SESSIONS {
            owners.open(&anna, &word, hash(number), 2).unwrap();
        }
        assert_eq!(owners.find(hash(0), 3), Found::Unknown);
        assert!(matches!(owners.find(hash(1), 3), Found::Open(..)));
        assert!(owners.close(hash(1), 3).is_some() && owners.close(hash(1), 3).is_none());
    }
}
