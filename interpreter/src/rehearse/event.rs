//! What a rehearsal tells, in terms of the diagram.

use serde::{Serialize, Serializer};

/// A thing that happened at an icon. Written as an array: its name, then its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A branch was entered: its head.
    Branch(String),
    /// An icon that does something was done: its id and its type.
    Do(String, String),
    /// A question was answered: its id, and whether with Yes.
    Question(String, bool),
    /// A case was looked at: its id, and whether it was taken.
    Case(String, bool),
    /// No case was taken; the walk goes on with this one, where a run would fail.
    Unexpected(String),
    /// The head of a `for` loop: its id, and whether there is another round.
    For(String, bool),
    /// The head of an arrow loop was passed.
    Loop(String),
    /// A parallel began: its id, and how many paths it has.
    Parallel(String, usize),
    /// A path of a parallel began: its head.
    Path(String),
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Branch(id) => ("branch", id).serialize(serializer),
            Self::Do(id, icon) => ("do", id, icon).serialize(serializer),
            Self::Question(id, yes) => ("q", id, yes).serialize(serializer),
            Self::Case(id, taken) => ("case", id, taken).serialize(serializer),
            Self::Unexpected(id) => ("unexpected", id).serialize(serializer),
            Self::For(id, again) => ("for", id, again).serialize(serializer),
            Self::Loop(id) => ("loop", id).serialize(serializer),
            Self::Parallel(id, paths) => ("par", id, paths).serialize(serializer),
            Self::Path(id) => ("path", id).serialize(serializer),
        }
    }
}
