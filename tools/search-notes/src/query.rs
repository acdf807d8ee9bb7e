//! What is looked for.

use crate::stem::Stems;
use crate::words::each_word;

/// Words after these say little that the first ones did not.
const MOST_TERMS: usize = 24;

/// What a word in the form that was asked for counts, against one that only has its stem.
const OTHER_FORM: f64 = 0.8;

/// The words that are looked for, each once.
#[derive(Debug)]
pub struct Query {
    terms: Vec<Term>,
    /// Of the word that is looked at.
    stems: Stems,
}

#[derive(Debug)]
struct Term {
    word: String,
    stems: Stems,
    first: Option<char>,
    /// Whether any word that begins so is meant: `скрип*`.
    prefix: bool,
}

impl Query {
    /// Reads it; words of one stem are one.
    pub fn parse(text: &str) -> Self {
        let mut terms: Vec<Term> = Vec::new();
        each_word(text, |word, span| {
            let prefix = text[span.end..].starts_with('*');
            let mut stems = Stems::default();
            stems.set(word);
            let known = terms.iter().any(|term| term.stems.meet(&stems) && term.prefix == prefix);
            if !known && terms.len() < MOST_TERMS {
                terms.push(Term { word: word.to_owned(), stems, first: word.chars().next(), prefix });
            }
        });
        Self { terms, stems: Stems::default() }
    }

    /// How many words are looked for.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Hands those that a folded word stands for to a function, with what it counts.
    pub fn each_match(&mut self, word: &str, mut take: impl FnMut(usize, f64)) {
        // Stems begin as their words do, so most words of a text need none.
        let first = word.chars().next();
        if self.terms.iter().all(|term| term.first != first) {
            return;
        }
        self.stems.set(word);
        for (index, term) in self.terms.iter().enumerate() {
            if term.word == word {
                take(index, 1.0);
            } else if term.stems.meet(&self.stems) || (term.prefix && word.starts_with(&term.word)) {
                take(index, OTHER_FORM);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(query: &str, word: &str) -> Vec<(usize, f64)> {
        let mut found = Vec::new();
        Query::parse(query).each_match(word, |term, weight| found.push((term, weight)));
        found
    }

    #[test]
    fn a_word_is_found_in_all_its_forms() {
        assert_eq!(matches("смичок і скрипка", "скрипці"), [(2, OTHER_FORM)]);
        assert_eq!(matches("смичок і скрипка", "скрипка"), [(2, 1.0)]);
        assert!(matches("смичок і скрипка", "сурдина").is_empty());
    }

    #[test]
    fn a_star_finds_what_begins_so() {
        assert_eq!(matches("скрип*", "скрипаль"), [(0, OTHER_FORM)]);
        assert!(matches("скрип", "скрипаль").is_empty());
    }

    #[test]
    fn forms_of_one_word_are_one_term() {
        assert_eq!(Query::parse("скрипка скрипки, скрипок!").len(), 1);
        assert!(Query::parse(" ?! — ").is_empty());
        assert_eq!(Query::parse(&(0..1000).map(|n| n.to_string()).collect::<Vec<_>>().join(" ")).len(), MOST_TERMS);
    }
}
