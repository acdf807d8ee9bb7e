//! `read-notes`: the notes of a folder.

use bloom_tool::Failure;
use bloom_tool::files::{self, Entry};
use note::Note;
use serde::{Deserialize, Serialize};

const ROOT: &str = "notes";

/// What the host takes of a tool is 1 MiB; this leaves room for what the estimate of a note leaves out.
const MOST_BYTES: usize = 1_000_000;

/// The arguments.
#[derive(Debug, Default, Deserialize)]
pub struct Input {
    /// Below the root; all of it when empty.
    #[serde(default)]
    pub folder: String,
    /// Only notes that have all of these.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Only notes that were changed later than this, in Unix milliseconds.
    pub changed_after: Option<i64>,
    /// Only notes whose slugs come after this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: Option<usize>,
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

impl Listed {
    /// About how many bytes of JSON it is.
    fn bytes(&self) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.len() + 3).sum();
        self.slug.len() + self.path.len() + self.title.len() + tags + 100
    }
}

/// Lists the notes in the order of their paths.
#[bloom_tool::tool(manifest = "manifest.json")]
pub fn read_notes(input: Input) -> Result<Vec<Listed>, Failure> {
    let Input { folder, tags, changed_after, after, limit } = input;
    let after = after.as_deref().map(note::path);
    let (mut notes, mut size) = (Vec::new(), 0);
    for entry in files::walk(ROOT, folder.strip_suffix('/').unwrap_or(&folder)) {
        let Entry { path, modified, .. } = entry?;
        let Some(slug) = note::slug(&path) else { continue };
        if limit.is_some_and(|limit| notes.len() >= limit) {
            break;
        }
        if after.as_ref().is_some_and(|after| path <= *after) {
            continue;
        }
        let bytes = files::read(ROOT, &path).map_err(|cause| about(&path, cause))?;
        // A stray byte changes no title, tag or number of words; whoever reads the text itself is told of it.
        let text = String::from_utf8_lossy(&bytes);
        let note = Note::parse(&text);
        let (title, updated_at) = note.listed(slug, modified);
        let is_new = changed_after.is_none_or(|limit| updated_at > limit);
        if !is_new || !tags.iter().all(|tag| note.has_tag(tag)) {
            continue;
        }
        let (slug, title, words) = (slug.to_owned(), title.to_owned(), note.words());
        let listed = Listed { slug, path, title, updated_at, tags: note.front_matter.tags, words };
        size += listed.bytes();
        if size > MOST_BYTES {
            return Err(too_many(notes.len()));
        }
        notes.push(listed);
    }
    Ok(notes)
}

fn too_many(fit: usize) -> Failure {
    Failure::new(
        "too_many_notes",
        format!(
            "there are more notes than one result can hold, which is {fit} of these: read parts, by `limit` and `after`"
        ),
    )
}

/// A note that was there when it was listed.
fn about(path: &str, cause: Failure) -> Failure {
    match cause.code.as_str() {
        "not_found" => {
            Failure::new("changed_meanwhile", format!("`{ROOT}/{path}` went away while the notes were read"))
        }
        _ => cause,
    }
}

#[cfg(test)]
mod tests {
    use bloom_tool::testing::Host;

    use super::*;

    fn list(folder: &str, host: &Host) -> Vec<Listed> {
        host.run(|| read_notes(Input { folder: folder.into(), ..Input::default() })).unwrap()
    }

    #[test]
    fn notes_come_in_path_order_with_what_they_say_of_themselves() {
        let host = Host::new()
            .file_of(
                ROOT,
                "скрипка/соната.md",
                "---\ntitle: Соната\ntags: [бах]\nupdated: 2026-02-14\n---\nтри слова тут",
                5,
            )
            .file_of(ROOT, "b.md", "# Bow\nlong strokes", 7)
            .file_of(ROOT, "скрипка/смичок.md", "", 9)
            .file_of(ROOT, "picture.png", [0xff, 0xd8], 1);
        let notes = list("", &host);
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
        assert_eq!(list("скрипка", &host).len(), 2);
        assert_eq!(list("скрипка/", &host).len(), 2);
    }

    #[test]
    fn notes_are_chosen_by_time_and_tags() {
        let host = Host::new()
            .file_of(ROOT, "a.md", "---\ntags: [бах, solo]\n---\n", 5)
            .file_of(ROOT, "b.md", "---\ntags: [бах]\nupdated: 1970-01-01T00:00:00.009Z\n---\n", 1)
            .file_of(ROOT, "c.md", "", 9);
        let slugs = |input: Input| -> Vec<String> {
            host.run(|| read_notes(input)).unwrap().into_iter().map(|note| note.slug).collect()
        };
        assert_eq!(slugs(Input { changed_after: Some(5), ..Input::default() }), ["b", "c"]);
        assert_eq!(slugs(Input { tags: vec!["#Бах".into()], ..Input::default() }), ["a", "b"]);
        assert_eq!(slugs(Input { tags: vec!["бах".into(), "solo".into()], ..Input::default() }), ["a"]);
    }

    #[test]
    fn parts_join_to_the_whole() {
        let host = (0..7).fold(Host::new(), |host, n| host.file_of(ROOT, &format!("{n}.md"), "", n));
        let (mut joined, mut after) = (Vec::new(), None);
        loop {
            let part =
                host.run(|| read_notes(Input { limit: Some(3), after: after.clone(), ..Input::default() })).unwrap();
            let Some(last) = part.last() else { break };
            after = Some(last.slug.clone());
            joined.extend(part);
        }
        assert_eq!(joined, list("", &host));
    }

    #[test]
    fn more_notes_than_a_result_can_hold_are_a_failure_that_says_what_to_do() {
        let name = "ї".repeat(100);
        let host = (0..3_000).fold(Host::new(), |host, n| host.file_of(ROOT, &format!("{n}{name}.md"), "", n));
        let refused = host.run(|| read_notes(Input::default())).unwrap_err();
        assert!(refused.code == "too_many_notes" && refused.message.contains("`limit` and `after`"), "{refused:?}");
        assert_eq!(host.run(|| read_notes(Input { limit: Some(500), ..Input::default() })).unwrap().len(), 500);
    }

    #[test]
    fn broken_front_matter_and_stray_bytes_are_not_fatal() {
        let host = Host::new().file_of(ROOT, "a.md", "---\nupdated: вчора\ntitle: one: two\n---\nслово", 3).file_of(
            ROOT,
            "b.md",
            [b"x \xff y".as_slice()].concat(),
            4,
        );
        let notes = list("", &host);
        assert_eq!((notes[0].title.as_str(), notes[0].updated_at, notes[0].words), ("a", 3, 1));
        assert_eq!(notes[1].words, 3);
    }
}
