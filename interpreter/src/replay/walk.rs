//! Which icons a run passed, and by which ways: for pictures of it.

use std::collections::BTreeMap;

use bloom_ir::document::{Document, NodeId, Source};

use super::Verdict;
use super::follow::Follower;
use crate::history::Event;
use crate::program::Program;
use crate::rehearse::{Coverage, arms, taken_case};

/// How often icons and the ways between them were passed, by the ids of the icons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IconWalk {
    /// How often each icon was passed.
    pub icons: BTreeMap<String, u64>,
    /// How often a run came from one icon to the next.
    pub ways: BTreeMap<(String, String), u64>,
    /// The icons at which the run stands, or ended.
    pub position: Vec<String>,
}

/// Replays a history and tells which icons it passed. The verdict says how far the two agree: icons after that are not
/// among them.
pub fn walk(program: &Program, document: &Document, events: &[Event]) -> (IconWalk, Verdict) {
    let mut follower = Follower::new(program, events);
    follower.keeps_trail = true;
    let mut verdict = None;
    for event in events {
        if let Err(found) = follower.follow(event) {
            verdict = Some(found);
            break;
        }
    }
    follower.catch_up();
    let mut walk = IconWalk::default();
    if let (Some(machine), Some(source)) = (&follower.machine, &document.source) {
        for (from, to, count) in machine.trail() {
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
        let places = machine.position();
        walk.position = places.iter().filter_map(|node| item(source, node).map(str::to_owned)).collect();
    }
    let verdict = verdict.unwrap_or(if follower.is_over() { Verdict::Same } else { Verdict::Unfinished });
    (walk, verdict)
}

impl IconWalk {
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
