//! `{{name}}`: the title and the number of words of a note.

use bloom_tool::{Failure, files, log};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a call takes. The fields, with their comments, become the manifest's input schema.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The note's path below the root `notes`.
    path: String,
}

/// What it returns.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// The first heading, else the file's name.
    title: String,
    /// Of the whole text.
    words: usize,
}

/// Counts the words of a note.
#[bloom_tool::tool(
    name = "{{name}}",
    effect = "read",
    capabilities = ["files:notes"],
    aliases = { "шлях" = "path" },
    failures = { "empty_note" = "the note has no words" },
)]
pub fn count(input: Input) -> Result<Output, Failure> {
    let text = files::read_text("notes", &input.path)?;
    log::info(format!("{} has {} bytes", input.path, text.len()));
    let words = text.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count();
    if words == 0 {
        return Err(Failure::new("empty_note", format!("`{}` has no words", input.path)));
    }
    let heading = text.lines().find_map(|line| line.strip_prefix("# "));
    Ok(Output { title: heading.unwrap_or(&input.path).trim().to_owned(), words })
}

#[cfg(test)]
mod tests {
    use bloom_tool::testing::Host;

    use super::*;

    fn count_in(host: &Host, path: &str) -> Result<Output, Failure> {
        host.run(|| count(Input { path: path.into() }))
    }

    #[test]
    fn words_and_title_are_found() {
        let host = Host::new().file("notes", "a.md", "# Бах\n\nдва слова");
        assert_eq!(count_in(&host, "a.md"), Ok(Output { title: "Бах".into(), words: 3 }));
        assert_eq!(host.log(), ["info: a.md has 27 bytes"]);
    }

    #[test]
    fn a_note_without_words_is_a_failure() {
        let host = Host::new().file("notes", "empty.md", "\n");
        assert_eq!(count_in(&host, "empty.md").unwrap_err().code, "empty_note");
        assert_eq!(count_in(&host, "missing.md").unwrap_err().code, "not_found");
    }
}
