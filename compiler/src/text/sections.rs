//! The text of an icon in statements: one a line, unless brackets or the block of an LLM call go on.

use std::ops::Range;

use pest::error::{ErrorVariant, InputLocation};

use super::grammar::Rule;
use super::limits::{Event, Scanner, is_letter};
use super::{Part, Problem};
use crate::codes;

/// A statement before it is read.
#[derive(Debug)]
pub(super) enum Section<'a> {
    Statement(Part<'a>),
    Block(Block<'a>),
}

/// `x ← LLM:`, a prompt, and what its answer looks like.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// With the colon.
    pub(super) head: Part<'a>,
    pub(super) prompt: Part<'a>,
    pub(super) format: Option<Part<'a>>,
}

/// Splits a text in statements.
pub(super) fn sections(part: Part<'_>) -> Vec<Section<'_>> {
    let text = part.text;
    let mut sections = Vec::new();
    let mut position = 0;
    while position < text.len() {
        let line_end = line_end(text, position);
        let line = &text[position..line_end];
        if line.trim().is_empty() || is_remark(line) {
            position = line_end + 1;
            continue;
        }
        if let Some(colon) = block_head(text, position) {
            let (block, end) = block(part, position, colon);
            sections.push(Section::Block(block));
            position = end;
            continue;
        }
        let mut end = statement_end(text, position);
        if let Some(format) = next_format(text, end) {
            end = statement_end(text, format);
        }
        sections.push(Section::Statement(part.slice(position..end).trimmed()));
        position = end + 1;
    }
    sections
}

/// The lines between statements that say nothing to the compiler, without their marks.
pub(crate) fn remarks(text: &str) -> Vec<&str> {
    let mut remarks = Vec::new();
    let mut position = 0;
    while position < text.len() {
        let end = line_end(text, position);
        let line = &text[position..end];
        if is_remark(line) {
            remarks.push(line.trim_start().trim_start_matches(['#', '/']).trim());
            position = end + 1;
        } else if let Some(colon) = block_head(text, position) {
            position = block(Part::new(text, 0), position, colon).1;
        } else {
            position = statement_end(text, position) + 1;
        }
    }
    remarks
}

/// Whether a line says nothing to the compiler.
pub(super) fn is_remark(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('#') || line.starts_with("//")
}

pub(super) fn line_end(text: &str, position: usize) -> usize {
    text[position..].find('\n').map_or(text.len(), |offset| position + offset)
}

/// The end of the statement that begins here: of its line, or of the line where its brackets close.
pub(super) fn statement_end(text: &str, position: usize) -> usize {
    let mut scanner = Scanner::new(&text[position..]);
    let mut depth = 0_usize;
    while let Some((at, event)) = scanner.next() {
        match event {
            Event::Open(_) => depth += 1,
            Event::Close(_) => depth = depth.saturating_sub(1),
            Event::Other('\n') if depth == 0 => return position + at,
            // The rest is nonsense; the line with the quotation mark is told.
            Event::Unclosed => return position + scanner.position,
            Event::Other(_) => {}
        }
    }
    text.len()
}

/// The colon of `x ← LLM(…):`, where the line at `position` is the head of a block.
pub(super) fn block_head(text: &str, position: usize) -> Option<usize> {
    let line = &text[position..line_end(text, position)];
    let (word, _) = ["LLM", "ЛЛМ"].iter().filter_map(|word| line.find(word).map(|at| (at, word))).min()?;
    let before = line[..word].trim_end();
    if !(before.is_empty() || before.ends_with(['←', '=']) || before.ends_with("<-")) || before.contains(['"', '(']) {
        return None;
    }
    let mut after = position + word;
    after += text[after..].chars().take(3).map(char::len_utf8).sum::<usize>();
    let mut rest = text[after..].trim_start_matches([' ', '\t']);
    if rest.starts_with('(') {
        let start = text.len() - rest.len();
        let mut scanner = Scanner::new(rest);
        let mut depth = 0_usize;
        loop {
            match scanner.next()? {
                (_, Event::Open(_)) => depth += 1,
                (_, Event::Close(_)) => depth -= 1,
                (_, Event::Unclosed) => return None,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        rest = text[start + scanner.position..].trim_start_matches([' ', '\t']);
    }
    rest.starts_with(':').then(|| text.len() - rest.len())
}

/// The block whose head ends with this colon, and where the text goes on after it.
fn block(part: Part<'_>, position: usize, colon: usize) -> (Block<'_>, usize) {
    let text = part.text;
    let head = part.slice(position..colon + 1).trimmed();
    let mut line = colon + 1;
    loop {
        let Some(format) = next_line(text, line).filter(|start| *start < text.len()) else {
            let prompt = part.slice(colon + 1..text.len());
            return (Block { head, prompt, format: None }, text.len());
        };
        if is_format(&text[format..]) {
            let end = statement_end(text, format);
            let prompt = part.slice(colon + 1..format);
            return (Block { head, prompt, format: Some(part.slice(format..end).trimmed()) }, end + 1);
        }
        line = format;
    }
}

/// Where the line after this position begins.
fn next_line(text: &str, position: usize) -> Option<usize> {
    text.get(position..)?.find('\n').map(|offset| position + offset + 1)
}

/// The next line that says something, if it begins with `FORMAT`.
fn next_format(text: &str, position: usize) -> Option<usize> {
    let mut line = next_line(text, position)?;
    while line < text.len() && text[line..line_end(text, line)].trim().is_empty() {
        line = next_line(text, line)?;
    }
    text.get(line..).filter(|rest| is_format(rest)).map(|_| line)
}

/// Whether a line says what an answer looks like.
pub(crate) fn is_format(line: &str) -> bool {
    let line = line.trim_start();
    let rest = ["FORMAT", "ФОРМАТ"].iter().find_map(|word| line.strip_prefix(word));
    rest.is_some_and(|rest| {
        rest.trim_start().starts_with(['{', '[', ':', '"']) || !rest.starts_with(is_letter) && !rest.is_empty()
    })
}

/// What the grammar stumbled over.
pub(super) fn syntax_error(part: Part<'_>, error: &pest::error::Error<Rule>) -> Problem {
    let at = match error.location {
        InputLocation::Pos(at) | InputLocation::Span((at, _)) => at.min(part.text.len()),
    };
    let after_space = part.text[at..].trim_start();
    if after_space.is_empty() {
        let end = part.text.trim_end().len();
        let start = part.text[..end].char_indices().next_back().map_or(0, |(index, _)| index);
        return Problem::error(codes::INCOMPLETE, part.offset + start..part.offset + end)
            .with("expected", expected(&error.variant));
    }
    let start = part.text.len() - after_space.len();
    if let Some(problem) = slip(part, start) {
        return problem;
    }
    let length = word_length(after_space);
    let span = part.offset + start..part.offset + start + length;
    Problem::error(codes::SYNTAX, span).with("found", &after_space[..length]).with("expected", expected(&error.variant))
}

/// A slip of the keyboard where the grammar stumbled: a sign that only looks like an apostrophe, a comma in a number.
fn slip(part: Part<'_>, at: usize) -> Option<Problem> {
    let (before, rest) = part.text.split_at(at);
    let sign = rest.chars().next()?;
    let after = &rest[sign.len_utf8()..];
    let start = |is_part: fn(char) -> bool| {
        before.char_indices().rev().take_while(|(_, letter)| is_part(*letter)).last().map(|(index, _)| index)
    };
    let end = |is_part: fn(char) -> bool| {
        let length: usize = after.chars().take_while(|letter| is_part(*letter)).map(char::len_utf8).sum();
        (length > 0).then_some(at + sign.len_utf8() + length)
    };
    match sign {
        '`' | '´' | '′' | '‘' | '‛' | 'ˈ' => {
            let word = start(is_letter)?..end(is_letter)?;
            let meant = part.text[word].replace(sign, "'");
            let span = part.offset + at..part.offset + at + sign.len_utf8();
            Some(Problem::error(codes::APOSTROPHE, span).with("found", sign).with("name", meant))
        }
        ',' => {
            let is_digit = |letter: char| letter.is_ascii_digit();
            let number = start(is_digit)?..end(is_digit)?;
            let found = &part.text[number.clone()];
            let span = part.offset + number.start..part.offset + number.end;
            Some(Problem::error(codes::DECIMAL_COMMA, span).with("found", found).with("name", found.replace(',', ".")))
        }
        _ => None,
    }
}

/// A word that the catalogue translates.
fn expected(variant: &ErrorVariant<Rule>) -> &'static str {
    let ErrorVariant::ParsingError { positives, .. } = variant else { return "other" };
    let has = |rules: &[Rule]| positives.iter().any(|rule| rules.contains(rule));
    if has(&[Rule::operand, Rule::expr, Rule::number, Rule::variable, Rule::strings]) {
        "value"
    } else if has(&[Rule::EOI, Rule::member, Rule::add, Rule::and]) {
        "operator"
    } else {
        "other"
    }
}

fn word_length(text: &str) -> usize {
    let letters: usize = text.chars().take_while(|letter| is_letter(*letter)).map(char::len_utf8).sum();
    if letters > 0 { letters } else { text.chars().next().map_or(0, char::len_utf8) }
}

/// A span of no more than one line, so that it can be drawn.
pub(super) fn first_line(text: &str, range: Range<usize>) -> Range<usize> {
    let slice = &text[range.clone()];
    let start = range.start + (slice.len() - slice.trim_start().len());
    let end = text[start..range.end].find('\n').map_or(range.end, |offset| start + offset);
    start..start + text[start..end].trim_end().len()
}
