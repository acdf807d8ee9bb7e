//! `read-context`: the text of a note.

use bloom_tool::{Failure, files};
use note::Note;
use serde::Deserialize;

const ROOT: &str = "context";

/// The arguments.
#[derive(Debug, Deserialize)]
pub struct Input {
    /// The note's path without `.md`.
    pub slug: String,
}

/// Reads the text, without front matter.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn read_context(Input { slug }: Input) -> Result<String, Failure> {
    let text = files::read_text(ROOT, &note::path(&slug))?;
    Ok(Note::parse(&text).body.to_owned())
}

#[cfg(test)]
mod tests {
    use bloom_tool::testing::Host;

    use super::*;

    fn read(slug: &str) -> Result<String, Failure> {
        let host = Host::new().file(ROOT, "скрипка/соната.md", "---\ntitle: Соната\n---\n\nТекст.\n").file(
            ROOT,
            "old.md",
            [0xcf, 0xf0, 0xe8],
        );
        host.run(|| read_context(Input { slug: slug.into() }))
    }

    #[test]
    fn the_text_comes_without_front_matter() {
        assert_eq!(read("скрипка/соната").unwrap(), "Текст.\n");
    }

    #[test]
    fn what_is_missing_or_no_text_is_a_failure_that_names_it() {
        let missing = read("nothing").unwrap_err();
        assert!(missing.code == "not_found" && missing.message.contains("nothing.md"), "{missing:?}");
        let no_text = read("old").unwrap_err();
        assert!(no_text.code == "invalid_utf8" && no_text.message.contains("context/old.md"), "{no_text:?}");
    }
}
