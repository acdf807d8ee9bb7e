//! The lines of a program before its steps have numbers.

use std::collections::BTreeMap;

use bloom_ir::document::Locale;

use crate::text::Keyword;

/// What a step is known by before it has a number: an icon, or the end of a path.
type StepKey = usize;

/// A line, with its indentation in columns.
pub(super) enum Line {
    /// A statement, or the head of a block; what follows its first line is indented already.
    Text(usize, String),
    /// Before an icon that jumps may lead to.
    Label(usize, StepKey),
    /// At the end of a block that jumps may lead to.
    Tail(usize, StepKey),
    /// A jump to an icon that has no other name.
    Jump(usize, StepKey),
}

#[derive(Default)]
pub(super) struct Lines {
    lines: Vec<Line>,
}

impl Lines {
    pub(super) fn push(&mut self, line: Line) {
        self.lines.push(line);
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is more than labels from this line on.
    pub(super) fn says_something(&self, from: usize) -> bool {
        self.lines[from..].iter().any(|line| matches!(line, Line::Text(..) | Line::Jump(..)))
    }

    /// The text of the lines, each ended; steps that jumps lead to are numbered in the order of the text.
    pub(super) fn render(&self, locale: Locale) -> String {
        let step = Keyword::Step.word(locale);
        let mut used: BTreeMap<StepKey, usize> = BTreeMap::new();
        for line in &self.lines {
            if let Line::Jump(_, item) = line {
                used.insert(*item, 0);
            }
        }
        let mut count = 0;
        for line in &self.lines {
            if let Line::Label(_, item) | Line::Tail(_, item) = line
                && let Some(number @ 0) = used.get_mut(item)
            {
                count += 1;
                *number = count;
            }
        }
        let number = |item: &StepKey| used.get(item).copied();
        let mut text = String::new();
        let mut last = 0;
        let mut put = |indent: usize, line: &str| {
            // After a block there is room, unless its next part follows.
            let goes_on = [Keyword::Else, Keyword::Case, Keyword::Path, Keyword::Format];
            let goes_on = goes_on.iter().any(|keyword| line.starts_with(keyword.word(locale)));
            if (indent < last && !goes_on) || (line.starts_with(Keyword::Branch.word(locale)) && last > 0) {
                text.push('\n');
            }
            text.push_str(&" ".repeat(indent));
            text.push_str(line);
            text.push('\n');
            last = indent;
        };
        for line in &self.lines {
            match line {
                Line::Text(indent, line) => put(*indent, line),
                Line::Jump(indent, item) => put(*indent, &format!("→ {step} {}", number(item).unwrap_or(0))),
                Line::Label(indent, item) => {
                    if let Some(number) = number(item) {
                        put(*indent, &format!("{step} {number}:"));
                    }
                }
                Line::Tail(indent, item) => {
                    if let Some(number) = number(item) {
                        put(*indent, &format!("{step} {number}:"));
                        put(*indent, Keyword::Skip.word(locale));
                    }
                }
            }
        }
        text
    }
}
