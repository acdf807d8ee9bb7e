//! Text that others wrote (tools, LLM programs, diagrams, file names), made harmless for a terminal.
//!
//! Two layers, so that neither has to be perfect: [`plain`] takes away what could forge a line or send an escape sequence
//! from a piece of text before it is put into a line, and [`Plain`], through which every line for people goes, lets
//! nothing pass but text and the colours that this program uses.

use std::borrow::Cow;
use std::io::{self, Write};

/// The text without control characters and without those that turn the direction of writing; line breaks and tabs become
/// spaces.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let made = text.chars().filter_map(|c| match c {
        '\n' | '\t' => Some(' '),
        c if is_unsafe(c) => None,
        c => Some(c),
    });
    Cow::Owned(made.collect())
}

/// The text on one line, each run of spaces and control characters as one space.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split(|c: char| c.is_whitespace() || is_unsafe(c)).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Control characters of both sets (U+009B begins an escape sequence as ESC [ does), and those that reorder what stands
/// beside them (Unicode Technical Report 36, bidirectional text spoofing).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A writer of lines for people. It holds back the last line until it ends or is flushed.
pub(crate) struct Plain<W: Write> {
    inner: W,
    line: Vec<u8>,
}

impl<W: Write> Plain<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, line: Vec::new() }
    }

    /// Where bytes go that are for programs, and must be exact.
    pub(crate) fn exact(&mut self) -> io::Result<&mut W> {
        self.pass(self.line.len())?;
        Ok(&mut self.inner)
    }

    fn pass(&mut self, end: usize) -> io::Result<()> {
        let lines: Vec<u8> = self.line.drain(..end).collect();
        self.inner.write_all(lines_of(&String::from_utf8_lossy(&lines)).as_bytes())
    }
}

impl<W: Write> Write for Plain<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line.extend_from_slice(bytes);
        if let Some(end) = self.line.iter().rposition(|byte| *byte == b'\n') {
            self.pass(end + 1)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.pass(self.line.len())?;
        self.inner.flush()
    }
}

impl<W: Write> Drop for Plain<W> {
    fn drop(&mut self) {
        // Who wants to know whether it was written flushes.
        let _ = self.flush();
    }
}

/// The text with its lines and its colours, and no other control character.
fn lines_of(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = if let Some(length) = colour(rest) {
            made.push_str(&rest[..length]);
            length
        } else {
            if c == '\n' || c == '\t' || !is_unsafe(c) {
                made.push(c);
            }
            c.len_utf8()
        };
        rest = &rest[length..];
    }
    made
}

/// The length of the colour that the text begins with: one of those that this program and its help use (ECMA-48, SGR).
/// None of them hides text.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let end = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    let is_ours = |parameter: &str| {
        matches!(parameter, "" | "0" | "1" | "2" | "3" | "4")
            || matches!(parameter.as_bytes(), [b'3' | b'9', b'1'..=b'6'])
    };
    let (parameters, rest) = parameters.split_at(end);
    (rest.starts_with('m') && parameters.split(';').all(is_ours)).then_some("\u{1b}[".len() + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "a\u{1b}]0;title\u{7}b\u{9b}2Jc\u{1b}[8md\re\u{202e}f";

    fn written(pieces: &[&str]) -> String {
        let mut bytes = Vec::new();
        let mut writer = Plain::new(&mut bytes);
        for piece in pieces {
            writer.write_all(piece.as_bytes()).unwrap();
        }
        drop(writer);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn nothing_but_text_and_our_colours_reaches_the_terminal() {
        assert_eq!(written(&[HOSTILE, "\n"]), "a]0;titleb2Jc[8mdef\n");
        let ours = "\u{1b}[1m\u{1b}[31mError:\u{1b}[0m ▶ одне\tдва\n";
        assert_eq!(written(&[ours]), ours);
    }

    #[test]
    fn a_sequence_in_pieces_is_one_sequence() {
        assert_eq!(written(&["\u{1b}", "[3", "2mgreen\u{1b}[", "0m"]), "\u{1b}[32mgreen\u{1b}[0m");
        assert_eq!(written(&["\u{1b}", "]0;x", "\u{7}\n"]), "]0;x\n");
    }

    #[test]
    fn a_piece_of_a_line_begins_no_other_line() {
        assert_eq!(plain(HOSTILE), "a]0;titleb2Jc[8mdef");
        assert_eq!(plain("failed\n✓ Completed."), "failed ✓ Completed.");
        assert_eq!(plain("two  spaces"), "two  spaces");
    }

    /// A clean output is only as good as there is no way around it.
    #[test]
    fn no_source_file_writes_beside_this_writer() {
        fn look(folder: &std::path::Path) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    look(&path);
                } else if !path.ends_with("output/mod.rs") && !path.ends_with("output/plain.rs") {
                    let source = std::fs::read_to_string(&path).unwrap();
                    for way in ["stdout()", "stderr()", "println!", "eprint!"] {
                        for (index, _) in source.match_indices(way) {
                            let before = &source[..index];
                            let is_ours =
                                ["output::", "Out::", "std::io::"].iter().any(|start| before.ends_with(start))
                                    && (!before.ends_with("std::io::")
                                        || source[index + way.len()..].starts_with(".is_terminal"));
                            assert!(is_ours, "{}: {way}", path.display());
                        }
                    }
                }
            }
        }
        look(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    }
}
