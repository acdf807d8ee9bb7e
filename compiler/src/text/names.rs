//! Words with a meaning of their own, and the nearest of some words.

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

/// The word that was probably meant.
pub(crate) fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let length = lower.chars().count();
    let limit = (length / 3).max(1);
    words
        .into_iter()
        .filter(|candidate| *candidate != word && candidate.chars().count().abs_diff(length) <= limit)
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit && *distance < length)
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("нотатка", ["нотатки", "зміст"]), Some("нотатки"));
        assert_eq!(nearest("read-note", ["read-notes", "read-memory"]), Some("read-notes"));
        assert_eq!(nearest("x", ["y", "count"]), None);
        assert_eq!(nearest("banana", ["count", "notes"]), None);
    }
}
