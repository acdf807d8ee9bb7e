//! Another program, run with recorded answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use bloom_ir::Document;
use bloom_ir::document::NodeId;

use super::emitted::{Handed, changes};
use super::matching::{Match, Matched, Pool};
use super::names::names;
use super::path::{Path, Tail};
use super::recorded::{Answered, Asked, RecordedEnd, Recording};
use super::{Finding, Outcome, Spot, WhatIf};
use crate::effect::{Answer, AwaitedThing, EffectCall, EffectError, EffectId, EffectRequest};
use crate::history::Started;
use crate::machine::{Done, End, Machine, Next, RunInfo};
use crate::program::{NodeIndex, Op, Place, Program};
use crate::replay::IconWalk;
use crate::replay::difference::first_difference;

/// How many steps a turn may take, as [`Machine::advance_within`] counts them: far more than `max_steps` allows by default.
const LONGEST_TURN: u64 = 2_000_000_000;

/// So many at a time, so that the log of nodes stays short.
const SLICE: u64 = 1_000_000;

pub(super) struct Walk<'a> {
    other: &'a Program,
    machine: Machine,
    pool: Pool<'a>,
    /// What comes to the machine next, in the order in which it was recorded.
    coming: BTreeMap<(u64, u64), Coming>,
    path: Path,
    trail: Trail,
    handed_out: Vec<Handed>,
    /// Each with how many icons were passed before.
    findings: Vec<(u64, Finding)>,
    same: u64,
    /// Whether an answer is missing.
    is_stopped: bool,
    /// The last event that was used.
    seq: u64,
    made: u64,
}

/// Which nodes were done after which.
#[derive(Default)]
struct Trail {
    /// What each branch did last.
    last: BTreeMap<Arc<str>, NodeIndex>,
    counts: BTreeMap<(Option<NodeIndex>, NodeIndex), u64>,
}

impl Trail {
    fn note(&mut self, program: &Program, branch: &Arc<str>, node: NodeIndex) {
        let last = self.last.insert(branch.clone(), node);
        // A branch begins at its fork, which its path names last: `n2#1.0/`.
        let fork = || {
            let own = branch.trim_end_matches('/').rsplit('/').next()?;
            program.inner().index(&NodeId::new(own.split_once('#')?.0))
        };
        let count = self.counts.entry((last.or_else(fork), node)).or_default();
        *count = count.saturating_add(1);
    }
}

enum Coming {
    Attempt(EffectId, EffectError),
    Answer(EffectId, Answered),
}

impl<'a> Walk<'a> {
    /// With the icons that were passed, where the document is given that says where its nodes stand.
    pub(super) fn through(
        recording: &'a Recording<'a>,
        other: &'a Program,
        document: Option<&Document>,
    ) -> (WhatIf, IconWalk) {
        let Started { run, started_at, inputs, limits, continues, .. } = recording.started.clone();
        let info = RunInfo { id: run, started_at };
        let begun = match continues {
            None => {
                let limits = limits.unwrap_or(*other.limits());
                Machine::start_within(other, info, inputs, limits).map_err(|error| Outcome::Refused { error })
            }
            // Where it stood is told in the words of its own program.
            Some(before) => Machine::continued(other, info, before.snapshot)
                .map_err(|error| Outcome::Unreadable { seq: 1, message: error.to_string() }),
        };
        let mut machine = match begun {
            Ok(machine) => machine,
            Err(outcome) => {
                let (findings, emissions) = (Vec::new(), Vec::new());
                let nothing = WhatIf { same: 0, findings, parting: None, emissions, outcome, first: None };
                return (nothing, IconWalk::default());
            }
        };
        machine.keep_log();
        machine.call_nodes(recording.program.map(|recorded| names(recorded, other)).unwrap_or_default());
        let mut walk = Self {
            other,
            machine,
            pool: Pool::new(recording),
            coming: BTreeMap::new(),
            path: Path::default(),
            trail: Trail::default(),
            handed_out: Vec::new(),
            findings: Vec::new(),
            same: 0,
            is_stopped: false,
            seq: 1,
            made: 0,
        };
        let end = walk.run();
        let icons = document.map(|document| walk.icons(document)).unwrap_or_default();
        (walk.conclude(recording, end), icons)
    }

    fn icons(&self, document: &Document) -> IconWalk {
        let inner = self.other.inner();
        let pairs = self.trail.counts.iter();
        let pairs = pairs.map(|((from, to), count)| (from.map(|from| inner.id(from)), inner.id(*to), *count));
        IconWalk::of_trail(document, pairs, &self.machine.position())
    }

    /// To the end, or as far as there are answers; `Err` where a turn has no end.
    fn run(&mut self) -> Result<Option<End>, ()> {
        loop {
            match self.turn().ok_or(())? {
                Next::Finished(end) => return Ok(Some(end)),
                Next::Waiting(requests) => requests.into_iter().for_each(|request| self.ask(request)),
            }
            loop {
                match self.coming.pop_first() {
                    None => return Ok(None),
                    Some((_, Coming::Attempt(effect, error))) => self.machine.spend(&effect, &error),
                    Some((_, Coming::Answer(effect, answered))) => {
                        let Answered { seq, at, result } = answered;
                        self.seq = self.seq.max(seq);
                        let resolved = self.machine.resolve(&effect, crate::effect::Outcome { result, at });
                        debug_assert_eq!(resolved, Ok(()), "what comes was asked for");
                        break;
                    }
                }
            }
        }
    }

    fn turn(&mut self) -> Option<Next> {
        for _ in 0..LONGEST_TURN / SLICE {
            let mut emitted = Vec::new();
            let next = self.machine.advance_within(SLICE, &mut emitted);
            for Done { branch, node } in self.machine.take_log() {
                self.path.pass(self.other, &branch, node, self.seq);
                self.trail.note(self.other, &branch, node);
            }
            let handed = emitted.into_iter().map(|emission| Handed::new(self.seq, emission, Some(self.other)));
            self.handed_out.extend(handed.map(|handed| Handed { number: Some(self.path.len()), ..handed }));
            if next.is_some() {
                return next;
            }
        }
        None
    }

    /// Finds the answer to a request.
    fn ask(&mut self, request: EffectRequest) {
        let Matched { found, passed_over } = self.pool.take(&request, self.other);
        for asked in passed_over {
            self.unused(asked);
        }
        match found {
            Match::Same(asked) => {
                self.same = self.same.saturating_add(1);
                for (seq, error) in &asked.attempts {
                    self.coming.insert((*seq, 0), Coming::Attempt(request.id.clone(), error.clone()));
                }
                // Without an answer both wait.
                if let Some(answer) = &asked.answer {
                    self.coming.insert((answer.seq, 0), Coming::Answer(request.id, answer.clone()));
                }
            }
            Match::Beyond => {}
            Match::Different(asked) => {
                let difference = first_difference(&asked.question, &super::question::question(&request.call));
                let passed = self.pass(&request);
                let place = self.other.place(&request.node);
                self.find(Finding::Different {
                    seq: asked.seq,
                    request,
                    place,
                    path: difference.path,
                    recorded: difference.left,
                    asked: difference.right,
                    passed,
                });
            }
            Match::New => {
                let passed = self.pass(&request);
                let place = self.other.place(&request.node);
                self.find(Finding::New { request, place, passed, seq: self.seq });
            }
        }
    }

    /// Goes on without a recorded answer, where none is needed; else the branch stops.
    fn pass(&mut self, request: &EffectRequest) -> bool {
        let Some(at) = self.known_answer(request) else {
            self.is_stopped = true;
            return false;
        };
        self.made = self.made.saturating_add(1);
        let answer = Answered { seq: self.seq, at, result: Ok(Answer::default()) };
        self.coming.insert((self.seq, self.made), Coming::Answer(request.id.clone(), answer));
        true
    }

    /// When an effect would have its answer, if that is null whatever happens, or nobody reads it.
    fn known_answer(&self, request: &EffectRequest) -> Option<i64> {
        let node = self.other.inner().index(&request.node).map(|index| self.other.inner().node(index))?;
        let is_read = match &node.op {
            Op::Ask { into, .. } => into.is_some(),
            _ => true,
        };
        let now = self.machine.now_at(&request.id)?;
        let is_checked = node.checks.as_ref().is_some_and(|checks| checks.output.is_some());
        match &request.call {
            EffectCall::Sleep(sleep) => Some(sleep.due.max(now)),
            EffectCall::Timer(_) => Some(now),
            EffectCall::Await(wait) => match &wait.what {
                AwaitedThing::Timer(timer) if wait.until.is_none_or(|until| timer.due <= until) => {
                    Some(timer.due.max(now))
                }
                _ => None,
            },
            EffectCall::Tool(_) | EffectCall::Flow(_) => (!is_read && !is_checked).then_some(now),
            EffectCall::Llm(_) => None,
        }
    }

    fn unused(&mut self, asked: &Asked) {
        if let Some(answer) = &asked.answer {
            let place = self.pool.recorded_place(asked);
            self.find(Finding::Unused { seq: answer.seq, request: asked.request.clone(), place });
        }
    }

    fn find(&mut self, finding: Finding) {
        self.findings.push((self.path.len(), finding));
    }

    fn conclude(mut self, recording: &Recording<'_>, end: Result<Option<End>, ()>) -> WhatIf {
        let is_whole = matches!(end, Ok(Some(_))) || !self.is_stopped;
        if is_whole {
            let rest: Vec<&Asked> = self.pool.rest().collect();
            for asked in rest {
                self.unused(asked);
            }
        }
        let outcome = match (end, &recording.end) {
            (Err(()), RecordedEnd::InTurn) | (Ok(None), RecordedEnd::Open | RecordedEnd::InTurn)
                if !self.is_stopped =>
            {
                Outcome::Same
            }
            (Ok(Some(_)), RecordedEnd::InTurn) => Outcome::Same,
            (Err(()), _) => Outcome::Endless,
            (Ok(Some(replayed)), RecordedEnd::Drawn(recorded)) if is_same_end(recorded, &replayed) => Outcome::Same,
            (Ok(Some(replayed)), recorded) => {
                let recorded = match recorded {
                    RecordedEnd::Drawn(end) => Some(end.clone()),
                    RecordedEnd::Open | RecordedEnd::InTurn => None,
                };
                Outcome::OtherEnd { recorded, replayed }
            }
            (Ok(None), _) if self.is_stopped => Outcome::Stopped,
            (Ok(None), _) => Outcome::Waits,
        };
        let tail = |is_ended| if is_ended { Tail::Ended } else { Tail::Open };
        let parting = recording.program.zip(recording.path.as_ref()).filter(|_| self.other.has_source());
        let parting = parting.and_then(|(program, path)| {
            let own = (program, path, tail(matches!(recording.end, RecordedEnd::Drawn(_))));
            path_parting(own, (self.other, &self.path, tail(self.machine.end().is_some())))
        });
        let emissions = changes(&recording.handed_out, &self.handed_out, is_whole);
        let mut spots: Vec<(u64, Spot)> = Vec::new();
        if let Some((number, parting)) = &parting {
            let places = [&parting.after, &parting.replayed, &parting.recorded];
            let place = places.into_iter().flatten().next().cloned();
            spots.push((*number, Spot { seq: parting.seq, place }));
        }
        for (number, finding) in &self.findings {
            spots.push((*number, finding.spot()));
        }
        for (number, change) in &emissions {
            spots.push((number.unwrap_or(u64::MAX), change.spot()));
        }
        if let (Outcome::OtherEnd { replayed: End::Failed { node: Some(node), .. }, .. }, true) =
            (&outcome, spots.is_empty())
        {
            spots.push((u64::MAX, Spot { seq: self.seq, place: self.other.place(node) }));
        }
        WhatIf {
            same: self.same,
            findings: self.findings.into_iter().map(|(_, finding)| finding).collect(),
            parting: parting.map(|(_, parting)| parting),
            emissions: emissions.into_iter().map(|(_, change)| change).collect(),
            outcome,
            // The first of those that come first.
            first: spots.into_iter().min_by_key(|(number, _)| *number).map(|(_, spot)| spot),
        }
    }
}

fn path_parting(
    (program, own, tail): (&Program, &Path, Tail),
    (other, others, other_tail): (&Program, &Path, Tail),
) -> Option<(u64, super::Parting)> {
    own.parting(program, tail, others, other, other_tail)
}

/// The node is named by another id.
fn is_same_end(one: &End, other: &End) -> bool {
    match (one, other) {
        (End::Completed { result: one }, End::Completed { result: other }) => one == other,
        (End::Failed { error: one, .. }, End::Failed { error: other, .. }) => {
            (&one.code, &one.message, &one.details) == (&other.code, &other.message, &other.details)
        }
        _ => false,
    }
}

impl Finding {
    /// Where it is.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::New { place, .. } | Self::Unused { place, .. } | Self::Different { place, .. } => place.as_ref(),
        }
    }

    fn spot(&self) -> Spot {
        let (Self::New { seq, .. } | Self::Unused { seq, .. } | Self::Different { seq, .. }) = self;
        Spot { seq: *seq, place: self.place().cloned() }
    }
}
