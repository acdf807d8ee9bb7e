//! `write-memory`: a proposal to change what the agent remembers.

use bloom_tool::Failure;
use memory::State;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The arguments: at least one.
#[derive(Debug, Default, Deserialize)]
pub struct Input {
    /// A remark.
    pub text: Option<String>,
    /// All notes that were handled.
    pub processed_slugs: Option<Vec<String>>,
    /// Unix milliseconds.
    pub last_run: Option<i64>,
}

/// The proposal.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Proposal {
    /// `memory-update`
    pub action: &'static str,
    /// The agent's memory.
    pub target: Target,
    /// The revision that it was made against.
    pub base_revision: u64,
    /// The change.
    pub content: Content,
    /// The same for the same proposal of a later run.
    pub fingerprint: String,
}

/// The agent's memory.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Target {
    /// `memory`
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// `memory`
    pub path: &'static str,
}

/// The change.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Content {
    /// Fields that get another value.
    pub set: Set,
    /// A remark that is added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub append_note: Option<String>,
}

/// Fields that get another value.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Set {
    /// All notes that were handled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processed_slugs: Option<Vec<String>>,
    /// Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_run: Option<i64>,
}

/// Shapes the proposal.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn write_memory(input: Input) -> Result<Proposal, Failure> {
    let base_revision = State::read()?.version;
    let processed_slugs = input.processed_slugs.map(each_once);
    let fingerprint = fingerprint(base_revision, processed_slugs.as_deref(), input.text.as_deref());
    Ok(Proposal {
        action: "memory-update",
        target: Target { kind: "memory", path: "memory" },
        base_revision,
        content: Content { set: Set { processed_slugs, last_run: input.last_run }, append_note: input.text },
        fingerprint,
    })
}

fn each_once(slugs: Vec<String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::with_capacity(slugs.len());
    for slug in slugs {
        if !once.contains(&slug) {
            once.push(slug);
        }
    }
    once
}

/// Over everything but the time of the run: else every run would propose something new. The order of the slugs means
/// nothing either.
fn fingerprint(base_revision: u64, processed_slugs: Option<&[String]>, text: Option<&str>) -> String {
    let slugs = processed_slugs.map(|slugs| {
        let mut sorted: Vec<&str> = slugs.iter().map(String::as_str).collect();
        sorted.sort_unstable();
        sorted
    });
    let json = serde_json::json!([base_revision, slugs, text]).to_string();
    let hex: String = Sha256::digest(json).iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit).collect();
    format!("sha256:{hex}")
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use bloom_tool::testing::Host;
    use serde_json::json;

    use super::*;

    fn propose(input: serde_json::Value, version: u64) -> serde_json::Value {
        let state = json!({ "version": version }).to_string();
        let host = Host::new().file(memory::ROOT, "state.json", state);
        let input = serde_json::from_value(input).unwrap();
        serde_json::to_value(host.run(|| write_memory(input)).unwrap()).unwrap()
    }

    #[test]
    fn what_is_given_is_proposed_against_the_current_revision() {
        let proposal = propose(json!({ "processed_slugs": ["б", "а", "б"], "last_run": 7 }), 4);
        assert_eq!(proposal["action"], "memory-update");
        assert_eq!(proposal["target"], json!({ "type": "memory", "path": "memory" }));
        assert_eq!(proposal["base_revision"], 4);
        assert_eq!(proposal["content"], json!({ "set": { "processed_slugs": ["б", "а"], "last_run": 7 } }));
        let remark = propose(json!({ "text": "Нових нотаток немає" }), 0);
        assert_eq!(remark["content"], json!({ "set": {}, "append_note": "Нових нотаток немає" }));
    }

    #[test]
    fn the_fingerprint_knows_the_change_and_not_the_time() {
        let fingerprint = |input, version| propose(input, version)["fingerprint"].as_str().unwrap().to_owned();
        let first = fingerprint(json!({ "processed_slugs": ["а", "б"], "last_run": 1 }), 1);
        assert_eq!(first.len(), 71);
        assert_eq!(first, fingerprint(json!({ "processed_slugs": ["б", "а"], "last_run": 2 }), 1));
        for other in [
            fingerprint(json!({ "processed_slugs": ["а"], "last_run": 1 }), 1),
            fingerprint(json!({ "processed_slugs": ["а", "б"], "last_run": 1 }), 2),
            fingerprint(json!({ "processed_slugs": ["а", "б"], "text": "т" }), 1),
        ] {
            assert_ne!(first, other);
        }
    }

    #[test]
    fn a_damaged_memory_is_a_failure() {
        let host = Host::new().file(memory::ROOT, "state.json", "{");
        assert_eq!(host.run(|| write_memory(Input::default())).unwrap_err().code, "invalid_memory");
    }
}
