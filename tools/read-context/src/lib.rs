//! `read-context`: the text of a note.

use adapter::{Failure, Files, read_text};
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
pub fn call(input: &Input, files: &impl Files) -> Result<String, Failure> {
    let text = read_text(files, ROOT, &note::path(&input.slug))?;
    Ok(Note::parse(&text).body.to_owned())
}

adapter::tool!(include_str!("../manifest.json"), |input: Input, files: &adapter::Granted| call(&input, files));

#[cfg(test)]
mod tests {
    use adapter::folder::Folder;

    use super::*;

    fn read(slug: &str) -> Result<String, Failure> {
        let files = Folder::default().with(ROOT, "скрипка/соната.md", "---\ntitle: Соната\n---\n\nТекст.\n", 0).with(
            ROOT,
            "old.md",
            [0xcf, 0xf0, 0xe8],
            0,
        );
        call(&Input { slug: slug.into() }, &files)
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
