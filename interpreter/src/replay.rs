//! Replay: a fresh machine is fed the recorded answers, and whatever it does is compared with what was recorded.

use std::collections::BTreeMap;

use bloom_ir::document::NodeId;
use bloom_ir::{Digest, Value};
use serde::Serialize;

use crate::effect::{EffectId, EffectRequest, Emission};
pub use crate::history::Signals;
use crate::history::{Chain, ChainError, Event};
use crate::machine::{BranchState, CursorState, End, Machine, Turn};
use crate::program::{Place, Program};
use crate::record::OpenEffect;

mod difference;
mod follow;
mod link;
mod open;
mod stepper;
mod walk;
mod what_if;

use follow::Follower;
pub use link::{LinkFault, check_link};
pub use stepper::{Step, Stepper};
pub use walk::{IconWalk, Walker, walk};
pub use what_if::{EmissionChange, Finding, NoSuchAnswer, Outcome, Parting, Spot, WhatIf, what_if, what_if_answered};

/// What a replay found.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayReport {
    /// How many events, from the first, agree with the program.
    pub agreed: u64,
    /// What it found.
    pub verdict: Verdict,
    /// Where the run stands after those events; `None` when it did not start.
    pub position: Option<Position>,
}

/// What a replay found.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Verdict {
    /// The history is whole, and every event agrees.
    #[error("the history agrees with the program")]
    Same,
    /// Every event agrees, and the run goes on after the last.
    #[error("the history agrees with the program so far; the run is not over")]
    Unfinished,
    /// Every event agrees up to the one that was asked for.
    #[error("the history agrees with the program up to the event that was asked for")]
    Stopped,
    /// An event was changed, lost or added.
    #[error("the chain is broken at {0}")]
    Broken(ChainError),
    /// The history belongs to another IR.
    #[error("the history belongs to the IR {recorded}, not to {given}")]
    OtherProgram {
        /// The IR that the run pinned.
        recorded: Digest,
        /// The IR that was given.
        given: Digest,
    },
    /// An event stands where it cannot.
    #[error("event {seq}: {message}")]
    Misplaced {
        /// Which.
        seq: u64,
        /// Why it cannot stand there.
        message: &'static str,
    },
    /// A payload was erased without which the machine cannot go on.
    #[error("the payload of event {seq} was erased, and what follows depends on it")]
    Erased {
        /// Which.
        seq: u64,
    },
    /// It agrees in itself, but not with the run in whose place it goes on, or with the one that goes on in its place.
    #[error("the history agrees with the program, but not with that of run {run}: {fault}")]
    Unlinked {
        /// The other run.
        run: String,
        /// What is wrong.
        fault: LinkFault,
    },
    /// The program does something else than was recorded.
    #[error(transparent)]
    Diverged(Box<Divergence>),
}

impl Verdict {
    /// Whether every event that was looked at agrees.
    pub fn agrees(&self) -> bool {
        matches!(self, Self::Same | Self::Unfinished | Self::Stopped)
    }
}

/// The first event that differs.
#[derive(Clone, Debug, PartialEq, Serialize, thiserror::Error)]
#[error("event {seq} differs in its {what}{}: recorded {recorded}, replayed {replayed}", At(path))]
pub struct Divergence {
    /// Which.
    pub seq: u64,
    /// In what it differs.
    pub what: What,
    /// Where in the payload: a JSON pointer (RFC 6901) to the first part that differs.
    pub path: String,
    /// That part as recorded; null when it is not there.
    pub recorded: serde_json::Value,
    /// That part as the program has it; null when it is not there.
    pub replayed: serde_json::Value,
    /// The node that the machine is at.
    pub node: Option<NodeId>,
    /// The node's place in the source.
    pub place: Option<Place>,
}

struct At<'a>(&'a str);

impl std::fmt::Display for At<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            "" => Ok(()),
            path => write!(formatter, " at {path}"),
        }
    }
}

/// In what an event differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// In how the run began.
    Start,
    /// In what comes at all: another kind of event is due.
    Kind,
    /// In what was asked of the world.
    Request,
    /// In what was handed out.
    Emission,
    /// In how the run ended.
    End,
    /// In the variables at the end, and in nothing else.
    State,
}

impl std::fmt::Display for What {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Start => "start",
            Self::Kind => "kind",
            Self::Request => "request",
            Self::Emission => "emission",
            Self::End => "end",
            Self::State => "final state",
        })
    }
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Position {
    /// The last event.
    pub seq: u64,
    /// `run.now`, in Unix milliseconds.
    pub now: i64,
    /// The nodes that it is at.
    pub nodes: Vec<NodeId>,
    /// All variables; one that was not set is null.
    pub variables: BTreeMap<String, Value>,
    /// The cursors of loops that have not run out.
    pub cursors: BTreeMap<String, CursorState>,
    /// The branches of forks that it is in, each before those within it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<BranchState>,
    /// The effects that it waits for.
    pub pending: Vec<EffectRequest>,
    /// What it emitted and the history does not hold yet.
    pub unrecorded: Vec<Emission>,
    /// Tokens of all answers.
    pub tokens: u64,
    /// How it ended, if the machine is at its end.
    pub end: Option<End>,
}

/// Replays a history, up to and with event `until` if it is given.
pub fn replay(program: &Program, events: &[Event], until: Option<u64>) -> ReplayReport {
    let mut follower = Follower::new(program, events);
    for event in events {
        if until.is_some_and(|until| event.seq > until) {
            return follower.report(Verdict::Stopped);
        }
        if let Err(verdict) = follower.follow(event) {
            return follower.report(verdict);
        }
    }
    let verdict = if follower.is_over() { Verdict::Same } else { Verdict::Unfinished };
    follower.report(verdict)
}

/// A run as its history left it.
#[derive(Clone, Debug)]
pub struct Rebuilt {
    /// The machine, in the turn that comes after what is recorded, or at its end.
    pub machine: Machine,
    /// Where the history ends.
    pub chain: Chain,
    /// What that turn has emitted and the history does not hold: [`Machine::advance_within`] adds the rest.
    pub emitted: Vec<Emission>,
    /// Effects that the machine waits for, with what is recorded of them.
    pub open: Vec<OpenEffect>,
    /// Signals that nobody has taken, by name, the oldest first.
    pub signals: Signals,
}

/// Why a run cannot go on.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum RebuildError {
    /// Its history holds its end.
    #[error("the run is over")]
    Over,
    /// It has no events.
    #[error("the history is empty")]
    Empty,
    /// Its history does not agree with the program.
    #[error("the history does not agree with the program")]
    Refused(#[source] Verdict),
}

/// Rebuilds a run from its history, as after a crash.
pub fn rebuild(program: &Program, events: &[Event]) -> Result<Rebuilt, RebuildError> {
    let mut rebuilder = Rebuilder::new(program, events);
    for event in events {
        rebuilder.follow(event)?;
    }
    rebuilder.0.catch_up();
    rebuilder.finish()
}

/// Rebuilds a run event by event, for who must be able to stop: the turns that are done again may be long.
#[derive(Debug)]
pub struct Rebuilder(Follower);

impl Rebuilder {
    /// Before the first of these events. They are looked at for the IR that they pin, and not followed.
    pub fn new(program: &Program, events: &[Event]) -> Self {
        Self(Follower::new(program, events))
    }

    /// Before the first of events that a run of this program is to share, whatever they pin.
    pub fn forking(program: &Program) -> Self {
        let mut follower = Follower::new(program, &[]);
        follower.pinned = Some(program.hash());
        Self(follower)
    }

    /// Does about so many steps, as [`Machine::advance_within`] counts them, of what comes before the next event. False when
    /// there is more to do; [`Rebuilder::follow`] would do all of it at once.
    pub fn catch_up_within(&mut self, steps: u64) -> bool {
        self.0.catch_up_within(steps)
    }

    /// Takes the next event.
    pub fn follow(&mut self, event: &Event) -> Result<(), RebuildError> {
        self.0.follow(event).map_err(RebuildError::Refused)
    }

    /// What the run waits for under this id, as far as the events that were followed tell.
    pub fn open(&self, effect: &EffectId) -> Option<&OpenEffect> {
        self.0.open.get(effect)
    }

    /// The machine, once the run has started.
    pub fn machine(&self) -> Option<&Machine> {
        self.0.machine.as_ref()
    }

    /// Where the events that were followed end.
    pub fn chain(&self) -> &Chain {
        &self.0.chain
    }

    /// After the last event that is shared: what waits for an answer is to be requested again.
    pub fn finish_to_fork(mut self) -> Result<Rebuilt, RebuildError> {
        self.0.open.forget_requests();
        self.finish()
    }

    /// After the last event.
    pub fn finish(self) -> Result<Rebuilt, RebuildError> {
        if self.0.is_over() {
            return Err(RebuildError::Over);
        }
        let Follower { chain, machine: Some(machine), unrecorded, open, signals, .. } = self.0 else {
            return Err(RebuildError::Empty);
        };
        Ok(Rebuilt { machine, chain, emitted: unrecorded.into(), open: open.into_vec(), signals })
    }
}

impl Rebuilt {
    /// The turn that the driver goes on with, of which only what is not recorded yet is among the emissions.
    pub fn turn(&mut self) -> Turn {
        let Turn { emitted, next } = self.machine.advance();
        let emitted = std::mem::take(&mut self.emitted).into_iter().chain(emitted).collect();
        Turn { emitted, next }
    }
}
