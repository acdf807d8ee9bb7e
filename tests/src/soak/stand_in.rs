//! A program that stands in for an LLM, and leaves a note of each question that it is asked.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::served::Place;

/// Where the notes are.
const ASKED: &str = "asked";

/// The program.
pub(super) struct StandIn {
    program: PathBuf,
}

impl StandIn {
    pub(super) fn new(place: &Place) -> anyhow::Result<Self> {
        let (program, asked) = (place.path("stand-in"), place.path(ASKED));
        fs::create_dir_all(&asked)?;
        // The note is there whole or not at all, wherever the program is killed: it is a name and nothing else. The answer is
        // the note's name, which no other answer has. A worker may be killed before it has asked.
        let script = format!(
            r#"#!/bin/sh
set -- $(grep -o -m 1 'run [0-9]* question [12] after [^ ]*')
[ $# -eq 6 ] || exit 1
note=$(mktemp '{}/'"$2-$4-${{6##*-}}-XXXXXXXX") || exit 1
sleep 0.1
echo '{{"type":"result","is_error":false,"result":"","structured_output":{{"text":"'"${{note##*/}}"'"}},
    "usage":{{"input_tokens":10,"output_tokens":5}}}}'
"#,
            asked.display()
        );
        fs::write(&program, script)?;
        fs::set_permissions(&program, Permissions::from_mode(0o755))?;
        Ok(Self { program })
    }

    /// As `--llm` names it.
    pub(super) fn llm(&self) -> OsString {
        let mut llm = OsString::from("command:");
        llm.push(&self.program);
        llm
    }
}

/// What was answered to the same question, each answer as often as it was asked for.
#[derive(Default)]
pub(super) struct Asked {
    /// The mark of an answer, by the mark of the answer that the question speaks of.
    notes: Vec<(String, String)>,
}

impl Asked {
    /// Every question that was ever asked: by the number of the run, and its number in the run.
    pub(super) fn read(place: &Place) -> anyhow::Result<BTreeMap<(u64, u64), Self>> {
        let mut asked: BTreeMap<_, Self> = BTreeMap::new();
        for note in fs::read_dir(place.path(ASKED))? {
            let name = note?.file_name();
            let name = name.to_str().context("a note is named in ASCII")?;
            let parts: Vec<&str> = name.split('-').collect();
            let [run, question, after, own] = parts[..] else { anyhow::bail!("a note of what was not asked: {name}") };
            let notes = &mut asked.entry((run.parse()?, question.parse()?)).or_default().notes;
            notes.push((after.to_owned(), own.to_owned()));
        }
        Ok(asked)
    }

    pub(super) fn times(&self) -> usize {
        self.notes.len()
    }

    /// Whether this was answered, in whole the note's name.
    pub(super) fn has_answer(&self, answer: &str) -> bool {
        self.notes.iter().any(|(_, own)| mark(answer) == own)
    }

    /// Whether it was always asked after the same answer.
    pub(super) fn is_always_after(&self, answer: &str) -> bool {
        self.notes.iter().all(|(after, _)| mark(answer) == after)
    }
}

/// The end of an answer, which no other answer has.
fn mark(answer: &str) -> &str {
    answer.rsplit('-').next().unwrap_or(answer)
}
