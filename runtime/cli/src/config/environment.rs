//! Settings in environment variables: `BLOOM_SERVER_LISTEN` for `server.listen`, and names that are older than this program.

use std::net::SocketAddr;

use serde_json::Value;

use super::{Config, Origin, known, nearest};
use crate::catalogue::{Catalogue, text};
use crate::failure::Explained;

/// Variables of existing installations, and what they set.
const KEPT: [(&str, [&str; 2]); 16] = [
    ("RUNTIME_API_KEY", ["server", "api_key"]),
    ("RUNTIME_API_KEY", ["client", "api_key"]),
    ("PORT", ["server", "listen"]),
    ("SESSION_SECRET", ["server", "session_secret"]),
    ("BLOOM_LOG", ["log", "filter"]),
    ("MEMBRIDGE_SERVER_URL", ["membridge", "url"]),
    ("MEMBRIDGE_ADMIN_KEY", ["membridge", "admin_key"]),
    ("MEMBRIDGE_AGENT_KEY", ["membridge", "agent_key"]),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", ["telemetry", "otlp_endpoint"]),
    ("MINIO_ENDPOINT", ["artifacts", "place"]),
    ("MINIO_ENDPOINT", ["artifacts", "endpoint"]),
    ("MINIO_PORT", ["artifacts", "port"]),
    ("MINIO_USE_SSL", ["artifacts", "tls"]),
    ("MINIO_ACCESS_KEY", ["artifacts", "access_key"]),
    ("MINIO_SECRET_KEY", ["artifacts", "secret_key"]),
    ("MINIO_ARTIFACT_BUCKET", ["artifacts", "bucket"]),
];

/// Variables of existing installations that would have to change what a server does, and cannot yet. A server that is
/// started with one of them does not start: ignoring it would lose what it is for.
pub(crate) const NOT_HONOURED: [&str; 1] = ["DATABASE_URL"];

const PREFIX: &str = "BLOOM_";

/// Sections of which the operator gives the names of what they hold: no variable sets these.
const NAMED: [&str; 3] = ["agents", "budgets", "tools"];

/// The variable that sets a key.
pub(super) fn variable(section: &str, key: &str) -> String {
    format!("{PREFIX}{}_{}", section.to_uppercase(), key.to_uppercase())
}

pub(super) fn apply(config: &mut Config, variables: &[(String, String)], catalogue: &Catalogue) -> anyhow::Result<()> {
    for (name, path) in KEPT {
        let Some((_, value)) = variables.iter().find(|(known, value)| known == name && !value.is_empty()) else {
            continue;
        };
        let value = match (name, path, value.parse::<u16>()) {
            // Where to listen, not on which address.
            ("PORT", _, Ok(port)) => SocketAddr::new(config.settings.server.listen.ip(), port).to_string(),
            // Whoever names one wants it used.
            (_, ["artifacts", "place"], _) => String::from("s3"),
            _ => value.clone(),
        };
        set(config, path, &value, name, catalogue)?;
    }
    let sections: Vec<String> =
        known::<&str>(&[]).into_iter().filter(|section| !NAMED.contains(&section.as_str())).collect();
    let keys: Vec<(String, String, String)> = sections
        .iter()
        .flat_map(|section| known(&[section]).into_iter().map(|key| (variable(section, &key), section.clone(), key)))
        .collect();
    for (name, value) in variables {
        if let Some((_, section, key)) = keys.iter().find(|(variable, ..)| variable == name) {
            set(config, [section.as_str(), key.as_str()], value, name, catalogue)?;
            continue;
        }
        // A misspelt variable would be passed over in silence.
        let is_ours = |section: &String| name.starts_with(&format!("{PREFIX}{}_", section.to_uppercase()));
        if sections.iter().any(is_ours) {
            let variables: Vec<String> = keys.iter().map(|(variable, ..)| variable.clone()).collect();
            let error = Explained::usage(text!(catalogue, "config-unknown-variable", name = name));
            return Err(match nearest(name, &variables) {
                Some(near) => error.hint(text!(catalogue, "usage-near", near = near)),
                None => error,
            }
            .into());
        }
    }
    Ok(())
}

/// A variable is a text; a key may want a number, yes or no, or a list, which is written with commas.
fn set(config: &mut Config, path: [&str; 2], value: &str, name: &str, catalogue: &Catalogue) -> anyhow::Result<()> {
    let list: Value = value.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Value::from).collect();
    let (number, truth) = (value.parse::<i64>().map(Value::from), value.parse::<bool>().map(Value::from));
    let mut refusal = Ok(());
    for meant in [Some(Value::from(value)), number.ok(), truth.ok(), Some(list)].into_iter().flatten() {
        match config.set(&path, meant, Origin::Environment(name.to_owned()), catalogue) {
            Ok(()) => return Ok(()),
            // What is said of the text itself is what a person understands.
            Err(error) => refusal = refusal.and(Err(error)),
        }
    }
    refusal
}
