//! What was recorded, in a form that another program can be held against.

use std::collections::BTreeMap;

use bloom_ir::Value;

use super::super::follow::{Follower, LOOK_AHEAD};
use super::Outcome;
use super::emitted::Handed;
use super::path::Path;
use super::question::question;
use crate::effect::{Answer, EffectError, EffectId, EffectRequest, Emission};
use crate::history::{Chain, Event, Payload, Started};
use crate::machine::{Done, End};
use crate::program::Program;

/// A recorded run.
pub(super) struct Recording<'a> {
    pub(super) program: Option<&'a Program>,
    pub(super) started: Started,
    /// What was asked for, by branch, in order.
    pub(super) asked: BTreeMap<String, Vec<Asked>>,
    pub(super) handed_out: Vec<Handed>,
    /// The icons that were passed, where the program is known.
    pub(super) path: Option<Path>,
    pub(super) end: RecordedEnd,
}

/// How a history ends.
pub(super) enum RecordedEnd {
    /// By the program.
    Drawn(End),
    /// Between two turns: it goes on, was cancelled, or ran out of time.
    Open,
    /// In a turn whose end is far: it was stopped in it.
    InTurn,
}

/// Something that was asked for.
pub(super) struct Asked {
    /// The event that recorded the request; of one that is not recorded, the last event.
    pub(super) seq: u64,
    pub(super) request: EffectRequest,
    /// The icon that asked.
    pub(super) item: Option<String>,
    /// What is compared.
    pub(super) question: serde_json::Value,
    /// What attempts that were tried again cost, with their events.
    pub(super) attempts: Vec<(u64, EffectError)>,
    pub(super) answer: Option<Answered>,
}

#[derive(Clone)]
pub(super) struct Answered {
    pub(super) seq: u64,
    pub(super) at: i64,
    pub(super) result: Result<Answer, EffectError>,
}

impl<'a> Recording<'a> {
    #[expect(clippy::result_large_err, reason = "read once for each history that is compared")]
    pub(super) fn read(program: Option<&'a Program>, events: &[Event]) -> Result<Self, Outcome> {
        let unreadable = |seq, message: String| Outcome::Unreadable { seq, message };
        Chain::verify(events).map_err(|error| unreadable(error.seq, error.fault.to_string()))?;
        let mut started = None;
        let mut asked: Vec<Asked> = Vec::new();
        let mut places: BTreeMap<EffectId, usize> = BTreeMap::new();
        let mut handed_out = Vec::new();
        let mut end = RecordedEnd::Open;
        for event in events {
            let erased = || unreadable(event.seq, "its payload was erased".to_owned());
            let payload = event.payload.clone().ok_or_else(erased)?;
            match payload {
                Payload::RunStarted(first) => started = Some(first),
                Payload::EffectRequested { effect, node, visit, call } => {
                    // What was asked for before a fork is asked for again behind it.
                    if places.contains_key(&effect) {
                        continue;
                    }
                    places.insert(effect.clone(), asked.len());
                    asked.push(Asked::new(event.seq, EffectRequest { id: effect, node, visit, call }, program));
                }
                Payload::EffectAttempted { effect, error, .. } => {
                    if let Some(place) = places.get(&effect) {
                        asked[*place].attempts.push((event.seq, error));
                    }
                }
                Payload::EffectCompleted { effect, answer, .. } => {
                    if let Some(place) = places.get(&effect) {
                        asked[*place].answer = Some(Answered { seq: event.seq, at: event.at, result: Ok(answer) });
                    }
                }
                Payload::EffectFailed { effect, error, .. } => {
                    if let Some(place) = places.get(&effect) {
                        asked[*place].answer = Some(Answered { seq: event.seq, at: event.at, result: Err(error) });
                    }
                }
                Payload::Emitted { emission } => handed_out.push(Handed::new(event.seq, emission, program)),
                Payload::RunCompleted { result, .. } => end = RecordedEnd::Drawn(End::Completed { result }),
                Payload::RunFailed { error, node: Some(node), .. } => {
                    end = RecordedEnd::Drawn(End::Failed { error, node: Some(node) });
                }
                Payload::RunFailed { node: None, .. }
                | Payload::RunCancelled { .. }
                | Payload::RunForked(_)
                | Payload::RunContinued { .. }
                | Payload::SignalReceived { .. } => {}
            }
        }
        let started = started.ok_or_else(|| unreadable(1, "the run did not start".to_owned()))?;
        let last = events.last().map_or(0, |event| event.seq);
        let mut path = None;
        if let Some(program) = program {
            let Followed { path: walked, open, emitted, reached } = follow(program, events)?;
            path = program.has_source().then_some(walked);
            if let RecordedEnd::Open = end {
                end = reached;
                handed_out.extend(emitted.into_iter().map(|emission| Handed::new(last, emission, Some(program))));
            }
            // What a reading tool is asked is recorded with its answer: here is what it was about to be asked.
            let unrecorded = open.into_iter().filter(|request| !places.contains_key(&request.id));
            asked.extend(unrecorded.map(|request| Asked::new(last, request, Some(program))));
        }
        let mut branches: BTreeMap<String, Vec<Asked>> = BTreeMap::new();
        for asked in asked {
            branches.entry(branch_key(asked.request.id.as_str(), program)).or_default().push(asked);
        }
        Ok(Self { program, started, asked: branches, handed_out, path, end })
    }

    /// Gives an effect another outcome, recorded when its own was; `last` is the last event. False where it was never asked for.
    pub(super) fn answer_otherwise(
        &mut self,
        effect: &EffectId,
        outcome: Result<Value, EffectError>,
        last: Option<&Event>,
    ) -> bool {
        let Some(asked) = self.asked.values_mut().flatten().find(|asked| asked.request.id == *effect) else {
            return false;
        };
        let known = asked.answer.take();
        let usage = known.as_ref().and_then(|known| known.result.as_ref().ok()).and_then(|answer| answer.usage.clone());
        let (seq, at) = known.map_or_else(
            || last.map_or((asked.seq, 0), |last| (last.seq.saturating_add(1), last.at)),
            |known| (known.seq, known.at),
        );
        let result = outcome.map(|value| Answer { value: value.normalized(), usage });
        asked.answer = Some(Answered { seq, at, result });
        true
    }

    /// Whether an icon stands in the recorded program too; of one that is not known, every icon may.
    pub(super) fn has_item(&self, item: &str) -> bool {
        self.program.is_none_or(|program| program.inner().spots.values().any(|spot| spot.item == item))
    }
}

impl Asked {
    fn new(seq: u64, request: EffectRequest, program: Option<&Program>) -> Self {
        Self {
            seq,
            item: program.and_then(|program| program.item(&request.node)).map(str::to_owned),
            question: question(&request.call),
            request,
            attempts: Vec::new(),
            answer: None,
        }
    }
}

/// What the recorded program did, also behind the end of the history.
struct Followed {
    path: Path,
    /// What it waits for.
    open: Vec<EffectRequest>,
    /// What it handed out that is not recorded.
    emitted: Vec<Emission>,
    /// Where it came to.
    reached: RecordedEnd,
}

#[expect(clippy::result_large_err, reason = "read once for each history that is compared")]
fn follow(program: &Program, events: &[Event]) -> Result<Followed, Outcome> {
    let mut follower = Follower::new(program, events);
    follower.keeps_log = true;
    let mut path = Path::default();
    let mut take = |follower: &mut Follower, seq: u64| {
        let done = follower.machine.as_mut().map(crate::Machine::take_log).unwrap_or_default();
        for Done { branch, node } in &done {
            path.pass(program, branch, *node, seq);
        }
    };
    for event in events {
        let seq = event.seq.saturating_sub(1);
        let followed = follower.follow(event);
        take(&mut follower, seq);
        if let Err(verdict) = followed {
            return Err(Outcome::Unreadable { seq: event.seq, message: verdict.to_string() });
        }
    }
    // Where it was stopped it would have gone on, and so does the other one.
    let is_at_rest = follower.catch_up_within(LOOK_AHEAD);
    take(&mut follower, events.last().map_or(0, |event| event.seq));
    let reached = match follower.machine.as_ref().and_then(|machine| machine.end()) {
        Some(end) => RecordedEnd::Drawn(end.clone()),
        None if is_at_rest => RecordedEnd::Open,
        None => RecordedEnd::InTurn,
    };
    let open = follower.open.iter().map(|open| open.ask().clone()).collect();
    Ok(Followed { path, open, emitted: follower.unrecorded.into(), reached })
}

/// A branch by the icons of the forks that it is in, by which it is found in another program: of `n2#1.0/n7#3` it is
/// `12#1.0/` where `n2` stands in icon 12.
pub(super) fn branch_key(id: &str, program: Option<&Program>) -> String {
    let Some((path, _)) = id.rsplit_once('/') else { return String::new() };
    let mut key = String::new();
    for part in path.split('/') {
        let (node, rest) = part.split_once('#').unwrap_or((part, ""));
        let item = program.and_then(|program| program.item(&bloom_ir::document::NodeId::new(node)));
        key.extend([item.unwrap_or(node), "#", rest, "/"]);
    }
    key
}
