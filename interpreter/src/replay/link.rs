//! Two histories of which one goes on where the other ends.

use serde::Serialize;

use super::Verdict;
use super::follow::Follower;
use crate::history::{Event, Payload, Signals, run_of};
use crate::machine::{Machine, Snapshot};
use crate::program::Program;

/// In what two histories do not continue each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum LinkFault {
    /// The earlier one does not end with the id of the later one.
    #[error("its history does not name this run as the one that goes on")]
    NotNamed,
    /// The later one does not begin with the earlier one's id and the hash of its last event.
    #[error("its history does not end with the event that is named")]
    OtherHead,
    /// The earlier one does not agree with the program.
    #[error("its history does not agree with the program")]
    Diverged,
    /// The later one begins with another state than the earlier one ends with.
    #[error("it ended with another state")]
    OtherState,
}

/// Checks that the run of the second history goes on where the first one ends: that each names the other, and that the
/// recorded state follows from the first. Both histories are of one program, and each is replayed apart from this.
pub fn check_link(program: &Program, earlier: &[Event], later: &Event) -> Result<(), LinkFault> {
    let Some(Payload::RunStarted(started)) = &later.payload else { return Err(LinkFault::OtherHead) };
    let Some(continues) = &started.continues else { return Err(LinkFault::OtherHead) };
    let Some(last) = earlier.last() else { return Err(LinkFault::NotNamed) };
    match &last.payload {
        Some(Payload::RunContinued { run, .. }) if *run == started.run => {}
        _ => return Err(LinkFault::NotNamed),
    }
    if run_of(earlier) != Some(&continues.run) || (last.seq, last.hash()) != (continues.events, continues.head) {
        return Err(LinkFault::OtherHead);
    }
    let mut follower = Follower::new(program, earlier);
    for event in earlier {
        match follower.follow(event) {
            Ok(()) => {}
            // What was erased on demand cannot be checked any more; the hashes can, and were.
            Err(Verdict::Erased { .. }) => return Ok(()),
            Err(_) => return Err(LinkFault::Diverged),
        }
    }
    let Some(machine) = &follower.machine else { return Err(LinkFault::Diverged) };
    let ended = machine.snapshot();
    // As this version writes it, whatever version wrote it first.
    let began = Machine::continued(program, ended.run.clone(), continues.snapshot.clone())
        .map_err(|_| LinkFault::OtherState)?
        .snapshot();
    let is_same = began == (Snapshot { inputs: started.inputs.clone(), ..ended });
    // A name whose signals were all taken is as one that none came of.
    let left = |signals: &Signals| -> Signals {
        let left = signals.iter().filter(|(_, waiting)| !waiting.is_empty());
        left.map(|(name, waiting)| (name.clone(), waiting.clone())).collect()
    };
    if !is_same || left(&continues.signals) != left(&follower.signals) {
        return Err(LinkFault::OtherState);
    }
    Ok(())
}
