//! Text literals: CEL's escapes.

use std::fmt::Write as _;

/// Why an escape is refused; the range is in bytes of the literal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadEscape(pub(super) std::ops::Range<usize>);

/// The text in single quotes, with as few escapes as can be.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('\'');
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('\'');
}

/// The text that a literal with its quotes stands for.
pub(super) fn unquote(literal: &str) -> Result<String, BadEscape> {
    let raw = literal.starts_with(['r', 'R']);
    let quoted = if raw { &literal[1..] } else { literal };
    let quotes = if quoted.starts_with("'''") || quoted.starts_with("\"\"\"") { 3 } else { 1 };
    let start = usize::from(raw) + quotes;
    // The grammar has seen both ends; a shorter literal cannot come here.
    let body = literal.get(start..literal.len().saturating_sub(quotes)).unwrap_or_default();
    if raw {
        return Ok(body.to_owned());
    }
    let mut text = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let (character, length) = escaped(escape).ok_or_else(|| {
            let from = start + (body.len() - rest.len()) + at;
            BadEscape(from..from + 1 + escape.chars().next().map_or(0, char::len_utf8))
        })?;
        text.push(character);
        rest = &escape[length..];
    }
    text.push_str(rest);
    Ok(text)
}

/// The character of what follows a backslash, and how many bytes that took.
fn escaped(escape: &str) -> Option<(char, usize)> {
    let simple = |character| Some((character, 1));
    match escape.chars().next()? {
        'a' => simple('\u{7}'),
        'b' => simple('\u{8}'),
        'f' => simple('\u{C}'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\u{B}'),
        same @ ('\\' | '?' | '"' | '\'' | '`') => simple(same),
        'x' | 'X' => numbered(escape, 1, 2, 16),
        'u' => numbered(escape, 1, 4, 16),
        'U' => numbered(escape, 1, 8, 16),
        '0'..='3' => numbered(escape, 0, 3, 8),
        _ => None,
    }
}

fn numbered(escape: &str, skip: usize, digits: usize, radix: u32) -> Option<(char, usize)> {
    let end = skip + digits;
    let digits = escape.get(skip..end)?;
    if !digits.bytes().all(|digit| char::from(digit).is_digit(radix)) {
        return None;
    }
    Some((char::from_u32(u32::from_str_radix(digits, radix).ok()?)?, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_gives_its_text() {
        for (literal, text) in [
            ("'a'", "a"),
            ("\"a'b\"", "a'b"),
            ("''", ""),
            ("'''a'b\n'''", "a'b\n"),
            ("\"\"\"a\"\"\"", "a"),
            (r"r'\n'", r"\n"),
            ("R\"\"\"\\x\"\"\"", "\\x"),
            (r"'\a\b\f\n\r\t\v\\\?\'\`'", "\u{7}\u{8}\u{C}\n\r\t\u{B}\\?'`"),
            (r"'\x41\u0457\U0001F600\101'", "Aї😀A"),
            ("'пам\\'ять'", "пам'ять"),
        ] {
            assert_eq!(unquote(literal), Ok(text.to_owned()), "{literal}");
        }
    }

    #[test]
    fn a_bad_escape_is_pointed_at() {
        assert_eq!(unquote(r"'ab\q'"), Err(BadEscape(3..5)));
        assert_eq!(unquote(r"'\ud800'"), Err(BadEscape(1..3)));
        assert_eq!(unquote(r"'''\u12'''"), Err(BadEscape(3..5)));
        assert_eq!(unquote(r"'\400'"), Err(BadEscape(1..3)));
    }

    #[test]
    fn quoted_text_reads_back() {
        let text = "'\\\n\r\t\u{1}\u{7f}\u{85}ї😀\"`";
        let mut literal = String::new();
        quote(text, &mut literal);
        assert_eq!(literal, "'\\'\\\\\\n\\r\\t\\u0001\\u007f\\u0085ї😀\"`'");
        assert_eq!(unquote(&literal), Ok(text.to_owned()));
    }
}
