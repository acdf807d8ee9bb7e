//! The part of a text that is shown: in rows that fit, harmless for a terminal, with the columns of the offending part.

use std::ops::Range;

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Rows above and below the marked one.
const AROUND: usize = 3;
/// Columns of a tab.
const TAB: usize = 4;

/// One row of an excerpt.
pub(super) struct Row {
    pub(super) text: String,
    /// The offending columns, on the row that has them.
    pub(super) mark: Option<Range<usize>>,
}

/// The rows around the offending part of a text, each at most so many columns wide.
pub(super) fn rows(text: &str, span: Option<&Range<usize>>, columns: usize) -> Vec<Row> {
    let inside = |span: &&Range<usize>| {
        span.start < span.end && text.is_char_boundary(span.start) && text.is_char_boundary(span.end)
    };
    let span = span.filter(inside);
    let at = span.map_or(0, |span| span.start);
    let marked = text[..at].matches('\n').count();
    let count = text.split('\n').count();
    let first = marked.saturating_sub(AROUND);
    let mut rows = Vec::new();
    if first > 0 {
        rows.push(Row { text: "⋮".to_owned(), mark: None });
    }
    let mut start = 0;
    for (number, line) in text.split('\n').enumerate() {
        if number >= first && number <= marked + AROUND {
            let part =
                span.filter(|_| number == marked).map(|span| span.start - start..(span.end - start).min(line.len()));
            rows.push(row(line, part.as_ref(), columns));
        }
        if number > marked + AROUND {
            break;
        }
        start += line.len() + 1;
    }
    if count > marked + AROUND + 1 {
        rows.push(Row { text: "⋮".to_owned(), mark: None });
    }
    rows
}

/// A line in at most so many columns, of which the marked part stays in sight.
fn row(line: &str, span: Option<&Range<usize>>, columns: usize) -> Row {
    let mut cells: Vec<(String, usize)> = Vec::new();
    let mut mark: Option<Range<usize>> = None;
    for (at, character) in line.char_indices() {
        if span.is_some_and(|span| span.contains(&at)) {
            let from = mark.map_or(cells.len(), |mark| mark.start);
            mark = Some(from..cells.len() + 1);
        }
        cells.push(cell(character));
    }
    while cells.last().is_some_and(|(text, _)| text.trim().is_empty())
        && mark.as_ref().is_none_or(|mark| mark.end < cells.len())
    {
        cells.pop();
    }
    let width = |cells: &[(String, usize)]| cells.iter().map(|(_, width)| width).sum::<usize>();
    let (mut from, mut to) = (0, cells.len());
    if width(&cells) > columns {
        // What is marked comes after a third of the row, unless the line ends before that.
        let room = columns - 2;
        let start = mark.as_ref().map_or(0, |mark| mark.start);
        let mut before = 0;
        from = start;
        while from > 0 && before + cells[from - 1].1 <= room / 3 {
            from -= 1;
            before += cells[from].1;
        }
        while from > 0 && width(&cells[from - 1..]) <= room {
            from -= 1;
        }
        let mut used = 0;
        to = from;
        while to < cells.len() && used + cells[to].1 <= room {
            used += cells[to].1;
            to += 1;
        }
    }
    let lead = usize::from(from > 0);
    let mut text = String::new();
    if from > 0 {
        text.push('…');
    }
    text.extend(cells[from..to].iter().map(|(text, _)| text.as_str()));
    if to < cells.len() {
        text.push('…');
    }
    let mark = mark.map(|mark| {
        let (start, end) = (mark.start.clamp(from, to), mark.end.clamp(from, to));
        let column = lead + width(&cells[from..start]);
        column..column + width(&cells[start..end]).max(1)
    });
    Row { text, mark }
}

/// A character as it is shown, and its columns.
fn cell(character: char) -> (String, usize) {
    match character {
        '\t' => (" ".repeat(TAB), TAB),
        unsafe_one if is_unsafe(unsafe_one) => ("\u{fffd}".to_owned(), 1),
        other => (other.to_string(), other.width().unwrap_or(0)),
    }
}

/// Control characters, and those that turn the direction of writing (Unicode Technical Report 36).
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text without what could send an escape sequence or turn a line around; line breaks become spaces.
pub(super) fn plain(text: &str) -> String {
    let made = text.chars().map(|character| match character {
        '\n' | '\t' => ' ',
        character if is_unsafe(character) => '\u{fffd}',
        character => character,
    });
    made.collect()
}

/// All of a text on one line.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(60).collect();
    plain(&words.join(" "))
}

/// The beginning of a text, in at most so many columns.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let mut made: String = text
        .chars()
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= columns
        })
        .collect();
    made.truncate(made.trim_end().len());
    made.push('…');
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &str, word: &str, columns: usize) -> (String, String) {
        let at = line.find(word).unwrap();
        let Row { text, mark } = row(line, Some(&(at..at + word.len())), columns);
        let mark = mark.unwrap();
        assert!(text.width() <= columns && mark.end <= columns, "{text:?} {mark:?}");
        (text, format!("{}{}", " ".repeat(mark.start), "^".repeat(mark.len())))
    }

    #[test]
    fn carets_stand_under_the_word_whatever_is_before_it() {
        assert_eq!(marked("x = count", "count", 40), ("x = count".into(), "    ^^^^^".into()));
        assert_eq!(marked("筆記 ← слово", "слово", 40), ("筆記 ← слово".into(), "       ^^^^^".into()));
        assert_eq!(marked("\tx筆", "x筆", 40), ("    x筆".into(), "    ^^^".into()));
        assert_eq!(marked("a\u{301}b", "b", 40), ("a\u{301}b".into(), " ^".into()));
        assert_eq!(marked("\u{1b}[31mb", "b", 40), ("\u{fffd}[31mb".into(), "     ^".into()));
    }

    #[test]
    fn of_a_long_line_the_marked_part_stays_in_sight() {
        let line = format!("{}here{}", "a".repeat(500), "b".repeat(500));
        let (text, carets) = marked(&line, "here", 40);
        assert_eq!(&text[carets.find('^').unwrap() + '…'.len_utf8() - 1..][..4], "here");
        assert!(text.starts_with('…') && text.ends_with('…'));
        let (text, _) = marked(&format!("{}end", "a".repeat(100)), "end", 40);
        assert!(text.ends_with("end"));
    }
}
