//! What is gone through: a recorded run, or a rehearsal.

use std::collections::BTreeMap;

use bloom_interpreter::rehearse::Rehearsal;
use bloom_interpreter::replay::Stepper;
use bloom_ir::{Document, Value};

/// A run or a rehearsal at some moment.
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
pub(super) enum Tape<'a> {
    Recorded(Stepper<'a>),
    Rehearsed(Rehearsed),
}

/// A rehearsal at some moment. It computes nothing, so it has no variables and no events.
pub(super) struct Rehearsed {
    /// Of each visited node the icon, whether it begins there, and the way out that is taken.
    visits: Vec<(Option<String>, bool, String)>,
    at: usize,
}

impl Rehearsed {
    pub(super) fn new(document: &Document, rehearsal: Rehearsal) -> Self {
        let mut visits: Vec<(Option<String>, bool, String)> = Vec::new();
        for (node, arm) in rehearsal.visits {
            let spot = document.source.as_ref().and_then(|source| source.map.get(&node));
            let item = spot.map(|spot| spot.item.clone());
            let begins = spot.is_some_and(|spot| spot.first) || visits.last().is_none_or(|(last, _, _)| *last != item);
            visits.push((item, begins, arm));
        }
        Self { visits, at: 0 }
    }

    /// The way out of the icon that is taken next.
    pub(super) fn way(&self) -> Option<&str> {
        let after = self.visits.iter().skip(self.at + 1).position(|(_, begins, _)| *begins);
        let last = after.map_or(self.visits.len(), |after| self.at + 1 + after).checked_sub(1)?;
        self.visits.get(last).map(|(_, _, arm)| arm.as_str()).filter(|arm| !arm.is_empty())
    }

    fn go(&mut self, to: Option<usize>) -> bool {
        match to {
            Some(to) if to != self.at => {
                self.at = to;
                true
            }
            _ => false,
        }
    }
}

impl Tape<'_> {
    pub(super) fn next_icon(&mut self) -> bool {
        match self {
            Self::Recorded(stepper) => stepper.next_icon(),
            Self::Rehearsed(tape) => {
                let next = tape.visits.iter().skip(tape.at + 1).position(|(_, begins, _)| *begins);
                tape.go(Some(next.map_or(tape.visits.len(), |next| tape.at + 1 + next)))
            }
        }
    }

    pub(super) fn previous_icon(&mut self) -> bool {
        match self {
            Self::Recorded(stepper) => stepper.previous_icon(),
            Self::Rehearsed(tape) => tape.go(tape.visits.iter().take(tape.at).rposition(|(_, begins, _)| *begins)),
        }
    }

    pub(super) fn step(&mut self) -> bool {
        match self {
            Self::Recorded(stepper) => stepper.step(),
            Self::Rehearsed(tape) => tape.go(Some((tape.at + 1).min(tape.visits.len()))),
        }
    }

    pub(super) fn step_back(&mut self) -> bool {
        match self {
            Self::Recorded(stepper) => stepper.step_back(),
            Self::Rehearsed(tape) => tape.go(tape.at.checked_sub(1)),
        }
    }

    /// The icon that comes next.
    pub(super) fn place(&self) -> Option<String> {
        match self {
            Self::Recorded(stepper) => stepper.place(),
            Self::Rehearsed(tape) => tape.visits.get(tape.at)?.0.clone(),
        }
    }

    /// Steps that lie before this moment.
    pub(super) fn moment(&self) -> u64 {
        match self {
            Self::Recorded(stepper) => stepper.moment(),
            Self::Rehearsed(tape) => tape.at as u64,
        }
    }

    pub(super) fn variables(&self) -> BTreeMap<String, Value> {
        match self {
            Self::Recorded(stepper) => stepper.variables(),
            Self::Rehearsed(_) => BTreeMap::new(),
        }
    }
}
