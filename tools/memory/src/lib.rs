//! What an agent remembers: the file `state.json` below the root `memory`, which the apply engine writes and nobody else.

use bloom_tool::{Failure, OrFail as _, files};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The root of the calling agent's own folder.
pub const ROOT: &str = "memory";

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct State {
    /// It grows by one with each change.
    #[serde(default)]
    pub version: u64,
    /// The notes that were handled.
    #[serde(default)]
    pub processed_slugs: Vec<String>,
    /// When the last run was that handled any, in Unix milliseconds.
    #[serde(default)]
    pub last_run: Option<i64>,
    /// What runs wanted to remember, oldest first.
    #[serde(default)]
    pub notes: Vec<Remark>,
}

/// What a run wanted to remember.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// When, in Unix milliseconds.
    pub at: i64,
    /// Which run.
    pub run: String,
    /// What.
    pub text: String,
}

impl State {
    /// Reads it; an agent without one remembers nothing. One that cannot be read is a failure, because to take it for
    /// nothing would let the next proposal overwrite it.
    pub fn read() -> Result<Self, Failure> {
        let Some(text) = files::read_text_if_there(ROOT, "state.json")? else { return Ok(Self::default()) };
        // By way of an object, because a list would do for a struct.
        serde_json::from_str(&text)
            .and_then(|object: Map<String, Value>| serde_json::from_value(Value::Object(object)))
            .or_fail("invalid_memory")
            .map_err(|failure| failure.about(format!("`{ROOT}/state.json`")))
    }
}

#[cfg(test)]
mod tests {
    use bloom_tool::testing::Host;

    use super::*;

    #[test]
    fn no_file_is_an_empty_memory() {
        assert_eq!(Host::new().root(ROOT).run(State::read).unwrap(), State::default());
    }

    #[test]
    fn missing_and_unknown_fields_are_no_hindrance() {
        let host = Host::new().file(ROOT, "state.json", r#"{"version": 3, "proposal": "p1"}"#);
        assert_eq!(host.run(State::read).unwrap(), State { version: 3, ..State::default() });
    }

    #[test]
    fn a_damaged_memory_is_a_failure() {
        for text in ["", "{", "[]", r#"{"version": -1}"#, r#"{"last_run": "yesterday"}"#] {
            let host = Host::new().file(ROOT, "state.json", text);
            assert_eq!(host.run(State::read).unwrap_err().code, "invalid_memory", "{text}");
        }
    }
}
