//! What is not the same of what was handed out.

use bloom_ir::document::EmitKind;
use serde::Serialize;

use super::Spot;
use crate::effect::Emission;
use crate::program::{Place, Program};

/// Something that was handed out.
pub(super) struct Handed {
    pub(super) seq: u64,
    pub(super) emission: Emission,
    pub(super) place: Option<Place>,
    /// How many icons were passed before, in the other program.
    pub(super) number: Option<u64>,
}

/// Something that is not the same of what was handed out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "change")]
pub enum EmissionChange {
    /// Only by the other program.
    Added {
        /// What.
        emission: Emission,
        /// Where.
        place: Option<Place>,
        /// The event before it.
        seq: u64,
    },
    /// Only in the recorded run.
    Lost {
        /// The event that recorded it.
        seq: u64,
        /// What.
        emission: Emission,
        /// Where, in the recorded program.
        place: Option<Place>,
    },
    /// By the same icon, with another content.
    Changed {
        /// The event that recorded it.
        seq: u64,
        /// What was recorded.
        recorded: Emission,
        /// What the other program hands out.
        replayed: Emission,
        /// Where.
        place: Option<Place>,
    },
}

impl EmissionChange {
    /// What it is about: of a change, what the other program hands out.
    pub fn emission(&self) -> &Emission {
        match self {
            Self::Added { emission, .. } | Self::Lost { emission, .. } => emission,
            Self::Changed { replayed, .. } => replayed,
        }
    }

    /// Where it is.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Added { place, .. } | Self::Lost { place, .. } | Self::Changed { place, .. } => place.as_ref(),
        }
    }

    pub(super) fn spot(&self) -> Spot {
        let (Self::Added { seq, .. } | Self::Lost { seq, .. } | Self::Changed { seq, .. }) = self;
        Spot { seq: *seq, place: self.place().cloned() }
    }
}

impl Handed {
    pub(super) fn new(seq: u64, emission: Emission, program: Option<&Program>) -> Self {
        Self { seq, place: program.and_then(|program| program.place(&emission.node)), emission, number: None }
    }

    /// Whether both hand out the same, wherever.
    fn is(&self, other: &Self) -> bool {
        let (one, other) = (&self.emission, &other.emission);
        (one.kind, &one.name, &one.action, &one.value) == (other.kind, &other.name, &other.action, &other.value)
    }

    fn stands_with(&self, other: &Self) -> bool {
        let item = |handed: &Self| handed.place.as_ref().map(|place| place.item.clone());
        self.emission.kind == other.emission.kind && item(self).is_some() && item(self) == item(other)
    }
}

/// Compares what was handed out, each change with how many icons the other program had passed. What it did not come to is
/// not lost, unless it is `whole`.
pub(super) fn changes(recorded: &[Handed], replayed: &[Handed], whole: bool) -> Vec<(Option<u64>, EmissionChange)> {
    let counts = |handed: &&Handed| handed.emission.kind != EmitKind::Log;
    let mut left: Vec<&Handed> = recorded.iter().filter(counts).collect();
    let mut other: Vec<&Handed> = Vec::new();
    for handed in replayed.iter().filter(counts) {
        match left.iter().position(|known| known.is(handed)) {
            Some(at) => drop(left.remove(at)),
            None => other.push(handed),
        }
    }
    let mut changes = Vec::new();
    for handed in other {
        let place = handed.place.clone();
        let emission = handed.emission.clone();
        let change = match left.iter().position(|known| known.stands_with(handed)) {
            Some(at) => {
                let known = left.remove(at);
                let recorded = known.emission.clone();
                EmissionChange::Changed { seq: known.seq, recorded, replayed: emission, place }
            }
            None => EmissionChange::Added { emission, place, seq: handed.seq },
        };
        changes.push((handed.number, change));
    }
    let lost = left.into_iter().filter(|_| whole);
    let lost = lost.map(|handed| EmissionChange::Lost {
        seq: handed.seq,
        emission: handed.emission.clone(),
        place: handed.place.clone(),
    });
    changes.extend(lost.map(|change| (None, change)));
    changes
}
