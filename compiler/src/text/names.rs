//! Words with a meaning of their own, and the nearest of some words.

use std::ops::Range;

use bloom_ir::document::Locale;
use pest::Parser;

use super::grammar::{Grammar, Rule};

/// Whether a name can stand as it is where a variable is meant.
pub(crate) fn is_variable(name: &str) -> bool {
    name != "v" && whole(Rule::variable, name)
}

/// Whether a name can stand as it is after a dot, or as a label.
pub(crate) fn is_word(name: &str) -> bool {
    whole(Rule::word, name)
}

/// Whether a name is one word, with dashes or without.
pub(crate) fn is_callee(name: &str) -> bool {
    whole(Rule::callee, name)
}

fn whole(rule: Rule, name: &str) -> bool {
    Grammar::parse(rule, name)
        .is_ok_and(|mut pairs| pairs.next().is_some_and(|pair| pair.as_span().end() == name.len()))
}

/// A name that means something without being set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    /// `input`
    Input,
    /// `run`
    Run,
    /// `run.now`
    Now,
}

/// The special meaning of a name, where it has one.
pub(crate) fn special(name: &str) -> Option<Special> {
    Some(match name {
        "input" => Special::Input,
        "run" => Special::Run,
        "now" | "поточний_час" | "зараз" => Special::Now,
        _ => return None,
    })
}

/// Functions in Ukrainian words; the first word of several is printed.
const UKRAINIAN: [(&str, &[&str]); 24] = [
    ("size", &["довжина", "розмір", "кількість"]),
    ("words", &["слова"]),
    ("lines", &["рядки"]),
    ("tokens", &["токени"]),
    ("lower", &["малими"]),
    ("upper", &["великими"]),
    ("trim", &["обрізати"]),
    ("split", &["розділити"]),
    ("join", &["об'єднати", "з'єднати"]),
    ("replace", &["замінити"]),
    ("sort", &["впорядкувати", "сортувати"]),
    ("distinct", &["унікальні", "без_повторів"]),
    ("sum", &["сума"]),
    ("min", &["мінімум", "мін"]),
    ("max", &["максимум", "макс"]),
    ("keys", &["ключі"]),
    ("merge", &["злити"]),
    ("contains", &["містить"]),
    ("startsWith", &["починається_з"]),
    ("endsWith", &["закінчується_на"]),
    ("filter", &["відібрати"]),
    ("map", &["перетворити"]),
    ("all", &["усі", "всі"]),
    ("exists", &["існує"]),
];

/// The CEL name of a function that is written in other words.
pub(super) fn function(name: &str) -> &str {
    match name {
        "length" | "len" => "size",
        "starts_with" => "startsWith",
        "ends_with" => "endsWith",
        "текст" => "string",
        "ціле" => "int",
        other => UKRAINIAN.iter().find(|(_, words)| words.contains(&other)).map_or(other, |(function, _)| function),
    }
}

/// A function in the words of a language.
pub(crate) fn surface_name(function: &str, locale: Locale) -> &str {
    if locale == Locale::En {
        return function;
    }
    let words = UKRAINIAN.iter().find(|(name, _)| *name == function);
    words.and_then(|(_, words)| words.first()).copied().unwrap_or(function)
}

/// Names of functions in other words, for those who misspell them.
pub(super) const OTHER_NAMES: [&str; 8] =
    ["length", "довжина", "сума", "унікальні", "містить", "відібрати", "перетворити", "впорядкувати"];

/// Whether a method asks for a tag: `нотатка.має_тег("x")`.
pub(super) fn asks_for_tag(name: &str) -> bool {
    matches!(name, "має_тег" | "has_tag" | "hasTag")
}

/// More letters are no word that somebody misspelt.
const LONGEST: usize = 100;

/// A word that was probably meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Near<'a> {
    word: &'a str,
    /// The letter that looks like the right one and belongs to another script.
    alike: Option<char>,
}

impl<'a> Near<'a> {
    pub(crate) fn word(&self) -> &'a str {
        self.word
    }

    pub(crate) fn alike(&self) -> Option<char> {
        self.alike
    }
}

/// Where a whole word stands in a part of a text.
pub(crate) fn find_word(text: &str, part: &Range<usize>, word: &str) -> Option<Range<usize>> {
    let within = text.get(part.clone()).filter(|_| !word.is_empty())?;
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    within.match_indices(word).map(|(at, _)| part.start + at).find_map(|start| {
        let end = start + word.len();
        let alone = !text[..start].ends_with(is_letter) && !text[end..].starts_with(is_letter);
        alone.then_some(start..end)
    })
}

/// The word that was probably meant.
pub(crate) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<Near<'a>> {
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    let limit = (length / 3).max(1);
    let shape = skeleton(word);
    words
        .into_iter()
        .filter(|candidate| *candidate != word && candidate.len() <= 2 * LONGEST)
        .filter(|candidate| candidate.chars().count().abs_diff(length) <= limit)
        .filter_map(|candidate| {
            if skeleton(candidate) == shape {
                return Some((0, Near { word: candidate, alike: foreign_letter(word, candidate) }));
            }
            let distance = strsim::osa_distance(&lower, &candidate.to_lowercase());
            (distance <= limit && distance < length).then_some((distance + 1, Near { word: candidate, alike: None }))
        })
        .min_by(|(one, former), (other, latter)| one.cmp(other).then_with(|| former.word.cmp(latter.word)))
        .map(|(_, near)| near)
}

/// Looks for what was meant, as long as there is not too much to compare: a large program that is all wrong is told so
/// in linear time, with suggestions for the first of its words.
#[derive(Debug)]
pub(crate) struct Speller {
    left: usize,
}

impl Default for Speller {
    fn default() -> Self {
        Self { left: 500_000 }
    }
}

impl Speller {
    /// The word that was probably meant.
    pub(crate) fn nearest<'a>(&mut self, word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<Near<'a>> {
        let left = &mut self.left;
        let counted = words.into_iter().take_while(|_| {
            *left = left.saturating_sub(1);
            *left > 0
        });
        nearest(word, counted)
    }
}

/// The first letter that differs, of two words that look alike.
pub(crate) fn foreign_letter(word: &str, other: &str) -> Option<char> {
    word.chars().zip(other.chars()).find(|(letter, other)| letter != other).map(|(letter, _)| letter)
}

/// The script of a letter, as messages name it.
pub(crate) fn script(letter: char) -> &'static str {
    match letter {
        '\u{400}'..='\u{52F}' => "cyrillic",
        '\u{370}'..='\u{3FF}' => "greek",
        letter if letter.is_alphabetic() && letter < '\u{250}' => "latin",
        _ => "other",
    }
}

/// A word with its letters as those of the Latin script that look like them (Unicode Technical Standard 39, for the
/// scripts that Ukrainian keyboards mix).
pub(crate) fn skeleton(word: &str) -> String {
    word.chars().map(|letter| latin(letter).unwrap_or(letter)).collect()
}

fn latin(letter: char) -> Option<char> {
    Some(match letter {
        'а' | 'α' => 'a',
        'с' => 'c',
        'ԁ' => 'd',
        'е' => 'e',
        'һ' => 'h',
        'і' => 'i',
        'ї' => 'ï',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'ν' => 'v',
        'у' => 'y',
        'х' => 'x',
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'С' => 'C',
        'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'І' | 'Ι' => 'I',
        'Ї' => 'Ï',
        'Ј' => 'J',
        'К' | 'Κ' => 'K',
        'М' | 'Μ' => 'M',
        'О' | 'Ο' => 'O',
        'Р' | 'Ρ' => 'P',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'У' | 'Υ' => 'Y',
        'Х' | 'Χ' => 'X',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word<'a>(written: &str, words: &[&'a str]) -> Option<&'a str> {
        nearest(written, words.iter().copied()).map(|near| near.word())
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(word("нотатка", &["нотатки", "зміст"]), Some("нотатки"));
        assert_eq!(word("read-note", &["read-notes", "read-memory"]), Some("read-notes"));
        assert_eq!(word("x", &["y", "count"]), None);
        assert_eq!(word("banana", &["count", "notes"]), None);
    }

    #[test]
    fn a_letter_of_another_script_is_found() {
        let near = nearest("сount", ["court", "count"]).unwrap();
        assert_eq!((near.word(), near.alike().map(script)), ("count", Some("cyrillic")));
        let near = nearest("x", ["х"]).unwrap();
        assert_eq!((near.word(), near.alike().map(script)), ("х", Some("latin")));
        assert_eq!(nearest("caunt", ["count"]).unwrap().alike(), None);
    }
}
