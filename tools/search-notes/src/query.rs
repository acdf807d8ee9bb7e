//! What is looked for.

use std::collections::BTreeMap;

use crate::stem::Stems;
use crate::words::each_word;

/// Words after these say little that the first ones did not.
const MOST_TERMS: usize = 24;

/// Words that are remembered: at most a few megabytes of them.
const MOST_SEEN: usize = 20_000;

/// What a word in the form that was asked for counts, against one that only has its stem.
const OTHER_FORM: f64 = 0.8;

/// The words that are looked for, each once.
#[derive(Debug)]
pub struct Query {
    terms: Vec<Term>,
    /// Of the word that is looked at.
    stems: Stems,
    /// What words that were looked at stand for.
    seen: BTreeMap<String, Vec<(usize, f64)>>,
}

#[derive(Debug)]
struct Term {
    word: String,
    stems: Stems,
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
                terms.push(Term { word: word.to_owned(), stems, prefix });
            }
        });
        Self { terms, stems: Stems::default(), seen: BTreeMap::new() }
    }

    /// How many words are looked for.
    pub fn len(&self) -> usize {
        self.terms.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// What a word begins with that could be one of them: stems begin as their words do.
    pub fn first_letters(&self) -> Vec<char> {
        self.terms.iter().filter_map(|term| term.word.chars().next()).collect()
    }

    /// Hands those that a folded word stands for to a function, with what it counts.
    pub fn each_match(&mut self, word: &str, take: impl FnMut(usize, f64)) {
        if word.is_empty() {
            return;
        }
        if let Some(known) = self.seen.get(word) {
            return known.iter().copied().for_each(pairs(take));
        }
        let found = self.matches(word);
        found.iter().copied().for_each(pairs(take));
        // The same words come again and again.
        if self.seen.len() < MOST_SEEN {
            self.seen.insert(word.to_owned(), found);
        }
    }

    fn matches(&mut self, word: &str) -> Vec<(usize, f64)> {
        self.stems.set(word);
        let mut found = Vec::new();
        for (index, term) in self.terms.iter().enumerate() {
            if term.word == word {
                found.push((index, 1.0));
            } else if term.stems.meet(&self.stems) || (term.prefix && word.starts_with(&term.word)) {
                found.push((index, OTHER_FORM));
            }
        }
        found
    }
}

fn pairs(mut take: impl FnMut(usize, f64)) -> impl FnMut((usize, f64)) {
    move |(term, weight)| take(term, weight)
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
