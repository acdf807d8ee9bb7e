//! The words of a text, in the form in which they are compared.
//!
//! Case, stress marks, soft hyphens, the kind of apostrophe, and ґ against г make no difference; a hyphen separates words.

use std::ops::Range;

/// The longest word, in letters: what is longer is data, and its rest is passed over.
const LONGEST: usize = 48;

/// A word's place in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// In bytes.
    pub start: usize,
    /// In bytes.
    pub end: usize,
}

impl Span {
    /// As a range.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// Hands each word of a text to a function, folded.
pub fn each_word(text: &str, take: impl FnMut(&str, Span)) {
    each_wanted_word(text, |_| true, take);
}

/// The same, where a word whose first letter is not wanted is only counted: what comes for it is empty.
pub fn each_wanted_word(text: &str, wanted: impl Fn(char) -> bool, mut take: impl FnMut(&str, Span)) {
    let mut word = Word::default();
    let mut letters = text.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        match kind(letter) {
            Kind::Letter(folded) => {
                if word.letters == 0 {
                    word.start = at;
                    word.passed_over = !wanted(folded);
                }
                word.push(folded, at + letter.len_utf8());
            }
            Kind::Mark => word.mark(letter, at + letter.len_utf8()),
            // Within a word only: `'quoted'` is in quotes.
            Kind::Apostrophe if word.letters > 0 && letters.peek().is_some_and(|(_, next)| next.is_alphabetic()) => {
                word.apostrophe = Some(word.folded.len());
            }
            Kind::Apostrophe | Kind::Other => word.finish(&mut take),
        }
    }
    word.finish(&mut take);
}

/// A word that is being read.
#[derive(Default)]
struct Word {
    folded: String,
    letters: usize,
    /// Whether it is only counted.
    passed_over: bool,
    start: usize,
    end: usize,
    /// Where the last apostrophe was left out.
    apostrophe: Option<usize>,
}

impl Word {
    fn push(&mut self, letter: char, end: usize) {
        self.end = end;
        if self.letters < LONGEST {
            self.letters += 1;
            if !self.passed_over {
                self.folded.push(letter);
            }
        }
    }

    /// A sign that belongs to the letter before it: it makes another letter of some, and means nothing after others.
    fn mark(&mut self, mark: char, end: usize) {
        if self.letters == 0 {
            return;
        }
        self.end = end;
        let composed = match (self.folded.chars().next_back(), mark) {
            (Some('и'), '\u{306}') => 'й',
            (Some('і'), '\u{308}') => 'ї',
            _ => return,
        };
        self.folded.pop();
        self.folded.push(composed);
    }

    fn finish(&mut self, take: &mut impl FnMut(&str, Span)) {
        if self.letters == 0 {
            return;
        }
        // `the bow's hair` speaks of a bow.
        if self.apostrophe.is_some_and(|at| &self.folded[at..] == "s" && self.folded.is_ascii()) {
            self.folded.pop();
        }
        take(&self.folded, Span { start: self.start, end: self.end });
        self.folded.clear();
        self.letters = 0;
        self.apostrophe = None;
    }
}

enum Kind {
    /// A letter or a digit, folded.
    Letter(char),
    /// Combines with the letter before it, or cannot be seen.
    Mark,
    Apostrophe,
    Other,
}

fn kind(letter: char) -> Kind {
    match letter {
        'a'..='z' | '0'..='9' => Kind::Letter(letter),
        'A'..='Z' => Kind::Letter(letter.to_ascii_lowercase()),
        '\'' | '’' | 'ʼ' | '‘' | '`' | '´' | '′' | '＇' => Kind::Apostrophe,
        '\0'..='\u{7f}' => Kind::Other,
        'ґ' | 'Ґ' => Kind::Letter('г'),
        'ё' | 'Ё' => Kind::Letter('е'),
        'а'..='я' | 'ѐ'..='џ' => Kind::Letter(letter),
        '\u{300}'..='\u{36f}' | '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => Kind::Mark,
        _ if letter.is_alphanumeric() => Kind::Letter(letter.to_lowercase().next().unwrap_or(letter)),
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let mut words = Vec::new();
        each_word(text, |word, _| words.push(word.to_owned()));
        words
    }

    #[test]
    fn case_makes_no_difference() {
        assert_eq!(words("СКРИПКА Їжак Bow ÉTUDE"), ["скрипка", "їжак", "bow", "étude"]);
    }

    #[test]
    fn every_apostrophe_is_the_same_and_no_letter() {
        for text in ["пам'ять", "пам’ять", "памʼять", "пам`ять", "ПАМ′ЯТЬ"] {
            assert_eq!(words(text), ["память"], "{text}");
        }
        assert_eq!(words("'bow' ’смичок’"), ["bow", "смичок"]);
        assert_eq!(words("don't the bow's hair"), ["dont", "the", "bow", "hair"]);
    }

    #[test]
    fn letters_that_are_written_in_two_ways_are_one() {
        assert_eq!(words("ґанок ганок"), ["ганок", "ганок"]);
        assert_eq!(words("за\u{301}мок скри\u{ad}пка"), ["замок", "скрипка"]);
        assert_eq!(words("мии\u{306} і\u{308}жак"), ["мий", "їжак"]);
    }

    #[test]
    fn hyphens_and_other_signs_separate() {
        assert_eq!(
            words("скрипка-соло скрипка‑соло «фа–соль» №1, x_y"),
            ["скрипка", "соло", "скрипка", "соло", "фа", "соль", "1", "x", "y"]
        );
        assert!(words("— !? \u{301}").is_empty());
    }

    #[test]
    fn a_word_says_where_it_stands() {
        let text = "Це пам'ять.";
        let mut found = Vec::new();
        each_word(text, |_, span| found.push(&text[span.range()]));
        assert_eq!(found, ["Це", "пам'ять"]);
    }

    #[test]
    fn a_word_that_does_not_end_is_cut() {
        assert_eq!(words(&"ї".repeat(100_000)), ["ї".repeat(LONGEST)]);
    }
}
