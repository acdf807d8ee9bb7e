//! What is counted before the grammar is asked, so that nothing recurses without bound.

use super::{Part, Problem};
use crate::codes;

/// Brackets within brackets.
const MOST_NESTED: usize = 40;
/// Of one statement, without the prompt of an LLM call.
const MOST_BYTES: usize = 64 << 10;
/// `?` of one statement: each may hold another expression.
const MOST_CONDITIONALS: usize = 40;

/// Whether the grammar may read the text.
pub(super) fn check(part: Part<'_>) -> Result<(), Problem> {
    if part.text.len() > MOST_BYTES {
        return Err(Problem::error(codes::TOO_COMPLEX, part.offset..part.offset + 1).with("limit", "64 KiB"));
    }
    let mut depth = 0_usize;
    let mut conditionals = 0_usize;
    let mut scanner = Scanner::new(part.text);
    while let Some((at, event)) = scanner.next() {
        match event {
            Event::Open(_) => depth += 1,
            Event::Close(_) => depth = depth.saturating_sub(1),
            Event::Other('?') => conditionals += 1,
            Event::Other(_) => {}
            Event::Unclosed => {
                return Err(Problem::error(codes::UNCLOSED_STRING, part.offset + at..part.offset + scanner.position));
            }
        }
        if depth > MOST_NESTED || conditionals > MOST_CONDITIONALS {
            let limit = if depth > MOST_NESTED { MOST_NESTED } else { MOST_CONDITIONALS };
            return Err(Problem::error(codes::TOO_COMPLEX, part.offset + at..part.offset + at + 1).with("limit", limit));
        }
    }
    Ok(())
}

/// What the scanner meets outside of words and strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Open(char),
    Close(char),
    Other(char),
    /// A quotation mark without its partner on the line.
    Unclosed,
}

/// Goes over a text, past strings and words.
pub(super) struct Scanner<'a> {
    text: &'a str,
    pub(super) position: usize,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, position: 0 }
    }

    pub(super) fn next(&mut self) -> Option<(usize, Event)> {
        let at = self.position;
        let rest = self.text.get(at..)?;
        let character = rest.chars().next()?;
        self.position += character.len_utf8();
        let event = match character {
            '(' | '[' | '{' => Event::Open(character),
            ')' | ']' | '}' => Event::Close(character),
            '"' | '«' | '“' | '„' | '\'' => self.string(character),
            _ if is_letter(character) => {
                self.word();
                Event::Other('a')
            }
            _ => Event::Other(character),
        };
        Some((at, event))
    }

    /// Past the rest of a word, with the apostrophes inside it.
    fn word(&mut self) {
        let rest = &self.text[self.position..];
        let mut characters = rest.char_indices().peekable();
        let mut end = rest.len();
        while let Some((index, character)) = characters.next() {
            let apostrophe = matches!(character, '\'' | '’');
            let inside =
                is_letter(character) || (apostrophe && characters.peek().is_some_and(|(_, next)| next.is_alphabetic()));
            if !inside {
                end = index;
                break;
            }
        }
        self.position += end;
    }

    fn string(&mut self, open: char) -> Event {
        let close = match open {
            '«' => '»',
            '“' | '„' => '”',
            other => other,
        };
        let rest = &self.text[self.position..];
        let mut escaped = false;
        for (index, character) in rest.char_indices() {
            if character == '\n' {
                self.position += index;
                return Event::Unclosed;
            }
            if escaped {
                escaped = false;
            } else if character == '\\' {
                escaped = true;
            } else if character == close || (open == '„' && character == '“') {
                self.position += index + character.len_utf8();
                return Event::Other('"');
            }
        }
        self.position = self.text.len();
        Event::Unclosed
    }
}

pub(super) fn is_letter(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}
