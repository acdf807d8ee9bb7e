//! What a call may reach.

use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::Value;
use bloom_ir::capability::ArtifactScope;

use crate::files::Root;
use crate::grant::Setting;
use crate::http;

/// What the operator granted, of what the tool asks for and the signed policy carries.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access {
    pub(crate) roots: BTreeMap<String, Root>,
    /// Roots that are folders of another machine.
    pub(crate) elsewhere: BTreeSet<String>,
    /// Those that the tool may read.
    pub(crate) settings: BTreeMap<String, Setting>,
    pub(crate) artifacts: Option<ArtifactScope>,
    pub(crate) http: http::Access,
    /// All that is secret of the tool's, whether it may read it or not.
    pub(crate) secrets: Secrets,
}

/// Texts that no record may hold, with the keys of their settings.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<(String, String)>);

impl Secrets {
    pub(crate) fn of(settings: &BTreeMap<String, Setting>) -> Self {
        let secret = |(key, setting): (&String, &Setting)| Some((key.clone(), setting.secret()?.to_owned()));
        let mut secrets: Vec<(String, String)> = settings.iter().filter_map(secret).collect();
        secrets.retain(|(_, secret)| !secret.is_empty());
        // One that holds another goes first: what would be left of it could tell the rest.
        secrets.sort_by_key(|(_, secret)| std::cmp::Reverse(secret.len()));
        Self(secrets)
    }

    /// Takes them out of a text.
    pub(crate) fn redact(&self, text: String) -> String {
        let secrets = self.0.iter();
        secrets.fold(text, |text, (_, secret)| if text.contains(secret) { text.replace(secret, "***") } else { text })
    }

    /// The key of the one that a value holds, if it does: what is recorded holds none. One that the tool disguises is not found.
    pub(crate) fn told(&self, value: &Value) -> Option<&str> {
        self.0.iter().find(|(_, secret)| holds(value, secret)).map(|(key, _)| key.as_str())
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|(key, _)| key)).finish()
    }
}

fn holds(value: &Value, secret: &str) -> bool {
    match value {
        Value::Null | Value::Bool(_) => false,
        Value::Int(_) | Value::Double(_) => value.to_bytes() == secret.as_bytes(),
        Value::String(text) => text.contains(secret),
        Value::List(items) => items.iter().any(|item| holds(item, secret)),
        Value::Map(map) => map.iter().any(|(key, value)| key.contains(secret) || holds(value, secret)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(values: &[&str]) -> Secrets {
        let keyed = values.iter().enumerate().map(|(n, value)| (format!("key{n}"), Setting::Secret((*value).into())));
        Secrets::of(&keyed.collect())
    }

    #[test]
    fn secrets_are_taken_out_of_texts() {
        assert_eq!(secrets(&["s3cret", ""]).redact("got s3cret, s3cret".into()), "got ***, ***");
        assert_eq!(secrets(&["abc", "abcdef"]).redact("abcdef".into()), "***");
    }

    #[test]
    fn public_settings_are_left_where_they_are() {
        let settings = BTreeMap::from([("language".to_owned(), Setting::Public("uk".into()))]);
        let secrets = Secrets::of(&settings);
        assert_eq!(secrets.redact("duke".into()), "duke");
        assert_eq!(secrets.told(&Value::from("uk")), None);
    }

    #[test]
    fn secrets_are_found_wherever_they_are_in_a_value() {
        let told = |secret: &str, json: &str| {
            secrets(&["", secret]).told(&serde_json::from_str(json).unwrap()).map(str::to_owned)
        };
        for (secret, json) in [
            ("s3cret", r#""Bearer s3cret""#),
            ("s3cret", r#"{ "list": [1, { "deep": "s3cret" }] }"#),
            ("s3cret", r#"{ "s3cret": null }"#),
            ("s3\"cret", r#"["s\u0033\"cret"]"#),
            ("12345678", "[12345678]"),
        ] {
            assert_eq!(told(secret, json).as_deref(), Some("key1"), "{json}");
        }
        for json in [r#"["s3cre", "t", "", null, true]"#, "[12345678]", "{}"] {
            assert_eq!(told("s3cret", json), None, "{json}");
        }
    }
}
