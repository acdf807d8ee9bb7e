//! Words with a meaning of their own, and the nearest of some words.

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

/// The CEL name of a function that is written in other words.
pub(super) fn function(name: &str) -> &str {
    match name {
        "length" | "len" | "довжина" | "розмір" | "кількість" => "size",
        "слова" => "words",
        "рядки" => "lines",
        "токени" => "tokens",
        "малими" => "lower",
        "великими" => "upper",
        "обрізати" => "trim",
        "розділити" => "split",
        "об'єднати" | "з'єднати" => "join",
        "замінити" => "replace",
        "впорядкувати" | "сортувати" => "sort",
        "унікальні" | "без_повторів" => "distinct",
        "сума" => "sum",
        "мінімум" | "мін" => "min",
        "максимум" | "макс" => "max",
        "ключі" => "keys",
        "злити" => "merge",
        "містить" => "contains",
        "починається_з" | "starts_with" => "startsWith",
        "закінчується_на" | "ends_with" => "endsWith",
        "відібрати" => "filter",
        "перетворити" => "map",
        "усі" | "всі" => "all",
        "існує" => "exists",
        "текст" => "string",
        "ціле" => "int",
        other => other,
    }
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
