//! `artifact-read`: what runs handed out.

use bloom_tool::artifacts::{self, Artifact};
use bloom_tool::{Failure, OrFail as _};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The host takes 1 MiB of a tool; this leaves room for what stands around the content.
const MOST_BYTES: usize = 1_000_000;

/// The arguments: a name, or a digest.
#[derive(Debug, Default, Deserialize)]
pub struct Input {
    /// The artifact of this name that was handed out last.
    pub name: Option<String>,
    /// That of this run.
    pub run: Option<String>,
    /// The artifact with this digest.
    pub digest: Option<String>,
    /// How it is read.
    #[serde(default)]
    pub format: Format,
}

/// How an artifact is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As text.
    #[default]
    Text,
    /// As JSON.
    Json,
}

/// The artifact.
#[derive(Debug, PartialEq, Serialize)]
pub struct Output {
    /// Of its bytes.
    pub digest: String,
    /// What the run called it, where it was found by that.
    pub name: Option<String>,
    /// The run that handed it out, where it was found by name.
    pub run: Option<String>,
    /// What it is.
    pub content: Value,
}

/// Reads it.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn artifact_read(input: Input) -> Result<Output, Failure> {
    let Input { name, run, digest, format } = input;
    let (digest, name, run) = match (name, digest) {
        (Some(name), None) => {
            let found = match &run {
                Some(run) => artifacts::of_run(&name, run)?,
                None => artifacts::latest(&name)?,
            };
            let Artifact { digest, name, run } = found;
            (digest, Some(name), Some(run))
        }
        (None, Some(digest)) if run.is_none() => (digest, None, None),
        _ => {
            return Err(Failure::new(
                "invalid_input",
                "an artifact is read by its name, perhaps of a run, or by its digest",
            ));
        }
    };
    let bytes = artifacts::read(&digest)?;
    if bytes.len() > MOST_BYTES {
        let message = format!("the artifact has {} bytes, more than the {MOST_BYTES} that a flow takes", bytes.len());
        return Err(Failure::new("artifact_too_large", message));
    }
    let content = match format {
        Format::Text => String::from_utf8(bytes).or_fail("invalid_utf8")?.into(),
        Format::Json => serde_json::from_slice(&bytes).or_fail("invalid_json")?,
    };
    Ok(Output { digest, name, run, content })
}

#[cfg(test)]
mod tests {
    use bloom_tool::testing::Host;
    use serde_json::json;

    use super::*;

    fn read(input: Value) -> Result<Output, Failure> {
        let host = Host::new()
            .artifact("звіт", "run-1", "sha256:aa", r#"{"а": 1}"#)
            .artifact("звіт", "run-2", "sha256:bb", "Текст.")
            .artifact("binary", "run-2", "sha256:cc", [0xff])
            .artifact("long", "run-2", "sha256:dd", "x".repeat(2_000_000));
        host.run(|| artifact_read(serde_json::from_value(input).unwrap()))
    }

    #[test]
    fn the_last_artifact_of_a_name_is_read() {
        let found = read(json!({ "name": "звіт" })).unwrap();
        assert_eq!(
            (found.digest.as_str(), found.run.as_deref(), found.content),
            ("sha256:bb", Some("run-2"), json!("Текст."))
        );
        let earlier = read(json!({ "name": "звіт", "run": "run-1", "format": "json" })).unwrap();
        assert_eq!((earlier.name.as_deref(), earlier.content), (Some("звіт"), json!({ "а": 1 })));
        let digest = read(json!({ "digest": "sha256:aa" })).unwrap();
        assert_eq!((digest.name, digest.run, digest.content), (None, None, json!(r#"{"а": 1}"#)));
    }

    #[test]
    fn what_cannot_be_read_is_a_failure() {
        for (input, code) in [
            (json!({ "name": "nothing" }), "not_found"),
            (json!({ "digest": "sha256:00" }), "not_found"),
            (json!({ "name": "binary" }), "invalid_utf8"),
            (json!({ "name": "звіт", "format": "json" }), "invalid_json"),
            (json!({ "name": "long" }), "artifact_too_large"),
            (json!({}), "invalid_input"),
            (json!({ "name": "a", "digest": "b" }), "invalid_input"),
            (json!({ "run": "a", "digest": "b" }), "invalid_input"),
        ] {
            assert_eq!(read(input.clone()).unwrap_err().code, code, "{input}");
        }
    }
}
