//! What rehearsals came to, and what they did not.

use std::collections::{BTreeMap, BTreeSet};

use bloom_ir::document::{Action, Decision, Document, NodeId, NodeKind};

use super::walk::{End, Rehearsal};

/// How often rehearsals came to each icon and took each way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many rehearsals there were.
    pub rehearsals: u64,
    /// How many of them were cut off.
    pub cut: u64,
    /// How often each icon was passed.
    pub icons: BTreeMap<String, u64>,
    /// How often each way out of each node was taken.
    pub ways: BTreeMap<(NodeId, String), u64>,
    /// The icons in which rehearsals were when they were cut off, with how often.
    pub endless: BTreeMap<String, u64>,
}

/// What no rehearsal came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// Icons that were never passed, in the order of their ids.
    pub icons: Vec<String>,
    /// Ways that were never taken: the icon that decides, and the way's name (`then`, `else`, `case:0`, `next`, `done`).
    pub ways: Vec<(String, String)>,
}

impl Missed {
    /// Whether everything was reached.
    pub fn is_empty(&self) -> bool {
        self.icons.is_empty() && self.ways.is_empty()
    }
}

impl Coverage {
    /// Adds what one rehearsal of the document did.
    pub fn add(&mut self, document: &Document, rehearsal: &Rehearsal) {
        self.rehearsals = self.rehearsals.saturating_add(1);
        let source = document.source.as_ref();
        let mut pass = |item: &str| {
            let count = self.icons.entry(item.to_owned()).or_default();
            *count = count.saturating_add(1);
        };
        for item in source.and_then(|source| source.via.get("entry")).into_iter().flatten() {
            pass(item);
        }
        let mut last: Option<&str> = None;
        for (node, arm) in &rehearsal.visits {
            if let Some(spot) = source.and_then(|source| source.map.get(node)) {
                // Several nodes of an icon are one visit of it.
                if last != Some(spot.item.as_str()) || spot.first {
                    pass(&spot.item);
                }
                last = Some(&spot.item);
                if let Some(case) = taken_case(arm, &spot.cases) {
                    pass(case);
                }
                for item in spot.via.get(arm).into_iter().flatten() {
                    pass(item);
                    last = None;
                }
            }
            if !arm.is_empty() {
                let count = self.ways.entry((node.clone(), arm.clone())).or_default();
                *count = count.saturating_add(1);
            }
        }
        if rehearsal.end == End::Cut {
            self.cut = self.cut.saturating_add(1);
            let item = rehearsal.visits.last().and_then(|(node, _)| source?.map.get(node));
            let item = item.map(|spot| spot.item.clone()).unwrap_or_default();
            let count = self.endless.entry(item).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// What was not reached yet.
    pub fn missed(&self, document: &Document) -> Missed {
        let Some(source) = &document.source else { return Missed { icons: Vec::new(), ways: Vec::new() } };
        // What handles errors is entered by errors alone, and no rehearsal makes one.
        let walked = reachable(document);
        let mut expected: BTreeSet<&str> = BTreeSet::new();
        expected.extend(source.via.get("entry").into_iter().flatten().map(String::as_str));
        let mut ways = Vec::new();
        for node in &walked {
            let Some(spot) = source.map.get(*node) else { continue };
            expected.insert(&spot.item);
            expected.extend(spot.cases.iter().map(String::as_str));
            for (arm, _) in arms(&document.nodes[*node].kind) {
                expected.extend(spot.via.get(&arm).into_iter().flatten().map(String::as_str));
                let decides =
                    matches!(document.nodes[*node].kind, NodeKind::Decision(_) | NodeKind::Action(Action::Iter { .. }));
                if decides && !self.ways.contains_key(&((*node).clone(), arm.clone())) {
                    ways.push((spot.item.clone(), arm));
                }
            }
        }
        let icons = expected.into_iter().filter(|item| !self.icons.contains_key(*item));
        Missed { icons: icons.map(str::to_owned).collect(), ways }
    }
}

/// A way from one icon to another, without what lies between.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IconWay {
    /// The icon that it leaves.
    pub from: String,
    /// By which way out, by its name in the source map.
    pub arm: String,
    /// The icon that it comes to.
    pub to: String,
}

/// The ways between the icons of a document, as far as its source map tells: for who shows an icon among its neighbours.
pub fn icon_ways(document: &Document) -> BTreeSet<IconWay> {
    let mut ways = BTreeSet::new();
    let Some(source) = &document.source else { return ways };
    for (id, node) in &document.nodes {
        let Some(spot) = source.map.get(id) else { continue };
        for (arm, to) in arms(&node.kind) {
            let target = source.map.get(to);
            let case = taken_case(&arm, &spot.cases).into_iter();
            let through: Vec<&String> = case.chain(spot.via.get(&arm).into_iter().flatten()).collect();
            // From one statement of an icon to the next.
            let is_within =
                through.is_empty() && target.is_some_and(|target| target.item == spot.item && !target.first);
            if is_within {
                continue;
            }
            let mut from = &spot.item;
            for item in through.into_iter().chain(target.map(|target| &target.item)) {
                ways.insert(IconWay { from: from.clone(), arm: arm.clone(), to: item.clone() });
                from = item;
            }
        }
    }
    ways
}

/// The icon of the case that a way belongs to.
pub(crate) fn taken_case<'a>(arm: &str, cases: &'a [String]) -> Option<&'a String> {
    let position = match arm.split_once(':') {
        Some(("case" | "branch", number)) => number.parse().ok()?,
        None if arm == "else" => cases.len().checked_sub(1)?,
        _ => return None,
    };
    cases.get(position)
}

/// The nodes that a rehearsal can come to.
fn reachable(document: &Document) -> BTreeSet<&NodeId> {
    let mut seen = BTreeSet::new();
    let mut work = vec![&document.entry];
    while let Some(id) = work.pop() {
        let Some(node) = document.nodes.get(id) else { continue };
        if seen.insert(id) {
            work.extend(arms(&node.kind).into_iter().map(|(_, to)| to));
        }
    }
    seen
}

/// The ways out that a rehearsal can take, by their names in the source map.
pub(crate) fn arms(node: &NodeKind) -> Vec<(String, &NodeId)> {
    let one = |next| vec![("next".to_owned(), next)];
    match node {
        NodeKind::Decision(Decision::If { then, otherwise, .. }) => {
            vec![("then".to_owned(), then), ("else".to_owned(), otherwise)]
        }
        NodeKind::Decision(Decision::Choice { cases, otherwise, .. }) => {
            let cases = cases.iter().enumerate().map(|(index, case)| (format!("case:{index}"), &case.to));
            cases.chain(otherwise.as_ref().map(|to| ("else".to_owned(), to))).collect()
        }
        NodeKind::Action(Action::Iter { next, done, .. }) => {
            vec![("next".to_owned(), next), ("done".to_owned(), done)]
        }
        NodeKind::Action(Action::Fork { branches, join }) => {
            let branches = branches.iter().enumerate();
            let branches = branches.map(|(index, branch)| (format!("branch:{index}"), &branch.entry));
            branches.chain([("join".to_owned(), join)]).collect()
        }
        NodeKind::Action(
            Action::Set { next, .. }
            | Action::Each { next, .. }
            | Action::Tool { next, .. }
            | Action::Flow { next, .. }
            | Action::Sleep { next, .. }
            | Action::Timer { next, .. }
            | Action::Await { next, .. }
            | Action::Join { next, .. },
        ) => one(next),
        NodeKind::LlmCall(call) => one(&call.next),
        NodeKind::Emit(emit) => one(&emit.next),
        NodeKind::Return(_) => Vec::new(),
    }
}
