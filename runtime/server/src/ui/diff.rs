//! The differences of two texts, line by line, and within lines word by word.

use std::time::Duration;

use askama::Template;
use similar::{ChangeTag, TextDiff};

use super::texts::Texts;

/// Texts that differ much are compared coarsely after so long.
const PATIENCE: Duration = Duration::from_millis(300);

/// Lines around a difference.
const AROUND: usize = 3;

/// No more lines are shown.
const MOST_LINES: usize = 2000;

/// What differs between two texts. Templates write it as it is: `{{ diff }}`.
#[derive(Template)]
#[template(path = "diff.html")]
pub(super) struct Diff {
    /// Parts of the texts with what differs, and what stands around it.
    hunks: Vec<Vec<Line>>,
    pub(super) added: usize,
    pub(super) removed: usize,
    /// Whether there are more differences than are shown.
    is_cut: bool,
    texts: &'static Texts,
}

impl askama::filters::HtmlSafe for Diff {}

struct Line {
    /// Its numbers, in the first text and in the second one.
    before: Option<usize>,
    after: Option<usize>,
    kind: Kind,
    /// Its text, and whether just that differs.
    parts: Vec<(bool, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Same,
    Added,
    Removed,
}

impl Line {
    fn class(&self) -> &'static str {
        match self.kind {
            Kind::Same => "same",
            Kind::Added => "added",
            Kind::Removed => "removed",
        }
    }

    fn sign(&self) -> &'static str {
        match self.kind {
            Kind::Same => " ",
            Kind::Added => "+",
            Kind::Removed => "−",
        }
    }
}

impl Diff {
    pub(super) fn of(before: &str, after: &str, texts: &'static Texts) -> Self {
        let diff = TextDiff::configure().timeout(PATIENCE).diff_lines(before, after);
        let (mut hunks, mut shown, mut is_cut) = (Vec::new(), 0, false);
        let (mut added, mut removed) = (0, 0);
        for group in diff.grouped_ops(AROUND) {
            let mut hunk = Vec::new();
            for change in group.iter().flat_map(|operation| diff.iter_inline_changes(operation)) {
                let kind = match change.tag() {
                    ChangeTag::Equal => Kind::Same,
                    ChangeTag::Insert => Kind::Added,
                    ChangeTag::Delete => Kind::Removed,
                };
                added += usize::from(kind == Kind::Added);
                removed += usize::from(kind == Kind::Removed);
                if shown == MOST_LINES {
                    is_cut = true;
                    continue;
                }
                shown += 1;
                let parts = change.iter_strings_lossy();
                let parts = parts.map(|(differs, text)| (differs, text.trim_end_matches(['\n', '\r']).to_owned()));
                hunk.push(Line {
                    before: change.old_index().map(|index| index + 1),
                    after: change.new_index().map(|index| index + 1),
                    kind,
                    parts: parts.filter(|(_, text)| !text.is_empty()).collect(),
                });
            }
            if !hunk.is_empty() {
                hunks.push(hunk);
            }
        }
        Self { hunks, added, removed, is_cut, texts }
    }

    /// Whether both texts are the same.
    pub(super) fn is_empty(&self) -> bool {
        self.hunks.is_empty()
    }

    fn t(&self, id: &str) -> String {
        self.texts.get(id)
    }
}

#[cfg(test)]
mod tests {
    use bloom_ir::document::Locale;

    use super::*;

    fn written(before: &str, after: &str) -> String {
        Diff::of(before, after, Texts::of(Locale::En)).render().unwrap()
    }

    #[test]
    fn words_that_differ_are_marked_within_their_lines() {
        let diff = Diff::of("один два\nтри\n", "один чотири\nтри\nп'ять\n", Texts::of(Locale::En));
        assert_eq!((diff.added, diff.removed, diff.is_empty()), (2, 1, false));
        let html = diff.render().unwrap();
        assert!(html.contains("<del>два</del>") && html.contains("<ins>чотири</ins>"), "{html}");
        assert!(!html.contains("<ins>один"), "{html}");
        assert!(Diff::of("a\nb", "a\nb", Texts::of(Locale::En)).is_empty());
    }

    #[test]
    fn a_text_is_shown_as_text() {
        let html = written("", "<script>alert(1)</script>\n");
        assert!(!html.contains("<script") && html.contains("script"), "{html}");
    }

    #[test]
    fn what_is_the_same_far_from_differences_is_left_out_and_much_is_cut() {
        let lines: String = (0..100).flat_map(|n| [String::from("line "), n.to_string(), String::from("\n")]).collect();
        let html = written(&lines, &lines.replace("line 50\n", "line L\n"));
        assert!(html.contains("line 47") && !html.contains("line 46") && !html.contains("line 10"), "{html}");
        let many: String = (0..3000).flat_map(|n| [String::from("line "), n.to_string(), String::from("\n")]).collect();
        let diff = Diff::of("", &many, Texts::of(Locale::En));
        assert!(diff.is_cut && diff.added == 3000);
    }
}
