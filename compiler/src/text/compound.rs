//! Questions that ask more than one thing.

use super::limits::{Event, Scanner};
use super::{Part, Problem};
use crate::codes;

/// The first word or sign of a question that joins two of them or turns one around, outside of texts in quotation marks.
pub(crate) fn compound(part: Part<'_>) -> Option<Problem> {
    let text = part.text;
    let mut scanner = Scanner::new(text);
    while let Some((at, event)) = scanner.next() {
        let rest = &text[at..];
        let (length, kind) = match event {
            Event::Other('a') => {
                let length = scanner.position - at;
                match rest[..length].to_lowercase().as_str() {
                    "and" | "та" | "і" | "й" => (length, "and"),
                    "or" | "або" => (length, "or"),
                    "not" | "не" => (length, "not"),
                    _ => continue,
                }
            }
            Event::Other('&') if rest.starts_with("&&") => (2, "and"),
            Event::Other('|') if rest.starts_with("||") => (2, "or"),
            Event::Other('!') if rest.len() > 1 && !rest.starts_with("!=") => (1, "not"),
            _ => continue,
        };
        let span = part.offset + at..part.offset + at + length;
        let problem = Problem::warning(codes::COMPOUND_QUESTION, span);
        return Some(problem.with("found", &rest[..length]).with("kind", kind));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_of_logic_outside_of_texts_count() {
        let found = |text| compound(Part::new(text, 0)).map(|problem| problem.span);
        assert_eq!(found("a > 1 and b?"), Some(6..9));
        assert_eq!(found("a == \"this or that\"?"), None);
        assert_eq!(found("a != b?"), None);
        assert_eq!(found("android == oregano?"), None);
        assert_eq!(found("НЕ готово?"), Some(0..4));
        assert_eq!(found("a && b"), Some(2..4));
        assert_eq!(found("!a"), Some(0..1));
        assert_eq!(found("Готово!"), None);
    }
}
