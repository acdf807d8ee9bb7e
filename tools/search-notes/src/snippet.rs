//! The part of a note that shows why it was found.

use crate::query::Query;
use crate::words::{Span, each_word};

/// Of a snippet, in characters.
const LENGTH: usize = 240;

/// Places that are looked at, of all that there are.
const MOST_PLACES: usize = 2_000;

/// A place of one of the words.
#[derive(Clone, Copy)]
struct Hit {
    span: Span,
    term: usize,
}

/// The part of a text with the most different words that are looked for, the first such; its beginning where there are
/// none. White space is one space; `…` stands where the text goes on.
pub fn snippet(text: &str, query: &mut Query) -> String {
    let mut hits = Vec::new();
    each_word(text, |word, span| {
        if hits.len() < MOST_PLACES {
            query.each_match(word, |term, _| hits.push(Hit { span, term }));
        }
    });
    let (start, end) = best(text, &hits).map_or((0, 0), |part| (part.start, part.end));
    // What is left goes before and after, mostly after: it is where a reader looks.
    let left = LENGTH.saturating_sub(text[start..end].chars().count());
    let before = back(text, start, left / 4);
    let after = forth(text, end, left - text[before..start].chars().count());
    shown(text, before, after)
}

/// From the first to the last of the words that are shown.
fn best(text: &str, hits: &[Hit]) -> Option<Span> {
    let mut best: Option<(usize, Span)> = None;
    for (index, first) in hits.iter().enumerate() {
        let mut seen: Vec<usize> = Vec::new();
        let mut end = first.span.end;
        // A letter has at most four bytes, so more bytes than that are too many characters for sure.
        for hit in hits[index..].iter().take_while(|hit| hit.span.end - first.span.start <= 4 * LENGTH) {
            if text[first.span.start..hit.span.end].chars().count() > LENGTH {
                break;
            }
            if !seen.contains(&hit.term) {
                seen.push(hit.term);
                end = hit.span.end;
            }
        }
        if best.is_none_or(|(most, _)| seen.len() > most) {
            best = Some((seen.len(), Span { start: first.span.start, end }));
        }
    }
    best.map(|(_, part)| part)
}

/// A place at most so many characters before, where a word begins.
fn back(text: &str, from: usize, characters: usize) -> usize {
    let earlier = text[..from].char_indices().rev().take(characters).last().map_or(from, |(at, _)| at);
    if earlier == 0 || text[..earlier].ends_with(char::is_whitespace) {
        return earlier;
    }
    text[earlier..from].find(char::is_whitespace).map_or(from, |at| earlier + at)
}

/// A place at most so many characters after, where a word ends.
fn forth(text: &str, from: usize, characters: usize) -> usize {
    let later = text[from..].char_indices().nth(characters).map_or(text.len(), |(at, _)| from + at);
    if later == text.len() || text[later..].starts_with(char::is_whitespace) {
        return later;
    }
    // A word without an end, as a link, is cut rather than left out.
    text[from..later].rfind(char::is_whitespace).map_or(later, |at| from + at)
}

fn shown(text: &str, start: usize, end: usize) -> String {
    let mut shown = String::new();
    if !text[..start].trim().is_empty() {
        shown.push_str("… ");
    }
    for (index, word) in text[start..end].split_whitespace().enumerate() {
        if index > 0 {
            shown.push(' ');
        }
        shown.push_str(word);
    }
    if !text[end..].trim().is_empty() {
        shown.push_str(" …");
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, query: &str) -> String {
        snippet(text, &mut Query::parse(query))
    }

    #[test]
    fn the_place_with_the_most_words_is_shown() {
        let text =
            format!("смичок раз. {} Тут смичок і\n\n скрипка разом. {}", "слово ".repeat(100), "інше ".repeat(100));
        let snippet = of(&text, "скрипка смичок");
        assert!(snippet.contains("Тут смичок і скрипка разом."), "{snippet}");
        assert!(snippet.starts_with("… слово") && snippet.ends_with("інше …"), "{snippet}");
        assert!(snippet.chars().count() <= LENGTH + 4, "{}", snippet.chars().count());
    }

    #[test]
    fn a_short_text_is_shown_whole() {
        assert_eq!(of("Про  смичок.\n", "смичок"), "Про смичок.");
        assert_eq!(of("", "смичок"), "");
    }

    #[test]
    fn without_any_of_the_words_the_beginning_is_shown() {
        let snippet = of(&"слово ".repeat(200), "смичок");
        assert!(snippet.starts_with("слово") && snippet.ends_with('…'), "{snippet}");
    }

    #[test]
    fn no_letter_is_cut_in_two() {
        let text = format!("{}смичок{}", "їґ".repeat(5_000), "ʼя".repeat(5_000));
        let snippet = of(&text, "смичок");
        assert!(snippet.chars().count() <= LENGTH + 4, "{}", snippet.chars().count());
        let words = format!("https://{} смичок https://{}", "а".repeat(1_000), "б".repeat(1_000));
        assert!(of(&words, "смичок").contains("смичок"));
    }
}
