//! Definite assignment: each variable is set before it is read, and each cursor started before it is advanced, on every
//! path.
//!
//! A forward data-flow analysis over sets of names: what is known at a node is what is known at the end of *every* edge
//! into it. Names are taken 1024 at a time, so that memory stays linear in the number of nodes.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::expressions::Reads;
use super::forks::{Branches, Region};
use super::graph::{Graph, Index};
use super::parts::Spot;
use super::{Report, codes};
use crate::document::{Action, Document, NodeKind};

/// Variables and cursors have namespaces of their own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Name<'a> {
    Variable(&'a str),
    Cursor(&'a str),
}

/// Checks that each name is set before it is used.
pub(super) fn check<'a>(
    document: &'a Document,
    graph: &Graph<'a>,
    branches: &Branches<'a>,
    reads: &'a [Reads<'a>],
    report: &mut Report<'a>,
) {
    let caught = document.catch.as_ref().and_then(|catch| catch.into.as_deref());
    let set = all_set(graph, branches, caught);
    let mut numbers: BTreeMap<Name<'a>, usize> = BTreeMap::new();
    let mut uses = Vec::with_capacity(graph.nodes.len());
    for ((id, node), reads) in graph.nodes.iter().zip(reads) {
        let reads = reads.iter().map(|(variable, spot)| (Name::Variable(variable), *spot));
        let advances = match &node.kind {
            NodeKind::Action(Action::Iter { cursor, .. }) => Some((Name::Cursor(cursor), Spot::Member("cursor"))),
            _ => None,
        };
        let mut of_node = Vec::new();
        for (name, spot) in reads.chain(advances) {
            match name {
                Name::Variable(variable) if !set.contains(&name) => {
                    report.error(codes::UNKNOWN_VARIABLE, id, spot, |it| it.with("variable", variable));
                }
                _ => {
                    let next = numbers.len();
                    of_node.push(Use { name, number: *numbers.entry(name).or_insert(next), spot });
                }
            }
        }
        uses.push(of_node);
    }
    let analysis = Analysis {
        graph,
        branches,
        caught,
        sets: edge_sets(graph, &numbers),
        numbers: &numbers,
        order: order(graph, graph.entry),
        order_of_catch: graph.catch.map(|catch| order(graph, catch)),
    };
    for first in (0..numbers.len()).step_by(Names::CAPACITY) {
        analysis.check(first, &uses, report);
    }
}

/// A name that a node uses.
struct Use<'a> {
    name: Name<'a>,
    /// The name's number.
    number: usize,
    spot: Spot<'a>,
}

/// Every name that is set anywhere.
fn all_set<'a>(graph: &Graph<'a>, branches: &Branches<'a>, caught: Option<&'a str>) -> BTreeSet<Name<'a>> {
    let by_edges = graph.edges.iter().flatten().flat_map(|edge| edge.sets.iter().copied());
    let by_branches = branches.all.iter().flat_map(|place| place.branch.writes.iter().map(String::as_str));
    by_edges.chain(by_branches).chain(caught).map(Name::Variable).collect()
}

/// For each edge of each node, the numbers of the names that it sets.
fn edge_sets(graph: &Graph<'_>, numbers: &BTreeMap<Name<'_>, usize>) -> Vec<Vec<Vec<usize>>> {
    let of_node = |index: Index| {
        let started = match &graph.node(index).kind {
            NodeKind::Action(Action::Each { cursor, .. }) => Some(Name::Cursor(cursor)),
            _ => None,
        };
        let edges = graph.edges[index].iter().enumerate();
        edges
            .map(|(position, edge)| {
                let variables = edge.sets.iter().map(|variable| Name::Variable(variable));
                // The first way out of an `each` is `next`.
                let started = started.filter(|_| position == 0);
                variables.chain(started).filter_map(|name| numbers.get(&name).copied()).collect()
            })
            .collect()
    };
    (0..graph.nodes.len()).map(of_node).collect()
}

/// A set of names out of a range of [`Names::CAPACITY`].
#[derive(Clone, Copy, PartialEq, Eq)]
struct Names([u64; 16]);

impl Names {
    const CAPACITY: usize = 1024;
    const NONE: Self = Self([0; 16]);
    const ALL: Self = Self([u64::MAX; 16]);

    fn contains(&self, number: usize) -> bool {
        self.0.get(number / 64).is_some_and(|word| word >> (number % 64) & 1 == 1)
    }

    fn insert(&mut self, number: usize) {
        if let Some(word) = self.0.get_mut(number / 64) {
            *word |= 1 << (number % 64);
        }
    }

    fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= other);
        self
    }

    fn or(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        self
    }
}

struct Analysis<'g, 'a> {
    graph: &'g Graph<'a>,
    branches: &'g Branches<'a>,
    /// The variable that the document's `catch` sets.
    caught: Option<&'a str>,
    numbers: &'g BTreeMap<Name<'a>, usize>,
    sets: Vec<Vec<Vec<usize>>>,
    /// The order in which nodes are looked at from the entry, and from the document's `catch`.
    order: Vec<usize>,
    order_of_catch: Option<Vec<usize>>,
}

impl<'a> Analysis<'_, 'a> {
    /// Checks the names whose numbers follow `first`.
    fn check(&self, first: usize, uses: &[Vec<Use<'a>>], report: &mut Report<'a>) {
        let names = first..first.saturating_add(Names::CAPACITY);
        let normal = self.solve(first, self.graph.entry, Names::NONE, &self.order);
        let catch = self.graph.catch.zip(self.order_of_catch.as_ref());
        let after_error = catch.map(|(catch, order)| self.solve(first, catch, self.at_catch(first, &normal), order));
        for (index, uses) in uses.iter().enumerate() {
            let known = normal[index].unwrap_or(Names::ALL);
            let known_after_error = after_error.as_ref().and_then(|states| states[index]).unwrap_or(Names::ALL);
            for Use { name, number, spot } in uses.iter().filter(|used| names.contains(&used.number)) {
                let number = number.saturating_sub(first);
                let id = self.graph.id(index);
                match name {
                    Name::Variable(variable) if !known.contains(number) => {
                        report.error(codes::UNASSIGNED, id, *spot, |it| it.with("variable", variable));
                    }
                    Name::Variable(variable) if !known_after_error.contains(number) => {
                        report.warning(codes::NULL_AFTER_ERROR, id, *spot, |it| it.with("variable", variable));
                    }
                    Name::Cursor(cursor) if !known.and(&known_after_error).contains(number) => {
                        report.error(codes::ITER_WITHOUT_EACH, id, *spot, |it| it.with("cursor", cursor));
                    }
                    _ => {}
                }
            }
        }
    }

    /// What is set when the document's `catch` begins: what is set at every node whose error may go there. The error of a
    /// node in a branch goes to its fork.
    fn at_catch(&self, first: usize, normal: &[Option<Names>]) -> Names {
        let mut known = normal
            .iter()
            .enumerate()
            .filter(|(index, _)| self.branches.of[*index] == Region::Main && self.graph.node(*index).on_error.is_none())
            .filter_map(|(_, state)| state.as_ref())
            .fold(Names::ALL, Names::and);
        if let Some(number) = self.caught.and_then(|variable| self.numbers.get(&Name::Variable(variable))) {
            known = with(known, &[*number], first);
        }
        known
    }

    /// For each node that `root` leads to, what is set there.
    fn solve(&self, first: usize, root: Index, at_root: Names, order: &[usize]) -> Vec<Option<Names>> {
        let mut solution = Solution {
            states: vec![None; self.graph.nodes.len()],
            arrived: vec![Names::ALL; self.branches.all.len()],
            queued: vec![false; self.graph.nodes.len()],
            queue: BinaryHeap::new(),
            order,
        };
        solution.meet(root, at_root);
        while let Some((_, index)) = solution.queue.pop().map(|Reverse(entry)| entry) {
            solution.queued[index] = false;
            if matches!(self.graph.node(index).kind, NodeKind::Action(Action::Join { .. })) {
                solution.states[index] = self.joined(first, index, &solution);
            }
            let Some(known) = solution.states[index] else { continue };
            for (position, edge) in self.graph.edges[index].iter().enumerate() {
                let known = with(known, &self.sets[index][position], first);
                match self.arrives(index, position, edge.to) {
                    Arrival::Node => solution.meet(edge.to, known),
                    Arrival::Branch(number) => {
                        let both = solution.arrived[number].and(&known);
                        if std::mem::replace(&mut solution.arrived[number], both) != both {
                            solution.revisit(edge.to);
                        }
                    }
                    Arrival::Join => solution.revisit(edge.to),
                }
            }
        }
        solution.states
    }

    fn arrives(&self, from: Index, position: usize, to: Index) -> Arrival {
        if let NodeKind::Action(Action::Fork { branches, .. }) = &self.graph.node(from).kind {
            let branch = self.branches.first_of(from).and_then(|first| first.checked_add(position));
            return match branch {
                // A branch without a node.
                Some(number) if position < branches.len() && self.branches.all[number].join == to => {
                    Arrival::Branch(number)
                }
                _ if position == branches.len() => Arrival::Join,
                _ => Arrival::Node,
            };
        }
        match self.branches.of[from] {
            Region::Branch(number) if self.branches.all[number].join == to => Arrival::Branch(number),
            _ => Arrival::Node,
        }
    }

    /// After a join everything is set that was set at the fork, and of each branch what it writes and has set.
    fn joined(&self, first: usize, join: Index, solution: &Solution<'_>) -> Option<Names> {
        let fork = self.branches.fork_of(join)?;
        let mut known = solution.states[fork]?;
        for (number, place) in self.branches.of_fork(fork) {
            let writes: Vec<usize> = place
                .branch
                .writes
                .iter()
                .filter_map(|variable| self.numbers.get(&Name::Variable(variable)).copied())
                .collect();
            known = known.or(&with(Names::NONE, &writes, first).and(&solution.arrived[number]));
        }
        Some(known)
    }
}

/// For each node its position in reverse postorder from `root`: most nodes are then looked at after all that lead
/// to them.
fn order(graph: &Graph<'_>, root: Index) -> Vec<usize> {
    let count = graph.nodes.len();
    let mut order = vec![usize::MAX; count];
    let mut seen = vec![false; count];
    let mut last = count;
    let mut stack = vec![(root, 0)];
    seen[root] = true;
    while let Some((index, position)) = stack.pop() {
        if let Some(edge) = graph.edges[index].get(position) {
            stack.push((index, position.saturating_add(1)));
            if !std::mem::replace(&mut seen[edge.to], true) {
                stack.push((edge.to, 0));
            }
        } else {
            last = last.saturating_sub(1);
            order[index] = last;
        }
    }
    order
}

/// Where an edge arrives.
enum Arrival {
    Node,
    /// At the end of a branch.
    Branch(usize),
    /// From a fork at its own join.
    Join,
}

struct Solution<'o> {
    states: Vec<Option<Names>>,
    /// For each branch what is set wherever it arrives at its join.
    arrived: Vec<Names>,
    queued: Vec<bool>,
    queue: BinaryHeap<Reverse<(usize, Index)>>,
    order: &'o [usize],
}

impl Solution<'_> {
    fn meet(&mut self, index: Index, known: Names) {
        let both = self.states[index].map_or(known, |state| state.and(&known));
        if self.states[index] != Some(both) {
            self.states[index] = Some(both);
            self.revisit(index);
        }
    }

    fn revisit(&mut self, index: Index) {
        if !std::mem::replace(&mut self.queued[index], true) {
            self.queue.push(Reverse((self.order[index], index)));
        }
    }
}

/// The set with some names more, of those that it has room for.
fn with(mut known: Names, numbers: &[usize], first: usize) -> Names {
    for number in numbers.iter().filter_map(|number| number.checked_sub(first)) {
        known.insert(number);
    }
    known
}
