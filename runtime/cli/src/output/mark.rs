//! The signs at the beginning of a line about a run.

use anstyle::AnsiColor;
use unicode_width::UnicodeWidthStr as _;

use super::plain::one_line;
use super::width::{cut, padded};
use crate::narrator::Line;

/// What kind of thing a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Start,
    Good,
    Bad,
    Again,
    Out,
}

impl Mark {
    fn sign(self) -> (char, AnsiColor) {
        match self {
            Self::Start => ('▶', AnsiColor::Cyan),
            Self::Good => ('✓', AnsiColor::Green),
            Self::Bad => ('✗', AnsiColor::Red),
            Self::Again => ('↻', AnsiColor::Yellow),
            Self::Out => ('→', AnsiColor::Magenta),
        }
    }
}

/// The longest name of a tool that ships.
const WHAT: usize = "create-proposal".len();

/// What is always left for what a call took and cost.
const DETAIL: usize = "12.3 s, 12345 tokens".len();

impl Line {
    /// The line with its colours, in at most so many columns; why something failed is told whole.
    pub(crate) fn in_columns(&self, columns: usize) -> String {
        let (sign, colour) = self.mark.sign();
        let (colour, dim) = (colour.on_default(), anstyle::Style::new().dimmed());
        let what = padded(&one_line(&self.what), WHAT);
        let head = format!("{colour}{sign}{colour:#} {what}");
        // Sign and space, and two spaces before and after the middle.
        let middle = columns.saturating_sub(2 + what.width() + 4 + DETAIL).clamp(12, 60);
        let about = cut(&one_line(&self.about), middle);
        // Of an icon, a few letters say nothing.
        let left = middle.saturating_sub(about.width() + 2);
        let icon = if left < 8 { String::new() } else { cut(&one_line(&self.icon), left) };
        let gap = if about.is_empty() || icon.is_empty() { "" } else { "  " };
        let used = about.width() + gap.len() + icon.width();
        let told = if used > 0 { format!("  {about}{gap}{dim}{icon}{dim:#}") } else { String::new() };
        if self.detail.is_empty() {
            return head + &told;
        }
        // A line without a middle has its detail there.
        let fill = if used > 0 { middle.saturating_sub(used) } else { 0 };
        format!("{head}{told}{}  {}", " ".repeat(fill), one_line(&self.detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(about: &str, icon: &str, detail: &str) -> Line {
        Line {
            about: about.to_owned(),
            icon: icon.to_owned(),
            detail: detail.to_owned(),
            ..Line::new(Mark::Good, "read-context".to_owned())
        }
    }

    #[test]
    fn lines_fit_the_terminal_and_their_details_stand_in_a_column() {
        for columns in [80, 100, 200] {
            let shown = [
                line("bow-changes", "зміст ← read-context(нотатка.slug)", "4 ms"),
                line(&"a".repeat(300), &"筆".repeat(300), "12.3 s, 12345 tokens"),
                line("", "нотатки ← read-notes(folder)", "7 ms"),
            ]
            .map(|line| anstream::adapter::strip_str(&line.in_columns(columns)).to_string());
            let starts = shown.each_ref().map(|line| {
                let detail = line.rfind("  ").unwrap();
                line[..detail].width()
            });
            assert!(shown.iter().all(|line| line.width() <= columns), "{shown:#?}");
            assert_eq!((starts[0], starts[1]), (starts[1], starts[2]), "{shown:#?}");
            assert!(shown[0].contains("bow-changes  зміст ←"), "{shown:#?}");
        }
    }
}
