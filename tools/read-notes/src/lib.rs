//! `read-notes`: the notes of a folder.

use adapter::{Failure, Files, failure, list_all};
use note::Note;
use serde::{Deserialize, Serialize};

const ROOT: &str = "notes";

/// The arguments.
#[derive(Debug, Default, Deserialize)]
pub struct Input {
    /// Below the root; all of it when empty.
    #[serde(default)]
    pub folder: String,
}

/// One note.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its path without `.md`.
    pub slug: String,
    /// Its path below the root.
    pub path: String,
    /// Its title, else the file's name.
    pub title: String,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Without `#`.
    pub tags: Vec<String>,
    /// Of its text, without front matter.
    pub words: usize,
}

/// Lists the notes in the order of their paths.
pub fn call(input: &Input, files: &impl Files) -> Result<Vec<Listed>, Failure> {
    let folder = input.folder.strip_suffix('/').unwrap_or(&input.folder);
    let mut notes = Vec::new();
    for entry in list_all(files, ROOT, folder)? {
        let Some(slug) = note::slug(&entry.path) else { continue };
        let bytes = files.read(ROOT, &entry.path).map_err(|cause| about(&entry.path, cause))?;
        // A stray byte changes no title, tag or number of words; whoever reads the text itself is told of it.
        let text = String::from_utf8_lossy(&bytes);
        let note = Note::parse(&text);
        let updated = note.front_matter.updated.as_deref().and_then(note::unix_milliseconds);
        let name = slug.rsplit('/').next().unwrap_or(slug);
        notes.push(Listed {
            slug: slug.to_owned(),
            title: note.title().unwrap_or(name).to_owned(),
            updated_at: updated.unwrap_or(entry.modified),
            words: note.words(),
            tags: note.front_matter.tags,
            path: entry.path,
        });
    }
    Ok(notes)
}

/// A note that was there when it was listed.
fn about(path: &str, cause: Failure) -> Failure {
    match cause.code.as_str() {
        "not_found" => failure("changed_meanwhile", format!("`{ROOT}/{path}` went away while the notes were read")),
        _ => cause,
    }
}

adapter::tool!(include_str!("../manifest.json"), |input: Input, files: &adapter::Granted| call(&input, files));

#[cfg(test)]
mod tests {
    use adapter::folder::Folder;

    use super::*;

    fn list(folder: &str, files: &Folder) -> Vec<Listed> {
        call(&Input { folder: folder.into() }, files).unwrap()
    }

    #[test]
    fn notes_come_in_path_order_with_what_they_say_of_themselves() {
        let files = Folder::default()
            .with(
                ROOT,
                "скрипка/соната.md",
                "---\ntitle: Соната\ntags: [бах]\nupdated: 2026-02-14\n---\nтри слова тут",
                5,
            )
            .with(ROOT, "b.md", "# Bow\nlong strokes", 7)
            .with(ROOT, "скрипка/смичок.md", "", 9)
            .with(ROOT, "picture.png", [0xff, 0xd8], 1);
        let notes = list("", &files);
        assert_eq!(
            notes.iter().map(|note| note.slug.as_str()).collect::<Vec<_>>(),
            ["b", "скрипка/смичок", "скрипка/соната"]
        );
        assert_eq!(
            notes[2],
            Listed {
                slug: "скрипка/соната".into(),
                path: "скрипка/соната.md".into(),
                title: "Соната".into(),
                updated_at: 1_771_027_200_000,
                tags: vec!["бах".into()],
                words: 3,
            }
        );
        assert_eq!((notes[0].title.as_str(), notes[0].updated_at, notes[0].words), ("Bow", 7, 4));
        assert_eq!((notes[1].title.as_str(), notes[1].words), ("смичок", 0));
        assert_eq!(list("скрипка", &files).len(), 2);
        assert_eq!(list("скрипка/", &files).len(), 2);
    }

    #[test]
    fn broken_front_matter_and_stray_bytes_are_not_fatal() {
        let files = Folder::default().with(ROOT, "a.md", "---\nupdated: вчора\ntitle: one: two\n---\nслово", 3).with(
            ROOT,
            "b.md",
            [b"x \xff y".as_slice()].concat(),
            4,
        );
        let notes = list("", &files);
        assert_eq!((notes[0].title.as_str(), notes[0].updated_at, notes[0].words), ("a", 3, 1));
        assert_eq!(notes[1].words, 3);
    }

    #[test]
    fn a_note_that_cannot_be_read_fails_the_call() {
        struct Huge;
        impl Files for Huge {
            fn list(&self, _: &str, _: &str, _: Option<&str>) -> Result<adapter::Page, Failure> {
                let entry = adapter::Entry { path: "huge.md".into(), size: 50_000_000, modified: 0 };
                Ok(adapter::Page { entries: vec![entry], next: None })
            }
            fn read(&self, _: &str, path: &str) -> Result<Vec<u8>, Failure> {
                Err(failure("file_too_large", path))
            }
        }
        assert_eq!(call(&Input::default(), &Huge).unwrap_err(), failure("file_too_large", "huge.md"));
    }
}
