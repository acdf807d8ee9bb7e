//! `read-memory`: what the agent remembers.

use bloom_tool::{Failure, files};
use memory::{ROOT, Remark, State};
use serde::{Deserialize, Serialize};

/// There are no arguments.
#[derive(Debug, Deserialize)]
pub struct Input {}

/// What it remembers; every field is always there.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// The memory's revision.
    pub version: u64,
    /// The notes that were handled.
    pub processed_slugs: Vec<String>,
    /// The same, as flows in Ukrainian name it.
    #[serde(rename = "оброблені_slugs")]
    pub processed_slugs_uk: Vec<String>,
    /// Unix milliseconds.
    pub last_run: Option<i64>,
    /// The same, as flows in Ukrainian name it.
    #[serde(rename = "останній_run")]
    pub last_run_uk: Option<i64>,
    /// What runs wanted to remember, oldest first.
    pub notes: Vec<Remark>,
    /// `snapshot.md`
    pub snapshot: String,
    /// `facts.md`
    pub facts: String,
    /// `open_loops.md`
    pub open_loops: String,
}

/// Reads it.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn read_memory(Input {}: Input) -> Result<Memory, Failure> {
    let text = |name| Ok::<_, Failure>(files::read_text_if_there(ROOT, name)?.unwrap_or_default());
    let State { version, processed_slugs, last_run, notes } = State::read()?;
    Ok(Memory {
        version,
        processed_slugs_uk: processed_slugs.clone(),
        processed_slugs,
        last_run,
        last_run_uk: last_run,
        notes,
        snapshot: text("snapshot.md")?,
        facts: text("facts.md")?,
        open_loops: text("open_loops.md")?,
    })
}

#[cfg(test)]
mod tests {
    use bloom_tool::testing::Host;

    use super::*;

    #[test]
    fn an_agent_that_remembers_nothing_has_every_field() {
        let memory = Host::new().root(ROOT).run(|| read_memory(Input {})).unwrap();
        assert_eq!((memory.version, memory.last_run, memory.last_run_uk), (0, None, None));
        assert!(memory.processed_slugs.is_empty() && memory.processed_slugs_uk.is_empty() && memory.notes.is_empty());
        assert_eq!((memory.snapshot + &memory.facts + &memory.open_loops).as_str(), "");
    }

    #[test]
    fn what_was_remembered_is_read() {
        let state = r#"{"version": 2, "processed_slugs": ["соната"], "last_run": 5, "notes": [{"at": 5, "run": "r", "text": "т"}]}"#;
        let host = Host::new().file(ROOT, "state.json", state).file(ROOT, "facts.md", "# Факти");
        let memory = host.run(|| read_memory(Input {})).unwrap();
        assert_eq!((memory.version, memory.last_run, memory.last_run_uk), (2, Some(5), Some(5)));
        assert_eq!(
            (memory.processed_slugs_uk.as_slice(), memory.facts.as_str()),
            (["соната".to_owned()].as_slice(), "# Факти")
        );
        assert_eq!(memory.notes, [Remark { at: 5, run: "r".into(), text: "т".into() }]);
    }
}
