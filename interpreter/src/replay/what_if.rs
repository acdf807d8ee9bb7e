//! What-if replay: what a recorded run would have done by another program.
//!
//! The other program is run with the recorded answers. Ids are not compared, because a change of a program changes them: of
//! each branch the requests are taken in order, and one is the recorded one if it asks the same (op, tool or model, resolved
//! arguments) at the same icon. By their icons requests find their answers again behind what was inserted, removed or moved.
//! An error that a program handles names its node: here by the id that was recorded for the same place.
//!
//! An answer that is not there is not invented. A branch stops at the first one that it would need; one that nobody reads,
//! and the end of a pause, are not missed.

mod emitted;
mod matching;
mod names;
mod path;
mod question;
mod recorded;
mod walk;

use bloom_ir::{Document, Value};
use serde::Serialize;

use super::walk::IconWalk;
use crate::effect::{EffectError, EffectId, EffectRequest};
use crate::history::Event;
use crate::machine::End;
use crate::program::{Place, Program};

pub use emitted::EmissionChange;
pub use path::Parting;
use recorded::Recording;

/// What a recorded run would have done by another program.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhatIf {
    /// How many requests are the same and have their recorded answers.
    pub same: u64,
    /// What is not the same of what was asked, in the order in which the other program comes to it.
    pub findings: Vec<Finding>,
    /// The first icon behind which the two went different ways, where both programs say where their nodes stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parting: Option<Parting>,
    /// What is not the same of what was handed out, as proposals; logs are left out.
    pub emissions: Vec<EmissionChange>,
    /// How it came out.
    pub outcome: Outcome,
    /// The first place, in the order of the run, in which the two differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Spot>,
}

/// Where two runs differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// The event of the recorded run that was the last before, or that it is about.
    pub seq: u64,
    /// The icon in the other program; in the recorded one, where the other has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
}

/// Something that is not the same of what was asked.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "finding")]
pub enum Finding {
    /// The other program asks for something that was not asked for: there is no recorded result.
    New {
        /// What.
        request: EffectRequest,
        /// Where.
        place: Option<Place>,
        /// Whether the replay went on without the answer, because nobody reads it.
        passed: bool,
        /// The event before it.
        seq: u64,
    },
    /// What was asked for is not asked for any more: the recorded result is not used.
    Unused {
        /// The event that recorded the result.
        seq: u64,
        /// What was asked.
        request: EffectRequest,
        /// Where, in the recorded program.
        place: Option<Place>,
    },
    /// The same icon asks for something else.
    Different {
        /// The event that recorded the request.
        seq: u64,
        /// What the other program asks.
        request: EffectRequest,
        /// Where.
        place: Option<Place>,
        /// The first part that differs: a JSON pointer (RFC 6901) into what was asked.
        path: String,
        /// That part as recorded; null when it is not there.
        recorded: serde_json::Value,
        /// That part as the other program has it; null when it is not there.
        asked: serde_json::Value,
        /// Whether the replay went on without the answer, because nobody reads it.
        passed: bool,
    },
}

/// How a what-if replay came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum Outcome {
    /// As recorded: at the same end, or where the history ends without one.
    Same,
    /// At another end.
    OtherEnd {
        /// How the recorded run ended; `None` where it did not, or was ended from outside.
        recorded: Option<End>,
        /// How it would have ended.
        replayed: End,
    },
    /// It stopped at answers that are not recorded.
    Stopped,
    /// It waits for something else than the recorded run did.
    Waits,
    /// The other program refuses the inputs.
    Refused {
        /// Why.
        error: EffectError,
    },
    /// It computed for too long without asking for anything.
    Endless,
    /// The history cannot be read: an event was changed, or its payload erased.
    Unreadable {
        /// Which event.
        seq: u64,
        /// What is wrong.
        message: String,
    },
}

impl WhatIf {
    /// Whether the run would have gone another way, asked or handed out something else, or come to another end.
    pub fn diverges(&self) -> bool {
        !self.findings.is_empty()
            || self.parting.is_some()
            || !self.emissions.is_empty()
            || self.outcome != Outcome::Same
    }
}

/// Replays a history by another program. `recorded` is the program that the run pins, where it is known: without it icons
/// are not compared, and what the run was about to ask at the end of an unfinished history is not known.
pub fn what_if(recorded: Option<&Program>, other: &Program, events: &[Event]) -> WhatIf {
    match Recording::read(recorded, events) {
        Ok(recording) => walk::Walk::through(&recording, other, None).0,
        Err(outcome) => {
            WhatIf { same: 0, findings: Vec::new(), parting: None, emissions: Vec::new(), outcome, first: None }
        }
    }
}

/// No effect of that id has an outcome that could have been another one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the history has no effect `{0}`")]
pub struct NoSuchAnswer(pub EffectId);

/// Replays a history by its own program as if one of its effects had had another outcome, and tells which icons were passed then.
/// Of an effect that has none yet it is the outcome that it gets. What an answer cost stays.
///
/// Behind it answers are found as [`what_if`] finds them. The documents of the program say where its nodes stand.
pub fn what_if_answered(
    program: &Program,
    document: &Document,
    events: &[Event],
    effect: &EffectId,
    outcome: Result<Value, EffectError>,
) -> Result<(WhatIf, IconWalk), NoSuchAnswer> {
    let unread = |outcome| {
        let nothing =
            WhatIf { same: 0, findings: Vec::new(), parting: None, emissions: Vec::new(), outcome, first: None };
        (nothing, IconWalk::default())
    };
    let mut recording = match Recording::read(Some(program), events) {
        Ok(recording) => recording,
        Err(outcome) => return Ok(unread(outcome)),
    };
    if !recording.answer_otherwise(effect, outcome, events.last()) {
        return Err(NoSuchAnswer(effect.clone()));
    }
    Ok(walk::Walk::through(&recording, program, Some(document)))
}
