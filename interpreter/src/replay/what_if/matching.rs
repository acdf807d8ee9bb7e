//! Which recorded request one of another program is.

use std::collections::BTreeMap;

use super::question::{is_same_target, question};
use super::recorded::{Asked, RecordedEnd, Recording, branch_key};
use crate::effect::EffectRequest;
use crate::program::{Place, Program};

/// What was asked for and has not been asked for again, by branch.
pub(super) struct Pool<'a> {
    branches: BTreeMap<&'a str, Line<'a>>,
    recording: &'a Recording<'a>,
}

struct Line<'a> {
    asked: &'a [Asked],
    /// How many of them were passed.
    taken: usize,
}

/// What a request is.
pub(super) enum Match<'a> {
    /// The recorded one.
    Same(&'a Asked),
    /// At the same icon something else was asked.
    Different(&'a Asked),
    /// Nothing like it was asked.
    New,
    /// The history ends before it, and it is not known what the run would have asked.
    Beyond,
}

/// What a request is, and what was passed over to come to it.
pub(super) struct Matched<'a> {
    pub(super) found: Match<'a>,
    pub(super) passed_over: &'a [Asked],
}

impl<'a> Pool<'a> {
    pub(super) fn new(recording: &'a Recording<'a>) -> Self {
        let line = |asked: &'a Vec<Asked>| Line { asked, taken: 0 };
        Self { branches: recording.asked.iter().map(|(key, asked)| (key.as_str(), line(asked))).collect(), recording }
    }

    /// Takes the recorded request that this one is.
    pub(super) fn take(&mut self, request: &EffectRequest, other: &Program) -> Matched<'a> {
        // Without the recorded program its branches are known by their nodes only.
        let with_items = self.recording.program.is_some().then_some(other);
        let key = branch_key(request.id.as_str(), with_items);
        let known = self.recording.program.is_some() || matches!(self.recording.end, RecordedEnd::Drawn(_));
        let unknown = || Matched { found: if known { Match::New } else { Match::Beyond }, passed_over: &[] };
        let Some(line) = self.branches.get_mut(key.as_str()) else { return unknown() };
        let rest = &line.asked[line.taken.min(line.asked.len())..];
        if rest.is_empty() {
            return unknown();
        }
        let item = other.item(&request.node);
        let asked = question(&request.call);
        let is_here = |candidate: &&Asked| stands_at(candidate, item, self.recording, other);
        let same = rest.iter().position(|candidate| is_here(&candidate) && candidate.question == asked);
        let found = same.map(|at| (at, true)).or_else(|| {
            let like = |candidate: &Asked| is_same_target(&candidate.request.call, &request.call);
            // Of an icon that is not known, only what comes next can be meant.
            let near = if item.is_some() && self.recording.program.is_some() { rest.len() } else { 1 };
            let here = || rest.iter().take(near).enumerate().filter(|(_, candidate)| is_here(candidate));
            let nearest = here().find(|(_, candidate)| like(candidate));
            let nearest = nearest.or_else(|| here().find(|(_, candidate)| candidate.item.is_some()));
            nearest.map(|(at, _)| (at, false))
        });
        let Some((at, is_same)) = found else { return Matched { found: Match::New, passed_over: &[] } };
        line.taken = line.taken.saturating_add(at).saturating_add(1);
        let found = if is_same { Match::Same(&rest[at]) } else { Match::Different(&rest[at]) };
        Matched { found, passed_over: &rest[..at] }
    }

    /// Where something was asked for.
    pub(super) fn recorded_place(&self, asked: &Asked) -> Option<Place> {
        self.recording.program.and_then(|program| program.place(&asked.request.node))
    }

    /// What was never asked for again.
    pub(super) fn rest(&self) -> impl Iterator<Item = &'a Asked> {
        self.branches.values().flat_map(|line| &line.asked[line.taken.min(line.asked.len())..])
    }
}

/// Whether a recorded request stands at the icon of another program: at that of the same id, or, where each is of an icon
/// that the other program has not, at one that took its place.
fn stands_at(candidate: &Asked, item: Option<&str>, recording: &Recording<'_>, other: &Program) -> bool {
    let (Some(recorded), Some(item)) = (candidate.item.as_deref(), item) else { return true };
    recorded == item || (!recording.has_item(item) && !other.inner().spots.values().any(|spot| spot.item == recorded))
}
