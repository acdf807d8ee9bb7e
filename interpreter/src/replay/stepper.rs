//! A recorded run, gone through step by step, forward and back: for debuggers.
//!
//! A *moment* lies between two steps; a step is one node, or one recorded event. What a run did up to a moment follows from
//! its history, so going back is going forward again from a mark before it. Marks are kept in even distances, which grow with
//! the run: there are never more than some hundreds, and of runs that hold much there are fewer.

use std::collections::BTreeMap;

use bloom_ir::Value;
use bloom_ir::document::NodeId;

use super::Position;
use super::Verdict;
use super::follow::Follower;
use crate::effect::EffectId;
use crate::history::{Event, EventType, Payload};
use crate::machine::{EvaluateError, Machine};
use crate::program::Program;

/// Marks at most, of which the first is the start.
const MOST_MARKS: usize = 256;
/// Marks that are kept however much the state holds.
const FEWEST_MARKS: usize = 8;
/// What the states of all marks may count for together: most of it is shared, but need not be.
const MARKED_BYTES: u64 = 256 << 20;

/// A recorded run at some moment.
#[derive(Debug)]
pub struct Stepper<'a> {
    program: &'a Program,
    events: &'a [Event],
    now: State,
    marks: Vec<State>,
    /// The distance between marks.
    every: u64,
    /// The moments at which another icon comes first, as far as the run was gone through, each with that icon.
    visits: Vec<(u64, Option<String>)>,
    /// Up to here.
    known: u64,
}

#[derive(Clone, Debug)]
struct State {
    moment: u64,
    /// How many events were followed.
    event: usize,
    follower: Follower,
    /// What was found when the history could not be followed.
    fault: Option<Verdict>,
    last: Option<Step>,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A node is done.
    Node {
        /// Which.
        node: NodeId,
        /// The path of its branch; empty for the main one.
        branch: String,
    },
    /// An event is met.
    Event {
        /// Which.
        seq: u64,
    },
}

impl<'a> Stepper<'a> {
    /// At the beginning of a history, before its first event.
    pub fn new(program: &'a Program, events: &'a [Event]) -> Self {
        let now = State { moment: 0, event: 0, follower: Follower::new(program, events), fault: None, last: None };
        Self { program, events, marks: vec![now.clone()], now, every: 64, visits: vec![(0, None)], known: 0 }
    }

    /// The program.
    pub fn program(&self) -> &'a Program {
        self.program
    }

    /// The history.
    pub fn events(&self) -> &'a [Event] {
        self.events
    }

    /// How many marks are kept.
    pub fn marks(&self) -> usize {
        self.marks.len()
    }

    /// How many steps are done again to come here from the mark before.
    pub fn distance_to_mark(&self) -> u64 {
        let at = self.marks.partition_point(|mark| mark.moment <= self.now.moment).saturating_sub(1);
        self.marks.get(at).map_or(self.now.moment, |mark| self.now.moment.saturating_sub(mark.moment))
    }

    /// How many steps lie before this moment.
    pub fn moment(&self) -> u64 {
        self.now.moment
    }

    /// The last event that was met; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.now.follower.chain.seq()
    }

    /// The step that led here; `None` at the beginning.
    pub fn last(&self) -> Option<&Step> {
        self.now.last.as_ref()
    }

    /// Why the history cannot be followed any further, if it cannot.
    pub fn fault(&self) -> Option<&Verdict> {
        self.now.fault.as_ref()
    }

    /// The step that comes next; `None` at the end.
    pub fn next(&self) -> Option<Step> {
        if self.now.fault.is_some() {
            return None;
        }
        if let Some((node, branch)) = self.next_node() {
            return Some(Step::Node { node, branch });
        }
        self.events.get(self.now.event).map(|event| Step::Event { seq: event.seq })
    }

    fn next_node(&self) -> Option<(NodeId, String)> {
        let machine = self.now.follower.machine.as_ref()?;
        if !self.now.follower.is_behind() || self.now.is_stopped(self.events) {
            return None;
        }
        machine.next_node().map(|(node, branch)| (node.clone(), branch.to_owned()))
    }

    /// The icon that comes next: that of the next node, or of the effect that the next event is about. `None` for other
    /// events, at the end, and where no icons are known.
    pub fn place(&self) -> Option<String> {
        let node = match self.next()? {
            Step::Node { node, .. } => node,
            Step::Event { seq } => self.node_of(seq)?,
        };
        self.program.item(&node).map(str::to_owned)
    }

    /// The node that an event is about.
    pub fn node_of(&self, seq: u64) -> Option<NodeId> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        match self.events.get(index)?.payload.as_ref()? {
            Payload::EffectRequested { node, .. } => Some(node.clone()),
            Payload::Emitted { emission } => Some(emission.node.clone()),
            Payload::EffectAttempted { effect, .. }
            | Payload::EffectCompleted { effect, .. }
            | Payload::EffectFailed { effect, .. } => Some(node_in(effect)),
            Payload::RunFailed { node, .. } => node.clone(),
            Payload::RunStarted(_)
            | Payload::RunForked(_)
            | Payload::SignalReceived { .. }
            | Payload::RunCancelled { .. }
            | Payload::RunCompleted { .. }
            | Payload::RunContinued { .. } => None,
        }
    }

    fn is_answer(&self, seq: u64) -> bool {
        let index = usize::try_from(seq).ok().and_then(|seq| seq.checked_sub(1));
        let event = index.and_then(|index| self.events.get(index));
        event.is_some_and(|event| matches!(event.kind, EventType::EffectCompleted | EventType::EffectFailed))
    }

    /// Goes one step; false at the end.
    pub fn step(&mut self) -> bool {
        if !self.now.go(self.events) {
            return false;
        }
        if self.now.moment > self.known {
            self.explore();
        }
        true
    }

    /// Takes note of a moment that was never come to before.
    fn explore(&mut self) {
        self.known = self.now.moment;
        let place = self.place();
        let last = self.visits.last().and_then(|(_, place)| place.clone());
        let is_visit = match self.next() {
            // An icon that comes again is passed again.
            Some(Step::Node { node, .. }) => place != last || self.program.is_first(&node),
            // Its answer is what an icon waits for; what else is recorded of it comes behind it.
            Some(Step::Event { seq }) => self.is_answer(seq) && place.is_some() && place != last,
            None => false,
        };
        if is_visit {
            self.visits.push((self.now.moment, place));
        }
        let last_mark = self.marks.last().map_or(0, |mark| mark.moment);
        if self.now.moment.saturating_sub(last_mark) >= self.every {
            self.marks.push(self.now.clone());
            let held = self.now.weight().saturating_mul(self.marks.len() as u64);
            if self.marks.len() > MOST_MARKS || (held > MARKED_BYTES && self.marks.len() > FEWEST_MARKS) {
                let mut number = 0_usize;
                self.marks.retain(|_| {
                    number = number.saturating_add(1);
                    number % 2 == 1
                });
                self.every = self.every.saturating_mul(2);
            }
        }
    }

    /// Goes to a moment; to the last one, if there are not so many.
    pub fn go_to(&mut self, moment: u64) {
        if moment < self.now.moment {
            let at = self.marks.partition_point(|mark| mark.moment <= moment).saturating_sub(1);
            if let Some(mark) = self.marks.get(at) {
                self.now = mark.clone();
            }
        }
        while self.now.moment < moment && self.step() {}
    }

    /// Goes one step back; false at the beginning.
    pub fn step_back(&mut self) -> bool {
        let Some(before) = self.now.moment.checked_sub(1) else { return false };
        self.go_to(before);
        true
    }

    /// Goes to the moment at which an event has just been met; 0 is the beginning. False where there is no such event.
    pub fn go_to_event(&mut self, seq: u64) -> bool {
        if seq < self.seq() || (seq == self.seq() && self.now.moment > 0) {
            let at = self.marks.partition_point(|mark| mark.follower.chain.seq() < seq).saturating_sub(1);
            if let Some(mark) = self.marks.get(at) {
                self.now = mark.clone();
            }
        }
        while self.seq() < seq {
            if !self.step() {
                return false;
            }
        }
        self.seq() == seq
    }

    /// Goes on to the next icon; false at the end.
    pub fn next_icon(&mut self) -> bool {
        let from = self.now.moment;
        loop {
            let after = self.visits.partition_point(|(moment, _)| *moment <= self.now.moment.max(from));
            if let Some((moment, _)) = self.visits.get(after) {
                let moment = *moment;
                self.go_to(moment);
                return true;
            }
            // Beyond what is known.
            let known = self.known;
            self.go_to(known);
            if !self.step() {
                return self.now.moment > from;
            }
            if self.visits.last().is_some_and(|(moment, _)| *moment == self.now.moment && *moment > from) {
                return true;
            }
        }
    }

    /// Goes back to the icon before; false at the beginning.
    pub fn previous_icon(&mut self) -> bool {
        let before = self.visits.partition_point(|(moment, _)| *moment < self.now.moment);
        let Some((moment, _)) = before.checked_sub(1).and_then(|at| self.visits.get(at)) else { return false };
        let moment = *moment;
        self.go_to(moment);
        true
    }

    /// All variables of the branch that comes next; of the main one, where none does. One that was not set is null.
    pub fn variables(&self) -> BTreeMap<String, Value> {
        let Some(machine) = &self.now.follower.machine else { return BTreeMap::new() };
        machine.variables(&self.branch())
    }

    /// The path of the branch that comes next; empty for the main one.
    pub fn branch(&self) -> String {
        let own = |step: &Step| match step {
            Step::Node { branch, .. } => Some(branch.clone()),
            Step::Event { .. } => None,
        };
        let effect = match self.next() {
            Some(Step::Event { seq }) => self.effect_of(seq),
            _ => None,
        };
        let of_effect = effect.and_then(|effect| Some(effect.as_str().rsplit_once('/')?.0.to_owned() + "/"));
        self.next().as_ref().and_then(own).or(of_effect).unwrap_or_default()
    }

    fn effect_of(&self, seq: u64) -> Option<EffectId> {
        let index = usize::try_from(seq.checked_sub(1)?).ok()?;
        match self.events.get(index)?.payload.as_ref()? {
            Payload::EffectRequested { effect, .. }
            | Payload::EffectAttempted { effect, .. }
            | Payload::EffectCompleted { effect, .. }
            | Payload::EffectFailed { effect, .. } => Some(effect.clone()),
            _ => None,
        }
    }

    /// The value of an expression of the IR at this moment, in the branch that comes next.
    pub fn evaluate(&self, text: &str) -> Result<Value, EvaluateError> {
        let machine = self.now.follower.machine.as_ref().ok_or(EvaluateError::NotStarted)?;
        machine.evaluate(&self.branch(), text)
    }

    /// The run's inputs; before it has started, none.
    pub fn inputs(&self) -> Value {
        self.now.follower.machine.as_ref().map(|machine| machine.inputs().clone()).unwrap_or_default()
    }

    /// All that is known of the run at this moment; `None` before it has started.
    pub fn position(&self) -> Option<Position> {
        self.now.follower.position()
    }
}

/// The node of an effect's id.
fn node_in(effect: &EffectId) -> NodeId {
    let own = effect.as_str().rsplit_once('/').map_or(effect.as_str(), |(_, own)| own);
    NodeId::new(own.split_once('#').map_or(own, |(node, _)| node))
}

impl State {
    fn go(&mut self, events: &[Event]) -> bool {
        if self.fault.is_some() {
            return false;
        }
        if self.follower.is_behind() && !self.is_stopped(events) {
            let next = self.follower.machine.as_ref().and_then(Machine::next_node);
            let next = next.map(|(node, branch)| (node.clone(), branch.to_owned()));
            self.follower.catch_up_within(1);
            if let Some((node, branch)) = next {
                self.moment = self.moment.saturating_add(1);
                self.last = Some(Step::Node { node, branch });
                self.settle(events);
                return true;
            }
        }
        let Some(event) = events.get(self.event) else { return false };
        if let Err(verdict) = self.follower.follow(event) {
            self.fault = Some(verdict);
            return false;
        }
        self.event = self.event.saturating_add(1);
        self.moment = self.moment.saturating_add(1);
        self.last = Some(Step::Event { seq: event.seq });
        self.settle(events);
        true
    }

    /// Whether the run was ended from outside at this moment, in the middle of a turn.
    fn is_stopped(&self, events: &[Event]) -> bool {
        events.get(self.event).is_some_and(|event| self.follower.is_stopped_before_turn(event))
    }

    /// Branches that have come to their joins end, which is no step of its own; so does a turn that has nothing more to do.
    fn settle(&mut self, events: &[Event]) {
        while self.follower.is_behind() && !self.is_stopped(events) {
            let machine = self.follower.machine.as_ref();
            if machine.is_some_and(|machine| machine.next_node().is_some()) {
                break;
            }
            self.follower.catch_up_within(1);
        }
    }

    fn weight(&self) -> u64 {
        self.follower.machine.as_ref().map_or(0, Machine::weight)
    }
}
