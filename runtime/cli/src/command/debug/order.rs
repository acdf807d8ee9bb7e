//! What a person can type, in both languages at any time.

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Next(u64),
    Back(u64),
    Step(u64),
    Reverse(u64),
    Event(u64),
    Continue,
    Rewind,
    Break(String),
    Breaks,
    Delete(String),
    Print(String),
    Variables,
    Changes,
    Where,
    Icons,
    Events(bool),
    State,
    Help,
    Quit,
}

/// Why a line is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Nobody knows this word.
    Unknown(String),
    /// It needs something more, as the word does.
    Needs(String),
}

const WORDS: &[(&str, &[&str])] = &[
    ("next", &["n", "next", "д", "далі"]),
    ("back", &["b", "back", "н", "назад"]),
    ("step", &["s", "step", "к", "крок"]),
    ("reverse", &["r", "reverse", "кн", "крок-назад"]),
    ("event", &["e", "event", "подія"]),
    ("continue", &["c", "continue", "п", "продовжити"]),
    ("rewind", &["rc", "rewind", "в", "відмотати"]),
    ("break", &["br", "break", "з", "зупинка"]),
    ("breaks", &["breaks", "зупинки"]),
    ("delete", &["del", "delete", "прибрати"]),
    ("print", &["p", "print", "показати"]),
    ("vars", &["v", "vars", "зм", "змінні"]),
    ("changes", &["ch", "changes", "зміни"]),
    ("where", &["w", "where", "де"]),
    ("icons", &["i", "icons", "ікони"]),
    ("events", &["ev", "events", "події"]),
    ("state", &["state", "стан"]),
    ("help", &["h", "help", "?", "допомога"]),
    ("quit", &["q", "quit", "exit", "вийти"]),
];

impl Order {
    /// Reads a line that is not empty.
    pub(super) fn read(line: &str) -> Result<Self, Wrong> {
        let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        let unknown = || Wrong::Unknown(word.to_owned());
        let lower = word.to_lowercase();
        let (name, _) = WORDS.iter().find(|(_, words)| words.contains(&lower.as_str())).ok_or_else(unknown)?;
        let needs = || Wrong::Needs((*name).to_owned());
        let times = || if rest.is_empty() { Ok(1) } else { rest.parse().map_err(|_| needs()) };
        let given = || if rest.is_empty() { Err(needs()) } else { Ok(rest.to_owned()) };
        Ok(match *name {
            "next" => Self::Next(times()?),
            "back" => Self::Back(times()?),
            "step" => Self::Step(times()?),
            "reverse" => Self::Reverse(times()?),
            "event" => Self::Event(rest.parse().map_err(|_| needs())?),
            "continue" => Self::Continue,
            "rewind" => Self::Rewind,
            "break" => Self::Break(given()?),
            "breaks" => Self::Breaks,
            "delete" => Self::Delete(given()?),
            "print" => Self::Print(given()?),
            "vars" => Self::Variables,
            "changes" => Self::Changes,
            "where" => Self::Where,
            "icons" => Self::Icons,
            "events" => Self::Events(!rest.is_empty()),
            "state" => Self::State,
            "help" => Self::Help,
            _ => Self::Quit,
        })
    }

    /// Whether an empty line behind it means it once more.
    pub(super) fn repeats(&self) -> bool {
        matches!(self, Self::Next(_) | Self::Back(_) | Self::Step(_) | Self::Reverse(_) | Self::Continue | Self::Rewind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_both_languages_mean_the_same() {
        for (one, other) in [
            ("n", "далі"),
            ("back 3", "назад 3"),
            ("p x + 1", "показати x + 1"),
            ("break 14", "ЗУПИНКА 14"),
            ("e 7", "подія 7"),
            ("q", "вийти"),
        ] {
            assert_eq!(Order::read(one), Order::read(other), "{one}");
        }
        assert_eq!(Order::read(" next  2 "), Ok(Order::Next(2)));
    }

    #[test]
    fn a_wrong_line_is_told() {
        assert_eq!(Order::read("jump"), Err(Wrong::Unknown("jump".to_owned())));
        for line in ["e", "подія сім", "next -1", "p", "break", "del  "] {
            assert!(matches!(Order::read(line), Err(Wrong::Needs(_))), "{line}");
        }
    }

    #[test]
    fn no_word_means_two_things() {
        let words: Vec<&str> = WORDS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
        let different: std::collections::BTreeSet<&str> = words.iter().copied().collect();
        assert_eq!(words.len(), different.len());
    }
}
