//! What is written in the icons of a random diagram.

use serde_json::Value;

use super::{Drawing, Kind, NodeId, OUTSIDE};

/// How the icons are written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Texts {
    /// As people write for people; some of it could be taken for a program.
    Prose,
    /// Programs, which keep the rules of variables.
    Statements,
}

/// Prose that is hard to print and to read back.
const PROSE: [&str; 12] = [
    "Перевір настройку скрипки",
    "Tune the \"A\" string",
    "пам'ять і здоров’я",
    "line one\nline two",
    "x = 1",
    "→ END",
    "a { b } c",
    "back\\slash and «ялинки»",
    "ЯКЩО x ІНАКШЕ y",
    "100 %",
    "  spaces around  ",
    "日本語 🎻",
];

pub(super) fn params(texts: Texts) -> &'static str {
    match texts {
        Texts::Prose => "",
        Texts::Statements => "x: int = 0",
    }
}

pub(super) fn duration(texts: Texts) -> &'static str {
    match texts {
        Texts::Prose => "щонайбільше п’ять хвилин",
        Texts::Statements => "5 min",
    }
}

impl Drawing {
    /// Writes into an item what its icon says.
    pub(super) fn write(&self, node: NodeId, texts: Texts, item: &mut Value) {
        let kind = self.nodes[node].kind;
        let number = node + 1;
        let content = match kind {
            Kind::Branch if self.branches.len() == 1 => return,
            Kind::Branch if self.catch == Some(node) => "catch".to_owned(),
            Kind::Branch => format!("Гілка {number}"),
            // The last case of about half of the selects is for all others.
            Kind::Case if self.nodes[node].outs.len() == 1 && number.is_multiple_of(2) => String::new(),
            Kind::Empty | Kind::End | Kind::Bus | Kind::LoopEnd | Kind::ArrowLoop | Kind::ParBegin | Kind::ParEnd => {
                return;
            }
            _ if texts == Texts::Prose => format!("{} {number}", PROSE[number % PROSE.len()]),
            Kind::Question => format!("x > {number}?"),
            Kind::Select => "x".to_owned(),
            Kind::Case => format!("{number}, {}", number + 1_000_000),
            Kind::LoopBegin => match number % 3 {
                0 => format!("i{number} in [1, 2, 3]"),
                1 => "3 times".to_owned(),
                _ => format!("i{number} = 0; i{number} < 3; i{number}++"),
            },
            Kind::Plain(kind) => self.statement(node, kind),
        };
        item["content"] = content.into();
        let upper = match (kind, texts) {
            (Kind::Plain("shelf" | "process" | "input" | "output"), Texts::Prose) => format!("upper {number}"),
            (Kind::Plain("shelf"), Texts::Statements) => self.own(node),
            (Kind::Plain("process" | "input" | "output"), Texts::Statements) => String::new(),
            _ => return,
        };
        item["secondary"] = upper.into();
    }

    fn statement(&self, node: NodeId, kind: &str) -> String {
        let number = node + 1;
        let own = self.own(node);
        match kind {
            "shelf" => "x + 1".to_owned(),
            "insertion" => format!("{own} ← Child(x)"),
            "process" => "Child(x)".to_owned(),
            "input" | "simpleinput" | "sinput" => format!("{own} ← signal-{number}"),
            "output" | "simpleoutput" | "soutput" => format!("EVENT done-{number}(x: x)"),
            "pause" => "5 s".to_owned(),
            "timer" => format!("\"timer {number}\" 5 min"),
            "comment" => format!("note {number}"),
            _ => match number % 4 {
                0 => format!("{own} = x + {number}"),
                1 => "LOG x".to_owned(),
                2 => format!("ЖУРНАЛ \"{number}\"\n{own} ← x * 2"),
                _ => format!("{own} ← x - 1"),
            },
        }
    }

    /// A variable that an icon may set: paths that run side by side must not set the same.
    fn own(&self, node: NodeId) -> String {
        let mut scope = self.nodes[node].upper;
        while scope != OUTSIDE && self.scopes[scope].join.is_none() {
            scope = self.scopes[scope].parent;
        }
        if scope == OUTSIDE { "x".to_owned() } else { format!("y{}", node + 1) }
    }
}

impl Kind {
    /// As files name it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain(name) => name,
            Self::Empty => "action",
            Self::Branch => "branch",
            Self::End => "end",
            Self::Bus => "",
            Self::Question => "question",
            Self::Select => "select",
            Self::Case => "case",
            Self::LoopBegin => "loopbegin",
            Self::LoopEnd => "loopend",
            Self::ArrowLoop => "arrow-loop",
            Self::ParBegin => "parbegin",
            Self::ParEnd => "parend",
        }
    }
}
