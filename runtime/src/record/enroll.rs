//! Tokens that make a machine a node: each is good for one node, once, and for a quarter of an hour.

use std::collections::BTreeSet;

use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

use super::{Actor, AuditNote, WorkerId};

/// A token, without the secret: only its hash is kept. Secrets are long and random, so a plain hash gives nothing away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollToken {
    /// What it is called by in the audit log.
    pub id: String,
    /// The node that it is for.
    pub worker: WorkerId,
    /// The SHA-256 of the secret.
    pub hash: Digest,
    /// Who made it.
    pub created_by: Actor,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Since when it is good for nothing, in Unix milliseconds.
    pub expires_at: i64,
    /// When it was exchanged, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_at: Option<i64>,
}

impl EnrollToken {
    /// What stands in the audit log of what somebody did with it: nothing that lets anybody in.
    pub fn note(&self, at: i64, by: &Actor, action: &str) -> AuditNote {
        let detail = [("worker", Value::from(self.worker.as_str())), ("expires_at", Value::Int(self.expires_at))];
        AuditNote { detail: detail.into_iter().collect(), ..AuditNote::new(at, by, action, ("enroll_token", &self.id)) }
    }
}

/// The tokens that were made lately, and what became of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollTokens {
    /// Oldest first.
    tokens: Vec<EnrollToken>,
    /// The nodes whose agents were given a key of their own in exchange, and are to be shown that.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    agents: BTreeSet<WorkerId>,
}

/// Why a token is good for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnrollRefusal {
    /// There is none with this secret, or another took its place.
    #[error("this enroll token is not known, or another one was made for its node since")]
    Unknown,
    /// It was exchanged before.
    #[error("this enroll token was used: each is good for one installation")]
    Used,
    /// Its time is over.
    #[error("this enroll token has expired: each is good for 15 minutes")]
    Expired,
}

impl EnrollTokens {
    /// The name of the setting that they are kept under.
    pub const SETTING: &str = "enroll_tokens";

    /// What every secret begins with, so that one that got lost is known as such.
    pub const PREFIX: &str = "bet_";

    /// How long a token is good for, in milliseconds.
    pub const LIFETIME: i64 = 15 * 60 * 1000;

    /// For so long after its time, in milliseconds, it is known what a token was, so that who shows it is told.
    const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

    /// The text of a secret from random characters.
    pub fn secret(random: &str) -> String {
        format!("{}{random}", Self::PREFIX)
    }

    /// Adds a token with this secret, which is forgotten. It takes the place of one that the node was given and has not used.
    pub fn offer(&mut self, id: String, worker: WorkerId, secret: &str, by: &Actor, at: i64) -> &EnrollToken {
        let is_remembered = |token: &EnrollToken| token.expires_at.saturating_add(Self::REMEMBERED) > at;
        self.tokens.retain(|token| is_remembered(token) && (token.used_at.is_some() || token.worker != worker));
        let (hash, expires_at) = (Digest::of(secret.as_bytes()), at.saturating_add(Self::LIFETIME));
        let created_by = by.clone();
        self.tokens.push(EnrollToken { id, worker, hash, created_by, created_at: at, expires_at, used_at: None });
        &self.tokens[self.tokens.len() - 1]
    }

    /// Those that are known, oldest first.
    pub fn known(&self) -> &[EnrollToken] {
        &self.tokens
    }

    /// The token with this secret, if it is good for something now.
    pub fn find(&self, secret: &str, at: i64) -> Result<&EnrollToken, EnrollRefusal> {
        let hash = Digest::of(secret.as_bytes());
        let token = self.tokens.iter().find(|token| token.hash == hash).ok_or(EnrollRefusal::Unknown)?;
        match token.used_at {
            Some(_) => Err(EnrollRefusal::Used),
            None if token.expires_at <= at => Err(EnrollRefusal::Expired),
            None => Ok(token),
        }
    }

    /// Uses the token with this secret up. With `is_for_agent`, its node's agent has a key of its own from now on.
    pub fn take(&mut self, secret: &str, at: i64, is_for_agent: bool) -> Result<EnrollToken, EnrollRefusal> {
        let taken = EnrollToken { used_at: Some(at), ..self.find(secret, at)?.clone() };
        self.tokens.iter_mut().filter(|token| token.hash == taken.hash).for_each(|token| *token = taken.clone());
        if is_for_agent {
            self.agents.insert(taken.worker.clone());
        }
        Ok(taken)
    }

    /// Whether a node's agent was given a key of its own.
    pub fn has_own_agent_key(&self, worker: &WorkerId) -> bool {
        self.agents.contains(worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(tokens: &mut EnrollTokens, id: &str, worker: &str, at: i64) -> String {
        let secret = EnrollTokens::secret(&format!("secret of {id}"));
        tokens.offer(id.to_owned(), WorkerId::new(worker), &secret, &Actor("owner".to_owned()), at);
        secret
    }

    #[test]
    fn a_token_is_good_for_one_node_once_and_for_a_quarter_of_an_hour() {
        let mut tokens = EnrollTokens::default();
        let (first, second) = (offered(&mut tokens, "t1", "rpi", 0), offered(&mut tokens, "t2", "other", 0));
        let kept = serde_json::to_string(&tokens).unwrap();
        assert!(!kept.contains("secret of"), "{kept}");
        let mut tokens: EnrollTokens = serde_json::from_str(&kept).unwrap();
        assert_eq!(tokens.find("bet_", 1), Err(EnrollRefusal::Unknown));
        let last = EnrollTokens::LIFETIME - 1;
        assert_eq!(tokens.find(&second, last).unwrap().worker, WorkerId::new("other"));
        assert_eq!(tokens.find(&second, last + 1), Err(EnrollRefusal::Expired));
        assert_eq!(tokens.take(&second, last + 1, false), Err(EnrollRefusal::Expired));
        assert_eq!(tokens.take(&first, last, false).unwrap().worker, WorkerId::new("rpi"));
        assert_eq!(tokens.take(&first, last, true), Err(EnrollRefusal::Used));
        assert_eq!(tokens.find(&first, last + 1), Err(EnrollRefusal::Used));
        assert!(!tokens.has_own_agent_key(&WorkerId::new("rpi")), "what was refused changed nothing");
    }

    #[test]
    fn a_new_token_takes_the_place_of_the_nodes_unused_one_and_old_ones_are_forgotten() {
        let mut tokens = EnrollTokens::default();
        let lost = offered(&mut tokens, "t1", "rpi", 0);
        let used = offered(&mut tokens, "t2", "rpi", 1);
        assert_eq!(tokens.find(&lost, 2), Err(EnrollRefusal::Unknown));
        tokens.take(&used, 2, true).unwrap();
        let day = EnrollTokens::REMEMBERED;
        offered(&mut tokens, "t3", "rpi", day);
        assert_eq!(tokens.find(&used, day), Err(EnrollRefusal::Used));
        offered(&mut tokens, "t4", "other", EnrollTokens::LIFETIME + day + 1);
        assert_eq!(tokens.find(&used, day), Err(EnrollRefusal::Unknown), "it is not kept for ever");
        assert!(tokens.has_own_agent_key(&WorkerId::new("rpi")));
    }
}
