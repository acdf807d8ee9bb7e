//! Whom a runtime trusts: keys with roles and expiry, and policies by flow.

use serde::{Deserialize, Serialize};

use crate::keys::PublicKey;

/// The keys that a runtime or a worker trusts, and what it asks of whose signatures. Written as JSON.
///
/// At least one good signature of a trusted key is always asked for; every policy whose pattern fits the flow's id asks
/// for more. So adding a policy only ever tightens.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustList {
    /// The trusted keys.
    #[serde(default)]
    pub keys: Vec<TrustedKey>,
    /// What flows need beyond one signature.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<TrustPolicy>,
    /// Keys whose signatures count no more. They stay listed, so that what ran under them can still be replayed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distrusted: Vec<DistrustedKey>,
}

/// A trusted key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// For people.
    pub name: String,
    /// The key.
    pub key: PublicKey,
    /// What it may vouch as: `author`, `reviewer`, `server`, or any other word that a policy names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Unix milliseconds from which on its signatures start no run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// What flows need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustPolicy {
    /// Which flows: a flow id in which `*` stands for any text, also none.
    pub flow: String,
    /// The roles that count; none: every trusted key does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// How many different keys with one of these roles must have signed.
    pub signatures: u32,
}

/// A key that is trusted no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DistrustedKey {
    /// For people.
    pub name: String,
    /// The key.
    pub key: PublicKey,
}

impl TrustList {
    /// Trusts one key, without a role and for ever: for development and tests.
    pub fn of(name: impl Into<String>, key: PublicKey) -> Self {
        Self {
            keys: vec![TrustedKey { name: name.into(), key, roles: Vec::new(), expires_at: None }],
            ..Self::default()
        }
    }
}

impl TrustPolicy {
    /// Whether it asks something of this flow.
    pub fn concerns(&self, flow: &str) -> bool {
        matches(&self.flow, flow)
    }
}

/// Greedy matching with one place to fall back to: linear in `text` times the pattern's longest piece.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = rest.split('*').collect();
    let last = pieces.pop().unwrap_or_default();
    for piece in pieces {
        let Some((_, after)) = text.split_once(piece) else { return false };
        text = after;
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("archivist", "archivist", true),
            ("archivist", "archivist-2", false),
            ("*", "", true),
            ("*", "archivist", true),
            ("arch*", "archivist", true),
            ("*ist", "archivist", true),
            ("a*v*t", "archivist", true),
            ("a*v*x", "archivist", false),
            ("ab*ba", "aba", false),
            ("a**t", "archivist", true),
            ("a*ist*ist", "archivist", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_trust_list_is_json() {
        let text = r#"{"keys":[{"name":"Анна","key":"ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=","roles":["author"],"expires_at":1900000000000}],"policies":[{"flow":"pay-*","roles":["reviewer"],"signatures":2}]}"#;
        let list: TrustList = serde_json::from_str(text).unwrap();
        assert_eq!(list.policies[0].signatures, 2);
        assert_eq!(serde_json::to_string(&list).unwrap(), text);
        assert!(serde_json::from_str::<TrustList>(r#"{"keys":[],"role":1}"#).is_err(), "unknown members are refused");
    }
}
