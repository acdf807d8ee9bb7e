//! Which icons a run passed, and by which ways: for pictures of it.

use std::collections::BTreeMap;

use bloom_ir::document::{Document, NodeId, Source};

use super::follow::{Follower, LOOK_AHEAD};
use super::{Position, Verdict};
use crate::effect::EffectId;
use crate::history::{Event, Payload};
use crate::program::Program;
use crate::rehearse::{Coverage, arms, taken_case};

/// Marks of a [`Walker`] at most.
const MOST_MARKS: usize = 256;
/// Marks that are kept however much the state holds.
const FEWEST_MARKS: usize = 8;
/// What the states of all marks may count for together: most of it is shared, but need not be.
const MARKED_BYTES: u64 = 32 << 20;

/// How often icons and the ways between them were passed, by the ids of the icons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IconWalk {
    /// How often each icon was passed.
    pub icons: BTreeMap<String, u64>,
    /// How often a run came from one icon to the next.
    pub ways: BTreeMap<(String, String), u64>,
    /// The icons at which the run stands, or ended.
    pub position: Vec<String>,
    /// How long was waited for effects, by icon, in milliseconds.
    pub waited_ms: BTreeMap<String, u64>,
}

/// Replays a history and tells which icons it passed. The verdict says how far the two agree: icons after that are not
/// among them.
pub fn walk(program: &Program, document: &Document, events: &[Event]) -> (IconWalk, Verdict) {
    let mut walker = Walker::new(program, events);
    for event in events {
        walker.follow(event);
    }
    (walker.walk(document), walker.verdict())
}

/// A run that is looked at while its history grows, and at any event of it.
///
/// What a run did up to an event follows from its history, so looking back is going forward again from a mark before that
/// event. Marks are kept in even distances, which grow with the run: there are never more than some hundreds, and of runs that
/// hold much there are fewer.
#[derive(Clone, Debug)]
pub struct Walker {
    now: State,
    marks: Vec<State>,
    /// The distance between marks, in events.
    every: u64,
}

#[derive(Clone, Debug)]
struct State {
    follower: Follower,
    /// What was found when the history could not be followed.
    fault: Option<Verdict>,
    /// What was asked for and is waited for, by which node and since when.
    asked: BTreeMap<EffectId, (NodeId, i64)>,
    waited_ms: BTreeMap<String, u64>,
}

impl Walker {
    /// Before the first of these events. They are looked at for the IR that they pin, and not followed.
    pub fn new(program: &Program, events: &[Event]) -> Self {
        let mut follower = Follower::new(program, events);
        follower.keeps_trail = true;
        let now = State { follower, fault: None, asked: BTreeMap::new(), waited_ms: BTreeMap::new() };
        Self { marks: vec![now.clone()], now, every: 64 }
    }

    /// The last event that agrees; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.now.follower.chain.seq()
    }

    /// Takes the next event. Behind one that does not agree nothing is taken any more.
    pub fn follow(&mut self, event: &Event) {
        if !self.now.follow(event) {
            return;
        }
        let last = self.marks.last().map_or(0, |mark| mark.follower.chain.seq());
        if self.seq().saturating_sub(last) < self.every {
            return;
        }
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

    /// The same run at the last mark that is not behind this event: to be followed from there to the event.
    #[must_use]
    pub fn before(&self, seq: u64) -> Self {
        let at = self.marks.partition_point(|mark| mark.follower.chain.seq() <= seq).saturating_sub(1);
        let now = self.marks.get(at).unwrap_or(&self.now).clone();
        Self { marks: Vec::new(), now, every: u64::MAX }
    }

    /// How far the history and the program agree.
    pub fn verdict(&self) -> Verdict {
        let so_far = || if self.now.follower.is_over() { Verdict::Same } else { Verdict::Unfinished };
        self.now.fault.clone().unwrap_or_else(so_far)
    }

    /// Where the run stands, in the turn that follows the last event; `None` before it has started.
    pub fn position(&self) -> Option<Position> {
        self.now.settled().position()
    }

    /// Which icons the run passed.
    pub fn walk(&self, document: &Document) -> IconWalk {
        let follower = self.now.settled();
        let Some(machine) = &follower.machine else { return IconWalk::default() };
        let mut walk = IconWalk::of_trail(document, machine.trail(), &machine.position());
        walk.waited_ms.clone_from(&self.now.waited_ms);
        walk
    }
}

impl State {
    /// False where the event does not agree.
    fn follow(&mut self, event: &Event) -> bool {
        if self.fault.is_none()
            && let Err(found) = self.follower.follow(event)
        {
            self.fault = Some(found);
        }
        if self.fault.is_some() {
            return false;
        }
        match &event.payload {
            Some(Payload::EffectRequested { effect, node, .. }) => {
                self.asked.insert(effect.clone(), (node.clone(), event.at));
            }
            Some(Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. }) => {
                let Some((node, since)) = self.asked.remove(effect) else { return true };
                if let Some(item) = self.follower.program().item(&node) {
                    let waited = self.waited_ms.entry(item.to_owned()).or_default();
                    let more = u64::try_from(event.at.saturating_sub(since)).unwrap_or(0);
                    *waited = waited.saturating_add(more);
                }
            }
            _ => {}
        }
        true
    }

    /// In the turn that comes next; of a run that was stopped in one that is far from its end, before it.
    fn settled(&self) -> Follower {
        let mut ahead = self.follower.clone();
        if ahead.is_over() {
            if ahead.catch_up_within(LOOK_AHEAD) { ahead } else { self.follower.clone() }
        } else {
            ahead.catch_up();
            ahead
        }
    }

    fn weight(&self) -> u64 {
        self.follower.machine.as_ref().map_or(0, crate::Machine::weight)
    }
}

impl IconWalk {
    /// Of nodes that were done, each pair with how often the second came after the first; the first one of a run comes after
    /// none. `position` is where the run stands.
    pub(super) fn of_trail<'a>(
        document: &Document,
        trail: impl Iterator<Item = (Option<&'a NodeId>, &'a NodeId, u64)>,
        position: &[NodeId],
    ) -> Self {
        let mut walk = Self::default();
        let Some(source) = &document.source else { return walk };
        for (from, to, count) in trail {
            if let Some(from) = from {
                walk.way(document, source, from, to, count);
            } else {
                let via = source.via.get("entry").into_iter().flatten().map(String::as_str);
                walk.pass(via, item(source, to), None, count);
            }
            if let Some(spot) = source.map.get(to).filter(|spot| spot.first) {
                walk.visit(&spot.item, count);
            }
        }
        walk.position = position.iter().filter_map(|node| item(source, node).map(str::to_owned)).collect();
        walk
    }

    /// What rehearsals passed.
    pub fn of_coverage(document: &Document, coverage: &Coverage) -> Self {
        let mut walk = Self { icons: coverage.icons.clone(), ..Self::default() };
        let Some(source) = &document.source else { return walk };
        let mut ways = Self::default();
        let via = source.via.get("entry").into_iter().flatten().map(String::as_str);
        ways.pass(via, item(source, &document.entry), None, coverage.rehearsals);
        for ((node, arm), count) in &coverage.ways {
            let to = document
                .nodes
                .get(node)
                .and_then(|kind| arms(&kind.kind).into_iter().find(|(name, _)| name == arm).map(|(_, to)| to));
            if let Some(to) = to {
                ways.along(source, node, arm, to, *count);
            }
        }
        walk.ways = ways.ways;
        walk
    }

    /// From a node to one of those that it leads to; an error leads elsewhere, by no way that is drawn.
    fn way(&mut self, document: &Document, source: &Source, from: &NodeId, to: &NodeId, count: u64) {
        let Some(node) = document.nodes.get(from) else { return };
        if let Some((arm, _)) = arms(&node.kind).into_iter().find(|(_, target)| *target == to) {
            self.along(source, from, &arm, to, count);
        }
    }

    fn along(&mut self, source: &Source, from: &NodeId, arm: &str, to: &NodeId, count: u64) {
        let Some(spot) = source.map.get(from) else { return };
        let case = taken_case(arm, &spot.cases).map(String::as_str);
        let via = spot.via.get(arm).into_iter().flatten().map(String::as_str);
        let is_within = case.is_none() && spot.via.get(arm).is_none_or(Vec::is_empty);
        let target = source.map.get(to);
        // Several nodes of an icon are one visit of it.
        if is_within && target.is_some_and(|target| target.item == spot.item && !target.first) {
            return;
        }
        self.pass(case.into_iter().chain(via), target.map(|spot| spot.item.as_str()), Some(&spot.item), count);
    }

    /// From an icon through others, which have no node, to the last.
    fn pass<'a>(
        &mut self,
        through: impl Iterator<Item = &'a str>,
        last: Option<&'a str>,
        first: Option<&'a str>,
        count: u64,
    ) {
        let mut from = first;
        for icon in through {
            self.visit(icon, count);
            self.step(from, icon, count);
            from = Some(icon);
        }
        if let Some(last) = last {
            self.step(from, last, count);
        }
    }

    fn visit(&mut self, icon: &str, count: u64) {
        let visits = self.icons.entry(icon.to_owned()).or_default();
        *visits = visits.saturating_add(count);
    }

    fn step(&mut self, from: Option<&str>, to: &str, count: u64) {
        let Some(from) = from else { return };
        let taken = self.ways.entry((from.to_owned(), to.to_owned())).or_default();
        *taken = taken.saturating_add(count);
    }
}

fn item<'a>(source: &'a Source, node: &NodeId) -> Option<&'a str> {
    source.map.get(node).map(|spot| spot.item.as_str())
}
