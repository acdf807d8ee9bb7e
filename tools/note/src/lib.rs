//! What a Markdown note says of itself: YAML front matter, title, words.
//!
//! A note is somebody's text and never an error: front matter that is broken counts as far as it can be read, and a
//! block between two rules that is no front matter is text.

mod front_matter;
mod time;

pub use front_matter::FrontMatter;
pub use time::unix_milliseconds;

/// A note, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// What stands between the two lines `---` at its start.
    pub front_matter: FrontMatter,
    /// The rest.
    pub body: &'a str,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    pub fn parse(text: &'a str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let block = split(text).and_then(|(block, body)| Some((FrontMatter::parse(block)?, body)));
        let (front_matter, body) = block.unwrap_or((FrontMatter::default(), text));
        Self { front_matter, body: body.trim_start_matches(['\r', '\n']) }
    }

    /// Its title: that of the front matter, else its first heading.
    pub fn title(&self) -> Option<&str> {
        let heading = || self.body.lines().find_map(|line| line.strip_prefix("# ")).map(str::trim);
        self.front_matter.title.as_deref().or_else(heading).filter(|title| !title.is_empty())
    }

    /// Whether it has a tag; case and `#` make no difference.
    pub fn has_tag(&self, tag: &str) -> bool {
        let tag = tag.trim().trim_start_matches('#').to_lowercase();
        self.front_matter.tags.iter().any(|other| other.to_lowercase() == tag)
    }

    /// What lists say of it: its title, else the file's name, and when it was changed, in Unix milliseconds: what its front
    /// matter says, else the file's time.
    pub fn listed<'b>(&'b self, slug: &'b str, modified: i64) -> (&'b str, i64) {
        let name = slug.rsplit('/').next().unwrap_or(slug);
        let updated = self.front_matter.updated.as_deref().and_then(unix_milliseconds);
        (self.title().unwrap_or(name), updated.unwrap_or(modified))
    }

    /// How many words its body has, white space between them; as `words` counts them in expressions.
    pub fn words(&self) -> usize {
        self.body.split_whitespace().count()
    }
}

/// A note's slug: its path without `.md`. None for what is no note.
pub fn slug(path: &str) -> Option<&str> {
    path.strip_suffix(".md").filter(|slug| !slug.is_empty() && !slug.ends_with('/'))
}

/// The path of a slug's note.
pub fn path(slug: &str) -> String {
    format!("{slug}.md")
}

/// The block between the first line and the next `---` or `...`, and what follows.
fn split(text: &str) -> Option<(&str, &str)> {
    let (first, rest) = text.split_once('\n')?;
    if first.trim_end() != "---" {
        return None;
    }
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if matches!(line.trim_end(), "---" | "...") {
            return Some((&rest[..at], &rest[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_is_taken_off() {
        let note = Note::parse("---\ntitle: Соната\n---\n\n# Інша назва\n\nДва слова.\n");
        assert_eq!(note.title(), Some("Соната"));
        assert_eq!(note.body, "# Інша назва\n\nДва слова.\n");
        assert_eq!(note.words(), 5);
    }

    #[test]
    fn windows_line_ends_and_a_byte_order_mark_are_no_hindrance() {
        let note = Note::parse("\u{feff}---\r\ntitle: A\r\n---\r\nText\r\n");
        assert_eq!((note.title(), note.body), (Some("A"), "Text\r\n"));
    }

    #[test]
    fn the_first_heading_is_the_title_where_front_matter_has_none() {
        assert_eq!(Note::parse("Вступ\n# Назва \n# Друга").title(), Some("Назва"));
        assert_eq!(Note::parse("## Дрібна\nтекст").title(), None);
        assert_eq!(Note::parse("---\ntitle: ''\n---\n# H").title(), None);
    }

    #[test]
    fn text_between_two_rules_is_text() {
        for text in
            ["---\nжодних ключів\n---\nрешта", "---\n- a\n- b\n---\n", "---\ntitle: A\nno end", "---", "--- x\n---\n"]
        {
            assert_eq!(Note::parse(text).body, text, "{text}");
        }
    }

    #[test]
    fn empty_front_matter_is_text_that_is_kept() {
        assert_eq!(Note::parse("---\n---\nтекст").body, "---\n---\nтекст");
    }

    #[test]
    fn slugs_keep_folders_and_scripts() {
        assert_eq!(slug("скрипка/соната №1.md"), Some("скрипка/соната №1"));
        assert_eq!(slug("a.md.md"), Some("a.md"));
        for path in ["a.txt", ".md", "a/.md", "md"] {
            assert_eq!(slug(path), None, "{path}");
        }
    }
}
