//! How wide a text is, and how wide a line may be.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Where the output is no terminal, or one that does not say.
const USUAL: usize = 100;

/// The columns of the terminal.
pub(crate) fn columns() -> usize {
    terminal_size::terminal_size().map_or(USUAL, |(width, _)| usize::from(width.0))
}

/// The beginning of a text, in at most so many columns.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut used = 1; // the ellipsis
    let begins = |c: &char| {
        used += c.width().unwrap_or(0);
        used <= columns
    };
    let mut made: String = text.chars().take_while(begins).collect();
    made.truncate(made.trim_end().len());
    made.push('…');
    made
}

/// The text and as many spaces as make it so many columns wide.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(text.width())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_by_columns_and_not_by_letters() {
        assert_eq!(cut("архіваріус", 10), "архіваріус");
        assert_eq!(cut("архіваріус", 6), "архів…");
        assert_eq!(cut("筆記筆記", 6), "筆記…");
        assert_eq!(padded("筆記", 6), "筆記  ");
    }
}
