//! The nodes as a graph of small numbers: entry, targets, reachability, the `kind` rule, timers.

use std::collections::{BTreeMap, BTreeSet};

use super::parts::{Exit, Spot, exits};
use super::{Report, codes};
use crate::document::{Action, Awaited, Document, FlowKind, Node, NodeId, NodeKind};

/// A node's number: its position in the order of ids.
pub(super) type Index = usize;

/// The graph of a document all of whose targets exist.
pub(super) struct Graph<'a> {
    pub nodes: Vec<(&'a NodeId, &'a Node)>,
    /// For each node its ways out.
    pub edges: Vec<Vec<Edge<'a>>>,
    pub entry: Index,
    pub catch: Option<Index>,
}

/// A way out of a node whose target exists.
pub(super) struct Edge<'a> {
    pub to: Index,
    /// The variables that are set on this way.
    pub sets: Vec<&'a str>,
}

impl<'a> Graph<'a> {
    /// `None` when a target does not exist: what follows from the edges is then unknown.
    pub(super) fn build(document: &'a Document, report: &mut Report<'a>) -> Option<Self> {
        let nodes: Vec<(&NodeId, &Node)> = document.nodes.iter().collect();
        let numbers: BTreeMap<&NodeId, Index> = nodes.iter().enumerate().map(|(index, (id, _))| (*id, index)).collect();
        let mut complete = true;
        let edges = nodes
            .iter()
            .map(|(id, node)| {
                let resolve = |Exit { spot, to, sets }: Exit<'a>| {
                    let number = numbers.get(to).copied();
                    if number.is_none() {
                        complete = false;
                        report.error(codes::NO_SUCH_NODE, id, spot, |it| it.with("target", to));
                    }
                    Some(Edge { to: number?, sets })
                };
                exits(node).into_iter().filter_map(resolve).collect()
            })
            .collect();
        let mut named = |target: &NodeId, pointer: &str| {
            let number = numbers.get(target).copied();
            if number.is_none() {
                report.document_error(codes::NO_SUCH_NODE, pointer, |it| it.with("target", target));
            }
            number
        };
        let catch = document.catch.as_ref().map(|catch| named(&catch.to, "/catch/to"));
        let entry = named(&document.entry, "/entry");
        // A `join` names its fork, which is no way out of it.
        for (id, node) in &nodes {
            if let NodeKind::Action(Action::Join { fork, .. }) = &node.kind
                && !numbers.contains_key(fork)
            {
                complete = false;
                report.error(codes::NO_SUCH_NODE, id, Spot::Member("fork"), |it| it.with("target", fork));
            }
        }
        if !complete || catch == Some(None) {
            return None;
        }
        Some(Self { nodes, edges, entry: entry?, catch: catch.flatten() })
    }

    pub(super) fn id(&self, index: Index) -> &'a NodeId {
        self.nodes[index].0
    }

    pub(super) fn node(&self, index: Index) -> &'a Node {
        self.nodes[index].1
    }

    /// Which nodes can be reached from some.
    fn reachable(&self, roots: impl IntoIterator<Item = Index>) -> Vec<bool> {
        flood(self.nodes.len(), roots, |index| self.edges[index].iter().map(|edge| edge.to))
    }

    /// Checks reachability, the `kind` rule and the names of timers.
    pub(super) fn check(&self, kind: FlowKind, report: &mut Report<'a>) {
        let reached = self.reachable([self.entry].into_iter().chain(self.catch));
        for (index, _) in reached.iter().enumerate().filter(|(_, reached)| !**reached) {
            report.error(codes::UNREACHABLE, self.id(index), None, |it| it.with("node", self.id(index)));
        }
        self.check_ends(kind, &reached, report);
        self.check_timers(report);
    }

    fn check_ends(&self, kind: FlowKind, reached: &[bool], report: &mut Report<'a>) {
        let code = match kind {
            FlowKind::Procedure => codes::NO_WAY_TO_END,
            FlowKind::Machine => codes::NO_WAY_TO_WAIT,
        };
        let is_end = |index: &Index| match &self.node(*index).kind {
            NodeKind::Return(_) => true,
            NodeKind::Action(Action::Await { .. }) => kind == FlowKind::Machine,
            _ => false,
        };
        let mut sources: Vec<Vec<Index>> = vec![Vec::new(); self.nodes.len()];
        for (from, edges) in self.edges.iter().enumerate() {
            for edge in edges {
                sources[edge.to].push(from);
            }
        }
        let ends = (0..self.nodes.len()).filter(is_end);
        let ending = flood(self.nodes.len(), ends, |index| sources[index].iter().copied());
        // Of nodes that lead to nothing but each other, those where one comes in.
        let comes_in = |index: Index| {
            index == self.entry || Some(index) == self.catch || sources[index].iter().any(|from| ending[*from])
        };
        for index in (0..self.nodes.len()).filter(|index| reached[*index] && !ending[*index] && comes_in(*index)) {
            report.error(code, self.id(index), None, |it| it.with("node", self.id(index)));
        }
    }

    fn check_timers(&self, report: &mut Report<'a>) {
        let name = |node: &'a Node| match &node.kind {
            NodeKind::Action(Action::Timer { name, .. }) => Some(name.as_str()),
            _ => None,
        };
        let started: BTreeSet<&str> = self.nodes.iter().filter_map(|(_, node)| name(node)).collect();
        for (id, node) in &self.nodes {
            if let NodeKind::Action(Action::Await { what: Awaited::Timer(name), .. }) = &node.kind
                && !started.contains(name.as_str())
            {
                report.error(codes::NO_SUCH_TIMER, id, Spot::Member("timer"), |it| it.with("timer", name));
            }
        }
    }
}

/// The nodes that can be reached from `roots` along `steps`.
fn flood<I: Iterator<Item = Index>>(
    count: usize,
    roots: impl IntoIterator<Item = Index>,
    steps: impl Fn(Index) -> I,
) -> Vec<bool> {
    let mut reached = vec![false; count];
    let mut rest: Vec<Index> = roots.into_iter().collect();
    while let Some(index) = rest.pop() {
        if !std::mem::replace(&mut reached[index], true) {
            rest.extend(steps(index).filter(|next| !reached[*next]));
        }
    }
    reached
}
