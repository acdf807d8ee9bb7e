//! The words of the language in Ukrainian and English, and those that were meant by misspelt ones.

use bloom_ir::document::Locale;

use super::limits::is_letter;
use super::names::nearest;
use super::{Part, Problem};
use crate::codes;

/// A word of the language; in a line it stands first, or after an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyword {
    Begin,
    End,
    Param,
    Machine,
    If,
    Else,
    ElseIf,
    ForEach,
    Repeat,
    Select,
    Case,
    Parallel,
    Path,
    Branch,
    Step,
    Skip,
    Next,
    Break,
    Return,
    Fail,
    Artifact,
    Event,
    Log,
    Pause,
    Until,
    Timer,
    Await,
    Call,
    Start,
    Within,
    Format,
}

/// Each word as it is printed, in Ukrainian and in English.
const WORDS: [(Keyword, &str, &str); 31] = [
    (Keyword::Begin, "ПОЧАТОК", "BEGIN"),
    (Keyword::End, "КІНЕЦЬ", "END"),
    (Keyword::Param, "ПАРАМЕТР", "PARAM"),
    (Keyword::Machine, "АВТОМАТ", "MACHINE"),
    (Keyword::If, "ЯКЩО", "IF"),
    (Keyword::Else, "ІНАКШЕ", "ELSE"),
    (Keyword::ElseIf, "ІНАКШЕ ЯКЩО", "ELSE IF"),
    (Keyword::ForEach, "ДЛЯ", "FOR"),
    (Keyword::Repeat, "ПОВТОРЮВАТИ", "REPEAT"),
    (Keyword::Select, "ВИБІР", "SELECT"),
    (Keyword::Case, "ВИПАДОК", "CASE"),
    (Keyword::Parallel, "ПАРАЛЕЛЬНО", "PARALLEL"),
    (Keyword::Path, "ШЛЯХ", "PATH"),
    (Keyword::Branch, "ГІЛКА", "BRANCH"),
    (Keyword::Step, "КРОК", "STEP"),
    (Keyword::Skip, "ПРОПУСТИТИ", "SKIP"),
    (Keyword::Next, "НАСТУПНА", "NEXT"),
    (Keyword::Break, "ВИХІД", "BREAK"),
    (Keyword::Return, "ПОВЕРНУТИ", "RETURN"),
    (Keyword::Fail, "ПОМИЛКА", "FAIL"),
    (Keyword::Artifact, "АРТЕФАКТ", "ARTIFACT"),
    (Keyword::Event, "ПОДІЯ", "EVENT"),
    (Keyword::Log, "ЖУРНАЛ", "LOG"),
    (Keyword::Pause, "ПАУЗА", "PAUSE"),
    (Keyword::Until, "ДО", "UNTIL"),
    (Keyword::Timer, "ТАЙМЕР", "TIMER"),
    (Keyword::Await, "ЧЕКАТИ", "AWAIT"),
    (Keyword::Call, "ВИКЛИК", "CALL"),
    (Keyword::Start, "ЗАПУСК", "START"),
    (Keyword::Within, "ПРОТЯГОМ", "WITHIN"),
    (Keyword::Format, "ФОРМАТ", "FORMAT"),
];

impl Keyword {
    /// The word as it is printed.
    pub(crate) fn word(self, locale: Locale) -> &'static str {
        let (_, uk, en) = WORDS.iter().find(|(keyword, ..)| *keyword == self).copied().unwrap_or((self, "", ""));
        match locale {
            Locale::Uk => uk,
            Locale::En => en,
        }
    }
}

/// What may stand at the head of a line in an icon.
const OF_STATEMENTS: [Keyword; 11] = [
    Keyword::Return,
    Keyword::Fail,
    Keyword::Artifact,
    Keyword::Event,
    Keyword::Log,
    Keyword::Pause,
    Keyword::Timer,
    Keyword::Await,
    Keyword::Call,
    Keyword::Start,
    Keyword::Format,
];

/// What may stand at the head of a line in a program only.
const OF_BLOCKS: [Keyword; 14] = [
    Keyword::End,
    Keyword::Param,
    Keyword::Machine,
    Keyword::If,
    Keyword::Else,
    Keyword::ForEach,
    Keyword::Repeat,
    Keyword::Select,
    Keyword::Case,
    Keyword::Parallel,
    Keyword::Path,
    Keyword::Branch,
    Keyword::Step,
    Keyword::Skip,
];

/// Where a jump may go.
const OF_JUMPS: [Keyword; 5] = [Keyword::End, Keyword::Next, Keyword::Break, Keyword::Branch, Keyword::Step];

/// A line of an icon whose first word is nearly a keyword: keywords are written in capitals.
pub(super) fn misspelt(part: Part<'_>) -> Option<Problem> {
    near_one_of(part, &OF_STATEMENTS, true)
}

/// A line of a program whose first word is nearly a keyword, or one in small letters.
pub(super) fn misspelt_head(part: Part<'_>) -> Option<Problem> {
    near_one_of(part, &OF_BLOCKS, true).or_else(|| {
        let part = part.trimmed();
        let word = first_word(part.text());
        let upper = word.to_uppercase();
        let same = words(&OF_BLOCKS).find(|keyword| *keyword == upper)?;
        (same != word).then(|| problem(part, word).with("nearest", same))
    })
}

fn near_one_of(part: Part<'_>, keywords: &[Keyword], capitals: bool) -> Option<Problem> {
    let part = part.trimmed();
    let text = part.text();
    if let Some(target) = text.strip_prefix('→').or_else(|| text.strip_prefix("->")) {
        let target = part.slice(text.len() - target.len()..text.len()).trimmed();
        let word = first_word(target.text());
        return nearest(&word.to_uppercase(), words(&OF_JUMPS)).map(|near| problem(target, word).near(Some(near)));
    }
    let word = first_word(text);
    let all_capitals = word.chars().all(|letter| !letter.is_lowercase()) && word.chars().count() > 2;
    if capitals && !all_capitals {
        return None;
    }
    nearest(word, words(keywords)).map(|near| problem(part, word).near(Some(near)))
}

fn problem(part: Part<'_>, word: &str) -> Problem {
    let start = part.range().start;
    Problem::error(codes::KEYWORD, start..start + word.len()).with("name", word)
}

fn first_word(text: &str) -> &str {
    let end = text.char_indices().find(|(_, letter)| !is_letter(*letter) && !matches!(letter, '\'' | '’'));
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// The words in both languages: one with a letter of the other keyboard is found as well.
fn words(keywords: &[Keyword]) -> impl Iterator<Item = &'static str> {
    keywords.iter().flat_map(|keyword| [keyword.word(Locale::En), keyword.word(Locale::Uk)])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(text: &str) -> Option<String> {
        let problem = misspelt(Part::new(text, 0)).or_else(|| misspelt_head(Part::new(text, 0)))?;
        problem.args.into_iter().find(|(name, _)| *name == "nearest").map(|(_, word)| word)
    }

    #[test]
    fn a_misspelt_keyword_is_told_in_its_language() {
        for (text, word) in [
            ("ЯКШО x", "ЯКЩО"),
            ("АРТЕФКТ \"звіт\" ← x", "АРТЕФАКТ"),
            ("REPAET", "REPEAT"),
            ("if x", "IF"),
            ("ELES", "ELSE"),
            ("→ НАСТУПНИ", "НАСТУПНА"),
            ("-> brek", "BREAK"),
            ("PAUS 5 min", "PAUSE"),
            ("ПАРАЛЕЛНО:", "ПАРАЛЕЛЬНО"),
            ("СASE 1", "CASE"),
        ] {
            assert_eq!(meant(text).as_deref(), Some(word), "{text}");
        }
    }

    #[test]
    fn prose_is_no_misspelt_keyword() {
        for text in ["Pause the lesson", "Clean the violin", "Паузи довгі", "x ← 1", "USA", "→ дім"] {
            assert_eq!(meant(text), None, "{text}");
        }
    }

    #[test]
    fn every_keyword_has_its_words() {
        for (keyword, uk, en) in WORDS {
            assert_eq!((keyword.word(Locale::Uk), keyword.word(Locale::En)), (uk, en));
        }
    }
}
