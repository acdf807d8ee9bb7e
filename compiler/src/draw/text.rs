//! Text as it will stand in a picture: cleaned, measured with the font, broken into lines.

use std::borrow::Cow;
use std::sync::OnceLock;

use ttf_parser::Face;
use unicode_linebreak::{BreakOpportunity, linebreaks};
use unicode_width::UnicodeWidthChar;

/// The size of ordinary text, in pixels.
pub(super) const SIZE: i64 = 14;

/// From one line to the next.
pub(super) const LEADING: i64 = 19;

/// Where the letters of a line stand, from the line's top.
pub(super) const BASELINE: i64 = 14;

/// Letters below this number have their widths kept.
const KEPT: usize = 0x600;

/// A face of the font, with the widths that were looked up.
pub(super) struct Font {
    face: Option<Face<'static>>,
    units: i64,
    kept: Vec<i64>,
}

/// A line of text and how wide it is, in pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) width: i64,
}

impl Font {
    pub(super) fn regular() -> &'static Self {
        static REGULAR: OnceLock<Font> = OnceLock::new();
        REGULAR.get_or_init(|| Self::of(dejavu::sans::regular()))
    }

    pub(super) fn bold() -> &'static Self {
        static BOLD: OnceLock<Font> = OnceLock::new();
        BOLD.get_or_init(|| Self::of(dejavu::sans::bold()))
    }

    fn of(bytes: &'static [u8]) -> Self {
        let face = Face::parse(bytes, 0).ok();
        let units = face.as_ref().map_or(2048, |face| i64::from(face.units_per_em()));
        let mut font = Self { face, units, kept: Vec::new() };
        font.kept = (0..KEPT)
            .map(|code| u32::try_from(code).ok().and_then(char::from_u32))
            .map(|character| character.map_or(0, |character| font.look_up(character)))
            .collect();
        font
    }

    /// How far a letter moves on, in units of the font. Where the font lacks it, no font is likely to be wider.
    fn look_up(&self, character: char) -> i64 {
        let columns = character.width().unwrap_or(0);
        if columns == 0 {
            return 0;
        }
        let glyph = self.face.as_ref().and_then(|face| face.glyph_hor_advance(face.glyph_index(character)?));
        let least = match u32::from(character) {
            // Pictures in colour come from a font of their own.
            0x1F000.. => self.units * 7 / 5,
            0x2600..0x27C0 => self.units * 5 / 4,
            _ => 0,
        };
        match glyph {
            Some(advance) => i64::from(advance).max(least),
            None if columns == 1 => self.units.max(least),
            None => (self.units * 21 / 20).max(least),
        }
    }

    fn advance(&self, character: char) -> i64 {
        match self.kept.get(u32::from(character) as usize) {
            Some(advance) => *advance,
            None => self.look_up(character),
        }
    }

    /// The width of a text on one line, in pixels, rounded up; it leaves a little for kerning.
    pub(super) fn width(&self, text: &str) -> i64 {
        self.pixels(text.chars().map(|character| self.advance(character)).sum())
    }

    fn pixels(&self, units: i64) -> i64 {
        // One part in a hundred more: kerning seldom widens, hinting sometimes does.
        let scaled = units * SIZE * 101;
        scaled.div_euclid(self.units * 100) + i64::from(scaled % (self.units * 100) != 0)
    }

    /// The text in lines that are no wider than `most` pixels, if a letter is not wider than that. An empty text has none.
    pub(super) fn lines(&self, text: &str, most: i64) -> Vec<Line> {
        let text = clean(text);
        let text = text.trim_end().trim_start_matches('\n');
        let mut lines = Vec::new();
        if text.trim().is_empty() {
            return lines;
        }
        for paragraph in text.split('\n') {
            self.paragraph(paragraph.trim_end(), most, &mut lines);
        }
        lines
    }

    fn paragraph(&self, paragraph: &str, most: i64, lines: &mut Vec<Line>) {
        let most = most * self.units * 100 / (SIZE * 101);
        let mut line = String::new();
        let mut width = 0;
        let mut start = 0;
        let mut push = |line: &mut String, width: &mut i64| {
            let kept = line.trim_end();
            lines.push(Line { width: self.width(kept), text: kept.to_owned() });
            line.clear();
            *width = 0;
        };
        for (end, opportunity) in linebreaks(paragraph) {
            let word = &paragraph[start..end];
            start = end;
            let seen: i64 = word.trim_end().chars().map(|character| self.advance(character)).sum();
            if width > 0 && width + seen > most {
                push(&mut line, &mut width);
            }
            for character in word.chars() {
                let advance = self.advance(character);
                // A word that is too long is cut, but not between a letter and its marks.
                if width > 0 && advance > 0 && width + advance > most && !character.is_whitespace() {
                    push(&mut line, &mut width);
                }
                line.push(character);
                width += advance;
            }
            if opportunity == BreakOpportunity::Mandatory && end < paragraph.len() {
                push(&mut line, &mut width);
            }
        }
        push(&mut line, &mut width);
    }
}

/// How high so many lines are, in pixels.
pub(super) fn height(lines: &[Line]) -> i64 {
    count(lines.len()) * LEADING
}

/// A count as a number of pixels is made of; no file has so many of anything that it would not fit.
pub(super) fn count(things: usize) -> i64 {
    i64::try_from(things).unwrap_or(i64::MAX)
}

/// What may stand in a picture: control characters, those that turn the direction of text, and what XML does not know are
/// shown as replaced, so that nothing hides or moves what people read.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let strange = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(
                character,
                '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
                    | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e007f}' | '\t'
            )
    };
    if !text.contains(strange) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => cleaned.push_str("    "),
            '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            // They change nothing but where lines break and how letters join.
            '\r' | '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' => {}
            '\u{200c}' | '\u{200d}' => cleaned.push(character),
            character if strange(character) => cleaned.push('\u{fffd}'),
            character => cleaned.push(character),
        }
    }
    Cow::Owned(cleaned)
}

/// Whether a line is read from right to left: its first letter with a direction says so.
pub(super) fn is_right_to_left(line: &str) -> bool {
    let right = |character: char| matches!(u32::from(character), 0x590..0x900 | 0xFB1D..0xFE00 | 0xFE70..0xFF00 | 0x10800..0x11000 | 0x1E800..0x1F000);
    line.chars().find(|character| character.is_alphabetic()).is_some_and(right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_asked() {
        let font = Font::regular();
        for text in [
            "Перевірити налаштування скрипки, перш ніж учень почне",
            "Donaudampfschifffahrtsgesellschaft",
            "音楽を演奏する前に弦を調整してください",
            "e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}e\u{301}",
        ] {
            let lines = font.lines(text, 60);
            assert!(lines.len() > 1 || font.width(text) <= 60, "{text}");
            assert!(lines.iter().all(|line| line.width <= 61), "{lines:?}");
            let joined: String = lines.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        }
    }

    #[test]
    fn lines_and_indentation_of_the_writer_are_kept() {
        let lines = Font::regular().lines("if x:\n\tgo\n\nelse", 300);
        let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["if x:", "    go", "", "else"]);
    }

    #[test]
    fn what_would_hide_or_turn_text_is_shown_as_replaced() {
        assert_eq!(clean("a\u{202e}b\u{0}c\u{1b}[0m\u{ffff}"), "a\u{fffd}b\u{fffd}c\u{fffd}[0m\u{fffd}");
        assert_eq!(clean("пам'ять"), "пам'ять");
        assert!(is_right_to_left("1. שלום") && !is_right_to_left("Привіт"));
    }
}
